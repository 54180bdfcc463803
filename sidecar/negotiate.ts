// What is wished, and what a device can: agreed on.

import { BelljarError } from "../abi/error.ts";
import { type DeviceCaps, SAMPLE_FORMATS, type StreamFormat, type StreamWish } from "../abi/sidecar.ts";

/** Share by which two rates that count as the same may differ: no clock is exact. */
export const SAME_RATE = 0.002;

/**
 * @param ownRate the device's own rate, Hz
 * @throws BelljarError device/format where the wish is fixed and the device can't do it
 */
export function negotiate(caps: DeviceCaps, ownRate: number, wish: StreamWish): StreamFormat {
  const changes: string[] = [];
  const settle = <T>(what: string, wished: T, settled: T, can: string): T => {
    if (settled === wished) return settled;
    if (wish.fit === "fixed") {
      throw new BelljarError(
        "device/format",
        `"${caps.id}" does not play ${wished}${what}; it plays ${can}.`,
        "Ask for one of these, or let it choose the nearest.",
      );
    }
    changes.push(`${settled}${what} instead of ${wished}${what}`);
    return settled;
  };
  const rate = settle(" Hz", wish.rate, rateFor(caps, ownRate, wish), `${caps.rates.join(", ")} Hz`);
  const channels = settle(
    " channels",
    wish.channels,
    Math.min(wish.channels, caps.channels),
    `up to ${caps.channels} channels`,
  );
  const best = SAMPLE_FORMATS.find((format) => caps.formats.includes(format)) ?? "float32";
  const format = settle(
    "",
    wish.format,
    caps.formats.includes(wish.format) ? wish.format : best,
    caps.formats.join(", "),
  );
  return {
    rate,
    channels,
    format,
    bufferFrames: wish.bufferFrames,
    chunkFrames: wish.chunkFrames,
    latency: caps.lowLatency,
    changes,
  };
}

function rateFor({ rates }: DeviceCaps, ownRate: number, { rate, fit }: StreamWish): number {
  if (rates.includes(rate) || rates.length === 0) return rate;
  if (fit === "match") return ownRate;
  // By ratio, since pitch is heard so; the higher of two that are as near.
  const far = (one: number): number => Math.abs(Math.log(one / rate));
  return [...rates].sort((a, b) => far(a) - far(b) || b - a)[0] as number;
}
