// A plugin instance on the bench: it plays scores in blocks of any length, and every block is watched.

import { isInput, type PortDescriptor } from "../../abi/descriptor.ts";
import {
  AUDIO_CONNECTED,
  AUDIO_INPUT_SILENT,
  EVENT_ARENA,
  EVENT_BYTES,
  EventType,
  ProcessState,
} from "../../abi/layout.ts";
import type { AudioPort, PluginInstance } from "../sandbox/index.ts";
import { Guards } from "./guards.ts";
import type { Score } from "./score.ts";
import type { SentEvent, Take } from "./take.ts";
import { Ended } from "./verdict.ts";

export interface PlayOptions {
  /** Lengths of blocks, one after another from the start again; default: the longest. */
  blocks?: readonly number[];
  /** Whether changes inside a block are sent as events too; default: yes. */
  automation?: boolean;
  /** Whether silent inputs are flagged so; default: yes. */
  silenceFlags?: boolean;
  /** Flags of all ports before silence; default: connected. */
  flags?: number;
  /** Called before each block. */
  between?: (block: number) => void;
  /** Whether blocks are left out where the plugin said that they may be. */
  mayRest?: boolean;
  /** false: samples are not kept. */
  keep?: boolean;
}

/** Inputs that are fainter may make subnormal numbers in honest ways. */
const FAINTEST = 1e-37;

/** The plugin was stopped by the sandbox. */
export class Stopped extends Ended {}

export class Rig {
  instance: PluginInstance;
  /** Frames played since it was made. */
  frame = 0;
  private readonly notice: (check: string, sentence: string) => void;
  private guards: Guards;
  private inputs: AudioPort[] = [];
  private outputs: AudioPort[] = [];

  constructor(instance: PluginInstance, notice: (check: string, sentence: string) => void) {
    this.instance = instance;
    this.notice = notice;
    this.guards = this.watch();
  }

  /** The instance's `look` goes here. */
  look(frames: number, events: number): void {
    this.guards.look(frames, events);
  }

  /** After an activation, and for an instance that was attached in this one's place. */
  watch(instance: PluginInstance = this.instance): Guards {
    this.instance = instance;
    const before = this.guards as Guards | undefined;
    this.guards = new Guards(instance, this.notice);
    this.guards.remember(before);
    this.inputs = instance.audio.filter((port) => port.input);
    this.outputs = instance.audio.filter((port) => !port.input);
    return this.guards;
  }

  /** Control inputs that are values (no graph editors), with their slots. */
  get parameters(): { port: PortDescriptor; slot: number; index: number }[] {
    let slot = 0;
    return this.instance.descriptor.ports.flatMap((port, index) => {
      if (port.type !== "control" || !isInput(port)) return [];
      const entry = { port, slot: slot++, index };
      return port.hint === "graph_editor" ? [] : [entry];
    });
  }

  /** Throws where the plugin was stopped outside of process (reset, idle). */
  well(): void {
    const { fault } = this.instance;
    if (fault !== null) throw new Stopped("failed", fault.message);
  }

  reset(): void {
    this.instance.reset();
    this.well();
  }

  /** Plays a score from its own frame 0; may be called again and again. */
  play(score: Score, options: PlayOptions = {}): Take {
    const { instance } = this;
    const { blocks = [instance.maxFrames], keep = true } = options;
    const take = this.newTake(score.frames, keep);
    const slots = new Map(this.parameters.map(({ slot, index }) => [slot, index]));
    let nextEvent = 0;
    let nextChange = 0;
    let resting: ProcessState = ProcessState.Continue;
    for (let at = 0, block = 0; at < score.frames; block++) {
      const frames = Math.min(blocks[block % blocks.length] as number, score.frames - at, instance.maxFrames);
      options.between?.(block);
      const loud = this.writeInputs(score, at, frames, options);
      const first = nextEvent;
      while (
        nextEvent < score.events.length &&
        (score.events[nextEvent] as { frame: number }).frame < at + frames
      )
        nextEvent++;
      const firstChange = nextChange;
      while (
        nextChange < score.changes.length &&
        (score.changes[nextChange] as { frame: number }).frame < at + frames
      )
        nextChange++;
      const idle = !loud && nextEvent === first && nextChange === firstChange;
      const mayRest =
        options.mayRest === true &&
        idle &&
        (resting === ProcessState.Sleep || resting === ProcessState.QuietOk);
      if (mayRest) {
        take.blocks.push({ frame: at, frames, state: resting, units: 0, called: false });
        at += frames;
        continue;
      }
      const late = this.writeEvents(
        score,
        first,
        nextEvent,
        firstChange,
        nextChange,
        at,
        slots,
        options,
        take,
      );
      if (instance.transport !== null) score.transport(instance.transport, at, instance.rate);
      this.process(frames);
      for (const { slot, value } of late) instance.controlsIn[slot] = value;
      this.readBlock(take, at, frames, keep);
      resting = instance.processState;
      take.blocks.push({ frame: at, frames, state: resting, units: instance.units, called: true });
      at += frames;
    }
    take.controls.push(...instance.controlsOut);
    const { logLines, messages } = instance.takeDropped();
    take.messages += logLines + messages;
    this.frame += score.frames;
    return take;
  }

  private newTake(frames: number, keep: boolean): Take {
    const channels = this.outputs.flatMap((port) =>
      Array.from({ length: port.channels }, (_, c) => ({
        name: `"${port.id}"${port.channels === 2 ? (c === 0 ? " (left)" : " (right)") : ""}`,
        samples: new Float32Array(keep ? frames : 0),
      })),
    );
    const rate = this.instance.rate;
    return { rate, frames, channels, events: [], blocks: [], controls: [], messages: 0, dropped: 0 };
  }

  /** Whether there is anything but zeros. */
  private writeInputs(score: Score, at: number, frames: number, options: PlayOptions): boolean {
    const flags = options.flags ?? AUDIO_CONNECTED;
    let lane = 0;
    let any = false;
    for (const port of this.inputs) {
      let loud = false;
      for (let c = 0; c < port.channels; c++) {
        const block = port.samples.subarray(c * port.stride, c * port.stride + frames);
        score.signal(block, at, lane++);
        for (let i = 0; i < frames; i++) {
          const size = Math.abs(block[i] as number);
          if (size === 0) continue;
          loud = true;
          if (size < FAINTEST) this.guards.faint = true;
        }
      }
      port.flags = flags | (loud || options.silenceFlags === false ? 0 : AUDIO_INPUT_SILENT);
      any ||= loud;
    }
    for (const port of this.outputs) port.flags = flags;
    return any;
  }

  /** @returns changes that hold from the next block on */
  private writeEvents(
    score: Score,
    from: number,
    to: number,
    fromChange: number,
    toChange: number,
    at: number,
    slots: Map<number, number>,
    options: PlayOptions,
    take: Take,
  ): { slot: number; value: number }[] {
    const { eventsIn, arena, controlsIn } = this.instance;
    const late: { slot: number; value: number }[] = [];
    let arenaAt = 0;
    let change = fromChange;
    const changesUpTo = (frame: number): void => {
      for (; change < toChange; change++) {
        const {
          frame: when,
          slot,
          value,
        } = score.changes[change] as { frame: number; slot: number; value: number };
        if (when > frame) return;
        if (when === at && late.every((one) => one.slot !== slot)) {
          controlsIn[slot] = value;
          continue;
        }
        late.push({ slot, value });
        if (options.automation !== false) {
          const index = slots.get(slot) ?? 0;
          if (!eventsIn.push(when - at, EventType.Param, index, -1, -1, -1, 0, value)) take.dropped++;
        }
      }
    };
    for (let i = from; i < to; i++) {
      const event = score.events[i] as Score["events"][number];
      changesUpTo(event.frame);
      const { noteId = -1, channel = -1, key = -1, id = 0, value = 0, data } = event;
      if (data !== undefined && arenaAt + data.length > arena.length) {
        take.dropped++;
        continue;
      }
      if (!eventsIn.push(event.frame - at, event.type, event.port, noteId, channel, key, id, value)) {
        take.dropped++;
        continue;
      }
      if (data !== undefined) {
        arena.set(data, arenaAt);
        eventsIn.view.setUint32((eventsIn.count - 1) * EVENT_BYTES + EVENT_ARENA, arenaAt, true);
        arenaAt += Math.ceil(data.length / 8) * 8;
      }
      this.guards.noteIds.add(noteId);
      this.guards.types.add(event.type);
    }
    changesUpTo(Number.POSITIVE_INFINITY);
    return late;
  }

  private process(frames: number): void {
    this.guards.before(frames);
    if (!this.instance.process(frames)) {
      const { fault } = this.instance;
      throw new Stopped("failed", fault?.message ?? "The plugin was stopped.");
    }
    this.guards.after();
  }

  private readBlock(take: Take, at: number, frames: number, keep: boolean): void {
    if (keep) {
      let channel = 0;
      for (const port of this.outputs) {
        for (let c = 0; c < port.channels; c++) {
          const from = c * port.stride;
          take.channels[channel++]?.samples.set(port.samples.subarray(from, from + frames), at);
        }
      }
    }
    const { eventsOut } = this.instance;
    for (let i = 0; i < eventsOut.count; i++) {
      // the sandbox takes the type of what may not travel
      if (eventsOut.type(i) !== 0) take.events.push(this.sent(i, at));
    }
    this.instance.drainMessages(() => take.messages++);
  }

  private sent(i: number, at: number): SentEvent {
    const { eventsOut: list } = this.instance;
    return {
      frame: at + list.frame(i),
      type: list.type(i),
      port: list.port(i),
      noteId: list.noteId(i),
      channel: list.channel(i),
      key: list.key(i),
      id: list.id(i),
      value: list.value(i),
    };
  }
}
