// Valid modules from random numbers: every section and instruction that the vetter knows.

import { F32, F64, type FunctionType, I32, I64 } from "../../runtime/sandbox/module.ts";
import { HOST_FUNCTIONS } from "../../runtime/sandbox/vet.ts";
import { assemble, leb, type Section, signedLeb, sized, vector } from "./binary.ts";
import { CodeWriter, type Surroundings, VALUE_TYPES } from "./code-writer.ts";
import type { Random } from "./random.ts";

const encoder = new TextEncoder();
const name = (text: string): number[] => [...leb(encoder.encode(text).length), ...encoder.encode(text)];
const typeBytes = ({ params, results }: FunctionType): number[] => [
  0x60,
  ...leb(params.length),
  ...params,
  ...leb(results.length),
  ...results,
];

const offset = (value: number): number[] => [0x41, ...signedLeb(value), 0x0b];

function initialiser(random: Random, type: number): number[] {
  if (type === I32) return [0x41, ...signedLeb(random.i32()), 0x0b];
  if (type === I64) return [0x42, ...signedLeb(random.i32()), 0x0b];
  if (type === F32) return [0x43, ...random.bytes(4), 0x0b];
  if (type === F64) return [0x44, ...random.bytes(8), 0x0b];
  return [0xfd, 12, ...random.bytes(16), 0x0b];
}

export function generate(random: Random): Uint8Array<ArrayBuffer> {
  const some = (most: number): number[] =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(VALUE_TYPES));
  const plain = random.chance(0.3);
  const hosts = [...HOST_FUNCTIONS].filter(() => !plain && random.chance(0.3));
  const types: FunctionType[] = [
    ...hosts.map(([, type]) => type),
    { params: [], results: [] },
    { params: [I32], results: [I32] },
    ...Array.from({ length: random.below(6) }, () => ({ params: some(3), results: some(2) })),
  ];
  const defined = Array.from(
    { length: 1 + random.below(7) },
    () => hosts.length + random.below(types.length - hosts.length),
  );
  const functions = [...hosts.map((_, index) => index), ...defined];
  const globals = Array.from({ length: random.below(6) }, () => ({
    type: random.pick(VALUE_TYPES),
    mutable: random.chance(0.8),
  }));
  const tables = Array.from({ length: random.below(3) }, () => random.below(8));
  const data = Array.from({ length: random.below(4) }, () => {
    const bytes = random.bytes(random.pick([0, 1, 8, 100, 20_000]));
    const flags = random.below(3);
    const place = offset(random.below(40_000));
    return [...leb(flags), ...(flags === 1 ? [] : flags === 2 ? [0, ...place] : place), ...sized(bytes)];
  });
  const around: Surroundings = { types, functions, globals, tables, segments: data.length, plain };

  const sections: Section[] = [{ id: 1, bytes: vector(types.map(typeBytes)) }];
  if (hosts.length > 0) {
    const imports = hosts.map(([full], index) => [
      ...name("belljar"),
      ...name(full.slice(8)),
      0,
      ...leb(index),
    ]);
    sections.push({ id: 2, bytes: vector(imports) });
  }
  sections.push({ id: 3, bytes: vector(defined.map((type) => leb(type))) });
  if (tables.length > 0) {
    const limits = (size: number): number[] =>
      random.chance(0.5) ? [0x70, 0, size] : [0x70, 1, size, size + 1];
    sections.push({ id: 4, bytes: vector(tables.map(limits)) });
  }
  const pages = 1 + random.below(2);
  sections.push({
    id: 5,
    bytes: vector([random.chance(0.5) ? [0, pages] : [1, pages, pages + random.below(3)]]),
  });
  if (globals.length > 0) {
    const items = globals.map(({ type, mutable }) => [type, mutable ? 1 : 0, ...initialiser(random, type)]);
    sections.push({ id: 6, bytes: vector(items) });
  }
  const exports = functions.map((_, index) => [...name(`f${index}`), 0, ...leb(index)]);
  if (random.chance(0.5)) exports.push([...name("memory"), 2, 0]);
  sections.push({ id: 7, bytes: vector(exports) });
  const startable = defined
    .map((type, index) => ({ type: types[type], index: hosts.length + index }))
    .filter(({ type }) => type.params.length + type.results.length === 0);
  if (startable.length > 0 && random.chance(0.3)) {
    sections.push({ id: 8, bytes: Uint8Array.from(leb(random.pick(startable).index)) });
  }
  const elements = tables.flatMap((size, table) =>
    Array.from({ length: random.below(3) }, () => {
      const at = random.below(size + 1);
      const entries = Array.from({ length: random.below(size - at + 1) }, () =>
        random.below(functions.length),
      );
      return elementSegment(random, table, at, entries);
    }),
  );
  if (elements.length > 0) sections.push({ id: 9, bytes: vector(elements) });
  if (data.length > 0) sections.push({ id: 12, bytes: Uint8Array.from(leb(data.length)) });
  const bodies = defined.map((_, index) =>
    sized(new CodeWriter(random, around, hosts.length + index).write()),
  );
  sections.push({ id: 10, bytes: vector(bodies) });
  if (data.length > 0) sections.push({ id: 11, bytes: vector(data) });
  return assemble(sections);
}

/** An active segment in any of the encodings that can say it. */
function elementSegment(random: Random, table: number, at: number, functions: number[]): number[] {
  const form = random.pick(table === 0 ? [0, 2, 4, 6] : [2, 6]);
  const reference = (index: number): number[] =>
    random.chance(0.2) ? [0xd0, 0x70, 0x0b] : [0xd2, ...leb(index), 0x0b];
  const entries = functions.flatMap((index) => (form & 4 ? reference(index) : leb(index)));
  const kind = form & 2 ? [form & 4 ? 0x70 : 0] : [];
  return [
    form,
    ...(form & 2 ? leb(table) : []),
    ...offset(at),
    ...kind,
    ...leb(functions.length),
    ...entries,
  ];
}
