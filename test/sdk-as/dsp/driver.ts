// Compiles a few lines of AssemblyScript around the DSP of the SDK, so that a test can ask it for blocks of samples.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../root.ts";

/** Samples that each of the four blocks holds. */
export const BLOCK = 65536;

/** A compiled driver: its functions, and four blocks in its memory named A, B, C, D. */
export interface Driver {
  call(name: string, ...values: number[]): number;
  a: Float32Array;
  b: Float32Array;
  c: Float32Array;
  d: Float32Array;
  /** Block D again, as 64-bit numbers (half as many). */
  wide: Float64Array;
}

/** `source` may use A, B, C, D (Samples) and W (an address of f64). */
export async function driver(source: string): Promise<Driver> {
  const bytes = await compiled(`import { Samples } from "./sdk-as/samples";
const A = changetype<Samples>(memory.data(${BLOCK * 4}, 16));
const B = changetype<Samples>(memory.data(${BLOCK * 4}, 16));
const C = changetype<Samples>(memory.data(${BLOCK * 4}, 16));
const W = memory.data(${BLOCK * 4}, 16);
const D = changetype<Samples>(W);
export function a(): usize { return changetype<usize>(A); }
export function b(): usize { return changetype<usize>(B); }
export function c(): usize { return changetype<usize>(C); }
export function d(): usize { return W; }
${source}`);
  const { instance } = await WebAssembly.instantiate(bytes);
  const exports = instance.exports as Record<string, (...values: number[]) => number>;
  const call = (name: string, ...values: number[]) => (exports[name] as (typeof exports)[string])(...values);
  const { buffer } = instance.exports["memory"] as WebAssembly.Memory;
  const block = (name: string) => new Float32Array(buffer, call(name), BLOCK);
  return {
    call,
    a: block("a"),
    b: block("b"),
    c: block("c"),
    d: block("d"),
    wide: new Float64Array(buffer, call("d"), BLOCK / 2),
  };
}

/** Kept by the content of everything that went in, because the compiler takes a second to load. */
async function compiled(source: string): Promise<Uint8Array<ArrayBuffer>> {
  const hash = createHash("sha256")
    .update(source)
    .update(readFileSync(join(root, "package-lock.json")));
  const dsp = join(root, "sdk-as", "dsp");
  for (const name of readdirSync(dsp).sort()) hash.update(name).update(readFileSync(join(dsp, name)));
  hash.update(readFileSync(join(root, "sdk-as", "samples.ts")));
  const folder = join(root, ".cache", "as");
  const kept = join(folder, `dsp-${hash.digest("hex").slice(0, 24)}.wasm`);
  if (existsSync(kept)) return new Uint8Array(readFileSync(kept));

  const asc = (await import("assemblyscript/asc")).default;
  let wasm: Uint8Array<ArrayBuffer> | null = null;
  let said = "";
  const { error } = await asc.main(
    "driver.ts -o driver.wasm -O3 --runtime minimal --use abort= --uncheckedBehavior always --enable simd".split(
      " ",
    ),
    {
      stderr: { write: (text: string) => (said += text) },
      readFile(name: string) {
        if (name === "driver.ts") return source;
        const path = join(root, name);
        return existsSync(path) ? readFileSync(path, "utf8") : null;
      },
      writeFile(name: string, contents: string | Uint8Array) {
        if (name === "driver.wasm") wasm = new Uint8Array(contents as Uint8Array);
      },
      listFiles: () => [],
    },
  );
  if (error || wasm === null) throw new Error(`the driver does not compile:\n${said || error?.message}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, wasm);
  renameSync(`${kept}.${process.pid}`, kept);
  return wasm;
}

/** Fills a block with `count` values from `low` to `high`, both included, and returns how many fit. */
export function sweep(block: Float32Array, low: number, high: number, count = block.length): number {
  for (let i = 0; i < count; i++) block[i] = low + ((high - low) * i) / (count - 1);
  return count;
}

/** The bits of samples, for "the very same". */
export function bits(block: Float32Array, count: number): number[] {
  return [...new Uint32Array(block.buffer, block.byteOffset, count)];
}

/** Largest |f(x) - g(x)| over `count` indices, and where. */
export function worst(count: number, error: (i: number) => number): { error: number; at: number } {
  let most = { error: 0, at: 0 };
  for (let i = 0; i < count; i++) {
    const e = Math.abs(error(i));
    if (!(e <= most.error)) most = { error: e, at: i };
  }
  return most;
}
