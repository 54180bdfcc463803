// The table of the sandbox's limits: what each bounds, its default, and why it is that. Defaults are generous for real
// plugins and small enough that a module at every limit at once still compiles, loads and plays in bounded time and
// memory. docs/limits.md is this table.

import { MESSAGE_MAX_BYTES, RESULT_EVENTS_MASK } from "../../abi/layout.ts";

/** One limit, for people. */
export interface LimitFacts {
  readonly default: number;
  /** What the number counts. */
  readonly unit: string;
  /** What is held to it, and why the default is what it is. */
  readonly of: string;
  readonly why: string;
  /** The least and the most that it can be set to. */
  readonly least: number;
  readonly most: number;
}

const limit = (
  value: number,
  unit: string,
  [least, most]: [least: number, most: number],
  of: string,
  why: string,
): LimitFacts => ({ default: value, unit, of, why, least, most });

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
/** What V8 takes, where it has a bound of its own. */
const V8_FUNCTIONS = 1_000_000;
const V8_NAMES = 1_000_000;
const V8_BODY = 7_654_321;
const V8_LOCALS = 50_000;
const V8_PARAMETERS = 1_000;
const V8_TABLE = 10_000_000;

/** Every limit, in the order in which a plugin meets them. */
// biome-ignore format: a table, two lines a limit
export const LIMITS = {
  // The module, before anything of it runs.
  moduleBytes: limit(4 * MIB, "bytes", [8, GIB],
    "a module", "the built-in plugins have 23 to 34 KB; all of it is read, rewritten and compiled"),
  customSections: limit(256, "sections", [0, V8_NAMES],
    "a module's custom sections", "compilers write a few; an empty one has three bytes, so that 4 MiB would hold a million"),
  types: limit(4_096, "types", [1, V8_FUNCTIONS],
    "a module's types", "the built-in plugins have about 20"),
  parameters: limit(256, "values", [1, V8_PARAMETERS],
    "the parameters of one function", "no compiler makes so many; each call moves them all"),
  results: limit(16, "values", [1, V8_PARAMETERS],
    "the results of one function, and what one block takes or gives", "a branch moves them all for one unit; with 256 vectors that go round a loop, three units took up to 0.5 µs"),
  imports: limit(64, "imports", [0, 100_000],
    "a module's imports", "there are five functions to import"),
  functions: limit(20_000, "functions", [1, V8_FUNCTIONS],
    "a module's functions", "the built-in plugins have about 70"),
  tables: limit(64, "tables", [0, 100_000],
    "a module's tables", "compilers make one"),
  tableEntries: limit(16_384, "entries", [0, V8_TABLE],
    "all tables of a module", "one for each function that is called by a pointer"),
  globals: limit(4_096, "globals", [0, V8_NAMES],
    "a module's globals", "each is read and written when an instance moves to another thread"),
  exports: limit(4_096, "exports", [1, V8_NAMES],
    "a module's exports", "the contract has 16; each instance gets a JavaScript function for each"),
  elementSegments: limit(1_024, "segments", [0, V8_TABLE],
    "a module's element segments", "compilers make one a table"),
  dataSegments: limit(4_096, "segments", [0, 100_000],
    "a module's data segments", "AssemblyScript makes one a constant string or array"),
  bodyBytes: limit(64 * KIB, "bytes", [2, V8_BODY],
    "one function's body", "the built-in plugins' largest has 1.7 KB; V8's time grows faster than the size"),
  locals: limit(1_024, "locals", [1, V8_LOCALS],
    "one function's parameters and locals", "the built-in plugins have up to 28; each is kept alive at every merge"),
  totalLocals: limit(500_000, "locals", [1, 1e9],
    "the parameters and locals of all functions", "a declaration of 1,024 takes four bytes, so that 80 KB would hold millions"),
  nesting: limit(256, "blocks", [1, 10_000],
    "blocks inside blocks", "a switch nests a block for each of its cases"),
  loopNesting: limit(32, "loops", [1, 10_000],
    "loops inside loops", "an optimising compiler analyses each level again"),
  localMerges: limit(50_000, "products", [1, 1e9],
    "locals times loops and merges of one function; a loop of many ways back to its start counts for the square of them, through 64", "so many values V8 has to bring together; a bomb of 1,000 times 900 took it a minute, 15,000 ways back in 60 KB seven seconds"),
  branchTargets: limit(1_024, "targets", [1, 65_520],
    "the `br_table` targets of one function", "a switch over all values of a byte has 256"),
  stackBytes: limit(256 * KIB, "bytes", [4 * KIB, 512 * KIB],
    "the stack that a chain of calls may take, by our own count", "V8's own stack, of about 1 MB, must never be what ends: where it does depends on its compiler; real plugins take 10 KB"),
  rewrittenBytes: limit(8 * MIB, "bytes", [KIB, GIB],
    "a module after the rewrite", "the meter adds 15 to 50 % to real modules, and can be made to multiply one by 12"),
  compileSeconds: limit(20, "seconds", [0.01, 3_600],
    "processor time of the compilation", "at most; a small module gets less: 0.5 s and 5 ms for each KiB after the rewrite, where real DSP takes 1 ms"),
  compileMemory: limit(300 * MIB, "bytes", [MIB, 64 * GIB],
    "memory of the compilation", "bombs take gigabytes"),

  // What the plugin says of itself.
  descriptorBytes: limit(256 * KIB, "bytes", [1, GIB],
    "a descriptor", "a documented port takes 200 bytes"),
  descriptorDepth: limit(16, "levels", [1, 1_000],
    "arrays and maps inside each other in a descriptor", "the contract has five levels"),
  descriptorValues: limit(65_536, "values", [1, 1e9],
    "all values in a descriptor", "what decoding it takes in memory"),
  stringBytes: limit(8_192, "bytes", [1, GIB],
    "one string of a descriptor, and the sentence of `bj_error`", "the longest text of the contract has 4,000 characters"),
  ports: limit(512, "ports", [0, 65_535],
    "a plugin's ports", "each costs time in every block"),
  configParams: limit(128, "parameters", [0, 65_535],
    "a plugin's config parameters", "a panel shows them all"),
  choices: limit(1_024, "choices", [1, 1_000_000],
    "the choices of one port or config parameter", "a menu shows them all"),
  presets: limit(1_024, "presets", [0, 1_000_000],
    "a plugin's presets", "a menu shows them all"),

  // An instance.
  totalMemory: limit(4 * GIB, "bytes", [MIB, 2 ** 50],
    "the memory of all living instances, message queues included", "what a music computer has to spare; an instance takes 0.6 to 64.5 MiB"),
  memoryPages: limit(1_024, "pages of 64 KiB", [1, 65_536],
    "one instance's memory", "64 MiB: a soundfont of 30 MB, decoded; `memory.grow` gives -1 beyond it"),
  controlUnits: limit(4_000_000_000, "units", [32_768, 1e15],
    "the work of one [control] call, and of the start function", "a second or more: enough to decode a soundfont"),
  controlSeconds: limit(10, "seconds", [0.01, 3_600],
    "the time of one [control] call", "for machines, and plugins, on which so many units take longer"),
  blockUnits: limit(20_000_000, "units", [32_768, 1e15],
    "the work of one [audio] call with blocks of up to 1,024 frames; longer ones get more in proportion", "several milliseconds of tight code; a plugin that needs more is no use in real time"),
  latency: limit(1 << 20, "frames", [0, 1 << 24],
    "a plugin's latency", "22 s at 48 kHz; all other paths are held back by as much, at 8 bytes a frame and wire"),
  events: limit(4_096, "events", [1, RESULT_EVENTS_MASK],
    "what one instance takes in one block, and what it sends", "the host looks at each, in 7 ns, while nobody watches its clock; what is beyond is dropped and counted"),
  eventFanOut: limit(16_384, "events", [1, 1e9],
    "events that one node sends in a block, times the wires that take them", "each copy costs 10 ns; what is beyond is dropped at the sender and counted"),

  // What passes between plugin and host.
  configBytes: limit(64 * KIB, "bytes", [1, GIB],
    "the value of a config parameter", "a session may come from a stranger, too"),
  fileBytes: limit(512 * MIB, "bytes", [0, 2 ** 31],
    "a file that is given to a plugin", "it is read into memory whole"),
  stateBytes: limit(16 * MIB, "bytes", [0, 4 * GIB],
    "a plugin's state, saved or loaded", "sessions carry it"),
  graphBytes: limit(MIB, "bytes", [2, GIB],
    "the data of a graph editor", "panels parse it; a curve of 10,000 points has about 300 KB"),
  messageBytes: limit(MESSAGE_MAX_BYTES, "bytes", [64, MESSAGE_MAX_BYTES],
    "one message or log line", "the contract's bound; a longer log line is cut, other messages are refused"),
  messages: limit(1_000, "messages", [0, 1e9],
    "messages and requests of one instance in a second of sound, or in one [control] call", "two a block of 128 frames; beyond them the plugin is told that the host is busy"),
  logLines: limit(100, "lines", [0, 1e9],
    "log lines of one instance in a second of sound, or in one [control] call", "nobody reads more; what is beyond is dropped and counted"),
} satisfies Record<string, LimitFacts>;
