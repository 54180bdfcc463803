// builtin.sine: the specification's descriptor, the right pitch, no clicks, no hanging notes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import { instance, load, RATE, render, strength } from "./load.ts";

/** Blocks so long that all events of a test fall into the first. */
const long = { maxFrames: 16384 };

test("it describes itself as the specification's example does", async () => {
  const { descriptor } = await load("sine");
  const { id, display_name, category, doc, config_params } = descriptor;
  assert.equal(
    { id, display_name, category, doc, config_params },
    {
      id: "builtin.sine",
      display_name: "Sine Synth",
      category: "Synth",
      doc: "Simple sine wave synthesizer for testing.",
      config_params: [],
    },
  );
  const [out, gain, events, ...rest] = descriptor.ports;
  assert.equal(
    [out?.id, out?.display_name, out?.type, out?.role, out?.doc],
    ["audio_out", "Audio Out", "audio_stereo", "output", "Stereo audio output"],
  );
  assert.equal(
    [gain?.id, gain?.display_name, gain?.type, gain?.role, gain?.hint, gain?.doc],
    ["gain", "Gain", "control", "input", "continuous", "Output volume"],
  );
  assert.equal([gain?.min, gain?.max, gain?.default], [0, 1, 0.15]);
  assert.equal([events?.type, events?.role, rest.length], ["event", "input", 0]);
});

test("a key sounds at its frequency in equal temperament, and nowhere else", async () => {
  for (const key of [33, 60, 69, 96]) {
    const synth = await instance("sine", { params: { gain: 1 } });
    const { left, right } = render(synth, RATE * 2, (at) => at === 0 && synth.noteOn(0, key, 1));
    assert.equal(left, right);
    const steady = left.subarray(RATE);
    const hz = 440 * 2 ** ((key - 69) / 12);
    assert.ok(Math.abs(strength(steady, hz) - 0.7) < 0.01, `key ${key}`);
    for (const other of [hz / 2, hz * 2, hz * 3, hz + 20]) assert.ok(strength(steady, other) < 0.01);
  }
});

test("a bend of 1 is two semitones, on its channel alone", async () => {
  const synth = await instance("sine", { params: { gain: 1 } });
  const { left } = render(synth, RATE * 2, (at) => {
    if (at !== 0) return;
    synth.noteOn(0, 69, 1, 0);
    synth.noteOn(0, 57, 1, 1);
    synth.event(0, EventType.Bend, { channel: 0, value: 1 });
  });
  const steady = left.subarray(RATE);
  assert.ok(strength(steady, 440 * 2 ** (2 / 12)) > 0.69);
  assert.ok(strength(steady, 220) > 0.69);
  assert.ok(strength(steady, 440) < 0.01);
});

test("a note begins at its very frame", async () => {
  const synth = await instance("sine", long);
  synth.noteOn(1000, 69, 1);
  const { left } = render(synth, 2000);
  assert.is(
    left.findIndex((sample) => sample !== 0),
    1001,
  ); // a sine's first sample is 0
});

test("nothing clicks: not at attack, release, choke, retriggering, stealing, bends", async () => {
  const synth = await instance("sine", { ...long, params: { gain: 1 } });
  synth.noteOn(100, 40, 1);
  synth.noteOn(5000, 40, 0.2);
  synth.event(7000, EventType.Bend, { channel: 0, value: -1 });
  synth.noteOff(9000, 40);
  synth.noteOn(10000, 45, 1);
  synth.event(12000, EventType.Choke, { channel: 0, key: 45 });
  const { left } = render(synth, RATE / 2);
  // the largest step of two voices of 110 Hz, and some for the envelope
  const most = 2 * ((2 * Math.PI * 110) / RATE) * 1.1 + 0.02;
  for (let i = 1; i < left.length; i++) {
    assert.ok(Math.abs(left[i]! - left[i - 1]!) < most, `frame ${i}: ${left[i - 1]} to ${left[i]}`);
  }
});

test("40 notes at once sound with 32 voices, and all end", async () => {
  const synth = await instance("sine", { params: { gain: 1 } });
  for (let key = 40; key < 80; key++) synth.noteOn(0, key, 1);
  const { left } = render(synth, RATE);
  assert.ok(strength(left, 440 * 2 ** ((79 - 69) / 12)) > 0.5);
  for (let key = 40; key < 80; key++) synth.noteOff(0, key);
  render(synth, RATE);
  assert.ok(render(synth, 128).left.every((sample) => sample === 0));
});

test("the sound ends within the tail that it promises", async () => {
  const synth = await instance("sine");
  render(synth, RATE, (at) => at === 0 && synth.noteOn(0, 60, 1));
  synth.noteOff(0, 60);
  render(synth, synth.tail);
  assert.ok(render(synth, 128).left.every((sample) => sample === 0));
});

test("the pedal holds notes until it is lifted", async () => {
  const synth = await instance("sine");
  synth.event(0, EventType.ControlChange, { channel: 0, id: 64, value: 1 });
  synth.noteOn(0, 69);
  synth.noteOff(64, 69);
  render(synth, RATE);
  assert.ok(synth.output().peak > 0.01);
  synth.event(0, EventType.ControlChange, { channel: 0, id: 64, value: 0 });
  render(synth, RATE);
  assert.is(synth.output().peak, 0);
});

test("all notes off, and a reset, leave nothing hanging", async () => {
  const synth = await instance("sine");
  for (let key = 0; key < 20; key++) synth.noteOn(0, 40 + key, 0.8, key % 16);
  render(synth, 4800);
  synth.event(0, EventType.AllNotesOff, { channel: -1 });
  render(synth, RATE);
  assert.is(synth.output().peak, 0);
  synth.noteOn(0, 60);
  render(synth, 4800);
  synth.reset();
  render(synth, 128);
  assert.is(synth.output().peak, 0);
});

test("a note id ends its own note of two on one key", async () => {
  const synth = await instance("sine", { params: { gain: 1 } });
  synth.event(0, EventType.NoteOn, { channel: 0, key: 69, value: 1, noteId: 1 });
  synth.event(0, EventType.NoteOn, { channel: 0, key: 69, value: 1, noteId: 2 });
  render(synth, RATE);
  synth.event(0, EventType.NoteOff, { channel: 0, key: 69, noteId: 1 });
  render(synth, RATE);
  const { left } = render(synth, RATE);
  assert.ok(Math.abs(strength(left, 440) - 0.7) < 0.01);
});

test("block sizes make no difference", async () => {
  const sounds = [];
  for (const maxFrames of [1, 37, 128, 4096]) {
    const synth = await instance("sine", { maxFrames });
    const notes = [
      { frame: 10, key: 60 },
      { frame: 777, key: 67 },
      { frame: 778, key: 72 },
    ];
    sounds.push(
      render(synth, 4096, (at, count) => {
        for (const { frame, key } of notes)
          if (frame >= at && frame < at + count) synth.noteOn(frame - at, key);
      }).left,
    );
  }
  for (const sound of sounds) assert.equal(sound, sounds[0]);
});

test("as many notes, chokes or bends as a block has room for do not exhaust its budget", async () => {
  const kinds: [EventType, object][] = [
    [EventType.NoteOn, { channel: 0, key: 60, value: 1 }],
    [EventType.Choke, { channel: -1, key: -1 }],
    [EventType.Bend, { channel: -1, value: 0.5 }],
  ];
  for (const [type, fields] of kinds) {
    const synth = await instance("sine");
    for (let key = 40; key < 72; key++) synth.noteOn(0, key, 1, 0);
    let sent = 0;
    while (sent < 1000 && synth.event(0, type, fields) !== false) sent++;
    assert.ok(sent > 900, `${sent}`);
    assert.ok(synth.process(128), `${EventType[type]}: ${synth.fault?.message}`);
  }
});

test.run();
