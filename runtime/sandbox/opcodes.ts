// The instructions that the sandbox knows: encoding, stack effect and weight. What is not here is refused.

/** How an instruction's immediates are encoded. */
export enum Immediate {
  None,
  Block,
  Label,
  LabelTable,
  Function,
  IndirectCall,
  Local,
  Global,
  SelectTypes,
  Memory,
  MemoryIndex,
  MemoryPair,
  Data,
  DataAndMemory,
  I32,
  I64,
  F32,
  F64,
  V128,
  Lane,
  MemoryLane,
  Lanes16,
}

export interface Opcode {
  name: string;
  immediate: Immediate;
  /** Operands taken and left; of calls and control instructions they depend on types. */
  pops: number;
  pushes: number;
  /** Units. */
  weight: number;
  feature: string;
}

/** One-byte opcodes keep their number; those behind a prefix are prefix << 12 | number. */
export const prefixed = (prefix: number, number: number): number => (prefix << 12) | number;

// Named opcodes that the sandbox itself looks at or writes.
export const Op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i32GeS: 0x4e,
  i32GeU: 0x4f,
  i64GtU: 0x56,
  f32Eq: 0x5b,
  f64Eq: 0x61,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32DivU: 0x6e,
  i32And: 0x71,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  f32Copysign: 0x98,
  f64Copysign: 0xa6,
  i64ExtendI32U: 0xad,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
  memoryInit: prefixed(0xfc, 8),
  dataDrop: prefixed(0xfc, 9),
  memoryCopy: prefixed(0xfc, 10),
  memoryFill: prefixed(0xfc, 11),
} as const;

const table = new Map<number, Opcode>();

function define(
  code: number,
  names: string,
  immediate: Immediate,
  pops: number,
  pushes: number,
  weight = 1,
  feature = "",
): void {
  let next = code;
  for (const name of names.split(" ")) {
    if (name !== "-") table.set(next, { name, immediate, pops, pushes, weight, feature });
    next++;
  }
}

// Weights: what a plugin could do slowest with an instruction decides. A load that misses every cache takes
// hundreds of times an addition, so it weighs far more than it usually costs; a store need not be waited for;
// divisions and square roots take 10 to 40 cycles. Narrowing and widening a float can meet a subnormal each time, which
// some processors take 150 cycles for. The rest is one unit.
const LOAD = 16;
const STORE = 4;
const SLOW = 8;
const RESIZE = 4;
const { None, Memory: Mem } = Immediate;

define(0x00, "unreachable nop", None, 0, 0);
define(0x02, "block loop if", Immediate.Block, 0, 0);
define(0x05, "else", None, 0, 0, 0);
define(0x0b, "end", None, 0, 0, 0);
define(0x0c, "br br_if", Immediate.Label, 0, 0);
define(0x0e, "br_table", Immediate.LabelTable, 1, 0, 2);
define(0x0f, "return", None, 0, 0);
define(0x10, "call", Immediate.Function, 0, 0, SLOW);
define(0x11, "call_indirect", Immediate.IndirectCall, 1, 0, 2 * SLOW);
define(0x1a, "drop", None, 1, 0, 0);
define(0x1b, "select", None, 3, 1);
define(0x1c, "select", Immediate.SelectTypes, 3, 1, 1, "reference-types");
define(0x20, "local.get", Immediate.Local, 0, 1);
define(0x21, "local.set", Immediate.Local, 1, 0);
define(0x22, "local.tee", Immediate.Local, 1, 1);
define(0x23, "global.get", Immediate.Global, 0, 1);
define(0x24, "global.set", Immediate.Global, 1, 0);
define(
  0x28,
  "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u " +
    "i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u",
  Mem,
  1,
  1,
  LOAD,
);
define(
  0x36,
  "i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32",
  Mem,
  2,
  0,
  STORE,
);
define(0x3f, "memory.size", Immediate.MemoryIndex, 0, 1);
define(0x40, "memory.grow", Immediate.MemoryIndex, 1, 1, SLOW);
define(0x41, "i32.const", Immediate.I32, 0, 1);
define(0x42, "i64.const", Immediate.I64, 0, 1);
define(0x43, "f32.const", Immediate.F32, 0, 1);
define(0x44, "f64.const", Immediate.F64, 0, 1);
define(0x45, "i32.eqz", None, 1, 1);
define(
  0x46,
  "i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u",
  None,
  2,
  1,
);
define(0x50, "i64.eqz", None, 1, 1);
define(
  0x51,
  "i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u " +
    "f32.eq f32.ne f32.lt f32.gt f32.le f32.ge f64.eq f64.ne f64.lt f64.gt f64.le f64.ge",
  None,
  2,
  1,
);
define(0x67, "i32.clz i32.ctz i32.popcnt", None, 1, 1);
define(0x6a, "i32.add i32.sub i32.mul", None, 2, 1);
define(0x6d, "i32.div_s i32.div_u i32.rem_s i32.rem_u", None, 2, 1, SLOW);
define(0x71, "i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr", None, 2, 1);
define(0x79, "i64.clz i64.ctz i64.popcnt", None, 1, 1);
define(0x7c, "i64.add i64.sub i64.mul", None, 2, 1);
define(0x7f, "i64.div_s i64.div_u i64.rem_s i64.rem_u", None, 2, 1, SLOW);
define(0x83, "i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr", None, 2, 1);
define(0x8b, "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest", None, 1, 1);
define(0x91, "f32.sqrt", None, 1, 1, SLOW);
define(0x92, "f32.add f32.sub f32.mul", None, 2, 1);
define(0x95, "f32.div", None, 2, 1, SLOW);
define(0x96, "f32.min f32.max f32.copysign", None, 2, 1);
define(0x99, "f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest", None, 1, 1);
define(0x9f, "f64.sqrt", None, 1, 1, SLOW);
define(0xa0, "f64.add f64.sub f64.mul", None, 2, 1);
define(0xa3, "f64.div", None, 2, 1, SLOW);
define(0xa4, "f64.min f64.max f64.copysign", None, 2, 1);
define(
  0xa7,
  "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u " +
    "i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u " +
    "f32.convert_i64_s f32.convert_i64_u - f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s " +
    "f64.convert_i64_u - i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64",
  None,
  1,
  1,
);
define(0xb6, "f32.demote_f64", None, 1, 1, RESIZE);
define(0xbb, "f64.promote_f32", None, 1, 1, RESIZE);
define(
  0xc0,
  "i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s",
  None,
  1,
  1,
  1,
  "sign-extension",
);

const FC = prefixed(0xfc, 0);
define(
  FC,
  "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u " +
    "i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u",
  None,
  1,
  1,
  1,
  "saturating-conversion",
);
define(FC + 8, "memory.init", Immediate.DataAndMemory, 3, 0, SLOW, "bulk-memory");
define(FC + 9, "data.drop", Immediate.Data, 0, 0, 1, "bulk-memory");
define(FC + 10, "memory.copy", Immediate.MemoryPair, 3, 0, SLOW, "bulk-memory");
define(FC + 11, "memory.fill", Immediate.MemoryIndex, 3, 0, SLOW, "bulk-memory");

const FD = prefixed(0xfd, 0);
/** SIMD instructions from `first` on: "-" marks a number that is not assigned. */
function simd(
  first: number,
  names: string,
  immediate: Immediate,
  pops: number,
  pushes: number,
  weight = 1,
): void {
  define(FD + first, names, immediate, pops, pushes, weight, "simd");
}
const LOADS =
  "v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u " +
  "v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat";
simd(0x00, LOADS, Mem, 1, 1, LOAD);
simd(0x0b, "v128.store", Mem, 2, 0, STORE);
simd(0x0c, "v128.const", Immediate.V128, 0, 1);
simd(0x0d, "i8x16.shuffle", Immediate.Lanes16, 2, 1);
simd(0x0e, "i8x16.swizzle", None, 2, 1);
simd(0x0f, "i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat", None, 1, 1);
simd(0x15, "i8x16.extract_lane_s i8x16.extract_lane_u", Immediate.Lane, 1, 1);
simd(0x17, "i8x16.replace_lane", Immediate.Lane, 2, 1);
simd(0x18, "i16x8.extract_lane_s i16x8.extract_lane_u", Immediate.Lane, 1, 1);
simd(0x1a, "i16x8.replace_lane", Immediate.Lane, 2, 1);
simd(0x1b, "i32x4.extract_lane", Immediate.Lane, 1, 1);
simd(0x1c, "i32x4.replace_lane", Immediate.Lane, 2, 1);
simd(0x1d, "i64x2.extract_lane", Immediate.Lane, 1, 1);
simd(0x1e, "i64x2.replace_lane", Immediate.Lane, 2, 1);
simd(0x1f, "f32x4.extract_lane", Immediate.Lane, 1, 1);
simd(0x20, "f32x4.replace_lane", Immediate.Lane, 2, 1);
simd(0x21, "f64x2.extract_lane", Immediate.Lane, 1, 1);
simd(0x22, "f64x2.replace_lane", Immediate.Lane, 2, 1);
const INTEGER_COMPARES = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];
const shaped = (shape: string, names: string[]): string => names.map((name) => `${shape}.${name}`).join(" ");
simd(0x23, shaped("i8x16", INTEGER_COMPARES), None, 2, 1);
simd(0x2d, shaped("i16x8", INTEGER_COMPARES), None, 2, 1);
simd(0x37, shaped("i32x4", INTEGER_COMPARES), None, 2, 1);
const FLOAT_COMPARES = ["eq", "ne", "lt", "gt", "le", "ge"];
simd(0x41, shaped("f32x4", FLOAT_COMPARES), None, 2, 1);
simd(0x47, shaped("f64x2", FLOAT_COMPARES), None, 2, 1);
simd(0x4d, "v128.not", None, 1, 1);
simd(0x4e, "v128.and v128.andnot v128.or v128.xor", None, 2, 1);
simd(0x52, "v128.bitselect", None, 3, 1);
simd(0x53, "v128.any_true", None, 1, 1);
simd(
  0x54,
  "v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane",
  Immediate.MemoryLane,
  2,
  1,
  LOAD,
);
simd(
  0x58,
  "v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane",
  Immediate.MemoryLane,
  2,
  0,
  STORE,
);
simd(0x5c, "v128.load32_zero v128.load64_zero", Mem, 1, 1, LOAD);
simd(0x5e, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4", None, 1, 1, RESIZE);
simd(0x60, "i8x16.abs i8x16.neg i8x16.popcnt i8x16.all_true i8x16.bitmask", None, 1, 1);
simd(0x65, "i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u", None, 2, 1);
simd(0x67, "f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest", None, 1, 1);
simd(
  0x6b,
  shaped("i8x16", [
    "shl",
    "shr_s",
    "shr_u",
    "add",
    "add_sat_s",
    "add_sat_u",
    "sub",
    "sub_sat_s",
    "sub_sat_u",
  ]),
  None,
  2,
  1,
);
simd(0x74, "f64x2.ceil f64x2.floor", None, 1, 1);
simd(0x76, shaped("i8x16", ["min_s", "min_u", "max_s", "max_u"]), None, 2, 1);
simd(0x7a, "f64x2.trunc", None, 1, 1);
simd(0x7b, "i8x16.avgr_u", None, 2, 1);
simd(
  0x7c,
  "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u " +
    "i16x8.abs i16x8.neg",
  None,
  1,
  1,
);
simd(0x82, "i16x8.q15mulr_sat_s", None, 2, 1);
simd(0x83, "i16x8.all_true i16x8.bitmask", None, 1, 1);
simd(0x85, "i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u", None, 2, 1);
const extend = (to: string, from: string): string =>
  ["low", "high"].map((half) => `${to}.extend_${half}_${from}_s`).join(" ") +
  " " +
  ["low", "high"].map((half) => `${to}.extend_${half}_${from}_u`).join(" ");
const extmul = (to: string, from: string): string => extend(to, from).replaceAll("extend", "extmul");
simd(0x87, extend("i16x8", "i8x16"), None, 1, 1);
simd(
  0x8b,
  shaped("i16x8", [
    "shl",
    "shr_s",
    "shr_u",
    "add",
    "add_sat_s",
    "add_sat_u",
    "sub",
    "sub_sat_s",
    "sub_sat_u",
  ]),
  None,
  2,
  1,
);
simd(0x94, "f64x2.nearest", None, 1, 1);
simd(0x95, "i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u - i16x8.avgr_u", None, 2, 1);
simd(0x9c, extmul("i16x8", "i8x16"), None, 2, 1);
simd(0xa0, "i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask", None, 1, 1);
simd(0xa7, extend("i32x4", "i16x8"), None, 1, 1);
simd(0xab, "i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add - - i32x4.sub", None, 2, 1);
simd(0xb5, "i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s", None, 2, 1);
simd(0xbc, extmul("i32x4", "i16x8"), None, 2, 1);
simd(0xc0, "i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask", None, 1, 1);
simd(0xc7, extend("i64x2", "i32x4"), None, 1, 1);
simd(0xcb, "i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add - - i64x2.sub", None, 2, 1);
simd(0xd5, "i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s", None, 2, 1);
simd(0xdc, extmul("i64x2", "i32x4"), None, 2, 1);
simd(0xe0, "f32x4.abs f32x4.neg", None, 1, 1);
simd(0xe3, "f32x4.sqrt", None, 1, 1, SLOW);
simd(0xe4, "f32x4.add f32x4.sub f32x4.mul", None, 2, 1);
simd(0xe7, "f32x4.div", None, 2, 1, SLOW);
simd(0xe8, "f32x4.min f32x4.max f32x4.pmin f32x4.pmax", None, 2, 1);
simd(0xec, "f64x2.abs f64x2.neg", None, 1, 1);
simd(0xef, "f64x2.sqrt", None, 1, 1, SLOW);
simd(0xf0, "f64x2.add f64x2.sub f64x2.mul", None, 2, 1);
simd(0xf3, "f64x2.div", None, 2, 1, SLOW);
simd(0xf4, "f64x2.min f64x2.max f64x2.pmin f64x2.pmax", None, 2, 1);
simd(
  0xf8,
  "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u " +
    "i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u",
  None,
  1,
  1,
);

/** Every instruction that the sandbox accepts. */
export const OPCODES: ReadonlyMap<number, Opcode> = table;

/** Why an instruction that is not in the table is refused. */
export function refusal(code: number): string {
  const prefix = code >> 12;
  const number = code & 0xfff;
  if (prefix === 0xfe) return "it uses atomic instructions; build it without threads";
  if (prefix === 0xfd && number >= 0x100)
    return "it uses relaxed SIMD, whose results differ between machines";
  if (prefix === 0xfb) return "it uses garbage-collected types";
  if (prefix === 0xfc && number >= 12 && number <= 17)
    return "it changes a table or element segment at run time";
  if (prefix === 0 && (code === 0x25 || code === 0x26)) return "it reads or changes a table at run time";
  if (prefix === 0 && code >= 0xd0 && code <= 0xd6) return "it handles references";
  if (prefix === 0 && (code === 0x12 || code === 0x13 || code === 0x14 || code === 0x15)) {
    return "it uses tail calls or calls through references";
  }
  if (prefix === 0 && [0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f].includes(code))
    return "it uses exceptions";
  const name = prefix === 0 ? `0x${code.toString(16)}` : `0x${prefix.toString(16)} 0x${number.toString(16)}`;
  return `it uses the unknown instruction ${name}`;
}
