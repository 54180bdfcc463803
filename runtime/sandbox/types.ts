// The shapes that the sandbox shows to the rest of the runtime.

/** Why an instance was stopped. */
export type FaultKind =
  | "unreachable"
  | "out-of-bounds"
  | "division"
  | "conversion"
  | "indirect-call"
  | "stack"
  | "units"
  | "deadline"
  | "not-finite"
  | "status"
  | "contract"
  | "host-call";

/** What stopped an instance, where. */
export interface Fault {
  kind: FaultKind;
  /** The contract function that the host had called: "process", "activate", … */
  call: string;
  /** The plugin's function that was running, by name where the module has names, else "function 12"; empty where unknown. */
  where: string;
  /** Calls of process that had ended well before. */
  block: number;
  /** Units used in the call up to the last check. */
  units: number;
  /** One sentence that holds the above, safe to print. */
  message: string;
}

/** What the sections of a module say; nothing of it has run. */
export interface ModuleFacts {
  bytes: number;
  functions: number;
  /** "belljar.host_log", … */
  imports: string[];
  exports: string[];
  /** Initial and declared maximum pages (null: none declared). */
  memory: { initial: number; maximum: number | null };
  /** "simd", "bulk-memory", "sign-extension", "saturating-conversion", "multi-value", "reference-types", "tail-call"… as used. */
  features: string[];
  /** Bytes of data segments. */
  dataBytes: number;
  largestBody: number;
}
