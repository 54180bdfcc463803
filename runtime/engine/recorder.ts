// Writes down what one instance of a plugin is asked to do, in memory, until somebody wants to keep it: after a fault.

import { createHash } from "node:crypto";
import { ABI_VERSION, EVENT_ARENA, EVENT_BYTES, EventType, TRANSPORT_BYTES } from "../../abi/layout.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import {
  type AudioPort,
  type Fault,
  type HostFunctions,
  type PluginInstance,
  type PluginType,
  REWRITER_VERSION,
  type WatchedCall,
  type Watcher,
} from "../sandbox/index.ts";
import { AnswerLog } from "./recording-answers.ts";
import { ByteLog } from "./recording-bytes.ts";
import { WordChanges } from "./recorded-words.ts";
import { Entry, EVENT_WORDS, TRANSPORT_WORDS } from "./recording-calls.ts";
import { type Outcome, type RecordedFile, writeRecording } from "./recording.ts";

export interface RecorderOptions {
  /** What the session calls the node. */
  node: string;
  /** A built-in's id, or a file's name without its folder; may be empty. */
  name: string;
  /** Whether the sound of the plugin's inputs is written down, too. */
  audio: boolean;
  /** Bytes that it may take; one that grows larger is dropped. */
  mostBytes: number;
  /** Told how many bytes more it takes, now and then. */
  grew?: (bytes: number) => void;
}

/** Errors by which a plugin refuses what a host can't do without. */
const REFUSALS = /^(descriptor\/|plugin\/(refused|layout|no-memory)$)/;
/** Characters of a text in the facts. */
const LONGEST = 1_000;

const short = (text: string): string => printable(text, LONGEST - 1);

/** Whether numbers below the normal ones stay as they are in this thread. */
export function floatMode(): "subnormals" | "flush" {
  const cells = Float64Array.of(2 ** -1022, 0.5);
  return (cells[0] as number) * (cells[1] as number) > 0 ? "subnormals" : "flush";
}

/** What process works on. */
interface Seen {
  controls: Int32Array;
  controlChanges: WordChanges;
  ports: readonly AudioPort[];
  flags: Int32Array;
  flagChanges: WordChanges;
  transport: Int32Array;
  transportChanges: WordChanges;
  /** By port: the same samples as bits; null: an output. */
  sound: (Int32Array | null)[];
}

export class Recorder implements Watcher {
  readonly node: string;
  readonly audio: boolean;
  /** Whether it grew past its bound, and was let go. */
  dropped = false;
  private readonly options: RecorderOptions;
  private readonly type: PluginType;
  private readonly calls = new ByteLog();
  private readonly answerBytes = new ByteLog();
  private readonly answers: AnswerLog;
  private readonly files: RecordedFile[] = [];
  private instance: PluginInstance | null = null;
  private seen: Seen | null = null;
  private fault: Fault | null = null;
  private error: { code: string; message: string } | null = null;
  private last = { call: 0, granted: 0 };
  /** Whether it was settled. */
  private over = false;
  private told = 0;
  /** Of the instance, before the last entry's call. */
  private begun = 0;
  private blocks = 0;
  private frames = 0;
  private rate = 0;
  private work = 0;
  /** Blocks that are not yet written, since nothing changed; their frames; the limits of the last call. */
  private run = 0;
  private runFrames = 0;
  private units = -1;
  private deadline = -1;

  constructor(type: PluginType, options: RecorderOptions) {
    this.type = type;
    this.options = options;
    this.answers = new AnswerLog(this.answerBytes, options.mostBytes);
    this.node = options.node;
    this.audio = options.audio;
  }

  /** Bytes that it takes now. */
  get size(): number {
    return this.calls.length + this.answerBytes.length;
  }

  /** What ended it, or null while there is nothing to tell. */
  get outcome(): Outcome | null {
    const fault = this.fault ?? this.instance?.fault ?? null;
    if (fault !== null) return { fault, error: null };
    return this.error === null ? null : { fault: null, error: this.error };
  }

  /** Says that the host could not go on: where the plugin refused its last call, that is what ended it. */
  refused(error: unknown): void {
    if (error instanceof BelljarError && REFUSALS.test(error.code)) {
      this.error = { code: error.code, message: short(error.message) };
    }
  }

  /** Where it has ended: lets go of the instance and its memory. */
  settle(): void {
    const { instance } = this;
    if (instance === null || this.outcome === null) return;
    this.flush();
    this.answers.flush();
    this.fault = instance.fault;
    this.last = { call: instance.begun - this.begun, granted: instance.granted };
    this.instance = null;
    this.seen = null;
    this.over = true;
    this.bound();
  }

  /** Lets go of what it holds. */
  drop(): void {
    this.dropped = true;
    this.options.grew?.(-this.told);
    this.told = 0;
    this.calls.clear();
    this.answerBytes.clear();
    this.seen = null;
  }

  /** The recording's file, or null: nothing ended it, or it was dropped. */
  finish(): Uint8Array<ArrayBuffer> | null {
    this.settle();
    const { outcome, type } = this;
    if (!this.over || outcome === null || this.dropped) return null;
    const { id, display_name } = type.descriptor;
    const { fault } = outcome;
    return writeRecording(
      {
        node: short(this.node),
        plugin: {
          name: short(this.options.name),
          id: short(id),
          displayName: short(display_name),
          sha256: type.hash,
        },
        outcome:
          fault === null
            ? outcome
            : { fault: { ...fault, where: short(fault.where), message: short(fault.message) }, error: null },
        last: this.last,
        audio: this.audio,
        floats: floatMode(),
        limits: Object.fromEntries(Object.entries(type.limits).filter(([, limit]) => Number.isFinite(limit))),
        files: this.files.map((file) => ({ ...file, name: short(file.name) })),
        blocks: this.blocks,
        frames: this.frames,
        rate: this.rate,
        work: this.work,
        abi: ABI_VERSION,
        rewriter: REWRITER_VERSION,
        madeBy: {
          node: process.versions.node,
          v8: process.versions.v8,
          platform: `${process.platform}-${process.arch}`,
        },
      },
      this.calls,
      this.answerBytes,
    );
  }

  // What the instance tells.

  imports(functions: HostFunctions, memory: WebAssembly.Memory): HostFunctions {
    return this.answers.around(functions, memory);
  }

  call(instance: PluginInstance, call: WatchedCall): void {
    if (!this.next(instance)) return;
    const log = this.calls;
    this.flush();
    if (instance.maxFrames > 0 && this.seen !== null) this.look(instance, this.seen, false);
    switch (call.call) {
      case "abi":
        log.u8(Entry.abi);
        break;
      case "descriptor":
        log.u8(Entry.descriptor);
        break;
      case "configure":
        log.u8(Entry.configure);
        log.text(call.id);
        log.text(call.value);
        break;
      case "file":
        log.u8(Entry.file);
        log.text(call.id);
        log.text(call.name);
        log.count(call.bytes === null ? 0 : this.file(call.name, call.bytes));
        break;
      case "activate":
        log.u8(Entry.activate);
        log.number(call.rate);
        log.count(call.maxFrames);
        this.rate = call.rate;
        this.seen = null;
        break;
      case "deactivate":
        log.u8(Entry.deactivate);
        break;
      case "reset":
        log.u8(Entry.reset);
        break;
      case "idle":
        log.u8(Entry.idle);
        break;
      case "state save":
        log.u8(Entry.stateSave);
        break;
      case "state load":
        log.u8(Entry.stateLoad);
        log.bytes(call.bytes);
        break;
      case "graph get":
        log.u8(Entry.graphGet);
        log.text(call.id);
        break;
      case "graph set":
        log.u8(Entry.graphSet);
        log.text(call.id);
        log.text(call.json);
        break;
    }
    this.bound();
  }

  ended(): void {
    const { seen } = this;
    if (seen === null) return;
    seen.controlChanges.leave(seen.controls);
    seen.flagChanges.leave(readFlags(seen));
    seen.transportChanges.leave(seen.transport);
  }

  activated(instance: PluginInstance): void {
    if (this.dropped || instance !== this.instance) return;
    this.seen = firstLook(instance);
    this.ended();
  }

  block(instance: PluginInstance, frames: number): void {
    if (!this.next(instance)) return;
    if (frames !== this.runFrames) {
      this.flush();
      this.calls.u8(Entry.frames);
      this.calls.count(frames);
      this.runFrames = frames;
    }
    if (this.seen !== null) this.look(instance, this.seen, true);
    this.run++;
    this.blocks++;
    this.frames += frames;
    if (this.size !== this.told) this.bound();
  }

  /** Whether the call that now begins is to be written down. */
  private next(instance: PluginInstance): boolean {
    if (this.dropped || this.over || instance.fault !== null) return false;
    if (this.instance === null) this.instance = instance;
    if (this.instance !== instance) return false;
    this.work += instance.units;
    this.begun = instance.begun;
    return true;
  }

  /** Writes the blocks of the run. */
  private flush(): void {
    if (this.run === 0) return;
    this.calls.u8(Entry.blocks);
    this.calls.count(this.run);
    this.run = 0;
  }

  private bound(): void {
    const { size, told, options } = this;
    if (size > options.mostBytes) {
      this.drop();
    } else if (size !== told) {
      this.told = size;
      options.grew?.(size - told);
    }
  }

  /** The number of a file in the list, from 1. */
  private file(name: string, bytes: Uint8Array): number {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const known = this.files.findIndex((file) => file.sha256 === sha256 && file.name === name);
    return known >= 0 ? known + 1 : this.files.push({ name, bytes: bytes.length, sha256 });
  }

  /** Writes down what the host has written since the last call; what the plugin itself wrote there is none of it. */
  private look(instance: PluginInstance, seen: Seen, block: boolean): void {
    const { unitBudget, deadline } = instance;
    if (unitBudget !== this.units || deadline !== this.deadline) {
      this.flush();
      this.calls.u8(Entry.budget);
      this.calls.number(unitBudget);
      this.calls.number(deadline);
      this.units = unitBudget;
      this.deadline = deadline;
    }
    if (seen.controlChanges.look(seen.controls, block)) this.note(Entry.controls, seen.controlChanges);
    if (seen.flagChanges.look(readFlags(seen), block)) this.note(Entry.flags, seen.flagChanges);
    if (seen.transportChanges.look(seen.transport, block)) this.note(Entry.transport, seen.transportChanges);
    if (!block) return;
    if (instance.eventsIn.count > 0) this.lookAtEvents(instance);
    if (this.audio) this.lookAtSound(seen);
  }

  private note(entry: number, changes: WordChanges): void {
    this.flush();
    this.calls.u8(entry);
    changes.note(this.calls);
  }

  private lookAtEvents({ eventsIn, arena }: PluginInstance): void {
    const { words, count } = eventsIn;
    this.flush();
    this.calls.u8(Entry.events);
    this.calls.count(count);
    for (let i = 0; i < count * EVENT_WORDS; i++) this.calls.small(words[i] as number);
    for (let i = 0; i < count; i++) {
      const type = eventsIn.type(i);
      if (type !== EventType.Transport && type !== EventType.Sysex) continue;
      // Of the arena, what the event refers to: the host put it there for this block.
      const length = type === EventType.Transport ? TRANSPORT_BYTES : eventsIn.id(i);
      const at = eventsIn.view.getUint32(i * EVENT_BYTES + EVENT_ARENA, true);
      if (at >= arena.length) continue;
      this.calls.u8(Entry.arena);
      this.calls.count(at);
      this.calls.bytes(arena.slice(at, at + length));
    }
  }

  /** The sound of inputs that are not all zero. */
  private lookAtSound({ ports, sound }: Seen): void {
    for (let p = 0; p < ports.length; p++) {
      const bits = sound[p] as Int32Array | null;
      if (bits === null) continue;
      const { channels, stride } = ports[p] as AudioPort;
      if (isZero(bits, channels, stride, this.runFrames)) continue;
      this.flush();
      this.calls.u8(Entry.sound);
      this.calls.count(p);
      this.calls.count(channels * this.runFrames * 4);
      for (let c = 0; c < channels; c++) {
        const at = bits.byteOffset + c * stride * 4;
        this.calls.raw(new Uint8Array(bits.buffer, at, this.runFrames * 4));
      }
    }
  }
}

function isZero(bits: Int32Array, channels: number, stride: number, frames: number): boolean {
  for (let c = 0; c < channels; c++) {
    for (let i = c * stride; i < c * stride + frames; i++) if (bits[i] !== 0) return false;
  }
  return true;
}

const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Int32Array =>
  new Int32Array(buffer, byteOffset, length);

function readFlags({ ports, flags }: Seen): Int32Array {
  for (let i = 0; i < ports.length; i++) flags[i] = (ports[i] as AudioPort).flags;
  return flags;
}

function firstLook({ controlsIn, audio, transport }: PluginInstance): Seen {
  const transportWords = transport === null ? 0 : TRANSPORT_WORDS;
  return {
    controls: bitsOf(controlsIn),
    controlChanges: new WordChanges(controlsIn.length, false),
    ports: audio,
    flags: new Int32Array(audio.length),
    flagChanges: new WordChanges(audio.length, false),
    transport:
      transport === null
        ? new Int32Array(0)
        : new Int32Array(transport.buffer, transport.byteOffset, TRANSPORT_WORDS),
    transportChanges: new WordChanges(transportWords, true),
    sound: audio.map((port) => (port.input ? bitsOf(port.samples) : null)),
  };
}
