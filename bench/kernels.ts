// The kernels that are measured: AssemblyScript in bench/kernels, compiled with the flags of plugins (asconfig.json).

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = process.env["BELLJAR_ROOT"] ?? process.cwd();
const folder = join(root, "bench", "kernels");

export interface Kernel {
  name: string;
  /** Frames that one call of process renders here. */
  frames: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** What a kernel exports. `input` and `output` are addresses of a left channel; the right one lies BLOCK samples behind. */
export interface KernelExports {
  memory: WebAssembly.Memory;
  setup(): void;
  process(frames: number): void;
  input(): number;
  output(): number;
}

/** Most frames of a block of a kernel, and samples between its channels. */
export const BLOCK = 1_024;

/** "biquad", "biquad-simd", … */
export const KERNELS: readonly string[] = [
  "biquad",
  "biquad-simd",
  "wavetable",
  "wavetable-simd",
  "reverb",
  "reverb-simd",
  "convolver",
  "convolver-simd",
  "sine",
  "sine-simd",
];

interface Asc {
  main(
    args: string[],
    options: {
      stderr: { write(text: string): void };
      readFile(name: string): string | null;
      writeFile(name: string, contents: string | Uint8Array): void;
      listFiles(): string[];
    },
  ): Promise<{ error: Error | null }>;
}

/** Compiles the kernels, or takes them from the cache where nothing changed. */
export async function loadKernels(names: readonly string[] = KERNELS): Promise<Kernel[]> {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (file.endsWith(".ts")) hash.update(file).update(readFileSync(join(folder, file)));
  }
  for (const file of ["asconfig.json", "package-lock.json"]) hash.update(readFileSync(join(root, file)));
  const cache = join(root, ".cache", "kernels", hash.digest("hex").slice(0, 24));
  const kernels: Kernel[] = [];
  for (const name of names) {
    const kept = join(cache, `${name}.wasm`);
    let bytes: Uint8Array<ArrayBuffer>;
    if (existsSync(kept)) bytes = new Uint8Array(readFileSync(kept));
    else {
      bytes = await compile(name);
      await mkdir(cache, { recursive: true });
      const temporary = `${kept}.${process.pid}.tmp`;
      await writeFile(temporary, bytes);
      await rename(temporary, kept);
    }
    // The convolver's block is the hop of its partitions.
    kernels.push({ name, frames: name.startsWith("convolver") ? BLOCK : 128, bytes });
  }
  return kernels;
}

async function compile(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const asc = (await import("assemblyscript/asc")) as unknown as Asc;
  let said = "";
  let wasm: Uint8Array | null = null;
  const { error } = await asc.main([`${name}.ts`, "--outFile", "kernel.wasm"], {
    stderr: { write: (text) => (said += text) },
    readFile(file) {
      const path = file === "asconfig.json" ? join(root, file) : join(folder, file);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
    writeFile(file, contents) {
      if (file === "kernel.wasm" && typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error || wasm === null)
    throw new Error(`The kernel ${name} does not compile:\n${said || error?.message}`);
  return new Uint8Array(wasm);
}
