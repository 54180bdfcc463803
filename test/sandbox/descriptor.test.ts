// Descriptors come from strangers: each rule has a descriptor that breaks it, and no bytes give anything but a
// checked descriptor or a named error.

import { Packr } from "msgpackr";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { decodeDescriptor } from "../../runtime/sandbox/descriptor.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
const bytesOf = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));
const decode = (value: unknown) => decodeDescriptor(bytesOf(value), DEFAULT_LIMITS);

type Map_ = Record<string, unknown>;
const audio = (more: Map_ = {}): Map_ => ({
  id: "audio_out",
  display_name: "Audio Out",
  type: "audio_stereo",
  role: "output",
  ...more,
});
const control = (more: Map_ = {}): Map_ => ({
  id: "gain",
  display_name: "Gain",
  type: "control",
  role: "input",
  ...more,
});
const config = (more: Map_ = {}): Map_ => ({
  id: "size",
  display_name: "Size",
  type: "integer",
  default: "2",
  ...more,
});
const plugin = (more: Map_ = {}): Map_ => ({
  id: "acme.thing",
  display_name: "Thing",
  ports: [audio(), control()],
  ...more,
});
const withPort = (more: Map_): Map_ => plugin({ ports: [audio(), control(more)] });
const withConfig = (more: Map_): Map_ => plugin({ config_params: [config(more)] });
const withPreset = (more: Map_): Map_ =>
  plugin({
    ports: [
      audio(),
      control(),
      control({ id: "count", hint: "integer", max: 9 }),
      control({ id: "curve", hint: "graph_editor", graph_type: "eq_curve" }),
      control({ id: "level", role: "monitor" }),
    ],
    config_params: [config(), config({ id: "file", type: "filepath", default: "" })],
    presets: [{ name: "One", ...more }],
  });
const template = (more: Map_ = {}): Map_ =>
  plugin({
    ports: [audio({ id: "in_1", role: "input", group: "Inputs" }), audio()],
    config_params: [config()],
    port_template: { group: "Inputs", min: 1, max: 8, config: "size", ...more },
  });

function refused(bytes: Uint8Array, code: string, words = ""): void {
  try {
    decodeDescriptor(bytes, DEFAULT_LIMITS);
  } catch (error) {
    assert.instance(error, BelljarError);
    assert.is((error as BelljarError).code, `descriptor/${code}`, (error as Error).message);
    assert.ok((error as Error).message.includes(words), `"${(error as Error).message}" says "${words}"`);
    return;
  }
  assert.unreachable(`nothing refused; descriptor/${code} was expected`);
}

// What the specification of the plugin interface shows of list_plugins, key by key.
const SINE = {
  id: "builtin.sine",
  display_name: "Sine Synth",
  category: "Synth",
  doc: "Simple sine wave synthesizer for testing.",
  ports: [
    {
      id: "audio_out",
      display_name: "Audio Out",
      type: "audio_stereo",
      role: "output",
      doc: "Stereo audio output",
    },
    {
      id: "gain",
      display_name: "Gain",
      type: "control",
      role: "input",
      hint: "continuous",
      min: 0.0,
      max: 1.0,
      default: 0.15,
      doc: "Output volume",
    },
  ],
  config_params: [],
};
const SOUNDFONT = {
  id: "builtin.fluidsynth",
  display_name: "FluidSynth",
  category: "Synth",
  doc: "SF2 soundfont-based MIDI synthesizer.",
  ports: [],
  config_params: [
    {
      id: "sf2_path",
      display_name: "Soundfont",
      type: "filepath",
      file_filter: "SF2 Files (*.sf2);;All Files (*)",
      doc: "Path to .sf2 soundfont file",
    },
  ],
};

/** Every key of `part` is in `whole`, with the same value. */
function holds(whole: unknown, part: unknown, path: string): void {
  if (part === null || typeof part !== "object") return assert.is(whole, part, path);
  for (const [key, value] of Object.entries(part)) holds((whole as Map_)[key], value, `${path}.${key}`);
}

test("the interface's own examples decode with exactly their keys and values", () => {
  for (const example of [SINE, SOUNDFONT]) holds(decode(example), example, example.id);
});

test("what is left out gets its default", () => {
  const sine = decode(SINE);
  assert.is(sine.version, 1);
  assert.is(sine.author, "");
  assert.is(sine.latency, 0);
  assert.is(sine.tail, 0);
  assert.is(sine.port_template, null);
  assert.equal(sine.presets, []);
  const gain = sine.ports[1]!;
  assert.equal(
    [
      gain.step,
      gain.choices,
      gain.graph_type,
      gain.unit,
      gain.precision,
      gain.skew,
      gain.group,
      gain.smoothing,
      gain.bypass,
    ],
    [0, [], "", "", 2, 1, "", 0, false],
  );
  const bounds = (more: Map_) => {
    const port = decode(withPort(more)).ports[1]!;
    return [port.hint, port.min, port.max, port.default, port.step, port.precision];
  };
  assert.equal(bounds({}), ["continuous", 0, 1, 0, 0, 2]);
  assert.equal(bounds({ role: "monitor" }), ["meter", 0, 1, 0, 0, 2]);
  assert.equal(bounds({ hint: "toggle" }), ["toggle", 0, 1, 0, 1, 0]);
  assert.equal(bounds({ hint: "integer", min: 3, max: 9 }), ["integer", 3, 9, 3, 1, 0]);
  assert.equal(bounds({ hint: "radio", choices: ["a", "b", "c"] }), ["radio", 0, 2, 0, 1, 0]);
  assert.equal(bounds({ min: -60, max: -10 }), ["continuous", -60, -10, -10, 0, 2]);
  assert.is(decode(SOUNDFONT).config_params[0]!.default, "");
});

test("a descriptor with everything in it comes back whole", () => {
  const presets = decode(
    withPreset({
      params: { gain: 0.5, count: 3 },
      config: { size: "4" },
      graph: { curve: '{"bands":[]}' },
      state: new Uint8Array([1, 2]),
    }),
  ).presets;
  assert.is(presets[0]!.params.get("count"), 3);
  assert.is(presets[0]!.config.get("size"), "4");
  assert.is(presets[0]!.graph.get("curve"), '{"bands":[]}');
  assert.equal([...presets[0]!.state!], [1, 2]);
  assert.equal({ ...decode(template()).port_template }, { group: "Inputs", min: 1, max: 8, config: "size" });
  assert.is(decode(plugin({ tail: -1, latency: 64 })).tail, -1);
});

test("what was decoded can be encoded and decoded again", () => {
  const once = decode(withPreset({ params: { gain: 0.5 }, config: { size: "4" } }));
  assert.equal(decode(once), once);
});

test("the result is frozen and its text can be printed anywhere", () => {
  const result = decode(
    plugin({ display_name: "a\u001b[31mb\u202ec", doc: "one\r\n  two\tthree", author: " Ann " }),
  );
  assert.is(result.display_name, "a\ufffd[31mb\ufffdc");
  assert.is(result.doc, "one two three");
  assert.is(result.author, "Ann");
  assert.ok(
    Object.isFrozen(result) && Object.isFrozen(result.ports) && Object.isFrozen(result.ports[1]!.choices),
  );
  assert.is(Object.getPrototypeOf(result.ports[0]!), Object.prototype);
});

test("keys that a later minor version adds are ignored", () => {
  const result = decode(plugin({ colour: "red", later: { a: [1, { b: null }] } }));
  assert.not.ok("colour" in result);
});

test("nil stands for a key that is left out", () => {
  assert.is(decode(plugin({ doc: null, port_template: null })).doc, "");
  refused(bytesOf(plugin({ ports: null })), "missing", '"ports" is missing');
});

test("values are compared as the 32-bit floats that they travel as", () => {
  const port = decode(withPort({ min: 0, max: 0.9, default: 0.9 })).ports[1]!;
  assert.is(port.default, 0.9);
  const float = decode(withPort({ min: Math.fround(0.1), max: 1, default: 0.1 })).ports[1]!;
  assert.is(float.default, Math.fround(0.1));
  assert.is(decode(withPort({ min: 0, max: 1, step: Math.fround(0.1) })).ports[1]!.step, Math.fround(0.1));
  assert.ok(Object.is(decode(withPort({ min: -1, max: 1, default: -0 })).ports[1]!.default, 0));
});

const rules: [what: string, value: unknown, code: string, words: string][] = [
  ["a descriptor that is no map", [1, 2], "type", "a map is needed, this is an array of 2"],
  ["no id", plugin({ id: undefined }), "missing", '"id" is missing'],
  ["an id of the wrong type", plugin({ id: 5 }), "type", '"id" must be a string, it is 5'],
  ["an id without a vendor", plugin({ id: "sine" }), "id", '"sine"'],
  ["an id with capitals", plugin({ id: "Acme.thing" }), "id", "Acme"],
  ["an id that climbs folders", plugin({ id: "acme./../x" }), "id", ""],
  ["an id of dots", plugin({ id: "acme..x" }), "id", ""],
  ["a device's name as id", plugin({ id: "acme.con" }), "id", "acme.con"],
  ["a device's name before the dot", plugin({ id: "lpt1.thing" }), "id", "lpt1.thing"],
  ["an id that looks like a file", plugin({ id: "acme.wasm" }), "id", "acme.wasm"],
  ["a prototype's name in the id", plugin({ id: "acme.__proto__" }), "id", "__proto__"],
  ["an id with a line break", plugin({ id: "acme.x\n" }), "id", ""],
  ["an id too long", plugin({ id: `acme.${"x".repeat(60)}` }), "id", ""],
  ["no display name", plugin({ display_name: undefined }), "missing", "display_name"],
  ["an empty display name", plugin({ display_name: " \n " }), "text", '"display_name" is empty'],
  [
    "a display name too long",
    plugin({ display_name: "x".repeat(101) }),
    "too-long",
    "101 characters, 100 are allowed",
  ],
  ["a version that is no whole number", plugin({ version: 1.5 }), "type", "1.5"],
  ["a negative version", plugin({ version: -1 }), "range", '"version" is -1'],
  ["a negative latency", plugin({ latency: -1 }), "range", '"latency" is -1'],
  ["an absurd latency", plugin({ latency: 1e9 }), "range", '"latency" is 1000000000'],
  ["a tail below -1", plugin({ tail: -2 }), "range", '"tail" is -2'],
  ["a tail between -1 and 0", plugin({ tail: -0.5 }), "range", '"tail" is -0.5'],
  ["no ports", plugin({ ports: undefined }), "missing", '"ports" is missing'],
  ["ports that are no array", plugin({ ports: {} }), "type", '"ports" must be an array, it is a map of 0'],
  [
    "too many ports",
    plugin({ ports: Array.from({ length: 513 }, (_, i) => audio({ id: `p${i}` })) }),
    "too-many",
    "513 entries, 512 are allowed",
  ],
  ["a port that is no map", plugin({ ports: [7] }), "type", "port 0: a map is needed, this is 7"],
  [
    "a port without an id",
    plugin({ ports: [audio({ id: undefined })] }),
    "missing",
    'port 0: "id" is missing',
  ],
  ["a port's id with a space", withPort({ id: "my gain" }), "id", 'port 1: "my gain"'],
  ["a port named constructor", withPort({ id: "constructor" }), "id", "constructor"],
  ["a port named then", withPort({ id: "then" }), "id", "then"],
  ["a port named __proto__", plugin({ ports: [audio({ id: "__proto__" })] }), "id", "__proto__"],
  ["a port's id with an escape sequence", withPort({ id: "a\u001b[2J" }), "id", "a\ufffd[2J"],
  ["a port's id too long", withPort({ id: "x".repeat(65) }), "id", ""],
  ["two ports of one id", plugin({ ports: [control(), control()] }), "duplicate-id", '"gain"'],
  ["a port and a config parameter of one id", withConfig({ id: "gain" }), "duplicate-id", '"gain"'],
  ["a port without a type", withPort({ type: undefined }), "missing", 'port "gain": "type" is missing'],
  [
    "an unknown type",
    withPort({ type: "audio_quad" }),
    "word",
    "known are audio_mono, audio_stereo, event, control",
  ],
  ["an unknown role", withPort({ role: "out" }), "word", "known are input, output, sidechain, monitor"],
  ["an unknown hint", withPort({ hint: "knob" }), "word", "known are continuous, toggle, integer"],
  [
    "an audio monitor",
    plugin({ ports: [audio({ role: "monitor" })] }),
    "role",
    "a monitor is a control port",
  ],
  [
    "a hint on an audio port",
    plugin({ ports: [audio({ hint: "toggle" })] }),
    "control-only",
    '"hint" is for control ports, this is audio_stereo',
  ],
  [
    "bounds on an event port",
    plugin({ ports: [audio({ type: "event", max: 127 })] }),
    "control-only",
    '"max" is for control ports',
  ],
  ["choices on an audio port", plugin({ ports: [audio({ choices: ["a"] })] }), "control-only", '"choices"'],
  ["a bypass on an audio port", plugin({ ports: [audio({ bypass: true })] }), "control-only", '"bypass"'],
  ["min above max", withPort({ min: 2, max: 1 }), "range", 'port "gain": min 2 is not below max 1'],
  ["min equal to max", withPort({ min: 1, max: 1 }), "range", "min 1 is not below max 1"],
  ["bounds that are one 32-bit float", withPort({ min: 1, max: 1 + 1e-12 }), "range", "is not below max"],
  ["a bound beyond 32-bit floats", withPort({ max: 1e39 }), "range", '"max" is 1e+39'],
  ["a default outside", withPort({ default: 3 }), "default", 'port "gain": default 3 is outside 0 to 1'],
  ["a default below", withPort({ default: -0.1 }), "default", "-0.1 is outside 0 to 1"],
  [
    "a default of the wrong type",
    withPort({ default: true }),
    "type",
    '"default" must be a number, it is true',
  ],
  ["a negative step", withPort({ step: -0.1 }), "range", '"step" is -0.1'],
  [
    "a step larger than the range",
    withPort({ step: 2 }),
    "step",
    "step 2 must go 1 to 1000000 times into 0 to 1",
  ],
  ["a step that does not divide the range", withPort({ step: 0.3 }), "step", "does not divide 0 to 1 evenly"],
  ["a step too small to count", withPort({ step: 1e-9 }), "step", "1e-9"],
  ["a toggle to 2", withPort({ hint: "toggle", max: 2 }), "range", "a toggle goes from 0 to 1, not 0 to 2"],
  ["a half toggle", withPort({ hint: "toggle", default: 0.5 }), "default", "0.5 is not a whole number"],
  ["a toggle with steps", withPort({ hint: "toggle", step: 0.5 }), "step", "0.5"],
  [
    "an integer with fractional bounds",
    withPort({ hint: "integer", max: 2.5 }),
    "range",
    "whole numbers up to 16777216",
  ],
  ["an integer beyond what a float holds", withPort({ hint: "integer", max: 1e8 }), "range", "16777216"],
  [
    "a fractional default of an integer",
    withPort({ hint: "integer", max: 5, default: 1.5 }),
    "default",
    "1.5 is not a whole number",
  ],
  ["a fractional step of an integer", withPort({ hint: "integer", max: 5, step: 0.5 }), "step", "0.5"],
  [
    "a categorical without choices",
    withPort({ hint: "categorical" }),
    "choices",
    'a categorical needs "choices"',
  ],
  [
    "a categorical whose range is not its choices",
    withPort({ hint: "categorical", choices: ["a", "b"], max: 2 }),
    "range",
    "a categorical of 2 choices goes from 0 to 1, not 0 to 2",
  ],
  [
    "a radio between choices",
    withPort({ hint: "radio", choices: ["a", "b"], default: 0.5 }),
    "default",
    "0.5",
  ],
  ["choices on a continuous control", withPort({ choices: ["a"] }), "choices", "this is continuous"],
  [
    "a choice that is no string",
    withPort({ hint: "radio", choices: ["a", 1] }),
    "type",
    "an array of strings, it is 1",
  ],
  [
    "an empty choice",
    withPort({ hint: "radio", choices: [""] }),
    "choices",
    "choice 0 must have 1 to 100 characters",
  ],
  ["a choice twice", withPort({ hint: "radio", choices: ["a", "a"] }), "choices", '"a" stands twice'],
  ["a choice that can't be shown", withPort({ hint: "radio", choices: ["a\u0007"] }), "text", "choice 0"],
  [
    "graph_type on a continuous control",
    withPort({ graph_type: "eq_curve" }),
    "graph-type",
    "is for graph_editor",
  ],
  [
    "a graph_editor without graph_type",
    withPort({ hint: "graph_editor" }),
    "graph-type",
    'needs a "graph_type"',
  ],
  [
    "a graph_editor that is an output",
    withPort({ hint: "graph_editor", graph_type: "eq", role: "output" }),
    "hint",
    "is an input",
  ],
  ["a meter that is an input", withPort({ hint: "meter" }), "hint", "never an input"],
  ["a unit too long", withPort({ unit: "x".repeat(17) }), "too-long", "17 characters, 16"],
  ["ten decimals", withPort({ precision: 10 }), "range", '"precision" is 10'],
  ["half a decimal", withPort({ precision: 0.5 }), "type", "whole number"],
  ["a skew of 0", withPort({ skew: 0 }), "range", '"skew" must be greater than 0'],
  ["a negative skew", withPort({ skew: -1 }), "range", '"skew" is -1'],
  ["negative smoothing", withPort({ smoothing: -1 }), "range", '"smoothing" is -1'],
  ["a group with an empty part", withPort({ group: "Filter//Env" }), "group", "has an empty part"],
  ["a group that begins with a slash", withPort({ group: "/Filter" }), "group", "has an empty part"],
  [
    "a bypass that is no toggle",
    withPort({ bypass: true }),
    "bypass",
    "a bypass is a toggle with role input",
  ],
  [
    "a bypass that is an output",
    withPort({ bypass: true, hint: "toggle", role: "output" }),
    "bypass",
    "role input",
  ],
  ["a bypass that is a number", withPort({ bypass: 1 }), "type", "true or false, it is 1"],
  [
    "two bypasses",
    plugin({ ports: ["a", "b"].map((id) => control({ id, hint: "toggle", bypass: true })) }),
    "bypass",
    'ports "a" and "b" are both the bypass',
  ],
  [
    "an unknown config type",
    withConfig({ type: "path" }),
    "word",
    "known are string, filepath, integer, float, bool, categorical",
  ],
  ["a config id that is no id", withConfig({ id: "2x" }), "id", 'config parameter 0: "2x"'],
  [
    "too many config parameters",
    plugin({ config_params: Array.from({ length: 129 }, (_, i) => config({ id: `c${i}` })) }),
    "too-many",
    "129 entries",
  ],
  [
    "a config default that is no string",
    withConfig({ default: 2 }),
    "type",
    '"default" must be a string, it is 2',
  ],
  [
    "a config integer that is none",
    withConfig({ default: "2.5" }),
    "default",
    'config parameter "size": default "2.5" is not a whole number',
  ],
  ["a config float that is none", withConfig({ type: "float", default: "NaN" }), "default", "not a number"],
  ["a config float too large", withConfig({ type: "float", default: "1e999" }), "default", "not a number"],
  [
    "a config bool that is none",
    withConfig({ type: "bool", default: "yes" }),
    "default",
    'neither "true" nor "false"',
  ],
  [
    "a config default that is no choice",
    withConfig({ type: "categorical", choices: ["a", "b"], default: "c" }),
    "default",
    "none of a, b",
  ],
  [
    "a config categorical without choices",
    withConfig({ type: "categorical", default: "" }),
    "choices",
    'needs "choices"',
  ],
  [
    "config choices on the wrong type",
    withConfig({ choices: ["2"] }),
    "choices",
    "are for categorical, this is integer",
  ],
  [
    "a config default that can't be shown",
    withConfig({ type: "string", default: "a\u001bb" }),
    "text",
    "can't be shown",
  ],
  [
    "a path as default",
    withConfig({ type: "filepath", default: "/home/ann/.ssh/id_rsa" }),
    "default",
    "only the user names files",
  ],
  ["a file filter on the wrong type", withConfig({ file_filter: "All (*)" }), "type", "is for filepath"],
  ["a preset without a name", withPreset({ name: undefined }), "missing", 'preset 0: "name" is missing'],
  [
    "a preset of an unknown parameter",
    withPreset({ params: { nope: 1 } }),
    "preset",
    '"nope" is no parameter',
  ],
  ["a preset of an audio port", withPreset({ params: { audio_out: 1 } }), "preset", "is no parameter"],
  ["a preset of a meter", withPreset({ params: { level: 1 } }), "preset", "is no parameter"],
  [
    "a preset's value outside",
    withPreset({ params: { gain: 2 } }),
    "preset",
    'preset "One": the value of "gain": 2 is outside 0 to 1',
  ],
  [
    "a preset's fraction of an integer",
    withPreset({ params: { count: 1.5 } }),
    "preset",
    "not a whole number",
  ],
  [
    "a preset's value of the wrong type",
    withPreset({ params: { gain: "1" } }),
    "type",
    '"gain" must be a number',
  ],
  ["a preset's params that are no map", withPreset({ params: [] }), "type", '"params" must be a map'],
  [
    "a preset of unknown config",
    withPreset({ config: { nope: "1" } }),
    "preset",
    '"nope" is no config parameter',
  ],
  ["a preset's bad config value", withPreset({ config: { size: "x" } }), "preset", "not a whole number"],
  [
    "a preset's config value of the wrong type",
    withPreset({ config: { size: 2 } }),
    "type",
    "must be a string",
  ],
  ["a preset that names a file", withPreset({ config: { file: "/etc/passwd" } }), "preset", "names no files"],
  ["a preset's graph data that is no JSON", withPreset({ graph: { curve: "{" } }), "preset", "not JSON text"],
  [
    "a preset's graph data on a plain control",
    withPreset({ graph: { gain: "{}" } }),
    "preset",
    "no graph_editor",
  ],
  ["a preset's state that is text", withPreset({ state: "abc" }), "type", '"state" must be bytes'],
  [
    "two presets of one name",
    plugin({ presets: [{ name: "A" }, { name: "A" }] }),
    "preset",
    'two presets are named "A"',
  ],
  [
    "a port template without its config",
    template({ config: "nope" }),
    "template",
    '"nope" is no integer config parameter',
  ],
  ["a port template with min above max", template({ min: 9 }), "template", "min 9 is above max 8"],
  ["a port template of more than all ports", template({ max: 513 }), "range", '"max" is 513'],
  [
    "a port template of no port's group",
    template({ group: "Outputs" }),
    "template",
    'no port has the group "Outputs"',
  ],
  ["a port template whose default is outside", template({ min: 3 }), "template", "the default 2"],
];

for (const [what, value, code, words] of rules) {
  test(`refused: ${what}`, () => refused(bytesOf(value), code, words));
}

test("a preset that changes the number of ports may name ports that come with it", () => {
  const presets = [{ name: "Eight", config: { size: "8" }, params: { level_8: 0.5 } }];
  assert.is(decode({ ...template(), presets }).presets[0]!.params.get("level_8"), 0.5);
  refused(bytesOf({ ...template(), presets: [{ ...presets[0], config: {} }] }), "preset", "level_8");
});

// Bytes that no encoder writes.
const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
const str = (text: string): number[] => [0xa0 + text.length, ...ascii(text)];
const nested = (depth: number): number[] => [...Array<number>(depth).fill(0x91), 0xc0];

const raw: [what: string, bytes: number[], code: string, words: string][] = [
  ["nothing", [], "empty", "no bytes"],
  ["a map that ends early", [0x82, ...str("id")], "truncated", "middle of a value"],
  ["a map of four thousand million keys", [0xdf, 0xff, 0xff, 0xff, 0xff, ...str("a"), 0xc0], "truncated", ""],
  ["an array of four thousand million", [0xdd, 0xff, 0xff, 0xff, 0xff], "truncated", ""],
  ["a string longer than all bytes", [0xd9, 0xff, 0x41], "truncated", ""],
  ["a string longer than allowed", [0xdb, 0xff, 0xff, 0xff, 0xff], "too-long", "4294967295 bytes"],
  ["bytes longer than all bytes", [0xc6, 0xff, 0xff, 0xff, 0xff], "truncated", ""],
  ["bytes after the end", [0x80, 0x00], "trailing", "1 bytes follow"],
  ["too deep", nested(17), "too-deep", "more than 16 levels"],
  ["a fixed extension", [0xd4, 0x01, 0x00], "extension", "byte 0"],
  ["a timestamp", [0xd6, 0xff, 0, 0, 0, 0], "extension", ""],
  ["an extension of a length", [0xc7, 0x01, 0x72, 0x00], "extension", ""],
  ["the byte that is never used", [0x91, 0xc1], "reserved", "byte 1 is 0xc1"],
  ["a number as key", [0x81, 0x01, 0xc0], "key", "not a string"],
  ["nil as key", [0x81, 0xc0, 0xc0], "key", ""],
  ["bytes as key", [0x81, 0xc4, 0x01, 0x41, 0xc0], "key", ""],
  ["a key twice", [0x82, ...str("id"), 0xc0, ...str("id"), 0xc0], "duplicate-key", '"id" stands twice'],
  [
    "a key twice, in two lengths of header",
    [0x82, ...str("id"), 0xc0, 0xd9, 2, ...ascii("id"), 0xc0],
    "duplicate-key",
    "",
  ],
  ["broken UTF-8", [0xa2, 0xc3, 0x28], "utf8", ""],
  ["an overlong encoding", [0xa2, 0xc0, 0xaf], "utf8", ""],
  ["half a surrogate pair", [0xa3, 0xed, 0xa0, 0x80], "utf8", ""],
  ["broken UTF-8 in a key", [0x81, 0xa1, 0xff, 0xc0], "utf8", ""],
  ["NaN", [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "not-finite", "NaN"],
  ["infinity", [0xca, 0xff, 0x80, 0, 0], "not-finite", "-Infinity"],
  ["an integer beyond 2^53", [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "integer", ""],
  ["a negative integer beyond 2^53", [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "integer", ""],
  ["a lone nil", [0xc0], "type", "a map is needed, this is null"],
];

for (const [what, bytes, code, words] of raw) {
  test(`refused: ${what}`, () => refused(Uint8Array.from(bytes), code, words));
}

test("refused: too many bytes, and too many values", () => {
  refused(new Uint8Array(DEFAULT_LIMITS.descriptorBytes + 1), "too-large", "262144 allowed");
  refused(Uint8Array.from([0xdd, 0, 1, 0, 0, ...new Uint8Array(65536)]), "too-many", "65536 values");
});

const WHOLE = bytesOf({
  ...(withPreset({
    params: { gain: 0.5, count: 3 },
    config: { size: "4" },
    graph: { curve: "{}" },
    state: new Uint8Array(3),
  }) as object),
  doc: "Ein Gerät für Töne 🎹",
  version: 70000,
  latency: 300,
  tail: 1.5,
});

function decodesOrIsNamed(bytes: Uint8Array): boolean {
  try {
    decodeDescriptor(bytes, DEFAULT_LIMITS);
    return true;
  } catch (error) {
    assert.instance(error, BelljarError, `${error}`);
    assert.match((error as BelljarError).code, /^descriptor\/[a-z0-9-]+$/);
    return false;
  }
}

test("every cut of a descriptor is a named error", () => {
  assert.ok(decodesOrIsNamed(WHOLE));
  for (let length = 0; length < WHOLE.length; length++)
    assert.not.ok(decodesOrIsNamed(WHOLE.subarray(0, length)));
});

test("every byte changed, and twenty thousand random mutations, give a descriptor or a named error", () => {
  for (let i = 0; i < WHOLE.length; i++) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const bytes = Uint8Array.from(WHOLE);
      bytes[i]! ^= flip;
      decodesOrIsNamed(bytes);
    }
  }
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let round = 0; round < 20000; round++) {
    let bytes = Uint8Array.from(WHOLE);
    for (let times = 1 + random(4); times > 0; times--) {
      const at = random(bytes.length);
      const kind = random(3);
      if (kind === 0) bytes[at] = random(256);
      else if (kind === 1)
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random(4))]);
      else bytes = Uint8Array.from([...bytes.subarray(0, at), random(256), ...bytes.subarray(at)]);
    }
    decodesOrIsNamed(bytes);
  }
});

test("bytes in shared memory and in the middle of a buffer decode alike", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(WHOLE.length + 20), 10, WHOLE.length);
  shared.set(WHOLE);
  const result = decodeDescriptor(shared, DEFAULT_LIMITS);
  const state = result.presets[0]!.state!;
  shared.fill(0);
  assert.equal(result, decodeDescriptor(WHOLE, DEFAULT_LIMITS));
  assert.is(state.buffer.constructor, ArrayBuffer);
});

test.run();
