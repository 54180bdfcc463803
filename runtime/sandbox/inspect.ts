// Inspection: a module's facts, with nothing of it run.

import { DEFAULT_LIMITS } from "./limits.ts";
import type { Limits, ModuleFacts } from "./types.ts";
import { vetModule } from "./vet.ts";

/** Throws BelljarError module/… where vetting refuses the module. */
export function inspectModule(bytes: Uint8Array, limits: Partial<Limits> = {}): ModuleFacts {
  return vetModule(bytes, { ...DEFAULT_LIMITS, ...limits }).facts;
}
