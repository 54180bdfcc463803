// time limit: 300 s
// `belljar validate` from outside: what it prints, its exit codes, its reports.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHECKS, LEVELS } from "../../runtime/validate/catalogue.ts";
import { buildModel } from "../conformance/model.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
const spoiled = buildModel({ descriptor: { doc: "" }, at: { reset: "quality = 0.9;" } });

test.before(async () => {
  writeFileSync(join(folder, "spoiled.wasm"), await spoiled);
  writeFileSync(join(folder, "none.wasm"), "no module");
});

test("a plugin that passes ends with 0, and the counts are printed", async () => {
  const { code, stdout, stderr } = await belljar(["validate", "gain"], folder);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^Seed \d+, level 5, \d+ checks$/m);
  assert.match(stdout, /^ {2}\d+ passed, 0 warnings, \d+ skipped, 0 failed, 0 crashed$/m);
  assert.is(stderr, "", "no progress without a terminal");
});

test("a plugin that fails a check ends with 1, and says which, in a sentence", async () => {
  const { code, stdout } = await belljar(["validate", "spoiled.wasm", "gain", "-j", "2"], folder);
  assert.is(code, 1);
  assert.match(stdout, /^ {2}failed {3}lifecycle\/reset-fresh +After a reset it plays .*\.$/m);
  assert.match(stdout, /^ {2}warning {2}descriptor\/about +Its doc is empty\.$/m);
  assert.ok(
    stdout.indexOf("\nspoiled.wasm\n") < stdout.indexOf("\ngain\n"),
    "in the order of the command line",
  );
  assert.match(stdout, /^2 plugins: /m);
});

test("a warning alone ends with 0", async () => {
  const { code } = await belljar(["validate", "spoiled.wasm", "--only", "descriptor/"], folder);
  assert.is(code, 0);
});

test("what is no plugin fails to load, with 1; what is no file is bad input, with 2", async () => {
  const { code, stdout } = await belljar(["validate", "none.wasm"], folder);
  assert.is(code, 1);
  assert.match(stdout, /failed {3}module\/loads/);
  await refused("file/not-found", ["validate", "gain", "missing.wasm"], folder);
  await refused("plugin/unknown", ["validate", "gian"], folder);
});

test("wrong options are bad input", async () => {
  await refused("usage/missing", ["validate"], folder);
  await refused("usage/value", ["validate", "gain", "--level", "11"], folder);
  await refused("usage/value", ["validate", "gain", "--only", "("], folder);
  await refused("usage/only", ["validate", "gain", "--only", "nothing-like-it"], folder);
  await refused("usage/only", ["validate", "gain", "--level", "1", "--only", "sandbox/compilers"], folder);
  await refused("usage/value", ["validate", "gain", "--fuzz", "soon"], folder);
  await refused("usage/together", ["validate", "gain", "--fuzz", "1s", "--junit", "x.xml"], folder);
  await refused("usage/same-file", ["validate", "spoiled.wasm", "--junit", "spoiled.wasm"], folder);
});

test("--list names every check of the level; a higher level has more", async () => {
  const list = async (...more: string[]) => {
    const { stdout } = await belljar(["validate", "--list", "--json", ...more], folder);
    return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
  };
  assert.equal(
    await list(),
    CHECKS.map(({ id }) => id),
  );
  const low = await list("--level", "3");
  assert.equal(
    low,
    CHECKS.filter(({ level }) => level <= 3).map(({ id }) => id),
  );
  const people = (await belljar(["validate", "--list"], folder)).stdout;
  for (const { id } of CHECKS) assert.match(people, new RegExp(`^${id} `, "m"));
});

test("the help says what each level adds", async () => {
  const { stdout } = await belljar(["validate", "--help"], folder);
  LEVELS.forEach((what, i) => {
    assert.ok(stdout.includes(`${i + 1}  ${what}\n`), what);
  });
});

test("the results as JSON hold every check, and the seed with which they come again", async () => {
  const args = ["validate", "spoiled.wasm", "--json", "--level", "8", "--seed", "12"];
  const first = JSON.parse((await belljar(args, folder)).stdout);
  assert.is(first.seed, 12);
  const [plugin] = first.plugins;
  assert.is(plugin.results.length, CHECKS.filter(({ level }) => level <= 8).length);
  assert.is(
    plugin.counts.failed,
    plugin.results.filter(({ word }: { word: string }) => word === "failed").length,
  );
  const timeless = (run: typeof first) =>
    run.plugins[0].results.map(({ milliseconds, ...rest }: { milliseconds: number }) => rest);
  const second = JSON.parse((await belljar(args, folder)).stdout);
  assert.equal(timeless(second), timeless(first));
});

test("the JUnit report holds the same results", async () => {
  await belljar(["validate", "spoiled.wasm", "--junit", "report.xml"], folder);
  const xml = readFileSync(join(folder, "report.xml"), "utf8");
  const level = CHECKS.filter((check) => check.level <= 5);
  assert.is(xml.match(/<testcase /g)?.length, level.length);
  assert.match(xml, /<testsuite name="spoiled\.wasm" tests="\d+" failures="1" errors="0" /);
  assert.match(
    xml,
    /<testcase classname="lifecycle" name="reset-fresh" time="[\d.]+">\n\s+<failure message="After a reset/,
  );
  assert.not.match(xml.replace(/<[^<>]*>/g, ""), /[<>]/, "what is quoted holds no markup");
});

test("a plugin that needs a file is checked with one, and without it the warning says so", async () => {
  const sampler = await buildModel({
    at: { file: "if (size > 0) counter = 7;", activate: "if (counter != 7) return 0;" },
  });
  writeFileSync(join(folder, "sampler.wasm"), sampler);
  writeFileSync(join(folder, "sample.bin"), "sound");
  const args = ["validate", "sampler.wasm", "--level", "3"];
  const without = await belljar(args, folder);
  assert.is(without.code, 0);
  assert.match(without.stdout, /warning {2}lifecycle\/activate .*--config or --file\.$/m);
  const given = await belljar([...args, "--file", "file=sample.bin", "--config", "quality=Cheap!"], folder);
  assert.is(given.code, 0, given.stdout);
  assert.match(given.stdout, /, 0 warnings, /);
  await refused("file/not-found", [...args, "--file", "file=none.bin"], folder);
});

test("--fuzz prints a seed, finds a defect, and tells how to have it again", async () => {
  const broken = await buildModel({ at: { reset: "if (counter++ > 2) unreachable();" } });
  writeFileSync(join(folder, "broken.wasm"), broken);
  const { code, stdout } = await belljar(["validate", "broken.wasm", "--fuzz", "30s", "--seed", "1"], folder);
  assert.is(code, 1);
  const [, again = ""] = /again: belljar (.*)$/m.exec(stdout) ?? [];
  const second = await belljar(again.split(" "), folder);
  assert.is(second.code, 1);
  const sentence = (text: string) => /in round \d+: (.*)$/m.exec(text)?.[1];
  assert.is(sentence(second.stdout), sentence(stdout));
  assert.match(second.stdout, /in round 1: /);
});

test.run();
