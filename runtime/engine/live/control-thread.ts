// The control thread of one session: it loads and sets up the plugins, and afterwards makes replacements for those that
// stop, and nothing else. Each session that is played has one of its own, so that no session's setting up keeps another's
// replacements waiting.

import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import { loadPluginType } from "../../registry/load.ts";
import { disposeSession } from "../prepare.ts";
import { type FaultKind, joinMemoryAccount, type PluginType } from "../../sandbox/index.ts";
import { openSession } from "../open-session.ts";
import type { InputFile, PreparedSession } from "../prepare.ts";
import type { OnFault, RecoveryLimits } from "../recovery.ts";
import type { Session } from "../session.ts";
import type { Port } from "./audio-messages.ts";
import { Control, type Recall } from "./replacements.ts";
import { Carry, checkEdit, type Handover, packEdit } from "./carry.ts";
import { freeSlots, type NodeParcel, type Parcel, packSession, type PluginParcel } from "./parcel.ts";
import { LiveWords, MOST_LIVE_NODES } from "./words.ts";

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
  /** The count of all plugins' memory, and this thread's part of it. */
  memory: SharedArrayBuffer;
  ownMemory: SharedArrayBuffer;
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

/** Runs in the worker. */
export function runControlThread(): void {
  const data = workerData as ControlThreadData;
  joinMemoryAccount(data.memory, data.ownMemory);
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
