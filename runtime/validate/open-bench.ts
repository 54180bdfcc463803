// From a plugin's bytes to a bench, or to the verdict that there is none.

import { BelljarError, printable } from "../../abi/error.ts";
import { type Compile, PluginType } from "../sandbox/index.ts";
import { LOADS } from "./catalogue.ts";
import { Bench, type BenchOptions, type Check } from "./check.ts";
import type { CheckResult } from "./run.ts";

export type Opened = { bench: Bench } | { refused: string };

/** Loads the plugin; says why not where it is refused. */
export async function openBench(
  bytes: Uint8Array,
  options: Pick<BenchOptions, "seed" | "setup" | "elsewhere">,
  compile?: Compile,
): Promise<Opened> {
  try {
    const type = await PluginType.load(bytes, {
      ...(compile === undefined ? {} : { compile }),
      ...(options.setup?.limits === undefined ? {} : { limits: options.setup.limits }),
    });
    return { bench: new Bench({ type, bytes, ...options }) };
  } catch (error) {
    if (!(error instanceof BelljarError) || error.code.startsWith("build/")) throw error;
    return { refused: printable(error.message, 400) };
  }
}

/** The results of a plugin that does not load. */
export function notLoaded(
  checks: readonly Check[],
  word: "failed" | "crashed",
  sentence: string,
): CheckResult[] {
  return checks.map(({ id }) =>
    id === LOADS
      ? { check: id, word, sentence, milliseconds: 0 }
      : { check: id, word: "skipped", sentence: "The plugin does not load.", milliseconds: 0 },
  );
}
