// The session file: nodes, their values, and the wires between them. Here its own form is checked; whether the
// plugins, ports and files that it names are there, prepare.ts finds out.

import { BelljarError, printable } from "../../abi/error.ts";
import { type ChannelChoice, didYouMean, type WireSpec } from "../graph/index.ts";
import { type Json, parseJson } from "./json.ts";
import { ON_FAULT, type OnFault, WHILE_FAULTY, type WhileFaulty } from "./recovery.ts";

export const SESSION_MAX_BYTES = 8 * 1024 * 1024;
export const SESSION_MAX_NODES = 1024;
export const SESSION_MAX_WIRES = 16384;
/** Bounds of sample rates (Hz) and block sizes (frames), in sessions and on the command line. */
export const LOWEST_RATE = 8000;
export const HIGHEST_RATE = 384000;
export const LONGEST_BLOCK = 8192;

export interface SessionNode {
  id: string;
  /** A plugin's name or file, or "track_source", "file_source", "event_input", "master". */
  type: string;
  /** Control port id -> value: a number, or text as the command line takes it. */
  params: Map<string, number | string | boolean>;
  /** Config parameter id -> value. */
  config: Map<string, Json>;
  /** What follows when it has stopped. Default: "off". */
  onFault?: OnFault | undefined;
  /** What is heard then. Default: "silence". */
  whileFaulty?: WhileFaulty | undefined;
}

export interface Session {
  /** What errors call it; safe to print. */
  name: string;
  /** Hz, or null: not said. */
  sampleRate: number | null;
  /** Frames, or null: not said. */
  blockSize: number | null;
  /** Quarter notes a minute, where no MIDI file says otherwise. */
  bpm: number;
  nodes: SessionNode[];
  wires: WireSpec[];
}

/**
 * Reads a session from JSON text. One that has no node of type "master" gets one with that id.
 * @param name what errors call it
 * @throws BelljarError session/json, session/too-large, session/key, session/value, session/duplicate-node
 */
export function parseSession(text: string, name: string): Session {
  const shown = printable(name);
  if (text.length > SESSION_MAX_BYTES) {
    throw new BelljarError(
      "session/too-large",
      `${shown} is larger than ${SESSION_MAX_BYTES / 1048576} MiB, the most for a session.`,
    );
  }
  const root = new Fields(parseJson(text, shown, "session/json"), shown);
  root.known(["sample_rate", "bpm", "block_size", "nodes", "connections"]);
  const nodes = root
    .list("nodes", SESSION_MAX_NODES, true)
    .map((entry, index) => parseNode(new Fields(entry, `${shown}, node ${index + 1}`)));
  const wires = root
    .list("connections", SESSION_MAX_WIRES, false)
    .map((entry, index) => parseWire(new Fields(entry, `${shown}, connection ${index + 1}`)));
  addMaster(nodes, shown);
  return {
    name: shown,
    sampleRate: root.number("sample_rate", LOWEST_RATE, HIGHEST_RATE, true),
    blockSize: root.number("block_size", 1, LONGEST_BLOCK, true),
    bpm: root.number("bpm", 1, 1000, false) ?? 120,
    nodes,
    wires,
  };
}

function parseNode(fields: Fields): SessionNode {
  const id = fields.text("id");
  if (id === "" || id.length > 64 || printable(id) !== id) {
    fields.fail("session/value", '"id" must have 1 to 64 visible characters');
  }
  const inner: Fields = new Fields(fields.json, `${fields.name} ("${id}")`);
  inner.known(["id", "type", "params", "config", "on_fault", "while_faulty"]);
  const params = new Map<string, number | string | boolean>();
  for (const [key, value] of inner.map("params")) {
    if (typeof value !== "number" && typeof value !== "string" && typeof value !== "boolean") {
      inner.fail(
        "session/value",
        `the parameter "${printable(key, 60)}" must be a number, a text, true or false`,
      );
    }
    params.set(key, value);
  }
  return {
    id,
    type: inner.text("type"),
    params,
    config: inner.map("config"),
    onFault: inner.choice("on_fault", ON_FAULT),
    whileFaulty: inner.choice("while_faulty", WHILE_FAULTY),
  };
}

function parseWire(fields: Fields): WireSpec {
  fields.known(["from_node", "from_port", "to_node", "to_port", "channel", "feedback"]);
  const channel = fields.get("channel");
  if (channel !== undefined && channel !== "sum" && channel !== "left" && channel !== "right") {
    fields.fail("session/value", '"channel" must be "sum", "left" or "right"');
  }
  const feedback = fields.get("feedback");
  if (feedback !== undefined && typeof feedback !== "boolean") {
    fields.fail("session/value", '"feedback" must be true or false');
  }
  return {
    from: fields.text("from_node"),
    fromPort: fields.text("from_port"),
    to: fields.text("to_node"),
    toPort: fields.text("to_port"),
    channel: channel as ChannelChoice | undefined,
    feedback,
  };
}

function addMaster(nodes: SessionNode[], name: string): void {
  const ids = new Set<string>();
  for (const node of nodes) {
    if (ids.has(node.id)) {
      throw new BelljarError("session/duplicate-node", `${name} has two nodes with the id "${node.id}".`);
    }
    ids.add(node.id);
  }
  const masters = nodes.filter((node) => node.type === "master");
  if (masters.length > 1) {
    throw new BelljarError(
      "session/master",
      `${name} has more than one master: ${masters.map((node) => `"${node.id}"`).join(", ")}.`,
    );
  }
  if (masters.length === 1) return;
  if (ids.has("master")) {
    throw new BelljarError(
      "session/master",
      `${name} has a node "master" that is no master.`,
      'Give it another id, or add a node of type "master".',
    );
  }
  nodes.push({ id: "master", type: "master", params: new Map(), config: new Map() });
}

/** The entries of one JSON object, with a name for errors. */
class Fields {
  readonly json: Json;
  readonly name: string;
  private readonly entries: Map<string, Json>;

  constructor(json: Json, name: string) {
    this.json = json;
    this.name = name;
    if (!(json instanceof Map)) this.fail("session/value", "an object must stand here");
    this.entries = json;
  }

  fail(code: string, what: string, hint = ""): never {
    throw new BelljarError(code, `${this.name}: ${what}.`, hint);
  }

  known(keys: readonly string[]): void {
    for (const key of this.entries.keys()) {
      if (keys.includes(key)) continue;
      this.fail(
        "session/key",
        `there is no key "${printable(key, 60)}" here`,
        didYouMean(key, keys, `The keys are ${keys.join(", ")}.`),
      );
    }
  }

  get(key: string): Json | undefined {
    return this.entries.get(key);
  }

  text(key: string): string {
    const value = this.entries.get(key);
    if (value === undefined) this.fail("session/value", `"${key}" is missing`);
    if (typeof value !== "string") this.fail("session/value", `"${key}" must be a text`);
    return value;
  }

  choice<T extends string>(key: string, known: readonly T[]): T | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    const all = known.map((one) => `"${one}"`);
    this.fail(
      "session/value",
      `"${key}" must be ${all.slice(0, -1).join(", ")} or ${all[all.length - 1]}`,
      typeof value === "string" ? didYouMean(value, known, "") : "",
    );
  }

  number(key: string, min: number, max: number, whole: boolean): number | null {
    const value = this.entries.get(key);
    if (value === undefined) return null;
    if (typeof value !== "number" || value < min || value > max || (whole && !Number.isInteger(value))) {
      this.fail("session/value", `"${key}" must be a ${whole ? "whole " : ""}number from ${min} to ${max}`);
    }
    return value;
  }

  list(key: string, most: number, needed: boolean): Json[] {
    const value = this.entries.get(key);
    if (value === undefined) {
      if (needed) this.fail("session/value", `"${key}" is missing`);
      return [];
    }
    if (!Array.isArray(value)) this.fail("session/value", `"${key}" must be a list`);
    if (value.length > most) {
      this.fail("session/too-large", `"${key}" has ${value.length} entries; ${most} are the most`);
    }
    return value;
  }

  map(key: string): Map<string, Json> {
    const value = this.entries.get(key);
    if (value === undefined) return new Map();
    if (!(value instanceof Map)) this.fail("session/value", `"${key}" must be an object`);
    return value;
  }
}
