// What several checks share.

import { BelljarError } from "../../../abi/error.ts";
import type { Bench, RigOptions } from "../check.ts";
import { Ended } from "../verdict.ts";

/** -100 dB: what is fainter counts as silence. */
export const QUIET = 1e-5;

/** Why it refuses to be activated so; null where it does not. A fault is thrown. */
export function refusal(bench: Bench, options: RigOptions): string | null {
  try {
    bench.make(options);
    return null;
  } catch (error) {
    if (error instanceof BelljarError && error.code === "plugin/refused") return error.message;
    throw error;
  }
}

/** Runs `act`; what stops the plugin is let through, and what it refuses is returned. */
export function refused(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof Ended) throw error;
    if (
      error instanceof BelljarError &&
      (error.code === "plugin/refused" || error.code === "plugin/no-memory")
    ) {
      return error.message;
    }
    throw error;
  }
}
