// The built-in plugins are what lies in their folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { findBuiltin, isFileName, listBuiltins } from "../../runtime/registry/builtins.ts";
import { shipped } from "../../runtime/registry/place.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-builtins-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
for (const file of ["sine.wasm", "gain.wasm", "notes.txt", ".hidden.wasm", "delay.wasm.123.tmp"]) {
  writeFileSync(join(folder, file), "");
}
const known = listBuiltins(folder);

test("every module in the folder is a built-in plugin, and nothing else is", () => {
  assert.equal(
    known.map(({ id }) => id),
    ["builtin.gain", "builtin.sine"],
  );
  assert.equal(listBuiltins(null), []);
});

test("a bare name and the whole id find the same plugin", () => {
  assert.is(findBuiltin("sine", known).path, join(folder, "sine.wasm"));
  assert.is(findBuiltin("builtin.sine", known).path, join(folder, "sine.wasm"));
});

test("an unknown name is answered with the nearest, or with all there are", () => {
  const hintOf = (name: string, among = known): string => {
    try {
      findBuiltin(name, among);
    } catch (error) {
      assert.is((error as BelljarError).code, "plugin/unknown");
      return (error as BelljarError).hint;
    }
    return assert.unreachable() as never;
  };
  assert.is(hintOf("sien"), 'Did you mean "sine"?');
  assert.is(hintOf("builtin.gian"), 'Did you mean "gain"?');
  assert.match(hintOf("reverberation"), "gain, sine");
  assert.match(hintOf("sine", []), "build");
});

test("a name with a separator or ending in .wasm is a file", () => {
  for (const name of ["./sine", "a\\b", "sine.wasm", "SINE.WASM", "/x"]) assert.ok(isFileName(name), name);
  for (const name of ["sine", "builtin.sine", "wasm"]) assert.not(isFileName(name), name);
});

test("what comes with the program is found beside the bundle, or in dist/ of a folder above it", () => {
  const home = join(folder, "home");
  mkdirSync(join(home, "dist", "plugins"), { recursive: true });
  mkdirSync(join(home, "work", "deep"), { recursive: true });
  const from = (...path: string[]) => shipped("plugins", pathToFileURL(join(home, ...path)).href);
  assert.is(from("dist", "belljar.js"), join(home, "dist", "plugins"));
  assert.is(from("work", "deep", "test.mjs"), join(home, "dist", "plugins"));
  assert.is(shipped("no-such-thing-anywhere"), null);
});

test.run();
