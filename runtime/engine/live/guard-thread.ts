// The guard: a thread of its own that starts the audio thread, watches it, and ends it where it stands still. It does
// nothing else, so that a sound that stopped goes on however busy the host's own thread is.

import { MessageChannel, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { BelljarError, printable } from "../../../abi/error.ts";
import { type Priority, raisePriority } from "../../../shm/thread.ts";
import type { AudioThreadData, FromAudioThread, SinkParcel, ToAudioThread } from "./audio-messages.ts";
import type { ToControlThread } from "./control-thread.ts";
import type { Parcel, PluginParcel } from "./parcel.ts";
import { askLinux, Stillness } from "./stillness.ts";
import { countInMinute, endWorker, hasEnded, messageOf, program, within } from "./worker.ts";
import { Command, LiveWords, MOST_LIVE_NODES, NodeWord, Word } from "./words.ts";

export interface GuardThreadData {
  audio: AudioThreadData;
  /** Milliseconds that the audio thread may stand still. */
  patience: number;
}

export type ToGuard =
  /** A graph to play, and the way to the thread that attends to its plugins. `rehearsal`: of the first one. */
  | { type: "graph"; parcel: Parcel; rehearsal: Parcel | null; control: MessagePort }
  /** Another thread attends to the plugins of the graph that plays. */
  | { type: "control"; control: MessagePort }
  /** What plays is to be told, with all replacements that were made. */
  | { type: "tell" }
  | { type: "sink"; sink: SinkParcel | null }
  /** The sources end here. */
  | { type: "finish" }
  /** Ends the audio thread as a crash would. */
  | { type: "crash" }
  | { type: "close" };

export type FromGuard =
  | { type: "started"; priority: Priority; subnormalsAreZero: boolean }
  /** The graph of this number is heard from now on. */
  | { type: "playing"; edition: number }
  | { type: "parcel"; parcel: Parcel }
  | { type: "sink"; message: string }
  | { type: "crashed" }
  | { type: "rescued"; message: string; frame: number; milliseconds: number }
  /** It is given up. */
  | { type: "ended"; message: string }
  | { type: "closed" };

/** What a control thread tells it. */
export type FromControlToGuard = { type: "replacement"; node: number; parcel: PluginParcel };

/** How often the audio thread is looked at. Milliseconds. */
const LOOK_EVERY = 10;
/** Milliseconds that a thread may take to begin or to end. */
const THREAD_TIME = 10_000;
const END_TIME = 400;
/**
 * Most MiB of the audio thread's heap, of which it needs few. About as much of what edits leave behind, plugins' memory
 * included, may wait there before V8 has to collect it: the thread gives it no other time.
 */
const AUDIO_HEAP = 512;
/** Nodes of a graph that travel together. */
const PIECE = 4;
/** Rescues within a minute after which the session is given up. */
const MOST_RESCUES = 5;

/** A graph, and the way to those who attend to it. */
interface Deal {
  parcel: Parcel;
  control: MessagePort;
}

interface AudioWorker {
  worker: Worker;
  /** As Linux counts threads; null: not known. */
  thread: number | null;
}

/** Runs in the worker. */
export function runGuardThread(): void {
  const port = parentPort as MessagePort;
  // Before an audio thread that does not stop.
  raisePriority(-1);
  const guard = new Guard(workerData as GuardThreadData, (message) => port.postMessage(message));
  port.on("message", (message: ToGuard) => guard.receive(message));
}

class Guard {
  private readonly data: GuardThreadData;
  private readonly tell: (message: FromGuard) => void;
  private readonly words: LiveWords;
  private readonly stillness: Stillness;
  private audio: AudioWorker | null = null;
  /** An audio thread that has nothing to do yet. */
  private spare: Promise<AudioWorker> | null = null;
  private playing: Deal | null = null;
  private coming: Deal | null = null;
  private sink: SinkParcel | null = null;
  private finished = false;
  private watch: ReturnType<typeof setInterval> | null = null;
  private readonly rescues: number[] = [];
  private rescuing: Promise<void> | null = null;
  /** The thread that ended last. */
  private dead: Worker | null = null;
  private closed = false;

  constructor(data: GuardThreadData, tell: (message: FromGuard) => void) {
    this.data = data;
    this.tell = tell;
    this.words = new LiveWords(MOST_LIVE_NODES, data.audio.words);
    this.stillness = new Stillness(this.words, data.patience, performance.now());
    this.keepSpare();
  }

  receive(message: ToGuard): void {
    switch (message.type) {
      case "graph":
        this.take(message);
        break;
      case "control":
        this.attend(message.control);
        break;
      case "tell":
        if (this.playing !== null) this.tell({ type: "parcel", parcel: this.playing.parcel });
        break;
      case "sink":
        this.sink = message.sink;
        this.post({ type: "sink", sink: message.sink });
        break;
      case "finish":
        this.finished = true;
        this.post({ type: "finish" });
        break;
      case "crash":
        void this.audio?.worker.terminate().then(() => this.tell({ type: "crashed" }));
        break;
      case "close":
        void this.close();
        break;
    }
  }

  private post(message: ToAudioThread, transfer: MessagePort[] = []): void {
    this.audio?.worker.postMessage(message, transfer);
    this.words.add(Word.Mail, 1);
  }

  private take({ parcel, rehearsal, control }: Extract<ToGuard, { type: "graph" }>): void {
    const deal = { parcel, control };
    if (parcel.session !== this.playing?.parcel.session) this.finished = false;
    this.listen(deal);
    this.coming = deal;
    if (this.playing === null) void this.begin(rehearsal);
    else if (this.rescuing === null) this.handOverInPieces(deal);
  }

  /** What its control thread says: whoever starts an audio thread has to know of all replacements. */
  private listen(deal: Deal): void {
    const { parcel, control } = deal;
    control.on("message", ({ node, parcel: made }: FromControlToGuard) => {
      const { id, passDry, slot } = parcel.nodes[node] as Parcel["nodes"][number];
      parcel.nodes[node] = { id, passDry, slot, ...made };
    });
    control.unref();
  }

  private attend(control: MessagePort): void {
    if (this.playing === null) return;
    this.playing.control.close();
    const deal = { parcel: this.playing.parcel, control };
    this.playing = deal;
    this.listen(deal);
    const port = this.wayToControl(deal);
    this.post({ type: "control", port }, [port]);
  }

  /** A way from the audio thread to the control thread, which is told what the audio thread has. */
  private wayToControl({ parcel, control }: Deal): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const serials = parcel.nodes.map((node) => (node.kind === "plugin" ? node.serial : 0));
    control.postMessage({ type: "port", port: port1, serials } satisfies ToControlThread, [port1]);
    return port2;
  }

  private handOver(deal: Deal, rehearsal: Parcel | null): void {
    const port = this.wayToControl(deal);
    const { sink, finished } = this;
    this.post({ type: "graph", parcel: deal.parcel, rehearsal, port, sink, finished }, [port]);
  }

  /** To a thread that plays: so that no message keeps it for long. */
  private handOverInPieces(deal: Deal): void {
    const port = this.wayToControl(deal);
    const { sink, finished } = this;
    const { edition, nodes } = deal.parcel;
    const parcel = { ...deal.parcel, nodes: [] };
    this.post({ type: "graph", parcel, rehearsal: null, port, sink, finished }, [port]);
    for (let at = 0; at < nodes.length; at += PIECE) {
      this.post({ type: "nodes", edition, nodes: nodes.slice(at, at + PIECE) });
    }
  }

  /** An audio thread that waits for what it is to play. */
  private async startThread(): Promise<AudioWorker> {
    const worker = new Worker(program(), {
      workerData: { role: "audio", ...this.data.audio },
      resourceLimits: { maxOldGenerationSizeMb: AUDIO_HEAP },
    });
    // That it ended is what counts.
    worker.on("error", () => {});
    let ready: Extract<FromAudioThread, { type: "ready" }>;
    try {
      ready = await within(THREAD_TIME, messageOf<FromAudioThread, "ready">(worker, "ready"));
    } catch (error) {
      void worker.terminate();
      throw error;
    }
    worker.on("message", (message: FromAudioThread) => this.hear(worker, message));
    worker.once("exit", () => {
      this.dead = worker;
      if (worker === this.audio?.worker) this.startRescue();
    });
    const { priority, subnormalsAreZero, thread } = ready;
    this.tell({ type: "started", priority, subnormalsAreZero });
    return { worker, thread };
  }

  private hear(worker: Worker, message: FromAudioThread): void {
    if (message.type === "sinkFailed") this.tell({ type: "sink", message: message.message });
    if (message.type !== "playing" || worker !== this.audio?.worker) return;
    this.settle();
    this.tell({ type: "playing", edition: message.edition });
  }

  /** Whether the graph that was to come plays by now. */
  private settle(): void {
    const { coming, playing } = this;
    if (coming === null || this.words.load(Word.Edition) !== coming.parcel.edition) return;
    if (playing !== null && playing.control !== coming.control) playing.control.close();
    this.playing = coming;
    this.coming = null;
  }

  private keepSpare(): void {
    if (this.closed) return;
    this.spare = this.startThread();
    // Another one is started where it is needed.
    this.spare.catch(() => {});
  }

  /** The thread that was kept; where it never began, or has ended, another one. */
  private async takeSpare(): Promise<AudioWorker> {
    const kept = (await this.spare?.catch(() => null)) ?? null;
    this.spare = null;
    return kept === null || hasEnded(kept.worker) ? this.startThread() : kept;
  }

  private async begin(rehearsal: Parcel | null): Promise<void> {
    const deal = this.coming as Deal;
    try {
      this.audio = await this.takeSpare();
      if (this.closed) return void this.audio.worker.terminate();
      this.playing = deal;
      const playing = messageOf<FromAudioThread, "playing">(this.audio.worker, "playing");
      this.handOver(deal, rehearsal);
      await within(THREAD_TIME, playing);
      if (this.closed) return;
      this.stillness.reset(askLinux(this.audio.thread));
      this.keepSpare();
      this.watch = setInterval(() => {
        if (this.rescuing === null && this.stillness.look(performance.now())) this.startRescue();
      }, LOOK_EVERY);
    } catch (error) {
      this.giveUp(error instanceof BelljarError ? error.message : String(error));
    }
  }

  private startRescue(): void {
    if (this.rescuing !== null || this.closed || this.watch === null) return;
    this.rescuing = this.rescue()
      .then(
        () => this.dead !== null && this.dead === this.audio?.worker,
        // The next one came to a halt as well; how often that may be is bounded where it begins.
        () => true,
      )
      .then((again) => {
        this.rescuing = null;
        if (again) this.startRescue();
      });
  }

  private giveUp(message: string): void {
    if (this.closed) return;
    this.closed = true;
    if (this.watch !== null) clearInterval(this.watch);
    this.tell({ type: "ended", message });
  }

  /** The audio thread stands still: it is ended, and another one goes on with all instances that were not being called. */
  private async rescue(): Promise<void> {
    const { words } = this;
    const began = performance.now();
    if (countInMinute(this.rescues, began) > MOST_RESCUES) {
      await this.audio?.worker.terminate();
      this.giveUp("The audio thread came to a halt again and again.");
      return;
    }
    await this.audio?.worker.terminate();
    this.settle();
    const where = this.condemn(words.load(Word.Inside));
    words.store(Word.Inside, 0);
    const next = await this.takeSpare();
    if (this.closed) return void next.worker.terminate();
    const playing = messageOf<FromAudioThread, "playing">(next.worker, "playing");
    this.audio = next;
    this.handOver(this.playing as Deal, null);
    // A graph that was on its way comes after it.
    if (this.coming !== null) this.handOverInPieces(this.coming);
    try {
      await within(THREAD_TIME, playing);
    } finally {
      // Not before: what a thread does that begins would be in its way.
      this.keepSpare();
    }
    this.stillness.reset(askLinux(next.thread));
    const milliseconds = performance.now() - began;
    const message = `The audio thread came to a halt${where}; another one goes on.`;
    this.tell({ type: "rescued", message, frame: words.frame, milliseconds });
  }

  /** The instance that the ended thread was inside of can't be gone on with. Returns where that was, for a sentence. */
  private condemn(serial: number): string {
    const deal = this.playing as Deal;
    const node = deal.parcel.nodes.find((one) => one.kind === "plugin" && one.serial === serial);
    if (node === undefined) return "";
    this.words.setNode(node.slot, NodeWord.HeldUp, serial);
    this.words.setNode(node.slot, NodeWord.Stopped, serial);
    return ` inside of "${printable(node.id, 60)}"`;
  }

  private async close(): Promise<void> {
    this.closed = true;
    if (this.watch !== null) clearInterval(this.watch);
    await this.rescuing;
    this.words.store(Word.Command, Command.Stop);
    if (this.audio !== null) {
      const { worker } = this.audio;
      if (worker !== this.dead) await endWorker(worker, END_TIME);
    }
    const waiting = await this.spare?.catch(() => null);
    await waiting?.worker.terminate();
    this.tell({ type: "closed" });
    parentPort?.close();
  }
}
