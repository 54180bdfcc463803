// One plugin over sound and events of a known length, offline: what `belljar process` does, without files.

import { setImmediate } from "node:timers/promises";
import { channelCount, isInput } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { EventType } from "../../abi/layout.ts";
import type { MidiFile, MidiSchedule } from "./midi-file.ts";
import { type Fault, limitHint } from "../sandbox/index.ts";
import { PluginFeed, type ValueAt } from "./plugin-feed.ts";
import type { Processor } from "./processor.ts";
import { TransportClock } from "./transport.ts";

export interface PluginRun {
  processor: Processor;
  /** Sound for audio inputs, by port id: one or two channels at the processor's rate. */
  sound: ReadonlyMap<string, readonly Float32Array[]>;
  /** Events for the first event input. */
  schedule: MidiSchedule | null;
  /** Values of controls at their times, in any order. */
  values?: readonly ValueAt[];
  /** The file whose tempo changes hold; without one, or with film frames in place of beats, `bpm` holds throughout. */
  midi: MidiFile | null;
  bpm: number;
  /** Frames of input; silence follows. */
  frames: number;
  /** Frames after the input: a number, or "auto": the plugin's own tail, and where that is infinite, until a second of quiet. */
  tail: number | "auto";
  /** Called with each stretch of output: views that the next block overwrites. Latency is already taken off. */
  write(channels: readonly Float32Array[], frames: number, offset: number): void;
  /** Called with each line that the plugin logs, soon after. @param seconds how far the sound is */
  log?(line: string, level: number, seconds: number): void;
  /** Called after each block with frames done and the frames known to come. */
  progress?(done: number, total: number): void;
}

/** What a control output or monitor showed. */
export interface Shown {
  id: string;
  /** In the last block, and the most of all blocks. */
  last: number;
  largest: number;
}

export interface RunFacts {
  /** Frames written. */
  frames: number;
  blocks: number;
  peak: number;
  /** Units in all, and the most that one block cost. */
  units: number;
  mostUnits: number;
  /** Events that found no room in the plugin's list, or that it sent beyond what it may. */
  lostEvents: number;
  /** Log lines that it wrote beyond what it may, and messages that it was told to send later. */
  droppedLines: number;
  refusedMessages: number;
  /** Values whose time did not come. */
  unusedValues: number;
  /** Control outputs and monitors, in the plugin's order; none where no block ran. */
  monitors: Shown[];
  /** Events that the plugin sent, by EventType's name. */
  eventsOut: Record<string, number>;
  /** Processing alone, in milliseconds. */
  milliseconds: number;
}

/** -100 dBFS: below it, sound counts as quiet. */
const QUIET = 1e-5;
/** The longest tail of a plugin whose own is infinite, in seconds. */
const LONGEST_TAIL = 60;
/** Blocks between two chances for the plugin to do work that waits; in a graph, nodes take turns at it. */
const IDLE_BLOCKS = 16;
/** Milliseconds of work between two looks at what else the process has to do. */
const TURN = 50;

/**
 * Runs a plugin from the first frame of its input to the end of its tail.
 * @throws BelljarError plugin/stopped when the plugin was stopped; what `write` throws
 */
export async function processPlugin(run: PluginRun): Promise<RunFacts> {
  const { processor } = run;
  const { instance, rate, latency } = processor;
  const output = processor.output();
  const inputs = [...run.sound].map(([id, channels]) => ({ to: processor.input(id).all, from: channels }));
  const endless = run.tail === "auto" && !Number.isFinite(processor.tail);
  const tail = run.tail === "auto" ? Math.min(processor.tail, LONGEST_TAIL * rate) : run.tail;
  const total = run.frames + tail;
  const shown = instance.descriptor.ports.filter((port) => port.type === "control" && !isInput(port));
  const facts: RunFacts = {
    frames: 0,
    blocks: 0,
    peak: 0,
    units: 0,
    mostUnits: 0,
    lostEvents: 0,
    droppedLines: 0,
    refusedMessages: 0,
    unusedValues: 0,
    monitors: shown.map(({ id }) => ({ id, last: 0, largest: Number.NEGATIVE_INFINITY })),
    eventsOut: {},
    milliseconds: 0,
  };
  const clock = new TransportClock(rate, run.bpm, run.midi);
  const feed = new PluginFeed(processor, clock, run.schedule, run.values ?? []);
  let quiet = 0;
  let turn = performance.now();
  let size = 0;
  for (let at = 0; facts.frames < total; at += size) {
    size = feed.fill(at);
    for (const { to, from } of inputs) fill(to, from, at, size);
    const start = performance.now();
    if (!processor.process(size)) {
      takeLog(run, facts.frames);
      throw stopped(processor.fault);
    }
    const now = performance.now();
    facts.milliseconds += now - start;
    facts.blocks++;
    facts.units += instance.units;
    facts.mostUnits = Math.max(facts.mostUnits, instance.units);
    look(processor, facts);
    if (facts.blocks % IDLE_BLOCKS === 0) {
      instance.idle();
      takeLog(run, facts.frames);
    }
    // The first `latency` frames are not yet the answer to any input.
    const offset = Math.min(size, Math.max(0, latency - at));
    const frames = Math.min(size - offset, total - facts.frames);
    if (frames > 0) {
      run.write(output.all, frames, offset);
      facts.frames += frames;
      facts.peak = Math.max(facts.peak, output.peak);
    }
    run.progress?.(facts.frames, total);
    quiet = output.peak < QUIET ? quiet + size : 0;
    if (endless && facts.frames >= run.frames && quiet >= rate) break;
    if (now - turn > TURN) {
      await setImmediate();
      turn = performance.now();
    }
  }
  takeLog(run, facts.frames);
  if (facts.blocks === 0) facts.monitors = [];
  const { events, logLines, messages } = instance.takeDropped();
  facts.lostEvents = feed.lost + events;
  facts.droppedLines = logLines;
  facts.refusedMessages = messages;
  facts.unusedValues = feed.waiting;
  return facts;
}

function stopped(fault: Fault | null): BelljarError {
  const hint = fault?.kind === "units" ? limitHint("blockUnits") : "";
  return new BelljarError("plugin/stopped", fault?.message ?? "The plugin was stopped.", hint);
}

/** What the plugin showed and sent in the last block. */
function look(processor: Processor, { monitors, eventsOut }: RunFacts): void {
  for (const monitor of monitors) {
    monitor.last = processor.get(monitor.id);
    monitor.largest = Math.max(monitor.largest, monitor.last);
  }
  const sent = processor.instance.eventsOut;
  for (let i = 0; i < sent.count; i++) {
    // What no other plugin may get has lost its type.
    const name = EventType[sent.type(i)];
    if (name !== undefined) eventsOut[name] = (eventsOut[name] ?? 0) + 1;
  }
}

function takeLog(run: PluginRun, frames: number): void {
  run.processor.instance.drainMessages((kind, text, level) => {
    if (kind === "log") run.log?.(text, level, frames / run.processor.rate);
  });
}

/** Mono goes to every channel; stereo into mono is added up, as in a graph. */
function fill(to: readonly Float32Array[], from: readonly Float32Array[], at: number, frames: number): void {
  const [left, right] = from;
  to.forEach((channel, c) => {
    const source = from[c] ?? left;
    const part = source?.subarray(at, at + frames) ?? new Float32Array(0);
    channel.fill(0, part.length, frames);
    channel.set(part);
    if (to.length === 1 && right !== undefined) {
      const other = right.subarray(at, at + frames);
      for (let i = 0; i < other.length; i++) channel[i] = (channel[i] as number) + (other[i] as number);
    }
  });
}

/** Whether a plugin has an audio port of that direction. */
export function hasAudio(
  processor: { descriptor: Processor["descriptor"] },
  direction: "in" | "out",
): boolean {
  return processor.descriptor.ports.some(
    (port) => channelCount(port) > 0 && isInput(port) === (direction === "in"),
  );
}
