// The plugins in the SDK's guide compile as they stand there.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-guide-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const guide = readFileSync(join(root, "sdk-as", "README.md"), "utf8");

test("each plugin in the guide builds without a warning, and is accepted", async () => {
  const sources = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, source]) => source as string);
  assert.ok(sources.length >= 2);
  for (const source of sources) {
    const path = join(folder, "plugin.ts");
    writeFileSync(path, source);
    const { wasm, warnings, allocatorPath } = await compilePlugin(path);
    assert.equal([warnings, allocatorPath], [[], null]);
    assert.match((await PluginType.load(wasm)).descriptor.id, "example.");
  }
});

test("every DSP file is in the guide's table, and no other", () => {
  const table = guide.slice(guide.indexOf("## DSP"));
  const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => `${name}.ts`);
  assert.equal(named, readdirSync(join(root, "sdk-as", "dsp")).sort());
});

test.run();
