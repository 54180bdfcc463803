// Plugins that stop in their first block, each by another fault; and one that does nothing.

import type { FaultKind } from "../runtime/sandbox/index.ts";
import { bufferAt, smallPlugin } from "../test/sandbox/small-plugin.ts";

export interface Stop {
  /** What stops it. */
  stop: string;
  /** Its fault's kind; null where nothing stops it. */
  kind: FaultKind | null;
  bytes: Uint8Array<ArrayBuffer>;
}

const MONO_OUT = { id: "audio_out", display_name: "Out", type: "audio_mono", role: "output" };
/** A function that gives up so many calls inside of itself. */
const deep = (calls: number): string =>
  `(func $deep (param $n i32) (result i32) (if (result i32) (local.get $n)
    (then (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (i32.const 1))) (else (unreachable))))
  (func $in (result i32) (call $deep (i32.const ${calls})))`;

/** What stops it, the fault's kind, its bj_process, and its functions. */
const STOPS: readonly (readonly [string, FaultKind | null, string, string?])[] = [
  ["nothing", null, "(i32.const 0)"],
  ["an unreachable instruction", "unreachable", "(unreachable)"],
  ["the same, 100 calls deep", "unreachable", "(call $in)", deep(100)],
  ["a load outside of its memory", "out-of-bounds", "(i32.load (i32.const -8))"],
  ["a division by zero", "division", "(i32.div_u (i32.const 1) (i32.const 0))"],
  [
    "infinity among its samples",
    "not-finite",
    `(f32.store (i32.const ${bufferAt(0)}) (f32.const inf)) (i32.const 0)`,
  ],
];

export function assembleStops(): Stop[] {
  return STOPS.map(([stop, kind, process, functions = ""]) => ({
    stop,
    kind,
    bytes: smallPlugin({ ports: [MONO_OUT], process, functions }),
  }));
}
