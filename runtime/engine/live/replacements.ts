// What a control thread does while its session plays: hears what stops, makes replacements, passes on what plugins say.

import { type MessagePort, parentPort, receiveMessageOnPort } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import { checkTwin } from "../../graph/index.ts";
import type { FaultKind, PluginInstance } from "../../sandbox/index.ts";
import type { PluginRecipe } from "../plugin-recipe.ts";
import { PluginNode } from "../plugin-node.ts";
import { disposeSession, type PreparedSession } from "../prepare.ts";
import { Recovery, whyGivenUp, whyNotReplaced } from "../recovery.ts";
import type { ToAudioThread, ToControl } from "./audio-messages.ts";
import type { Handover } from "./carry.ts";
import type { FromControl, ToControlThread } from "./control-thread.ts";
import type { FromControlToGuard } from "./guard-thread.ts";
import { type NodeParcel, type Parcel, packInstance, type PluginParcel } from "./parcel.ts";
import { type LiveWords, makingWord, Word } from "./words.ts";

/** How often messages are collected and due replacements begun. Milliseconds. */
const ROUND = 20;

/** What a control thread goes on with. */
export interface Recall {
  from: Handover;
  was: number[];
  heirOf: number[];
}

/** [control] */
export class Control {
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
        this.failed(node, message, frame);
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
      const next = new PluginNode(instance);
      try {
        // Here, so that it holds wherever it comes to play: in this graph, in an edited one, or after a rescue.
        checkTwin(entry.id, entry.node, next);
      } catch (error) {
        instance.dispose();
        throw error;
      }
      const parcel = packInstance(instance, this.words);
      entry.instance = instance;
      entry.node = next;
      this.parcels[node] = parcel;
      gone.dispose();
      // First to the guard, which may have to start another audio thread, so that it never knows less than this one.
      this.guard?.postMessage({ type: "replacement", node, parcel } satisfies FromControlToGuard);
      this.send(node, parcel);
      this.tell({ type: "replacement", node, parcel });
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      this.failed(node, error, this.frame);
    }
  }

  /** No replacement came of it. */
  private failed(node: number, error: { code: string; message: string }, frame: number): void {
    const { id } = this.prepared.nodes[node] as { id: string };
    this.say("failed", node, whyNotReplaced(id, error), frame);
    const lasting = whyGivenUp(error);
    if (lasting === null) return this.decide(node, frame);
    this.recovery.giveUp(node, lasting);
    this.sayOff(node);
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
