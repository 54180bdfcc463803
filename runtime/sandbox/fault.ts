// What stopped a plugin, said in one sentence.

import { BelljarError, printable } from "../../abi/error.ts";
import type { Fault, FaultKind } from "./types.ts";

/** Thrown through a plugin's frames to end its call. */
export class Stop extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

const TRAPS: [RegExp, FaultKind, string][] = [
  [/unreachable/, "unreachable", "gave up (it reached an unreachable instruction)"],
  [
    /table index|signature mismatch|null function|indirect call/i,
    "indirect-call",
    "called a function that its table does not hold",
  ],
  [/out of bounds/, "out-of-bounds", "reached outside of its memory"],
  [/divide|remainder/, "division", "divided by zero or out of range"],
  [/unrepresentable/, "conversion", "made an integer of a number that does not fit"],
  [/call stack/i, "stack", "called itself too deeply"],
];

const STOPS: Partial<Record<FaultKind, string>> = {
  units: "used up its units",
  deadline: "missed its deadline",
  stack: "called itself too deeply",
};

/** Where an error was thrown and how far a call had got. */
export interface FaultContext {
  call: string;
  block: number;
  units: number;
  functionName(index: number): string;
}

/** Reads a trap or a Stop. What is neither is a fault of the host, and thrown again. */
export function faultOf(error: unknown, context: FaultContext): Fault {
  const { call, block, units } = context;
  let kind: FaultKind;
  let what: string;
  if (error instanceof Stop) {
    kind = error.kind;
    what = error.message || (STOPS[kind] ?? "was stopped");
  } else if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const known = TRAPS.find(([pattern]) => pattern.test(error.message));
    if (known === undefined) throw error;
    [, kind, what] = known;
  } else throw error;
  const where = functionIn(String((error as Error).stack), context);
  const place = where === "" ? `in ${call}` : `in ${where} during ${call}`;
  const when = call === "process" ? `, block ${block}` : "";
  return { kind, call, where, block, units, message: `The plugin ${what} ${place}${when}.` };
}

/** The innermost of the plugin's own functions on a stack trace. */
function functionIn(stack: string, context: FaultContext): string {
  for (const [, index] of stack.matchAll(/wasm-function\[(\d+)\]/g)) {
    const name = context.functionName(Number(index));
    if (name !== "") return printable(name, 120);
  }
  return "";
}

/** A fault as an error: for calls whose failure the caller can't go on from. */
export function faultError(fault: Fault, hint = ""): BelljarError {
  return new BelljarError(`plugin/${fault.kind}`, fault.message, hint);
}
