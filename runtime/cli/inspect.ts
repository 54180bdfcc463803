// `belljar inspect`: what a plugin is, what it needs, and whether the sandbox accepts it.

import { basename } from "node:path";
import { isInput, type PluginDescriptor, type PortDescriptor, type Preset } from "../../abi/descriptor.ts";
import { BelljarError, printable, UNSHOWABLE } from "../../abi/error.ts";
import { describeRange, formatValue, shortNumber } from "../engine/parameter-text.ts";
import { compileInChild } from "../registry/compile.ts";
import { readPlugin } from "../registry/load.ts";
import { inspectModule, type ModuleFacts, PluginType } from "../sandbox/index.ts";
import { notesOn } from "./inspect-notes.ts";
import { describeLimits, limits } from "./limits.ts";
import { flag, parseOptions, takePositionals } from "./options.ts";
import { painter, table } from "./table.ts";

export const name = "inspect";
export const summary = "Show what a plugin is and needs, and whether it is accepted";
export const help = `Shows a plugin's ports, settings and presets, what its module imports, holds and uses,
and what vetting says of it. Nothing of the plugin runs before it is accepted.

Usage: belljar inspect PLUGIN [--limit NAME=VALUE] [--json]
       belljar inspect --limits [--json]

  PLUGIN              a built-in plugin's id, or a .wasm file
  --limit NAME=VALUE  change one of the sandbox's limits; repeatable
  --limits            list all limits and their defaults
  --json              print everything as JSON

Exit code: 0 accepted, 2 refused, not readable, or wrong when it is activated. A plugin that refuses to be
activated as it is, without its files, is accepted.

Examples:
  belljar inspect sine
  belljar inspect ./my-plugin.wasm
  belljar inspect builtin.delay --json
  belljar inspect ./large.wasm --limit moduleBytes=8000000
`;

const RATE = 48000;
const FRAMES = 128;
/** The column of a control's table that may be left out. */
const MORE = 5;

/** What the plugin says once it is activated. */
interface Activation {
  latency: number;
  tail: number;
}

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, { json: flag(), limits: flag(), limit: limits() });
  if (options.limits) {
    takePositionals(positionals, []);
    process.stdout.write(describeLimits(options.json));
    return 0;
  }
  const [plugin = ""] = takePositionals(positionals, ["PLUGIN"]);
  const bytes = await readPlugin(plugin, options.limit.moduleBytes);
  let facts: ModuleFacts | null = null;
  let type: PluginType | null = null;
  try {
    facts = inspectModule(bytes, options.limit);
    type = await PluginType.load(bytes, { compile: compileInChild, limits: options.limit });
    const activation = activate(type);
    if (options.json) {
      writeJson({ accepted: true, ...plainType(type, facts), activation: plainActivation(activation) });
    } else {
      process.stdout.write(describeType(type, facts, activation));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    if (options.json) {
      const { code, message, hint } = error;
      const known = type !== null && facts !== null ? plainType(type, facts) : { module: facts };
      writeJson({ accepted: false, error: { code, message, hint }, ...known });
    } else if (type !== null && facts !== null) {
      process.stdout.write(describeType(type, facts, error));
    } else if (facts !== null) {
      process.stdout.write(`${printable(basename(plugin))}\n\n${describeModule(facts, null, null)}`);
    }
    throw error;
  }
}

/**
 * Latency and tail as activation gives them; or the plugin's own words why it can't be activated as it is (a file may be missing).
 * What no configuring cures, a wrong layout or a fault, is thrown.
 */
function activate(type: PluginType): Activation | string {
  try {
    const instance = type.instantiate();
    instance.activate(RATE, FRAMES);
    return { latency: instance.latency, tail: instance.tail };
  } catch (error) {
    if (error instanceof BelljarError && error.code === "plugin/refused") return error.message;
    throw error;
  }
}

/** A terminal may obey what JSON lets stand as it is; graph data is the plugin's own text, and can hold that. */
function writeJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2).replace(UNSHOWABLE, (found) =>
    found === "\n" ? found : escaped(found),
  );
  process.stdout.write(`${text}\n`);
}

/** As JSON writes any character: \u and four digits, one or two times. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}

function plainType(type: PluginType, facts: ModuleFacts): Record<string, unknown> {
  const { descriptor, hash } = type;
  return { hash, module: facts, descriptor: plain(descriptor), notes: notesOn(facts, descriptor) };
}

function describeType(
  type: PluginType,
  facts: ModuleFacts,
  activation: Activation | string | BelljarError,
): string {
  const notes = notesOn(facts, type.descriptor).map((note) => `Note: ${note}\n`);
  return (
    describePlugin(type.descriptor) +
    describeModule(facts, type, activation) +
    (notes.length > 0 ? `\n${notes.join("")}` : "")
  );
}

function plain(descriptor: PluginDescriptor): unknown {
  const preset = (one: Preset) => ({
    name: one.name,
    params: Object.fromEntries(one.params),
    config: Object.fromEntries(one.config),
    graph: Object.fromEntries(one.graph),
    state: one.state ? Buffer.from(one.state).toString("base64") : null,
  });
  return { ...descriptor, ports: descriptor.ports.map(plainPort), presets: descriptor.presets.map(preset) };
}

/** Sound and events have none of a control's fields. */
function plainPort(port: PortDescriptor): Partial<PortDescriptor> {
  if (port.type === "control") return port;
  const { id, display_name, type, role, doc, group } = port;
  return { id, display_name, type, role, doc, group };
}

function plainActivation(activation: Activation | string): unknown {
  if (typeof activation === "string") return { error: activation };
  const { latency, tail } = activation;
  return { rate: RATE, max_frames: FRAMES, latency, tail: Number.isFinite(tail) ? tail : "infinite" };
}

function describePlugin(descriptor: PluginDescriptor): string {
  const paint = painter(process.stdout);
  const wide = process.stdout.isTTY ? process.stdout.columns : undefined;
  const line = (text: string) => printable(text, 400);
  const parts = [
    `${paint("bold", line(descriptor.display_name))}  ${line(descriptor.id)}  version ${descriptor.version}`,
    [descriptor.category, descriptor.author === "" ? "" : `by ${descriptor.author}`]
      .filter(Boolean)
      .map(line)
      .join(", "),
    line(descriptor.doc),
  ].filter((text) => text !== "");
  let text = `${parts.join("\n")}\n`;
  const controls = descriptor.ports.filter((port) => port.type === "control");
  const others = descriptor.ports.filter((port) => port.type !== "control");
  if (others.length > 0) {
    text += `\n${table([{ title: "PORT" }, { title: "TYPE" }, { title: "ROLE" }, { title: "WHAT IT IS" }], others.map(portRow), heading(paint), wide)}`;
  }
  if (controls.length > 0) {
    const rows = controls.map(controlRow);
    const columns = [
      { title: "CONTROL" },
      { title: "ROLE" },
      { title: "HINT" },
      { title: "DEFAULT", right: true },
      { title: "RANGE", most: 40 },
      { title: "MORE", most: 60 },
      { title: "WHAT IT IS" },
    ];
    // Most plugins have no control of which there is more to say.
    const plain = rows.every((row) => row[MORE] === "");
    const shown = <T>(cells: T[]) => (plain ? cells.filter((_, column) => column !== MORE) : cells);
    text += `\n${table(shown(columns), rows.map(shown), heading(paint), wide)}`;
  }
  if (descriptor.config_params.length > 0) {
    const rows = descriptor.config_params.map((param) => [
      line(param.id),
      param.type,
      line(param.default === "" ? "–" : param.default),
      line(param.choices.length > 0 ? param.choices.join(", ") : param.doc || param.display_name),
    ]);
    text += `\n${table([{ title: "CONFIG" }, { title: "TYPE" }, { title: "DEFAULT", most: 30 }, { title: "WHAT IT IS" }], rows, heading(paint), wide)}`;
  }
  if (descriptor.presets.length > 0) {
    const rows = descriptor.presets.map((preset) => [
      printable(preset.name, 60),
      presetValues(preset, descriptor),
    ]);
    text += `\n${table(
      [
        { title: "PRESET", most: 60 },
        { title: "SETS", most: 200 },
      ],
      rows,
      heading(paint),
      wide,
    )}`;
  }
  return `${text}\n`;
}

function heading(paint: ReturnType<typeof painter>): (cell: string, row: number) => string {
  return (cell, row) => (row < 0 ? paint("dim", cell) : cell);
}

function portRow(port: PortDescriptor): string[] {
  return [printable(port.id, 60), port.type, port.role, printable(port.doc || port.display_name, 120)];
}

function controlRow(port: PortDescriptor): string[] {
  const [id, , role, doc] = portRow(port) as [string, string, string, string];
  return [
    id,
    role,
    port.hint,
    isInput(port) ? formatValue(port, port.default) : "–",
    describeRange(port),
    qualities(port),
    doc,
  ];
}

/** What is special about a control, in the order of the contract's keys. */
function qualities(port: PortDescriptor): string {
  return [
    port.step > 0 && port.hint === "continuous" ? `steps of ${shortNumber(port.step)}` : "",
    port.graph_type === "" ? "" : printable(port.graph_type, 40),
    port.skew === 1 ? "" : `skew ${shortNumber(port.skew)}`,
    port.smoothing > 0 ? `glides ${shortNumber(port.smoothing)} ms` : "",
    port.bypass ? "bypass" : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** "gain=-6.0 dB, quality=best, …" */
function presetValues(preset: Preset, { ports }: PluginDescriptor): string {
  const values = [...preset.params].map(([id, value]) => {
    const port = ports.find((one) => one.id === id);
    return `${printable(id, 60)}=${port === undefined ? shortNumber(value) : formatValue(port, value)}`;
  });
  for (const [id, value] of preset.config) values.push(`${printable(id, 60)}=${printable(value, 40)}`);
  for (const id of preset.graph.keys()) values.push(`${printable(id, 60)}=…`);
  if (preset.state !== null) values.push(`state of ${preset.state.length} bytes`);
  return values.join(", ");
}

function describeModule(
  facts: ModuleFacts,
  type: PluginType | null,
  activation: Activation | string | BelljarError | null,
): string {
  const { initial, maximum } = facts.memory;
  const pages = (count: number) =>
    `${count} ${count === 1 ? "page" : "pages"} (${shortNumber(count / 16)} MiB)`;
  const list = (words: readonly string[]) => words.map((word) => printable(word, 80)).join(", ") || "none";
  const rows: string[][] = [
    [
      "Module",
      `${facts.bytes} bytes, ${facts.functions} functions, the largest of ${facts.largestBody} bytes`,
    ],
    ["Imports", list(facts.imports)],
    ["Features", list(facts.features)],
    [
      "Memory",
      `${pages(initial)}, ${maximum === null ? "no maximum declared" : `at most ${pages(maximum)}`}`,
    ],
    ["Data", `${facts.dataBytes} bytes`],
  ];
  const paint = painter(process.stdout);
  if (type !== null) rows.push(["SHA-256", type.hash]);
  if (typeof activation === "string") {
    rows.push(["Activation", `refused without configuration: ${activation}`]);
  } else if (activation instanceof BelljarError) {
    rows.push(["Activation", paint("red", activation.message)]);
  } else if (activation !== null) {
    const { latency, tail } = activation;
    const expected = type?.descriptor.latency ?? 0;
    const instead = expected > 0 && expected !== latency ? `, in place of the ${expected} declared` : "";
    rows.push(["Latency", `${latency} frames at ${RATE} Hz${instead}`]);
    rows.push([
      "Tail",
      Number.isFinite(tail) ? `${shortNumber(tail / RATE)} s (${tail} frames)` : "infinite",
    ]);
  }
  rows.push(["Vetting", type !== null ? paint("green", "accepted") : paint("red", "refused")]);
  const widest = Math.max(...rows.map(([label]) => (label ?? "").length));
  return rows.map(([label = "", value = ""]) => `${label.padEnd(widest)}  ${value}\n`).join("");
}
