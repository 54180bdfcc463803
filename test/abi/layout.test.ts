// The contract's numbers are the same to AssemblyScript, to TypeScript and to C.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as layout from "../../abi/layout.ts";
import { root } from "../root.ts";

/** Every constant by its name, every enum member as "Enum.Member". */
function numbers(): Map<string, number> {
  const all = new Map<string, number>();
  for (const [name, value] of Object.entries(layout)) {
    if (typeof value === "number") all.set(name, value);
    else
      for (const [member, n] of Object.entries(value))
        if (typeof n === "number") all.set(`${name}.${member}`, n);
  }
  return all;
}

test("AssemblyScript compiles every constant and enum member to TypeScript's number", async () => {
  const all = numbers();
  assert.ok(all.size > 80);
  const names = [...new Set([...all.keys()].map((name) => name.split(".")[0] as string))];
  const source = [
    `import { ${names.join(", ")} } from "./abi/layout";`,
    ...[...all.keys()].map((name, i) => `export function n${i}(): f64 { return <f64>(${name}); }`),
  ].join("\n");
  let wasm: Uint8Array<ArrayBuffer> | null = null;
  const { error, stderr } = await asc.main(
    ["entry.ts", "--outFile", "out.wasm", "--runtime", "stub", "--use", "abort="],
    {
      readFile: (name) => {
        if (name === "entry.ts") return source;
        return name === "abi/layout.ts" ? readFileSync(join(root, name), "utf8") : null;
      },
      writeFile: (_name, contents) => {
        wasm = Uint8Array.from(contents as Uint8Array);
      },
      listFiles: () => [],
    },
  );
  assert.is(error, null, String(stderr));
  const { instance } = await WebAssembly.instantiate(wasm as unknown as BufferSource);
  [...all].forEach(([name, value], i) => {
    assert.is((instance.exports[`n${i}`] as () => number)(), value, name);
  });
});

test("the C header has the same offsets, sizes and constants", () => {
  const header = readFileSync(join(root, "examples", "c-gain", "abi.h"), "utf8");
  const all = numbers();
  const c = new Map<string, number>();
  for (const [, value, name] of header.matchAll(
    /_Static_assert\((?:offsetof|sizeof)\([^)]*\) == (\d+), "(\w+)"\)/g,
  )) {
    c.set(name as string, Number(value));
  }
  // BJ_EVENT_NOTE_ON is EventType.NoteOn; constants keep their names.
  const prefixes: Record<string, string> = {
    Status: "BJ_",
    ProcessState: "BJ_",
    LogLevel: "BJ_LOG_",
    EventType: "BJ_EVENT_",
    Expression: "BJ_EXPRESSION_",
  };
  for (const name of all.keys()) {
    const [kind, member] = name.split(".") as [string, string | undefined];
    const upper = member?.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
    const wanted = member === undefined ? `BJ_${kind}` : `${prefixes[kind]}${upper}`;
    const found = new RegExp(`\\b${wanted}(?: = | )(0x[0-9a-f]+|-?\\d+)u?\\b`).exec(header);
    if (found) c.set(name, Number(found[1]));
  }
  for (const [name, value] of all) assert.is(c.get(name), value, name);
});

test("no two fields of a record overlap", () => {
  const all = numbers();
  const records: [string, string, Record<string, number>][] = [
    ["BYTES_", "BYTES_SIZE", {}],
    ["LAYOUT_", "LAYOUT_BYTES", {}],
    [
      "EVENT_",
      "EVENT_BYTES",
      { EVENT_TYPE: 2, EVENT_PORT: 2, EVENT_CHANNEL: 2, EVENT_KEY: 2, EVENT_VALUE: 8 },
    ],
  ];
  for (const [prefix, size, widths] of records) {
    const fields = [...all]
      .filter(([name]) => name.startsWith(prefix) && name !== size)
      .sort((a, b) => a[1] - b[1]);
    let end = 0;
    for (const [name, offset] of fields) {
      assert.is(offset, end, `${name} begins where the field before it ends`);
      end = offset + (widths[name] ?? 4);
    }
    assert.is(all.get(size), end);
  }
});

test.run();
