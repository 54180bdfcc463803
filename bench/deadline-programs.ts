// The programs that keep a host waiting: each uses up its time with one kind of slow work, for ever.

import { type SmallPlugin, smallPlugin } from "../test/sandbox/small-plugin.ts";

export interface Program {
  name: string;
  /** Each run needs memory that nobody has touched. */
  fresh: boolean;
  bytes: Uint8Array<ArrayBuffer>;
}

const MIB64 = 0x4000000;
/** Where the 64 MiB begin, behind what small plugins keep in their first pages. */
const HEAP = 0x100000;
/** Blocks of 128 frames in a minute at 48 kHz. */
const MINUTE = 22_500;

/** Somewhere for a result to go: what nobody uses, V8 does not compute. */
const KEPT = "(f64.store (i32.const 512) (local.get $x))";

const each = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join("\n");
const again = (times: number, text: string): string => each(times, () => text);
const forever = (locals: string, body: string): string =>
  `${locals} (loop $on ${body} (br $on)) (unreachable)`;
/** So many loads in a row, each from where the one before pointed to. */
const chase = (times: number, from = "(local.get $p)"): string =>
  `${"(i32.load ".repeat(times)}${from}${")".repeat(times)}`;
const chased = (times: number): string => `(local.set $p ${chase(times)})`;
const AT_HEAP = `(local $p i32) (local.set $p (i32.const ${HEAP}))`;
/** The next pseudo-random number (Knuth 3.2.1.2). */
const STEP = "(local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))";

interface Source {
  name: string;
  fresh?: boolean;
  plugin: SmallPlugin;
}

/** One circle through so many places `apart`, a pointer at `offset` in each: place i points at 1664525 i + 1013904223 (full period). */
function circle(places: number, apart: number, offset: number): string {
  const at = (i: string): string =>
    `(i32.add (i32.const ${HEAP + offset}) (i32.mul ${i} (i32.const ${apart})))`;
  const next = "(i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223))";
  return `
  (local $i i32)
  (loop $next
    (i32.store ${at("(local.get $i)")} ${at(`(i32.and ${next} (i32.const ${places - 1}))`)})
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const ${places}))))
  (i32.const 1024)`;
}

/** Offsets of 64 pages of 4 KiB. */
const PAGES = Array.from({ length: 64 }, (_, i) => i * 4_096);

/** So many loops inside each other, of the kind that is charged ahead, which all run but once at first; then only the outer ones do. */
function nest(level: number, depth: number): string {
  const inner =
    level === depth
      ? "(local.set $once (i32.const 0))"
      : `(local.set $n${level + 1} (i32.mul (local.get $once) (i32.const 19))) ${nest(level + 1, depth)}`;
  return `(local.set $i${level} (i32.const 0))
    (loop $l${level} (if (i32.lt_u (local.get $i${level}) (local.get $n${level})) (then
      ${inner} ${chased(24)}
      (local.set $i${level} (i32.add (local.get $i${level}) (i32.const 1)))
      (br $l${level}))))`;
}
const NEST = 24;

const imported = (name: string, params: number, result = true): string =>
  `(import "belljar" "${name}" (func $host (param${" i32".repeat(params)})${result ? " (result i32)" : ""}))`;

/** Functions of a few constants each, so many that their code fits no cache, called in an order that nothing foresees. */
const SCATTERED = 3_000;
const scattered = (i: number): string =>
  `(func $s${i} (param $x i64) (result i64) ${"(i64.xor (i64.mul ".repeat(4)}(local.get $x)${each(
    4,
    (k) =>
      ` (i64.const ${(i * 4 + k) * 2_000_000_000_003 + 1})) (i64.const ${(i * 4 + k) * 3_000_000_000_013}))`,
  )})`;

/** All of them, with so many bytes to miss the caches in. */
function sources(heap: number): readonly Source[] {
  const pages = heap / 65_536 + 76;
  const LARGE = `${pages} ${pages}`;
  const CIRCLE = circle(heap / 64, 64, 0);
  /** The number as an address of a line, or of what else the mask says. */
  const somewhere = (mask = heap - 64): string =>
    `(i32.add (i32.const ${HEAP}) (i32.and (local.get $x) (i32.const ${mask})))`;

  return [
    {
      name: "pointer chase over 64 MiB",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(AT_HEAP, chased(64)),
      },
    },
    {
      name: "pointer chase in a counted loop",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          `(local $p i32) (local $i i32) (local.set $p (i32.const ${HEAP}))`,
          `(local.set $i (i32.const 0))
         (loop $count
           (if (i32.lt_s (local.get $i) (i32.const 1000000)) (then
             (local.set $p (i32.load (local.get $p)))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br $count))))`,
        ),
      },
    },
    {
      // How long it is fast depends on the frames, which differ from run to run: up to about a millisecond.
      name: "fast at first, then the chase",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          `(local $p i32) (local $i i32)
         (local.set $p (i32.const ${HEAP}))
         (local.set $i (i32.mul (local.get $frames) (i32.const 12000)))
         (loop $fast
           (local.set $i (i32.sub (local.get $i) (i32.const 1)))
           (br_if $fast (local.get $i)))`,
          chased(64),
        ),
      },
    },
    {
      name: "store misses over 64 MiB",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          "(local $x i32)",
          again(
            32,
            `(i32.store ${somewhere()} (local.get $x))
           (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))`,
          ),
        ),
      },
    },
    {
      name: "first touch of pages, storing",
      fresh: true,
      plugin: {
        pages: LARGE,
        process: forever(
          `(local $p i32) (local.set $p (i32.const ${HEAP}))`,
          `${PAGES.map((offset) => `(i32.store offset=${offset} (local.get $p) (local.get $p))`).join("")}
         (local.set $p (i32.add (local.get $p) (i32.const 0x40000)))
         (if (i32.ge_u (local.get $p) (i32.const ${heap})) (then (local.set $p (i32.const ${HEAP}))))`,
        ),
      },
    },
    {
      name: "first touch of pages, loading",
      fresh: true,
      plugin: {
        pages: LARGE,
        process: forever(
          `(local $p i32) (local $x i32) (local.set $p (i32.const ${HEAP}))`,
          `${PAGES.map((offset) => `(local.set $x (i32.xor (local.get $x) (i32.load offset=${offset} (local.get $p))))`).join("")}
         (i32.store (i32.const 512) (local.get $x))
         (local.set $p (i32.add (local.get $p) (i32.const 0x40000)))
         (if (i32.ge_u (local.get $p) (i32.const ${heap})) (then (local.set $p (i32.const ${HEAP}))))`,
        ),
      },
    },
    {
      name: "i64 divisions",
      plugin: {
        process: forever(
          "(local $x i64) (local.set $x (i64.const 3))",
          again(
            32,
            "(local.set $x (i64.or (i64.div_u (i64.const 0x7fffffffffffffff) (local.get $x)) (i64.const 3)))",
          ),
        ),
      },
    },
    {
      name: "f64 divisions",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 3))",
          again(32, "(local.set $x (f64.div (f64.const 1.7) (local.get $x)))") + KEPT,
        ),
      },
    },
    {
      name: "square roots",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 3))",
          again(32, "(local.set $x (f64.sqrt (f64.add (local.get $x) (f64.const 2.7))))") + KEPT,
        ),
      },
    },
    {
      name: "subnormal products and sums",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 3e-310))",
          again(32, "(local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.4)) (f64.const 1e-310)))") +
            KEPT,
        ),
      },
    },
    {
      name: "memory.fill of 64 MiB",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever("", `(memory.fill (i32.const ${HEAP}) (i32.const 7) (i32.const ${heap}))`),
      },
    },
    {
      name: "memory.copy of 32 MiB",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          "",
          `(memory.copy (i32.const ${HEAP}) (i32.const ${HEAP + heap / 2}) (i32.const ${heap / 2}))`,
        ),
      },
    },
    { name: "empty loop", plugin: { process: forever("", "") } },
    {
      name: "calls of light leaves",
      plugin: {
        functions: "(func $leaf (param $x i32) (result i32) (i32.mul (local.get $x) (i32.const 3)))",
        process: forever("(local $x i32)", again(32, "(local.set $x (call $leaf (local.get $x)))")),
      },
    },
    {
      name: "calls of the host",
      plugin: {
        imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
        process: forever("", "(call $log (i32.const 1) (i32.const 1024) (i32.const 64))"),
      },
    },
    {
      name: "64 KiB of loads in a row",
      plugin: { pages: LARGE, activate: CIRCLE, process: forever(AT_HEAP, again(300, chased(64))) },
    },
    {
      name: "straight code that jumps here and there",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          AT_HEAP,
          again(120, `${chased(120)} (if (i32.eqz (local.get $p)) (then ${chased(16)}))`),
        ),
      },
    },
    // Charged with no check, with one at its end, and with one before: by how much there is to do behind the call.
    ...[24, 80, 120].map(
      (loads): Source => ({
        name: `${loads} loads that a recursion left for later`,
        plugin: {
          pages: LARGE,
          activate: CIRCLE,
          functions: `(global $p (mut i32) (i32.const ${HEAP}))
          (func $down (param $n i32)
            (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1)))))
            (global.set $p ${chase(loads, "(global.get $p)")}))`,
          process: forever("", `(call $down (i32.const ${Math.floor(20_000 / (loads + 30))}))`),
        },
      }),
    ),
    {
      name: "work that nested loops left for later",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          `(local $once i32) ${each(NEST + 1, (i) => `(local $i${i} i32) (local $n${i} i32)`)} ${AT_HEAP}`,
          `(local.set $once (i32.const 1)) (local.set $n0 (i32.const 19)) ${nest(0, NEST)}`,
        ),
      },
    },
    {
      name: "a minute of good behaviour, then the chase",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: `${AT_HEAP}
        (i32.store (i32.const 520) (i32.add (i32.load (i32.const 520)) (i32.const 1)))
        (if (i32.lt_u (i32.load (i32.const 520)) (i32.const ${MINUTE})) (then (return (i32.const 0))))
        (i32.store (i32.const 520) (i32.const 0))
        ${forever("", chased(64))}`,
      },
    },
    {
      name: "pointer chase across the edges of lines",
      plugin: {
        pages: LARGE,
        activate: circle(heap / 64, 64, 62),
        process: forever(AT_HEAP.replace(String(HEAP), String(HEAP + 62)), chased(64)),
      },
    },
    {
      name: "pointer chase across the edges of pages",
      plugin: {
        pages: LARGE,
        activate: circle(heap / 4_096, 4_096, 4_094),
        process: forever(AT_HEAP.replace(String(HEAP), String(HEAP + 4_094)), chased(64)),
      },
    },
    {
      name: "chase by vectors across the edges of lines",
      plugin: {
        pages: LARGE,
        activate: circle(heap / 64, 64, 56),
        process: forever(
          AT_HEAP.replace(String(HEAP), String(HEAP + 56)),
          again(32, "(local.set $p (i32x4.extract_lane 0 (v128.load (local.get $p))))"),
        ),
      },
    },
    {
      name: "chase by single lanes",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          `(local $v v128) ${AT_HEAP}`,
          again(
            32,
            `(local.set $v (v128.load32_lane 2 (local.get $p) (local.get $v)))
           (local.set $p (i32x4.extract_lane 2 (local.get $v)))`,
          ),
        ),
      },
    },
    {
      name: "gathers of sixteen lanes",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          "(local $v v128) (local $x i32)",
          `${each(
            16,
            (lane) => `${STEP} (local.set $v (v128.load8_lane ${lane} ${somewhere()} (local.get $v)))`,
          )}
         (local.set $x (i32.xor (local.get $x) (i32x4.extract_lane 3 (local.get $v))))`,
        ),
      },
    },
    {
      name: "stores across the edges of pages",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          "(local $x i32)",
          again(32, `${STEP} (i64.store offset=4092 ${somewhere(heap / 2 - 4_096)} (i64.const 7))`),
        ),
      },
    },
    {
      name: "stores to 64 pages in turn",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          AT_HEAP,
          `${PAGES.map((offset) => `(i32.store offset=${offset} (local.get $p) (i32.const 7))`).join("")}
         (local.set $p (i32.add (i32.const ${HEAP}) (i32.and (i32.add (local.get $p) (i32.const 0xc91040)) (i32.const ${heap / 2 - 64}))))`,
        ),
      },
    },
    {
      name: "i32 remainders",
      plugin: {
        process: forever(
          "(local $x i32) (local.set $x (i32.const 3))",
          again(
            32,
            "(local.set $x (i32.or (i32.rem_s (i32.const 0x7fffffff) (local.get $x)) (i32.const 3)))",
          ),
        ),
      },
    },
    {
      name: "i64 remainders, signed",
      plugin: {
        process: forever(
          "(local $x i64) (local.set $x (i64.const 3))",
          again(
            32,
            "(local.set $x (i64.or (i64.rem_s (i64.const 0x7fffffffffffffff) (local.get $x)) (i64.const 3)))",
          ),
        ),
      },
    },
    {
      name: "vector divisions and square roots",
      plugin: {
        process: forever(
          "(local $v v128) (local.set $v (v128.const f64x2 3 5))",
          `${again(16, "(local.set $v (f64x2.sqrt (f64x2.div (v128.const f64x2 1.7 1.9) (local.get $v))))")}
         (v128.store (i32.const 512) (local.get $v))`,
        ),
      },
    },
    {
      name: "subnormal vectors",
      plugin: {
        process: forever(
          "(local $v v128) (local.set $v (v128.const f32x4 3e-39 2e-39 1e-39 3e-40))",
          `${again(
            32,
            "(local.set $v (f32x4.add (f32x4.mul (local.get $v) (v128.const f32x4 0.4 0.4 0.4 0.4)) (v128.const f32x4 1e-39 1e-39 1e-39 1e-39)))",
          )} (v128.store (i32.const 512) (local.get $v))`,
        ),
      },
    },
    {
      name: "subnormals, narrowed and widened",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 3e-39))",
          again(32, "(local.set $x (f64.promote_f32 (f32.demote_f64 (local.get $x))))") + KEPT,
        ),
      },
    },
    {
      name: "subnormal quotients and roots",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 3e-310))",
          again(
            16,
            "(local.set $x (f64.div (f64.mul (f64.sqrt (local.get $x)) (f64.const 1e-155)) (f64.const 1.5)))",
          ) + KEPT,
        ),
      },
    },
    {
      name: "shuffles and swizzles",
      plugin: {
        process: forever(
          "(local $v v128) (local.set $v (v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c))",
          `${again(
            16,
            `(local.set $v (i8x16.swizzle (i8x16.shuffle 3 7 11 15 31 2 6 10 14 30 1 5 9 13 29 0 (local.get $v) (local.get $v)) (local.get $v)))`,
          )} (v128.store (i32.const 512) (local.get $v))`,
        ),
      },
    },
    {
      name: "products and counts of bits in vectors",
      plugin: {
        process: forever(
          "(local $v v128) (local.set $v (v128.const i64x2 3 5))",
          `${again(16, "(local.set $v (i8x16.popcnt (i64x2.mul (local.get $v) (i64x2.mul (local.get $v) (local.get $v)))))")}
         (v128.store (i32.const 512) (local.get $v))`,
        ),
      },
    },
    {
      name: "conversions there and back",
      plugin: {
        process: forever(
          "(local $x f64) (local.set $x (f64.const 1e18))",
          again(
            16,
            "(local.set $x (f64.convert_i64_u (i64.trunc_sat_f64_u (f64.convert_i64_s (i64.trunc_sat_f64_s (local.get $x))))))",
          ) + KEPT,
        ),
      },
    },
    {
      name: "looking at the bits of floats",
      plugin: {
        process: forever(
          "(local $x f32) (local.set $x (f32.const 1))",
          `${again(32, "(local.set $x (f32.copysign (f32.reinterpret_i32 (i32.reinterpret_f32 (local.get $x))) (local.get $x)))")}
         (f32.store (i32.const 512) (local.get $x))`,
        ),
      },
    },
    {
      name: "selects in a row",
      plugin: {
        process: forever(
          "(local $x i32)",
          `${again(
            32,
            "(local.set $x (select (i32.add (local.get $x) (i32.const 3)) (i32.shr_u (local.get $x) (i32.const 1)) (i32.and (local.get $x) (i32.const 5))))",
          )} (i32.store (i32.const 512) (local.get $x))`,
        ),
      },
    },
    {
      name: "branches that nothing foresees",
      plugin: {
        process: forever(
          "(local $x i32)",
          again(
            32,
            `${STEP} (if (i32.and (local.get $x) (i32.const 0x400000)) (then (local.set $x (i32.add (local.get $x) (i32.const 77)))))`,
          ),
        ),
      },
    },
    {
      name: "a web of br_table",
      plugin: {
        process: forever(
          "(local $x i32)",
          `${STEP} ${each(200, (i) => `(block $b${i}`)}
         (br_table ${each(200, (i) => `$b${i}`)} (i32.shr_u (local.get $x) (i32.const 24)))
         ${each(200, (i) => `) (local.set $x (i32.xor (local.get $x) (i32.const ${i * 77})))`)}`,
        ),
      },
    },
    {
      name: "three hundred locals that change places",
      plugin: {
        process: forever(
          each(300, (i) => `(local $v${i} i32)`),
          `(local.set $v0 (i32.add (local.get $v299) (i32.const 1)))
         ${each(299, (i) => `(local.set $v${299 - i} (local.get $v${298 - i}))`)}
         (i32.store (i32.const 512) (local.get $v0))`,
        ),
      },
    },
    {
      name: "calls of a function with a thousand locals",
      plugin: {
        functions: `(func $wide (param $x i32) (result i32) ${each(1_000, (i) => `(local $v${i} v128)`)}
        (local.set $v7 (i32x4.splat (local.get $x)))
        (if (i32.eqz (local.get $x)) (then (local.set $v8 (local.get $v7))))
        (i32.add (local.get $x) (i32x4.extract_lane 1 (i32x4.add (local.get $v7) (local.get $v8)))))`,
        process: forever("(local $x i32)", again(16, "(local.set $x (call $wide (local.get $x)))")),
      },
    },
    {
      name: "calls of an empty function",
      plugin: { functions: "(func $empty)", process: forever("", again(64, "(call $empty)")) },
    },
    {
      name: "calls of a function that is checked",
      plugin: {
        functions: `(func $empty) (func $checked (param $x i32) (result i32)
        (call $empty) (i32.add (local.get $x) (i32.const 1)))`,
        process: forever("(local $x i32)", again(32, "(local.set $x (call $checked (local.get $x)))")),
      },
    },
    {
      name: "calls all over the code",
      plugin: {
        functions: each(SCATTERED, scattered),
        process: forever(
          "(local $x i64)",
          each(8_000, (i) => `(local.set $x (call $s${(i * 1_237) % SCATTERED} (local.get $x)))`),
        ),
      },
    },
    {
      name: "calls through a table that nothing foresees",
      plugin: {
        functions: `(type $f (func (param i64) (result i64))) (table 256 256 funcref)
        (elem (i32.const 0) ${each(256, (i) => `$s${i}`)}) ${each(256, scattered)}`,
        process: forever(
          "(local $x i32) (local $y i64)",
          again(
            16,
            `${STEP} (local.set $y (call_indirect (type $f) (local.get $y) (i32.shr_u (local.get $x) (i32.const 24))))`,
          ),
        ),
      },
    },
    {
      name: "two functions that call each other",
      plugin: {
        functions: `
        (func $even (param $n i32) (result i32) (if (result i32) (local.get $n)
          (then (call $odd (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 1))))
        (func $odd (param $n i32) (result i32) (if (result i32) (local.get $n)
          (then (call $even (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 0))))`,
        process: forever("", "(drop (call $even (i32.const 300)))"),
      },
    },
    {
      name: "two functions that call each other through a table",
      plugin: {
        functions: `(type $f (func (param i32) (result i32))) (table 2 2 funcref) (elem (i32.const 0) $even $odd)
        (func $even (param $n i32) (result i32) (if (result i32) (local.get $n)
          (then (call_indirect (type $f) (i32.sub (local.get $n) (i32.const 1)) (i32.const 1))) (else (i32.const 1))))
        (func $odd (param $n i32) (result i32) (if (result i32) (local.get $n)
          (then (call_indirect (type $f) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0))) (else (i32.const 0))))`,
        process: forever("", "(drop (call $even (i32.const 250)))"),
      },
    },
    {
      name: "calls that call twice",
      plugin: {
        functions: `(func $f60) ${each(60, (i) => `(func $f${59 - i} (call $f${60 - i}) (call $f${60 - i}))`)}`,
        process: forever("", "(call $f0)"),
      },
    },
    ...[1, 64, 4_096, 16_385].map(
      (bytes): Source => ({
        name: `memory.fill in pieces of ${bytes}`,
        plugin: {
          pages: LARGE,
          activate: CIRCLE,
          process: forever(
            "(local $x i32)",
            again(8, `${STEP} (memory.fill ${somewhere(heap / 2 - 64)} (i32.const 7) (i32.const ${bytes}))`),
          ),
        },
      }),
    ),
    ...[1, 64, 4_096, 16_385].map(
      (bytes): Source => ({
        name: `memory.copy in pieces of ${bytes}`,
        plugin: {
          pages: LARGE,
          activate: CIRCLE,
          process: forever(
            "(local $x i32) (local $y i32)",
            again(
              8,
              `${STEP} (local.set $y ${somewhere(heap / 2 - 64)}) ${STEP}
             (memory.copy (local.get $y) ${somewhere(heap / 2 - 64)} (i32.const ${bytes}))`,
            ),
          ),
        },
      }),
    ),
    {
      name: "pointer chase by memory.copy",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        process: forever(
          `(i32.store (i32.const 512) (i32.const ${HEAP}))`,
          again(16, "(memory.copy (i32.const 512) (i32.load (i32.const 512)) (i32.const 4))"),
        ),
      },
    },
    {
      name: "memory.init of 1 MiB",
      plugin: {
        pages: LARGE,
        activate: CIRCLE,
        functions: `(data $large "${"sixteen bytes...".repeat(65_536)}")`,
        process: forever(
          "(local $x i32)",
          `${STEP} (memory.init $large ${somewhere(heap / 2 - 64)} (i32.const 0) (i32.const ${1 << 20}))`,
        ),
      },
    },
    {
      name: "memory.grow, refused",
      plugin: { process: forever("", "(drop (memory.grow (i32.const 1)))") },
    },
    {
      name: "host_log with 64 KiB",
      plugin: {
        pages: "4 4",
        imports: imported("host_log", 3, false),
        process: forever("", "(call $host (i32.const 1) (i32.const 65536) (i32.const 65536))"),
      },
    },
    {
      name: "host_emit_event with 64 KiB",
      plugin: {
        pages: "4 4",
        imports: imported("host_emit_event", 2),
        process: forever("", "(drop (call $host (i32.const 65536) (i32.const 65536)))"),
      },
    },
    {
      name: "host_control with 64 KiB",
      plugin: {
        pages: "4 4",
        imports: imported("host_control", 4),
        process: forever(
          "",
          "(drop (call $host (i32.const 65536) (i32.const 65536) (i32.const 131072) (i32.const 65536)))",
        ),
      },
    },
    {
      name: "host_poll_event with room for 64 KiB",
      plugin: {
        pages: "4 4",
        imports: imported("host_poll_event", 2),
        process: forever("", "(drop (call $host (i32.const 65536) (i32.const 65536)))"),
      },
    },
    {
      name: "host_read of 64 MiB",
      plugin: {
        pages: LARGE,
        imports: imported("host_read", 4),
        process: forever(
          "",
          `(drop (call $host (i32.const 0) (i32.const 0) (i32.const ${HEAP}) (i32.const ${heap})))`,
        ),
      },
    },
  ];
}

/** `heap`: bytes to miss the caches in, a power of two; less says nothing of time, but is sooner made. */
export function assemblePrograms(heap = MIB64): Program[] {
  return sources(heap).map(({ name, fresh, plugin }) => ({
    name,
    fresh: fresh === true,
    bytes: smallPlugin(plugin),
  }));
}
