// --record of `belljar render` and `belljar process`: recordings of plugins that were stopped, and what is said of them.

import { statSync } from "node:fs";
import { BelljarError, printable } from "../../abi/error.ts";
import { checkRecordingFolder, Recordings, type SavedRecording } from "../engine/recordings.ts";
import { checkWritable } from "../output/atomic-file.ts";
import { flag, number, text } from "./options.ts";

/** Options of every command that records. */
export const RECORD_OPTIONS = {
  record: text(),
  "record-audio": flag(),
  "record-limit": number(1, 1000),
};

export interface RecordRequest {
  record: string | undefined;
  "record-audio": boolean;
  "record-limit": number | undefined;
}

const MEGABYTE = 1 << 20;

/** What a report says of a recording. */
export interface RecordingNote {
  node: string;
  /** Null: it grew past its bound, and was dropped. */
  file: string | null;
  bytes: number;
  audio: boolean;
}

export class RecordCommand {
  readonly recordings: Recordings;
  /** The file that is written; null: names are found in a folder. */
  readonly file: string | null;
  /** The file of a node's plugin, for the command that replays it; null: it is built in. */
  pluginOf: (node: string) => string | null = () => null;
  private readonly place: string;
  private notes: RecordingNote[] | null = null;

  /** @param oneFile whether the place may be a file's name */
  private constructor(options: RecordRequest, place: string, oneFile: boolean) {
    const limit = options["record-limit"];
    this.place = place;
    this.recordings = new Recordings({
      audio: options["record-audio"],
      ...(limit === undefined ? {} : { mostBytes: limit * MEGABYTE }),
    });
    this.file = oneFile && !isFolder(place) ? place : null;
    if (this.file === null) checkRecordingFolder(place);
    else checkWritable(this.file);
  }

  /**
   * What the options ask for, or null. Says at once where nothing could be written.
   * @throws BelljarError usage/missing, file/*
   */
  static of(options: RecordRequest, oneFile: boolean): RecordCommand | null {
    if (options.record !== undefined) return new RecordCommand(options, options.record, oneFile);
    for (const name of ["record-audio", "record-limit"] as const) {
      if (!options[name]) continue;
      throw new BelljarError(
        "usage/missing",
        `--${name} does nothing without --record.`,
        "Add --record FOLDER: recordings of plugins that are stopped go there.",
      );
    }
    return null;
  }

  /** Writes the recordings of what was stopped, once, and says on standard error where they are. */
  save(): RecordingNote[] {
    if (this.notes !== null) return this.notes;
    const saved = this.file === null ? this.recordings.save(this.place) : this.saveFile(this.file);
    for (const one of saved) this.tell(one, this.pluginOf(one.node));
    if (saved.length === 0) say("No plugin was stopped, so nothing was recorded.");
    this.notes = saved.map(({ node, file, bytes, audio }) => ({
      node: printable(node, 80),
      file,
      bytes,
      audio,
    }));
    return this.notes;
  }

  /** Does the work; where it throws, what was recorded until then is saved all the same. */
  async around<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.recordings.ended.length > 0) this.save();
      throw error;
    }
  }

  private saveFile(file: string): SavedRecording[] {
    const saved = this.recordings.saveFirst(file);
    return saved === null ? [] : [saved];
  }

  private tell({ node, file, bytes, audio }: SavedRecording, plugin: string | null): void {
    const name = printable(node, 80);
    if (file === null) {
      const most = this.recordings.mostBytes / MEGABYTE;
      say(`The recording of "${name}" grew past ${most} MB and was dropped; --record-limit MB allows more.`);
      return;
    }
    const sound = audio ? "with the sound of its inputs" : "no sound in it";
    say(
      `What stopped "${name}" is recorded in ${printable(file)} (${sized(bytes)}, ${sound}). To see it again:`,
    );
    const more = plugin === null ? "" : ` --plugin ${word(plugin)}`;
    process.stderr.write(`  belljar replay ${word(file)}${more}\n`);
  }
}

const say = (sentence: string): boolean => process.stderr.write(`belljar: ${sentence}\n`);

function isFolder(place: string): boolean {
  if (/[\\/]$/.test(place)) return true;
  try {
    return statSync(place).isDirectory();
  } catch {
    return false; // whether a file can be written there is checked next
  }
}

/** A word of a command line, for people to copy. */
function word(text: string): string {
  const shown = printable(text, 4_000);
  return /^[\w./:@%+=,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** "1.4 KB", "23 MB". */
export function sized(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "KB"] : [bytes / 1e6, "MB"];
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}
