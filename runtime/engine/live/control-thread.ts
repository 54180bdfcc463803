// The control thread of one session: it loads and sets up the plugins, and afterwards makes replacements for those that
// stop, and nothing else. Each session that is played has one of its own, so that no session's setting up keeps another's
// replacements waiting.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import { loadPluginType } from "../../registry/load.ts";
import { disposeSession } from "../prepare.ts";
import {
  type FaultKind,
  joinMemoryAccount,
  type PluginInstance,
  type PluginType,
} from "../../sandbox/index.ts";
import { openSession } from "../open-session.ts";
import type { InputFile, PreparedSession } from "../prepare.ts";
import { type OnFault, Recovery, type RecoveryLimits } from "../recovery.ts";
import type { Session } from "../session.ts";
import type { Port, ToAudioThread, ToControl } from "./audio-thread.ts";
import { Carry, checkEdit, type Handover, packEdit } from "./carry.ts";
import type { FromControlToGuard } from "./guard-thread.ts";
import {
  freeSlots,
  type NodeParcel,
  type Parcel,
  packInstance,
  packSession,
  type PluginParcel,
} from "./parcel.ts";
import type { PluginRecipe } from "../plugin-recipe.ts";
import { LiveWords, makingWord, MOST_LIVE_NODES, Word } from "./words.ts";

export interface ControlThreadData {
  /** Which of the sessions it is, counted in the order of their opening. */
  order: number;
  session: Session;
  folder: string | null;
  midi: ReadonlyMap<string, InputFile> | undefined;
  audio: ReadonlyMap<string, InputFile> | undefined;
  rate: number | undefined;
  block: number | undefined;
  /** Milliseconds of one block of one plugin. */
  deadline: number;
  onFault: OnFault | undefined;
  recovery: Partial<RecoveryLimits> | undefined;
  words: SharedArrayBuffer;
  memory: SharedArrayBuffer;
  /** Whether to make a second set of instances, to be played beforehand. */
  rehearse: boolean;
  /** The nodes of the session that plays: their places in the shared words are taken. */
  taken: { slot: number }[];
  /** An edit of that session, or, with `attend`, the session itself, whose control thread is no more. */
  from: Handover | null;
  attend: boolean;
  /** The edit is that it goes on at another rate. */
  turned: boolean;
}

export type ToControlThread =
  /** The way to the guard, over which ports come as well. */
  | { type: "guard"; port: Port }
  /** A way to an audio thread, instead of the one before, and the instances that it has, by node; 0 where it needs none. */
  | { type: "port"; port: Port; serials: number[] }
  /** All that is known is to be told; with `retire`, nothing is replaced from then on, until it is told to go on. */
  | { type: "hand over"; retire: boolean }
  /** What was handed over goes on in this session, or goes on here after all. */
  | { type: "go on"; from: Handover | null }
  /** Give back all memory and end. */
  | { type: "close" };

export type FromControl =
  | ReadySession
  | { type: "failed"; code: string; message: string; hint: string }
  /** An edit is ready for what is handed over last. */
  | { type: "prepared" }
  | { type: "handover"; handover: Handover }
  /** An instance that is on its way to the audio thread: its control outputs are read where it is shown. */
  | { type: "replacement"; node: number; parcel: PluginParcel }
  | { type: "event"; event: LiveEvent };

export interface ReadySession {
  type: "ready";
  parcel: Parcel;
  rehearsal: Parcel | null;
  controls: ControlPlaces;
  facts: SessionFacts;
  /** For another control thread, should this one end. */
  handover: Handover;
}

/** Something that happened. */
export type LiveEvent =
  /** `kind`: of a plugin's fault. */
  | { what: "fault"; node: string; message: string; frame: number; kind?: FaultKind | undefined }
  | { what: "replaced" | "failed" | "off"; node: string; message: string; frame: number }
  | { what: "message"; node: string; kind: string; text: string; level: number };

export interface SessionFacts {
  rate: number;
  block: number;
  /** Frames by which the graph lags. */
  latency: number;
  /** Frames until the last source ends; null: none does. */
  contentFrames: number | null;
  warnings: string[];
}

/** Of ControlPlace, `node` is the place in the shared words. Node id -> parameter id -> the slot of controlsIn, and its range. */
export type ControlPlaces = Map<string, ControlPlace>;
export interface ControlPlace {
  node: number;
  type: string;
  slots: Map<string, number>;
  /** Ids of its control outputs, in the order of controlsOut. */
  monitors: string[];
}

/** How often messages are collected and due replacements begun. Milliseconds. */
const ROUND = 20;

/** Runs in the worker. */
export function runControlThread(): void {
  const data = workerData as ControlThreadData;
  joinMemoryAccount(data.memory);
  const tell = (message: FromControl): void => parentPort?.postMessage(message);
  void begin(data, tell).catch((error: unknown) => {
    if (!(error instanceof BelljarError)) throw error;
    tell({ type: "failed", code: error.code, message: error.message, hint: error.hint });
  });
}

async function begin(data: ControlThreadData, tell: (message: FromControl) => void): Promise<void> {
  const { from, attend, order, turned } = data;
  const words = new LiveWords(MOST_LIVE_NODES, data.words);
  const carry = from === null ? null : new Carry(from, turned);
  const { prepared, rehearsal } = await prepare(data, carry);
  let parcel: Parcel;
  let recall: Recall | null = null;
  if (carry === null || from === null) {
    for (const { recipe, instance } of prepared.nodes) if (instance !== null) recipe?.handOver(instance);
    parcel = packSession(prepared, order, words, freeSlots(data.taken));
  } else {
    checkEdit(prepared, from, turned);
    const last = attend ? from : await lastWord(tell);
    recall = { from: last, ...carry.settle(prepared, last) };
    parcel = attend ? last.parcel : packEdit(prepared, last, recall, order, words);
    for (const [i, { recipe, instance }] of prepared.nodes.entries()) {
      if (instance !== null && (recall.was[i] as number) < 0) recipe?.handOver(instance);
    }
  }
  const control = new Control(prepared, parcel, words, tell, recall);
  tell({
    type: "ready",
    parcel,
    rehearsal: rehearsal === null ? null : packSession(rehearsal, order, words, freeSlots([])),
    controls: placesOf(prepared, parcel),
    facts: factsOf(prepared),
    handover: control.handover,
  });
  // Its memory lives on where it is played; here it counts no longer.
  if (rehearsal !== null) disposeSession(rehearsal);
  control.watch();
}

/** What the control thread before this one knew at its end. */
function lastWord(tell: (message: FromControl) => void): Promise<Handover> {
  const port = parentPort as MessagePort;
  return new Promise((resolve) => {
    const hear = (message: ToControlThread): void => {
      if (message.type !== "go on" || message.from === null) return;
      port.off("message", hear);
      resolve(message.from);
    };
    port.on("message", hear);
    tell({ type: "prepared" });
  });
}

async function prepare(
  data: ControlThreadData,
  carry: Carry | null,
): Promise<{ prepared: PreparedSession; rehearsal: PreparedSession | null }> {
  const types = new Map<string, Promise<PluginType>>();
  const load = (name: string): Promise<PluginType> => {
    let type = types.get(name);
    if (type === undefined) {
      type = loadPluginType(name);
      types.set(name, type);
    }
    return type;
  };
  const { session, folder, midi, audio, rate, block, deadline, onFault, recovery } = data;
  const options = { load, folder, midi, audio, rate, block, deadline, onFault, recovery };
  const prepared = await openSession(session, { ...options, goOn: carry ?? undefined });
  return { prepared, rehearsal: data.rehearse ? await openSession(session, options) : null };
}

function factsOf({ rate, block, graph, contentFrames, warnings }: PreparedSession): SessionFacts {
  return { rate, block, latency: graph.latency, contentFrames, warnings };
}

function placesOf({ nodes }: PreparedSession, parcel: Parcel): ControlPlaces {
  const places: ControlPlaces = new Map();
  for (const [i, entry] of nodes.entries()) {
    const { id, type } = entry;
    const { ports } = entry.node;
    const node = (parcel.nodes[i] as NodeParcel).slot;
    const slots = new Map<string, number>();
    const monitors: string[] = [];
    let slot = 0;
    for (const port of ports) {
      if (port.type !== "control") continue;
      if (port.role === "input" || port.role === "sidechain") slots.set(port.id, slot++);
      else monitors.push(port.id);
    }
    places.set(id, { node, type, slots, monitors });
  }
  return places;
}

/** What a control thread goes on with. */
interface Recall {
  from: Handover;
  was: number[];
  heirOf: number[];
}

class Control {
  private readonly prepared: PreparedSession;
  private readonly parcel: Parcel;
  private readonly words: LiveWords;
  private guard: MessagePort | null = null;
  private port: MessagePort | null = null;
  private readonly tell: (message: FromControl) => void;
  private readonly recovery: Recovery;
  private readonly toldOff = new Set<number>();
  /** The replacements that are being made. */
  private making: Promise<void> | null = null;
  private made = 0;
  private retired = false;
  /** What each node's newest instance travels as; null where it is no plugin. */
  private readonly parcels: (PluginParcel | null)[];
  /** The instances whose fault was heard of, by node. */
  private readonly faulty: number[] = [];

  constructor(
    prepared: PreparedSession,
    parcel: Parcel,
    words: LiveWords,
    tell: (message: FromControl) => void,
    recall: Recall | null,
  ) {
    this.prepared = prepared;
    this.parcel = parcel;
    this.words = words;
    this.tell = tell;
    const policies = prepared.nodes.map(({ recipe }) => recipe?.onFault ?? "off");
    this.recovery = new Recovery(prepared.rate, policies, prepared.recovery);
    const own = parcel.nodes.slice(0, prepared.nodes.length);
    this.parcels = own.map((node) => (node.kind === "plugin" ? node : null));
    if (recall === null) return;
    const { from, was } = recall;
    this.recovery.recall(from.recovery, was);
    for (const [node, before] of was.entries()) {
      const serial = from.faulty[before];
      if (serial !== undefined) this.faulty[node] = serial;
      if (from.toldOff.includes(before)) this.toldOff.add(node);
    }
  }

  watch(): void {
    const rounds = setInterval(() => void this.round(), ROUND);
    parentPort?.on("message", (message: ToControlThread) => {
      switch (message.type) {
        case "guard":
          this.guard = message.port as MessagePort;
          this.guard.on("message", (word: ToControlThread) => {
            if (word.type === "port") this.turnTo(word.port as MessagePort, word.serials);
          });
          break;
        case "hand over":
          void this.handOver(message.retire);
          break;
        case "go on":
          this.retired = false;
          break;
        case "close":
          clearInterval(rounds);
          this.port?.close();
          this.guard?.close();
          disposeSession(this.prepared);
          parentPort?.close();
          break;
      }
    });
  }

  /** All that another control thread has to know to go on. */
  get handover(): Handover {
    const { prepared, parcel, parcels, recovery, faulty, toldOff } = this;
    const nodes = parcel.nodes.map((node, i): NodeParcel => {
      const { id, passDry, slot } = node;
      const newest = parcels[i] ?? null;
      return newest === null ? node : { id, passDry, slot, ...newest };
    });
    const plugins = prepared.nodes.filter(({ recipe }) => recipe !== undefined);
    return {
      session: prepared.session,
      parcel: { ...parcel, nodes },
      recipes: new Map(plugins.map(({ id, recipe }) => [id, (recipe as PluginRecipe).memory])),
      graphData: new Map(plugins.map(({ id, instance }) => [id, (instance as PluginInstance).graphData])),
      recovery: recovery.memory,
      faulty,
      toldOff: [...toldOff],
      nextNoteId: prepared.nextNoteId ?? 0,
    };
  }

  private async handOver(retire: boolean): Promise<void> {
    this.retired ||= retire;
    // What is being made is part of it.
    if (retire) await this.making;
    this.tell({ type: "handover", handover: this.handover });
  }

  /** Another audio thread: what the one before still said comes first, and what it may not have got is sent again. */
  private turnTo(port: MessagePort, serials: readonly number[]): void {
    const before = this.port;
    this.port = port;
    if (before !== null) {
      for (let last = receiveMessageOnPort(before); last !== undefined; last = receiveMessageOnPort(before)) {
        this.hear(last.message);
      }
      before.close();
    }
    port.on("message", (message: ToControl) => this.hear(message));
    for (const [node, parcel] of this.parcels.entries()) {
      if (parcel !== null && parcel.serial !== serials[node]) this.send(node, parcel);
    }
  }

  private send(node: number, parcel: PluginParcel): void {
    this.port?.postMessage({ type: "replace", node, parcel } satisfies ToAudioThread);
    this.words.add(Word.Mail, 1);
  }

  private get frame(): number {
    return this.words.frame;
  }

  private hear(message: ToControl): void {
    const { node, serial, frame } = message;
    // One that goes away is replaced by none.
    if (this.prepared.nodes[node] === undefined) return;
    // An instance that has been replaced since then has nothing more to say.
    if (serial !== 0 && this.parcels[node]?.serial !== serial) return;
    switch (message.type) {
      case "fault":
        if (serial !== 0 && this.faulty[node] === serial) return;
        this.faulty[node] = serial;
        this.say("fault", node, message.message, frame, message.fault?.kind);
        this.decide(node, frame);
        break;
      case "replaced":
        // The first one replaces none.
        if (this.recovery.state(node) === "on") return;
        this.recovery.replaced(node, frame);
        this.say("replaced", node, "It plays again.", frame);
        break;
      case "refused":
        this.recovery.giveUp(node, message.message);
        this.sayOff(node);
        break;
    }
    void this.round();
  }

  private decide(node: number, frame: number): void {
    if (this.recovery.fault(node, frame) === "off") this.sayOff(node);
  }

  private sayOff(node: number): void {
    const why = this.recovery.reason(node);
    if (why === "" || this.toldOff.has(node)) return;
    this.toldOff.add(node);
    this.say("off", node, `It stays off: ${why}.`, this.frame);
  }

  private say(
    what: "fault" | "replaced" | "failed" | "off",
    node: number,
    message: string,
    frame: number,
    kind?: FaultKind,
  ): void {
    const { id } = this.prepared.nodes[node] as { id: string };
    const event = { node: id, message, frame };
    this.tell({ type: "event", event: what === "fault" ? { what, ...event, kind } : { what, ...event } });
  }

  private async round(): Promise<void> {
    if (this.retired) return;
    this.collect();
    if (this.making !== null) return;
    this.making = this.makeAll().finally(() => {
      this.making = null;
    });
    await this.making;
    for (let i = 0; i < this.prepared.nodes.length; i++) this.sayOff(i);
  }

  private async makeAll(): Promise<void> {
    const { recovery, words } = this;
    for (let node = recovery.next(this.frame); node >= 0; node = recovery.next(this.frame)) {
      this.made = (this.made + 1) & 0xffff;
      words.store(Word.Making, makingWord(this.made, node));
      await this.make(node);
      words.store(Word.Making, 0);
      if (this.retired) return;
    }
  }

  private async make(node: number): Promise<void> {
    const entry = this.prepared.nodes[node] as PreparedSession["nodes"][number];
    const gone = entry.instance as PluginInstance;
    try {
      const instance = await entry.recipe?.makeAgain(gone.graphData);
      if (instance === undefined) return;
      const parcel = packInstance(instance, this.words);
      entry.instance = instance;
      this.parcels[node] = parcel;
      gone.dispose();
      // First to the guard, which may have to start another audio thread, so that it never knows less than this one.
      this.guard?.postMessage({ type: "replacement", node, parcel } satisfies FromControlToGuard);
      this.send(node, parcel);
      this.tell({ type: "replacement", node, parcel });
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      this.say("failed", node, `It could not be replaced: ${error.message}`, this.frame);
      this.decide(node, this.frame);
    }
  }

  /** What plugins logged and emitted. */
  private collect(): void {
    for (const { id, instance } of this.prepared.nodes) {
      instance?.drainMessages((kind, text, level) => {
        this.tell({ type: "event", event: { what: "message", node: id, kind, text, level } });
      });
    }
  }
}
