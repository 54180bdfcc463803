// `belljar inspect`: what a plugin is, what it needs, and whether the sandbox accepts it.

import { basename } from "node:path";
import { isInput, type PluginDescriptor, type PortDescriptor, type Preset } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { describeRange, formatValue, shortNumber } from "../engine/parameter-text.ts";
import { compileInChild } from "../registry/compile.ts";
import { readPlugin } from "../registry/load.ts";
import { inspectModule, type ModuleFacts, PluginType } from "../sandbox/index.ts";
import { flag, parseOptions, takePositionals } from "./options.ts";
import { painter, table } from "./table.ts";

export const name = "inspect";
export const summary = "Show what a plugin is and needs, and whether it is accepted";
export const help = `Shows a plugin's ports, settings and presets, what its module imports, holds and uses,
and what vetting says of it. Nothing of the plugin runs before it is accepted.

Usage: belljar inspect PLUGIN [--json]

  PLUGIN     a built-in plugin's id, or a .wasm file
  --json     print everything as JSON

Exit code: 0 accepted, 2 refused or not readable.

Examples:
  belljar inspect sine
  belljar inspect ./my-plugin.wasm
  belljar inspect builtin.delay --json
`;

const RATE = 48000;
const FRAMES = 128;

/** What the plugin says once it is activated. */
interface Activation {
  latency: number;
  tail: number;
}

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, { json: flag() });
  const [plugin = ""] = takePositionals(positionals, ["PLUGIN"]);
  const bytes = await readPlugin(plugin);
  let facts: ModuleFacts | null = null;
  try {
    facts = inspectModule(bytes);
    const type = await PluginType.load(bytes, { compile: compileInChild });
    const activation = activate(type);
    const { descriptor, hash } = type;
    if (options.json) {
      writeJson({
        accepted: true,
        hash,
        module: facts,
        descriptor: plain(descriptor),
        activation: plainActivation(activation),
      });
    } else {
      process.stdout.write(describePlugin(descriptor) + describeModule(facts, hash, activation));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    if (options.json) {
      const { code, message, hint } = error;
      writeJson({ accepted: false, error: { code, message, hint }, module: facts });
    } else if (facts) {
      process.stdout.write(`${printable(basename(plugin))}\n\n${describeModule(facts, null, null)}`);
    }
    throw error;
  }
}

/** Latency and tail as activation gives them; or why it can't be activated as it is (a file may be missing). */
function activate(type: PluginType): Activation | string {
  try {
    const instance = type.instantiate();
    instance.activate(RATE, FRAMES);
    return { latency: instance.latency, tail: instance.tail };
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    return error.message;
  }
}

function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function plain(descriptor: PluginDescriptor): unknown {
  const preset = (one: Preset) => ({
    name: one.name,
    params: Object.fromEntries(one.params),
    config: Object.fromEntries(one.config),
    graph: Object.fromEntries(one.graph),
    state: one.state ? Buffer.from(one.state).toString("base64") : null,
  });
  return { ...descriptor, presets: descriptor.presets.map(preset) };
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
    text += `\n${table(
      [
        { title: "CONTROL" },
        { title: "ROLE" },
        { title: "HINT" },
        { title: "DEFAULT", right: true },
        { title: "RANGE", most: 40 },
        { title: "WHAT IT IS" },
      ],
      controls.map(controlRow),
      heading(paint),
      wide,
    )}`;
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
    text += `\nPresets: ${descriptor.presets.map((preset) => printable(preset.name, 60)).join(", ")}\n`;
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
    doc,
  ];
}

function describeModule(
  facts: ModuleFacts,
  hash: string | null,
  activation: Activation | string | null,
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
  if (hash !== null) rows.push(["SHA-256", hash]);
  if (typeof activation === "string") {
    rows.push(["Activation", `not as it is: ${activation}`]);
  } else if (activation !== null) {
    const { latency, tail } = activation;
    rows.push(["Latency", `${latency} frames at ${RATE} Hz`]);
    rows.push([
      "Tail",
      Number.isFinite(tail) ? `${shortNumber(tail / RATE)} s (${tail} frames)` : "infinite",
    ]);
  }
  const paint = painter(process.stdout);
  rows.push(["Vetting", hash !== null ? paint("green", "accepted") : paint("red", "refused")]);
  const widest = Math.max(...rows.map(([label]) => (label ?? "").length));
  return rows.map(([label = "", value = ""]) => `${label.padEnd(widest)}  ${value}\n`).join("");
}
