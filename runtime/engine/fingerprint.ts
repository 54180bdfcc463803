// A hash of sound: the same for the same samples, whatever the machine.

import { createHash } from "node:crypto";

/**
 * SHA-256 over one line of text, "belljar 1 RATE BLOCK CHANNELS" and a line feed, then every sample, frame by frame, as a
 * little-endian float32; -0 counts as +0.
 */
export class Fingerprint {
  private readonly hash = createHash("sha256");
  private readonly bytes = new Uint8Array(65536);
  private readonly view = new DataView(this.bytes.buffer);
  private used = 0;
  private readonly channels: number;

  constructor(rate: number, block: number, channels: number) {
    this.channels = channels;
    this.hash.update(`belljar 1 ${rate} ${block} ${channels}\n`);
  }

  /** @param samples one array a channel, of `offset + frames` samples at least */
  write(samples: readonly Float32Array[], frames: number, offset = 0): void {
    if (samples.length !== this.channels)
      throw new RangeError(`${samples.length} channels, not ${this.channels}`);
    for (let i = offset; i < offset + frames; i++) {
      for (let c = 0; c < this.channels; c++) {
        if (this.used === this.bytes.length) this.flush();
        // Adding zero turns -0 into +0 and keeps every other number.
        this.view.setFloat32(this.used, ((samples[c] as Float32Array)[i] as number) + 0, true);
        this.used += 4;
      }
    }
  }

  /** The hash, in hexadecimal. Nothing can be written afterwards. */
  digest(): string {
    this.flush();
    return this.hash.digest("hex");
  }

  private flush(): void {
    this.hash.update(this.bytes.subarray(0, this.used));
    this.used = 0;
  }
}
