// Loading plugins by name and by file.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { listBuiltins } from "../../runtime/registry/builtins.ts";
import { loadPluginType, readPlugin } from "../../runtime/registry/load.ts";
import { loopNest } from "./bombs.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-load-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(name: string, options = {}): Promise<BelljarError> {
  try {
    await loadPluginType(name, options);
  } catch (error) {
    assert.instance(error, BelljarError);
    return error as BelljarError;
  }
  throw new Error(`${name} was loaded`);
}

test("every built-in plugin loads by its id, and says that id of itself", async () => {
  const builtins = listBuiltins();
  assert.ok(builtins.length >= 4);
  for (const { id } of builtins) assert.is((await loadPluginType(id)).descriptor.id, id);
});

test("a bare name, the whole id and a file of the same bytes are one plugin", async () => {
  const path = join(folder, "gain.wasm");
  copyFileSync(listBuiltins().find(({ id }) => id === "builtin.gain")?.path ?? "", path);
  const hashes = await Promise.all(
    ["gain", "builtin.gain", path].map(async (name) => (await loadPluginType(name)).hash),
  );
  assert.is(new Set(hashes).size, 1);
});

test("a file that is not there is answered with its nearest neighbour", async () => {
  const error = await refusal(join(folder, "gian.wasm"));
  assert.is(error.code, "file/not-found");
  assert.match(error.hint, join(folder, "gain.wasm"));
  assert.is((await refusal(join(folder, "something-else.wasm"))).hint, "");
  assert.is((await refusal(join(folder, "no", "folder.wasm"))).hint, "");
});

test("an unknown name, a folder, and a file beyond the limit are refused before anything is read as a module", async () => {
  assert.is((await refusal("gian")).code, "plugin/unknown");
  assert.is((await refusal(`${folder}/`)).code, "file/is-folder");
  const path = join(folder, "large.wasm");
  writeFileSync(path, new Uint8Array(2000));
  assert.is((await refusal(path, { limits: { moduleBytes: 1999 } })).code, "file/too-large");
  assert.is((await refusal(path)).code.split("/")[0], "module");
});

test("a compile bomb that is no plugin either never reaches a compiler", async () => {
  const path = join(folder, "bomb.wasm");
  writeFileSync(path, loopNest(2000, 1000));
  const compile = () => assert.unreachable("it was compiled") as never;
  assert.is((await refusal(path, { compile })).code.split("/")[0], "module");
});

test("a plugin's bytes come as they lie in its file", async () => {
  const path = join(folder, "bytes.wasm");
  writeFileSync(path, Uint8Array.from([1, 2, 3]));
  assert.equal([...(await readPlugin(path))], [1, 2, 3]);
});

test.run();
