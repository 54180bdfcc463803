// The original beside the rewritten form: the same code, with nothing but exports added through which its memory and
// globals can be seen, and with the memory's bound that the sandbox sets. If wanted, it counts what it executes.

import type { Code } from "../../runtime/sandbox/body.ts";
import { F32, F64, I32, I64, type Module } from "../../runtime/sandbox/module.ts";
import { Op, OPCODES } from "../../runtime/sandbox/opcodes.ts";
import {
  appended,
  assemble,
  concat,
  leb,
  sectionsOf,
  signedLeb,
  sized,
  vector,
  withSection,
} from "./binary.ts";

const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];

/** A body in which every instruction first adds its units to a global. */
function counting(module: Module, index: number, code: Code): Uint8Array {
  const counter = leb(module.globals.length);
  const { locals } = module.bodies[index];
  const parts: (Uint8Array | number[])[] = [leb(locals.length)];
  for (const type of locals) parts.push([1, type]);
  const add = (units: number): void => {
    if (units === 0) return;
    parts.push([Op.globalGet, ...counter, Op.i64Const, ...signedLeb(units)]);
    parts.push([Op.i64Add, Op.globalSet, ...counter]);
  };
  add(code.locals.length >> 2); // entering the function
  code.op.forEach((op, i) => {
    add(OPCODES.get(op)?.weight ?? 0);
    parts.push(module.bytes.subarray(code.at[i], code.end[i]));
  });
  return sized(concat(parts));
}

/**
 * `module` with the exports $memory and $lane: $lane(i) gives the i-th 32 bits of its mutable globals, as the
 * rewrite's $lane_get does. With `codes`, its export $executed is the units of all instructions that ran.
 */
export function observable(
  module: Module,
  maximumPages: number,
  codes: readonly Code[] | null,
): Uint8Array<ArrayBuffer> {
  const laneType = module.types.length;
  const laneFunction = module.functions.length;
  const body: number[] = [0];
  let lanes = 0;
  module.globals.forEach(({ type, mutable }, global) => {
    if (!mutable) return;
    const width = type === I32 || type === F32 ? 1 : type === I64 || type === F64 ? 2 : 4;
    for (let part = 0; part < width; part++) {
      // if lane == i: return the part
      body.push(0x20, 0, 0x41, ...signedLeb(lanes++), 0x46, 0x04, 0x40, 0x23, ...leb(global));
      if (type === F32) body.push(0xbc);
      if (type === F64) body.push(0xbd);
      if (width === 2) body.push(0x42, ...signedLeb(part * 32), 0x88, 0xa7);
      if (width === 4) body.push(0xfd, 0x1b, part);
      body.push(0x0f, 0x0b);
    }
  });
  body.push(0x41, 0, 0x0b);
  let sections = sectionsOf(module.bytes);
  const change = (id: number, item: number[] | Uint8Array): void => {
    sections = withSection(sections, id, (bytes) => appended(bytes, [item]));
  };
  if (codes !== null && codes.length > 0) {
    sections = withSection(sections, 10, () =>
      vector(codes.map((code, index) => counting(module, index, code))),
    );
    change(6, [I64, 1, Op.i64Const, 0, Op.end]);
    change(7, [...text("$executed"), 3, ...leb(module.globals.length)]);
  }
  change(1, [0x60, 1, I32, 1, I32]);
  change(3, leb(laneType));
  change(7, [...text("$memory"), 2, 0]);
  change(7, [...text("$lane"), 0, ...leb(laneFunction)]);
  change(10, sized(body));
  const { initial } = module.memory as { initial: number };
  sections = withSection(sections, 5, () =>
    vector([concat([[1], leb(initial), leb(Math.max(initial, maximumPages))])]),
  );
  return assemble(sections);
}
