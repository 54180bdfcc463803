// MIDI inputs that come and go, with a driver that the test holds in its hands; and the clocks that notes are placed by.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../../abi/error.ts";
import { EventType } from "../../../abi/layout.ts";
import { FrameClock, frameAt } from "../../../runtime/engine/live/frame-clock.ts";
import { ArrivalClock } from "../../../runtime/engine/live/midi-arrival.ts";
import type { MidiDriver } from "../../../runtime/engine/live/midi-driver.ts";
import { findInput, MidiHub } from "../../../runtime/engine/live/midi-hub.ts";
import type { MidiInputEvent } from "../../../runtime/engine/live/midi-input.ts";
import { LiveWords } from "../../../runtime/engine/live/words.ts";

const { NoteOn, NoteOff, ControlChange } = EventType;
const ALL = -1;

/** A system's MIDI: inputs that a test plugs in and plays on. */
class System implements MidiDriver {
  names: string[];
  /** Inputs that another program has. */
  readonly taken = new Set<string>();
  readonly open_ = new Map<string, (bytes: Uint8Array, since: number) => void>();
  opened = 0;
  time = 1000;
  readonly played: [connection: number, type: number, key: number, time: number, noteId: number][] = [];
  readonly told: [what: string, connection: number, device: string][] = [];
  readonly hub = new MidiHub({
    driver: this,
    now: () => this.time,
    play: (connection, time, { type, key, noteId }: MidiInputEvent) => {
      this.played.push([connection, type, key, time, noteId]);
    },
    tell: (...told) => this.told.push(told),
  });

  constructor(...names: string[]) {
    this.names = names;
  }

  inputs(): string[] {
    return this.names;
  }

  open(name: string, receive: (bytes: Uint8Array, since: number) => void) {
    if (this.taken.has(name) || !this.names.includes(name)) throw new BelljarError("midi/open", name);
    this.opened++;
    this.open_.set(name, receive);
    return { close: () => this.open_.delete(name) };
  }

  send(name: string, ...bytes: number[]): void {
    this.open_.get(name)?.(Uint8Array.from(bytes), 0);
  }

  /** What was played since this was asked last. */
  take(): number[][] {
    return this.played.splice(0).map(([connection, type, key]) => [connection, type, key]);
  }
}

const KEYS = "Keys:Keys MIDI 1 20:0";
const PADS = "Pads:Pads MIDI 1 24:0";

function refused(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.instance(error, BelljarError);
    return `${(error as BelljarError).code}: ${(error as BelljarError).message}`;
  }
  return "nothing";
}

test("an input is named by its name, or a part of it that it alone has", () => {
  const names = [KEYS, PADS, "Pads"];
  assert.is(findInput(KEYS, names), KEYS);
  assert.is(findInput("keys", names), KEYS);
  assert.is(findInput("24:0", names), PADS);
  // A whole name goes before a part.
  assert.is(findInput("Pads", names), "Pads");
  assert.is(
    refused(() => findInput("pads", names)),
    `midi/input: "pads" could be any of the MIDI inputs "${PADS}", "Pads".`,
  );
  assert.is(
    refused(() => findInput("", names)),
    `midi/input: There is no MIDI input ""; there are "${KEYS}", "${PADS}", "Pads".`,
  );
  assert.is(
    refused(() => findInput("x\u001b", [])),
    `midi/input: There is no MIDI input "x\ufffd"; none is connected.`,
  );
});

test("what comes over a connection is played on it, and one input may have several", () => {
  const system = new System(KEYS, PADS);
  assert.is(system.hub.connect(0, { device: "keys", channel: ALL }), KEYS);
  assert.is(system.hub.connect(1, { device: "pads", channel: ALL }), PADS);
  system.hub.connect(2, { device: "keys", channel: 3 });
  assert.is(system.opened, 2);
  system.send(KEYS, 0x90, 60, 1);
  system.send(PADS, 0x90, 61, 1);
  system.send(KEYS, 0x93, 62, 1);
  const ids = new Set(system.played.map(([, , , , noteId]) => noteId));
  assert.is(ids.size, 4);
  assert.equal(system.take(), [
    [0, NoteOn, 60],
    [1, NoteOn, 61],
    [0, NoteOn, 62],
    [2, NoteOn, 62],
  ]);
  system.hub.disconnect(0);
  assert.equal(system.take(), [
    [0, NoteOff, 60],
    [0, NoteOff, 62],
  ]);
  system.send(KEYS, 0x93, 62, 0);
  assert.equal(system.take(), [[2, NoteOff, 62]]);
  system.hub.disconnect(2);
  assert.equal([...system.open_.keys()], [PADS]);
  system.hub.close();
  assert.is(system.open_.size, 0);
});

test("an input that is pulled out lets go of its notes and pedals, says so once, and comes back under another number", () => {
  const system = new System(KEYS, PADS);
  system.hub.connect(0, { device: "keys", channel: ALL });
  system.hub.connect(1, { device: "pads", channel: ALL });
  system.send(KEYS, 0x90, 60, 1, 0xb0, 64, 127);
  system.send(PADS, 0x90, 61, 1);
  system.take();
  system.names = [PADS];
  system.hub.look();
  system.hub.look();
  assert.equal(system.told, [["lost", 0, KEYS]]);
  assert.equal(system.take(), [
    [0, ControlChange, -1],
    [0, NoteOff, 60],
  ]);
  assert.equal([...system.open_.keys()], [PADS]);
  const again = "Keys:Keys MIDI 1 28:0";
  system.names = [PADS, again];
  system.taken.add(again);
  system.hub.look();
  system.taken.clear();
  assert.is(system.told.length, 1);
  system.hub.look();
  system.hub.look();
  assert.equal(system.told.slice(1), [["back", 0, again]]);
  system.send(again, 0x90, 60, 1);
  assert.equal(system.take(), [[0, NoteOn, 60]]);
});

test("where two could be the one that was pulled out, none is taken", () => {
  const system = new System(KEYS);
  system.hub.connect(0, { device: KEYS, channel: ALL });
  system.names = [];
  system.hub.look();
  system.names = ["Keys:Keys MIDI 1 28:0", "Keys:Keys MIDI 1 32:0"];
  system.hub.look();
  assert.equal(
    system.told.map(([what]) => what),
    ["lost"],
  );
  system.names = ["Keys:Keys MIDI 1 32:0"];
  system.hub.look();
  assert.is(system.told.at(-1)?.[0], "back");
});

test("a system whose MIDI goes away as a whole loses its inputs, and does not throw", () => {
  const system = new System(KEYS);
  system.hub.connect(0, { device: KEYS, channel: ALL });
  const { inputs } = system;
  system.inputs = () => {
    throw new BelljarError("midi/system", "Away.");
  };
  system.hub.look();
  system.inputs = inputs;
  system.hub.look();
  assert.equal(
    system.told.map(([what]) => what),
    ["lost", "back"],
  );
});

test("an input that can't be opened is refused, and nothing is kept of it", () => {
  const system = new System(KEYS);
  system.taken.add(KEYS);
  assert.is(
    refused(() => system.hub.connect(0, { device: KEYS, channel: ALL })),
    `midi/open: ${KEYS}`,
  );
  system.taken.clear();
  system.hub.look();
  assert.is(system.opened, 0);
  assert.equal(system.told, []);
});

test("when the piece ends, notes are let go and nothing more is heard, until it begins again", () => {
  const system = new System(KEYS);
  system.hub.connect(0, { device: KEYS, channel: ALL });
  system.send(KEYS, 0x90, 60, 1);
  system.hub.setDeaf(true);
  system.send(KEYS, 0x90, 62, 1);
  assert.equal(system.take(), [
    [0, NoteOn, 60],
    [0, NoteOff, 60],
  ]);
  system.hub.setDeaf(false);
  system.send(KEYS, 0x90, 64, 1);
  assert.equal(system.take(), [[0, NoteOn, 64]]);
});

test("messages get the time at which they came, however late the thread is told: to the soonest of its tellings", () => {
  const late = fc.array(fc.tuple(fc.double({ min: 0.1, max: 200, noNaN: true }), fc.nat({ max: 40 })), {
    minLength: 2,
    maxLength: 100,
  });
  fc.assert(
    fc.property(late, (messages) => {
      const clock = new ArrivalClock();
      let came = 5000;
      let told = came;
      for (const [i, [since, lateness]] of messages.entries()) {
        came += i === 0 ? 0 : since;
        // The first is told of at once, so the soonest telling is no telling late.
        told = Math.max(told, came + (i === 0 || i % 20 === 0 ? 0 : lateness));
        const at = clock.at(told, i === 0 ? 0 : since);
        assert.ok(at <= told + 1e-6);
        if (came < 5000 + 2000) assert.ok(Math.abs(at - came) < 1e-6, `${at}, not ${came}`);
      }
    }),
  );
});

test("a driver that says nothing of time, or nonsense, is not believed: what counts is when the thread was told", () => {
  for (const nonsense of [0, Number.NaN, -5, Number.POSITIVE_INFINITY, 1e12]) {
    const clock = new ArrivalClock();
    for (let now = 1000; now < 100_000; now += 777) assert.is(clock.at(now, nonsense), now);
  }
});

function frames(rate: number, block: number) {
  const words = new LiveWords(1);
  const time = new Float64Array(1);
  const clock = new FrameClock(words, { read: () => {}, time }, rate, block, false);
  return {
    words,
    begin(at: number, missing = 0): void {
      time[0] = at;
      clock.see(missing);
    },
    end: () => words.endBlock(block),
  };
}

test("what happens at even distances sounds at even distances, however unevenly blocks begin", () => {
  const { words, begin, end } = frames(48_000, 128);
  const length = 128 / 48;
  // The sink takes 1,024 frames at a time; the thread that hears of it is up to 3 ms late.
  const lateness = (i: number): number => (i % 5 === 0 ? 0 : ((i * 7919) % 300) / 100);
  const placed: number[] = [];
  for (let i = 0; i < 2000; i++) {
    const chunk = Math.floor(i / 8);
    const at = 70_000 + (chunk * 8 + 7) * length + lateness(chunk);
    begin(at);
    if (i >= 800) placed.push(frameAt(words, at) - (at - 70_000) * 48);
    // What comes in while a block is being made is never in a block that is over.
    assert.ok(frameAt(words, at) >= words.frame + 128, `block ${i}`);
    end();
  }
  const [least, most] = [Math.min(...placed), Math.max(...placed)];
  assert.ok(most - least <= 1, `${least} to ${most}`);
  assert.is(Math.round(least), 128 + 48);
});

test("after silence that the sink put in, the lag is what it was", () => {
  const { words, begin, end } = frames(48_000, 480);
  for (let i = 0; i < 100; i++) {
    // From the fiftieth block on, 30 ms are missing.
    const at = 1000 + i * 10 + (i < 50 ? 0 : 30);
    begin(at, i < 50 ? 0 : 30 * 48);
    assert.is(frameAt(words, at), words.frame + 480 + 48, `block ${i}`);
    end();
  }
});

test("where the sound stood still its clock begins anew; where none is, events sound at once", () => {
  const { words, begin, end } = frames(48_000, 480);
  assert.is(frameAt(new LiveWords(1), 12_345), 0);
  for (let i = 0; i < 50; i++) {
    begin(1000 + i * 10);
    end();
  }
  assert.is(frameAt(words, 1500), 500 * 48 + 480 + 48);
  // Further away than anything that happens.
  assert.is(frameAt(words, 9000), 0);
  begin(4000);
  assert.is(frameAt(words, 4000), words.frame + 480 + 48);
});

test.run();
