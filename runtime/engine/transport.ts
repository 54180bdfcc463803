// Where the music is at a frame: beats, bars and tempo, from a constant tempo or from a MIDI file's tempo map.

import {
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_HAS_TEMPO,
  TRANSPORT_LOOP_END,
  TRANSPORT_NUMERATOR,
  TRANSPORT_PLAYING,
  TRANSPORT_SECONDS,
} from "../../abi/layout.ts";
import type { TransportChanges } from "../graph/index.ts";
import type { MidiFile } from "./midi-file.ts";
import { lastNotAfter, MidiClock } from "./midi-time.ts";

/** From this frame on, until the next one. */
interface Stretch {
  /** The nearest to its tick, as notes have it: a note of the same tick lies at the same frame. */
  readonly frame: number;
  /** Exactly where it begins, in quarter notes. */
  readonly beat: number;
  readonly bpm: number;
  readonly numerator: number;
  readonly denominator: number;
  /** A beat at which a bar begins. */
  readonly bar: number;
}

/** Bytes of the transport that are written; the loop is none. */
const TRANSPORT_WRITTEN = TRANSPORT_LOOP_END + 8;

// The columns of a stretch, where it is read in every block.
const BEAT = 0;
const BPM = 1;
const BAR = 2;
const COLUMNS = 3;

/** 120 a minute in 4/4 is what a file means that says nothing. */
const DEFAULTS = { bpm: 120, numerator: 4, denominator: 4, bar: 0 };

/** What of a MIDI file makes the time of a session. */
export type TempoMap = Pick<MidiFile, "division" | "tempoMap" | "timeSignatures">;

export class TransportClock {
  private readonly rate: number;
  private readonly ticks: MidiClock | null;
  private readonly ticksPerQuarter: number;
  /** In the order of their frames, each with another one; the first begins at frame 0. */
  private readonly starts: Float64Array;
  private readonly stretches: Float64Array;
  /** Numerator and denominator of each. */
  private readonly signatures: Int32Array;
  // In arrays of one element, since a number that is handed over or returned may be a new object.
  private readonly frame = new Float64Array(1);
  private readonly tick = new Float64Array(1);
  /** What is written, here first: a DataView's own way of writing a float makes an object until V8's last compiler has seen it. */
  private readonly floats = new Float64Array(TRANSPORT_WRITTEN / 8);
  private readonly words = new Int32Array(this.floats.buffer);

  /**
   * @param rate Hz, a whole number @param bpm quarter notes a minute, where the file has no say
   * @param file its tempo map and time signatures count; an SMPTE file has no beats, so it has no say
   */
  constructor(rate: number, bpm: number, file: TempoMap | null) {
    this.rate = rate;
    const division = file?.division;
    this.ticksPerQuarter = division?.kind === "metrical" ? division.ticksPerQuarter : 0;
    const metrical = this.ticksPerQuarter > 0 ? file : null;
    this.ticks = metrical === null ? null : new MidiClock(metrical.division, metrical.tempoMap);
    const stretches =
      metrical === null || this.ticks === null
        ? [{ frame: 0, beat: 0, ...DEFAULTS, bpm }]
        : this.stretchesOf(metrical, this.ticks);
    this.starts = Float64Array.from(stretches, ({ frame }) => frame);
    this.stretches = Float64Array.from(stretches.flatMap((one) => [one.beat, one.bpm, one.bar]));
    this.signatures = Int32Array.from(stretches.flatMap((one) => [one.numerator, one.denominator]));
  }

  private stretchesOf(file: TempoMap, ticks: MidiClock): Stretch[] {
    const list: Stretch[] = [{ frame: 0, beat: 0, ...DEFAULTS }];
    const changes = [
      ...file.tempoMap.map(({ tick, microsecondsPerQuarter }) => ({
        tick,
        now: () => ({ bpm: 60_000_000 / microsecondsPerQuarter }),
      })),
      ...file.timeSignatures.map(({ tick, numerator, denominator }) => ({
        tick,
        now: (beat: number) => ({ numerator, denominator, bar: beat }),
      })),
    ].sort((a, b) => a.tick - b.tick);
    for (const { tick, now } of changes) {
      const last = list[list.length - 1] as Stretch;
      const beat = tick / this.ticksPerQuarter;
      const next = { ...last, beat, ...now(beat), frame: ticks.frameAt(tick, this.rate) };
      if (sameFrom(last, next)) continue;
      if (next.frame === last.frame) list.pop();
      list.push(next);
    }
    return list;
  }

  /** Writes the transport at a frame (TRANSPORT_* of abi/layout.ts). */
  write(view: DataView, frame: number): void {
    this.frame[0] = frame;
    this.writeFrame(view);
  }

  private writeFrame(view: DataView): void {
    const { rate, ticks, tick, stretches, signatures } = this;
    const index = lastNotAfter(this.starts, this.frame);
    const stretch = index * COLUMNS;
    const begin = stretches[stretch + BEAT] as number;
    const bpm = stretches[stretch + BPM] as number;
    const numerator = signatures[index * 2] as number;
    const denominator = signatures[index * 2 + 1] as number;
    const origin = stretches[stretch + BAR] as number;
    const seconds = (this.frame[0] as number) / rate;
    let beat = (seconds * bpm) / 60;
    if (ticks !== null) {
      tick[0] = seconds;
      ticks.toTick(tick);
      beat = (tick[0] as number) / this.ticksPerQuarter;
      // A stretch that was moved to the nearest frame before it begins there all the same.
      if (beat < begin) beat = begin;
    }
    const bar = (numerator * 4) / denominator;
    const { floats, words } = this;
    floats[TRANSPORT_BPM / 8] = bpm;
    floats[TRANSPORT_BEAT / 8] = beat;
    floats[TRANSPORT_BAR_START / 8] = origin + Math.floor((beat - origin) / bar) * bar;
    floats[TRANSPORT_SECONDS / 8] = seconds;
    for (let i = 0; i < words.length; i++) view.setInt32(i * 4, words[i] as number, true);
    view.setInt32(TRANSPORT_FLAGS, TRANSPORT_PLAYING | TRANSPORT_HAS_TEMPO, true);
    view.setUint16(TRANSPORT_NUMERATOR, numerator, true);
    view.setUint16(TRANSPORT_DENOMINATOR, denominator, true);
  }

  /** Writes what changes inside the block of so many frames that begins at `frame`; not what holds at `frame` itself. */
  writeChanges(changes: TransportChanges, frame: number, frames: number): void {
    changes.clear();
    const { starts } = this;
    this.frame[0] = frame;
    for (let i = lastNotAfter(starts, this.frame) + 1; i < starts.length; i++) {
      const start = starts[i] as number;
      if (start >= frame + frames) return;
      const view = changes.add(start - frame);
      if (view === null) return;
      this.write(view, start);
    }
  }
}

/** Whether nothing is new in a stretch: tempo, time signature and bars go on as they were. */
function sameFrom(last: Stretch, next: Stretch): boolean {
  const { bpm, numerator, denominator } = next;
  if (bpm !== last.bpm || numerator !== last.numerator || denominator !== last.denominator) return false;
  return ((next.bar - last.bar) * denominator) % (numerator * 4) === 0;
}
