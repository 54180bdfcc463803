// The cache of what compiled: who can read it, what it survives, what a verdict depends on.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPILE_LIMITS, tryInChild } from "../../runtime/registry/compile.ts";
import { cacheFolder } from "../../runtime/registry/user-folder.ts";
import { isKnown, remember, verdictKey } from "../../runtime/registry/verdicts.ts";
import { skip } from "../root.ts";
import { harmless, loopNest } from "./bombs.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-verdicts-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const fresh = () => mkdtempSync(join(folder, "cache-"));
const key = verdictKey(harmless(), COMPILE_LIMITS);

test("what was remembered is known, and nothing else is", () => {
  const base = join(fresh(), "not", "there", "yet");
  assert.not(isKnown(key, base));
  remember(key, base);
  assert.ok(isKnown(key, base));
  assert.not(isKnown(verdictKey(harmless(1), COMPILE_LIMITS), base));
  for (const name of ["base", "perKiB", "most", "memory"] as const) {
    const others = { ...COMPILE_LIMITS, [name]: COMPILE_LIMITS[name] - 1 };
    assert.not(isKnown(verdictKey(harmless(), others), base), `under another limit, ${name}`);
  }
  assert.equal(readdirSync(join(base, "compiles")), [`${key}.json`], "no temporary file is left");
});

test("a cache in a place where no folder can be made is done without", () => {
  writeFileSync(join(folder, "file"), "");
  const system = process.platform === "win32" ? [] : ["/proc/cache", "/dev/null/cache"];
  for (const base of [...system, join(folder, "file", "cache"), join(folder, "\0")]) {
    remember(key, base);
    assert.not(isKnown(key, base));
  }
});

test("the cache is readable by its user alone, also when its folder was open before", () => {
  if (process.platform === "win32") return skip("Windows has no file modes");
  const base = fresh();
  mkdirSync(join(base, "compiles"));
  chmodSync(join(base, "compiles"), 0o777);
  remember(key, base);
  assert.is(statSync(join(base, "compiles")).mode & 0o777, 0o700);
  assert.is(statSync(join(base, "compiles", `${key}.json`)).mode & 0o777, 0o600);
});

test("a garbled, empty, foreign or linked cache file is as good as none", () => {
  const base = fresh();
  remember(key, base);
  const path = join(base, "compiles", `${key}.json`);
  for (const text of ["", "{", "null", "[]", '"x"', '{"key":"other"}', "\0\0\0\0"]) {
    writeFileSync(path, text);
    assert.not(isKnown(key, base), text);
  }
  rmSync(path);
  writeFileSync(join(base, "elsewhere.json"), JSON.stringify({ key }));
  symlinkSync(join(base, "elsewhere.json"), path);
  assert.not(isKnown(key, base), "a link");
});

test("a cache that can't be written is done without", () => {
  const base = fresh();
  writeFileSync(join(base, "file"), "");
  remember(key, join(base, "file"));
  assert.not(isKnown(key, join(base, "file")));
});

test("over a garbled cache a module is compiled again, and the cache is mended; a bomb leaves nothing in it", async () => {
  const base = fresh();
  process.env["BELLJAR_CACHE"] = base;
  mkdirSync(join(base, "compiles"));
  writeFileSync(join(base, "compiles", `${key}.json`), "garbled");
  await tryInChild(harmless());
  assert.ok(isKnown(key, base));
  await tryInChild(loopNest(900, 1000), { ...COMPILE_LIMITS, memory: 2 ** 40 }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.code, "module/compile-time"),
  );
  assert.equal(readdirSync(join(base, "compiles")), [`${key}.json`]);
});

test("a remembered module is not tried again", async () => {
  const base = fresh();
  process.env["BELLJAR_CACHE"] = base;
  // Not even a module: were it tried, it would be refused.
  const bytes = Uint8Array.from([1, 2, 3]);
  remember(verdictKey(bytes, COMPILE_LIMITS), base);
  await tryInChild(bytes);
});

test("the cache lies where each system keeps such things, and BELLJAR_CACHE decides", () => {
  const home = join("home", "ada");
  assert.is(cacheFolder({}, "linux", home), join(home, ".cache", "belljar"));
  assert.is(cacheFolder({ XDG_CACHE_HOME: "xdg" }, "linux", home), join("xdg", "belljar"));
  assert.is(cacheFolder({}, "darwin", home), join(home, "Library", "Caches", "belljar"));
  assert.is(cacheFolder({ LOCALAPPDATA: "local" }, "win32", home), join("local", "belljar", "cache"));
  assert.is(cacheFolder({ BELLJAR_CACHE: "mine", XDG_CACHE_HOME: "xdg" }, "linux", home), "mine");
});

test.run();
