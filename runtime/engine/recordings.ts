// The recordings of a session: one for each instance of a plugin, kept in memory while it plays, and saved where it was
// stopped. Nothing is written for plugins that were well.

import { mkdirSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { checkWritable, fileError, writeFileAtomic } from "../output/atomic-file.ts";
import { isFileName } from "../registry/builtins.ts";
import type { PluginType } from "../sandbox/index.ts";
import { checkKeys, checkNumber, refuse } from "./arguments.ts";
import { Recorder } from "./recorder.ts";
import type { Outcome } from "./recording.ts";

export interface RecordingsOptions {
  /** Whether the sound of the plugins' inputs is recorded: it may be a microphone's. Default: no. */
  audio?: boolean;
  /** Bytes that one recording may take; one that grows larger is dropped. Default: 64 MiB. */
  mostBytes?: number;
}

/** A recording that was saved, or could not be. */
export interface SavedRecording {
  node: string;
  outcome: Outcome;
  audio: boolean;
  /** Where it is; null: it had been dropped, since it grew past its bound. */
  file: string | null;
  bytes: number;
}

/** What the file's name ends in. */
export const RECORDING_EXTENSION = ".bjr";
/** Only the user may read a recording, or write it. */
const MODE = 0o600;
const FOLDER_MODE = 0o700;
const DEFAULT_BYTES: number = 64 << 20;
/** All recordings together may take so many times what one may: the largest of those nobody needs yet goes first. */
const ALL_TOGETHER = 4;
/** Recordings that are kept of one node that is started again and again. */
const KEPT_OF_A_NODE = 3;

/**
 * Hand it to openSession (`record`) or Plugin.instantiate, and call save when the sound is over, or when setting up or
 * rendering threw.
 */
export class Recordings {
  readonly audio: boolean;
  readonly mostBytes: number;
  private readonly recorders: Recorder[] = [];
  private total = 0;

  /** @throws BelljarError usage/option, usage/value */
  constructor(options: RecordingsOptions = {}) {
    checkKeys("option of Recordings", options, ["audio", "mostBytes"]);
    const { audio = false, mostBytes = DEFAULT_BYTES } = options;
    if (typeof audio !== "boolean") refuse("audio", "true or false", audio);
    checkNumber("mostBytes", mostBytes, 0, 2 ** 30 - 2 ** 20);
    this.audio = audio;
    this.mostBytes = mostBytes;
  }

  /**
   * Records a new instance: give it to PluginType.instantiate as `watcher`. Undefined where enough of that node is kept.
   * @param node its name in the session, or anything that tells it from others
   * @param plugin how the plugin was named: a built-in's id, or a file; may be empty
   */
  begin(type: PluginType, node: string, plugin: string): Recorder | undefined {
    const ended = this.recorders.filter((one) => one.node === node && one.outcome !== null);
    for (const one of ended) one.settle();
    if (ended.length >= KEPT_OF_A_NODE) return undefined;
    const recorder = new Recorder(type, {
      node,
      name: isFileName(plugin) ? path.basename(plugin.replaceAll("\\", "/")) : plugin,
      audio: this.audio,
      mostBytes: this.mostBytes,
      grew: (bytes) => this.grew(bytes),
    });
    this.recorders.push(recorder);
    return recorder;
  }

  /** Those of instances that were stopped or refused a call, in the order in which they began. */
  get ended(): readonly Recorder[] {
    return this.recorders.filter((recorder) => recorder.outcome !== null);
  }

  /**
   * Writes them to a folder, which is made where it is not there: NODE.bjr, and NODE-2.bjr for the second of a node. Only the
   * user may read them. A file of that name is replaced.
   * @throws BelljarError file/*
   */
  save(folder: string): SavedRecording[] {
    const names = new Set<string>();
    return this.ended.map((recorder) => {
      const base = fileName(recorder.node);
      let name = base;
      for (let n = 2; names.has(name.toLowerCase()); n++) name = `${base}-${n}`;
      names.add(name.toLowerCase());
      return saveRecording(recorder, path.join(folder, name + RECORDING_EXTENSION));
    });
  }

  /** Writes the first of them to this file. Null: there is none. */
  saveFirst(file: string): SavedRecording | null {
    const [first] = this.ended;
    return first === undefined ? null : saveRecording(first, file);
  }

  private grew(bytes: number): void {
    this.total += bytes;
    while (this.total > this.mostBytes * ALL_TOGETHER) {
      const running = this.recorders.filter((one) => !one.dropped && one.outcome === null);
      const [largest] = running.sort((a, b) => b.size - a.size);
      if (largest === undefined) return;
      largest.drop();
    }
  }
}

function saveRecording(recorder: Recorder, file: string): SavedRecording {
  const bytes = recorder.finish();
  if (bytes !== null) {
    makeFolder(path.dirname(file));
    writeFileAtomic(file, bytes, MODE);
  }
  return {
    node: recorder.node,
    outcome: recorder.outcome as Outcome,
    audio: recorder.audio,
    file: bytes === null ? null : file,
    bytes: bytes?.length ?? 0,
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(error, folder);
  }
}

/**
 * Says at once if recordings could not be written to this folder; nothing is left there.
 * @throws BelljarError file/*
 */
export function checkRecordingFolder(folder: string): void {
  const facts = factsOf(folder);
  if (facts === undefined) checkWritable(folder.replace(/[\\/]+$/, ""));
  else if (facts.isDirectory()) checkWritable(path.join(folder, `recording${RECORDING_EXTENSION}`));
  else {
    throw new BelljarError(
      "file/not-a-folder",
      `${printable(folder)} is a file; recordings go to a folder.`,
      "Name a folder; it is made where it is not there.",
    );
  }
}

function factsOf(folder: string): Stats | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(error, folder);
  }
}

/** A node's name as a file's: plain letters, digits, "-", "_" and "."; no name that a system keeps for itself. */
function fileName(node: string): string {
  const plain = node
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^[.-]+|[.-]+$/g, "")
    .slice(0, 60);
  if (plain === "") return "plugin";
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `_${plain}` : plain;
}
