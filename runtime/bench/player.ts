// What is measured, seen from the clock: something that plays a piece block by block.

/** One instance of it, playing from the start. */
export interface Player {
  /** Makes everything ready for the next block. Not timed. */
  prepare(): void;
  /** The block: what is timed. False where it was stopped. */
  process(): boolean;
  /** What has to be done between blocks. Not timed. */
  rest(): void;
  /** Units of the last block, from rest() on. */
  readonly units: number;
  /** What it did between blocks so far; null where that is part of its blocks. */
  readonly idles: Idles | null;
  /** Events that found no room so far. */
  readonly lostEvents: number;
  /** What the last block sounds like: one view a channel of each output. */
  readonly outputs: readonly Float32Array[];
  /** What stopped it: a sentence, safe to print. */
  readonly stopped: string;
}

export interface Idles {
  calls: number;
  units: number;
  mostUnits: number;
  /** Microseconds. */
  longest: number;
}

/** How it is played. */
export interface Configuration {
  /** Frames a second. */
  rate: number;
  /** Frames of a block. */
  block: number;
  /** Notes held at once; null where it gets none, or those of a file. */
  voices: number | null;
}

/** "48000 Hz, 128 frames, 4 voices" */
export function describe({ rate, block, voices }: Configuration): string {
  const notes = voices === null ? "" : `, ${voices} ${voices === 1 ? "voice" : "voices"}`;
  return `${rate} Hz, ${block} ${block === 1 ? "frame" : "frames"}${notes}`;
}

/** A plugin or a session, from which any number of players can be made. */
export interface Subject {
  player(configuration: Configuration): Promise<Player>;
}

/** Thrown when a plugin is stopped while it is measured: no figure would mean anything. */
export class Stopped extends Error {}

/** Plays one block that is not measured. */
export function playBlock(player: Player): void {
  player.prepare();
  if (!player.process()) throw new Stopped(player.stopped);
  player.rest();
}
