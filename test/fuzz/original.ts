// The untouched original beside the rewritten form: the same code, with nothing but exports added through which its
// memory and globals can be seen, and with the memory's bound that the sandbox sets.

import { F32, F64, I32, I64, type Module } from "../../runtime/sandbox/module.ts";
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

/**
 * `module` with the exports $memory and $lane: $lane(i) gives the i-th 32 bits of its mutable globals, as the
 * rewrite's $lane_get does.
 */
export function observable(module: Module, maximumPages: number): Uint8Array<ArrayBuffer> {
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
