// One stream of naudiodon: takes sound out of the ring, hands it to the addon, and follows orders.
//
// The addon's callback waits for the next chunk as long as it takes, and so does the device: so there is always a next one,
// of silence where the ring is empty. What the addon was given last is cut off when it is stopped: so that is silence, too.

import type { StreamFormat } from "../../abi/sidecar.ts";
import type { RingReader } from "../../shm/ring.ts";
import { bytesPerSample, Converter } from "../convert.ts";
import { type HostWords, Order } from "./words.ts";

/** The addon's own object. */
export interface AudioIO {
  start(): void;
  /** Settles when the chunk is taken. Gives what PortAudio said since the last one, or nothing. */
  write(chunk: Buffer): Promise<string | undefined>;
  quit(how: "WAIT" | "ABORT"): Promise<void>;
}

/** Chunks that the addon is to hold before it makes a write wait: what the device asks for at once, and one more. */
export function queueLength({
  bufferFrames,
  chunkFrames,
}: Pick<StreamFormat, "bufferFrames" | "chunkFrames">): number {
  return 1 + Math.max(1, Math.ceil((bufferFrames ?? 0) / chunkFrames));
}

/** Seconds of silence after the last frame, beside the device's own latency. */
const RUN_OUT = 0.1;
/** How often orders are looked at while nothing plays, and the ring at the beginning. Milliseconds. */
const IDLE = 5;

const nap = (milliseconds: number): Promise<void> =>
  new Promise((resume) => setTimeout(resume, milliseconds));

export class NaudiodonStream {
  private readonly create: () => AudioIO;
  private readonly ring: RingReader;
  private readonly words: HostWords;
  private readonly format: StreamFormat;
  private readonly converter: Converter;
  /** Frames of silence after the last one. */
  private readonly runOut: number;
  /** An addon's object plays once. The first is made when the device is opened. */
  private next: AudioIO | null;
  private writes = 0;

  /** @param latency the device's own, in seconds @throws what the addon says against the format */
  constructor(
    create: () => AudioIO,
    ring: RingReader,
    words: HostWords,
    format: StreamFormat,
    latency: number,
  ) {
    this.create = create;
    this.ring = ring;
    this.words = words;
    this.format = format;
    const { rate, bufferFrames } = format;
    // With a buffer that is wished, systems hold up to three of its kind.
    this.runOut = (latency + RUN_OUT) * rate + 3 * (bufferFrames ?? 0);
    this.converter = new Converter(format.format, format.chunkFrames * format.channels);
    this.next = create();
  }

  /** Follows orders until one fails. */
  async run(): Promise<void> {
    const { words } = this;
    try {
      for (;;) {
        if (words.order === Order.Play && words.done !== Order.Play) await this.play();
        else await nap(IDLE);
      }
    } catch (error) {
      words.failure = String((error as Error).message);
    }
  }

  private async play(): Promise<void> {
    const { ring, words, converter } = this;
    const { chunkFrames } = this.format;
    const io = this.next ?? this.create();
    this.next = null;
    this.writes = 0;
    words.done = Order.Play;
    while (words.order === Order.Play && ring.available < chunkFrames) await nap(1);
    while (words.order === Order.Play) {
      await this.waitForChunk();
      ring.read(converter.floats, chunkFrames);
      await this.hand(io, chunkFrames);
    }
    const order = words.order;
    if (order === Order.Stop) await this.playOut(io);
    await io.quit(order === Order.Stop && this.writes > 0 ? "WAIT" : "ABORT");
    words.done = order;
  }

  /** What the addon still holds can be waited for, and no longer. */
  private async waitForChunk(): Promise<void> {
    const { ring, words } = this;
    const { chunkFrames, rate } = this.format;
    const end = performance.now() + ((queueLength(this.format) - 1) * chunkFrames * 1000) / rate;
    while (words.order === Order.Play && ring.available < chunkFrames && performance.now() < end)
      await nap(1);
  }

  /** Plays what is left in the ring, and silence behind it. */
  private async playOut(io: AudioIO): Promise<void> {
    const { ring, converter } = this;
    const { chunkFrames } = this.format;
    for (let left = ring.available; left > 0; left = ring.available) {
      const frames = Math.min(left, chunkFrames);
      ring.read(converter.floats, frames);
      await this.hand(io, frames);
    }
    if (this.writes === 0) return;
    converter.floats.fill(0);
    for (let done = 0; done < this.runOut; done += chunkFrames) await this.hand(io, chunkFrames);
  }

  /** Hands over the converter's first frames. */
  private async hand(io: AudioIO, frames: number): Promise<void> {
    const { converter, words } = this;
    const { channels, format } = this.format;
    converter.convert(frames * channels);
    const { buffer, byteOffset } = converter.bytes;
    // It copies them before it returns.
    const said = io.write(Buffer.from(buffer, byteOffset, frames * channels * bytesPerSample(format)));
    // It begins with chunks in hand.
    if (++this.writes === queueLength(this.format)) io.start();
    if ((await said)?.includes("output underflow")) words.countUnderrun();
  }
}
