// What the runtime and the sidecar, the process that owns the sound card, say to each other.
//
// Requests go in by the sidecar's standard input, answers and events come out of its file descriptor 3 (its standard
// output is nobody's: audio libraries print there). Each message is a length (u32, little-endian) and that many bytes
// of MessagePack: a map. Sound does not travel here; it lies in a ring (ring.ts).
//
// Every request has an id and gets one answer with the same id: { id, ok: true, … } or { id, ok: false, code, message,
// hint }. Events have no id. A frame that can't be read is answered with id 0.

import type { ScanBounds } from "./messagepack.ts";

export const SIDECAR_VERSION = 1;

/** Most bytes of one message. */
export const MOST_MESSAGE_BYTES = 1 << 20;
/** What else a message's bytes are held to before they are decoded (messagepack.ts). */
export const MESSAGE_BOUNDS: ScanBounds = {
  bytes: MOST_MESSAGE_BYTES,
  depth: 6,
  values: 100_000,
  text: 8192,
};

/** What a wish, and what is agreed on, can hold. */
export const STREAM_BOUNDS = {
  rate: [8000, 768_000],
  channels: [1, 64],
  bufferFrames: [1, 65_536],
  chunkFrames: [16, 8192],
} as const;

/** Samples as the device takes them. */
export type SampleFormat = "float32" | "int32" | "int24" | "int16";
/** Best first. */
export const SAMPLE_FORMATS: readonly SampleFormat[] = ["float32", "int32", "int24", "int16"];

/**
 * What happens where the device can't do what is wished. nearest: the nearest that it can. fixed: an error. match: the
 * content's rate where the device has it, else the device's own.
 */
export type Fit = "nearest" | "fixed" | "match";

export interface HostApi {
  id: string;
  /** "ALSA", "JACK Audio Connection Kit", "Windows WASAPI", "ASIO"… */
  name: string;
  devices: number;
}

export interface DeviceInfo {
  /** Stays the same as long as the device does: "portaudio:ALSA:pulse", "null", "wav". */
  id: string;
  name: string;
  /** The host API's name; empty for null and wav. */
  api: string;
  channels: number;
  /** Hz. */
  defaultRate: number;
  /** Whether it is what the system plays on when nothing is said. */
  isDefault: boolean;
}

export interface DeviceList {
  apis: HostApi[];
  devices: DeviceInfo[];
  /** The PortAudio library in use, or null; where it was found, what it calls itself, whether it knows ASIO. */
  library: { path: string; version: string; asio: boolean } | null;
  /** What is missing, and how to get it; one sentence each. */
  notes: string[];
}

export interface DeviceCaps {
  id: string;
  rates: number[];
  /** The most. */
  channels: number;
  formats: SampleFormat[];
  /** Seconds that the device calls its own latency, at its lowest and at its safest; 0: not known. */
  lowLatency: number;
  highLatency: number;
}

/** What the runtime would like to play. */
export interface StreamWish {
  rate: number;
  channels: number;
  format: SampleFormat;
  fit: Fit;
  /** Frames of the device's buffer; null: the device's choice. */
  bufferFrames: number | null;
  /** Frames of one write. */
  chunkFrames: number;
  /** WASAPI: the device to itself. */
  exclusive: boolean;
}

/** What will be played. */
export interface StreamFormat {
  rate: number;
  channels: number;
  format: SampleFormat;
  bufferFrames: number | null;
  chunkFrames: number;
  /** Seconds from the ring to the device's output, as it says. */
  latency: number;
  /** How this differs from what was wished, in words; empty: not at all. */
  changes: string[];
}

export interface StreamStatus {
  state: "closed" | "open" | "running" | "paused" | "draining" | "lost";
  /** Frames handed to the device since the stream was opened. */
  playedFrames: number;
  /** Underruns of the ring, the most frames missing at once, and all of them. */
  underruns: number;
  worstShortfall: number;
  missingFrames: number;
  /** Underruns that the device reported itself. */
  deviceUnderruns: number;
}

/** Requests by name: what they take, and what their answers hold. */
export interface SidecarRequests {
  hello: { takes: { version: number }; gives: { version: number; pid: number; node: string } };
  /** `without`: names of sound libraries that are not to be asked. */
  list: { takes: { without: string[] }; gives: DeviceList };
  /** The answer's id is the request's; the device is the one that was asked for. */
  caps: { takes: { device: string }; gives: Omit<DeviceCaps, "id"> };
  open: { takes: { device: string; wish: StreamWish }; gives: StreamFormat };
  /** Plays a ring of the format's rate and channels; null: goes on with the one that it has, after a pause or stop. */
  start: { takes: { ring: { name: string; bytes: number } | null }; gives: Record<string, never> };
  pause: { takes: Record<string, never>; gives: Record<string, never> };
  /** Drops what the device holds and has not played, and goes on. */
  reset: { takes: Record<string, never>; gives: Record<string, never> };
  /** Plays what is in the ring, at most so long, and stops. `drained`: whether all of it was played. */
  drain: { takes: { milliseconds: number }; gives: { drained: boolean } };
  /** Stops at once. */
  stop: { takes: Record<string, never>; gives: Record<string, never> };
  close: { takes: Record<string, never>; gives: Record<string, never> };
  status: { takes: Record<string, never>; gives: StreamStatus };
}
export type SidecarOp = keyof SidecarRequests;

export type SidecarRequest = {
  [Op in SidecarOp]: { id: number; op: Op } & SidecarRequests[Op]["takes"];
}[SidecarOp];

export type SidecarAnswer =
  | ({ id: number; ok: true } & Record<string, unknown>)
  | { id: number; ok: false; code: string; message: string; hint: string };

export type SidecarEvent =
  | { event: "underrun"; underruns: number; worstShortfall: number; missingFrames: number }
  /** The stream is over: open it again, or another device. */
  | { event: "lost"; code: string; message: string }
  /** There are other devices than when they were last listed, as it seems: list them again. */
  | { event: "devices" }
  /** The device plays another format than was agreed on: the stream has stopped, and waits for a ring of this one. */
  | { event: "format"; format: StreamFormat }
  /** This sound library is asked for its devices next: if nothing more is heard, that was why. */
  | { event: "library"; name: string; path: string };

/** Puts the length in front of a message's bytes. */
export function frameMessage(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length, true);
  frame.set(bytes, 4);
  return frame;
}

/** Takes messages out of a stream of bytes. A message that is too large is passed over and told. */
export class MessageReader {
  private readonly length = new Uint8Array(4);
  /** Bytes of the length that are there; and of the message, once the length is known. */
  private lengthHeld = 0;
  private message: Uint8Array | null = null;
  private held = 0;
  /** Bytes of a message that is passed over. */
  private toSkip = 0;

  /** @param take gets each message's bytes; null: one that was longer than MOST_MESSAGE_BYTES */
  push(chunk: Uint8Array, take: (message: Uint8Array | null) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.toSkip > 0) {
        const skipped = Math.min(this.toSkip, chunk.length - at);
        this.toSkip -= skipped;
        at += skipped;
      } else if (this.message === null) {
        this.length[this.lengthHeld++] = chunk[at++] as number;
        if (this.lengthHeld === 4) this.begin(take);
      } else {
        const part = chunk.subarray(at, at + this.message.length - this.held);
        this.message.set(part, this.held);
        this.held += part.length;
        at += part.length;
        if (this.held === this.message.length) this.end(take);
      }
    }
  }

  private begin(take: (message: Uint8Array | null) => void): void {
    this.lengthHeld = 0;
    const length = new DataView(this.length.buffer).getUint32(0, true);
    if (length > MOST_MESSAGE_BYTES) {
      this.toSkip = length;
      take(null);
      return;
    }
    this.message = new Uint8Array(length);
    this.held = 0;
    if (length === 0) this.end(take);
  }

  private end(take: (message: Uint8Array | null) => void): void {
    const message = this.message as Uint8Array;
    this.message = null;
    take(message);
  }
}
