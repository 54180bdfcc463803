// What the sidecar plays on. All calls of one open device come from one thread.

import type { DeviceCaps, DeviceInfo, HostApi, StreamFormat, StreamWish } from "../../abi/sidecar.ts";

/** A kind of devices: a sound library's, a clock, a file. */
export interface Backend {
  /** Ids begin with it. */
  readonly name: string;
  list(): { apis: HostApi[]; devices: DeviceInfo[] };
  /** @throws BelljarError device/unknown */
  caps(id: string): DeviceCaps;
  /** @throws BelljarError device/unknown, device/busy, device/format, device/failed */
  open(id: string, wish: StreamWish): OpenDevice;
}

export interface OpenDevice {
  readonly format: StreamFormat;
  /** Begins to play what is written. */
  start(): void;
  /**
   * Hands over `frames` frames, in the format's samples, interleaved, and returns when they are taken.
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
  close(): void;
}
