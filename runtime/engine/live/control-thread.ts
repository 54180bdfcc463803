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
import type { ToAudioThread, ToControl } from "./audio-thread.ts";
import { type Parcel, packInstance, packSession, type PluginParcel } from "./parcel.ts";
import { LiveWords, MOST_LIVE_NODES, Word } from "./words.ts";

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
}

export type ToControlThread =
  /** A way to an audio thread, instead of the one before, and the instances that it has, by node; 0 where it needs none. */
  | { type: "port"; port: MessagePort; serials: number[] }
  /** Give back all memory and end. */
  | { type: "close" };

export type FromControl =
  | { type: "ready"; parcel: Parcel; rehearsal: Parcel | null; controls: ControlPlaces; facts: SessionFacts }
  | { type: "failed"; code: string; message: string; hint: string }
  /** An instance that is on its way to the audio thread: whoever starts another audio thread has to know it. */
  | { type: "replacement"; node: number; parcel: PluginParcel }
  | { type: "event"; event: LiveEvent };

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

/** Node id -> parameter id -> the slot of controlsIn, and its range. */
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
  void prepare(data)
    .then(({ prepared, rehearsal }) => {
      const words = new LiveWords(MOST_LIVE_NODES, data.words);
      const control = new Control(prepared, words, tell);
      const parcel = packSession(prepared, data.order, words);
      tell({
        type: "ready",
        parcel,
        rehearsal: rehearsal === null ? null : packSession(rehearsal, data.order, words),
        controls: placesOf(prepared),
        facts: factsOf(prepared),
      });
      // Its memory lives on where it is played; here it counts no longer.
      if (rehearsal !== null) disposeSession(rehearsal);
      control.watch(parcel);
    })
    .catch((error: unknown) => {
      if (!(error instanceof BelljarError)) throw error;
      tell({ type: "failed", code: error.code, message: error.message, hint: error.hint });
    });
}

async function prepare(
  data: ControlThreadData,
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
  const prepared = await openSession(session, options);
  return { prepared, rehearsal: data.rehearse ? await openSession(session, options) : null };
}

function factsOf({ rate, block, graph, contentFrames, warnings }: PreparedSession): SessionFacts {
  return { rate, block, latency: graph.latency, contentFrames, warnings };
}

function placesOf({ nodes }: PreparedSession): ControlPlaces {
  const places: ControlPlaces = new Map();
  for (const [
    node,
    {
      id,
      type,
      node: { ports },
    },
  ] of nodes.entries()) {
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

class Control {
  private readonly prepared: PreparedSession;
  private readonly words: LiveWords;
  private port: MessagePort | null = null;
  private readonly tell: (message: FromControl) => void;
  private readonly recovery: Recovery;
  private readonly toldOff = new Set<number>();
  private making = false;
  /** What each node's newest instance travels as; null where it is no plugin. */
  private parcels: (PluginParcel | null)[] = [];
  /** The instances whose fault was heard of, by node. */
  private readonly faulty: number[] = [];

  constructor(prepared: PreparedSession, words: LiveWords, tell: (message: FromControl) => void) {
    this.prepared = prepared;
    this.words = words;
    this.tell = tell;
    const policies = prepared.nodes.map(({ recipe }) => recipe?.onFault ?? "off");
    this.recovery = new Recovery(prepared.rate, policies, prepared.recovery);
    for (const { recipe, instance } of prepared.nodes) if (instance !== null) recipe?.handOver(instance);
  }

  watch({ nodes }: Parcel): void {
    this.parcels = nodes.map((node) => (node.kind === "plugin" ? node : null));
    const rounds = setInterval(() => this.round(), ROUND);
    parentPort?.on("message", (message: ToControlThread) => {
      if (message.type === "port") this.turnTo(message.port, message.serials);
      else {
        clearInterval(rounds);
        this.port?.close();
        disposeSession(this.prepared);
        parentPort?.close();
      }
    });
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
    this.collect();
    if (this.making) return;
    this.making = true;
    try {
      for (let node = this.recovery.next(this.frame); node >= 0; node = this.recovery.next(this.frame)) {
        await this.make(node);
      }
    } finally {
      this.making = false;
    }
    for (let i = 0; i < this.prepared.nodes.length; i++) this.sayOff(i);
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
      // First to whoever may have to start another audio thread, so that it never knows less than this one.
      this.tell({ type: "replacement", node, parcel });
      this.send(node, parcel);
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
