// For every check a plugin that does not pass it: the model with one thing spoiled. What else each of them fails is in also.ts.

import type { Word } from "../../runtime/validate/verdict.ts";
import type { Variation } from "./model.ts";

export interface Fixture extends Variation {
  check: string;
  /** What is wrong with it. */
  what: string;
  /** What the check says; "failed" unless told. */
  word?: Word;
  /** The checks that are run; all unless told. */
  only?: RegExp;
}

const POLL = '@external("belljar", "host_poll_event") declare function poll(at: usize, room: i32): i32;';
const LOG =
  '@external("belljar", "host_log") declare function log(level: i32, at: usize, length: i32): void;';
const ECHO = "if (abs(dry) > 1e-6) counted = 2000; else if (counted > 0) { counted -= 0.5; wet += 0.01; }";

const moduleFixtures: Fixture[] = [
  {
    check: "module/imports",
    what: "imports what it never calls",
    word: "warning",
    imports: ["host_poll_event"],
  },
  {
    check: "module/exports",
    what: "misspells bj_reset",
    word: "warning",
    at: { functions: "export function bj_rest(): void {}" },
  },
  { check: "module/names", what: "has no names", word: "warning", names: false },
  // each of its instances takes a while
  {
    check: "module/memory",
    what: "begins with 300 pages",
    word: "warning",
    pages: 300,
    only: /^(module|descriptor|lifecycle)/,
  },
];

const descriptorFixtures: Fixture[] = [
  {
    check: "descriptor/stable",
    what: "describes itself differently the fourth time",
    at: { descriptor: "if (++counter == 4) return answer(LARGER, LARGER_LENGTH);" },
  },
  {
    check: "descriptor/main-port",
    what: "has its sidechain in front",
    ports: { side: null },
    before: [{ id: "side", display_name: "Side", type: "audio_mono", role: "sidechain" }],
    instead: {
      "  if (P_IN >= 0) buffer(audio++, INPUT, 2);\n  if (P_SIDE >= 0) buffer(audio++, SIDE, 1);\n":
        "  buffer(audio++, SIDE, 1);\n  buffer(audio++, INPUT, 2);\n",
    },
  },
  {
    check: "descriptor/outcome",
    what: "has no output",
    word: "warning",
    ports: { audio_out: null, events_out: null, level: null },
    descriptor: { category: "Output" },
  },
  { check: "descriptor/about", what: "does not say what it does", word: "warning", descriptor: { doc: "" } },
  {
    check: "descriptor/category",
    what: "is an EventEffect that sends no events",
    word: "warning",
    ports: { events_out: null },
    descriptor: { category: "EventEffect" },
  },
  {
    check: "descriptor/display-names",
    what: "has two controls of one name",
    word: "warning",
    ports: { mode: { display_name: "Gain" } },
  },
  {
    check: "descriptor/promises",
    what: "has a tail that the descriptor does not promise",
    word: "warning",
    at: { layout: "store<u32>(LAYOUT, 480, 60);" },
  },
  {
    check: "descriptor/functions",
    what: "loads states that it can't save",
    without: ["bj_state_save"],
  },
  {
    check: "descriptor/steps",
    what: "starts between two steps",
    ports: { gain: { step: 0.5, default: 0.75 } },
  },
  {
    check: "descriptor/configured",
    what: "makes a meter something else when it is configured",
    larger: { level: { hint: "continuous" } },
  },
  {
    check: "descriptor/template",
    what: "gives no more inputs than it had",
    at: { configure: "if (index == C_INPUTS) return 0;" },
  },
  {
    check: "descriptor/cost",
    what: "takes long to describe itself",
    word: "warning",
    at: { descriptor: "for (let i = 0; i < 3000000; i++) store<i32>(SCRATCH, i);" },
  },
];

const lifecycleFixtures: Fixture[] = [
  {
    check: "lifecycle/activate",
    what: "refuses blocks of 128 frames",
    at: { activate: "if (frames == 128) return 0;" },
  },
  { check: "lifecycle/says-why", what: "refuses without a word", word: "warning", without: ["bj_error"] },
  {
    check: "lifecycle/reactivate",
    what: "breaks in its seventh activation",
    at: { activate: "if (++counter > 6) unreachable();" },
  },
  {
    check: "lifecycle/reactivate-fresh",
    what: "is softer when it is activated again",
    at: { activate: "if (counter++ > 0) quality = 0.9;" },
  },
  { check: "lifecycle/reset-fresh", what: "is softer after a reset", at: { reset: "quality = 0.9;" } },
  {
    check: "lifecycle/reset-silence",
    what: "forgets no notes in a reset",
    instead: { "bj_reset(): void {\n  silence();": "bj_reset(): void {" },
  },
  {
    check: "lifecycle/reset-anytime",
    what: "breaks when it is reset before its first block",
    at: { block: "counter = 1;", reset: "if (counter == 0) unreachable();" },
  },
  {
    check: "lifecycle/layout-stable",
    what: "has a longer tail each time",
    at: { activate: "tail += 8;" },
  },
  {
    check: "lifecycle/configure",
    what: "refuses one of its choices",
    at: { configure: "if (index == C_QUALITY && length == 6) return -3;" },
  },
  {
    check: "lifecycle/configure-extremes",
    what: "breaks at a long label",
    at: { configure: "if (index == C_LABEL && length > 1000) unreachable();" },
  },
  {
    check: "lifecycle/files",
    what: "breaks at a large file",
    at: { file: "if (size > 100000) unreachable();" },
  },
  { check: "lifecycle/idle", what: "is softer after idling", at: { idle: "quality = 0.5;" } },
  {
    check: "lifecycle/scratch",
    what: "has no room for nothing",
    at: { scratch: "if (length == 0) return 0;" },
  },
];

const processingFixtures: Fixture[] = [
  {
    check: "processing/plays",
    what: "breaks after 40000 frames",
    at: { block: "counted += frames; if (counted > 40000) unreachable();" },
  },
  {
    check: "processing/input-untouched",
    what: "writes to its input",
    at: { done: "store<f32>(SIDE, 0.25);" },
  },
  {
    check: "processing/output-written",
    what: "leaves the last sample of the right channel unwritten in long blocks",
    instead: {
      "if (P_OUT >= 0) store<f32>(OUTPUT + from, wet);":
        "if (P_OUT >= 0 && !(c == 1 && i == 4095)) store<f32>(OUTPUT + from, wet);",
    },
  },
  {
    check: "processing/within-block",
    what: "writes beyond the block",
    at: { done: "store<f32>(OUTPUT + ((<usize>frames + 6) << 2), 0.5);" },
  },
  {
    check: "processing/finite",
    what: "divides by what is left of an impulse",
    at: { sample: "if (dry == 0.5) wet = wet / (dry - 0.5);" },
  },
  {
    check: "processing/subnormal-output",
    what: "lets what is faint become subnormal",
    instead: { "if (abs(wet) < 1e-30) wet = 0;": "if (wet != 0 && abs(wet) < 1e-20) wet = 1e-40;" },
  },
  {
    check: "processing/subnormal-input",
    what: "makes a click of a subnormal number",
    at: { sample: "if (dry != 0 && abs(dry) < 1e-37) wet = 0.5;" },
  },
  {
    check: "processing/silence-flag",
    what: "always says that it is silent",
    at: { done: "store<u32>(AUDIO + O_OUT * 16, 4, 12);" },
  },
  {
    check: "processing/control-outputs",
    what: "leaves its meter alone in silent blocks",
    instead: { "if (P_LEVEL >= 0) store": "if (P_LEVEL >= 0 && any) store" },
  },
  {
    check: "processing/rates",
    what: "does not run at 32 kHz",
    at: { activate: "if (hz == 32000) return 0;" },
  },
  {
    check: "processing/odd-rates",
    what: "breaks at 5512.5 Hz",
    at: { activate: "if (hz == 5512.5) unreachable();" },
  },
  {
    check: "processing/extreme-rates",
    what: "breaks at 10 Hz",
    at: { activate: "if (hz == 10) unreachable();" },
  },
  {
    check: "processing/block-sizes",
    what: "does not take blocks of 441 frames",
    at: { activate: "if (frames == 441) return 0;" },
  },
  {
    check: "processing/random-blocks",
    what: "breaks at blocks that are shorter than the longest",
    at: { block: "if (maxFrames == 512 && frames < 256) unreachable();" },
  },
  {
    check: "processing/split",
    what: "is softer in short blocks",
    at: { block: "quality = frames == 256 ? 1 : 0.99;" },
  },
  {
    check: "processing/input-flags",
    what: "is softer where its input is flagged as silent",
    at: { sample: "if (load<u32>(AUDIO, 12) & 2) wet *= 0.9;" },
  },
  {
    check: "processing/unconnected",
    what: "breaks without a wire",
    at: { block: "if ((load<u32>(AUDIO, 12) & 1) == 0) unreachable();" },
  },
  {
    check: "processing/silence",
    what: "hums",
    word: "warning",
    at: { sample: "wet += 0.001;" },
  },
  { check: "processing/loudness", what: "is 74 dB too loud", at: { sample: "wet *= 5000;" } },
  {
    check: "processing/tail",
    what: "has an echo that its tail does not tell of",
    at: { sample: ECHO, silence: "counted = 0;" },
  },
  {
    check: "processing/latency",
    what: "says a latency that it does not have",
    descriptor: { latency: 100 },
    at: { layout: "store<u32>(LAYOUT, 100, 56);" },
  },
  {
    check: "processing/sleep",
    what: "says that it sleeps while its echo sounds",
    descriptor: { tail: 0.26 },
    at: { sample: ECHO, silence: "counted = 0;", layout: "store<u32>(LAYOUT, <u32>(hz * 0.26), 60);" },
    instead: { "let state = any || sounding > 0 ? 0 : 3;": "let state = 3;" },
  },
  {
    check: "processing/rest",
    what: "rests although its loudness goes up and down with time",
    at: {
      sample: "if (c == 0) counted += 1; if ((<i32>counted >> 9) & 1) wet *= 0.5;",
      silence: "counted = 0;",
    },
  },
];

const eventFixtures: Fixture[] = [
  {
    check: "events/notes",
    what: "hears no notes",
    word: "warning",
    instead: { "if (type < 1 || type > 11) return;": "return;" },
  },
  {
    check: "events/timing",
    what: "hears all events at the start of the block",
    word: "warning",
    instead: { "while (next < events && load<i32>(EVENTS_IN + next * 32) <= i)": "while (next < events)" },
  },
  {
    check: "events/mismatched",
    what: "breaks when a note ends that did not begin",
    at: { event: "if (type == 2 && sounding == 0) unreachable();" },
  },
  {
    check: "events/hanging",
    what: "hears no end where two notes sound",
    at: { event: "if (type == 2 && id < 0 && sounding == 2) return;" },
  },
  {
    check: "events/wildcards",
    what: "takes -1 for a key",
    at: { event: "if (type == 2 && key == -1) return;" },
  },
  {
    check: "events/other-notes",
    what: "does not look at channels",
    word: "warning",
    instead: { "    if (channel >= 0 && channel != load<i32>(voice, 4)) continue;\n": "" },
  },
  {
    check: "events/choke",
    what: "knows no Choke",
    instead: { "  if (type == 3) end(event, frame, channel, key, id);\n": "" },
  },
  {
    check: "events/all-notes-off",
    what: "knows no AllNotesOff",
    instead: { "  if (type == 11) end(event, frame, channel, -1, -1);\n": "" },
  },
  {
    check: "events/soft-notes",
    what: "takes velocity 0 for the end of a note",
    at: { begin: "if (velocity == 0) { end(event, frame, channel, key, -1); return; }" },
  },
  {
    check: "events/storm",
    what: "breaks at the 33rd note",
    at: { begin: "if (sounding == VOICES) unreachable();" },
  },
  {
    check: "events/full-list",
    what: "breaks when its list is full",
    at: { block: "if (events >= EVENTS) unreachable();" },
  },
  {
    check: "events/unknown",
    what: "takes unknown events for something",
    at: { event: "if (type > 15) gain = 0.5;" },
  },
  {
    check: "events/strangers",
    what: "takes every parameter event for its gain",
    instead: {
      "if (port == P_GAIN) gain = <f32>value;": "if (port != P_MODE && port != P_BYPASS) gain = <f32>value;",
    },
  },
  {
    check: "events/all-kinds",
    what: "breaks at controllers above 100",
    at: { event: "if (type == 8 && load<u32>(event, 16) > 100) unreachable();" },
  },
  {
    check: "events/sysex",
    what: "breaks at an empty message",
    at: { event: "if (type == 14 && load<u32>(event, 16) == 0) unreachable();" },
  },
  {
    check: "events/order-out",
    what: "sends events of frames behind the block",
    at: { sent: "if (type == 4) store<u32>(to, maxFrames);" },
  },
  {
    check: "events/legal-out",
    what: "sends a value out of range",
    at: { sent: "if (type == 4) store<f64>(to, 7, 24);" },
  },
  {
    check: "events/note-ids-out",
    what: "makes up note ids",
    at: { sent: "if (type == 4) store<i32>(to, 77777, 8);" },
  },
  {
    check: "events/pairs-out",
    what: "passes on the beginnings of notes alone",
    instead: { "if (type != 4) send(": "if (type != 4 && type != 2) send(" },
  },
  {
    check: "events/note-end",
    what: "never says that a note has ended",
    word: "warning",
    ports: { audio_in: null, side: null },
    config: { inputs: null },
    descriptor: { category: "Synth" },
    at: { over: "return;" },
  },
];

const parameterFixtures: Fixture[] = [
  {
    check: "parameters/text",
    what: "has choices that differ in their case alone",
    ports: { mode: { choices: ["Half", "half"] } },
  },
  {
    check: "parameters/precision",
    what: "shows 0 to 0.05 with two decimals",
    word: "warning",
    ports: { gain: { max: 0.05, default: 0.05, precision: 2 } },
    descriptor: { presets: [] },
  },
  {
    check: "parameters/choices",
    what: "breaks at its second choice",
    at: { block: "if (mode == 1) unreachable();" },
  },
  {
    check: "parameters/untouched",
    what: "writes to its control inputs",
    at: { done: "store<f32>(CONTROLS, 0.75, 12);" },
  },
  {
    check: "parameters/bounds",
    what: "breaks where all parameters are at their greatest",
    at: { block: "if (gain == 2 && mode == 1 && bypass == 1) unreachable();" },
  },
  {
    check: "parameters/random",
    what: "breaks at gains around 0.7",
    at: { block: "if (gain > 0.6 && gain < 0.8) unreachable();" },
  },
  {
    check: "parameters/automation",
    what: "breaks at the 101st parameter event of a block",
    at: { block: "counter = 0;", event: "if (type == 6 && ++counter > 100) unreachable();" },
  },
  {
    check: "parameters/agree",
    what: "hears a quarter of the value in events",
    instead: { "if (port == P_GAIN) gain = <f32>value;": "if (port == P_GAIN) gain = <f32>value * 0.25;" },
  },
  {
    check: "parameters/same-value",
    what: "is softer after an event that changes nothing",
    at: { event: "if (type == 6 && port == P_GAIN && <f32>value == gain) quality = 0.9;" },
  },
  {
    check: "parameters/split",
    what: "hears no parameter events",
    instead: { "if (port == P_GAIN) gain = <f32>value;": "" },
  },
  {
    check: "parameters/begin",
    what: "glides to its first values",
    at: {
      activate: "counted = 1;",
      reset: "counted = load<f32>(CONTROLS, S_GAIN * 4);",
      sample:
        "if (c == 0) counted += (gain - counted) * 0.001; wet = dry * <f32>counted * quality * (mode != 0 ? <f32>0.5 : <f32>1) + notes;",
    },
  },
  {
    check: "parameters/bypass",
    what: "is softer when bypassed",
    instead: { "if (bypass != 0) wet = dry;": "if (bypass != 0) wet = dry * 0.5;" },
  },
  {
    check: "parameters/out-of-range",
    what: "breaks beyond its bounds",
    word: "warning",
    instead: {
      "if (!(gain >= 0 && gain <= 2)) gain = 1;":
        "if (gain > 2 && gain < 3e38) unreachable(); if (!(gain >= 0 && gain <= 2)) gain = 1;",
    },
  },
  {
    check: "parameters/not-finite",
    what: "breaks at NaN",
    word: "warning",
    instead: {
      "if (!(gain >= 0 && gain <= 2)) gain = 1;":
        "if (gain != gain) unreachable(); if (!(gain >= 0 && gain <= 2)) gain = 1;",
    },
  },
];

const stateFixtures: Fixture[] = [
  {
    check: "state/repeatable",
    what: "saves a number that counts",
    at: { save: "tint = (tint + 1) & 3;" },
  },
  {
    check: "state/round-trip",
    what: "loads something else than was saved",
    instead: { "tint = load<i32>(at, 8);": "tint = load<i32>(at, 8) ^ 1;" },
  },
  {
    check: "state/sound",
    what: "is softer with a state loaded",
    instead: { "tint = load<i32>(at, 8);": "tint = load<i32>(at, 8); quality = 0.5;" },
  },
  { check: "state/saving", what: "is softer once it has saved", at: { save: "quality = 0.5;" } },
  { check: "state/empty", what: "takes nothing for a state", at: { load: "if (length == 0) return 0;" } },
  {
    check: "state/noise",
    what: "takes anything for a state",
    at: { load: "if (length > 0 && load<u32>(at) != MAGIC) return 0;" },
  },
  {
    check: "state/refusal",
    what: "is half loaded when it refuses",
    at: { load: "if (length > 0 && length != 12) tint = 3;" },
  },
  { check: "state/cut", what: "breaks at seven bytes", at: { load: "if (length == 7) unreachable();" } },
  {
    check: "state/mutated",
    what: "breaks at a number out of range",
    at: { load: "if (length == 12 && load<u32>(at) == MAGIC && load<u32>(at, 8) > 3) unreachable();" },
  },
  {
    check: "state/presets",
    what: "refuses the state of its own preset",
    at: { load: "if (length == 12 && load<u32>(at) == MAGIC && load<u32>(at, 8) == 2) return -3;" },
  },
];

const graphDataFixtures: Fixture[] = [
  {
    check: "graph-data/json",
    what: "has words for data",
    at: { "graph-get": "if (graphLength == 0) return answer(WORDS, 20);" },
  },
  {
    check: "graph-data/round-trip",
    what: "changes its data",
    instead: {
      "  memory.copy(GRAPH, at, length);\n":
        "  memory.copy(GRAPH, at, length);\n  store<u8>(GRAPH + 2, 80);\n",
    },
  },
  {
    check: "graph-data/presets",
    what: "forgets all points",
    instead: { "  graphLength = length;\n": "  graphLength = 0;\n" },
  },
  {
    check: "graph-data/garbage",
    what: "breaks at many brackets",
    at: { "graph-set": "if (length == 5000) unreachable();" },
  },
  {
    check: "graph-data/refusal",
    what: "changes its data although it refuses",
    at: {
      "graph-set":
        "if (length == 1) { memory.copy(GRAPH, NO_GRAPH, 13); store<u8>(GRAPH + 2, 113); graphLength = 13; }",
    },
  },
];

const robustnessFixtures: Fixture[] = [
  {
    check: "robustness/no-transport",
    what: "breaks at a tempo of 0",
    at: { block: "if (load<f64>(TRANSPORT, 8) == 0) unreachable();" },
  },
  {
    check: "robustness/transport",
    what: "breaks before the first beat",
    at: { block: "if (load<f64>(TRANSPORT, 16) < 0) unreachable();" },
  },
  {
    check: "robustness/transport-events",
    what: "breaks at a transport event",
    at: { event: "if (type == 15) unreachable();" },
  },
  {
    check: "robustness/loud-input",
    what: "breaks at 100 dB",
    at: { sample: "if (abs(dry) > 1e5) unreachable();" },
  },
  {
    check: "robustness/constant-input",
    what: "breaks at full scale",
    at: { sample: "if (dry == 1) unreachable();" },
  },
  {
    check: "robustness/host-messages",
    what: "breaks at a long message",
    at: {
      imports: POLL,
      idle: "for (let n = 1; n != 0; ) { n = poll(MESSAGE, 65536); if (n > 50000) unreachable(); }",
    },
  },
  {
    check: "robustness/messages",
    what: "writes ten lines a block",
    at: { imports: LOG, done: "for (let i = 0; i < 10; i++) log(2, WORDS, 20);" },
  },
  {
    check: "robustness/random-calls",
    what: "breaks when it is deactivated after it has saved",
    at: { save: "counter = 1;", deactivate: "if (counter == 1) unreachable();" },
  },
  {
    check: "robustness/more-random-calls",
    what: "breaks when it is deactivated after it has saved seven times",
    at: { save: "counter++;", deactivate: "if (counter >= 7) unreachable();" },
  },
];

const sandboxFixtures: Fixture[] = [
  {
    check: "sandbox/units",
    what: "works hard for chords",
    word: "warning",
    at: { block: "if (sounding > 10) for (let k = 0; k < 500000; k++) store<i32>(SCRATCH, k);" },
  },
  {
    check: "sandbox/steady-cost",
    what: "does more work for each block",
    at: { block: "counted += 100; for (let k = 0; k < <i32>counted; k++) store<i32>(SCRATCH, k);" },
  },
  { check: "sandbox/memory", what: "takes a page in each activation", at: { activate: "memory.grow(1);" } },
  { check: "sandbox/state-memory", what: "takes a page for each state", at: { save: "memory.grow(1);" } },
];

export const FIXTURES = {
  module: moduleFixtures,
  descriptor: descriptorFixtures,
  lifecycle: lifecycleFixtures,
  processing: processingFixtures,
  events: eventFixtures,
  parameters: parameterFixtures,
  state: stateFixtures,
  "graph-data": graphDataFixtures,
  robustness: robustnessFixtures,
  sandbox: sandboxFixtures,
} satisfies Record<string, Fixture[]>;
