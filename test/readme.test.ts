// The README's code is true: its host program runs as it stands, its plugin is the built-in one, its session plays.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSession } from "../runtime/engine/session.ts";
import { writeNote } from "./cli/program.ts";
import { root } from "./root.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");

/** A document's fenced blocks of a language. */
function blocks(language: string, text = readme): string[] {
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))];
  assert.ok(found.length > 0, `there is no block of ${language}`);
  return found.map((match) => match[1] as string);
}
const block = (language: string): string => blocks(language)[0] as string;

/** Runs a program where "belljar" is found as an installed package would be, in a folder with these files. */
function run(text: string, files: Record<string, string> = {}): string[] {
  const folder = mkdtempSync(join(root, ".cache", "readme-"));
  try {
    writeNote(join(folder, "song.mid"));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const program = join(folder, "host.mjs");
    writeFileSync(program, text);
    return execFileSync(process.execPath, [program], { encoding: "utf8", cwd: folder }).trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** So that no test is heard, and none depends on a sound card. */
function unheard(text: string): string {
  assert.is(text.match(/playLive\(.*?, \{/g)?.length, 1);
  return text.replace(/(playLive\(.*?, \{)/, '$1 device: "null",');
}

test("the host program runs as it stands, and its impulse comes back as echoes", () => {
  const lines = run(block("js"));
  assert.match(lines[0] as string, /^block 0: 0\.\d+$/, "the dry impulse is there at once");
  assert.ok(lines.length > 1, "at least one echo follows within a second");
});

test("the program that plays the session live hears it to its end", () => {
  const lines = run(unheard(blocks("js")[1] as string), { "session.json": block("json") });
  assert.match(lines[0] as string, /^null: heard \d+\.\d ms after it is made$/);
  const meters = lines.filter((line) => line.includes("'lead'"));
  assert.ok(meters.length > 0, "meters are shown at least once");
});

test("the program of docs/live.md plays its note", () => {
  const text = readFileSync(join(root, "docs", "live.md"), "utf8");
  const lines = run(unheard(blocks("js", text)[0] as string));
  const [, peak] = /^peak (\d\.\d\d), \d+ blocks late$/.exec(lines.at(-1) as string) ?? [];
  assert.ok(Number(peak) > 0.05, lines.join("\n"));
});

test("the host programs are about ten lines long", () => {
  for (const program of blocks("js")) assert.ok(program.trim().split("\n").length <= 12);
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
