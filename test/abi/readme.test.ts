// abi/README.md is the specification that authors read: its numbers, keys, defaults and examples are true.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Packr } from "msgpackr";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONFIG_TYPES, CONTROL_HINTS, PORT_ROLES, PORT_TYPES } from "../../abi/descriptor.ts";
import * as layout from "../../abi/layout.ts";
import { decodeDescriptor } from "../../runtime/sandbox/descriptor.ts";
import { DEFAULT_LIMITS, type LimitName } from "../../runtime/sandbox/limits.ts";
import { root, skip } from "../root.ts";

const page = readFileSync(join(root, "abi", "README.md"), "utf8");
const packr = new Packr({ useRecords: false, variableMapSize: true });
const decode = (value: unknown) => decodeDescriptor(Uint8Array.from(packr.pack(value)), DEFAULT_LIMITS);

/** All table rows, cell by cell. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );

/** The text under a heading. */
function section(heading: string): string {
  const at = page.indexOf(`\n### ${heading}\n`);
  assert.ok(at >= 0, heading);
  const end = page.indexOf("\n##", at + 4);
  return page.slice(at, end);
}

test("every constant and enum member is there with its value, and none that does not exist", () => {
  const all = new Map<string, number>();
  for (const [name, value] of Object.entries(layout)) {
    if (typeof value === "number") all.set(name, value);
    else
      for (const [member, n] of Object.entries(value))
        if (typeof n === "number") all.set(`${name}.${member}`, n);
  }
  const said = new Map<string, number>();
  for (const [first, second] of rows) {
    const name = /^`([A-Z][A-Za-z0-9_.]+)`$/.exec(second ?? "")?.[1];
    if (name !== undefined && /^-?[0-9]|^0x/.test(first ?? "")) said.set(name, Number(first));
  }
  for (const [name, value] of all) assert.is(said.get(name), value, `${name} is on the page as ${value}`);
  for (const name of said.keys()) assert.ok(all.has(name), `${name} of the page exists`);
});

test("the limits that it lists exist, with their defaults", () => {
  const table = page.slice(page.indexOf("\n## Limits\n"), page.indexOf("\n## What is refused\n"));
  const said = [...table.matchAll(/^\| `(\w+)` \| ([0-9,]+) \|/gm)];
  assert.ok(said.length > 10);
  for (const [, name, value] of said) {
    assert.is(Number(value?.replaceAll(",", "")), DEFAULT_LIMITS[name as LimitName], name);
  }
});

const tables: [heading: string, type: string, decoded: () => unknown][] = [
  ["Plugin", "PluginDescriptor", () => decode({ id: "a.b", display_name: "A", ports: [] })],
  [
    "Port",
    "PortDescriptor",
    () =>
      decode({
        id: "a.b",
        display_name: "A",
        ports: [{ id: "c", display_name: "C", type: "control", role: "input" }],
      }).ports[0],
  ],
  [
    "Config parameter",
    "ConfigParam",
    () =>
      decode({
        id: "a.b",
        display_name: "A",
        ports: [],
        config_params: [{ id: "c", display_name: "C", type: "string" }],
      }).config_params[0],
  ],
  ["Port template", "PortTemplate", () => ({})],
  [
    "Preset",
    "Preset",
    () => decode({ id: "a.b", display_name: "A", ports: [], presets: [{ name: "P" }] }).presets[0],
  ],
];

for (const [heading, type, decoded] of tables) {
  test(`the keys of "${heading}" are those of ${type}, with their defaults`, () => {
    const source = readFileSync(join(root, "abi", "descriptor.ts"), "utf8");
    const body = new RegExp(`export interface ${type} \\{\\n(.*?)\\n\\}`, "s").exec(source)?.[1] ?? "";
    const keys = [...body.matchAll(/^ {2}(\w+): /gm)].map(([, key]) => key as string);
    const said = new Map(
      [...section(heading).matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|/gm)]
        .filter(([, key]) => !(CONTROL_HINTS as readonly string[]).includes(key as string))
        .map(([, key, text]) => [key as string, (text as string).replaceAll("`", "")]),
    );
    assert.equal([...said.keys()].sort(), [...keys].sort());
    const result = decoded() as Record<string, unknown>;
    for (const [key, text] of said) {
      if (text === "required") continue;
      const value = result[key] instanceof Map ? Object.fromEntries(result[key]) : result[key];
      assert.equal(value, JSON.parse(text), `the default of "${key}"`);
    }
  });
}

test("what the page calls required is refused when it is left out", () => {
  const whole: Record<string, unknown> = { id: "a.b", display_name: "A", ports: [] };
  const port: Record<string, unknown> = { id: "c", display_name: "C", type: "control", role: "input" };
  const without = (map: Record<string, unknown>, key: string) =>
    Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
  for (const key of Object.keys(whole))
    assert.throws(() => decode(without(whole, key)), `"${key}" is missing`);
  for (const key of Object.keys(port)) {
    assert.throws(() => decode({ ...whole, ports: [without(port, key)] }), `"${key}" is missing`);
  }
});

test("every word of the descriptor is explained", () => {
  for (const word of [...PORT_TYPES, ...PORT_ROLES]) assert.ok(section("Port").includes(`\`${word}\``), word);
  for (const word of CONTROL_HINTS) assert.match(section("Port"), new RegExp(`^\\| \`${word}\` \\|`, "m"));
  for (const word of CONFIG_TYPES) assert.ok(section("Config parameter").includes(`\`${word}\``), word);
});

test("the example in hex is a descriptor that decodes", () => {
  const hex = /```hex\n(.*?)```/s.exec(page)?.[1] ?? "";
  const bytes = [...hex.matchAll(/^ *((?:[0-9a-f]{2} )*[0-9a-f]{2})(?= {2,}|$)/gm)].flatMap(([, line]) =>
    (line as string).split(" ").map((byte) => Number.parseInt(byte, 16)),
  );
  const result = decodeDescriptor(Uint8Array.from(bytes), DEFAULT_LIMITS);
  assert.is(result.id, "example.knob");
  assert.is(result.version, 2);
  const { id, min, max, unit, hint } = result.ports[0]!;
  assert.equal(
    { id, min, max, unit, hint },
    { id: "gain", min: -60, max: 12, unit: "dB", hint: "continuous" },
  );
});

test("links inside the page and to files lead somewhere", () => {
  const anchors = new Set(
    [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      (title as string)
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
  for (const [, target] of page.matchAll(/\]\(([^)]+)\)/g)) {
    if (target!.startsWith("#")) assert.ok(anchors.has(target!.slice(1)), target);
    else assert.ok(readFileSync(join(root, "abi", target!)).length > 0, target);
  }
});

test("the smallest plugin compiles with the page's own line and turns a signal upside down", async () => {
  if (spawnSync("clang", ["--version"]).status !== 0 || spawnSync("wasm-ld", ["--version"]).status !== 0) {
    return skip("clang and wasm-ld are not here");
  }
  const source = /```c\n(.*?)```/s.exec(page)?.[1] ?? "";
  const line = /```sh\n(clang .* flip\.c)\n```/.exec(page)?.[1] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "belljar-readme-"));
  try {
    writeFileSync(join(folder, "flip.c"), source);
    execFileSync("clang", ["-Wall", "-Wextra", "-Werror", ...line.split(" ").slice(1)], { cwd: folder });
    const bytes = Uint8Array.from(readFileSync(join(folder, "flip.wasm")));
    const { instance } = await WebAssembly.instantiate(bytes);
    const call = instance.exports as Record<string, (...values: number[]) => number>;
    const memory = (instance.exports["memory"] as WebAssembly.Memory).buffer;
    const view = new DataView(memory);
    assert.is(call["bj_abi"]!(), layout.ABI_VERSION);
    const at = call["bj_descriptor"]!();
    const described = new Uint8Array(
      memory,
      view.getUint32(at + layout.BYTES_PTR, true),
      view.getUint32(at + layout.BYTES_LEN, true),
    );
    const descriptor = decodeDescriptor(described, DEFAULT_LIMITS);
    assert.equal(
      descriptor.ports.map(({ id, type, role }) => [id, type, role]),
      [
        ["in", "audio_mono", "input"],
        ["out", "audio_mono", "output"],
      ],
    );
    const struct = call["bj_activate"]!(48000, 128);
    assert.is(struct % layout.ALIGNMENT, 0);
    assert.is(view.getUint32(struct + layout.LAYOUT_SIZE, true), layout.LAYOUT_BYTES);
    assert.is(view.getUint32(struct + layout.LAYOUT_AUDIO_COUNT, true), 2);
    const audio = view.getUint32(struct + layout.LAYOUT_AUDIO, true);
    const samples = (port: number) =>
      new Float32Array(
        memory,
        view.getUint32(audio + port * layout.AUDIO_BYTES + layout.AUDIO_PTR, true),
        128,
      );
    samples(0).set(Float32Array.from({ length: 128 }, (_, i) => i / 128));
    assert.is(call["bj_process"]!(128, 0), 0);
    assert.equal(
      [...samples(1)],
      [...samples(0)].map((x) => -x),
    );
    assert.is(call["bj_activate"]!(48000, 5000), 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
