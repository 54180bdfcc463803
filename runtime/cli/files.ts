// Files that a command line names: read within bounds, and never both read and written.

import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { MIDI_MAX_BYTES, type MidiFile, readMidiFile } from "../engine/midi-file.ts";
import type { InputFile } from "../engine/prepare.ts";
import { readWav, type WavAudio } from "../player/wav-reader.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { DEFAULT_LIMITS } from "../sandbox/index.ts";

/** 2 GiB: the longest sound file that is read at once. */
export const WAV_MAX_BYTES = 2 ** 31;
/** More than a plugin's memory can hold. */
const STATE_MAX_BYTES = 2 ** 28;

export async function readWavFile(path: string): Promise<WavAudio> {
  return readWav(await readRegularFile(path, WAV_MAX_BYTES, "a WAV file"), basename(path));
}

/** The files of a session's inputs, by input name. */
export async function readInputs(
  paths: ReadonlyMap<string, string>,
  most: number,
  what: string,
): Promise<Map<string, InputFile>> {
  const files = new Map<string, InputFile>();
  for (const [input, path] of paths) {
    files.set(input, { name: basename(path), bytes: await readRegularFile(path, most, what) });
  }
  return files;
}

export async function readMidi(path: string): Promise<MidiFile> {
  return readMidiFile(await readRegularFile(path, MIDI_MAX_BYTES, "a MIDI file"), basename(path));
}

/** A file for a plugin's config parameter: its bytes, `most` or fewer, and its name, without its folder. */
export async function readConfigFile(
  path: string,
  most: number = DEFAULT_LIMITS.fileBytes,
): Promise<{ name: string; bytes: Uint8Array }> {
  return {
    name: basename(path),
    bytes: await readRegularFile(path, most, "a file for a plugin"),
  };
}

/** A plugin's state. */
export async function readState(path: string): Promise<Uint8Array> {
  return readRegularFile(path, STATE_MAX_BYTES, "a plugin's state");
}

/** @throws BelljarError usage/same-file when an output is one of the inputs or another output */
export function refuseOverlap(inputs: readonly string[], outputs: readonly string[]): void {
  const read = new Set(inputs.map(identity));
  const written = new Set<string>();
  for (const output of outputs) {
    const file = identity(output);
    if (read.has(file)) {
      throw new BelljarError(
        "usage/same-file",
        `${printable(output)} would be read and written at once.`,
        "Give the output another name.",
      );
    }
    if (written.has(file)) {
      throw new BelljarError("usage/same-file", `${printable(output)} is named as two outputs.`);
    }
    written.add(file);
  }
}

/** What tells one file from another, whatever it is called: links followed, hard links the same. */
function identity(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    if (ino !== 0n) return `${dev}:${ino}`;
  } catch {
    // Not there yet: its name decides.
  }
  const whole = resolve(path);
  try {
    return join(realpathSync(dirname(whole)), basename(whole));
  } catch {
    return whole;
  }
}
