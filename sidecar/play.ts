// The loop that plays a ring on a device: read a chunk, convert it, hand it over; until it is told otherwise.

import { RingState } from "../abi/ring.ts";
import type { RingReader } from "../shm/ring.ts";
import { bytesPerSample, Converter } from "./convert.ts";
import type { OpenDevice } from "./devices/device.ts";
import { SAME_RATE } from "./negotiate.ts";
import {
  AT_BEAT,
  AT_COMMAND,
  AT_DEVICE_UNDERRUNS,
  AT_MISSING,
  AT_PLAYED,
  AT_UNDERRUNS,
  AT_WORST,
  Command,
} from "./words.ts";

/** Milliseconds that the first frames may be waited for. */
const PATIENCE = 100;

/** How often the device is asked at what rate it plays. */
const RATE_EVERY_SECONDS = 0.5;

/** What a device may hold beside what it says; and for how long it waits that holds more. Milliseconds. */
const MOST_AHEAD_SECONDS = 1;
const AHEAD_NAP = 10;
/** How often it is looked, after the last frame, whether it is to end. Milliseconds. */
const END_NAP = 5;

/** changed: the device plays at another rate than was agreed on. */
export type Ending = "paused" | "drained" | "stopped" | "changed";

/**
 * Plays until a command ends it. Blocks its thread.
 * @throws BelljarError device/lost
 */
export function play(ring: RingReader, device: OpenDevice, words: Int32Array): Ending {
  const { chunkFrames, channels, rate } = device.format;
  const format = device.takes ?? device.format.format;
  const converter = new Converter(format, chunkFrames * channels);
  const { bytes } = converter;
  const prelude = Math.ceil(device.format.latency * rate) + chunkFrames;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  let handed = 0;
  let began = performance.now();
  let rateKnown = 0;
  device.start();
  for (;;) {
    const command = Atomics.load(words, AT_COMMAND);
    if (command === Command.Pause) {
      device.stop();
      return "paused";
    }
    if (command === Command.Stop) {
      device.abort();
      return "stopped";
    }
    if (command === Command.Reset) {
      device.abort();
      device.start();
      Atomics.compareExchange(words, AT_COMMAND, Command.Reset, Command.Play);
    }
    // A device that takes sound faster than time goes would race through the music.
    const ahead = handed / rate - (performance.now() - began) / 1000;
    if (ahead < 0) began -= ahead * 1000;
    if (ahead > device.format.latency + MOST_AHEAD_SECONDS) {
      Atomics.wait(nap, 0, 0, AHEAD_NAP);
      Atomics.add(words, AT_BEAT, 1);
      continue;
    }
    if (handed - rateKnown >= rate * RATE_EVERY_SECONDS) {
      rateKnown = handed;
      const now = device.realRate?.() ?? 0;
      if (now > 0 && Math.abs(now / rate - 1) > SAME_RATE) {
        device.abort();
        return "changed";
      }
    }
    let frames = chunkFrames;
    if (command === Command.Drain) {
      frames = Math.min(frames, ring.available);
      if (frames === 0) {
        device.stop();
        return "drained";
      }
    }
    // In a file nothing is to follow the last frame.
    if (device.keeps === true && ring.state === RingState.Draining && command !== Command.Drain) {
      frames = Math.min(frames, ring.available);
      if (frames === 0) {
        Atomics.wait(nap, 0, 0, END_NAP);
        Atomics.add(words, AT_BEAT, 1);
        continue;
      }
    }
    // A device fills its own buffer faster than the sound goes: that the ring can't follow at first is no underrun.
    if (handed < prelude) ring.waitFor(frames, PATIENCE);
    handed += frames;
    const count = ring.read(converter.floats, frames);
    converter.convert(frames * channels);
    const samples =
      frames === chunkFrames ? bytes : bytes.subarray(0, frames * channels * bytesPerSample(format));
    if (device.write(samples, frames)) Atomics.add(words, AT_DEVICE_UNDERRUNS, 1);
    Atomics.add(words, AT_PLAYED, count);
    Atomics.add(words, AT_BEAT, 1);
    Atomics.store(words, AT_UNDERRUNS, ring.underruns);
    Atomics.store(words, AT_WORST, ring.worstShortfall);
    Atomics.store(words, AT_MISSING, ring.missing);
  }
}
