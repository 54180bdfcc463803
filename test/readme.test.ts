// The README's code is true: its host program runs as it stands, its plugin is the built-in one, its session plays.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSession } from "../runtime/engine/session.ts";
import { root } from "./root.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");

/** The first fenced block of a language. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(readme);
  assert.ok(found, `README.md has no block of ${language}`);
  return (found as RegExpExecArray)[1] as string;
}

test("the host program runs as it stands, and its impulse comes back as echoes", () => {
  // Inside the repository, so that "belljar" is found as an installed package would be.
  const folder = mkdtempSync(join(root, ".cache", "readme-"));
  try {
    const program = join(folder, "host.mjs");
    writeFileSync(program, block("js"));
    const said = execFileSync(process.execPath, [program], { encoding: "utf8", cwd: folder });
    const lines = said.trim().split("\n");
    assert.match(lines[0] as string, /^block 0: 0\.\d+$/, "the dry impulse is there at once");
    assert.ok(lines.length > 1, "at least one echo follows within a second");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the host program is about ten lines long", () => {
  assert.ok(block("js").trim().split("\n").length <= 12);
});

test("the plugin shown is the built-in gain, whole", () => {
  assert.is(block("ts").trim(), readFileSync(join(root, "plugins-src", "gain.ts"), "utf8").trim());
});

test("the session shown is one that Belljar accepts", () => {
  const session = parseSession(block("json"), "README.md");
  assert.is(session.nodes.length, 4);
  assert.is(session.wires.length, 3);
});

test("every file that it links to is there", () => {
  for (const [, path] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    assert.ok(existsSync(join(root, path as string)), path);
  }
});

test.run();
