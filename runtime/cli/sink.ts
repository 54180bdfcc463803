// What the commands that make sound have in common: the user's own settings, and the sidecar that they lead to.

import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { configPath, readSinkConfig, type SinkConfig } from "../output/sink-config.ts";
import { text } from "./options.ts";

export const SINK_OPTIONS = {
  sidecar: text(),
  portaudio: text(),
};

/**
 * The settings of the user's configuration file ("output" in it), and what the command line says instead.
 * @throws BelljarError config/*
 */
export function readSettings(options: {
  sidecar?: string | undefined;
  portaudio?: string | undefined;
}): SinkConfig {
  const file = configPath();
  const config = readSinkConfig(
    existsSync(file) ? outputOf(file) : {},
    `"output" in ${printable(file, 200)}`,
  );
  if (options.sidecar !== undefined) config.sidecar_path = path.resolve(options.sidecar);
  if (options.portaudio !== undefined) {
    config.sidecar_args = [...config.sidecar_args, "--portaudio", path.resolve(options.portaudio)];
  }
  return config;
}

function outputOf(file: string): unknown {
  const shown = printable(file, 200);
  // Opening a named pipe would wait for its other end.
  if (!statSync(file).isFile()) throw new BelljarError("config/file", `${shown} is no file.`);
  let text_: string;
  try {
    text_ = readFileSync(file, "utf8");
  } catch (error) {
    const why = printable(String((error as NodeJS.ErrnoException).code), 20);
    throw new BelljarError("config/file", `${shown} can't be read (${why}).`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text_);
  } catch (error) {
    const why = printable((error as Error).message, 200);
    throw new BelljarError("config/json", `${shown} is no JSON that can be read: ${why}.`);
  }
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw new BelljarError("config/value", `${shown} must hold an object.`);
  }
  for (const key of Object.keys(json)) {
    if (key === "output") continue;
    const known = 'Known is "output" alone.';
    throw new BelljarError("config/key", `${shown} has "${printable(key, 60)}", which is not known.`, known);
  }
  return "output" in json ? json.output : {};
}
