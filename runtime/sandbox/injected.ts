// The functions that the rewrite adds to a module. They are trusted: vetting and metering see plugin code only.

import { VOID_BLOCK } from "./body.ts";
import { Writer } from "./bytes.ts";
import { F32, F64, type Global, I32, I64, type Module, V128 } from "./module.ts";
import { Op, prefixed } from "./opcodes.ts";

/** An added function: its locals and instructions. */
function body(locals: number[], code: Writer): Writer {
  const out = new Writer(code.length + 32);
  out.u32(locals.length);
  for (const type of locals) out.u32(1).u8(type);
  return out.raw(code.view()).u8(Op.end);
}

const get = (w: Writer, local: number): Writer => w.u8(Op.localGet).u32(local);
const set = (w: Writer, local: number): Writer => w.u8(Op.localSet).u32(local);
const constant = (w: Writer, value: number): Writer => w.u8(Op.i32Const).s32(value);
const op = (w: Writer, code: number): Writer =>
  code > 0xff ? w.u8(code >> 12).u32(code & 0xfff) : w.u8(code);
const block = (w: Writer, code: number): Writer => w.u8(code).s32(VOID_BLOCK);

const I32_OR = 0x72;

/** charge(units): takes units from the count and asks the host for slices until it is above zero again. */
export function chargeBody(fuel: number, tick: number): Writer {
  const w = new Writer();
  w.u8(Op.globalGet).u32(fuel);
  get(w, 0).u8(Op.i32Sub).u8(Op.globalSet).u32(fuel);
  block(w, Op.loop);
  w.u8(Op.globalGet).u32(fuel);
  constant(w, 0).u8(Op.i32LtS);
  block(w, Op.if);
  w.u8(Op.globalGet)
    .u32(fuel)
    .u8(Op.call)
    .u32(tick)
    .u8(Op.globalSet)
    .u32(fuel)
    .u8(Op.br)
    .u32(1)
    .put(Op.end, Op.end);
  return body([], w);
}

/** Bulk memory works in chunks of this, so that the clock is read between them. */
const CHUNK = 16_384;

/** Whether address local `at` plus length local 2 goes past the end of memory, as an i32. */
function beyond(w: Writer, at: number): void {
  get(w, at).u8(Op.i64ExtendI32U);
  get(w, 2).put(Op.i64ExtendI32U, Op.i64Add);
  w.put(Op.memorySize, 0, Op.i64ExtendI32U).put(Op.i64Const, 16, 0x86, Op.i64GtU); // << 16
}

function charge(w: Writer, chargeFunction: number, local: number): void {
  get(w, local);
  constant(w, 2).u8(Op.i32ShrU);
  constant(w, 16).u8(Op.i32Add).u8(Op.call).u32(chargeFunction);
}

/** memory.fill(to, value, length), charged and in chunks. Out of bounds it traps before it writes. */
export function fillBody(chargeFunction: number): Writer {
  const w = new Writer();
  beyond(w, 0);
  block(w, Op.if);
  for (const local of [0, 1, 2]) get(w, local);
  op(w, Op.memoryFill).u8(0).u8(Op.end);
  constant(w, 0).u8(Op.call).u32(chargeFunction);
  block(w, Op.block);
  block(w, Op.loop);
  get(w, 2).u8(Op.i32Eqz).u8(Op.brIf).u32(1);
  chunk(w, 3);
  charge(w, chargeFunction, 3);
  get(w, 0);
  get(w, 1);
  get(w, 3);
  op(w, Op.memoryFill).u8(0);
  advance(w, 0, 3);
  shorten(w, 3);
  w.u8(Op.br).u32(0).put(Op.end, Op.end);
  return body([I32], w);
}

/** memory.copy(to, from, length), charged and in chunks, in the direction that overlapping ranges need. */
export function copyBody(chargeFunction: number): Writer {
  const w = new Writer();
  beyond(w, 0);
  beyond(w, 1);
  w.u8(I32_OR);
  block(w, Op.if);
  for (const local of [0, 1, 2]) get(w, local);
  op(w, Op.memoryCopy).u8(0).u8(0).u8(Op.end);
  constant(w, 0).u8(Op.call).u32(chargeFunction);
  block(w, Op.block);
  block(w, Op.loop);
  get(w, 2).u8(Op.i32Eqz).u8(Op.brIf).u32(1);
  chunk(w, 3);
  charge(w, chargeFunction, 3);
  get(w, 0);
  get(w, 1).u8(Op.i32LeU);
  block(w, Op.if);
  get(w, 0);
  get(w, 1);
  get(w, 3);
  op(w, Op.memoryCopy).u8(0).u8(0);
  advance(w, 0, 3);
  advance(w, 1, 3);
  w.u8(Op.else);
  for (const local of [0, 1]) {
    get(w, local);
    get(w, 2).u8(Op.i32Add);
    get(w, 3).u8(Op.i32Sub);
  }
  get(w, 3);
  op(w, Op.memoryCopy).u8(0).u8(0).u8(Op.end);
  shorten(w, 3);
  w.u8(Op.br).u32(0).put(Op.end, Op.end);
  return body([I32], w);
}

/** local = min(length, CHUNK) */
function chunk(w: Writer, local: number): void {
  get(w, 2);
  constant(w, CHUNK);
  get(w, 2);
  constant(w, CHUNK).put(Op.i32LtU, Op.select);
  set(w, local);
}

function advance(w: Writer, local: number, by: number): void {
  get(w, local);
  get(w, by).u8(Op.i32Add);
  set(w, local);
}

function shorten(w: Writer, by: number): void {
  get(w, 2);
  get(w, by).u8(Op.i32Sub);
  set(w, 2);
}

/** memory.init of a segment that is gone: as of one with no bytes, so that all but nothing is out of bounds. */
export function goneBody(): Writer {
  const w = new Writer();
  whenGone(w);
  return body([], w);
}

function whenGone(w: Writer): void {
  get(w, 1);
  get(w, 2).u8(I32_OR);
  block(w, Op.if);
  constant(w, -1);
  constant(w, 0);
  constant(w, -1);
  op(w, Op.memoryFill).u8(0); // always out of bounds
  w.u8(Op.end);
  get(w, 0);
  constant(w, 0);
  constant(w, 0);
  op(w, Op.memoryFill).u8(0); // is the address?
}

/**
 * memory.init(to, from, length) of one passive segment, charged and in chunks. Out of bounds it traps before it writes.
 * `dropped` is the global that says whether the module has dropped it, where it does so at all.
 */
export function initBody(
  segment: number,
  size: number,
  chargeFunction: number,
  dropped: number | undefined,
): Writer {
  const w = new Writer();
  if (dropped !== undefined) {
    w.u8(Op.globalGet).u32(dropped);
    block(w, Op.if);
    whenGone(w);
    w.put(Op.return, Op.end);
  }
  const init = (length: number): void => {
    get(w, 0);
    get(w, 1);
    get(w, length);
    op(w, Op.memoryInit).u32(segment).u8(0);
  };
  beyond(w, 0);
  get(w, 1).u8(Op.i64ExtendI32U);
  get(w, 2).put(Op.i64ExtendI32U, Op.i64Add);
  constant(w, size).put(Op.i64ExtendI32U, Op.i64GtU, I32_OR);
  block(w, Op.if);
  init(2);
  w.u8(Op.end);
  constant(w, 0).u8(Op.call).u32(chargeFunction);
  block(w, Op.block);
  block(w, Op.loop);
  get(w, 2).u8(Op.i32Eqz).u8(Op.brIf).u32(1);
  chunk(w, 3);
  charge(w, chargeFunction, 3);
  init(3);
  advance(w, 0, 3);
  advance(w, 1, 3);
  shorten(w, 3);
  w.u8(Op.br).u32(0).put(Op.end, Op.end);
  return body([I32], w);
}

/**
 * memory.grow: refused (-1) outside of control calls and beyond 65,537 - `control` pages; elsewhere charged by pages. By no pages it never reaches the engine,
 * which would make a new buffer object of each. New pages are filled with the
 * zeros that they hold: the first touch of a page takes the system thousands of times a store, and must not wait for process.
 */
export function growBody(control: number, chargeFunction: number): Writer {
  const w = new Writer();
  get(w, 0).u8(Op.i32Eqz);
  block(w, Op.if);
  w.put(Op.memorySize, 0, Op.return, Op.end);
  w.u8(Op.globalGet).u32(control).u8(Op.i32Eqz);
  block(w, Op.if);
  constant(w, -1).put(Op.return, Op.end);
  get(w, 0);
  constant(w, 65_537).u8(Op.globalGet).u32(control).u8(Op.i32Sub);
  w.put(Op.memorySize, 0, Op.i32Sub, Op.i32GtU);
  block(w, Op.if);
  constant(w, -1).put(Op.return, Op.end);
  constant(w, 1_000).u8(Op.call).u32(chargeFunction);
  get(w, 0).put(Op.memoryGrow, 0, Op.localTee).u32(1);
  constant(w, -1).put(Op.i32Ne);
  block(w, Op.if);
  get(w, 0);
  constant(w, 16_384).u8(Op.i32Mul).u8(Op.call).u32(chargeFunction);
  get(w, 1);
  pages(w);
  constant(w, 0);
  get(w, 0);
  pages(w);
  op(w, Op.memoryFill).u8(0).u8(Op.end);
  get(w, 1);
  return body([I32], w);
}

/** What says how many bytes a host function moves: an argument's number, or its result. */
export interface MovedBytes {
  said: number | "result";
  /** Whether they are copied at once, as by memory.copy; else one by one, and no more of them than a message has. */
  atOnce: boolean;
}

/**
 * Stands before an imported function: charges a call and the bytes that it is to move. Only where its result says how many
 * there were, a message at most, they are charged behind it.
 */
export function hostCallBody(
  imported: number,
  params: number,
  moved: MovedBytes | null,
  chargeFunction: number,
): Writer {
  const w = new Writer();
  const bounded = (local: number): void => {
    // min(local, 65536) * 8; a negative result moved nothing
    get(w, local);
    constant(w, 65_536);
    get(w, local);
    constant(w, 65_536).put(Op.i32LtU, Op.select);
    constant(w, 8).u8(Op.i32Mul);
  };
  constant(w, 500).u8(Op.call).u32(chargeFunction);
  if (moved !== null && moved.said !== "result") {
    if (moved.atOnce) charge(w, chargeFunction, moved.said);
    else {
      bounded(moved.said);
      w.u8(Op.call).u32(chargeFunction);
    }
  }
  for (let i = 0; i < params; i++) get(w, i);
  w.u8(Op.call).u32(imported);
  if (moved?.said !== "result") return body([], w);
  w.u8(Op.localTee).u32(params);
  constant(w, 0).u8(Op.i32GtS);
  block(w, Op.if);
  bounded(params);
  w.u8(Op.call).u32(chargeFunction).u8(Op.end);
  get(w, params);
  return body([I32], w);
}

/** From pages to bytes. */
function pages(w: Writer): void {
  constant(w, 16).u8(I32_SHL);
}

/** $boot: touches all of memory, places the data segments that were active, then runs the start function. */
export function bootBody(module: Module, start: number | null): Writer {
  const w = new Writer();
  constant(w, 0);
  constant(w, 0).put(Op.memorySize, 0);
  pages(w);
  op(w, Op.memoryFill).u8(0);
  module.data.forEach(({ offset, bytes }, segment) => {
    if (offset === null) return;
    constant(w, offset);
    constant(w, 0);
    constant(w, bytes.length);
    op(w, Op.memoryInit).u32(segment).u8(0);
  });
  if (start !== null) w.u8(Op.call).u32(start);
  return body([], w);
}

/**
 * $fuel(units, control) -> what was left: begins a call with a first slice. `control` is 0 for an [audio] call; else 65,537 less
 * the pages of memory that the module may have by then.
 */
export function fuelBody(fuel: number, control: number, stack: number, stackBytes: number): Writer {
  const w = new Writer();
  w.u8(Op.globalGet).u32(fuel);
  get(w, 0).u8(Op.globalSet).u32(fuel);
  get(w, 1).u8(Op.globalSet).u32(control);
  constant(w, stackBytes).u8(Op.globalSet).u32(stack);
  return body([], w);
}

interface Lane {
  global: number;
  type: number;
  part: number;
}

/** Every mutable global as 32-bit lanes, in order. */
export function lanesOf(globals: Global[]): Lane[] {
  const width = new Map([
    [I32, 1],
    [F32, 1],
    [I64, 2],
    [F64, 2],
    [V128, 4],
  ]);
  return globals.flatMap(({ type, mutable }, global) =>
    mutable ? Array.from({ length: width.get(type) as number }, (_, part) => ({ global, type, part })) : [],
  );
}

/** Picks the lane whose number is in local 0: a tree of ifs, each leaf ending in return. */
function pick(w: Writer, lanes: Lane[], first: number, leaf: (lane: Lane) => void): void {
  if (lanes.length === 0) return;
  if (lanes.length === 1) {
    leaf(lanes[0] as Lane);
    return;
  }
  const half = lanes.length >> 1;
  get(w, 0);
  constant(w, first + half).u8(Op.i32LtU);
  block(w, Op.if);
  pick(w, lanes.slice(0, half), first, leaf);
  w.u8(Op.else);
  pick(w, lanes.slice(half), first + half, leaf);
  w.u8(Op.end);
}

const I32_SHL = 0x74;
const WRAP = 0xa7; // i32.wrap_i64
const I64_SHR_U = 0x88;
const I64_SHL = 0x86;
const I64_AND = 0x83;
const I64_OR = 0x84;
const REINTERPRET_I32 = 0xbe;
const REINTERPRET_I64 = 0xbf;

/** $lane_get(lane) -> its 32 bits. */
export function laneGetBody(lanes: Lane[]): Writer {
  const w = new Writer();
  pick(w, lanes, 0, ({ global, type, part }) => {
    w.u8(Op.globalGet).u32(global);
    if (type === F32) w.u8(Op.i32ReinterpretF32);
    if (type === F64) w.u8(Op.i64ReinterpretF64);
    if (type === I64 || type === F64) {
      if (part === 1) w.put(Op.i64Const, 32, I64_SHR_U);
      w.u8(WRAP);
    }
    if (type === V128) op(w, prefixed(0xfd, 0x1b)).u8(part);
    w.u8(Op.return);
  });
  constant(w, 0);
  return body([], w);
}

/** $lane_set(lane, bits). */
export function laneSetBody(lanes: Lane[]): Writer {
  const w = new Writer();
  pick(w, lanes, 0, ({ global, type, part }) => {
    if (type === I32 || type === F32) {
      get(w, 1);
      if (type === F32) w.u8(REINTERPRET_I32);
    } else if (type === V128) {
      w.u8(Op.globalGet).u32(global);
      get(w, 1);
      op(w, prefixed(0xfd, 0x1c)).u8(part);
    } else {
      w.u8(Op.globalGet).u32(global);
      if (type === F64) w.u8(Op.i64ReinterpretF64);
      // keep the other half: the low 32 bits are 0xffffffff, which is (1 << 32) - 1
      w.put(Op.i64Const, 1, Op.i64Const, 32, I64_SHL, Op.i64Const, 1, 0x7d);
      if (part === 0) w.put(Op.i64Const, 32, I64_SHL);
      w.u8(I64_AND);
      get(w, 1).u8(Op.i64ExtendI32U);
      if (part === 1) w.put(Op.i64Const, 32, I64_SHL);
      w.u8(I64_OR);
      if (type === F64) w.u8(REINTERPRET_I64);
    }
    w.u8(Op.globalSet).u32(global).u8(Op.return);
  });
  return body([], w);
}

const SMALLEST_NORMAL = 0x00800000;
const INFINITE = 0x7f800000;
const MAGNITUDE = 0x7fffffff;

/**
 * $seal(address, frames) -> the bits of the peak: NaN, infinities, subnormals and negative zero become zero, in
 * place. The peak is the largest magnitude found: its bits are those of infinity or more where there was
 * an infinity or a NaN. Integers only, since comparing floats would take four times as long.
 */
export function sealBody(): Writer {
  const w = new Writer();
  const simd = (number: number): Writer => op(w, prefixed(0xfd, number));
  const [AT, FRAMES, END, BITS, X, MAGNITUDES, PEAK] = [0, 1, 2, 3, 4, 5, 6] as const;
  const I32X4_SPLAT = 0x11;
  const splat = (value: number): Writer => {
    constant(w, value);
    return simd(I32X4_SPLAT);
  };
  get(w, AT);
  get(w, FRAMES);
  constant(w, -4).u8(Op.i32And);
  constant(w, 2).put(I32_SHL, Op.i32Add);
  set(w, END);

  block(w, Op.block);
  block(w, Op.loop);
  get(w, AT);
  get(w, END).put(Op.i32GeU, Op.brIf).u32(1);
  get(w, AT);
  get(w, AT);
  simd(0x00).put(2, 0); // v128.load
  w.u8(Op.localTee).u32(X);
  get(w, X);
  splat(MAGNITUDE);
  simd(0x4e); // and
  w.u8(Op.localTee).u32(MAGNITUDES);
  splat(SMALLEST_NORMAL - 1);
  simd(0x3b); // i32x4.gt_s
  simd(0x4e);
  get(w, MAGNITUDES);
  splat(INFINITE);
  simd(0x39); // i32x4.lt_s
  simd(0x4e);
  simd(0x0b).put(2, 0); // v128.store
  get(w, PEAK);
  get(w, MAGNITUDES);
  simd(0xb8); // i32x4.max_s
  set(w, PEAK);
  get(w, AT);
  constant(w, 16).u8(Op.i32Add);
  set(w, AT).u8(Op.br).u32(0).put(Op.end, Op.end);

  get(w, FRAMES);
  constant(w, 3).u8(Op.i32And);
  constant(w, 2).put(I32_SHL, Op.localGet).u32(AT).u8(Op.i32Add);
  set(w, END);
  block(w, Op.block);
  block(w, Op.loop);
  get(w, AT);
  get(w, END).put(Op.i32GeU, Op.brIf).u32(1);
  get(w, AT).put(0x28, 2, 0); // i32.load
  constant(w, MAGNITUDE).u8(Op.i32And).u8(Op.localTee).u32(BITS);
  simd(I32X4_SPLAT);
  get(w, PEAK);
  simd(0xb8);
  set(w, PEAK);
  get(w, BITS);
  constant(w, SMALLEST_NORMAL).u8(Op.i32Sub);
  constant(w, INFINITE - SMALLEST_NORMAL).u8(Op.i32GeU);
  block(w, Op.if);
  get(w, AT);
  constant(w, 0).put(0x36, 2, 0).u8(Op.end); // i32.store
  get(w, AT);
  constant(w, 4).u8(Op.i32Add);
  set(w, AT).u8(Op.br).u32(0).put(Op.end, Op.end);

  // the largest of the four lanes
  for (const lanes of [
    [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7],
    [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11],
  ]) {
    get(w, PEAK);
    get(w, PEAK);
    get(w, PEAK);
    simd(0x0d).put(...lanes); // i8x16.shuffle
    simd(0xb8);
    set(w, PEAK);
  }
  get(w, PEAK);
  simd(0x1b).u8(0);
  return body([I32, I32, V128, V128, V128], w);
}
