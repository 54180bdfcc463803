// How much vetting and rewriting work: twice the bytes take about twice the steps, whatever they are made of. Steps are
// reads and writes of bytes and numbers, so that no clock is asked.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { Reader, Writer } from "../../runtime/sandbox/bytes.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { assemble, concat, leb, type Section, sized, vector } from "../fuzz/binary.ts";

const repeat = (count: number, bytes: number[]): Uint8Array => concat(Array(count).fill(bytes));
const TYPES: Section = { id: 1, bytes: vector([[0x60, 0, 0]]) };
const MEMORY: Section = { id: 5, bytes: vector([[0, 1]]) };

function withBodies(bodies: Uint8Array[], more: Section[] = []): Uint8Array<ArrayBuffer> {
  const sections = [
    TYPES,
    { id: 3, bytes: vector(bodies.map(() => [0])) },
    MEMORY,
    ...more,
    { id: 10, bytes: vector(bodies.map((body) => sized(body))) },
  ];
  return assemble(sections.sort((a, b) => a.id - b.id));
}

/** A body that holds `bytes` so often; `locals` are its declarations. */
const body = (count: number, bytes: number[], locals: number[] = [0]): Uint8Array =>
  concat([locals, repeat(count, bytes), [0x0b]]);

const NAME = [4, 0x6e, 0x61, 0x6d, 0x65];
const SHAPES: [string, (n: number) => Uint8Array<ArrayBuffer>][] = [
  ["nops", (n) => withBodies([body(n, [0x01])])],
  ["blocks one after the other", (n) => withBodies([body(n, [0x02, 0x40, 0x0b])])],
  ["loops one after the other", (n) => withBodies([body(n, [0x03, 0x40, 0x0b])])],
  ["ifs with an else", (n) => withBodies([body(n, [0x41, 0, 0x04, 0x40, 0x05, 0x0b])])],
  [
    "branches out of 100 blocks",
    (n) =>
      withBodies([
        concat([[0], repeat(100, [0x02, 0x40]), repeat(n, [0x41, 0, 0x0d, 99]), repeat(101, [0x0b])]),
      ]),
  ],
  ["dead code", (n) => withBodies([concat([[0, 0x00], repeat(n, [0x02, 0x40, 0x0b]), [0x0b]])])],
  ["calls", (n) => withBodies([body(n, [0x10, 0])])],
  ["loads", (n) => withBodies([body(n, [0x41, 0, 0x28, 0, 0, 0x1a])])],
  ["bulk memory", (n) => withBodies([body(n, [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0])])],
  ["groups of locals, all empty", (n) => withBodies([concat([leb(n), repeat(n, [0, 0x7f]), [0x0b]])])],
  ["functions", (n) => withBodies(Array(n).fill(Uint8Array.of(0, 0x0b)))],
  [
    "functions that call each other in a chain",
    (n) =>
      withBodies(
        Array.from({ length: n }, (_, i) => concat([[0, 0x10], leb(Math.min(i + 1, n - 1)), [0x0b]])),
      ),
  ],
  [
    "names",
    (n) =>
      withBodies(
        [body(1, [0x01])],
        [{ id: 0, bytes: concat([NAME, [1], sized(concat([leb(n), repeat(n, [0, 1, 0x61])]))]) }],
      ),
  ],
  ["types", (n) => assemble([{ id: 1, bytes: vector(Array(n).fill([0x60, 1, 0x7f, 0])) }, MEMORY])],
  ["globals", (n) => assemble([MEMORY, { id: 6, bytes: vector(Array(n).fill([0x7e, 1, 0x42, 0, 0x0b])) }])],
  [
    "data segments",
    (n) => assemble([MEMORY, { id: 11, bytes: vector(Array(n).fill([0, 0x41, 0, 0x0b, 1, 7])) }]),
  ],
];

/** Steps of vetting and rewriting; a refusal ends them, too. */
function steps(bytes: Uint8Array): number {
  let count = 0;
  const reader = Reader.prototype as unknown as Record<string, (...args: never[]) => unknown>;
  const writer = Writer.prototype as unknown as Record<string, (...args: never[]) => unknown>;
  const changed: [Record<string, unknown>, string, unknown][] = [];
  for (const [prototype, name] of [
    [reader, "u8"],
    [reader, "skip"],
    [writer, "u8"],
    [writer, "raw"],
  ] as const) {
    const plain = prototype[name];
    changed.push([prototype, name, plain]);
    prototype[name] = function (this: unknown, ...args: never[]) {
      count++;
      return plain.apply(this, args);
    };
  }
  try {
    const { module, codes } = vetModule(bytes, DEFAULT_LIMITS);
    rewriteModule(module, codes, DEFAULT_LIMITS);
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    assert.is(error.code, "module/limit");
  } finally {
    for (const [prototype, name, plain] of changed) prototype[name] = plain;
  }
  return count;
}

for (const [what, shape] of SHAPES) {
  test(`twice as many ${what} take at most about twice as many steps`, () => {
    const [some, twice] = [1_000, 2_000].map((n) => steps(shape(n)));
    assert.ok(some > 500, `${some} steps`);
    assert.ok(twice < some * 2.2, `${some} steps, then ${twice}`);
  });
}

test.run();
