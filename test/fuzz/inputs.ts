// What the vetter is given: input `n` of a seed is always the same bytes.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../root.ts";
import { binaryenModule } from "./binaryen.ts";
import { generate } from "./generate.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

export interface Input {
  /** "generated", "mutant", … */
  kind: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const FOLDERS = ["dist/plugins", "examples/c-gain", "examples/demo/out/plugins", ".cache/fuzz/modules"];

/** Real modules to mutate: the built-in plugins, the example in C, the demo's, and what lies in .cache/fuzz/modules. */
export function realModules(): Uint8Array<ArrayBuffer>[] {
  return FOLDERS.map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".wasm"))
        .sort()
        .map((name) => new Uint8Array(readFileSync(join(folder, name)))),
    );
}

/** Without `binaryen`, what its generator would have made is a mutant instead: its tool takes a second to load. */
export async function makeInput(
  seed: number,
  n: number,
  real: readonly Uint8Array[],
  binaryen = true,
): Promise<Input> {
  const random = new Random(seed, n);
  const source = (): Uint8Array =>
    random.chance(0.25) && real.length > 0 ? random.pick(real) : generate(random);
  const kind = random.below(100);
  if (kind < 2 && binaryen) {
    const bytes = await binaryenModule(random.bytes(200 + random.below(4_000)));
    return kind === 0
      ? { kind: "binaryen's", bytes }
      : { kind: "mutant of binaryen's", bytes: mutate(random, bytes, source()) };
  }
  if (kind < 30) return { kind: "generated", bytes: generate(random) };
  if (kind < 33) {
    const bytes = source();
    return { kind: "cut", bytes: new Uint8Array(bytes.slice(0, random.below(bytes.length + 1))) };
  }
  return { kind: "mutant", bytes: mutate(random, source(), source()) };
}
