// Builds the model plugin, and what fixtures make of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";
import { pack } from "msgpackr";
import { root } from "../root.ts";

type Map_ = Record<string, unknown>;

export interface Variation {
  /** Place in the model (the word after @) -> AssemblyScript to put there. */
  at?: Record<string, string>;
  /** Text of the model -> another text. */
  instead?: Record<string, string>;
  /** Keys of the descriptor that are others. */
  descriptor?: Map_;
  /** Id of a port or config parameter -> keys that are others; null: it is not there. */
  ports?: Record<string, Map_ | null>;
  config?: Record<string, Map_ | null>;
  /** The same, of the descriptor with two inputs alone. */
  larger?: Record<string, Map_ | null>;
  /** Ports in front of the others. */
  before?: Map_[];
  /** Exports that are taken away. */
  without?: string[];
  /** Functions of the host that are imported and never called. */
  imports?: string[];
  /** false: without function names. */
  names?: boolean;
  /** Pages of memory to begin with. */
  pages?: number;
}

const control = (id: string, more: Map_): Map_ => ({
  id,
  display_name: id,
  type: "control",
  role: "input",
  ...more,
});

const PORTS: Map_[] = [
  { id: "audio_in", display_name: "In", type: "audio_stereo", role: "input" },
  { id: "side", display_name: "Side", type: "audio_mono", role: "sidechain" },
  { id: "audio_out", display_name: "Out", type: "audio_stereo", role: "output" },
  { id: "events_in", display_name: "Events", type: "event", role: "input" },
  { id: "events_out", display_name: "Events", type: "event", role: "output" },
  control("gain", { min: 0, max: 2, default: 1, precision: 3 }),
  control("mode", { hint: "categorical", choices: ["Plain", "Half"] }),
  control("bypass", { hint: "toggle", bypass: true }),
  control("curve", { hint: "graph_editor", graph_type: "breakpoint" }),
  control("level", { role: "monitor", hint: "meter" }),
];

const CONFIG: Map_[] = [
  { id: "quality", display_name: "Quality", type: "categorical", choices: ["Best", "Cheap!"] },
  { id: "inputs", display_name: "Inputs", type: "integer", default: "1" },
  { id: "label", display_name: "Label", type: "string" },
  { id: "file", display_name: "File", type: "filepath", file_filter: "All Files (*)" },
];

const STATE = Uint8Array.from([0x4d, 0x4f, 0x44, 0x4c, 1, 0, 0, 0, 2, 0, 0, 0]);

const PRESETS: Map_[] = [
  { name: "Plain", params: { gain: 1 } },
  { name: "Half", params: { gain: 0.5, mode: 1 }, config: { quality: "Cheap!" }, state: STATE },
  { name: "Curved", graph: { curve: '{"points":[[0,1],[2,3]]}' } },
];

const EXTRA: Map_ = {
  id: "extra",
  display_name: "Extra",
  type: "audio_mono",
  role: "input",
  group: "Inputs/2",
};

let source: string | null = null;

/** The source of the model with a variation. */
export function modelSource(variation: Variation): string {
  source ??= readFileSync(join(root, "test", "conformance", "model.as.ts"), "utf8");
  const changed = (list: Map_[], changes: Record<string, Map_ | null> = {}): Map_[] =>
    list.flatMap((one) => {
      const change = changes[one.id as string];
      if (change === null) return [];
      const merged = { ...one, ...change };
      return [Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined))];
    });
  const ports = [...(variation.before ?? []), ...changed(PORTS, variation.ports)];
  const config = changed(CONFIG, variation.config);
  const ids = ports.map(({ id }) => id);
  const has = (id: string) => ids.includes(id);
  const presets =
    has("gain") && has("mode") && has("curve") && config.length === CONFIG.length ? PRESETS : [];
  const describe = (all: Map_[]): Uint8Array =>
    pack({
      id: "test.model",
      display_name: "Model",
      category: "Effect",
      doc: "Does everything.",
      ports: all,
      config_params: config,
      presets,
      ...(config.some(({ id }) => id === "inputs") && has("audio_in")
        ? { port_template: { group: "Inputs", min: 1, max: 2, config: "inputs" } }
        : {}),
      ...variation.descriptor,
    });
  const grouped = ports.map((port) => (port.id === "side" ? { ...port, group: "Inputs" } : port));
  const descriptor = describe(grouped);
  const larger = describe([...changed(grouped, variation.larger), EXTRA]);
  const controls = ports.filter(({ type }) => type === "control");
  const slots = controls.filter(({ role }) => role === "input").map(({ id }) => id);
  const audio = ports.filter(({ type }) => String(type).startsWith("audio")).map(({ id }) => id);
  const place = (list: unknown[], id: string) => list.indexOf(id);
  const configIds = config.map(({ id }) => id);
  const constants: Record<string, number> = {
    P_IN: place(ids, "audio_in"),
    P_SIDE: place(ids, "side"),
    P_OUT: place(ids, "audio_out"),
    P_EVENTS_OUT: place(ids, "events_out"),
    P_GAIN: place(ids, "gain"),
    P_MODE: place(ids, "mode"),
    P_BYPASS: place(ids, "bypass"),
    P_LEVEL: place(ids, "level"),
    S_GAIN: place(slots, "gain"),
    S_MODE: place(slots, "mode"),
    S_BYPASS: place(slots, "bypass"),
    O_OUT: place(audio, "audio_out"),
    C_QUALITY: place(configIds, "quality"),
    C_INPUTS: place(configIds, "inputs"),
    C_LABEL: place(configIds, "label"),
    C_FILE: place(configIds, "file"),
    CONTROLS_IN: slots.length,
    CONTROLS_OUT: controls.length - slots.length,
    DESCRIPTOR_LENGTH: descriptor.length,
    LARGER_LENGTH: larger.length,
  };
  let text = source;
  for (const [from, to] of Object.entries(variation.instead ?? {})) text = replaceOnce(text, from, to);
  for (const [where, what] of Object.entries(variation.at ?? {}))
    text = replaceOnce(text, `// @${where}\n`, `${what}\n`);
  for (const name of variation.without ?? [])
    text = replaceOnce(text, `export function ${name}(`, `function ${name}(`);
  const head = Object.entries(constants).map(([name, value]) => `const ${name}: i32 = ${value};`);
  head.push(`const DESCRIPTOR = memory.data<u8>([${[...descriptor].join(",")}]);`);
  head.push(`const LARGER = memory.data<u8>([${[...larger].join(",")}]);`);
  return `${head.join("\n")}\n${text}`;
}

function replaceOnce(text: string, from: string, to: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`"${from}" stands ${parts.length - 1} times in the model`);
  return parts.join(to);
}

interface Asc {
  main(
    args: string[],
    options: {
      stdout: { write(text: string): void };
      stderr: { write(text: string): void };
      readFile(name: string): string | null;
      writeFile(name: string, contents: string | Uint8Array): void;
      listFiles(): string[];
    },
  ): Promise<{ error: Error | null }>;
}

/** The module of a variation. */
export async function buildModel(variation: Variation): Promise<Uint8Array<ArrayBuffer>> {
  const asc = (await import("assemblyscript/asc")).default as unknown as Asc;
  const text = modelSource(variation);
  let wasm: Uint8Array | null = null;
  let said = "";
  const sink = {
    write(words: string): void {
      said += words;
    },
  };
  const flags = [
    "--runtime",
    "stub",
    "--use",
    "abort=",
    "--uncheckedBehavior",
    "always",
    "-O1",
    "--noColors",
  ];
  if (variation.names !== false) flags.push("--debug");
  if (variation.pages !== undefined) flags.push("--initialMemory", String(variation.pages));
  const { error } = await asc.main(["model.ts", "--outFile", "model.wasm", ...flags], {
    stdout: sink,
    stderr: sink,
    readFile: (name) => (name === "model.ts" ? text : null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === null) throw new Error(`the variation does not compile: ${said}`);
  return addImports(wasm, variation.imports ?? []);
}

function addImports(wasm: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  if (names.length === 0) return new Uint8Array(wasm);
  binaryen.setDebugInfo(true);
  const module = binaryen.readBinary(wasm);
  for (const name of names) {
    module.addFunctionImport(
      name,
      "belljar",
      name,
      binaryen.createType([binaryen.i32, binaryen.i32]),
      binaryen.i32,
    );
  }
  try {
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
    binaryen.setDebugInfo(false);
  }
}
