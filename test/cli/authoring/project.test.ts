// time limit: 300 s
// `belljar new` and `belljar build`, as an author meets them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TEMPLATES } from "../../../runtime/cli/authoring/project.ts";
import { root, skip } from "../../root.ts";
import { Folder } from "./folder.ts";

const folder = new Folder();
test.after(() => folder.remove());

const require = createRequire(join(root, "package.json"));
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

function node(args: string[], cwd = folder.path) {
  // the tests of a project are run as its author runs them, not as a part of this run
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: "utf8" });
  return { status, stdout, stderr };
}
const belljar = (...args: string[]) => node([join(root, "dist", "cli.js"), ...args]);

/** What `npm install` does with a dependency on a folder. */
function install(project: string): void {
  mkdirSync(join(project, "node_modules"));
  symlinkSync(root, join(project, "node_modules", "belljar"), "junction");
}

for (const template of TEMPLATES) {
  test(`a new ${template} builds, passes its own tests, and type-checks in an editor`, () => {
    const name = `my-own-${template}`;
    const project = join(folder.path, name);
    assert.is(belljar("new", name, "--template", template).status, 0);
    assert.equal(readdirSync(project).sort(), [
      ".gitignore",
      "README.md",
      "package.json",
      "plugin.test.js",
      "plugin.ts",
      "tsconfig.json",
    ]);
    for (const file of readdirSync(project)) {
      assert.not.match(readFileSync(join(project, file), "utf8"), /my-plugin|MyPlugin|My Plugin/);
    }
    const settings = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    assert.is(settings.name, name);
    assert.is(resolve(project, settings.devDependencies.belljar.replace("file:", "")), root);

    const built = belljar("build", name);
    assert.is(built.status, 0, built.stderr);
    assert.is(built.stderr, "");
    assert.ok(existsSync(join(project, "build", `${name}.wasm`)));

    install(project);
    const tested = node(["--test", "--test-reporter=tap"], project);
    assert.is(tested.status, 0, tested.stdout);
    assert.match(tested.stdout, "# pass 2");

    const checked = node([tsc, "-p", "."], project);
    assert.is(checked.status, 0, checked.stdout);
    writeFileSync(
      join(project, "wrong.ts"),
      'import { Plugin } from "belljar/sdk-as";\nexport const p: Plugin = 3;\n',
    );
    assert.match(node([tsc, "-p", "."], project).stdout, /wrong\.ts\(2,14\): error TS2322/);
  });
}

test("a name that can't be a plugin's is refused, and nothing is written", () => {
  const before = readdirSync(folder.path);
  for (const name of [
    "Upper",
    "9lives",
    "a_b",
    "a--b",
    "a-",
    "with space",
    "node_modules",
    "con",
    "x".repeat(41),
    "ä",
  ]) {
    const { status, stderr } = belljar("new", name);
    assert.is(status, 2, name);
    assert.match(stderr, "usage/name");
  }
  assert.equal(readdirSync(folder.path), before);
});

test("a folder with something in it is left alone; an empty one is used", () => {
  folder.write("full/mine.txt", "mine");
  const full = belljar("new", "full");
  assert.is(full.status, 2);
  assert.match(full.stderr, "full is there already, and not empty. [file/exists]");
  assert.equal(readdirSync(join(folder.path, "full")), ["mine.txt"]);
  folder.write("file", "");
  assert.is(belljar("new", "file").status, 2);
  mkdirSync(join(folder.path, "empty"));
  assert.is(belljar("new", "empty").status, 0);
  assert.ok(existsSync(join(folder.path, "empty", "plugin.ts")));
  assert.is(belljar("new", "no/such/place").status, 2);
  assert.ok(!existsSync(join(folder.path, "no")));
});

test("a plugin named like a class that its source uses gets a class of another name", () => {
  assert.is(belljar("new", "voice", "--template", "synth").status, 0);
  const built = belljar("build", "voice");
  assert.is(built.status, 0, built.stderr);
});

test("errors of the source are shown at its line, with exit code 2 and no output left", () => {
  folder.write(
    "broken/plugin.ts",
    'import { Plugin } from "belljar/sdk-as";\nexport default class A extends Plugin { a: i32 = nope; }\n',
  );
  const { status, stdout, stderr } = belljar("build", "broken");
  assert.is(status, 2);
  assert.is(stdout, "");
  assert.match(stderr, /^broken[\\/]plugin\.ts:2:50 error TS2304: Cannot find name 'nope'\./);
  assert.equal(readdirSync(join(folder.path, "broken")), ["plugin.ts"]);
});

test("a failed build leaves the module of the last good one", () => {
  const source = folder.write(
    "kept.ts",
    'import { Info, Plugin } from "belljar/sdk-as";\nexport default class A extends Plugin { i: Info = this.plugin("a.a", "A"); }\n',
  );
  assert.is(belljar("build", "kept.ts").status, 0);
  const good = readFileSync(join(folder.path, "kept.wasm"));
  writeFileSync(source, "export default 1 +;");
  assert.is(belljar("build", "kept.ts").status, 2);
  assert.equal(readFileSync(join(folder.path, "kept.wasm")), good);
});

test("a path from process to the allocator is a warning", () => {
  folder.write(
    "greedy.ts",
    'import { Info, Plugin } from "belljar/sdk-as";\nexport default class Greedy extends Plugin { i: Info = this.plugin("a.a", "A"); a: i32[] = [];\n process(frames: i32): void { this.a.push(1); } }\n',
  );
  const { status, stderr } = belljar("build", "greedy.ts", "-o", "elsewhere.wasm");
  assert.is(status, 0);
  assert.match(
    stderr,
    /^greedy\.ts:3:31: warning: process reaches the memory allocator: Greedy#process -> Array<i32>#push -> .*__renew/,
  );
  assert.ok(existsSync(join(folder.path, "elsewhere.wasm")));
});

test("what a host would refuse is said at the line that declares it, and nothing is written", () => {
  const head =
    'import { AudioPort, Info, Param, Plugin } from "belljar/sdk-as";\nexport default class A extends Plugin {\n';
  const info = '  info: Info = this.plugin("a.a", "A");\n';
  for (const [fields, sentence] of [
    [
      `${info}  x: Param = this.param("x");\n  y: AudioPort = this.monoOut("x");\n`,
      'refused.ts:5:31 error: the id "x" stands twice among ports and config parameters\n      y: AudioPort',
    ],
    [
      `${info}  x: Param = this.param("x").default(2);`,
      'refused.ts:4:25 error: port "x": default 2 is outside 0 to 1',
    ],
    [
      '  info: Info = this.plugin("My Plugin", "A");',
      "refused.ts:3:28 error: \"My Plugin\" can't be a plugin's id",
    ],
    ["", "refused.ts error: the plugin does not say who it is: `info: Info = this.plugin("],
  ] as const) {
    folder.write("refused.ts", `${head}${fields}}`);
    const { status, stderr } = belljar("build", "refused.ts");
    assert.is(status, 2);
    assert.ok(stderr.startsWith(sentence), stderr);
    assert.ok(!existsSync(join(folder.path, "refused.wasm")));
  }
});

test("a plugin built with checks says which function's index left its array", () => {
  folder.write(
    "outside.ts",
    'import { AudioPort, Info, Plugin } from "belljar/sdk-as";\nexport default class A extends Plugin {\n' +
      '  info: Info = this.plugin("a.a", "A");\n  out: AudioPort = this.monoOut("out");\n' +
      "  t: StaticArray<f32> = new StaticArray<f32>(4);\n" +
      "  process(frames: i32): void { this.out.mono.fill(this.t[frames], frames); }\n}",
  );
  assert.is(belljar("build", "outside.ts").status, 0);
  assert.is(belljar("process", "outside.wasm", "o.wav", "--seconds", "0.1").status, 0);
  const checked = belljar("build", "outside.ts", "--checked");
  assert.equal([checked.status, checked.stderr], [0, ""]);
  const { status, stderr } = belljar("process", "outside.wasm", "o.wav", "--seconds", "0.1");
  assert.is(status, 2);
  assert.match(stderr, /^a\.a: \[error\] Index out of range\n.* in outside\/A#process during process/);
});

test("what is not there to build is said", () => {
  mkdirSync(join(folder.path, "hollow"));
  for (const [asked, sentence] of [
    ["nowhere", "There is no nowhere."],
    ["hollow", "There is no plugin.ts in hollow."],
    ["full/mine.txt", "is neither a folder nor a .ts file."],
  ] as const) {
    const { status, stderr } = belljar("build", asked);
    assert.is(status, 2);
    assert.match(stderr, sentence);
  }
});

test("a device in place of a source is not read without end", () => {
  if (!existsSync("/dev/zero")) return skip("there is no /dev/zero here");
  symlinkSync("/dev/zero", join(folder.path, "endless.ts"));
  const { status, stderr } = belljar("build", "endless.ts");
  assert.is(status, 2);
  assert.match(stderr, "There is no plugin source");
});

test("an output that can't be written is said before the compiler runs", () => {
  const { status, stderr } = belljar("build", "kept.ts", "-o", "no/such/folder/a.wasm");
  assert.is(status, 2);
  assert.match(stderr, "file/no-folder");
});

test.run();
