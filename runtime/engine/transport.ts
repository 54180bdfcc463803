// Where the music is at a frame: beats, bars and tempo, from a constant tempo or from a MIDI file's tempo map.

import {
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_HAS_TEMPO,
  TRANSPORT_LOOP_END,
  TRANSPORT_LOOP_START,
  TRANSPORT_NUMERATOR,
  TRANSPORT_PLAYING,
  TRANSPORT_SECONDS,
} from "../../abi/layout.ts";
import type { MidiFile } from "./midi-file.ts";
import { lastNotAfter } from "./midi-time.ts";

export class TransportClock {
  private readonly rate: number;
  private readonly bpm: number;
  private readonly file: MidiFile | null;
  private readonly ticksPerQuarter: number;
  private readonly tempoTicks: number[];
  /** Time signatures from the start on: first beat (quarter notes), numerator, denominator. */
  private readonly signatures: { beat: number; numerator: number; denominator: number }[];
  private readonly signatureBeats: number[];

  /**
   * @param rate Hz @param bpm quarter notes a minute, where the file has no say
   * @param file its tempo map and time signatures count; an SMPTE file has no beats, so it has no say
   */
  constructor(rate: number, bpm: number, file: MidiFile | null) {
    this.rate = rate;
    this.bpm = bpm;
    const division = file?.division;
    this.ticksPerQuarter = division?.kind === "metrical" ? division.ticksPerQuarter : 0;
    this.file = this.ticksPerQuarter > 0 ? file : null;
    this.tempoTicks = this.file?.tempoMap.map((tempo) => tempo.tick) ?? [];
    this.signatures = [{ beat: 0, numerator: 4, denominator: 4 }];
    for (const { tick, numerator, denominator } of this.file?.timeSignatures ?? []) {
      const beat = tick / this.ticksPerQuarter;
      if (beat === 0) this.signatures.length = 0;
      this.signatures.push({ beat, numerator, denominator });
    }
    this.signatureBeats = this.signatures.map((signature) => signature.beat);
  }

  /** Writes the transport at a frame (TRANSPORT_* of abi/layout.ts). */
  write(view: DataView, frame: number): void {
    const seconds = frame / this.rate;
    let beat = (seconds * this.bpm) / 60;
    let bpm = this.bpm;
    if (this.file !== null) {
      const tick = this.file.clock.tickAt(seconds);
      beat = tick / this.ticksPerQuarter;
      // 120 a minute is what a file means that says nothing.
      bpm = 120;
      const last = lastNotAfter(this.tempoTicks, tick);
      const tempo = this.file.tempoMap[last];
      if (tempo !== undefined && tempo.tick <= tick) bpm = 60_000_000 / tempo.microsecondsPerQuarter;
    }
    const signature = this.signatures[lastNotAfter(this.signatureBeats, beat)] as (typeof this.signatures)[0];
    const bar = (signature.numerator * 4) / signature.denominator;
    view.setUint32(TRANSPORT_FLAGS, TRANSPORT_PLAYING | TRANSPORT_HAS_TEMPO, true);
    view.setUint16(TRANSPORT_NUMERATOR, signature.numerator, true);
    view.setUint16(TRANSPORT_DENOMINATOR, signature.denominator, true);
    view.setFloat64(TRANSPORT_BPM, bpm, true);
    view.setFloat64(TRANSPORT_BEAT, beat, true);
    const barStart = signature.beat + Math.floor((beat - signature.beat) / bar) * bar;
    view.setFloat64(TRANSPORT_BAR_START, barStart, true);
    view.setFloat64(TRANSPORT_SECONDS, seconds, true);
    view.setFloat64(TRANSPORT_LOOP_START, 0, true);
    view.setFloat64(TRANSPORT_LOOP_END, 0, true);
  }
}
