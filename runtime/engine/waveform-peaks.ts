// The shape of a sound of any length in little memory, gathered block by block.

/** Spans of frames that are kept a channel; when they are full, neighbours merge and each span holds twice as many frames. */
const SPANS = 4096;

/** What a picture needs of one channel. */
export class ChannelPeaks {
  /** Highest absolute sample. */
  peak = 0;
  readonly #low = new Float32Array(SPANS);
  readonly #high = new Float32Array(SPANS);
  readonly #power = new Float64Array(SPANS);
  #spanFrames = 1;
  #span = 0;
  #inSpan = 0;

  add(samples: Float32Array, frames: number, offset: number): void {
    for (let i = offset; i < offset + frames; i++) {
      if (this.#inSpan === this.#spanFrames) this.#next();
      const x = samples[i] as number;
      const span = this.#span;
      if (this.#inSpan++ === 0) {
        this.#low[span] = x;
        this.#high[span] = x;
        this.#power[span] = x * x;
        continue;
      }
      if (x < (this.#low[span] as number)) this.#low[span] = x;
      if (x > (this.#high[span] as number)) this.#high[span] = x;
      this.#power[span] = (this.#power[span] as number) + x * x;
    }
    for (let i = offset; i < offset + frames; i++) {
      const size = Math.abs(samples[i] as number);
      if (size > this.peak) this.peak = size;
    }
  }

  /** Lowest, highest and root mean square of `count` equal stretches of the whole. */
  columns(count: number, frames: number): { low: number[]; high: number[]; body: number[] } {
    const low: number[] = [];
    const high: number[] = [];
    const body: number[] = [];
    const last = this.#span;
    for (let column = 0; column < count; column++) {
      const from = Math.min(last, Math.floor((column * frames) / count / this.#spanFrames));
      const to = Math.min(
        last,
        Math.max(from, Math.ceil(((column + 1) * frames) / count / this.#spanFrames) - 1),
      );
      let least = Number.POSITIVE_INFINITY;
      let most = Number.NEGATIVE_INFINITY;
      let power = 0;
      let length = 0;
      for (let span = from; span <= to; span++) {
        least = Math.min(least, this.#low[span] as number);
        most = Math.max(most, this.#high[span] as number);
        power += this.#power[span] as number;
        length += span === last ? this.#inSpan : this.#spanFrames;
      }
      low.push(least);
      high.push(most);
      body.push(length > 0 ? Math.sqrt(power / length) : 0);
    }
    return { low, high, body };
  }

  #next(): void {
    this.#inSpan = 0;
    if (++this.#span < SPANS) return;
    this.#span = SPANS / 2;
    this.#spanFrames *= 2;
    for (let i = 0; i < SPANS / 2; i++) {
      this.#low[i] = Math.min(this.#low[2 * i] as number, this.#low[2 * i + 1] as number);
      this.#high[i] = Math.max(this.#high[2 * i] as number, this.#high[2 * i + 1] as number);
      this.#power[i] = (this.#power[2 * i] as number) + (this.#power[2 * i + 1] as number);
    }
  }
}

/** Gathers blocks; `add` allocates nothing. */
export class WaveformPeaks {
  readonly channels: readonly ChannelPeaks[];
  #frames = 0;

  constructor(channels: number) {
    this.channels = Array.from({ length: channels }, () => new ChannelPeaks());
  }

  /** Frames gathered so far. */
  get frames(): number {
    return this.#frames;
  }

  /** @param samples one array a channel, of `offset + frames` samples at least */
  add(samples: readonly Float32Array[], frames: number, offset = 0): void {
    for (let i = 0; i < this.channels.length; i++) {
      (this.channels[i] as ChannelPeaks).add(samples[i] as Float32Array, frames, offset);
    }
    this.#frames += frames;
  }
}
