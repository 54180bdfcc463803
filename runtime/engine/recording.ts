// The file of a recording: what one instance of a plugin was asked to do, from its start to the fault that ended it, so
// that another process can do it again. docs/recording.md says what is in it and what is not.
//
//     8 bytes   89 42 4a 52 0d 0a 1a 0a
//     u32 × 4   version, and the bytes of the three parts that follow
//     facts     JSON
//     calls     recording-calls.ts
//     answers   recording-answers.ts
//     32 bytes  SHA-256 of all before it
//
// It may come from a stranger: everything is checked here before anything runs, and it names no file to be opened.

import { createHash } from "node:crypto";
import { BelljarError, printable } from "../../abi/error.ts";
import type { Fault, FaultKind } from "../sandbox/index.ts";
import { type Json, parseJson } from "./json.ts";
import { checkAnswers } from "./recording-answers.ts";
import { ByteReader, type ByteLog } from "./recording-bytes.ts";
import { CallReader } from "./recording-calls.ts";

export const RECORDING_VERSION = 1;
/** Largest file that is read. */
export const RECORDING_MAX_BYTES: number = 2 ** 30;

const MAGIC = Uint8Array.of(0x89, 0x42, 0x4a, 0x52, 0x0d, 0x0a, 0x1a, 0x0a);
const HEAD_BYTES = 24;
const HASH_BYTES = 32;
const FACTS_MAX_BYTES = 256 << 10;
const MOST_FILES = 1_024;

/** A file that the plugin had been given; its bytes are not in the recording. */
export interface RecordedFile {
  /** As the plugin was told it. */
  name: string;
  bytes: number;
  /** SHA-256, in hex. */
  sha256: string;
}

/** What ended the recording: the instance was stopped, or it refused a call that the host can't do without. */
export type Outcome =
  | { fault: Fault; error: null }
  | { fault: null; error: { code: string; message: string } };

/** What a recording says of itself. */
export interface RecordingFacts {
  /** The name that the session had for the node. */
  node: string;
  plugin: {
    /** A built-in's id, or a file's name without its folder: where a replay may look. May be empty. */
    name: string;
    id: string;
    displayName: string;
    sha256: string;
  };
  outcome: Outcome;
  /** Which of the last entry's calls of the module was the last one, from 1, and units that had been handed out to it. */
  last: { call: number; granted: number };
  /** Whether sound is in it. */
  audio: boolean;
  /** Whether subnormal numbers were kept, or flushed to zero. */
  floats: "subnormals" | "flush";
  limits: Record<string, number>;
  files: RecordedFile[];
  /** Calls of process, and their frames. */
  blocks: number;
  frames: number;
  /** Frames a second. */
  rate: number;
  /** Units of all calls before the last. */
  work: number;
  abi: number;
  rewriter: number;
  /** Versions, for information. */
  madeBy: { node: string; v8: string; platform: string };
}

/** A recording that was read and checked. */
export interface Recording {
  facts: RecordingFacts;
  /** The calls, from the first one, each time this is called. */
  calls(): CallReader;
  answers(): ByteReader;
  bytes: number;
}

/** The bytes of a recording's file. */
export function writeRecording(
  facts: RecordingFacts,
  calls: ByteLog,
  answers: ByteLog,
): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${JSON.stringify(factsAsJson(facts), null, 1)}\n`);
  const bytes = new Uint8Array(HEAD_BYTES + head.length + calls.length + answers.length + HASH_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  [RECORDING_VERSION, head.length, calls.length, answers.length].forEach((value, i) => {
    view.setUint32(MAGIC.length + i * 4, value, true);
  });
  bytes.set(head, HEAD_BYTES);
  calls.copyTo(bytes, HEAD_BYTES + head.length);
  answers.copyTo(bytes, HEAD_BYTES + head.length + calls.length);
  const end = bytes.length - HASH_BYTES;
  bytes.set(createHash("sha256").update(bytes.subarray(0, end)).digest(), end);
  return bytes;
}

/**
 * Reads a recording and checks all of it; nothing is run and no other file is opened.
 * @param name what errors call the file
 * @throws BelljarError recording/not-a-recording, recording/version, recording/malformed
 */
export function readRecording(bytes: Uint8Array, name: string): Recording {
  const shown = printable(name, 80);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new BelljarError("recording/not-a-recording", `${shown} is no recording of a plugin.`);
  }
  const head = new ByteReader(bytes, MAGIC.length, bytes.length, shown);
  const version = head.word() >>> 0;
  if (version !== RECORDING_VERSION) {
    throw new BelljarError(
      "recording/version",
      `${shown} is a recording of version ${version}; this Belljar reads version ${RECORDING_VERSION}.`,
      "Replay it with the Belljar that made it, or a newer one.",
    );
  }
  const lengths = [head.word() >>> 0, head.word() >>> 0, head.word() >>> 0];
  const [factsBytes = 0, callsBytes = 0, answersBytes = 0] = lengths;
  const end = HEAD_BYTES + factsBytes + callsBytes + answersBytes;
  if (end + HASH_BYTES !== bytes.length) {
    throw new BelljarError(
      "recording/malformed",
      `${shown} has ${bytes.length} bytes; it says that it has ${end + HASH_BYTES}.`,
      "It may be cut off.",
    );
  }
  const hash = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!hash.equals(bytes.subarray(end))) {
    throw new BelljarError(
      "recording/malformed",
      `${shown} is damaged: its bytes are not those that were written.`,
    );
  }
  if (factsBytes > FACTS_MAX_BYTES) head.fail("its facts are too long");
  const facts = readFacts(head.raw(factsBytes), shown);
  const callsAt = HEAD_BYTES + factsBytes;
  const answersAt = callsAt + callsBytes;
  const calls = () => new CallReader(bytes, callsAt, answersAt, shown, facts.files.length);
  const answers = () => new ByteReader(bytes, answersAt, end, shown);
  let blocks = 0;
  const reader = calls();
  for (let entry = reader.next(); entry !== null; entry = reader.next()) {
    if (entry.entry === "blocks") blocks += entry.count;
  }
  if (blocks !== facts.blocks) {
    throw new BelljarError(
      "recording/malformed",
      `${shown} says it has ${facts.blocks} blocks, and has ${blocks}.`,
    );
  }
  checkAnswers(answers());
  return { facts, calls, answers, bytes: bytes.length };
}

function factsAsJson(facts: RecordingFacts): object {
  return { what: "A recording of what one plugin was asked to do, for belljar replay.", ...facts };
}

const KINDS: readonly FaultKind[] = [
  "unreachable",
  "out-of-bounds",
  "division",
  "conversion",
  "indirect-call",
  "stack",
  "units",
  "deadline",
  "not-finite",
  "status",
  "contract",
  "host-call",
];

function readFacts(bytes: Uint8Array, shown: string): RecordingFacts {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BelljarError("recording/malformed", `The facts of ${shown} are not UTF-8 text.`);
  }
  const root = new Fields(parseJson(text, shown, "recording/malformed"), shown, "the facts");
  const plugin = root.object("plugin");
  const outcome = readOutcome(root.object("outcome"));
  const last = root.object("last");
  const madeBy = root.object("madeBy");
  const files = root.list("files");
  if (files.length > MOST_FILES) root.fail(`there are ${files.length} files`);
  const facts: RecordingFacts = {
    node: root.words("node"),
    plugin: {
      name: plugin.text("name"),
      id: plugin.words("id"),
      displayName: plugin.words("displayName"),
      sha256: plugin.hash("sha256"),
    },
    outcome,
    last: { call: last.whole("call"), granted: last.whole("granted") },
    audio: root.boolean("audio"),
    floats: root.word("floats", ["subnormals", "flush"]),
    limits: root.object("limits").numbers(),
    files: files.map((file) => {
      const fields = new Fields(file, shown, "a file");
      return { name: fields.text("name"), bytes: fields.whole("bytes"), sha256: fields.hash("sha256") };
    }),
    blocks: root.whole("blocks"),
    frames: root.whole("frames"),
    rate: root.number("rate"),
    work: root.number("work"),
    abi: root.whole("abi"),
    rewriter: root.whole("rewriter"),
    madeBy: { node: madeBy.words("node"), v8: madeBy.words("v8"), platform: madeBy.words("platform") },
  };
  if (outcome.fault?.kind === "deadline" && outcome.fault.units < 1) {
    root.fail("a deadline ended it before its first check");
  }
  return facts;
}

function readOutcome(fields: Fields): Outcome {
  if (fields.isNull("fault")) {
    const error = fields.object("error");
    return { fault: null, error: { code: error.words("code"), message: error.words("message") } };
  }
  const fault = fields.object("fault");
  return {
    fault: {
      kind: fault.word("kind", KINDS),
      call: fault.words("call"),
      where: fault.words("where"),
      block: fault.whole("block"),
      units: fault.whole("units"),
      message: fault.words("message"),
    },
    error: null,
  };
}

/** An object of the facts: each field is of the kind that is asked for, or the recording is refused. */
class Fields {
  private readonly map: ReadonlyMap<string, Json>;
  private readonly shown: string;
  private readonly what: string;

  constructor(value: Json | undefined, shown: string, what: string) {
    this.shown = shown;
    this.what = what;
    this.map = value instanceof Map ? value : this.fail("it is no object");
  }

  fail(why: string): never {
    throw new BelljarError("recording/malformed", `${this.shown} is damaged, in ${this.what}: ${why}.`);
  }

  private wrong(key: string, wanted: string): never {
    return this.fail(`"${key}" is not ${wanted}`);
  }

  isNull(key: string): boolean {
    return this.map.get(key) === null;
  }

  object(key: string): Fields {
    return new Fields(this.map.get(key), this.shown, `"${key}"`);
  }

  list(key: string): Json[] {
    const value = this.map.get(key);
    return Array.isArray(value) ? value : this.wrong(key, "a list");
  }

  /** At most 1,000 characters, as they are in the file. */
  text(key: string): string {
    const value = this.map.get(key);
    return typeof value === "string" && value.length <= 1_000 ? value : this.wrong(key, "a short text");
  }

  /** Text for people, safe to print. */
  words(key: string): string {
    return printable(this.text(key), 1_000);
  }

  hash(key: string): string {
    const value = this.text(key);
    return /^[0-9a-f]{64}$/.test(value) ? value : this.wrong(key, "a SHA-256");
  }

  word<T extends string>(key: string, known: readonly T[]): T {
    const value = this.text(key);
    return known.find((one) => one === value) ?? this.wrong(key, `one of ${known.join(", ")}`);
  }

  boolean(key: string): boolean {
    const value = this.map.get(key);
    return typeof value === "boolean" ? value : this.wrong(key, "true or false");
  }

  number(key: string): number {
    const value = this.map.get(key);
    return typeof value === "number" && value >= 0 ? value : this.wrong(key, "a number from 0 on");
  }

  whole(key: string): number {
    const value = this.number(key);
    return Number.isSafeInteger(value) ? value : this.wrong(key, "a whole number");
  }

  /** All of its fields. */
  numbers(): Record<string, number> {
    const result: Record<string, number> = Object.create(null);
    for (const key of this.map.keys()) result[key] = this.number(key);
    return result;
  }
}
