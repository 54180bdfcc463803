import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_BYTES,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_HAS_TEMPO,
  TRANSPORT_NUMERATOR,
  TRANSPORT_PLAYING,
  TRANSPORT_SECONDS,
} from "../../abi/layout.ts";
import { readMidiFile } from "../../runtime/engine/midi-file.ts";
import { TransportClock } from "../../runtime/engine/transport.ts";
import { midiFile } from "./fixtures/midi.ts";

function at(clock: TransportClock, frame: number) {
  const view = new DataView(new ArrayBuffer(TRANSPORT_BYTES));
  clock.write(view, frame);
  const read = (offset: number): number => Math.round(view.getFloat64(offset, true) * 1e9) / 1e9;
  return {
    bpm: read(TRANSPORT_BPM),
    beat: read(TRANSPORT_BEAT),
    bar: read(TRANSPORT_BAR_START),
    seconds: read(TRANSPORT_SECONDS),
    meter: `${view.getUint16(TRANSPORT_NUMERATOR, true)}/${view.getUint16(TRANSPORT_DENOMINATOR, true)}`,
    flags: view.getUint32(TRANSPORT_FLAGS, true),
  };
}

test("with a constant tempo beats follow from seconds, in bars of four", () => {
  const clock = new TransportClock(48000, 90, null);
  const flags = TRANSPORT_PLAYING | TRANSPORT_HAS_TEMPO;
  assert.equal(at(clock, 0), { bpm: 90, beat: 0, bar: 0, seconds: 0, meter: "4/4", flags });
  assert.equal(at(clock, 48000 * 4), { bpm: 90, beat: 6, bar: 4, seconds: 4, meter: "4/4", flags });
});

test("a MIDI file's tempo map and time signatures count", () => {
  // 120 a minute in 3/4 for six quarters (3 s), then 60 a minute in 6/8.
  const song = readMidiFile(
    midiFile(96, [
      { tick: 0, meta: [0x58, 3, 2, 24, 8] },
      { tick: 0, meta: [0x51, 0x07, 0xa1, 0x20] },
      { tick: 576, meta: [0x51, 0x0f, 0x42, 0x40] },
      { tick: 576, meta: [0x58, 6, 3, 24, 8] },
      { tick: 1152, meta: [0x2f] },
    ]),
    "song.mid",
  );
  const clock = new TransportClock(1000, 33, song);
  const short = (frame: number): unknown[] => {
    const { bpm, beat, bar, meter } = at(clock, frame);
    return [bpm, beat, bar, meter];
  };
  assert.equal(short(0), [120, 0, 0, "3/4"]);
  assert.equal(short(1000), [120, 2, 0, "3/4"]);
  assert.equal(short(2250), [120, 4.5, 3, "3/4"]);
  assert.equal(short(3000), [60, 6, 6, "6/8"]);
  assert.equal(short(7500), [60, 10.5, 9, "6/8"]);
});

test("a MIDI file without a tempo plays at 120 a minute, whatever the session says", () => {
  const song = readMidiFile(midiFile(96, [{ tick: 96, meta: [0x2f] }]), "song.mid");
  assert.is(at(new TransportClock(1000, 33, song), 1000).beat, 2);
  assert.is(at(new TransportClock(1000, 33, song), 1000).bpm, 120);
});

test.run();
