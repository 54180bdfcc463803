// What the sidecar plays on. All calls of one open device come from one thread.

import type {
  DeviceCaps,
  DeviceInfo,
  HostApi,
  SampleFormat,
  StreamFormat,
  StreamWish,
} from "../../abi/sidecar.ts";

/** At once, or after a process of its own has answered. */
type Soon<T> = T | Promise<T>;

/** A kind of devices: a sound library's, a clock, a file. */
export interface Backend {
  /** Ids begin with it. */
  readonly name: string;
  list(): Soon<{ apis: HostApi[]; devices: DeviceInfo[] }>;
  /** @throws BelljarError device/unknown */
  caps(id: string): Soon<DeviceCaps>;
  /** @throws BelljarError device/unknown, device/busy, device/format, device/failed */
  open(id: string, wish: StreamWish): Soon<OpenDevice>;
}

export interface OpenDevice {
  readonly format: StreamFormat;
  /** The samples that write() is given, where it converts them itself; else the format's. */
  readonly takes?: SampleFormat;
  /** What is written is kept: no silence is to follow the last frame. */
  readonly keeps?: boolean;
  /** Begins to play what is written. */
  start(): void;
  /**
   * Hands over `frames` frames, interleaved, and returns when they are taken.
   * @returns whether the device had run dry before
   * @throws BelljarError device/lost
   */
  write(samples: Uint8Array, frames: number): boolean;
  /** The rate that it plays at now, Hz, where it can tell: it may have been turned to another one. */
  realRate?(): number;
  /** Plays what was written, and stops. */
  stop(): void;
  /** Stops at once. */
  abort(): void;
  close(): Soon<void>;
}
