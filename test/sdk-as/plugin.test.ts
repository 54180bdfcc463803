// What the SDK makes of a plugin that declares one of everything (kit.as.ts).
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../abi/layout.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { decodeDescriptor } from "../../runtime/sandbox/descriptor.ts";
import { join } from "node:path";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";
import { Host } from "./host.ts";

const SOURCE = "test/sdk-as/kit.as.ts";
const { EventType } = abi;
const NOTES_IN = 4;
const NOTES_OUT = 5;
const LEVEL = 6;
const RAW = 7;
const EXACT = 8;

/** Activated, and with the story emptied. */
async function ready(rate = 48000, maxFrames = 128): Promise<Host> {
  const host = await Host.of(SOURCE);
  assert.ok(host.activate(rate, maxFrames) > 0);
  story(host);
  return host;
}

/** What happened in the plugin since the last time. */
function story(host: Host): string {
  return (host.tell('{"topic":"story"}')[0] ?? "").trim();
}

test("the version of the contract is the constant", async () => {
  assert.is((await Host.of(SOURCE)).call("bj_abi"), abi.ABI_VERSION);
});

test("the descriptor holds what was declared, in that order", async () => {
  const host = await Host.of(SOURCE);
  const descriptor = decodeDescriptor(host.bytesAt(host.call("bj_descriptor")), DEFAULT_LIMITS);
  const { ports, config_params, presets, ...plugin } = descriptor;
  assert.equal(plugin, {
    id: "test.kit",
    display_name: "Kit",
    category: "Mixer",
    doc: "Everything.",
    author: "Ann",
    version: 3,
    latency: 7,
    tail: 0.5,
    port_template: { group: "Inputs", min: 1, max: 4, config: "inputs" },
  });
  assert.equal(
    ports.map((port) => [port.id, port.display_name, port.type, port.role]),
    [
      ["main_in", "Main In", "audio_stereo", "input"],
      ["key_in", "The Key", "audio_mono", "sidechain"],
      ["out", "Out", "audio_stereo", "output"],
      ["mono_out", "Mono Out", "audio_mono", "output"],
      ["notes_in", "Notes In", "event", "input"],
      ["notes_out", "Notes Out", "event", "output"],
      ["level", "Level", "control", "input"],
      ["raw", "Raw", "control", "input"],
      ["exact", "Exact", "control", "input"],
      ["off", "Off", "control", "input"],
      ["steps", "Steps", "control", "input"],
      ["mode", "Mode", "control", "input"],
      ["choice", "Choice", "control", "input"],
      ["cv", "Cv", "control", "sidechain"],
      ["curve", "Curve", "control", "input"],
      ["meter", "Meter", "control", "monitor"],
      ["control", "Control", "control", "output"],
    ],
  );
  const { id, display_name, type, role, ...level } = ports[LEVEL]!;
  assert.equal(level, {
    doc: "How loud",
    hint: "continuous",
    min: -60,
    max: 12,
    default: -6,
    step: 0,
    choices: [],
    graph_type: "",
    unit: "dB",
    precision: 1,
    skew: 0.5,
    group: "A/B",
    smoothing: 1,
    bypass: false,
  });
  const about = (name: string) => ports.find((port) => port.id === name)!;
  assert.equal([about("raw").min, about("raw").default, about("raw").step], [10, 10, 0.5]);
  assert.equal([about("off").hint, about("off").bypass, about("off").max], ["toggle", true, 1]);
  assert.equal([about("steps").hint, about("steps").min, about("steps").default], ["integer", -3, 0]);
  assert.equal(
    [about("mode").hint, about("mode").choices, about("mode").default],
    ["categorical", ["one", "two", "three"], 1],
  );
  assert.equal([about("choice").hint, about("choice").choices], ["radio", ["a", "b"]]);
  assert.equal([about("curve").hint, about("curve").graph_type], ["graph_editor", "eq_curve"]);
  assert.equal([about("meter").hint, about("meter").min, about("meter").unit], ["meter", -60, "dB"]);
  assert.equal([about("control").hint, about("control").min], ["continuous", -1]);
  assert.equal(
    config_params.map((one) => [one.id, one.display_name, one.type, one.default]),
    [
      ["name", "Name", "string", "Bob"],
      ["file", "Sound", "filepath", ""],
      ["inputs", "Inputs", "integer", "1"],
      ["ratio", "Ratio", "float", "0.5"],
      ["fast", "Fast", "bool", "true"],
      ["quality", "Quality", "categorical", "high"],
    ],
  );
  assert.is(config_params[1]?.file_filter, "WAV Files (*.wav)");
  assert.equal(config_params[5]?.choices, ["low", "high"]);
  assert.equal(presets[0], {
    name: "Loud",
    params: new Map([
      ["level", 6],
      ["mode", 2],
    ]),
    config: new Map([["name", "Eve"]]),
    graph: new Map([["curve", '{"bands":[]}']]),
    state: null,
  });
  assert.equal([...(presets[1]?.state ?? [])], [1, 2, 3]);
});

test("the layout counts what the descriptor counts, and nothing overlaps", async () => {
  const host = await ready(44100, 100);
  assert.is(host.layout(abi.LAYOUT_SIZE), abi.LAYOUT_BYTES);
  assert.is(host.layout(abi.LAYOUT_AUDIO_COUNT), 4);
  assert.is(host.layout(abi.LAYOUT_CONTROL_IN_COUNT), 9);
  assert.is(host.layout(abi.LAYOUT_CONTROL_OUT_COUNT), 2);
  assert.is(host.layout(abi.LAYOUT_LATENCY), 11);
  assert.is(host.layout(abi.LAYOUT_TAIL), 22050);
  const regions: [number, number][] = [
    [host.layout(abi.LAYOUT_AUDIO), 4 * abi.AUDIO_BYTES],
    [host.layout(abi.LAYOUT_CONTROL_IN), 36],
    [host.layout(abi.LAYOUT_CONTROL_OUT), 8],
    [host.layout(abi.LAYOUT_EVENTS_IN), host.layout(abi.LAYOUT_EVENTS_IN_CAPACITY) * abi.EVENT_BYTES],
    [host.layout(abi.LAYOUT_EVENTS_OUT), host.layout(abi.LAYOUT_EVENTS_OUT_CAPACITY) * abi.EVENT_BYTES],
    [host.layout(abi.LAYOUT_ARENA), host.layout(abi.LAYOUT_ARENA_BYTES)],
    [host.layout(abi.LAYOUT_TRANSPORT), abi.TRANSPORT_BYTES],
  ];
  for (const port of [0, 1, 2, 3]) {
    for (let c = 0; c < (port === 0 || port === 2 ? 2 : 1); c++)
      regions.push([host.channel(port, c, 100).byteOffset, 400]);
  }
  regions.sort(([a], [b]) => a - b);
  regions.forEach(([from, bytes], i) => {
    assert.is(from % abi.ALIGNMENT, 0);
    assert.ok(from + bytes <= (regions[i + 1]?.[0] ?? host.exports.memory.buffer.byteLength));
  });
});

test("controls begin with their defaults, without a glide", async () => {
  const host = await ready();
  assert.equal([...host.controlsIn.subarray(0, 7)], [-6, 10, 0, 0, 0, 1, 0]);
  host.controlsIn[0] = 3;
  host.process(128);
  assert.ok(host.channel(2, 1, 128).every((value) => value === 3));
});

test("a parameter glides in a straight line, from the frame of its event, and ends exactly", async () => {
  const host = await ready();
  host.controlsIn[0] = 0;
  host.process(128);
  host.process(128, [{ frame: 40, type: EventType.Param, port: LEVEL, value: 12 }]);
  const frames = 48; // 1 ms
  host.channel(2, 1, 128).forEach((value, i) => {
    const expected = Math.min(Math.max((i - 40 + 1) / frames, 0), 1) * 12;
    assert.ok(Math.abs(value - expected) < 1e-5, `frame ${i}: ${value}, not ${expected}`);
  });
  assert.is(host.channel(2, 1, 128)[40 + frames - 1], 12);
  host.controlsIn[0] = 12;
  host.process(128);
  assert.ok(host.channel(2, 1, 128).every((value) => value === 12));
});

test("a glide goes on over block edges, and turns when the value moves again", async () => {
  const host = await ready();
  host.controlsIn[0] = 0;
  host.process(16);
  host.controlsIn[0] = 12;
  host.process(20);
  host.controlsIn[0] = 0;
  host.process(20);
  const reached = (20 / 48) * 12;
  host.channel(2, 1, 20).forEach((value, i) => {
    assert.ok(Math.abs(value - reached * (1 - (i + 1) / 48)) < 1e-5);
  });
});

test("values outside the range are held at its ends, and NaN is ignored", async () => {
  const host = await ready();
  host.controlsIn[0] = 500;
  host.controlsIn[1] = Number.NaN;
  host.process(8);
  assert.is(host.channel(2, 1, 8)[7], 12);
  assert.is(host.channel(3, 0, 8)[0], 10);
});

test("the block is cut at notes, however close", async () => {
  const host = await ready();
  const events = [0, 5, 5, 6, 127].map((frame) => ({
    frame,
    type: EventType.NoteOn,
    port: NOTES_IN,
    channel: 0,
    key: frame,
    value: 1,
  }));
  host.process(128, events);
  assert.is(story(host), "on:0:0:1.0:-1 5 on:0:5:1.0:-1 on:0:5:1.0:-1 1 on:0:6:1.0:-1 121 on:0:127:1.0:-1 1");
});

test("dense automation cuts no finer than 16 frames; a lone change is exact", async () => {
  const host = await ready();
  host.process(128, [{ frame: 5, type: EventType.Param, port: RAW, value: 12 }]);
  assert.is(story(host), "5 123");
  host.process(128);
  story(host);
  const ramp = Array.from({ length: 128 }, (_, frame) => ({
    frame,
    type: EventType.Param,
    port: RAW,
    value: 10 + frame / 64,
  }));
  host.process(128, ramp);
  const parts = story(host).split(" ").map(Number);
  assert.is(
    parts.reduce((a, b) => a + b),
    128,
  );
  assert.ok(
    parts.slice(1, -1).every((frames) => frames === 16),
    parts.join(" "),
  );
  const heard = host.channel(3, 0, 128);
  // never ahead of the automation, and never more than 15 frames behind it
  heard.forEach((value, i) => {
    assert.ok(value <= 10 + i / 64 + 1e-6 && value >= 10 + (i - 15) / 64 - 1e-6, `frame ${i}: ${value}`);
  });
  host.controlsIn[1] = 10 + 127 / 64;
  host.process(128);
  assert.ok(host.channel(3, 0, 128).every((value) => Math.abs(value - (10 + 127 / 64)) < 1e-6));
});

test("a parameter that asks for exactness gets it", async () => {
  const host = await ready();
  host.controlsIn[1] = 10;
  const ramp = Array.from({ length: 128 }, (_, frame) => ({
    frame,
    type: EventType.Param,
    port: EXACT,
    value: frame / 128,
  }));
  host.process(128, ramp);
  assert.equal(
    [...host.channel(3, 0, 128)],
    Array.from({ length: 128 }, (_, frame) => 10 + frame / 128),
  );
});

test("views begin at the sub-block's first frame", async () => {
  const host = await ready();
  host.process(10, [{ frame: 4, type: EventType.NoteOff, port: NOTES_IN, channel: 1, key: 60, value: 0 }]);
  assert.equal([...host.channel(2, 0, 10)], [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]);
});

test("every kind of event finds its handler", async () => {
  const host = await ready();
  const on = { frame: 0, port: NOTES_IN, channel: 2 };
  host.process(1, [
    { ...on, type: EventType.NoteOn, key: 60, value: 0.5, noteId: 9 },
    { ...on, type: EventType.NoteOff, key: 60, value: 0.25, noteId: 9 },
    { ...on, type: EventType.Choke, key: 61 },
    { ...on, type: EventType.Expression, key: 60, id: 2, value: -1.5, noteId: 9 },
    { ...on, type: EventType.Bend, value: -0.5 },
    { ...on, type: EventType.ControlChange, id: 64, value: 1 },
    { ...on, type: EventType.Program, id: 300, value: 12 },
    { ...on, type: EventType.Pressure, key: 5, value: 0.75 },
    { ...on, type: EventType.AllNotesOff },
    { ...on, type: 999 },
  ]);
  assert.is(
    story(host),
    "on:2:60:0.5:9 off:2:60:0.25:9 off:2:61:0.0:-1 expression:2:60:9:2:-1.5 bend:2:-0.5 control:2:64:1.0 " +
      "program:2:300:12 pressure:2:5:0.75:-1 all:2 1",
  );
});

test("raw MIDI bytes reach the same handlers", async () => {
  const host = await ready();
  const midi = (...bytes: number[]) => {
    const value = new DataView(Uint8Array.from([...bytes, 0, 0, 0, 0, 0]).buffer).getFloat64(0, true);
    return { frame: 0, type: EventType.Midi1, port: NOTES_IN, value };
  };
  host.process(1, [
    midi(0x93, 60, 127),
    midi(0x93, 60, 0),
    midi(0x83, 61, 0),
    midi(0xb3, 7, 127),
    midi(0xb3, 123, 0),
    midi(0xc3, 5, 0),
    midi(0xe3, 0, 64),
  ]);
  assert.is(
    story(host),
    "on:3:60:1.0:-1 off:3:60:0.0:-1 off:3:61:0.0:-1 control:3:7:1.0 all:3 program:3:0:5 bend:3:0.0 1",
  );
});

test("sent events are ordered by frame, and sit at their sub-block's place in the block", async () => {
  const host = await ready();
  const result = host.process(64, [
    { frame: 10, type: EventType.NoteOn, port: NOTES_IN, channel: 0, key: 60, value: 1 },
    { frame: 12, type: EventType.NoteOn, port: NOTES_IN, channel: 0, key: 70, value: 1 },
    { frame: 62, type: EventType.NoteOn, port: NOTES_IN, channel: 0, key: 80, value: 1 },
  ]);
  assert.equal(
    host.sent(result).map(({ frame, type, port, key }) => [frame, type, port, key]),
    [
      [14, EventType.NoteOff, NOTES_OUT, 60],
      [16, EventType.NoteOff, NOTES_OUT, 70],
      [18, EventType.NoteOn, NOTES_OUT, 61],
      [20, EventType.NoteOn, NOTES_OUT, 71],
      // beyond the block: moved to its end
      [63, EventType.NoteOn, NOTES_OUT, 81],
      [63, EventType.NoteOff, NOTES_OUT, 80],
    ],
  );
  assert.equal(host.sent(host.process(64)), []);
});

test("sysex is passed on with its bytes' place", async () => {
  const host = await ready();
  const result = host.process(8, [{ frame: 3, type: EventType.Sysex, port: NOTES_IN, id: 4, arena: 64 }]);
  assert.equal(
    host.sent(result).map(({ frame, type, port, id, arena }) => [frame, type, port, id, arena]),
    [[3, EventType.Sysex, NOTES_OUT, 4, 64]],
  );
});

test("the transport is that of the sub-block, and changes inside the block", async () => {
  const host = await ready(48000, 4800);
  const write = (at: number, beat: number, bpm: number) => {
    host.view.setUint32(at, abi.TRANSPORT_PLAYING | abi.TRANSPORT_HAS_TEMPO, true);
    host.view.setFloat64(at + abi.TRANSPORT_BPM, bpm, true);
    host.view.setFloat64(at + abi.TRANSPORT_BEAT, beat, true);
  };
  const near = (expected: number) => assert.ok(Math.abs((host.controlsOut[1] as number) - expected) < 1e-6);
  write(host.layout(abi.LAYOUT_TRANSPORT), 0.25, 120);
  host.process(4800);
  near(0.25);
  host.process(4800, [{ frame: 2400, type: EventType.AllNotesOff, port: NOTES_IN }]);
  near(0.25 + (2400 / 48000) * 2);
  write(host.layout(abi.LAYOUT_ARENA) + 128, 0.75, 60);
  host.process(4800, [
    { frame: 1200, type: EventType.Transport, arena: 128 },
    { frame: 3600, type: EventType.AllNotesOff, port: NOTES_IN },
  ]);
  near(0.75 + 2400 / 48000);
});

test("monitors are there after the block", async () => {
  const host = await ready();
  host.process(8);
  assert.is(host.controlsOut[0], -3);
});

test("an output that was silent throughout the block says so", async () => {
  const host = await ready();
  host.setFlags(0, abi.AUDIO_CONNECTED | abi.AUDIO_INPUT_SILENT);
  host.process(64, [{ frame: 20, type: EventType.AllNotesOff, port: NOTES_IN }]);
  assert.is(host.flags(3) & abi.AUDIO_OUTPUT_SILENT, abi.AUDIO_OUTPUT_SILENT);
  assert.ok(host.channel(3, 0, 64).every((value) => value === 0));
  host.setFlags(0, abi.AUDIO_CONNECTED);
  host.process(64);
  assert.is(host.flags(3) & abi.AUDIO_OUTPUT_SILENT, 0);
});

test("process refuses what no host may ask", async () => {
  const host = await Host.of(SOURCE);
  assert.is(host.call("bj_process", 1, 0), abi.Status.BadState);
  host.activate(48000, 64);
  for (const [frames, events] of [
    [0, 0],
    [65, 0],
    [-1, 0],
    [1, -1],
    [1, 100000],
  ] as const) {
    assert.is(host.call("bj_process", frames, events), abi.Status.Invalid);
  }
});

test("config values reach the plugin, and those that do not fit are refused with a reason", async () => {
  const host = await Host.of(SOURCE);
  const configure = (index: number, value: string) => host.call("bj_configure", index, ...host.hand(value));
  assert.is(configure(0, "Zoë"), abi.Status.Ok);
  assert.is(configure(3, "1.25e1"), abi.Status.Ok);
  assert.is(configure(4, "false"), abi.Status.Ok);
  assert.is(configure(5, "low"), abi.Status.Ok);
  assert.is(story(host), "name=Zoë ratio=1.25e1 12.5 fast=false false quality=low 0");
  assert.is(configure(0, "Mallory"), abi.Status.Invalid);
  assert.is(host.error, "not Mallory");
  for (const [index, value] of [
    [2, "1.5"],
    [2, ""],
    [3, "1e"],
    [3, "-"],
    [4, "yes"],
    [5, "medium"],
  ] as const) {
    assert.is(configure(index, value), abi.Status.Invalid, value);
    assert.match(host.error, /needs/);
  }
  assert.is(configure(6, "x"), abi.Status.Invalid);
});

test("a configuration may change the ports; those that stay keep their ids", async () => {
  const host = await Host.of(SOURCE);
  const ids = () => host.descriptor.ports.map((port: { id: string }) => port.id);
  const before = ids();
  host.call("bj_configure", 2, ...host.hand("3"));
  assert.equal(ids(), [...before, "in_1", "in_2"]);
  host.activate();
  assert.is(host.layout(abi.LAYOUT_AUDIO_COUNT), 6);
  host.call("bj_deactivate");
  host.call("bj_configure", 2, ...host.hand("1"));
  assert.equal(ids(), before);
});

test("a file's bytes are read through the host, and nothing else of it", async () => {
  const host = await Host.of(SOURCE);
  host.blobs = [Uint8Array.from({ length: 1000 }, (_, i) => i % 7)];
  const [name, length] = host.hand("kick.wav");
  assert.is(host.call("bj_configure_file", 1, 0, 1000, name, length), abi.Status.Ok);
  assert.is(story(host), `kick.wav:1000:1000:${host.blobs[0]!.reduce((a, b) => a + b)}`);
  // shorter than promised, gone, none
  host.call("bj_configure_file", 1, 0, 2000, name, length);
  host.call("bj_configure_file", 1, 5, 10, name, length);
  host.call("bj_configure_file", 1, -1, 0, 0, 0);
  assert.is(story(host), "kick.wav:2000:1000:2997 kick.wav:10:0:0 no file");
  assert.is(host.call("bj_configure_file", 0, 0, 10, name, length), abi.Status.Invalid);
});

test("an activation that the plugin refuses gives no layout, and says why", async () => {
  const host = await Host.of(SOURCE);
  assert.is(host.activate(384000), 0);
  assert.is(host.error, "too fast for me");
  assert.ok(host.activate(48000) > 0);
});

test("state is read as it was written", async () => {
  const host = await ready();
  const bytes = host.bytesAt(host.call("bj_state_save"));
  assert.equal(host.bytesAt(host.call("bj_state_save")), bytes);
  assert.is(host.call("bj_state_load", ...host.hand(bytes)), abi.Status.Ok);
  assert.is(story(host), "3:0:käse 😀:2:0.1:true:8:false:true");
});

test("a state cut anywhere is refused, and changes nothing", async () => {
  const host = await ready();
  const bytes = host.bytesAt(host.call("bj_state_save"));
  for (let length = 0; length < bytes.length; length++) {
    assert.is(
      host.call("bj_state_load", ...host.hand(bytes.subarray(0, length))),
      abi.Status.Invalid,
      String(length),
    );
    assert.ok(host.error.length > 0);
  }
  assert.is(
    host.call("bj_state_load", ...host.hand("something else, longer than a header")),
    abi.Status.Invalid,
  );
  assert.equal(host.bytesAt(host.call("bj_state_save")), bytes);
});

test("graph data goes to the port that edits it, and to no other", async () => {
  const host = await ready();
  const text = '{"bands":[{"freq":1000}]}';
  assert.is(host.call("bj_graph_set", 14, ...host.hand(text)), abi.Status.Ok);
  assert.is(host.textAt(host.call("bj_graph_get", 14)), text);
  assert.is(host.call("bj_graph_set", 14, ...host.hand("bad")), abi.Status.Invalid);
  assert.is(host.error, "no curve");
  assert.is(host.call("bj_graph_set", 6, ...host.hand(text)), abi.Status.Invalid);
  assert.is(host.call("bj_graph_set", 99, ...host.hand(text)), abi.Status.Invalid);
});

test("host events are read field by field", async () => {
  const host = await ready();
  const said = host.tell(
    '{"a":1.5,"b":null,"nested":{"flag":true,"a":9},"s":"\\u00e9\\n"}',
    '{"flag":true,"a":"x"}',
    "[]",
    "{",
  );
  assert.equal(said, [
    "has b: true, flag: false, a: 1.5, s: é\n",
    "has b: false, flag: true, a: -1.0, s: ",
    "has b: false, flag: false, a: -1.0, s: ",
    "has b: false, flag: false, a: -1.0, s: ",
  ]);
});

test("a message longer than any before it arrives whole", async () => {
  const host = await ready();
  assert.equal(host.tell(JSON.stringify({ topic: "length", s: "x".repeat(60000) })), ["60000"]);
});

test("control requests are the protocol's JSON, and their results are told by request id", async () => {
  const host = await ready();
  assert.equal(host.tell('{"topic":"seek","to":30000}'), ["accepted"]);
  host.ack = '{"ok":false,"error":"not permitted"}';
  assert.equal(host.tell('{"topic":"seek","to":1}'), ["refused: not permitted"]);
  host.tell('{"topic":"tracks"}', '{"topic":"add"}', '{"topic":"device"}');
  assert.equal(host.requests.map((text) => JSON.parse(text)).slice(0, 3), [
    { scope: "player", command: "seek_ms", position_ms: 30000, request_id: "req-1" },
    { scope: "player", command: "seek_ms", position_ms: 1, request_id: "req-1" },
    {
      scope: "library",
      command: "list_tracks",
      folder: "",
      recursive: true,
      query: 'radio"head',
      limit: 100,
      offset: 0,
      request_id: "12",
    },
  ]);
  assert.is(
    host.requests[3],
    '{"scope":"library","command":"add_tracks_to_playlist","playlist_id":5,"track_ids":[1,2,9007199254740993]}',
  );
  assert.equal(
    host.requests.slice(4).map((text) => JSON.parse(text)),
    [
      { scope: "player", command: "set_output_device", backend: "Shared", device_id: "x" },
      { scope: "player", command: "load_track_ref", track: { id: 1 } },
      { scope: "player", command: "set_volume", volume: 0.5 },
    ],
  );
  const result = { topic: "host.control.result", request_id: "req-1", scope: "player", command: "seek_ms" };
  assert.equal(
    host.tell(JSON.stringify({ ...result, ok: true }), JSON.stringify({ ...result, ok: false, error: "no" })),
    ["it worked", "it failed: no"],
  );
});

test("log lines reach the host", async () => {
  const host = await ready();
  story(host);
  assert.is(host.logged.at(-1), "telling");
});

test("control calls leave no garbage behind", async () => {
  const host = await ready();
  const work = () => {
    host.bytesAt(host.call("bj_state_save"));
    host.descriptor;
    host.call("bj_graph_set", 14, ...host.hand(`{"x":"${"y".repeat(5000)}"}`));
    host.call("bj_graph_get", 14);
    story(host);
  };
  for (let i = 0; i < 20; i++) work();
  const bytes = host.exports.memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) work();
  assert.is(host.exports.memory.buffer.byteLength, bytes);
});

test("idle costs next to nothing while nothing was made", async () => {
  const { wasm } = await compilePlugin(join(root, SOURCE));
  const instance = (await PluginType.load(wasm)).instantiate();
  instance.activate(48000, 128);
  instance.idle();
  instance.idle();
  assert.ok(instance.units < 1000, `${instance.units} units`);
  instance.publish('{"topic":"length","s":"some text"}');
  instance.idle();
  assert.ok(instance.units > 1000, "a message leaves garbage, which is collected");
  instance.idle();
  assert.ok(instance.units < 1000, `${instance.units} units`);
});

test("idle grows no memory, whatever message it is handed", async () => {
  const host = await ready();
  const bytes = host.exports.memory.buffer.byteLength;
  for (let i = 0; i < 50; i++) host.tell(JSON.stringify({ topic: "length", s: "é".repeat(16000) }));
  assert.is(host.exports.memory.buffer.byteLength, bytes);
});

test.run();
