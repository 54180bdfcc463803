// What must hold of any bytes that are given to the sandbox. Everything else is a finding.
//
//   - Vetting ends with a BelljarError module/… or takes them; nothing else is thrown.
//   - What is malformed to our parser is not valid to the engine.
//   - What is taken: the engine accepts the original and the rewritten form; the parser's parts, encoded again, are
//     the original's sections; both forms give the same results; and what is charged is at least what is
//     executed (side-by-side.ts).

import { BelljarError } from "../../abi/error.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { type Rewritten, rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import type { FunctionType } from "../../runtime/sandbox/module.ts";
import { HOST_FUNCTIONS, vetModule } from "../../runtime/sandbox/vet.ts";
import { canonical } from "./canonical.ts";
import { checkEncodedBack } from "./encode-back.ts";
import { observable } from "./original.ts";
import { Random } from "./random.ts";
import { type Compared, Difference, type Options, runSideBySide } from "./side-by-side.ts";

/** Something that must never be. */
export class Finding extends Error {}

export interface Verdict {
  /** Code of the error that it was refused with; "" where it was taken. */
  refused: string;
  /** The comparison of both forms, where there was one. */
  compared: Compared | null;
}

/** Little memory, so that thousands of instances can be made. */
const LIMITS = { ...DEFAULT_LIMITS, memoryPages: 32 };

export interface CheckOptions extends Options {
  imports?: ReadonlyMap<string, FunctionType>;
}

/** Throws Finding. */
export function check(bytes: Uint8Array<ArrayBuffer>, seed = 1, options: CheckOptions = {}): Verdict {
  const imports = options.imports ?? HOST_FUNCTIONS;
  let stage = "vetting";
  try {
    const given = bytes.slice();
    const vetted = vetModule(bytes, LIMITS, imports);
    stage = "encoding back";
    checkEncodedBack(vetted.module, vetted.codes);
    stage = "rewriting";
    const rewritten = rewriteModule(vetted.module, vetted.codes, LIMITS);
    if (Buffer.compare(given, bytes) !== 0)
      throw new Finding("Vetting or rewriting changed the bytes that it was given.");
    stage = "compiling the rewritten form";
    const certain = canonical(vetted.module, vetted.codes);
    // Where NaNs leave nothing open, the very form is compiled when it is compared.
    if (Buffer.compare(certain, bytes) === 0) {
      return { refused: "", compared: compare(vetted, rewritten, seed, options) };
    }
    if (!WebAssembly.validate(rewritten.bytes)) new WebAssembly.Module(rewritten.bytes);
    return { refused: "", compared: compareCertain(certain, imports, seed, options) };
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (error instanceof Difference) throw new Finding(error.message);
    if (!(error instanceof BelljarError) || !error.code.startsWith("module/")) {
      throw new Finding(`${stage} throws ${(error as Error).stack ?? error}`);
    }
    if (stage !== "vetting" && error.code !== "module/limit")
      throw new Finding(`${stage} refuses: ${error.message}`);
    if (error.code === "module/malformed" && WebAssembly.validate(bytes)) {
      throw new Finding(`What the engine takes is malformed to the sandbox: ${error.message}`);
    }
    return { refused: error.code, compared: null };
  }
}

type Vetted = ReturnType<typeof vetModule>;

function compareCertain(
  certain: Uint8Array<ArrayBuffer>,
  imports: ReadonlyMap<string, FunctionType>,
  seed: number,
  options: Options,
): Compared | null {
  let vetted: Vetted;
  let rewritten: Rewritten;
  try {
    vetted = vetModule(certain, LIMITS, imports);
    rewritten = rewriteModule(vetted.module, vetted.codes, LIMITS);
  } catch (error) {
    if (error instanceof BelljarError && error.code === "module/limit") return null; // it grew over one
    throw new Error(`its form with certain NaNs is refused: ${(error as Error).message}`);
  }
  return compare(vetted, rewritten, seed, options);
}

/** Every second module runs as the original wrote it, the others count what they execute. */
function compare({ module, codes }: Vetted, rewritten: Rewritten, seed: number, options: Options): Compared {
  const original = observable(module, rewritten.memory.maximum, seed & 1 ? codes : null);
  return runSideBySide(module, rewritten, original, new Random(seed), options);
}
