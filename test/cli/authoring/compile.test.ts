// The plugin compiler: what it makes, and what it says when it can't.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../../abi/error.ts";
import { compilePlugin } from "../../../runtime/cli/authoring/compile.ts";
import { Folder } from "./folder.ts";

const folder = new Folder();
const cwd = process.cwd();
test.before(() => process.chdir(folder.path));
test.after(() => {
  process.chdir(cwd);
  folder.remove();
});

const IMPORT = 'import { AudioPort, Param, Plugin } from "belljar/sdk-as";\n';

/** What the compiler says of a source that it refuses. */
async function complaint(source: string, name = "plugin.ts"): Promise<string> {
  try {
    await compilePlugin(folder.write(name, source));
  } catch (error) {
    assert.instance(error, BelljarError);
    assert.is((error as BelljarError).code, "build/failed");
    const { message } = error as BelljarError;
    assert.not.match(message, /glue|~lib|node_modules/);
    return message;
  }
  return assert.unreachable("it compiled") as never;
}

test("a plugin compiles anywhere, and imports nothing but the host", async () => {
  const path = folder.write(
    "some where/über plugin.ts",
    `${IMPORT}import { half } from "./parts/half";
export default class A extends Plugin {
  out: AudioPort = this.monoOut("out");
  process(frames: i32): void { for (let i = 0; i < frames; i++) this.out.mono[i] = half(); }
}`,
  );
  folder.write("some where/parts/half.ts", "export function half(): f32 { return 0.5; }");
  const { wasm, warnings, allocatorPath } = await compilePlugin(path);
  const module = new WebAssembly.Module(wasm as BufferSource);
  assert.ok(WebAssembly.Module.imports(module).every((one) => one.module === "belljar"));
  const names = WebAssembly.Module.exports(module).map((one) => one.name);
  for (const name of ["memory", "bj_abi", "bj_scratch", "bj_descriptor", "bj_activate", "bj_process"])
    assert.ok(names.includes(name), name);
  assert.equal(warnings, []);
  assert.is(allocatorPath, null);
});

test("the same source gives the same bytes", async () => {
  const path = folder.write("same.ts", `${IMPORT}export default class A extends Plugin {}`);
  assert.equal((await compilePlugin(path)).wasm, (await compilePlugin(path)).wasm);
});

test("functions keep their names, so that a fault can say where it was", async () => {
  const path = folder.write(
    "named.ts",
    `${IMPORT}export default class Named extends Plugin {
  out: AudioPort = this.monoOut("out");
  process(frames: i32): void { for (let i = 0; i < frames; i++) this.out.mono[i] = <f32>Math.sin(i); }
}`,
  );
  const { wasm } = await compilePlugin(path);
  assert.match(Buffer.from(wasm).toString("latin1"), "Named#process");
});

test("an error names the author's file, line and column, and shows the line", async () => {
  const message = await complaint(`${IMPORT}export default class A extends Plugin {
  process(frames: i32): void {
    let b = unknownThing(3);
  }
}`);
  assert.match(message, "plugin.ts:4:13 error TS2304: Cannot find name 'unknownThing'.");
  assert.match(message, "    let b = unknownThing(3);\n                ~~~~~~~~~~~~");
  assert.match(message, "1 error in plugin.ts.");
});

test("every error is said, syntax errors too", async () => {
  const types = await complaint(`${IMPORT}export default class A extends Plugin {
  a: i32 = "x";
  process(frames: i32): void { nope(); }
}`);
  assert.match(types, "plugin.ts:3:12 error TS2322: Type 'String' is not assignable to type 'i32'.");
  assert.match(types, "2 errors");
  assert.match(
    await complaint(`${IMPORT}export default class A extends Plugin {`),
    /plugin\.ts:2:\d+ error TS1005/,
  );
});

test("an error in a file beside the plugin names that file", async () => {
  folder.write("beside.ts", "\nexport function f(): i32 { return nope; }");
  const message = await complaint(`${IMPORT}import { f } from "./beside";
export default class A extends Plugin { x: i32 = f(); }`);
  assert.match(message, /^beside\.ts:2:35 error/);
});

test("a module that is not there is named as it was written", async () => {
  const message = await complaint(
    `${IMPORT}import { a } from "./nowhere";\nimport { b } from "left-pad";\nexport default class A extends Plugin {}`,
  );
  assert.match(message, "plugin.ts:2:19 error TS6054: There is no module 'nowhere'.");
  assert.match(message, "plugin.ts:3:19 error TS6054: There is no module 'left-pad'.");
});

test("what is wrong with the default export is said in the author's terms", async () => {
  const expected: [string, string][] = [
    ["", "must be the file's default export"],
    [`${IMPORT}export class A extends Plugin {}`, "must be the file's default export"],
    ["export default class A { a: i32 = 0; }", "must be a class that extends Plugin"],
    ["export default function f(): void {}", "must be a class that extends Plugin"],
    [`${IMPORT}export default abstract class A extends Plugin {}`, "must not be abstract"],
    [
      `${IMPORT}export default class A extends Plugin { constructor(a: i32) { super(); } }`,
      "must take no arguments",
    ],
  ];
  for (const [source, sentence] of expected) {
    const message = await complaint(source);
    assert.match(message, sentence);
    assert.match(message, /^plugin\.ts: error: .*\n\n1 error in plugin\.ts\.$/);
  }
});

test("a member that Plugin has too is said once, with what to do", async () => {
  const field = await complaint(`${IMPORT}export default class A extends Plugin {
  x: Param = this.param("x");
  param: f32 = 0;
}`);
  assert.is(
    field,
    "plugin.ts:4:3 error: Plugin has a member 'param' already; give yours another name.\n      param: f32 = 0;\n      ~~~~~\n\n1 error in plugin.ts.",
  );
  const method = await complaint(`${IMPORT}export default class A extends Plugin {
  noteOn(key: i32, velocity: i32): void {}
  private reset(): void {}
}`);
  assert.match(
    method,
    "3:3 error: 'noteOn' must be declared as Plugin has it: noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void\n",
  );
  assert.match(method, "4:11 error: 'reset' must be declared as Plugin has it: reset(): void\n");
  assert.match(method, "2 errors");
});

test("the SDK's own names are free for an author's fields", async () => {
  const names = [
    "events",
    "audio",
    "add",
    "number",
    "declared",
    "ports",
    "state",
    "block",
    "text",
    "queue",
    "layout",
  ];
  await compilePlugin(
    folder.write(
      "free.ts",
      `${IMPORT}export default class A extends Plugin { ${names.map((one) => `${one}: f32 = 0;`).join(" ")} }`,
    ),
  );
});

test("common mistakes come with what to write instead", async () => {
  const message = await complaint(`import { Parm, Plugin } from "belljar/sdk-as";
import { Smoother } from "belljar/sdk-as/dsp/smoother";
export default class A extends Plugin {
  x: f32 = 0;
  process(frames: i32): void { this.x = frames; this.x = frames + 1; }
}`);
  assert.match(message, "has no exported member 'Parm'. Did you mean Param?");
  assert.match(message, "has no exported member 'Smoother'. Known: LinearSmoother, OnePoleSmoother.");
  assert.match(message, "requires an explicit cast. Write <f32>frames.");
  assert.match(message, "requires an explicit cast. Write <f32>(frames + 1).");
});

test("the clock and the random source of JavaScript are refused at the author's line", async () => {
  const message = await complaint(`${IMPORT}// Math.random() in a comment
export default class A extends Plugin {
  a: f64 = 0;
  process(frames: i32): void {
    this.a = Math.random();
    this.a = <f64>Date.now();
    console.log("Math.random");
  }
}`);
  assert.match(message, "plugin.ts:6:14 error: Math.random is not there for plugins");
  assert.match(message, "    this.a = Math.random();");
  assert.match(message, "plugin.ts:7:19 error: Date is not there for plugins");
  assert.match(message, "plugin.ts:8:5 error: console is not there for plugins");
  assert.match(message, "3 errors");
});

test("an import of the author's own is refused at its declaration", async () => {
  const message = await complaint(`${IMPORT}declare function outside(): i32;
export default class A extends Plugin { a: i32 = outside(); }`);
  assert.match(message, /plugin\.ts:2:18 error: the import \S*outside is not there for plugins/);
});

test("the calls from process to the allocator are named", async () => {
  const path = async (source: string) =>
    (await compilePlugin(folder.write("greedy.ts", IMPORT + source))).allocatorPath?.names;
  assert.equal(
    await path(`function makeBuffer(n: i32): StaticArray<f32> { return new StaticArray<f32>(n); }
export default class Greedy extends Plugin {
  out: AudioPort = this.monoOut("out");
  process(frames: i32): void { this.out.mono[0] = makeBuffer(frames)[0]; }
}`),
    ["Greedy#process", "makeBuffer", "StaticArray<f32>#constructor", "__new"],
  );
  const [first, ...more] = (await path(`export default class Greedy extends Plugin {
  list: i32[] = [];
  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void { this.list.push(key); }
}`))!;
  assert.is(first, "Greedy#noteOn");
  assert.is(more.at(-1), "__renew");
  // through a function value, too
  const indirect = await path(`export default class Greedy extends Plugin {
  f: (x: i32) => i32 = (x: i32): i32 => new StaticArray<f32>(x).length;
  process(frames: i32): void { this.f(3); }
}`);
  assert.is(indirect?.[0], "Greedy#process");
  assert.is(indirect?.at(-1), "__new");
});

test("every place in the author's code that allocates on the way is named", async () => {
  const { allocatorPath, wasm } = await compilePlugin(
    folder.write(
      "greedy.ts",
      `${IMPORT}export default class Greedy extends Plugin {
  list: i32[] = [];
  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void { this.list.push(key); }
  process(frames: i32): void { this.help(new StaticArray<f32>(frames).length); }
  help(n: i32): void {
    this.list = new Array<i32>(n);
  }
  activate(rate: f64, maxFrames: i32): void { this.list = new Array<i32>(9); }
}`,
    ),
  );
  assert.equal(
    allocatorPath?.places.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ["greedy.ts:4:70", "greedy.ts:5:42", "greedy.ts:7:17"],
  );
  const sections = WebAssembly.Module.customSections(
    new WebAssembly.Module(wasm as BufferSource),
    "sourceMappingURL",
  );
  assert.is(sections.length, 0);
});

test("what allocates in activate alone is no path from process", async () => {
  const { allocatorPath } = await compilePlugin(
    folder.write(
      "thrifty.ts",
      `${IMPORT}export default class Thrifty extends Plugin {
  buffer: StaticArray<f32> = new StaticArray<f32>(1);
  out: AudioPort = this.monoOut("out");
  gain: Param = this.param("gain").smooth(5).asGain();
  activate(rate: f64, maxFrames: i32): void { this.buffer = new StaticArray<f32>(maxFrames); }
  process(frames: i32): void { this.log("x"); this.out.mono[0] = this.buffer[0] * this.gain.current; }
}`,
    ),
  );
  assert.is(allocatorPath, null);
});

test("settings that lie beside the plugin change nothing", async () => {
  const source = `${IMPORT}export default class A extends Plugin {}`;
  const { wasm } = await compilePlugin(folder.write("a/plugin.ts", source));
  folder.write(
    "b/asconfig.json",
    '{ "options": { "importMemory": true, "runtime": "stub", "optimizeLevel": 0 } }',
  );
  assert.equal((await compilePlugin(folder.write("b/plugin.ts", source))).wasm, wasm);
});

test("a source that is not there is said to be missing", async () => {
  try {
    await compilePlugin("no/such/plugin.ts");
    assert.unreachable();
  } catch (error) {
    assert.is((error as BelljarError).code, "build/no-source");
  }
});

test.run();
