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
const MASK = MIB64 - 64;

/** Somewhere for a result to go: what nobody uses, V8 does not compute. */
const KEPT = "(f64.store (i32.const 512) (local.get $x))";

const again = (times: number, text: string): string => Array.from({ length: times }, () => text).join("\n");
const forever = (locals: string, body: string): string =>
  `${locals} (loop $on ${body} (br $on)) (unreachable)`;

interface Source {
  name: string;
  fresh?: boolean;
  plugin: SmallPlugin;
}

/** One circle through all lines of 64 MiB: line i points at line 1664525 i + 1013904223 (Knuth 3.2.1.2: full period). */
const CIRCLE = `
  (local $i i32)
  (loop $next
    (i32.store (i32.add (i32.const ${HEAP}) (i32.shl (local.get $i) (i32.const 6)))
      (i32.add (i32.const ${HEAP}) (i32.shl
        (i32.and (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 0xfffff))
        (i32.const 6))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 0x100000))))
  (i32.const 1024)`;

/** Offsets of 64 pages of 4 KiB. */
const PAGES = Array.from({ length: 64 }, (_, i) => i * 4_096);

const LARGE = "1100 1100";

const PROGRAMS: readonly Source[] = [
  {
    name: "pointer chase over 64 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        `(local $p i32) (local.set $p (i32.const ${HEAP}))`,
        `(local.set $p ${"(i32.load ".repeat(64)}(local.get $p)${")".repeat(64)})`,
      ),
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
        `(local.set $p ${"(i32.load ".repeat(64)}(local.get $p)${")".repeat(64)})`,
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
          `(i32.store (i32.add (i32.const ${HEAP}) (i32.and (local.get $x) (i32.const ${MASK}))) (local.get $x))
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
         (if (i32.ge_u (local.get $p) (i32.const ${MIB64})) (then (local.set $p (i32.const ${HEAP}))))`,
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
         (if (i32.ge_u (local.get $p) (i32.const ${MIB64})) (then (local.set $p (i32.const ${HEAP}))))`,
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
      process: forever("", `(memory.fill (i32.const ${HEAP}) (i32.const 7) (i32.const ${MIB64}))`),
    },
  },
  {
    name: "memory.copy of 32 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        "",
        `(memory.copy (i32.const ${HEAP}) (i32.const ${HEAP + MIB64 / 2}) (i32.const ${MIB64 / 2}))`,
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
];

export function assemblePrograms(): Program[] {
  return PROGRAMS.map(({ name, fresh, plugin }) => ({
    name,
    fresh: fresh === true,
    bytes: smallPlugin(plugin),
  }));
}
