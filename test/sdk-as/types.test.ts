// Editors understand the SDK and what is written against it: AssemblyScript's types, TypeScript's checker.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

const require = createRequire(join(root, "package.json"));
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

for (const folder of ["sdk-as", "plugins-src"]) {
  test(`${folder} type-checks`, () => {
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", join(root, folder)], {
      encoding: "utf8",
    });
    assert.is(status, 0, stdout);
  });
}

test("everything that the SDK shows has a doc comment", () => {
  const index = readFileSync(join(root, "sdk-as", "index.ts"), "utf8");
  for (const [, names, file] of index.matchAll(/export \{ (.*) \} from "\.\/(.*)"/g)) {
    const source = readFileSync(join(root, "sdk-as", `${file}.ts`), "utf8");
    for (const name of (names as string).split(", ")) {
      const pattern = new RegExp(`\\*/\\n(?:@\\w+\\n)?export (?:class|function|enum) ${name}\\b`);
      assert.match(source, pattern, `${name} of ${file}.ts`);
    }
  }
});

test.run();
