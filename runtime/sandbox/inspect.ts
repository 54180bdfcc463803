// Inspection: a module's facts, with nothing of it run.

import { completeLimits, type Limits } from "./limits.ts";
import type { ModuleFacts } from "./types.ts";
import { vetModule } from "./vet.ts";

/** Throws BelljarError module/… where vetting refuses the module. */
export function inspectModule(bytes: Uint8Array, limits: Partial<Limits> = {}): ModuleFacts {
  return vetModule(bytes, completeLimits(limits)).facts;
}
