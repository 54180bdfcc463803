// "null": plays on nothing, in exact time.

import type { DeviceCaps, StreamWish } from "../../abi/sidecar.ts";
import { negotiate } from "../negotiate.ts";
import { FrameClock } from "./clock.ts";
import type { Backend, OpenDevice } from "./device.ts";

const RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000];
const OWN_RATE = 48_000;
const BUFFER_FRAMES = 512;

/** What is no sound card can play anything. */
export const ANYTHING: Omit<DeviceCaps, "id"> = {
  rates: RATES,
  channels: 64,
  formats: ["float32", "int32", "int24", "int16"],
  lowLatency: 0,
  highLatency: 0,
};

export const nullBackend: Backend = {
  name: "null",
  list: () => ({
    apis: [],
    devices: [
      {
        id: "null",
        name: "No sound, in exact time",
        api: "",
        channels: 64,
        defaultRate: OWN_RATE,
        isDefault: false,
      },
    ],
  }),
  caps: (id) => ({ id, ...ANYTHING }),
  open: (id, wish) => openClock(id, wish),
};

/** An open device that is a clock, and hands what it takes to `sink`. */
export function openClock(
  id: string,
  wish: StreamWish,
  sink: { write(samples: Uint8Array): void; close(): void } = { write() {}, close() {} },
): OpenDevice {
  const agreed = negotiate({ id, ...ANYTHING }, OWN_RATE, wish);
  const buffer = Math.max(wish.bufferFrames ?? BUFFER_FRAMES, wish.chunkFrames);
  const format = { ...agreed, bufferFrames: buffer, latency: buffer / agreed.rate };
  const clock = new FrameClock(format.rate, buffer);
  return {
    format,
    start: () => clock.start(),
    write(samples, frames) {
      sink.write(samples);
      return clock.take(frames);
    },
    stop: () => clock.finish(),
    abort() {},
    close: () => sink.close(),
  };
}
