// docs/validation.md lists the checks as they are.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHECKS, LEVELS } from "../../runtime/validate/catalogue.ts";
import { GROUPS } from "../../runtime/validate/check.ts";
import { root } from "../root.ts";

const text = readFileSync(join(root, "docs", "validation.md"), "utf8");

test("every check stands there with its level and its sentence, and no other", () => {
  const rows = [...text.matchAll(/^\| `([a-z-]+\/[a-z-]+)` \| (\d+) \| (.*) \|$/gm)];
  assert.equal(
    rows.map(([, id, level, title]) => `${id} ${level} ${title}`),
    CHECKS.map(({ id, level, title }) => `${id} ${level} ${title}`),
  );
  assert.ok(text.includes(`${CHECKS.length} checks in ten groups`));
});

test("every group has a heading, in order", () => {
  const headings = [...text.matchAll(/^### (.*)$/gm)].map(([, name]) => name);
  assert.equal(headings, [...GROUPS]);
});

test("every level stands there with the number of its checks", () => {
  LEVELS.forEach((what, i) => {
    const count = CHECKS.filter(({ level }) => level <= i + 1).length;
    const words = `${what[0]?.toUpperCase()}${what.slice(1)}`;
    assert.ok(text.includes(`| ${i + 1} | ${count} | ${words} |`), `level ${i + 1}`);
  });
});

test.run();
