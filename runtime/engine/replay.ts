// A recording, played again: the same plugin is asked the same things in the same order, and how it ends is compared
// with how it ended.

import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { ABI_VERSION } from "../../abi/layout.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { compileInChild } from "../registry/compile.ts";
import { readRegularFile } from "../registry/read-file.ts";
import {
  type Compile,
  DEFAULT_LIMITS,
  type Fault,
  type HostFunctions,
  type Limits,
  type MessageKind,
  PluginInstance,
  PluginType,
  REWRITER_VERSION,
} from "../sandbox/index.ts";
import { checkKeys, checkObject, isBytes, refuse } from "./arguments.ts";
import { AnswerReplay } from "./recording-answers.ts";
import type { RecordedEntry } from "./recording-calls.ts";
import { type Outcome, readRecording, type Recording, RECORDING_MAX_BYTES } from "./recording.ts";
import { floatMode } from "./recorder.ts";
import { findFiles, findPlugin } from "./replay-files.ts";
import { Mismatch, ReplayState } from "./replay-state.ts";

export interface ReplayOptions {
  /** The plugin: its name, its file or its bytes. Unless told, a built-in, or a file beside the recording. */
  plugin?: string | Uint8Array | undefined;
  /** Files that the plugin had been given, in any order. Unless told, they are looked for beside the recording. */
  files?: readonly string[] | undefined;
  /** Limits up to which the recording's are accepted; where nothing is said, the defaults. */
  limits?: Partial<Limits> | undefined;
  compile?: Compile | undefined;
  /** What the plugin logs and emits, soon after. @param seconds how far the sound is */
  onMessage?: ((kind: MessageKind, text: string, level: number, seconds: number) => void) | undefined;
  /** Now and then, in seconds of sound. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ReplayReport {
  /** Whether it ended as it had ended: the same kind of fault in the same call, function and block, with as many units at the last check. */
  same: boolean;
  recorded: Outcome;
  /** Null: it did everything that it was asked, and was well. */
  replayed: Outcome | null;
  /** What differs, as sentences, safe to print. */
  differences: string[];
  /** What may be why, or should be known, likewise. */
  notes: string[];
  node: string;
  plugin: { id: string; displayName: string; sha256: string; from: string };
  /** Whether sound is in the recording. */
  audio: boolean;
  /** Calls of process in the recording and in the replay, and frames of the recorded ones. */
  blocks: number;
  replayedBlocks: number;
  frames: number;
  rate: number;
  madeBy: { node: string; v8: string; platform: string; rewriter: number; abi: number };
}

const OPTIONS: (keyof ReplayOptions)[] = [
  "plugin",
  "files",
  "limits",
  "compile",
  "onMessage",
  "onProgress",
  "signal",
];
/** Milliseconds of work between two looks at what else the process has to do. */
const TURN = 50;
/** The longest block that the limit of units is meant for, as the sandbox has it. */
const BUDGETED_FRAMES = 1_024;
/** Limits that are about the machine, and not about what the plugin does: they are this host's. */
const OWN: readonly string[] = ["compileSeconds", "compileMemory", "controlSeconds", "totalMemory"];
/** Kinds that are found after a call, whose units are all of the call's: where it was checked does not matter. */
const FOUND_AFTER: readonly string[] = ["not-finite", "status", "contract"];

/**
 * Plays a recording again, in this process.
 * @param recording its file, or its bytes (then the plugin has to be named where it is no built-in)
 * @throws BelljarError recording/* where it is none, is damaged, or does not fit the plugin; file/*, plugin/unknown, module/*
 */
export async function replayRecording(
  recording: string | Uint8Array,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  checkKeys("option of replayRecording", options, OPTIONS);
  if (options.limits !== undefined) checkObject("limits", options.limits);
  const isFile = typeof recording === "string";
  if (!isFile && !isBytes(recording)) refuse("recording", "a file's name or a Uint8Array", recording);
  const bytes = isFile ? await readRegularFile(recording, RECORDING_MAX_BYTES, "a recording") : recording;
  const name = isFile ? path.basename(recording) : "The recording";
  const folder = isFile ? path.dirname(path.resolve(recording)) : null;
  const read = readRecording(bytes, name);
  const { facts } = read;
  const limits = acceptLimits(facts.limits, options.limits ?? {}, name);
  const plugin = await findPlugin(facts.plugin, folder, options.plugin, name, limits.moduleBytes);
  const files = await findFiles(facts.files, folder, options.files ?? [], name);
  const type = await PluginType.load(plugin.bytes, { limits, compile: options.compile ?? compileInChild });
  const replay = new Replay(read, type, files, limits, printable(name, 80));
  try {
    await replay.run(options);
    return replay.report(plugin.from);
  } finally {
    replay.end();
  }
}

/** The recording's limits; none of them may be wider than what this host allows. */
function acceptLimits(recorded: Record<string, number>, allowed: Partial<Limits>, name: string): Limits {
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const key of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const limit = recorded[key];
    const most = allowed[key] ?? DEFAULT_LIMITS[key];
    if (limit === undefined || OWN.includes(key)) {
      limits[key] = most;
      continue;
    }
    if (limit > most) throw tooWide(name, key, limit, most);
    limits[key] = limit;
  }
  return limits;
}

function tooWide(name: string, key: string, limit: number, most: number): BelljarError {
  return new BelljarError(
    "recording/limits",
    `${printable(name, 80)} was made with the limit ${key} at ${limit}; here it is at most ${most}.`,
    `If you trust it: belljar replay --limit ${key}=${limit}`,
  );
}

class Replay {
  private readonly recording: Recording;
  private readonly type: PluginType;
  private readonly files: readonly Uint8Array[];
  private readonly limits: Limits;
  private readonly name: string;
  private readonly answers: AnswerReplay;
  private instance: PluginInstance | null = null;
  private state: ReplayState | null = null;
  /** What the last call threw, other than for a fault. */
  private error: BelljarError | null = null;
  /** Calls that the recording goes on with after the replay has ended. */
  private left = 0;
  private work = 0;
  private frames = 0;
  private framesDone = 0;
  private blocksDone = 0;
  private budget: number | null = null;

  constructor(
    recording: Recording,
    type: PluginType,
    files: readonly Uint8Array[],
    limits: Limits,
    name: string,
  ) {
    this.recording = recording;
    this.type = type;
    this.files = files;
    this.limits = limits;
    this.name = name;
    this.answers = new AnswerReplay(recording.answers());
  }

  async run(options: ReplayOptions): Promise<void> {
    const { facts } = this.recording;
    // A call that a deadline had ended is ended by its count; everything else has as long as control calls have.
    const late = facts.outcome.fault?.kind === "deadline";
    this.instance = new PluginInstance(this.type, {
      ...(late ? { now: () => 0 } : {}),
      watcher: {
        call: () => {},
        block: () => {},
        ended: () => {},
        activated: () => {},
        imports: (functions: HostFunctions, memory) => this.answers.around(functions, memory),
      },
    });
    const last = this.lastCall();
    const reader = this.recording.calls();
    let calls = 0;
    let turn = performance.now();
    const rest = async (): Promise<void> => {
      this.hear(options);
      options.onProgress?.(this.seconds(this.framesDone), this.seconds(facts.frames));
      await setImmediate();
      options.signal?.throwIfAborted();
      turn = performance.now();
    };
    for (let entry = reader.next(); entry !== null; entry = reader.next()) {
      const times = entry.entry === "blocks" ? entry.count : isCall(entry) ? 1 : 0;
      if (times === 0) {
        this.set(entry);
        continue;
      }
      for (let i = 0; i < times; i++) {
        if (this.instance.fault !== null) break;
        if (++calls === last) this.expectEnd(this.instance);
        this.work += this.instance.units;
        this.error = null;
        try {
          this.call(entry);
        } catch (error) {
          if (error instanceof Mismatch) throw this.mismatch(error);
          if (!(error instanceof BelljarError)) throw error;
          this.error = error;
        }
        if (performance.now() - turn > TURN) await rest();
      }
      if (this.instance.fault !== null) break;
    }
    this.left = last - calls;
    await rest();
  }

  private seconds(frames: number): number {
    const { rate } = this.recording.facts;
    return rate > 0 ? frames / rate : 0;
  }

  /** The number of the recording's last call. */
  private lastCall(): number {
    const reader = this.recording.calls();
    let calls = 0;
    for (let entry = reader.next(); entry !== null; entry = reader.next()) {
      if (entry.entry === "blocks") calls += entry.count;
      else if (isCall(entry)) calls++;
    }
    return calls;
  }

  /** Before the last call. */
  private expectEnd(instance: PluginInstance): void {
    const { outcome, last } = this.recording.facts;
    if (outcome.fault === null || FOUND_AFTER.includes(outcome.fault.kind)) return;
    instance.knownEnd = {
      call: instance.begun + last.call,
      units: outcome.fault.units,
      granted: last.granted,
      late: outcome.fault.kind === "deadline",
    };
  }

  private hear({ onMessage }: ReplayOptions): void {
    const seconds = this.seconds(this.framesDone);
    this.instance?.drainMessages((kind, text, level) => onMessage?.(kind, text, level, seconds));
  }

  private mismatch(error: Mismatch): BelljarError {
    return new BelljarError("recording/mismatch", `${this.name} does not fit the plugin: ${error.message}.`);
  }

  /** What the entry sets holds from here on. */
  private set(entry: RecordedEntry): void {
    try {
      if (entry.entry === "frames") this.frames = entry.frames;
      else if (entry.entry === "budget") this.setBudget(entry.units);
      else if (this.state === null) throw new Mismatch("it plays before it is activated");
      else if (entry.entry === "controls" || entry.entry === "flags" || entry.entry === "transport") {
        this.state.setWords(entry);
      } else if (entry.entry === "events") this.state.setEvents(entry);
      else if (entry.entry === "arena") this.state.setArena(entry);
      else if (entry.entry === "sound") this.state.setSound(entry, this.frames);
    } catch (error) {
      throw error instanceof Mismatch ? this.mismatch(error) : error;
    }
  }

  private setBudget(units: number): void {
    const frames = Math.max(1, (this.instance?.maxFrames ?? 0) / BUDGETED_FRAMES);
    const most = this.limits.blockUnits * frames;
    if (!(units >= 0)) throw new Mismatch("its budget is no number");
    if (units > most)
      throw tooWide(this.name, "blockUnits", Math.ceil(units / frames), this.limits.blockUnits);
    this.budget = units;
  }

  private call(entry: RecordedEntry): void {
    const instance = this.instance as PluginInstance;
    if (entry.entry === "blocks") {
      this.block(instance);
      return;
    }
    if (instance.maxFrames > 0) this.prepare(instance);
    switch (entry.entry) {
      case "abi":
        instance.abiVersion();
        break;
      case "descriptor":
        instance.describeBytes();
        break;
      case "configure":
        instance.configure(entry.id, entry.value);
        break;
      case "file":
        instance.configureFile(
          entry.id,
          entry.name,
          entry.file === null ? null : (this.files[entry.file] as Uint8Array),
        );
        break;
      case "activate":
        this.state = null;
        instance.activate(entry.rate, entry.maxFrames);
        this.state = new ReplayState(instance);
        break;
      case "deactivate":
        instance.deactivate();
        this.state = null;
        break;
      case "reset":
        instance.reset();
        break;
      case "idle":
        instance.idle();
        break;
      case "stateSave":
        instance.saveState();
        break;
      case "stateLoad":
        instance.loadState(entry.bytes);
        break;
      case "graphGet":
        instance.getGraphData(entry.id);
        break;
      case "graphSet":
        instance.setGraphData(entry.id, entry.json);
        break;
    }
  }

  private prepare(instance: PluginInstance): void {
    if (this.budget !== null) instance.unitBudget = this.budget;
    this.state?.apply(false);
  }

  private block(instance: PluginInstance): void {
    const { frames, state } = this;
    if (state === null) throw new Mismatch("it plays before it is activated");
    if (frames < 1 || frames > instance.maxFrames) throw new Mismatch(`a block has ${frames} frames`);
    if (this.budget !== null) instance.unitBudget = this.budget;
    state.applyBlock(frames);
    instance.process(frames);
    this.framesDone += frames;
    this.blocksDone++;
  }

  end(): void {
    this.instance?.dispose();
  }

  report(from: string): ReplayReport {
    const { facts } = this.recording;
    const instance = this.instance as PluginInstance;
    const replayed = this.outcome(instance);
    const differences = this.compare(facts.outcome, replayed);
    return {
      same: differences.length === 0,
      recorded: facts.outcome,
      replayed,
      differences,
      notes: this.notes(differences.length === 0),
      node: facts.node,
      plugin: {
        id: printable(this.type.descriptor.id, 80),
        displayName: printable(this.type.descriptor.display_name, 80),
        sha256: this.type.hash,
        from,
      },
      audio: facts.audio,
      blocks: facts.blocks,
      replayedBlocks: this.blocksDone,
      frames: facts.frames,
      rate: facts.rate,
      madeBy: { ...facts.madeBy, rewriter: facts.rewriter, abi: facts.abi },
    };
  }

  private outcome({ fault }: PluginInstance): Outcome | null {
    if (fault !== null) return { fault, error: null };
    return this.error === null
      ? null
      : { fault: null, error: { code: this.error.code, message: this.error.message } };
  }

  private compare(recorded: Outcome, replayed: Outcome | null): string[] {
    if (replayed === null) return ["The plugin was not stopped."];
    if (recorded.fault === null || replayed.fault === null) {
      const wanted = recorded.fault?.kind ?? recorded.error?.code ?? "";
      const found = replayed.fault?.kind ?? replayed.error?.code ?? "";
      const same = recorded.fault === null && replayed.fault === null && wanted === found;
      return same ? [] : [`It ended with ${shown(found)}, not with ${shown(wanted)}.`];
    }
    const differences: string[] = [];
    const pair = (what: string, key: keyof Fault): void => {
      const [was, is] = [recorded.fault[key], replayed.fault[key]];
      if (was !== is) differences.push(`The ${what} is ${shown(is)}, not ${shown(was)}.`);
    };
    pair("kind of fault", "kind");
    pair("call", "call");
    pair("function", "where");
    pair("block", "block");
    pair("count of units at the last check", "units");
    if (differences.length === 0 && this.left > 0) {
      differences.push(`It came ${this.left} calls before the end of the recording.`);
    }
    return differences;
  }

  private notes(same: boolean): string[] {
    const { facts } = this.recording;
    const notes: string[] = [];
    const strayed = this.answers.strayed;
    if (same && (this.work !== facts.work || strayed)) {
      notes.push("On the way there, the plugin's work was not the same as when it was recorded.");
    }
    if (!facts.audio && (!same || this.work !== facts.work) && this.hasSoundInput()) {
      notes.push("The sound is not in the recording: the plugin's inputs were silent here.");
    }
    if (strayed && !same) notes.push("The plugin asked the host for other things than when it was recorded.");
    if (facts.floats !== floatMode()) {
      notes.push(
        facts.floats === "flush"
          ? "It was recorded where subnormal numbers are flushed to zero; here they are not."
          : "It was recorded where subnormal numbers are kept; here they are flushed to zero.",
      );
    }
    if (facts.rewriter !== REWRITER_VERSION) {
      notes.push(
        `It was recorded with version ${facts.rewriter} of the meter, and this is version ${REWRITER_VERSION}: units may be counted otherwise.`,
      );
    }
    if (facts.abi !== ABI_VERSION) {
      notes.push("It was recorded with another version of the plugin contract.");
    }
    if (!same && facts.madeBy.v8 !== process.versions.v8) {
      notes.push(
        `It was recorded with Node ${printable(facts.madeBy.node, 20)}, and this is Node ${process.versions.node}.`,
      );
    }
    return notes;
  }

  private hasSoundInput(): boolean {
    return this.instance?.maxFrames !== 0 && this.instance?.audio.some((port) => port.input) === true;
  }
}

function isCall(entry: RecordedEntry): boolean {
  return CALLS.has(entry.entry);
}

const CALLS: ReadonlySet<string> = new Set([
  "abi",
  "descriptor",
  "configure",
  "file",
  "activate",
  "deactivate",
  "reset",
  "idle",
  "stateSave",
  "stateLoad",
  "graphGet",
  "graphSet",
  "blocks",
]);

function shown(value: unknown): string {
  if (value === "") return "unknown";
  return typeof value === "string" ? `"${printable(value, 120)}"` : String(value);
}
