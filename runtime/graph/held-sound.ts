// Sound that is held back on its way: for slower paths, for feedback, and while it comes in or goes away.

import type { Keep, Kept } from "./keep.ts";
import { type Mixer, Slot } from "./mixer.ts";
import type { Fade } from "./plan.ts";

/** A wire that holds its sound back by some frames, for slower paths. */
export class DelayLine implements Kept {
  readonly words = 2;
  readonly output: Slot;
  private readonly input: Slot;
  private readonly length: number;
  /** Of whole blocks, and room for one more than is held back: a block that is rendered again writes and reads the same. */
  private readonly capacity: number;
  private readonly rings: Float32Array[] = [];
  private position = 0;
  /** Frames since sound last went in; from `capacity` on, the rings hold zeros. */
  private quiet: number;

  constructor(mixer: Mixer, keep: Keep, input: Slot, length: number) {
    const { frames } = input;
    this.input = input;
    this.length = length;
    this.capacity = Math.ceil((length + frames) / frames) * frames;
    this.quiet = this.capacity;
    this.output = new Slot(mixer, input.channels, frames);
    for (let c = 0; c < input.channels; c++) this.rings.push(keep.samples(this.capacity));
  }

  run(): void {
    const { input, output, rings, position } = this;
    const before = this.quiet;
    if (!input.silent) this.quiet = 0;
    else if (before >= this.capacity) {
      output.silence();
      return;
    } else this.quiet = before + input.frames;
    for (let c = 0; c < rings.length; c++) {
      const ring = rings[c] as Float32Array;
      ring.set(input.channelViews[c] as Float32Array, position);
      this.read(ring, output.channelViews[c] as Float32Array);
    }
    const next = position + input.frames;
    this.position = next === this.capacity ? 0 : next;
    output.silent = false;
    if (input.silent && before >= this.length) output.silence();
  }

  private read(ring: Float32Array, to: Float32Array): void {
    const { length, capacity, position } = this;
    let at = position - length;
    if (at < 0) at += capacity;
    for (let i = 0; i < to.length; i++) {
      to[i] = ring[at] as number;
      at = at + 1 === capacity ? 0 : at + 1;
    }
  }

  clear(): void {
    for (const ring of this.rings) ring.fill(0);
    this.quiet = this.capacity;
    this.output.silence();
  }

  save(to: Int32Array, at: number): void {
    to[at] = this.position;
    to[at + 1] = this.quiet;
  }
  resume(from: Int32Array, at: number): void {
    this.position = from[at] as number;
    this.quiet = from[at + 1] as number;
  }

  /** Goes on with what another one of the same length holds. */
  takeOver(former: DelayLine): void {
    for (const [c, ring] of former.rings.entries()) this.rings[c]?.set(ring);
    this.position = former.position;
    this.quiet = former.quiet;
  }
}

/** What a feedback wire gives: its source as it was at the end of the block before. */
export class HeldSlot implements Kept {
  readonly words = 1;
  readonly output: Slot;
  private readonly mixer: Mixer;
  private readonly input: Slot;
  private readonly copies: readonly [Float32Array, Float32Array];

  constructor(mixer: Mixer, keep: Keep, input: Slot) {
    this.mixer = mixer;
    this.input = input;
    this.output = new Slot(mixer, input.channels, input.frames);
    const length = (input.channels - 1) * input.stride + input.frames;
    this.copies = keep.copies(Float32Array, 4, length);
  }

  /** After the last node of a block. */
  keep(): void {
    if (this.input.silent) {
      this.output.silence();
      return;
    }
    this.mixer.run.copy(this.output.address, this.input.address, this.input.size);
    this.output.silent = false;
  }

  save(to: Int32Array, at: number): void {
    to[at] = this.output.silent ? 1 : 0;
  }
  resume(from: Int32Array, at: number): void {
    this.output.silent = from[at] === 1;
  }

  /** [audio] Its sound, beside what `save` writes. */
  saveSound(parity: number): void {
    if (!this.output.silent) (this.copies[parity] as Float32Array).set(this.output.view);
  }
  resumeSound(parity: number): void {
    if (!this.output.silent) this.output.view.set(this.copies[parity] as Float32Array);
  }

  takeOver(former: HeldSlot): void {
    this.output.silence();
    if (former.output.silent) return;
    this.output.view.set(former.output.view);
    this.output.silent = false;
  }
}

/** How far the fades after an edit are: they all begin and end together. */
export class FadeClock {
  /** Frames since they began; below 0 before that. */
  at: number;
  readonly length: number;

  constructor(after: number, length: number) {
    this.at = -after;
    this.length = length;
  }

  get over(): boolean {
    return this.at >= this.length;
  }
}

/** A wire's sound while it comes in or goes away, in a straight line. */
export class FadingSlot {
  readonly input: Slot;
  readonly output: Slot;
  private readonly clock: FadeClock;
  private readonly fade: Fade;

  constructor(mixer: Mixer, input: Slot, clock: FadeClock, fade: Fade) {
    this.input = input;
    this.output = new Slot(mixer, input.channels, input.frames);
    this.clock = clock;
    this.fade = fade;
  }

  /** Whether it has come in: from then on the sound is the source's own. */
  get isIn(): boolean {
    return this.fade === 1 && this.clock.over;
  }

  run(): void {
    const { input, output, clock, fade } = this;
    if (input.silent || (clock.over && fade === -1)) {
      output.silence();
      return;
    }
    const { at, length } = clock;
    for (let c = 0; c < input.channels; c++) {
      const from = input.channelViews[c] as Float32Array;
      const to = output.channelViews[c] as Float32Array;
      for (let i = 0; i < to.length; i++) {
        const place = at + i;
        const part = place <= 0 ? 0 : place >= length ? 1 : place / length;
        to[i] = (from[i] as number) * (fade === 1 ? part : 1 - part);
      }
    }
    output.silent = false;
  }
}
