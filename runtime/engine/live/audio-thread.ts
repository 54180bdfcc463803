// The audio thread: block after block, on the clock that the sink sets. The loop allocates nothing, awaits nothing and
// logs nothing. Others speak to it through shared words and queues; what is rare lies in its box as a message, and it
// looks there when a word says so.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { setFlagsFromString } from "node:v8";
import { clockOf } from "../../../abi/clock.ts";
import { BelljarError } from "../../../abi/error.ts";
import { RingState } from "../../../abi/ring.ts";
import { steadyClock } from "../../../shm/clock.ts";
import { openOwnRegion } from "../../../shm/region.ts";
import { RingWriter } from "../../../shm/ring.ts";
import { flushSubnormals, raisePriority, threadNumber } from "../../../shm/thread.ts";
import { regionWake } from "../../../shm/wake.ts";
import { EventInput, FileSource, type NodeStep, TrackSource } from "../../graph/index.ts";
import {
  type AudioThreadData,
  type FromAudioThread,
  PARAMETER_RECORDS,
  type SinkParcel,
  type ToAudioThread,
  type ToControl,
} from "./audio-messages.ts";
import { FrameClock } from "./frame-clock.ts";
import { LiveEvents } from "./live-events.ts";
import { LivePluginNode } from "./live-plugin-node.ts";
import { Pace } from "./pace.ts";
import { type LiveGraph, type Parcel, type PluginParcel, Unpacking, unpackPlugin } from "./parcel.ts";
import { RecordQueue } from "./queue.ts";
import { Command, Figure, LiveWords, MOST_LIVE_NODES, NodeWord, nodeOf, sessionOf, Word } from "./words.ts";

/** Blocks, and milliseconds at most, of a rehearsal. */
const REHEARSAL_BLOCKS = 2000;
const REHEARSAL_TIME = 500;
/** Share of a block's time that preparing the next graph may take between two blocks. */
const PREPARING = 0.1;
/** How fast the level of a meter falls. Decibels a second. */
const METER_FALL = 24;
/** How often it is looked, after the end, whether there is more to do. Milliseconds. */
const END_NAP = 5;
/** Weight of a block in the mean load. */
const MEAN_WEIGHT = 1 / 128;

/** Up to this version V8 compiles the way into each instance at about its 500th call, all instances' in the same block. */
const LATE_WRAPPERS = 12;

/** Before the first instance: what is compiled for calls is compiled while it is attached. */
function compileWrappersEarly(): void {
  if (Number.parseInt(process.versions.v8, 10) <= LATE_WRAPPERS)
    setFlagsFromString("--no-wasm-generic-wrapper");
}

/** Runs in the worker. */
export function runAudioThread(): void {
  Error.stackTraceLimit = 4;
  compileWrappersEarly();
  // A host that has them on would have its map read, from the disk, in the block in which a first plugin stops.
  process.setSourceMapsEnabled(false);
  const port = parentPort as MessagePort;
  const subnormalsAreZero = flushSubnormals();
  const priority = raisePriority();
  const thread = new AudioThread(workerData as AudioThreadData, port);
  const ready = { type: "ready", subnormalsAreZero, priority, thread: threadNumber() } as const;
  port.postMessage(ready satisfies FromAudioThread);
  port.once("message", (first: ToAudioThread) => {
    thread.takeOver();
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
  private readonly nap = new Int32Array(new SharedArrayBuffer(4));
  /** Milliseconds of a block. */
  private length = 1;
  /** What is left of a meter's level after a block. */
  private readonly fall = new Float64Array(1);
  /** How many of the graph's faults are told. */
  private told = 0;
  /** Whether the sources have ended. */
  private finished = false;
  /** Replacements that came while the next graph was being built over the nodes of this one. */
  private late: PluginParcel[] = [];

  constructor(data: AudioThreadData, port: MessagePort) {
    this.words = new LiveWords(MOST_LIVE_NODES, data.words);
    this.parameters = new RecordQueue(PARAMETER_RECORDS, data.parameters);
    this.events = new LiveEvents(data.events, this.words);
    this.free = data.free;
    this.port = port;
  }

  /** It may have waited for long, and another thread may have played meanwhile. */
  takeOver(): void {
    this.parameters.resume();
    this.events.resume();
  }

  receive(message: ToAudioThread): void {
    switch (message.type) {
      case "graph":
        this.setGraph(message);
        break;
      case "nodes":
        this.coming?.unpacking.add(message.edition, message.nodes);
        break;
      case "replace":
        this.replace(message.node, message.parcel);
        break;
      case "control":
        this.control?.close();
        this.control = message.port as MessagePort;
        this.tellAgain();
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
    this.finished = true;
    for (const node of this.playing?.nodes ?? []) {
      const isSource =
        node instanceof TrackSource || node instanceof FileSource || node instanceof EventInput;
      if (isSource) node.finish();
    }
  }

  private setGraph(message: Extract<ToAudioThread, { type: "graph" }>): void {
    const { parcel, rehearsal, port, sink, finished } = message;
    if (rehearsal !== null) this.rehearse(rehearsal);
    this.coming?.port.close();
    this.coming = {
      unpacking: new Unpacking(parcel, this.words, this.now, () => this.playing),
      port: port as MessagePort,
    };
    if (this.playing !== null) return;
    this.sink = sink;
    while (this.coming !== null) {
      this.prepareNext();
      this.words.add(Word.Beat, 1);
    }
    if (finished) this.finish();
  }

  /** Some steps towards the graph that is to be played next, in the time that is left over. */
  private prepareNext(): void {
    if (this.coming === null) return;
    const { unpacking, port } = this.coming;
    const end = this.now() + this.length * PREPARING;
    let next = unpacking.step();
    while (next === null && !unpacking.waits && this.now() < end) {
      this.words.add(Word.Beat, 1);
      next = unpacking.step();
    }
    if (next === null) return;
    this.coming = null;
    this.swap(next, port);
  }

  private swap(playing: LiveGraph, port: MessagePort): void {
    const { words } = this;
    const { parcel } = playing;
    const former = this.playing;
    const isEdit = former !== null && former.parcel.session === parcel.session;
    if (isEdit) this.goOn(former, playing);
    else this.beginPiece(playing);
    words.figures[Figure.Rate] = parcel.rate;
    // Otherwise it is what the thread before this one played.
    const isNew = words.load(Word.Edition) !== parcel.edition;
    this.greet(playing, isNew);
    if (isNew) {
      const { graph } = playing;
      for (const { node, slot, value } of parcel.knobs) graph.setControl(node, slot, value);
      // From the next word on, a thread that comes after this one goes on with this graph.
      graph.save(words.load(Word.Blocks) & 1);
      words.store(Word.Edition, parcel.edition);
    }
    this.playing = playing;
    this.control?.close();
    this.control = port;
    this.showNodes(playing, isNew);
    this.length = (parcel.block / parcel.rate) * 1000;
    this.fall[0] = 10 ** ((-METER_FALL / 20) * (parcel.block / parcel.rate));
    const before = former?.parcel;
    if (this.pace === null || before?.rate !== parcel.rate || before.block !== parcel.block) {
      this.pace = new Pace(words, this.now, parcel.rate, parcel.block, this.free);
      this.frameClock = new FrameClock(words, this.clock, parcel.rate, parcel.block, this.free);
      this.openSink();
    }
    this.port.postMessage({ type: "playing", edition: parcel.edition } satisfies FromAudioThread);
    for (const late of this.late.splice(0)) this.replaceAt(late);
    if (former !== null) this.letGo(former, playing);
  }

  /** Instances that are played no more: the collector is to know what there is to gain, since this loop gives it no cause to look. */
  private letGo(former: LiveGraph, { declared }: LiveGraph): void {
    const kept = new Set(declared);
    for (const node of former.declared) {
      if (node instanceof LivePluginNode && !kept.has(node)) node.instance.dispose();
    }
  }

  /** The same piece at the same place, with other nodes and wires. */
  private goOn(former: LiveGraph, playing: LiveGraph): void {
    this.countAnew(former.parcel.rate, playing.parcel.rate);
    const position = this.words.frame - (this.words.figures[Figure.Origin] as number);
    playing.graph.takeOver(former.graph);
    for (const node of playing.declared) {
      if (!(node instanceof TrackSource || node instanceof FileSource)) continue;
      if (former.declared.includes(node)) continue;
      node.seek(position);
      if (this.finished) node.finish();
    }
  }

  /** Frames of another rate: the same moments. */
  private countAnew(before: number, rate: number): void {
    if (before === rate) return;
    const { figures } = this.words;
    const now = Figure.EvenFrame + (this.words.load(Word.Blocks) & 1);
    for (const at of [now, Figure.Origin, Figure.End]) {
      figures[at] = Math.round(((figures[at] as number) * rate) / before);
    }
  }

  /** A piece from its beginning, or where the thread before this one was in it. */
  private beginPiece({ parcel, nodes, declared }: LiveGraph): void {
    const { words } = this;
    const { figures, frame } = words;
    if (words.load(Word.Session) !== parcel.session) {
      this.finished = false;
      figures[Figure.Origin] = frame;
      for (let i = 0; i < nodes.length; i++) words.clearPeaks(i);
      words.store(Word.Session, parcel.session);
    }
    const origin = figures[Figure.Origin] as number;
    for (const node of declared) {
      if (node instanceof TrackSource || node instanceof FileSource) node.seek(frame - origin);
    }
  }

  /** Replacements that never played in the graph before, or in the thread before this one. */
  private greet({ graph, declared, slots, parcel }: LiveGraph, isNew: boolean): void {
    for (const [i, node] of declared.entries()) {
      if (!(node instanceof LivePluginNode) || (isNew && (parcel.plan.was[i] as number) < 0)) continue;
      if (this.words.node(slots[i] as number, NodeWord.Playing) !== node.serial) graph.arrive(i);
    }
  }

  /** What the shared words say of the nodes of a graph that begins. */
  private showNodes({ declared, slots, parcel }: LiveGraph, isNew: boolean): void {
    const { words } = this;
    this.told = 0;
    for (const [i, node] of declared.entries()) {
      const slot = slots[i] as number;
      words.setNode(slot, NodeWord.Faulty, 0);
      if (!(node instanceof LivePluginNode)) continue;
      // A control thread that is new to the graph has not heard of those that stopped.
      if (isNew) words.setNode(slot, NodeWord.Told, 0);
      if (isNew && (parcel.plan.was[i] as number) < 0) words.setNode(slot, NodeWord.Playing, node.serial);
      this.tellPlaying(i, slot, node.serial, words.frame);
    }
  }

  /** To a control thread that has not heard of what stopped before. */
  private tellAgain(): void {
    const { slots, declared } = this.playing as LiveGraph;
    for (let i = 0; i < declared.length; i++) this.words.setNode(slots[i] as number, NodeWord.Told, 0);
    this.told = 0;
    this.tellFaults(this.words.frame);
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
        const region = openOwnRegion(sink.region.name, sink.region.bytes);
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
    if (this.coming?.unpacking.holdsNodes === true) {
      this.late.push(parcel);
      return;
    }
    const { graph, slots, nodes, declared } = this.playing as LiveGraph;
    const { frame } = this.words;
    const { serial } = parcel;
    const slot = slots[node] as number;
    try {
      const next = unpackPlugin(parcel, slot, this.words, this.now);
      graph.replace(graph.prepareReplacement(node, next));
      const gone = nodes[slot];
      if (gone instanceof LivePluginNode) gone.instance.dispose();
      nodes[slot] = next;
      declared[node] = next;
      this.told = graph.faultCount;
      this.words.setNode(slot, NodeWord.Faulty, 0);
      this.tellPlaying(node, slot, serial, frame);
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      const { code, message } = error;
      this.control?.postMessage({ type: "refused", node, serial, code, message, frame } satisfies ToControl);
    }
  }

  /** One that was late: for the node whose newest it is, where that still plays. */
  private replaceAt(parcel: PluginParcel): void {
    const { declared, parcel: playing } = this.playing as LiveGraph;
    for (const [i, node] of playing.nodes.entries()) {
      if (node.kind !== "plugin" || node.serial !== parcel.serial) continue;
      if ((declared[i] as LivePluginNode).serial !== parcel.serial) this.replace(i, parcel);
    }
  }

  /** Says, once, that another instance plays there. */
  private tellPlaying(node: number, slot: number, serial: number, frame: number): void {
    if (this.words.node(slot, NodeWord.Playing) === serial) return;
    this.control?.postMessage({ type: "replaced", node, serial, frame } satisfies ToControl);
    this.words.setNode(slot, NodeWord.Playing, serial);
  }

  run(): void {
    const { words } = this;
    while (words.load(Word.Command) === Command.Run) {
      words.add(Word.Beat, 1);
      if (words.load(Word.Mail) !== this.mail) this.readMail();
      if (this.coming !== null) this.prepareNext();
      if (this.isOver()) Atomics.wait(this.nap, 0, 0, END_NAP);
      else if ((this.pace as Pace).wait()) this.block();
    }
    this.writer?.setState(RingState.Draining);
  }

  /** Whether the sound has come to where it is to end. */
  private isOver(): boolean {
    const { words } = this;
    const { figures } = words;
    const at = Figure.EvenFrame + (words.load(Word.Blocks) & 1);
    const end = figures[Figure.End] as number;
    if (end === 0 || (figures[at] as number) < end) return false;
    this.writer?.setState(RingState.Draining);
    return true;
  }

  private readMail(): void {
    const mail = this.words.load(Word.Mail);
    for (const port of [this.control, this.port]) {
      for (let next = port === null ? undefined : receiveMessageOnPort(port); next !== undefined; ) {
        const message = next.message as ToAudioThread;
        this.receive(message);
        // A piece of a graph in a turn: what else lies there can wait.
        if (message.type === "nodes") return;
        next = receiveMessageOnPort(port as MessagePort);
      }
    }
    this.mail = mail;
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
    (this.frameClock as FrameClock).see((this.pace as Pace).missing);
    this.events.take(frame, parcel.block, playing as LiveGraph);
    transport.write(graph.transport, position);
    transport.writeChanges(graph.changes, position, parcel.block);
    graph.process();
    const left = (figures[Figure.End] as number) - frame;
    const frames = left > 0 && left < parcel.block ? left | 0 : parcel.block;
    (this.pace as Pace).deliver(graph.left, graph.right, frames);
    graph.save((words.load(Word.Blocks) + 1) & 1);
    words.endBlock(frames);
    this.parameters.commit();
    this.events.commit();
    clock.read();
    figures[Figure.Load] = ((clock.time[0] as number) - start) / this.length;
    this.publish();
    if (graph.faultCount > this.told) this.tellFaults(frame);
  }

  private takeParameters(): void {
    const { parameters } = this;
    const { graph, parcel, numbers } = this.playing as LiveGraph;
    const { integers } = parameters;
    while (parameters.look()) {
      const place = integers[0] as number;
      const session = sessionOf(place);
      // What is meant for a session that is still to come waits for it.
      if (session > parcel.session) return;
      parameters.take();
      if (session === parcel.session) {
        const node = numbers[nodeOf(place)] as number;
        if (node >= 0) graph.turnKnob(node, integers[1] as number, parameters.value);
      }
    }
  }

  private publish(): void {
    const { words } = this;
    const { graph, slots } = this.playing as LiveGraph;
    const { figures } = words;
    const load = figures[Figure.Load] as number;
    figures[Figure.MeanLoad] = (figures[Figure.MeanLoad] as number) * (1 - MEAN_WEIGHT) + load * MEAN_WEIGHT;
    // No branch that is rarely taken: V8 would throw the compiled function away at the first time, which costs time and garbage.
    const worst = figures[Figure.WorstLoad] as number;
    // biome-ignore lint/complexity/useMathMinMax: what Math.max gives is a new object on some versions of V8.
    figures[Figure.WorstLoad] = load > worst ? load : worst;
    words.add(Word.Late, load > 1 ? 1 : 0);
    figures[Figure.Peak] = graph.level[0] as number;
    words.store(Word.Clamped, graph.clamped | 0);
    for (let i = 0; i < graph.byNode.length; i++) {
      const step = graph.byNode[i] as NodeStep | null;
      // The master is none of the steps.
      const slot = slots[i] as number;
      words.setPeak(slot, step === null ? graph.level : step.level, this.fall);
      if (step === null) continue;
      words.setTime(slot, step.took);
    }
  }

  private tellFaults(frame: number): void {
    const { words } = this;
    const { graph, slots } = this.playing as LiveGraph;
    for (; this.told < graph.faultCount; this.told++) {
      const step = graph.steps[graph.faults[this.told] as number] as NodeStep;
      const node = graph.byNode.indexOf(step);
      const slot = slots[node] as number;
      const current = step.node instanceof LivePluginNode ? step.node : null;
      const serial = current?.serial ?? 0;
      const fault = current?.fault ?? null;
      const message = fault?.message ?? `The runtime failed at this node: ${String(step.thrown)}.`;
      words.setNode(slot, NodeWord.Faulty, 1);
      if (serial !== 0 && words.node(slot, NodeWord.Told) === serial) continue;
      const block = words.load(Word.Blocks);
      const told = { type: "fault", node, serial, fault, message, frame, block } satisfies ToControl;
      this.control?.postMessage(told);
      words.setNode(slot, NodeWord.Told, serial);
    }
  }
}
