// A session's node becomes a plugin instance: configured, activated, its parameters set; errors name the node.

import { createHash } from "node:crypto";
import path from "node:path";
import {
  type ConfigParam,
  isInput,
  type PluginDescriptor,
  type PortDescriptor,
} from "../../abi/descriptor.ts";
import { BelljarError, listed, printable } from "../../abi/error.ts";
import { didYouMean } from "../graph/index.ts";
import { readRegularFile } from "../registry/read-file.ts";
import type { PluginInstance, PluginType } from "../sandbox/index.ts";
import type { Json } from "./json.ts";
import { describeRange, parseValue, shortNumber } from "./parameter-text.ts";
import type { Recordings } from "./recordings.ts";
import type { SessionNode } from "./session.ts";
import { insideFolder } from "./session-files.ts";

export interface SetupPlace {
  /** The session's folder; null: files can't be named. */
  folder: string | null;
  rate: number;
  block: number;
  /** Milliseconds, for deadlines. */
  clock?: (() => number) | undefined;
  /** Config parameter id -> hash of its file. The first time it is filled; afterwards another file is refused. */
  files?: Map<string, string> | undefined;
  /** Where every instance is recorded. */
  record?: Recordings | undefined;
}

/** What an instance takes over from the one whose place it is to take. */
export interface Inheritance {
  /** The plugin's own state; null: it begins as new. */
  state: Uint8Array | null;
  /** Graph editor port id -> what the host set last, instead of the node's. */
  graphData: ReadonlyMap<string, string>;
}

/** Makes, configures and activates an instance as the node says. Throws BelljarError naming the node; the instance is then gone. */
export async function setUpPlugin(
  type: PluginType,
  node: SessionNode,
  place: SetupPlace,
  from?: Inheritance,
): Promise<PluginInstance> {
  const watcher = place.record?.begin(type, node.id, node.type);
  let instance: PluginInstance | undefined;
  try {
    instance = type.instantiate({
      ...(place.clock === undefined ? {} : { now: place.clock }),
      ...(watcher === undefined ? {} : { watcher }),
    });
    for (const [id, value] of node.config) await configure(instance, id, value, place);
    instance.activate(place.rate, place.block);
    if (from !== undefined && from.state !== null) instance.loadState(from.state);
    for (const [id, json] of from?.graphData ?? []) instance.setGraphData(id, json);
    for (const [id, value] of node.params) {
      if (from?.graphData.has(id) !== true) setParameter(instance, id, value);
    }
    return instance;
  } catch (error) {
    watcher?.refused(error);
    instance?.dispose();
    throw ofNode(node.id, error);
  }
}

/** The error, with the node's name in front. */
export function ofNode(id: string, error: unknown): unknown {
  const name = `The node "${printable(id)}"`;
  if (!(error instanceof BelljarError) || error.message.startsWith(name)) return error;
  return new BelljarError(error.code, `${name}: ${error.message}`, error.hint);
}

async function configure(
  instance: PluginInstance,
  id: string,
  value: Json,
  { folder, files }: SetupPlace,
): Promise<void> {
  const params = instance.descriptor.config_params;
  const param = params.find((candidate) => candidate.id === id);
  if (param === undefined) {
    throw unknown(
      "config",
      id,
      params.map((candidate) => candidate.id),
    );
  }
  if (param.type !== "filepath") {
    instance.configure(id, configText(param, value));
    return;
  }
  if (typeof value !== "string") throw badConfig(param, value, "the name of a file");
  if (value === "") {
    instance.configureFile(id, "", null);
    return;
  }
  if (folder === null) {
    throw new BelljarError("session/file", `"${printable(id)}" names a file, but the session has no folder.`);
  }
  const file = await insideFolder(folder, value, `"${printable(id)}"`);
  const bytes = await readRegularFile(file, instance.type.limits.fileBytes, "a file for a plugin", true);
  const hash = createHash("sha256").update(bytes).digest("hex");
  if ((files?.get(id) ?? hash) !== hash) {
    throw new BelljarError(
      "session/file-changed",
      `"${printable(id)}" names the file "${printable(value)}", which is another now than when the session began.`,
    );
  }
  files?.set(id, hash);
  instance.configureFile(id, path.basename(file), bytes);
}

/** A config value as the contract encodes it. */
export function configText(param: ConfigParam, value: Json): string {
  switch (param.type) {
    case "bool":
      if (value === true || value === "true") return "true";
      if (value === false || value === "false") return "false";
      throw badConfig(param, value, "true or false");
    case "integer":
    case "float": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      const whole = param.type === "integer";
      if (typeof number === "number" && (whole ? Number.isSafeInteger(number) : Number.isFinite(number))) {
        return String(number);
      }
      throw badConfig(param, value, whole ? "a whole number" : "a number");
    }
    case "categorical": {
      const known = listed(param.choices.map((choice) => `"${printable(choice, 40)}"`));
      if (typeof value === "string" && param.choices.includes(value)) return value;
      throw badConfig(param, value, `one of ${known}`);
    }
    default:
      if (typeof value === "string") return value;
      throw badConfig(param, value, "a text");
  }
}

function badConfig(param: ConfigParam, value: Json, wanted: string): BelljarError {
  const shown = typeof value === "string" ? `"${printable(value, 60)}"` : kindOf(value);
  return new BelljarError("session/config", `"${printable(param.id, 60)}" must be ${wanted}, not ${shown}.`);
}

function kindOf(value: Json): string {
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function setParameter(instance: PluginInstance, id: string, value: number | string | boolean): void {
  const found = parameterOf(instance.descriptor, id, value);
  if (found === null) instance.setGraphData(id, String(value));
  else instance.controlsIn[found.slot] = found.value;
}

/**
 * Which element of controlsIn a session's parameter is, and what it is set to; null: it is a graph editor's data.
 * @throws BelljarError session/param
 */
export function parameterOf(
  descriptor: PluginDescriptor,
  id: string,
  value: number | string | boolean,
): { slot: number; value: number } | null {
  let slot = -1;
  const inputs = descriptor.ports.filter((port) => port.type === "control" && isInput(port));
  const port = inputs.find((candidate, index) => {
    slot = index;
    return candidate.id === id;
  });
  if (port === undefined)
    throw unknown(
      "parameter",
      id,
      inputs.map((candidate) => candidate.id),
    );
  if (port.hint === "graph_editor") return null;
  return { slot, value: typeof value === "number" ? checkNumber(port, value) : checkText(port, value) };
}

function checkNumber(port: PortDescriptor, value: number): number {
  // Compared as the plugin holds them: a bound of 0.3 may have travelled as the nearest float32.
  const single = Math.fround(value);
  const whole = port.choices.length > 0 || port.hint === "integer" || port.hint === "toggle";
  if (
    single >= Math.fround(port.min) &&
    single <= Math.fround(port.max) &&
    (!whole || Number.isInteger(value))
  ) {
    return value;
  }
  throw new BelljarError(
    "session/param",
    `${shortNumber(value)} is no value for "${printable(port.id, 60)}", which takes ${describeRange(port)}.`,
  );
}

function checkText(port: PortDescriptor, value: string | boolean): number {
  try {
    return parseValue(port, String(value));
  } catch (error) {
    if (error instanceof BelljarError) throw new BelljarError("session/param", error.message, error.hint);
    throw error;
  }
}

function unknown(what: "config" | "parameter", id: string, known: readonly string[]): BelljarError {
  const all =
    known.length === 0 ? "It has none." : `It has ${listed(known.map((one) => printable(one, 60)))}.`;
  return new BelljarError(
    what === "config" ? "session/config" : "session/param",
    `There is no ${what === "config" ? "config parameter" : "parameter"} "${printable(id, 60)}".`,
    didYouMean(id, known, all),
  );
}
