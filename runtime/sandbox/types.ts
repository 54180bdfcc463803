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

/** Bounds that a module and its instances are held to. */
export interface Limits {
  /** Bytes of the module. */
  moduleBytes: number;
  functions: number;
  /** Bytes of one function's body. */
  bodyBytes: number;
  /** Locals and parameters of one function. */
  locals: number;
  /** Blocks inside blocks. */
  nesting: number;
  /** Loops inside loops. */
  loopNesting: number;
  /** Locals times loops and merges of one function. */
  localMerges: number;
  /** br_table targets of one function. */
  branchTargets: number;
  /** Entries of all tables. */
  tableEntries: number;
  globals: number;
  dataSegments: number;
  elementSegments: number;
  /** Pages (64 KiB) of linear memory: an instance's quota. */
  memoryPages: number;
  /** Bytes of stack that a chain of calls may take, by the sandbox's own count. */
  stackBytes: number;
  descriptorBytes: number;
  /** Depth of arrays and maps in the descriptor. */
  descriptorDepth: number;
  stringBytes: number;
  ports: number;
  configParams: number;
  presets: number;
  /** Units of one control call (boot, descriptor, configure, activate, state, graph data). */
  controlUnits: number;
  /** Units of one call of process, reset or idle, for blocks of up to 1,024 frames; longer ones get more in proportion. */
  blockUnits: number;
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
