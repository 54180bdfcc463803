// One function's body as a list of instructions, with what vetting and metering need to know of it:
// where blocks end, what is dead, how high the operand stack gets, what is called.

import { Reader } from "./bytes.ts";
import { FUNCREF, EXTERNREF, type FunctionType, type Module, refuse } from "./module.ts";
import { Immediate, Op, OPCODES, prefixed, refusal } from "./opcodes.ts";
import { type Limits, within } from "./limits.ts";

export const VOID_BLOCK = -64;

/** Parallel arrays, one entry an instruction. */
export interface Code {
  /** Opcode (see opcodes.ts). */
  op: number[];
  /** Where it stands in the module's bytes. */
  at: number[];
  end: number[];
  /** Its first immediate: label, function, type, local or global index, i32 value, or block type. */
  a: number[];
  /** Of block, loop, if and else: the instruction that ends it (for an if: its else, where it has one). Else -1. */
  partner: number[];
  /** True where control never gets. */
  dead: boolean[];
  /** Units of one pass: of the function at index 0, of each loop at its own index; loops inside do not count. */
  regionWeight: Map<number, number>;
  /** Types of parameters, then of declared locals. */
  locals: number[];
  maximumHeight: number;
  /** Bytes that all values take which its instructions compute, were they kept at once. */
  valueBytes: number;
  /** Most parameters and results of one call in it. */
  callValues: number;
  /** Functions called by name, and types called through a table. */
  callees: Set<number>;
  indirectTypes: Set<number>;
  hasLoop: boolean;
  features: Set<string>;
  /** Data segments that memory.init reads, and those that data.drop drops. */
  initSegments: Set<number>;
  droppedSegments: Set<number>;
}

interface Frame {
  index: number;
  op: number;
  height: number;
  params: number;
  results: number;
  /** Whether control reaches the block's start. */
  live: boolean;
  /** Branches to it. */
  ways: number;
}

/** Merges that a loop counts for. An engine makes room for one value more in each local with each way back to its start. */
const loopMerges = (ways: number): number => Math.max(1, Math.ceil(ways ** 2 / 64));

/** Instructions whose result is kept already, or never: constants are made again. */
const KEEPS_NOTHING: ReadonlySet<number> = new Set([
  Op.localGet,
  Op.localTee,
  Op.i32Const,
  Op.i64Const,
  Op.f32Const,
  Op.f64Const,
]);

/** The parameters and results of a block type as decoded by Reader.s33. */
export function blockType(module: Module, type: number): FunctionType {
  if (type === VOID_BLOCK) return { params: [], results: [] };
  if (type < 0) return { params: [], results: [type + 128] };
  return module.types[type] as FunctionType;
}

/** Decodes body `index` (counted without imports). Throws BelljarError for unknown instructions and exceeded limits. */
export function decodeBody(module: Module, index: number, limits: Limits): Code {
  const body = module.bodies[index] as Module["bodies"][number];
  const functionIndex = module.importedFunctions + index;
  const type = module.types[module.functions[functionIndex] as number] as FunctionType;
  const r = new Reader(module.bytes, body.start, body.end);
  const code: Code = {
    op: [],
    at: [],
    end: [],
    a: [],
    partner: [],
    dead: [],
    regionWeight: new Map(),
    locals: [...type.params, ...body.locals],
    maximumHeight: 0,
    valueBytes: 0,
    callValues: 0,
    callees: new Set(),
    indirectTypes: new Set(),
    hasLoop: false,
    features: new Set(),
    initSegments: new Set(),
    droppedSegments: new Set(),
  };
  within(limits, "locals", code.locals.length, `parameters and locals in function ${functionIndex}`);
  if (type.results.length > 1) code.features.add("multi-value");

  const frames: Frame[] = [
    { index: -1, op: Op.block, height: 0, params: 0, results: type.results.length, live: true, ways: 0 },
  ];
  const regions: { index: number; weight: number }[] = [{ index: -1, weight: 0 }];
  let height = 0;
  let live = true;
  let merges = 0;
  let loopDepth = 0;
  let targets = 0;
  const toLabel = (label: number): void => {
    if (label >= frames.length) r.fail("a branch goes out of its function");
    (frames[frames.length - 1 - label] as Frame).ways++;
  };

  while (frames.length > 0) {
    const at = r.at;
    const first = r.u8();
    const opcode =
      first === 0xfc || first === 0xfd || first === 0xfe || first === 0xfb ? prefixed(first, r.u32()) : first;
    const known = OPCODES.get(opcode);
    if (known === undefined) {
      refuse(
        "instruction",
        `The module is refused: ${refusal(opcode)} (function ${functionIndex}, byte ${at}).`,
      );
    }
    if (known.feature !== "") code.features.add(known.feature);
    const instruction = code.op.length;
    let a = 0;
    let pops = known.pops;
    let pushes = known.pushes;
    switch (known.immediate) {
      case Immediate.None:
        break;
      case Immediate.Block: {
        a = r.s33();
        if (a >= 0 ? a >= module.types.length : a !== VOID_BLOCK && (a < -5 || a > -1)) {
          if (a + 128 === FUNCREF || a + 128 === EXTERNREF)
            refuse("references", "The module has a block that gives a reference.");
          r.fail("a block's type is unknown");
        }
        if (a >= 0) {
          code.features.add("multi-value");
          const { params } = blockType(module, a);
          within(limits, "results", params.length, `values into one block in function ${functionIndex}`);
        }
        break;
      }
      case Immediate.Label:
        a = r.u32();
        toLabel(a);
        break;
      case Immediate.LabelTable: {
        const count = r.count();
        targets += count + 1;
        within(limits, "branchTargets", targets, `branch targets in function ${functionIndex}`);
        for (let i = 0; i <= count; i++) toLabel(r.u32());
        break;
      }
      case Immediate.Function: {
        a = r.u32();
        if (a >= module.functions.length) r.fail(`function ${a} does not exist`);
        const callee = module.types[module.functions[a] as number] as FunctionType;
        pops = callee.params.length;
        pushes = callee.results.length;
        if (live) code.callees.add(a);
        break;
      }
      case Immediate.IndirectCall: {
        a = r.u32();
        if (a >= module.types.length) r.fail(`type ${a} does not exist`);
        if (r.u32() >= module.tables.length) r.fail("a call goes through a table that does not exist");
        const callee = module.types[a] as FunctionType;
        pops = callee.params.length + 1;
        pushes = callee.results.length;
        if (live) code.indirectTypes.add(a);
        break;
      }
      case Immediate.Local:
        a = r.u32();
        if (a >= code.locals.length) r.fail(`local ${a} does not exist`);
        break;
      case Immediate.Global:
        a = r.u32();
        if (a >= module.globals.length) r.fail(`global ${a} does not exist`);
        break;
      case Immediate.SelectTypes:
        if (r.u32() !== 1) r.fail("a select has another number of types than one");
        {
          const chosen = r.u8();
          if (chosen === FUNCREF || chosen === EXTERNREF)
            refuse("references", "The module selects between references.");
        }
        break;
      case Immediate.Memory:
        memoryArgument(r);
        break;
      case Immediate.MemoryLane:
        memoryArgument(r);
        r.u8();
        break;
      case Immediate.MemoryIndex:
        if (r.u8() !== 0) r.fail("an instruction names a memory that does not exist");
        break;
      case Immediate.MemoryPair:
        if (r.u8() !== 0 || r.u8() !== 0) r.fail("an instruction names a memory that does not exist");
        break;
      case Immediate.Data:
      case Immediate.DataAndMemory:
        a = r.u32();
        if (a >= module.data.length) r.fail(`data segment ${a} does not exist`);
        if (known.immediate === Immediate.Data) {
          code.droppedSegments.add(a);
          break;
        }
        if (r.u8() !== 0) r.fail("an instruction names a memory that does not exist");
        code.initSegments.add(a);
        break;
      case Immediate.I32:
        a = r.s32();
        break;
      case Immediate.I64:
        r.skipS64();
        break;
      case Immediate.F32:
        r.skip(4);
        break;
      case Immediate.F64:
        r.skip(8);
        break;
      case Immediate.V128:
      case Immediate.Lanes16:
        r.skip(16);
        break;
      case Immediate.Lane:
        r.u8();
        break;
    }
    code.op.push(opcode);
    code.at.push(at);
    code.end.push(r.at);
    code.a.push(a);
    code.partner.push(-1);
    code.dead.push(!live && opcode !== Op.end && opcode !== Op.else);
    const region = regions[regions.length - 1] as { index: number; weight: number };
    if (live) region.weight += known.weight;
    if (live && pushes > 0 && !KEEPS_NOTHING.has(opcode)) {
      const size = known.feature === "simd" ? 16 : 8;
      // What an instruction takes may be kept in place of what it gives.
      code.valueBytes += size * Math.max(pushes, pops - 1);
    }
    if (live && pops + pushes > code.callValues) code.callValues = pops + pushes;

    switch (opcode) {
      case Op.block:
      case Op.loop:
      case Op.if: {
        const { params, results } = blockType(module, a);
        if (opcode === Op.if) height--;
        frames.push({
          index: instruction,
          op: opcode,
          height: height - params.length,
          params: params.length,
          results: results.length,
          live,
          ways: 0,
        });
        within(limits, "nesting", frames.length - 1, `nested blocks in function ${functionIndex}`);
        if (opcode === Op.loop) {
          loopDepth++;
          code.hasLoop = true;
          within(limits, "loopNesting", loopDepth, `nested loops in function ${functionIndex}`);
          regions.push({ index: instruction, weight: known.weight });
        }
        break;
      }
      case Op.else: {
        const frame = frames[frames.length - 1] as Frame;
        if (frame.op !== Op.if) r.fail("an else has no if");
        code.partner[frame.index] = instruction;
        frame.op = Op.else;
        frame.index = instruction;
        height = frame.height + frame.params;
        live = frame.live;
        code.dead[instruction] = !live;
        merges++;
        break;
      }
      case Op.end: {
        const frame = frames.pop() as Frame;
        if (frame.index >= 0) code.partner[frame.index] = instruction;
        height = frame.height + frame.results;
        live = frame.live;
        code.dead[instruction] = !live;
        if (frame.op === Op.loop) {
          loopDepth--;
          merges += loopMerges(frame.ways);
          const done = regions.pop() as { index: number; weight: number };
          code.regionWeight.set(done.index, done.weight);
        } else merges++;
        break;
      }
      case Op.br:
      case Op.brTable:
      case Op.return:
      case Op.unreachable:
        live = false;
        break;
      case Op.brIf:
        height--;
        break;
      default:
        if (live) height += pushes - pops;
    }
    if (height > code.maximumHeight) code.maximumHeight = height;
  }
  if (!r.done) r.fail("a function has bytes after its end");
  within(
    limits,
    "localMerges",
    // The count of units is in a local, too.
    (code.locals.length + 1) * merges,
    `locals times loops and merges in function ${functionIndex}`,
  );
  code.regionWeight.set(-1, (regions[0] as { weight: number }).weight);
  return code;
}

function memoryArgument(r: Reader): void {
  if (r.u32() >= 32) r.fail("an instruction's alignment is unknown or names a memory");
  r.u32();
}
