// time limit: 240 s
// The rewrite changes no meaning: generated modules and the real plugins give the same results before and after it.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import binaryen from "binaryen";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LAYOUT_AUDIO, LAYOUT_CONTROL_IN, LAYOUT_EVENTS_IN } from "../../abi/layout.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { SLICE, STACK_OVERFLOW } from "../../runtime/sandbox/meter.ts";
import { F32, F64, type FunctionType, I32, I64, V128 } from "../../runtime/sandbox/module.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { root } from "../root.ts";

const FUZZING = "fuzzing-support";
const type = (params: number[], results: number[] = []): FunctionType => ({ params, results });
/** What the generator's modules may import. */
const IMPORTS = new Map([
  ["log-i32", type([I32])],
  ["log-i64", type([I64])],
  ["log-f32", type([F32])],
  ["log-f64", type([F64])],
  ["log-v128", type([V128])],
  ["call-export", type([I32, I32])],
  ["call-export-catch", type([I32], [I32])],
  ["sleep", type([I32, I32], [I32])],
]);

class Enough extends Error {}

/** Calls every export with a few arguments and writes down all that can be seen. */
function trace(
  make: (imports: Record<string, unknown>) => { exports: WebAssembly.Exports; memory: WebAssembly.Memory },
  before: () => void,
): string[] {
  const log: string[] = [];
  const note =
    (name: string) =>
    (...values: unknown[]): number => {
      log.push(`${name} ${values.join()}`);
      if (log.length > 30_000) throw new Enough();
      return 0;
    };
  const outcome = (name: string, call: () => unknown): void => {
    try {
      log.push(`${name} = ${call()}`);
    } catch (error) {
      if (error instanceof Enough || error instanceof RangeError) throw new Enough();
      log.push(`${name} ! ${(error as Error).message}`);
    }
  };
  let made: ReturnType<typeof make> | null = null;
  outcome("start", () => {
    made = make({ [FUZZING]: Object.fromEntries([...IMPORTS.keys()].map((name) => [name, note(name)])) });
  });
  if (made === null) return log;
  const { exports, memory } = made as ReturnType<typeof make>;
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value !== "function" || name.startsWith("$")) continue;
    for (const number of [0, 1, -1, 77_777]) {
      before();
      const args = Array.from({ length: value.length }, (_, i) => number + i);
      outcome(`${name}(${args})`, () => {
        try {
          return value(...args);
        } catch (error) {
          if (error instanceof TypeError) return value(...args.map(BigInt));
          throw error;
        }
      });
      if (value.length === 0) break;
    }
    log.push(createHash("sha256").update(new Uint8Array(memory.buffer)).digest("hex"));
  }
  return log;
}

test("modules of binaryen's generator give the same results, logs, traps and memory", () => {
  const folder = mkdtempSync(join(tmpdir(), "belljar-generated-"));
  let accepted = 0;
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed >>> 24;
  };
  try {
    for (let n = 0; n < 30; n++) {
      const input = join(folder, "input");
      const output = join(folder, "module.wasm");
      writeFileSync(input, Uint8Array.from({ length: 300 + n * 150 }, random));
      const features = [
        "--mvp-features",
        "--enable-simd",
        "--enable-bulk-memory",
        "--enable-sign-ext",
        "--enable-nontrapping-float-to-int",
      ];
      const optimizer = join(root, "node_modules", "binaryen", "bin", "wasm-opt");
      execFileSync(process.execPath, [optimizer, input, "-ttf", "--denan", ...features, "-o", output], {
        stdio: "ignore",
      });
      const module = binaryen.readBinary(readFileSync(output));
      const { SIMD128, BulkMemory, BulkMemoryOpt, SignExt, NontrappingFPToInt, MutableGlobals } =
        binaryen.Features;
      module.setFeatures(
        SIMD128 | BulkMemory | BulkMemoryOpt | SignExt | NontrappingFPToInt | MutableGlobals,
      );
      module.addMemoryExport("0", "generated memory");
      const bytes = new Uint8Array(module.emitBinary());
      module.dispose();

      let rewritten: ReturnType<typeof rewriteModule>;
      try {
        const imports = new Map([...IMPORTS].map(([name, signature]) => [`${FUZZING}.${name}`, signature]));
        const vetted = vetModule(bytes, DEFAULT_LIMITS, imports);
        rewritten = rewriteModule(vetted.module, vetted.codes, DEFAULT_LIMITS);
      } catch (error) {
        assert.match(
          (error as Error).message,
          /data\.drop|memory\.init reads|the limit is/,
          `module ${n}: ${(error as Error).message}`,
        );
        continue;
      }
      let ticks = 0;
      let fuel = (): void => {};
      let after: string[];
      try {
        after = trace(
          (imports) => {
            const memory = new WebAssembly.Memory({ ...rewritten.memory, shared: true });
            const tick = (left: number): number => {
              if (left === STACK_OVERFLOW || ++ticks > 5_000) throw new Enough();
              return left + SLICE;
            };
            const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes), {
              ...imports,
              $: { memory, tick },
            } as never);
            fuel = () => (exports.$fuel as (units: number, control: number) => number)(SLICE, 1);
            fuel();
            (exports.$boot as () => void)();
            return { exports, memory };
          },
          () => fuel(),
        );
      } catch (error) {
        assert.instance(error, Enough);
        continue; // it runs too long to be compared
      }
      const before = trace(
        (imports) => {
          const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports as never);
          return { exports, memory: exports["generated memory"] as WebAssembly.Memory };
        },
        () => {},
      );
      assert.equal(after, before, `module ${n}`);
      accepted++;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  assert.ok(accepted >= 15, `${accepted} of 30 modules were compared`);
});

/** A plugin's own module, with nothing of the sandbox around it, driven by hand. */
function bare(bytes: Uint8Array<ArrayBuffer>, rate: number, frames: number) {
  const nothing = (): number => 0;
  const belljar = {
    host_log: nothing,
    host_poll_event: nothing,
    host_emit_event: nothing,
    host_control: nothing,
    host_read: nothing,
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { belljar });
  const call = exports as unknown as Record<string, (...args: number[]) => number>;
  call.bj_descriptor?.();
  const layout = call.bj_activate?.(rate, frames) as number;
  const { buffer } = exports.memory as WebAssembly.Memory;
  return { call, words: new DataView(buffer), buffer, layout };
}

const folder = join(root, "dist", "plugins");
const plugins = [
  ...readdirSync(folder)
    .filter((name) => name.endsWith(".wasm"))
    .map((name) => join(folder, name)),
  join(root, "examples", "c-gain", "gain.wasm"),
];
for (const path of plugins) {
  test(`${path.slice(root.length + 1)} gives the same samples and events before and after the rewrite`, async () => {
    const bytes = new Uint8Array(readFileSync(path));
    const plugin = (await PluginType.load(bytes)).instantiate();
    const frames = 96;
    plugin.activate(44_100, frames);
    const twin = bare(bytes, 44_100, frames);
    const at = (offset: number): number => twin.words.getUint32(twin.layout + offset, true);
    const inputs = plugin.descriptor.ports.findIndex(
      (port) => port.type === "event" && port.role === "input",
    );
    let phase = 0;
    let sounding = 0;
    for (let block = 0; block < 120; block++) {
      for (let i = 0; i < plugin.controlsIn.length; i++) {
        twin.words.setFloat32(at(LAYOUT_CONTROL_IN) + i * 4, plugin.controlsIn[i] as number, true);
      }
      if (inputs >= 0 && block % 7 === 0) {
        plugin.eventsIn.push(block % frames, 1, inputs, block, 0, 40 + (block % 40), 0, 0.8);
        if (block > 7)
          plugin.eventsIn.push(frames - 1, 2, inputs, block - 7, 0, 40 + ((block - 7) % 40), 0, 0);
        const events = new Uint8Array(
          plugin.eventsIn.words.buffer,
          plugin.eventsIn.words.byteOffset,
          plugin.eventsIn.count * 32,
        );
        new Uint8Array(twin.buffer, at(LAYOUT_EVENTS_IN), events.length).set(events);
      }
      const count = plugin.eventsIn.count;
      const buffers = plugin.audio.map((port, i) => ({
        port,
        start: twin.words.getUint32(at(LAYOUT_AUDIO) + i * 16, true),
      }));
      for (const { port, start } of buffers.filter(({ port }) => port.input)) {
        for (let i = 0; i < port.samples.length; i++) port.samples[i] = Math.sin(phase++ * 0.05) * 0.5;
        new Float32Array(twin.buffer, start, port.samples.length).set(port.samples);
      }
      assert.ok(plugin.process(frames), plugin.fault?.message);
      const result = twin.call.bj_process?.(frames, count) as number;
      assert.is((result >> 8) & 0xffff, plugin.eventsOut.count);
      sounding += plugin.eventsOut.count;
      for (const { port, start } of buffers.filter(({ port }) => !port.input)) {
        for (let c = 0; c < port.channels; c++) {
          const expected = new Float32Array(twin.buffer, start + c * port.stride * 4, frames);
          // the seal makes -0 and subnormals 0
          const sealed = expected.map((sample) => (Math.abs(sample) < 1.17549435e-38 ? 0 : sample));
          assert.equal(
            Buffer.from(port.channel(c).slice(0, frames).buffer),
            Buffer.from(sealed.buffer),
            `block ${block}`,
          );
          sounding += sealed.filter((sample) => sample !== 0).length;
        }
      }
    }
    assert.ok(sounding > 0, "nothing sounded");
  });
}

test.run();
