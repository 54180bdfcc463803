// Makes a finding's module smaller while it stays a finding: greedily, part by part.

import { decodeBody } from "../../runtime/sandbox/body.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { parseModule } from "../../runtime/sandbox/module.ts";
import { Op } from "../../runtime/sandbox/opcodes.ts";
import { assemble, bodiesOf, concat, readLeb, sectionsOf, sized, vector } from "./binary.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** @param still whether bytes are still a finding  @param until time (performance.now) at which to stop */
export function reduce(bytes: Bytes, still: (candidate: Bytes) => boolean, until: number): Bytes {
  let smallest = bytes;
  const take = (candidate: Bytes | null): boolean => {
    if (candidate === null || candidate.length >= smallest.length || performance.now() > until) return false;
    if (!still(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let before = -1; before !== smallest.length && performance.now() < until; ) {
    before = smallest.length;
    try {
      withoutSections(smallest, take);
      withoutBodies(() => smallest, take);
      withoutInstructions(() => smallest, take);
    } catch {
      // it is no module to take apart any further
    }
    withoutBytes(() => smallest, take);
  }
  return smallest;
}

function withoutSections(bytes: Bytes, take: (candidate: Bytes) => boolean): void {
  let sections = sectionsOf(bytes);
  for (const section of [...sections]) {
    const others = sections.filter((one) => one !== section);
    if (take(assemble(others))) sections = others;
  }
}

/** Writes the code section anew with one body changed. */
function withBody(bytes: Bytes, index: number, body: Uint8Array): Bytes {
  const sections = sectionsOf(bytes).map((section) => {
    if (section.id !== 10) return section;
    const bodies = bodiesOf(section.bytes);
    bodies[index] = body;
    return { id: 10, bytes: vector(bodies.map((one) => sized(one))) };
  });
  return assemble(sections);
}

function withoutBodies(now: () => Bytes, take: (candidate: Bytes) => boolean): void {
  const { bodies } = parseModule(now(), DEFAULT_LIMITS);
  bodies.forEach((_, index) => take(withBody(now(), index, Uint8Array.of(0, Op.unreachable, Op.end))));
}

function withoutInstructions(now: () => Bytes, take: (candidate: Bytes) => boolean): void {
  const count = parseModule(now(), DEFAULT_LIMITS).bodies.length;
  for (let index = 0; index < count; index++) {
    for (let size = 64; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; ; ) {
        const module = parseModule(now(), DEFAULT_LIMITS);
        const code = decodeBody(module, index, DEFAULT_LIMITS);
        if (at + size >= code.op.length) break;
        const body = bodiesOf(sectionsOf(now()).find(({ id }) => id === 10)?.bytes ?? new Uint8Array(1))[
          index
        ];
        const shift = code.at[0] - localsLength(body);
        const shorter = concat([
          body.subarray(0, code.at[at] - shift),
          body.subarray(code.at[at + size] - shift),
        ]);
        if (!take(withBody(now(), index, shorter))) at += Math.max(1, size >> 1);
      }
    }
  }
}

/** Bytes that the declarations of a body's locals take. */
function localsLength(body: Uint8Array): number {
  let { unsigned: groups, end } = readLeb(body, 0);
  for (; groups > 0n; groups--) end = readLeb(body, end).end + 1;
  return end;
}

function withoutBytes(now: () => Bytes, take: (candidate: Bytes) => boolean): void {
  for (let size = 256; size >= 1; size >>= 1) {
    for (let at = 8; at < now().length; ) {
      const bytes = now();
      if (!take(concat([bytes.subarray(0, at), bytes.subarray(at + size)]))) at += size;
    }
  }
}
