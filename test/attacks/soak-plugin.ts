// The hostile plugin of the soak: it looks at the time in the sound, and when its turn comes it attacks, another way each
// time. What stops it is said beside each way; ways that nothing has to stop must not be felt by the others.

import type { FaultKind } from "../../runtime/index.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";

/** Blocks from one plugin's attack to the next plugin's, and plugins that take turns. */
export const TURN_BLOCKS = 40;
export const ATTACKERS = 8;

/** Pages that each has once it is activated; one more is within its quota. */
const PAGES = 16;
const EVENT_ROOM = 4096;
/** Past the parts of a small plugin: 4,096 events in, 4,096 events out, then nothing but zeros. */
const IN_EVENTS = 0x20000;
const OUT_EVENTS = 0x40000;
const EMPTY = 0x60000;
const LINES = 300;
const MESSAGES = 3000;

interface Way {
  way: string;
  /** What stops it, during which call; null: it goes on. */
  stops: FaultKind | null;
  call?: "idle";
  /** What bj_process gives, or never does. */
  code: string;
}

const repeat = (count: number, code: string): string => `(local.set $i (i32.const 0))
  (loop $again ${code}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const ${count}))))`;
const sample = (channel: number, frame: number, value: string): string =>
  `(f32.store (i32.const ${bufferAt(1, channel) + 4 * frame}) (f32.const ${value}))`;
const everySample = (value: string): string =>
  [0, 1]
    .map((channel) =>
      repeat(
        128,
        `(f32.store (i32.add (i32.const ${bufferAt(1, channel)}) (i32.mul (local.get $i) (i32.const 4))) (f32.const ${value}))`,
      ),
    )
    .join("\n");
const FINE = "(i32.const 0)";

export const WAYS: readonly Way[] = [
  { way: "gives up", stops: "unreachable", code: "(unreachable)" },
  { way: "reads past its memory", stops: "out-of-bounds", code: "(i32.load (i32.const -8))" },
  { way: "divides by zero", stops: "division", code: "(i32.div_s (i32.const 1) (global.get $zero))" },
  { way: "makes an integer of NaN", stops: "conversion", code: "(i32.trunc_f32_s (f32.const nan))" },
  {
    way: "calls a function that its table does not hold",
    stops: "indirect-call",
    code: "(call_indirect (type $itself) (i32.const 0) (i32.const 1))",
  },
  { way: "calls itself", stops: "stack", code: "(call $direct (i32.const 0))" },
  {
    way: "calls itself through a table",
    stops: "stack",
    code: "(call_indirect (type $itself) (i32.const 0) (i32.const 0))",
  },
  { way: "loops for ever", stops: "units", code: "(loop $on (br $on)) (i32.const 0)" },
  { way: "counts to two thousand million", stops: "units", code: `${repeat(2 ** 31 - 1, "")} ${FINE}` },
  {
    way: "fills its memory with one instruction, for ever",
    stops: "units",
    code: `(loop $on (memory.fill (i32.const 0) (i32.const 0) (i32.const ${PAGES * 65536})) (br $on)) ${FINE}`,
  },
  {
    way: "asks the host for news for ever",
    stops: "units",
    code: `(loop $on (drop (call $poll (i32.const ${AT.scratch}) (i32.const 256))) (br $on)) ${FINE}`,
  },
  { way: "plays NaN, in its last frame", stops: "not-finite", code: `${sample(0, 127, "nan")} ${FINE}` },
  { way: "plays infinity, on the right", stops: "not-finite", code: `${sample(1, 64, "-inf")} ${FINE}` },
  { way: "reports a failure", stops: "status", code: "(i32.const -1)" },
  { way: "returns what means nothing", stops: "contract", code: "(i32.const 0x7f)" },
  { way: "says that it sent 65,535 events", stops: "contract", code: "(i32.const 0xffff00)" },
  {
    way: "logs what lies outside of its memory",
    stops: "host-call",
    code: `(call $log (i32.const 2) (i32.const -16) (i32.const 64)) ${FINE}`,
  },
  {
    way: "gives up between two blocks",
    stops: "unreachable",
    call: "idle",
    code: `(global.set $idle (i32.const 1)) ${FINE}`,
  },
  {
    way: "loops for ever between two blocks",
    stops: "units",
    call: "idle",
    code: `(global.set $idle (i32.const 2)) ${FINE}`,
  },
  { way: "plays at +400 dB", stops: null, code: `${everySample("1e20")} ${FINE}` },
  { way: "plays subnormals", stops: null, code: `${everySample("1e-40")} ${FINE}` },
  {
    way: "floods the others with events, of which each is a lie",
    stops: null,
    // Frames that go back from 4,294,967,295, ports, keys, channels, numbers and values that there are not; and notes.
    code: `${repeat(
      EVENT_ROOM,
      `(local.set $at (i32.add (i32.const ${OUT_EVENTS}) (i32.mul (local.get $i) (i32.const 32))))
      (i32.store (local.get $at) (i32.sub (i32.const -1) (local.get $i)))
      (i32.store16 offset=4 (local.get $at) (i32.rem_u (local.get $i) (i32.const 17)))
      (i32.store16 offset=6 (local.get $at) (i32.add (i32.const 3) (i32.rem_u (local.get $i) (i32.const 2))))
      (i32.store offset=8 (local.get $at) (i32.sub (i32.rem_u (local.get $i) (i32.const 5)) (i32.const 2)))
      (i32.store16 offset=12 (local.get $at) (i32.sub (i32.rem_u (local.get $i) (i32.const 19)) (i32.const 2)))
      (i32.store16 offset=14 (local.get $at) (i32.sub (i32.rem_u (local.get $i) (i32.const 131)) (i32.const 2)))
      (i32.store offset=16 (local.get $at) (i32.rem_u (local.get $i) (i32.const 7)))
      (f64.store offset=24 (local.get $at) (f64.div (f64.convert_i32_s (i32.rem_u (local.get $i) (i32.const 3)))
        (f64.convert_i32_s (i32.rem_u (local.get $i) (i32.const 2)))))`,
    )} (i32.const ${EVENT_ROOM << 8})`,
  },
  {
    way: "logs and sends more than anyone reads",
    stops: null,
    code: `${repeat(LINES, `(call $log (local.get $i) (i32.const ${AT.descriptor}) (i32.const 32))`)}
    ${repeat(MESSAGES, `(drop (call $emit (i32.const ${AT.descriptor}) (i32.const 16)))`)} ${FINE}`,
  },
  {
    way: "grows while it plays, and gives up if it is let",
    stops: null,
    code: `(if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable))) ${FINE}`,
  },
  {
    way: "writes over all that it has, the host's inputs and its own layout with it",
    stops: null,
    code: `(memory.fill (i32.const 0) (i32.const 0x7f) (i32.const ${PAGES * 65536})) ${FINE}`,
  },
  {
    way: "shows 1e30 to the next one's knob",
    stops: null,
    code: `(f32.store (i32.const ${AT.controlsOut}) (f32.const 1e30)) ${FINE}`,
  },
  {
    way: "shows NaN to the next one's knob",
    stops: null,
    code: `(f32.store (i32.const ${AT.controlsOut}) (f32.const nan)) ${FINE}`,
  },
];

/** What it says in one flood, and what passes in a second of sound. */
export const FLOOD = { lines: LINES, messages: MESSAGES, events: EVENT_ROOM };

/** At hand-over it says that its state lies outside of its memory, and so is at fault before the first block. */
export const LIAR = ATTACKERS - 1;

const STATE = (turn: number): string => `
  (func (export "bj_state_save") (result i32)
    (i32.store (i32.const 16) (i32.const ${turn === LIAR ? -32 : AT.descriptor}))
    (i32.store (i32.const 20) (i32.const 64))
    (i32.const 16))
  (func (export "bj_state_load") (param $at i32) (param $length i32) (result i32)
    (if (i32.ne (local.get $length) (i32.const 64)) (then (unreachable)))
    (if (i32.ne (i32.load (local.get $at)) (i32.load (i32.const ${AT.descriptor}))) (then (unreachable)))
    (i32.const 0))`;

/**
 * @param turn when it attacks. Those with an even number begin with all their memory, so that it is used again; the others
 * grow to it. Each gives up at its activation where it finds a byte that another has left.
 */
function hostilePlugin(turn: number): SmallPlugin {
  return {
    descriptor: { id: `test.hostile-${turn}` },
    pages: turn % 2 === 0 ? `${PAGES} ${PAGES + 1}` : `6 ${PAGES + 1}`,
    ports: [
      STEREO_IN,
      STEREO_OUT,
      EVENTS_IN,
      EVENTS_OUT,
      knob("knob"),
      knob("value_out", { role: "output", hint: "meter", default: 0 }),
    ],
    layout: { 28: IN_EVENTS, 32: EVENT_ROOM, 36: OUT_EVENTS, 40: EVENT_ROOM },
    imports: `(type $itself (func (param i32) (result i32)))
      (import "belljar" "host_log" (func $log (param i32 i32 i32)))
      (import "belljar" "host_poll_event" (func $poll (param i32 i32) (result i32)))
      (import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))`,
    functions: `(global $zero (mut i32) (i32.const 0))
      (global $idle (mut i32) (i32.const 0))
      (table 2 funcref)
      (elem (i32.const 0) $itself)
      (func $itself (type $itself)
        (i32.add (i32.const 1) (call_indirect (type $itself) (i32.add (local.get 0) (i32.const 1)) (i32.const 0))))
      (func $direct (param i32) (result i32)
        (i32.add (i32.const 1) (call $direct (i32.add (local.get 0) (i32.const 1)))))
      (func $attack (param $way i32) (result i32) (local $i i32) (local $at i32)
        ${WAYS.map(({ code }, way) => `(if (i32.eq (local.get $way) (i32.const ${way})) (then (return ${block(code)})))`).join("\n")}
        (i32.const 0))
      (func (export "bj_idle") (result i32)
        (if (i32.eq (global.get $idle) (i32.const 1)) (then (unreachable)))
        (if (i32.eq (global.get $idle) (i32.const 2)) (then (loop $on (br $on))))
        (i32.const 0))
      (func (export "bj_reset") (unreachable))
      ${STATE(turn)}`,
    activate: `(local $at i32)
      (drop (memory.grow (i32.sub (i32.const ${PAGES}) (memory.size))))
      (if (i32.ne (memory.size) (i32.const ${PAGES})) (then (unreachable)))
      (local.set $at (i32.const ${EMPTY}))
      (loop $look
        (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (unreachable)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $look (i32.lt_u (local.get $at) (i32.const ${PAGES * 65536}))))
      (i32.const ${AT.layout})`,
    // Plays its input at half its level, until its turn.
    process: `(local $i i32) (local $block i32)
      (loop $copy
        (f32.store offset=${bufferAt(1, 0)} (local.get $i)
          (f32.mul (f32.const 0.5) (f32.load offset=${bufferAt(0, 0)} (local.get $i))))
        (f32.store offset=${bufferAt(1, 1)} (local.get $i)
          (f32.mul (f32.const 0.5) (f32.load offset=${bufferAt(0, 1)} (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if $copy (i32.lt_u (local.get $i) (i32.mul (local.get $frames) (i32.const 4)))))
      (local.set $block (i32.trunc_sat_f64_s (f64.nearest
        (f64.mul (f64.load (i32.const ${AT.transport + 32})) (f64.const 375)))))
      (if (i32.eq (i32.rem_u (local.get $block) (i32.const ${TURN_BLOCKS * ATTACKERS})) (i32.const ${turn * TURN_BLOCKS}))
        (then (return (call $attack (i32.rem_u
          (i32.div_u (local.get $block) (i32.const ${TURN_BLOCKS * ATTACKERS})) (i32.const ${WAYS.length}))))))
      (i32.const 0)`,
  };
}

/** Several instructions that leave one value. */
function block(code: string): string {
  return `(block (result i32) ${code})`;
}

export function hostileModule(turn: number): Uint8Array<ArrayBuffer> {
  return smallPlugin(hostilePlugin(turn));
}

/** The way in which a plugin attacks in that turn. */
export function wayOf(turn: number): Way {
  return WAYS[Math.floor(turn / ATTACKERS) % WAYS.length] as Way;
}
