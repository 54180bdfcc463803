// Documents and tracked files: links lead somewhere, and nothing names the machine that it was written on.
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root, skip } from "../root.ts";
import { textOf, trackedFiles } from "./tracked.ts";

const NO_GIT = "this is no git clone, so nobody knows which files belong to it";

/** A heading's anchor, as the usual renderers make it. */
function anchor(heading: string): string {
  const plain = heading.replace(/`/g, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return plain
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function anchorsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/^#+\s+(.*)$/gm)].map((match) => anchor(match[1] as string));
}

test("every link in a document leads to a file, and to a heading in it", () => {
  const files = trackedFiles();
  if (files === null) return skip(NO_GIT);
  const broken: string[] = [];
  for (const file of files.filter((name) => name.endsWith(".md"))) {
    const text = (textOf(file) ?? "").replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      if (target === undefined || /^[a-z]+:/.test(target)) continue;
      const [path, fragment] = target.split("#");
      const full =
        path === "" ? join(root, file) : resolve(root, dirname(file), decodeURIComponent(path as string));
      if (!existsSync(full)) broken.push(`${file}: ${target}`);
      else if (
        fragment &&
        statSync(full).isFile() &&
        full.endsWith(".md") &&
        !anchorsOf(full).includes(fragment)
      ) {
        broken.push(`${file}: ${target} (no such heading)`);
      }
    }
  }
  assert.equal(broken, []);
});

/** Lines of a document's tables, without their heads: the cells. */
function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line, i, lines) => /^\| /.test(line) && !/^\|[-:| ]+\|$/.test(lines[i + 1] ?? ""))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("security.md says of each promise what holds it and what tests it, and names every family of attacks", () => {
  const text = readFileSync(join(root, "docs", "security.md"), "utf8");
  const promises = rowsOf(text.slice(text.indexOf("## What is promised"), text.indexOf("## What is not")));
  assert.ok(promises.length >= 20, `${promises.length} promises`);
  for (const [promise, holds, tests] of promises) {
    assert.match(holds as string, /\]\(\.\.\/(abi|runtime|shm)\/[\w/.-]+\.ts\)/, `what holds "${promise}"`);
    assert.match(
      tests as string,
      /\]\(\.\.\/test\/[\w/.-]+(\.test\.ts|README\.md#[a-z-]+)\)|the soak/,
      `what tests "${promise}"`,
    );
  }
  const families = anchorsOf(join(root, "test", "attacks", "README.md")).filter((name) => name !== "attacks");
  assert.ok(families.length >= 20, `${families.length} families`);
  const named = new Set([...text.matchAll(/test\/attacks\/README\.md#([a-z-]+)/g)].map((match) => match[1]));
  assert.equal([...named].sort(), families.sort());
});

test("no tracked file names a folder of the machine it was written on, or the host of a package registry", () => {
  const files = trackedFiles();
  if (files === null) return skip(NO_GIT);
  const path = /(?<![\w.~@/*)}\]-])\/(?:work|root|tmp)\/[\w.]/;
  const here = [root, homedir()].filter((folder) => folder.length > 3);
  const host = new RegExp(["registry", "npm", "[a-z]"].join("\\.[a-z.-]*"), "i");
  const found = files.flatMap((file) =>
    (textOf(file) ?? "")
      .split("\n")
      .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
      .filter(
        ({ line }) =>
          path.test(line) ||
          here.some((folder) => line.includes(`${folder}/`)) ||
          host.test(line) ||
          /"resolved":/.test(line),
      )
      .map(({ at, line }) => `${at}: ${line.trim().slice(0, 80)}`),
  );
  assert.equal(
    found.filter((line) => !line.startsWith("test/repository/documents.test.ts")),
    [],
  );
});

test("every source file's first lines say its subject", () => {
  const files = trackedFiles();
  if (files === null) return skip(NO_GIT);
  const sources = files.filter((file) =>
    /^(abi|runtime|sdk-as|plugins-src|scripts|bench|shm)\/.*\.(ts|mjs)$/.test(file),
  );
  const silent = sources.filter((file) => {
    const text = textOf(file);
    return text !== null && !/^(#!.*\n)?(\/\/ \S|\/\*\*?\s)/.test(text);
  });
  assert.equal(silent, []);
});

test.run();
