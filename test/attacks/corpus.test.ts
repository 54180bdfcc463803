// The attacks as a whole: no two are stopped by the same line, and README.md lists them all.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";
import { ATTACKS as BUFFERS } from "./buffers.ts";
import { ATTACKS as DESCRIPTOR } from "./descriptor.ts";
import { ATTACKS as EVENTS } from "./events.ts";
import { ATTACKS as LEVELS } from "./levels.ts";
import { ATTACKS as CROSSING } from "./crossing.ts";
import { ATTACKS as FILES } from "./files.ts";
import { ATTACKS as REGISTRY } from "./registry.ts";
import { ATTACKS as TERMINAL } from "./terminal.ts";
import { ATTACKS as COUNTED_LOOPS } from "./counted-loops.ts";
import { ATTACKS as CPU } from "./cpu.ts";
import { ATTACKS as RECORDINGS } from "./recordings.ts";
import { ATTACKS as FLOODS } from "./floods.ts";
import { ATTACKS as PAGES } from "./pages.ts";
import { ATTACKS as MEMORY } from "./memory.ts";
import { ATTACKS as STACK } from "./stack.ts";
import { ATTACKS as LANGUAGES } from "./languages.ts";
import { ATTACKS as DEADLINES } from "./deadlines.ts";
import { ATTACKS as COMPILE } from "./compile.ts";
import { ATTACKS as MODULES } from "./modules.ts";
import { ATTACKS as RECOVERY } from "./recovery.ts";
import { ATTACKS as TRAPS } from "./traps.ts";

const FAMILIES = new Map([
  ["modules", MODULES],
  ["cpu", CPU],
  ["counted loops", COUNTED_LOOPS],
  ["memory", MEMORY],
  ["stack", STACK],
  ["deadlines", DEADLINES],
  ["compile", COMPILE],
  ["traps", TRAPS],
  ["buffers", BUFFERS],
  ["descriptor", DESCRIPTOR],
  ["events", EVENTS],
  ["levels", LEVELS],
  ["crossing", CROSSING],
  ["files", FILES],
  ["registry", REGISTRY],
  ["terminal", TERMINAL],
  ["recovery", RECOVERY],
  ["recordings", RECORDINGS],
  ["floods", FLOODS],
  ["pages", PAGES],
  ["languages", LANGUAGES],
]);
const all = [...FAMILIES.values()].flat();

test("no two attacks fall to the same line", () => {
  // Several parts of a line are one defence.
  const lines = all.map(({ defence: { file, line } }) => {
    const text = readFileSync(join(root, file), "utf8");
    assert.ok(text.includes(line), `"${line}" has gone from ${file}`);
    return `${file}:${text.slice(0, text.indexOf(line)).split("\n").length}`;
  });
  assert.equal(
    lines.filter((line, i) => lines.indexOf(line) !== i),
    [],
  );
});

test("README.md lists each attack with the file that stops it", () => {
  const table = [...FAMILIES].flatMap(([family, attacks]) => [
    `## ${family}`,
    "",
    ...attacks.map(({ attack, defence }) => `- ${attack} (\`${defence.file}\`)`),
    "",
  ]);
  const readme = readFileSync(join(root, "test", "attacks", "README.md"), "utf8");
  assert.is(readme.slice(readme.indexOf("## ")).trim(), table.join("\n").trim());
});

test.run();
