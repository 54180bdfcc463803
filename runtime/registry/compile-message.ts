// What the compiling process and its parent say to each other.

/** Parent to child: compile this. */
export interface CompileRequest {
  bytes: Uint8Array;
  /** Processor time that it may take, in milliseconds. */
  time: number;
  /** Bytes of memory that it may take. */
  memory: number;
}

/** Child to parent. A compilation beyond its limits has no answer: the child says why on stderr, and kills itself. */
export type CompileAnswer = { kind: "ready" } | { kind: "compiled" } | { kind: "invalid"; message: string };

/** What the child writes to stderr, as its last act, when a limit was passed. */
export const OUT_OF_TIME = "belljar: out of time";
export const OUT_OF_MEMORY = "belljar: out of memory";
