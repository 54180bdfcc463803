// WebAssembly leaves open which bits a NaN has that arithmetic makes. This makes a module that leaves nothing open, so
// that two forms of it can be compared to the bit: behind every instruction that may make a NaN stands one that
// replaces it by the canonical NaN, and so before those through which the meter lets none but that one be seen.

import type { Code } from "../../runtime/sandbox/body.ts";
import { F32, F64, type Module, V128 } from "../../runtime/sandbox/module.ts";
import { Op, OPCODES } from "../../runtime/sandbox/opcodes.ts";
import { assemble, concat, leb, sectionsOf, sized, vector } from "./binary.ts";

const SCALAR_32 = [0x43, 0, 0, 0xc0, 0x7f];
const SCALAR_64 = [0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f];
const LANES_32 = [0xfd, 12, ...Array(4).fill([0, 0, 0xc0, 0x7f]).flat()];
const LANES_64 = [0xfd, 12, ...Array(2).fill([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]).flat()];
const SELECT = [0x1b];
const BITSELECT = [0xfd, 0x52];

/** The NaN, the comparison and the selection for values of a shape. */
const SHAPES: Record<string, { type: number; pieces: [number[], number[], number[]] }> = {
  f32: { type: F32, pieces: [SCALAR_32, [0x5b], SELECT] },
  f64: { type: F64, pieces: [SCALAR_64, [0x61], SELECT] },
  f32x4: { type: V128, pieces: [LANES_32, [0xfd, 0x41], BITSELECT] },
  f64x2: { type: V128, pieces: [LANES_64, [0xfd, 0x47], BITSELECT] },
};
const MAKES_NAN =
  /^(f32|f64|f32x4|f64x2)\.(ceil|floor|trunc|nearest|sqrt|add|sub|mul|div|min|max|demote\w*|promote\w*)$/;
const OBSERVERS = new Map<number, string>([
  [Op.i32ReinterpretF32, "f32"],
  [Op.i64ReinterpretF64, "f64"],
  [Op.f32Copysign, "f32"],
  [Op.f64Copysign, "f64"],
]);

/** The module, with no NaN's bits left open; itself where it makes none. */
export function canonical(module: Module, codes: readonly Code[]): Uint8Array<ArrayBuffer> {
  let changed = false;
  const bodies = codes.map((code, index) => {
    const locals = [...code.locals];
    const temporaries = new Map<number, number>();
    const replace = (shape: string): number[] => {
      const { type, pieces } = SHAPES[shape];
      const local = temporaries.get(type) ?? locals.push(type) - 1;
      temporaries.set(type, local);
      const get = [Op.localGet, ...leb(local)];
      changed = true;
      return [Op.localTee, ...leb(local), ...pieces[0], ...get, ...get, ...pieces[1], ...pieces[2]];
    };
    const parts: (Uint8Array | number[])[] = [];
    code.op.forEach((op, i) => {
      const seen = OBSERVERS.get(op);
      if (seen !== undefined) parts.push(replace(seen));
      parts.push(module.bytes.subarray(code.at[i], code.end[i]));
      const made = MAKES_NAN.exec(OPCODES.get(op)?.name ?? "")?.[1];
      if (made !== undefined) parts.push(replace(made));
    });
    const declared = locals.slice(code.locals.length - module.bodies[index].locals.length);
    const groups = [leb(declared.length), ...declared.map((type) => [1, type])];
    return sized(concat([...groups, ...parts]));
  });
  if (!changed) return new Uint8Array(module.bytes);
  const sections = sectionsOf(module.bytes).filter(({ id }) => id !== 0);
  return assemble(
    sections.map((section) => (section.id === 10 ? { id: 10, bytes: vector(bodies) } : section)),
  );
}
