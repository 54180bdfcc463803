// The piece that plugins are measured with: the same bits everywhere, and what it promises to be.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import { heldNotes, noise } from "../../runtime/bench/piece.ts";

test("the noise is that of a linear congruential generator, to the last bit", () => {
  const samples = noise(3);
  let state = BigInt.asIntN(32, 4n * 0x9e3779b1n);
  for (let i = 0; i < 40_000; i++) {
    state = BigInt.asIntN(32, state * 1_664_525n + 1_013_904_223n);
    const level = i % 32_768 < 16_384 ? 2 ** -2 : 2 ** -5;
    // The upper 24 bits: a float32 holds them exactly.
    assert.is(samples[i], (Number(state >> 8n) / 2 ** 23) * level, `sample ${i}`);
  }
});

test("two channels have different noise, of about the same power, without an offset", () => {
  const [left, right] = [noise(0), noise(1)];
  const mean = (values: Float32Array) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const power = (values: Float32Array) => mean(values.map((one) => one * one));
  // Uniform noise of amplitude a has the power a²/3; half of it is loud, half quiet.
  const expected = (0.25 ** 2 + 0.03125 ** 2) / 6;
  for (const side of [left, right]) {
    assert.ok(Math.abs(mean(side)) < 0.002);
    assert.ok(Math.abs(power(side) / expected - 1) < 0.02);
  }
  const together = mean(left.map((one, i) => one * (right[i] as number)));
  assert.ok(Math.abs(together) < expected * 0.02);
});

for (const voices of [1, 5, 16, 100]) {
  test(`${voices} held notes: so many sound at any time once all have begun, and each is struck again every two seconds`, () => {
    const rate = 44_100;
    const frames = rate * 7;
    const s = heldNotes(voices, rate, frames);
    const sounding = new Map<number, number>();
    const strikes = new Map<number, number[]>();
    let before = 0;
    for (let i = 0; i < s.length; i++) {
      const frame = s.frame[i] as number;
      const place = (s.channel[i] as number) * 128 + (s.key[i] as number);
      assert.ok(frame >= before && frame < frames && Number.isInteger(frame));
      assert.ok((s.key[i] as number) >= 36 && (s.key[i] as number) <= 96 && (s.channel[i] as number) < 16);
      if (s.type[i] === EventType.NoteOff) {
        assert.is(sounding.get(place), s.noteId[i], "a note-off ends the note that it names");
        sounding.delete(place);
      } else {
        assert.is(s.type[i], EventType.NoteOn);
        assert.not(sounding.has(place), "a key is let go before it is struck again");
        sounding.set(place, s.noteId[i] as number);
        strikes.set(place, [...(strikes.get(place) ?? []), frame]);
        assert.ok((s.value[i] as number) > 0 && (s.value[i] as number) <= 1);
      }
      const last = s.frame[i + 1] === undefined || (s.frame[i + 1] as number) > frame;
      if (last && frame >= voices * (rate / 1000)) assert.is(sounding.size, voices, `frame ${frame}`);
      before = frame;
    }
    assert.is(strikes.size, voices);
    for (const [, at] of strikes) {
      for (let i = 2; i < at.length; i++) {
        assert.ok(Math.abs((at[i] as number) - (at[i - 1] as number) - 2 * rate) <= 1);
      }
    }
    assert.is(
      s.nextNoteId,
      [...strikes.values()].reduce((sum, at) => sum + at.length, 0),
    );
  });
}

test.run();
