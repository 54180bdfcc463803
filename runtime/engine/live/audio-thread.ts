// The audio thread: block after block, on the clock that the sink sets. The loop allocates nothing, awaits nothing and
// logs nothing. Others speak to it through shared words and queues; what is rare lies in its box as a message, and it
// looks there when a word says so.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { clockOf } from "../../../abi/clock.ts";
import { BelljarError } from "../../../abi/error.ts";
import { RingState } from "../../../abi/ring.ts";
import { steadyClock } from "../../../shm/clock.ts";
import { openRegion } from "../../../shm/region.ts";
import { RingWriter } from "../../../shm/ring.ts";
import { flushSubnormals, type Priority, raisePriority } from "../../../shm/thread.ts";
import { regionWake } from "../../../shm/wake.ts";
import { FileSource, type NodeStep, TrackSource } from "../../graph/index.ts";
import type { Fault } from "../../sandbox/index.ts";
import { FrameClock } from "./frame-clock.ts";
import { type EventBuffers, LiveEvents } from "./live-events.ts";
import { LivePluginNode } from "./live-plugin-node.ts";
import { Pace } from "./pace.ts";
import { type LiveGraph, type Parcel, type PluginParcel, Unpacking, unpackPlugin } from "./parcel.ts";
import { RecordQueue } from "./queue.ts";
import { Command, Figure, LiveWords, MOST_LIVE_NODES, NodeWord, nodeOf, sessionOf, Word } from "./words.ts";

/** Records of the queue: a power of two. */
export const PARAMETER_RECORDS = 4096;

export interface AudioThreadData {
  words: SharedArrayBuffer;
  parameters: SharedArrayBuffer;
  events: EventBuffers;
  /** Blocks follow each other without waiting. */
  free: boolean;
}

export interface SinkParcel {
  region: { name: string; bytes: number };
  /** Frames that are to lie ready. */
  depth: number;
  /** Frames that are taken at a time. */
  chunk: number;
}

export type ToAudioThread =
  /** A graph to play. `rehearsal`: the same on other instances, played beforehand and thrown away, so that the code is warm. */
  | ({ type: "graph"; parcel: Parcel; rehearsal: Parcel | null; port: MessagePort } & Beginning)
  | { type: "replace"; node: number; parcel: PluginParcel }
  | { type: "sink"; sink: SinkParcel | null }
  /** The sources end here; what sounds may ring out. */
  | { type: "finish" };

/** What a thread needs to know with its first graph: a message more could come after the first block. */
export interface Beginning {
  sink: SinkParcel | null;
  /** Whether the sources have ended already. */
  finished: boolean;
}

export type FromAudioThread =
  | { type: "ready"; subnormalsAreZero: boolean; priority: Priority }
  | { type: "playing" }
  | { type: "sinkFailed"; code: string; message: string }
  | { type: "ended" };

/** What it tells those who make replacements. */
export type ToControl =
  | {
      type: "fault";
      node: number;
      serial: number;
      fault: Fault | null;
      message: string;
      frame: number;
      block: number;
    }
  | { type: "replaced"; node: number; serial: number; frame: number }
  | { type: "refused"; node: number; serial: number; code: string; message: string; frame: number };

/** Blocks, and milliseconds at most, of a rehearsal. */
const REHEARSAL_BLOCKS = 2000;
const REHEARSAL_TIME = 500;
/** How fast the level of a meter falls. Decibels a second. */
const METER_FALL = 24;
/** Weight of a block in the mean load. */
const MEAN_WEIGHT = 1 / 128;

/** Runs in the worker. */
export function runAudioThread(): void {
  Error.stackTraceLimit = 4;
  const port = parentPort as MessagePort;
  const subnormalsAreZero = flushSubnormals();
  const priority = raisePriority();
  const thread = new AudioThread(workerData as AudioThreadData, port);
  port.postMessage({ type: "ready", subnormalsAreZero, priority } satisfies FromAudioThread);
  port.once("message", (first: ToAudioThread) => {
    thread.receive(first);
    thread.run();
    port.postMessage({ type: "ended" } satisfies FromAudioThread);
    port.close();
  });
}

class AudioThread {
  private readonly words: LiveWords;
  private readonly parameters: RecordQueue;
  private readonly events: LiveEvents;
  private readonly free: boolean;
  private readonly port: MessagePort;
  private readonly now = steadyClock();
  private readonly clock = clockOf(this.now);
  private control: MessagePort | null = null;
  private playing: LiveGraph | null = null;
  /** What is to be played next, on its way. */
  private coming: { unpacking: Unpacking; port: MessagePort } | null = null;
  private pace: Pace | null = null;
  private frameClock: FrameClock | null = null;
  private sink: SinkParcel | null = null;
  private writer: RingWriter | null = null;
  private mail = 0;
  /** Milliseconds of a block. */
  private length = 1;
  /** What is left of a meter's level after a block. */
  private readonly fall = new Float64Array(1);
  /** How many of the graph's faults are told. */
  private told = 0;

  constructor(data: AudioThreadData, port: MessagePort) {
    this.words = new LiveWords(MOST_LIVE_NODES, data.words);
    this.parameters = new RecordQueue(PARAMETER_RECORDS, data.parameters);
    this.events = new LiveEvents(data.events, this.words);
    this.free = data.free;
    this.port = port;
  }

  receive(message: ToAudioThread): void {
    switch (message.type) {
      case "graph":
        this.setGraph(message);
        break;
      case "replace":
        this.replace(message.node, message.parcel);
        break;
      case "sink":
        this.sink = message.sink;
        this.openSink();
        break;
      case "finish":
        this.finish();
        break;
    }
  }

  private finish(): void {
    for (const node of this.playing?.nodes ?? []) {
      if (node instanceof TrackSource || node instanceof FileSource) node.finish();
    }
  }

  private setGraph(message: Extract<ToAudioThread, { type: "graph" }>): void {
    const { parcel, rehearsal, port, sink, finished } = message;
    if (rehearsal !== null) this.rehearse(rehearsal);
    this.coming?.port.close();
    this.coming = { unpacking: new Unpacking(parcel, this.words, this.now), port };
    if (this.playing !== null) return;
    this.sink = sink;
    while (this.coming !== null) this.prepareNext();
    if (finished) this.finish();
  }

  /** A step towards the graph that is to be played next. */
  private prepareNext(): void {
    if (this.coming === null) return;
    const { unpacking, port } = this.coming;
    const next = unpacking.step();
    if (next === null) return;
    this.coming = null;
    this.swap(next, port);
  }

  private swap(playing: LiveGraph, port: MessagePort): void {
    const { words } = this;
    const { parcel } = playing;
    const { figures, frame } = words;
    if (words.load(Word.Session) !== parcel.session) {
      figures[Figure.Origin] = frame;
      for (let i = 0; i < parcel.nodes.length; i++) words.clearPeaks(i);
      words.store(Word.Session, parcel.session);
    }
    const origin = figures[Figure.Origin] as number;
    for (const node of playing.nodes) {
      if (node instanceof TrackSource || node instanceof FileSource) node.seek(frame - origin);
    }
    const before = this.playing?.parcel;
    this.playing = playing;
    this.control?.close();
    this.control = port;
    this.told = 0;
    for (const [i, node] of playing.nodes.entries()) {
      words.setNode(i, NodeWord.Faulty, 0);
      if (node instanceof LivePluginNode) this.tellPlaying(i, node.serial, frame);
    }
    this.length = (parcel.block / parcel.rate) * 1000;
    this.fall[0] = 10 ** ((-METER_FALL / 20) * (parcel.block / parcel.rate));
    if (this.pace === null || before?.rate !== parcel.rate || before.block !== parcel.block) {
      this.pace = new Pace(words, this.now, parcel.rate, parcel.block, this.free);
      this.frameClock = new FrameClock(words, this.clock, parcel.rate, parcel.block, this.free);
      this.openSink();
    }
    this.port.postMessage({ type: "playing" } satisfies FromAudioThread);
  }

  /** Plays a copy of the session to nobody, so that V8 has compiled what the sound will need. */
  private rehearse(parcel: Parcel): void {
    const words = new LiveWords(parcel.nodes.length);
    const { graph, transport } = new Unpacking(parcel, words, this.now).finish();
    const end = this.now() + REHEARSAL_TIME;
    for (let i = 0; i < REHEARSAL_BLOCKS && this.now() < end; i++) {
      transport.write(graph.transport, i * parcel.block);
      transport.writeChanges(graph.changes, i * parcel.block, parcel.block);
      graph.process();
    }
  }

  private openSink(): void {
    const { sink, pace } = this;
    if (pace === null) return;
    this.writer?.setState(RingState.Idle);
    this.writer = null;
    try {
      if (sink !== null) {
        const region = openRegion(sink.region.name, sink.region.bytes);
        this.writer = new RingWriter(region.buffer, regionWake(region), process.pid);
        this.writer.depth = Math.min(sink.depth, this.writer.capacity);
        this.writer.setState(RingState.Running);
      }
    } catch (error) {
      const { code, message } = error as BelljarError;
      this.port.postMessage({ type: "sinkFailed", code, message } satisfies FromAudioThread);
    }
    pace.setSink(this.writer, sink?.chunk ?? 1);
  }

  private replace(node: number, parcel: PluginParcel): void {
    const { graph } = this.playing as LiveGraph;
    const { frame } = this.words;
    const { serial } = parcel;
    try {
      const next = unpackPlugin(parcel, node, this.words, this.now);
      graph.replace(graph.prepareReplacement(node, next));
      this.told = graph.faultCount;
      this.words.setNode(node, NodeWord.Faulty, 0);
      this.tellPlaying(node, serial, frame);
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      const { code, message } = error;
      this.control?.postMessage({ type: "refused", node, serial, code, message, frame } satisfies ToControl);
    }
  }

  /** Says, once, that another instance plays there. */
  private tellPlaying(node: number, serial: number, frame: number): void {
    if (this.words.node(node, NodeWord.Playing) === serial) return;
    this.control?.postMessage({ type: "replaced", node, serial, frame } satisfies ToControl);
    this.words.setNode(node, NodeWord.Playing, serial);
  }

  run(): void {
    const { words } = this;
    while (words.load(Word.Command) === Command.Run) {
      words.add(Word.Beat, 1);
      if (words.load(Word.Mail) !== this.mail) this.readMail();
      if (this.coming !== null) this.prepareNext();
      if ((this.pace as Pace).wait()) this.block();
    }
    this.writer?.setState(RingState.Draining);
  }

  private readMail(): void {
    this.mail = this.words.load(Word.Mail);
    for (const port of [this.port, this.control]) {
      for (let next = port === null ? undefined : receiveMessageOnPort(port); next !== undefined; ) {
        this.receive(next.message);
        next = receiveMessageOnPort(port as MessagePort);
      }
    }
  }

  private block(): void {
    const { words, playing, clock } = this;
    const { graph, transport, parcel } = playing as LiveGraph;
    const { figures } = words;
    const { frame } = words;
    const position = frame - (figures[Figure.Origin] as number);
    clock.read();
    const start = clock.time[0] as number;
    this.takeParameters();
    (this.frameClock as FrameClock).see();
    this.events.take(frame, parcel.block, playing as LiveGraph);
    transport.write(graph.transport, position);
    transport.writeChanges(graph.changes, position, parcel.block);
    graph.process();
    (this.pace as Pace).deliver(graph.left, graph.right);
    words.endBlock(parcel.block);
    this.parameters.commit();
    this.events.commit();
    clock.read();
    figures[Figure.Load] = ((clock.time[0] as number) - start) / this.length;
    this.publish();
    if (graph.faultCount > this.told) this.tellFaults(frame);
  }

  private takeParameters(): void {
    const { parameters } = this;
    const { graph, parcel } = this.playing as LiveGraph;
    const { integers } = parameters;
    while (parameters.look()) {
      const place = integers[0] as number;
      const session = sessionOf(place);
      // What is meant for a session that is still to come waits for it.
      if (session > parcel.session) return;
      parameters.take();
      if (session === parcel.session) {
        graph.turnKnob(nodeOf(place), integers[1] as number, parameters.value);
      }
    }
  }

  private publish(): void {
    const { words } = this;
    const { graph } = this.playing as LiveGraph;
    const { figures } = words;
    const load = figures[Figure.Load] as number;
    figures[Figure.MeanLoad] = (figures[Figure.MeanLoad] as number) * (1 - MEAN_WEIGHT) + load * MEAN_WEIGHT;
    if (load > (figures[Figure.WorstLoad] as number)) figures[Figure.WorstLoad] = load;
    if (load > 1) words.add(Word.Late, 1);
    figures[Figure.Peak] = graph.level[0] as number;
    words.store(Word.Clamped, graph.clamped | 0);
    for (let i = 0; i < graph.byNode.length; i++) {
      const step = graph.byNode[i] as NodeStep | null;
      // The master is none of the steps.
      words.setPeak(i, step === null ? graph.level : step.level, this.fall);
      if (step === null) continue;
      words.setTime(i, step.took);
    }
  }

  private tellFaults(frame: number): void {
    const { graph, nodes } = this.playing as LiveGraph;
    for (; this.told < graph.faultCount; this.told++) {
      const step = graph.steps[graph.faults[this.told] as number] as NodeStep;
      const node = graph.byNode.indexOf(step);
      const live = nodes[node];
      const current = step.node instanceof LivePluginNode ? step.node : live;
      const serial = current instanceof LivePluginNode ? current.serial : 0;
      const fault = current instanceof LivePluginNode ? current.fault : null;
      const message = fault?.message ?? `The runtime failed at this node: ${String(step.thrown)}.`;
      this.words.setNode(node, NodeWord.Faulty, 1);
      if (serial !== 0 && this.words.node(node, NodeWord.Told) === serial) continue;
      const block = this.words.load(Word.Blocks);
      const told = { type: "fault", node, serial, fault, message, frame, block } satisfies ToControl;
      this.control?.postMessage(told);
      this.words.setNode(node, NodeWord.Told, serial);
    }
  }
}
