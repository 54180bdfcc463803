// From a plugin's name or file to a plugin type, ready to be instantiated.

import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { nearest } from "../graph/nearest.ts";
import { type Compile, DEFAULT_LIMITS, limitHint, type Limits, PluginType } from "../sandbox/index.ts";
import { findBuiltin, isFileName } from "./builtins.ts";
import { compileInChild } from "./compile.ts";
import { readRegularFile } from "./read-file.ts";

export interface LoadOptions {
  limits?: Partial<Limits>;
  /** How the vetted module is compiled; by default in a child process first, which a costly module can't harm. */
  compile?: Compile;
}

/**
 * Loads a plugin by name ("sine", "builtin.sine") or file ("./my.wasm").
 * @throws BelljarError plugin/unknown, file/*, module/*, descriptor/*
 */
export async function loadPluginType(name: string, options: LoadOptions = {}): Promise<PluginType> {
  const bytes = await readPlugin(name, options.limits?.moduleBytes);
  return PluginType.load(bytes, {
    compile: options.compile ?? compileInChild,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
}

/**
 * The bytes of a plugin's module; nothing in them has been looked at.
 * @throws BelljarError plugin/unknown, file/*
 */
export async function readPlugin(
  name: string,
  most: number = DEFAULT_LIMITS.moduleBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const path = isFileName(name) ? name : findBuiltin(name).path;
    return await readRegularFile(path, most, "a plugin");
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    const { code, message } = error;
    if (code === "file/too-large") throw new BelljarError(code, message, limitHint("moduleBytes"));
    if (code === "file/not-found") throw new BelljarError(code, message, await hintNear(name));
    throw error;
  }
}

/** "Did you mean build/gain.wasm?", from what lies in the same folder. */
async function hintNear(path: string): Promise<string> {
  const folder = dirname(path);
  try {
    const modules = (await readdir(folder)).filter((file) => file.endsWith(".wasm"));
    const near = nearest(basename(path), modules);
    return near === null ? "" : `Did you mean ${printable(join(folder, near))}?`;
  } catch {
    return "";
  }
}
