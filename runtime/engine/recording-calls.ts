// What a recording holds of the calls: one after the other, and between them what the host had changed in the plugin's
// memory since. Blocks in which nothing changed are counted together.

import { EVENT_BYTES, TRANSPORT_BYTES } from "../../abi/layout.ts";
import { type NotedWords, readWords } from "./recorded-words.ts";
import { ByteReader } from "./recording-bytes.ts";

/** Words of an event, and of a transport. */
export const EVENT_WORDS: number = EVENT_BYTES / 4;
export const TRANSPORT_WORDS: number = TRANSPORT_BYTES / 4;

/** Most events of a block; a plugin's own list is shorter. */
const MOST_EVENTS = 65_535;

/** Numbers in the file: they stay. */
export const Entry = {
  // calls of the contract
  abi: 1,
  descriptor: 2,
  configure: 3,
  file: 4,
  activate: 5,
  deactivate: 6,
  reset: 7,
  idle: 8,
  stateSave: 9,
  stateLoad: 10,
  graphGet: 11,
  graphSet: 12,
  blocks: 13,
  // what holds from the next call on
  frames: 32,
  budget: 33,
  controls: 34,
  flags: 35,
  transport: 36,
  // what holds for the next block alone
  events: 38,
  arena: 39,
  sound: 40,
} as const;

/** One entry, as it is read. */
export type RecordedEntry =
  | { entry: "abi" | "descriptor" | "deactivate" | "reset" | "idle" | "stateSave" }
  | { entry: "configure"; id: string; value: string }
  /** `file` is an index of the recording's files; null: the file was taken away. */
  | { entry: "file"; id: string; name: string; file: number | null }
  | { entry: "activate"; rate: number; maxFrames: number }
  | { entry: "stateLoad"; bytes: Uint8Array }
  | { entry: "graphGet"; id: string }
  | { entry: "graphSet"; id: string; json: string }
  | { entry: "blocks"; count: number }
  | { entry: "frames"; frames: number }
  /** Units; and milliseconds, for information. */
  | { entry: "budget"; units: number; deadline: number }
  | { entry: "controls" | "flags" | "transport"; words: NotedWords }
  | { entry: "events"; words: Int32Array }
  | { entry: "arena"; at: number; bytes: Uint8Array }
  /** Samples of an audio input, by place among the instance's audio ports: channel after channel. */
  | { entry: "sound"; port: number; bytes: Uint8Array };

export class CallReader {
  private readonly reader: ByteReader;
  private readonly files: number;

  /** @param files how many files the recording names */
  constructor(bytes: Uint8Array, at: number, end: number, name: string, files: number) {
    this.reader = new ByteReader(bytes, at, end, name);
    this.files = files;
  }

  /** The next entry, or null at the end. @throws BelljarError recording/malformed */
  next(): RecordedEntry | null {
    const { reader } = this;
    if (reader.done) return null;
    const entry = reader.u8();
    switch (entry) {
      case Entry.abi:
        return { entry: "abi" };
      case Entry.descriptor:
        return { entry: "descriptor" };
      case Entry.deactivate:
        return { entry: "deactivate" };
      case Entry.reset:
        return { entry: "reset" };
      case Entry.idle:
        return { entry: "idle" };
      case Entry.stateSave:
        return { entry: "stateSave" };
      case Entry.configure:
        return { entry: "configure", id: reader.text(), value: reader.text() };
      case Entry.file:
        return { entry: "file", id: reader.text(), name: reader.text(), file: this.file() };
      case Entry.activate:
        return { entry: "activate", rate: reader.number(), maxFrames: reader.count() };
      case Entry.stateLoad:
        return { entry: "stateLoad", bytes: reader.bytes() };
      case Entry.graphGet:
        return { entry: "graphGet", id: reader.text() };
      case Entry.graphSet:
        return { entry: "graphSet", id: reader.text(), json: reader.text() };
      case Entry.blocks:
        return { entry: "blocks", count: reader.count() };
      case Entry.frames:
        return { entry: "frames", frames: reader.count() };
      case Entry.budget:
        return { entry: "budget", units: reader.number(), deadline: reader.number() };
      case Entry.controls:
        return { entry: "controls", words: readWords(reader) };
      case Entry.flags:
        return { entry: "flags", words: readWords(reader) };
      case Entry.transport:
        return { entry: "transport", words: readWords(reader) };
      case Entry.events:
        return { entry: "events", words: this.events() };
      case Entry.arena:
        return { entry: "arena", at: reader.count(), bytes: reader.bytes() };
      case Entry.sound:
        return { entry: "sound", port: reader.count(), bytes: reader.bytes() };
      default:
        return reader.fail(`there is no entry of kind ${entry}`);
    }
  }

  private file(): number | null {
    const index = this.reader.count();
    if (index > this.files) this.reader.fail("it names a file that is not in its list");
    return index === 0 ? null : index - 1;
  }

  private events(): Int32Array {
    const { reader } = this;
    const count = reader.countOf(EVENT_WORDS);
    if (count > MOST_EVENTS) reader.fail(`a block has ${count} events`);
    return Int32Array.from({ length: count * EVENT_WORDS }, () => reader.small());
  }
}
