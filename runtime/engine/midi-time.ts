// Ticks of a MIDI file as seconds and frames, without drift: time is summed as whole numbers.

/** What the header says a tick is: a part of a quarter note, or a part of a film frame (then tempo has no say). */
export type MidiDivision =
  | { readonly kind: "metrical"; readonly ticksPerQuarter: number }
  | {
      readonly kind: "smpte";
      readonly framesPerSecond: 24 | 25 | 29.97 | 30;
      readonly ticksPerFrame: number;
    };

/** From this tick on, a quarter note takes so long. */
export interface MidiTempo {
  readonly tick: number;
  readonly microsecondsPerQuarter: number;
}

/**
 * The clock of one file. A moment is `units / unitsPerSecond` seconds, both whole numbers: a metrical tick is
 * `microsecondsPerQuarter` units of which 1,000,000 × ticksPerQuarter are a second; a film tick is 1 unit, or 1001 at
 * 29.97 frames (30000 / 1001) a second. Exact below 2^53 units, which readMidiFile sees to.
 */
export class MidiClock {
  readonly unitsPerSecond: number;
  /** Segments of equal tempo: first tick, units at it, units of a tick. */
  readonly #ticks: Float64Array;
  readonly #units: Float64Array;
  readonly #perTick: Float64Array;
  readonly #sought = new Float64Array(1);

  /** @param tempos ordered by tick; of several at one tick the last counts. 120 quarters a minute before the first. */
  constructor(division: MidiDivision, tempos: readonly MidiTempo[]) {
    if (division.kind === "smpte") {
      const drop = division.framesPerSecond === 29.97;
      this.unitsPerSecond = (drop ? 30000 : division.framesPerSecond) * division.ticksPerFrame;
      this.#ticks = this.#units = Float64Array.of(0);
      this.#perTick = Float64Array.of(drop ? 1001 : 1);
      return;
    }
    this.unitsPerSecond = 1000000 * division.ticksPerQuarter;
    const ticks = [0];
    const units = [0];
    const perTick = [500000];
    for (const { tick, microsecondsPerQuarter } of tempos) {
      const last = ticks.length - 1;
      const since = tick - (ticks[last] as number);
      if (since === 0) {
        perTick[last] = microsecondsPerQuarter;
        continue;
      }
      units.push((units[last] as number) + since * (perTick[last] as number));
      ticks.push(tick);
      perTick.push(microsecondsPerQuarter);
    }
    this.#ticks = Float64Array.from(ticks);
    this.#units = Float64Array.from(units);
    this.#perTick = Float64Array.from(perTick);
  }

  /** A tick, or a part of one, in units. */
  unitsAt(tick: number): number {
    this.#sought[0] = tick;
    const segment = lastNotAfter(this.#ticks, this.#sought);
    return (
      (this.#units[segment] as number) +
      (tick - (this.#ticks[segment] as number)) * (this.#perTick[segment] as number)
    );
  }

  /** Seconds since the start. One division: the nearest double to the true time. */
  secondsAt(tick: number): number {
    return this.unitsAt(tick) / this.unitsPerSecond;
  }

  /** The tick, with its fraction, that sounds at this time. */
  tickAt(seconds: number): number {
    const place = Float64Array.of(seconds);
    this.toTick(place);
    return place[0] as number;
  }

  /** [audio] Puts the tick in the place of its seconds: one element, since a number that is returned may be a new object. */
  toTick(place: Float64Array): void {
    const units = (place[0] as number) * this.unitsPerSecond;
    place[0] = units;
    const segment = lastNotAfter(this.#units, place);
    place[0] =
      (this.#ticks[segment] as number) +
      (units - (this.#units[segment] as number)) / (this.#perTick[segment] as number);
  }

  /**
   * The nearest frame to a whole tick; a half goes to the later frame. Exact, in whole numbers.
   * @param rate Hz, a whole number
   */
  frameAt(tick: number, rate: number): number {
    const units = this.unitsAt(tick);
    const rest = units % this.unitsPerSecond;
    const whole = (units - rest) / this.unitsPerSecond;
    const part =
      (2n * BigInt(rest) * BigInt(rate) + BigInt(this.unitsPerSecond)) / (2n * BigInt(this.unitsPerSecond));
    return whole * rate + Number(part);
  }
}

/** [audio] Index of the last element that is not greater than `place` says; 0 if all are. `sorted` never falls. */
export function lastNotAfter(sorted: Float64Array, place: Float64Array): number {
  const x = place[0] as number;
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((sorted[middle] as number) <= x) low = middle;
    else high = middle - 1;
  }
  return low;
}
