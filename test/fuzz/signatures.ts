// The operand and result types of instructions, read off their names. The vetter has no such table (types are the
// engine's business), and the engine says whether this one is right.

import { type Opcode, OPCODES } from "../../runtime/sandbox/opcodes.ts";
import { F32, F64, I32, I64, V128 } from "../../runtime/sandbox/module.ts";

export interface Signature {
  code: number;
  name: string;
  pops: number[];
  pushes: number[];
  /** log2 of the largest alignment that a memory argument may have. */
  alignment: number;
  /** How many lanes a lane index chooses from. */
  lanes: number;
}

const SCALAR: Record<string, number> = { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128 };
const LANE: Record<string, number> = {
  i8x16: I32,
  i16x8: I32,
  i32x4: I32,
  i64x2: I64,
  f32x4: F32,
  f64x2: F64,
};
const WIDTH: Record<string, number> = { i32: 2, f32: 2, i64: 3, f64: 3, v128: 4 };
const COMPARE = /^(eq|ne|lt|gt|le|ge)(_[su])?$/;

/** Of instructions whose types their name says; null for the others (control, locals, globals, calls). */
function signatureOf(code: number, { name, pops }: Opcode): Signature | null {
  const [shape, op] = name.split(".") as [string, string | undefined];
  if (op === undefined) return null;
  const signature: Signature = { code, name, pops: [], pushes: [], alignment: 0, lanes: 0 };
  const give = (from: number[], to: number[]): Signature => ({ ...signature, pops: from, pushes: to });
  const type = SCALAR[shape];
  const lane = LANE[shape];
  if (shape === "memory" || shape === "data" || shape === "local" || shape === "global") return null;

  const access = /^(load|store)(\d+)?(x\d)?/.exec(op);
  if (access !== null) {
    const size =
      access[2] === undefined
        ? WIDTH[shape]
        : Math.log2((Number(access[2]) * (access[3] ? 64 / Number(access[2]) : 1)) / 8);
    const some = { alignment: size, lanes: op.endsWith("_lane") ? 16 >> size : 0 };
    const [from, to] =
      access[1] === "store"
        ? [[I32, type], []]
        : op.endsWith("_lane")
          ? [[I32, V128], [V128]]
          : [[I32], [type]];
    return { ...give(from, to), ...some };
  }
  if (op === "const") return give([], [type]);
  if (lane !== undefined) {
    const lanes = Number(shape.split("x")[1]);
    if (op === "splat") return give([lane], [V128]);
    if (op.startsWith("extract_lane")) return { ...give([V128], [lane]), lanes };
    if (op.startsWith("replace_lane")) return { ...give([V128, lane], [V128]), lanes };
    if (/^sh[lr]/.test(op)) return give([V128, I32], [V128]);
    if (op === "all_true" || op === "bitmask") return give([V128], [I32]);
    return give(Array(pops).fill(V128), [V128]);
  }
  if (shape === "v128") return give(Array(pops).fill(V128), [op === "any_true" ? I32 : V128]);
  if (op === "eqz") return give([type], [I32]);
  if (COMPARE.test(op)) return give([type, type], [I32]);
  const conversion = /_(i32|i64|f32|f64)(_[su])?$/.exec(op);
  if (conversion !== null) return give([SCALAR[conversion[1]]], [type]);
  return give(Array(pops).fill(type), [type]);
}

export const SIGNATURES: readonly Signature[] = [...OPCODES]
  .map(([code, opcode]) => signatureOf(code, opcode))
  .filter((signature) => signature !== null);

export const SIGNATURE_OF: ReadonlyMap<number, Signature> = new Map(
  SIGNATURES.map((signature) => [signature.code, signature]),
);

/** Instructions that give one value of a type. */
export const GIVING: ReadonlyMap<number, readonly Signature[]> = new Map(
  [I32, I64, F32, F64, V128].map((type) => [
    type,
    SIGNATURES.filter(({ pushes, pops }) => pushes[0] === type && pops.length > 0),
  ]),
);

/** Instructions that may stand for each other. */
const alike = new Map<string, number[]>();
for (const { code, pops, pushes, alignment, lanes } of SIGNATURES) {
  const key = `${pops}:${pushes}:${alignment}:${lanes}`;
  alike.set(key, [...(alike.get(key) ?? []), code]);
}
export function alternatives(code: number): readonly number[] {
  const signature = SIGNATURE_OF.get(code);
  if (signature === undefined) return [];
  const { pops, pushes, alignment, lanes } = signature;
  return alike.get(`${pops}:${pushes}:${alignment}:${lanes}`) ?? [];
}
