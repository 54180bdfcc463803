// What passes on to the sinks: the content, then the tail for as long as it is heard.

/** Where sound goes: a WAV file, a fingerprint, an array. */
export interface Sink {
  /** @param samples one array a channel; the sink must copy what it keeps */
  write(samples: readonly Float32Array[], frames: number, offset?: number): void;
}

export interface RenderLength {
  /** Frames that are there in any case. */
  content: number;
  /** Frames that may follow while there is sound. */
  most: number;
  /** Whether what follows ends with the sound (auto), or is there in any case too. */
  auto: boolean;
  /** Frames of quiet after which the sound is over. */
  hold: number;
}

/** -90 dBFS: 10^(-90/20). */
const QUIET = 3.1622776601683795e-5;

export class TailGate {
  /** Frames that reached the sinks. */
  frames = 0;
  private readonly sinks: readonly Sink[];
  private readonly length: RenderLength;
  /** Frames seen, and the frame after the last one that was heard. */
  private seen = 0;
  private heard: number;
  /** Quiet that is passed on only if sound follows. */
  private waiting: { samples: Float32Array[]; frames: number }[] = [];

  /** @param length in frames */
  constructor(sinks: readonly Sink[], length: RenderLength) {
    this.sinks = sinks;
    this.length = length;
    this.heard = length.content;
  }

  /** Whether nothing more is wanted. */
  get done(): boolean {
    const { content, most, auto, hold } = this.length;
    if (this.seen < content) return false;
    if (!auto) return true;
    return this.seen >= content + most || this.seen - this.heard >= hold;
  }

  write(samples: readonly Float32Array[], frames: number, offset: number): void {
    const { content, most } = this.length;
    const inside = Math.min(frames, Math.max(0, content - this.seen));
    if (inside > 0) this.pass(samples, inside, offset);
    this.seen += inside;
    const rest = Math.min(frames - inside, content + most - this.seen);
    if (rest <= 0) return;
    const from = offset + inside;
    const loud = loudUntil(samples, from, rest);
    if (loud > 0) {
      for (const quiet of this.waiting) this.pass(quiet.samples, quiet.frames, 0);
      this.waiting = [];
      this.pass(samples, loud, from);
      this.heard = this.seen + loud;
    }
    if (loud < rest) {
      this.waiting.push({
        samples: samples.map((channel) => channel.slice(from + loud, from + rest)),
        frames: rest - loud,
      });
    }
    this.seen += rest;
  }

  private pass(samples: readonly Float32Array[], frames: number, offset: number): void {
    for (const sink of this.sinks) sink.write(samples, frames, offset);
    this.frames += frames;
  }
}

/** How many of the frames it takes until all that follow are quiet. */
function loudUntil(samples: readonly Float32Array[], from: number, frames: number): number {
  for (let i = frames - 1; i >= 0; i--) {
    for (const channel of samples) {
      const x = channel[from + i] as number;
      if (x > QUIET || x < -QUIET) return i + 1;
    }
  }
  return 0;
}
