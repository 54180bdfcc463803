// A WebAssembly module taken apart, section by section; nothing of it runs. Whatever the sandbox does not
// know is refused here or in vet.ts, so that the rewrite never meets it.

import { BelljarError, printable } from "../../abi/error.ts";
import { Reader } from "./bytes.ts";
import { type Limits, within } from "./limits.ts";

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export const FUNCREF = 0x70;
export const EXTERNREF = 0x6f;

/** What an import or export names. */
export enum Kind {
  Function = 0,
  Table = 1,
  Memory = 2,
  Global = 3,
  Tag = 4,
}

export interface FunctionType {
  params: number[];
  results: number[];
}

export interface Import {
  module: string;
  name: string;
  kind: Kind;
  /** Of a function: index of its type. */
  type: number;
}

export interface Global {
  type: number;
  mutable: boolean;
  /** Its initialiser as it stands, end included. */
  init: Uint8Array;
}

export interface Export {
  name: string;
  kind: Kind;
  index: number;
}

export interface ElementSegment {
  table: number;
  offset: number;
  /** Function indices; -1 is a null entry. */
  functions: number[];
}

export interface DataSegment {
  /** Address where it is copied at the start, or null for a passive one. */
  offset: number | null;
  bytes: Uint8Array;
}

export interface Table {
  minimum: number;
  maximum: number | null;
}

export interface Body {
  /** Types of the declared locals, parameters not among them. */
  locals: Uint8Array;
  /** Where the instructions stand in the module's bytes, the last end included. */
  start: number;
  end: number;
}

export interface Module {
  bytes: Uint8Array;
  types: FunctionType[];
  imports: Import[];
  /** How many imports are functions: they come first in the index space. */
  importedFunctions: number;
  /** Type of every function, imported ones first. */
  functions: number[];
  tables: Table[];
  memory: { initial: number; maximum: number | null } | null;
  globals: Global[];
  exports: Export[];
  start: number | null;
  elements: ElementSegment[];
  bodies: Body[];
  data: DataSegment[];
  /** Function names of the name section, sanitised. */
  names: Map<number, string>;
}

export function refuse(code: string, sentence: string, hint = ""): never {
  throw new BelljarError(`module/${code}`, sentence, hint);
}

const SECTION_ORDER = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11];
const SECTIONS =
  "custom type import function table memory global export start element code data data-count tag".split(" ");

/** Takes `bytes` apart. Throws BelljarError module/… for what is malformed, unknown or over a limit. */
export function parseModule(bytes: Uint8Array, limits: Limits): Module {
  if (bytes.length === 0) refuse("not-wasm", "The file is empty.");
  within(limits, "moduleBytes", bytes.length, "bytes");
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (magic.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    refuse("not-wasm", "This is not a WebAssembly module: its first bytes are not \\0asm.");
  }
  const reader = new Reader(bytes);
  reader.skip(4);
  const version = reader.u8() | (reader.u8() << 8);
  const layer = reader.u8() | (reader.u8() << 8);
  if (layer === 1) refuse("component", "This is a WebAssembly component; Belljar loads core modules.");
  if (version !== 1 || layer !== 0)
    refuse("version", `WebAssembly version ${version} is unknown; Belljar knows version 1.`);

  const module: Module = {
    bytes,
    types: [],
    imports: [],
    importedFunctions: 0,
    functions: [],
    tables: [],
    memory: null,
    globals: [],
    exports: [],
    start: null,
    elements: [],
    bodies: [],
    data: [],
    names: new Map(),
  };
  let last = 0;
  let dataCount = -1;
  let customs = 0;
  while (!reader.done) {
    const id = reader.u8();
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    const section = new Reader(bytes, start, start + size);
    if (id === 0) {
      within(limits, "customSections", ++customs, "custom sections");
      if (section.name() === "name") readNames(section, module.names, limits.functions);
      continue;
    }
    if (id === 13) refuse("exceptions", "The module declares exceptions, which the sandbox does not run.");
    const place = SECTION_ORDER[id];
    if (place === undefined || id > 12) section.fail(`section ${id} is unknown`);
    if (place <= last) section.fail(`the ${SECTIONS[id]} section is out of order`);
    last = place;
    if (id === 12) dataCount = section.u32();
    else readSection(id, section, module, limits);
    if (!section.done) section.fail(`the ${SECTIONS[id]} section has bytes left over`);
  }
  if (module.bodies.length !== module.functions.length - module.importedFunctions) {
    reader.fail("it declares another number of functions than it has bodies");
  }
  if (dataCount >= 0 && dataCount !== module.data.length) reader.fail("the data count is wrong");
  return module;
}

function readSection(id: number, r: Reader, m: Module, limits: Limits): void {
  switch (id) {
    case 1: {
      const count = r.count(3);
      within(limits, "types", count, "types");
      for (let n = count; n > 0; n--) m.types.push(readType(r, limits));
      break;
    }
    case 2:
      for (let n = r.count(4); n > 0; n--) readImport(r, m, limits);
      break;
    case 3: {
      const count = r.count();
      within(limits, "functions", count, "functions");
      for (let n = count; n > 0; n--) m.functions.push(typeIndex(r, m));
      break;
    }
    case 4: {
      const count = r.count(3);
      within(limits, "tables", count, "tables");
      for (let n = count; n > 0; n--) m.tables.push(readTable(r));
      const entries = m.tables.reduce((sum, table) => sum + table.minimum, 0);
      within(limits, "tableEntries", entries, "table entries");
      break;
    }
    case 5: {
      const count = r.count(2);
      if (count > 1) refuse("memories", "The module has several memories; a plugin has one.");
      if (count === 1) m.memory = readMemory(r, limits);
      break;
    }
    case 6: {
      const count = r.count(4);
      within(limits, "globals", count, "globals");
      for (let n = count; n > 0; n--) m.globals.push(readGlobal(r));
      break;
    }
    case 7: {
      const count = r.count(3);
      within(limits, "exports", count, "exports");
      const names = new Set<string>();
      for (let n = count; n > 0; n--) m.exports.push(readExport(r, names));
      break;
    }
    case 8:
      m.start = r.u32();
      if (m.start >= m.functions.length) r.fail("the start function does not exist");
      break;
    case 9: {
      const count = r.count(2);
      within(limits, "elementSegments", count, "element segments");
      let entries = 0;
      for (let n = count; n > 0; n--) {
        const segment = readElements(r, m);
        entries += segment.functions.length;
        within(limits, "tableEntries", entries, "table entries");
        m.elements.push(segment);
      }
      break;
    }
    case 10: {
      const count = r.count(2);
      if (count !== m.functions.length - m.importedFunctions) {
        r.fail("it declares another number of functions than it has bodies");
      }
      let locals = 0;
      for (let i = 0; i < count; i++) {
        const body = readBody(r, m, i, limits);
        const type = m.types[m.functions[m.importedFunctions + i] as number] as FunctionType;
        locals += type.params.length + body.locals.length;
        within(limits, "totalLocals", locals, "parameters and locals in all");
        m.bodies.push(body);
      }
      break;
    }
    case 11: {
      const count = r.count();
      within(limits, "dataSegments", count, "data segments");
      for (let n = count; n > 0; n--) m.data.push(readData(r));
      break;
    }
  }
}

function valueType(r: Reader): number {
  const type = r.u8();
  if (type === FUNCREF || type === EXTERNREF) return type;
  if (type < V128 || type > I32) r.fail(`value type 0x${type.toString(16)} is unknown`);
  return type;
}

function readType(r: Reader, limits: Limits): FunctionType {
  const form = r.u8();
  if (form !== 0x60) refuse("types", `The module has a type of the unknown form 0x${form.toString(16)}.`);
  const list = (what: "parameters" | "results"): number[] => {
    const count = r.count();
    within(limits, what, count, `${what} of one function`);
    return Array.from({ length: count }, () => valueType(r));
  };
  const params = list("parameters");
  return { params, results: list("results") };
}

function typeIndex(r: Reader, m: Module): number {
  const index = r.u32();
  if (index >= m.types.length) r.fail(`type ${index} does not exist`);
  return index;
}

function readImport(r: Reader, m: Module, limits: Limits): void {
  const at = r.at;
  const module = r.name();
  const name = r.name();
  const kind = r.u8();
  const full = printable(`${module}.${name}`);
  if (kind !== Kind.Function) {
    const what = ["function", "table", "memory", "global", "tag"][kind];
    if (what === undefined) r.fail("an import's kind is unknown");
    refuse(
      "import",
      `The module imports the ${what} "${full}" (byte ${at}); a plugin imports functions of "belljar" alone.`,
      kind === Kind.Memory ? "Build it with a memory of its own." : "",
    );
  }
  m.imports.push({ module, name, kind, type: typeIndex(r, m) });
  m.functions.push(m.imports[m.imports.length - 1]?.type as number);
  m.importedFunctions++;
  within(limits, "imports", m.imports.length, "imports");
}

function bounds(r: Reader, flags: number): { minimum: number; maximum: number | null } {
  const minimum = r.u32();
  return { minimum, maximum: flags & 1 ? r.u32() : null };
}

function readTable(r: Reader): Table {
  const type = r.u8();
  if (type !== FUNCREF) refuse("tables", "The module has a table of something other than functions.");
  const flags = r.u8();
  if (flags > 1) refuse("tables", "The module has a table of an unknown kind.");
  return bounds(r, flags);
}

function readMemory(r: Reader, limits: Limits): { initial: number; maximum: number | null } {
  const flags = r.u8();
  if (flags & 2) refuse("threads", "The module's memory is shared.", "Build it without threads.");
  if (flags > 1) refuse("memories", "The module's memory is of a kind that the sandbox does not know.");
  const { minimum, maximum } = bounds(r, flags);
  if (minimum > 65_536 || (maximum !== null && (maximum > 65_536 || maximum < minimum)))
    r.fail("the memory's size is wrong");
  within(limits, "memoryPages", minimum, "pages of memory at its start");
  return { initial: minimum, maximum };
}

/** A constant expression: one constant and end. */
function constant(r: Reader): { bytes: Uint8Array; i32: number | null; reference: number | null } {
  const start = r.at;
  const op = r.u8();
  let i32: number | null = null;
  let reference: number | null = null;
  if (op === 0x41) i32 = r.s32();
  else if (op === 0x42) r.skipS64();
  else if (op === 0x43) r.skip(4);
  else if (op === 0x44) r.skip(8);
  else if (op === 0xfd) {
    if (r.u32() !== 12)
      refuse("initialiser", "The module starts a global with an expression that is no constant.");
    r.skip(16);
  } else if (op === 0xd2) reference = r.u32();
  else if (op === 0xd0) {
    reference = -1;
    r.s33();
  } else
    refuse(
      "initialiser",
      "The module starts a global or places a segment with an expression that is no constant.",
    );
  if (r.u8() !== 0x0b) {
    refuse(
      "initialiser",
      "The module starts a global or places a segment with an expression that is no constant.",
    );
  }
  return { bytes: r.bytes.subarray(start, r.at), i32, reference };
}

function readGlobal(r: Reader): Global {
  const type = valueType(r);
  const mutable = r.u8();
  if (mutable > 1) r.fail("a global is neither constant nor mutable");
  if (type === FUNCREF || type === EXTERNREF)
    refuse("references", "The module has a global that holds a reference.");
  return { type, mutable: mutable === 1, init: constant(r).bytes };
}

function readExport(r: Reader, names: Set<string>): Export {
  const name = r.name();
  if (names.has(name)) r.fail(`it exports "${printable(name)}" twice`);
  names.add(name);
  const kind = r.u8();
  if (kind === Kind.Tag)
    refuse("exceptions", "The module exports an exception, which the sandbox does not run.");
  if (kind > Kind.Tag) r.fail("an export's kind is unknown");
  return { name, kind, index: r.u32() };
}

function readElements(r: Reader, m: Module): ElementSegment {
  const flags = r.u32();
  if (flags > 7) r.fail("an element segment's kind is unknown");
  if (flags & 1) refuse("elements", "The module has an element segment that is not placed at the start.");
  const table = flags & 2 ? r.u32() : 0;
  if (table >= m.tables.length) r.fail(`table ${table} does not exist`);
  const offset = constant(r).i32;
  if (offset === null) r.fail("an element segment's offset is no i32 constant");
  if (flags & 2) {
    const kind = r.u8();
    if (kind !== (flags & 4 ? FUNCREF : 0))
      refuse("elements", "The module has an element segment of something other than functions.");
  }
  const functions: number[] = [];
  for (let n = r.count(); n > 0; n--) {
    const index = flags & 4 ? constant(r).reference : r.u32();
    if (index === null || index >= m.functions.length)
      r.fail("an element segment names a function that does not exist");
    functions.push(index);
  }
  return { table, offset: offset >>> 0, functions };
}

function readBody(r: Reader, m: Module, index: number, limits: Limits): Body {
  const size = r.u32();
  within(limits, "bodyBytes", size, `bytes in function ${m.importedFunctions + index}`);
  const end = r.at + size;
  if (end > r.end) r.fail("a function goes beyond its section");
  const body = new Reader(r.bytes, r.at, end);
  r.skip(size);
  const groups: [number, number][] = [];
  let total = 0;
  for (let n = body.count(2); n > 0; n--) {
    const count = body.u32();
    total += count;
    within(limits, "locals", total, `locals in function ${m.importedFunctions + index}`);
    const type = valueType(body);
    if (type === FUNCREF || type === EXTERNREF)
      refuse("references", "The module has a local that holds a reference.");
    groups.push([count, type]);
  }
  const locals = new Uint8Array(total);
  let next = 0;
  for (const [count, type] of groups) {
    locals.fill(type, next, next + count);
    next += count;
  }
  return { locals, start: body.at, end };
}

function readData(r: Reader): DataSegment {
  const flags = r.u32();
  if (flags > 2) r.fail("a data segment's kind is unknown");
  if (flags === 2 && r.u32() !== 0) r.fail("a data segment names a memory that does not exist");
  let offset: number | null = null;
  if (flags !== 1) {
    offset = constant(r).i32;
    if (offset === null) r.fail("a data segment's offset is no i32 constant");
    offset >>>= 0;
  }
  return { offset, bytes: r.take(r.u32()) };
}

/** Function names; a malformed name section is ignored, as every engine does. */
function readNames(r: Reader, names: Map<number, string>, most: number): void {
  try {
    while (!r.done) {
      const id = r.u8();
      const size = r.u32();
      const part = new Reader(r.bytes, r.at, r.at + size);
      r.skip(size);
      if (id !== 1) continue;
      for (let n = part.count(2); n > 0; n--) {
        const index = part.u32();
        const name = part.name();
        if (index < most) names.set(index, printable(name, 120));
      }
    }
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    names.clear();
  }
}
