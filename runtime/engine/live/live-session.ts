// A session that is played live: starts its threads, steers them through shared words and queues, and watches over the
// audio thread. Nothing here is on the way of the sound: it goes on while this thread is busy.

import { MessageChannel, Worker } from "node:worker_threads";
import { EventType } from "../../../abi/layout.ts";
import { BelljarError, printable } from "../../../abi/error.ts";
import { steadyClock } from "../../../shm/clock.ts";
import type { Priority } from "../../../shm/thread.ts";
import { shipped } from "../../registry/place.ts";
import { memoryAccount } from "../../sandbox/index.ts";
import type { InputFile } from "../prepare.ts";
import type { OnFault, RecoveryLimits } from "../recovery.ts";
import type { Session } from "../session.ts";
import {
  type AudioThreadData,
  type FromAudioThread,
  PARAMETER_RECORDS,
  type SinkParcel,
  type ToAudioThread,
} from "./audio-thread.ts";
import type {
  ControlPlace,
  ControlThreadData,
  FromControl,
  LiveEvent,
  SessionFacts,
  ToControlThread,
} from "./control-thread.ts";
import { type Lateness, latenessOf } from "./lateness.ts";
import { frameAt } from "./frame-clock.ts";
import { EVENT_RECORDS } from "./live-events.ts";
import { type MidiConnection, MidiConnections, type MidiConnectionEvent } from "./midi-connections.ts";
import type { Parcel } from "./parcel.ts";
import { RecordQueue } from "./queue.ts";
import { Command, Figure, LiveWords, MOST_LIVE_NODES, NodeWord, placeWord, Word } from "./words.ts";

export type { LiveEvent, SessionFacts } from "./control-thread.ts";
export type { Lateness } from "./lateness.ts";

export interface LiveOptions {
  /** Where the session's files lie; null: it can name none. */
  folder: string | null;
  midi?: ReadonlyMap<string, InputFile> | undefined;
  audio?: ReadonlyMap<string, InputFile> | undefined;
  rate?: number | undefined;
  block?: number | undefined;
  /** Share of a block's time that one plugin may take before it is stopped in that block. Default: 0.8. */
  deadline?: number | undefined;
  onFault?: OnFault | undefined;
  recovery?: Partial<RecoveryLimits> | undefined;
  /** No clock has a say: blocks follow each other as the sink takes them, and without a sink as fast as they can be rendered. */
  free?: boolean | undefined;
  onEvent?: ((event: LiveSessionEvent) => void) | undefined;
}

export type LiveSessionEvent =
  | LiveEvent
  /** The audio thread stood still or died, and was started again. */
  | { what: "rescued"; message: string; frame: number; milliseconds: number }
  /** It is given up: nothing sounds any more. */
  | { what: "ended"; message: string }
  | { what: "sink"; message: string }
  /** A MIDI device went away, with its notes; or came back. */
  | MidiConnectionEvent;

/** What a live session is doing, read from shared words. */
export interface LiveFigures {
  /** Frames of sound so far. */
  frame: number;
  blocks: number;
  /** Shares of a block's time: the last, the mean, the worst. */
  load: number;
  meanLoad: number;
  worstLoad: number;
  /** Blocks that took longer than they last, and blocks that nobody took. */
  late: number;
  unheard: number;
  /** Largest magnitude of the last block at the master, before its ceiling. */
  peak: number;
  clamped: number;
  lost: number;
}

/** What a node is doing. */
export interface LiveMeter {
  id: string;
  /** Largest magnitude of its outputs in the last block; of the master: of what arrives there, before its ceiling. */
  peak: number;
  /** The same for a meter, however seldom it is looked at: peaks that fall by 24 dB a second. And the largest so far. */
  level: number;
  mostPeak: number;
  /** Share of a block's time that the last of its blocks took that was timed: one node a block is, in turn. */
  load: number;
  /** Units of its last block; 0 where it is no plugin. */
  units: number;
  /** It has stopped. */
  faulty: boolean;
}

/** A note or another event for an event input. */
export interface LiveInput {
  /** An EventType. */
  type: number;
  /** Frame of the sound at which it happens; not said or past: at once. Times must not fall. */
  time?: number;
  noteId?: number;
  /** 0 to 15; -1: every. */
  channel?: number;
  /** 0 to 127; -1: every. */
  key?: number;
  id?: number;
  value?: number;
}

const DEFAULT_DEADLINE = 0.8;
/** How often the audio thread is looked at, and how long it may stand still. Milliseconds. */
const LOOK_EVERY = 50;
const STUCK_AFTER = 400;
/** Milliseconds that a thread may take to begin or to end. */
const THREAD_TIME = 10_000;
/** Rescues within a minute after which the session is given up. */
const MOST_RESCUES = 5;
const MINUTE = 60_000;

export class LiveSession {
  /** What the system gave the audio thread. */
  priority: Priority = { kind: "usual", advice: "" };
  /** Whether subnormals are zero in it; where not, sound that fades away may cost more. */
  subnormalsAreZero = false;
  private readonly words = new LiveWords(MOST_LIVE_NODES);
  private readonly parameters = new RecordQueue(PARAMETER_RECORDS);
  private readonly events = new RecordQueue(EVENT_RECORDS);
  /** What MIDI devices play: their thread's queue. */
  private readonly deviceEvents = new RecordQueue(EVENT_RECORDS);
  private readonly midi: MidiConnections;
  private readonly clock = steadyClock();
  private readonly options: LiveOptions;
  private control: Worker | null = null;
  private audio: Worker | null = null;
  /** An audio thread that has nothing to do yet: for a rescue. */
  private spare: Promise<Worker> | null = null;
  private prepared: Extract<FromControl, { type: "ready" }> | null = null;
  private sink: SinkParcel | null = null;
  private watch: ReturnType<typeof setInterval> | null = null;
  private readonly rescues: number[] = [];
  private rescuing: Promise<void> | null = null;
  /** The thread that ended last. */
  private dead: Worker | null = null;
  /** Sessions opened so far. */
  private sessions = 0;
  private finished = false;
  private closed = false;

  private constructor(options: LiveOptions) {
    this.options = options;
    const tell = (event: MidiConnectionEvent): void => this.options.onEvent?.(event);
    this.midi = new MidiConnections(this.words.buffer, this.deviceEvents.buffer, tell);
  }

  /**
   * Loads and sets up a session's plugins; nothing sounds before `start`.
   * @throws BelljarError what prepareSession throws
   */
  static async open(session: Session, options: LiveOptions): Promise<LiveSession> {
    const live = new LiveSession(options);
    await live.prepare(session, true);
    return live;
  }

  private get ready(): Extract<FromControl, { type: "ready" }> {
    return this.prepared as Extract<FromControl, { type: "ready" }>;
  }

  get facts(): SessionFacts {
    return this.ready.facts;
  }

  private async prepare(session: Session, rehearse: boolean): Promise<void> {
    const { folder, midi, audio, rate, block, onFault, recovery, deadline } = this.options;
    const blockSeconds = (block ?? session.blockSize ?? 128) / (rate ?? session.sampleRate ?? 48_000);
    const data: ControlThreadData & { role: string } = {
      role: "control",
      order: ++this.sessions,
      ...{ session, folder, midi, audio, rate, block, onFault, recovery, rehearse },
      deadline: (deadline ?? DEFAULT_DEADLINE) * blockSeconds * 1000,
      words: this.words.buffer,
      memory: memoryAccount(),
    };
    const worker = new Worker(program(), { workerData: data });
    try {
      this.prepared = await new Promise((resolve, reject) => {
        worker.on("message", (message: FromControl) => {
          if (message.type === "ready") resolve(message);
          else if (message.type === "failed") {
            reject(new BelljarError(message.code, message.message, message.hint));
          } else if (worker === this.control) this.hearControl(message);
        });
        worker.once("error", reject);
      });
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    const { controls, parcel } = this.ready;
    this.midi.lead(parcel.session, (id) => {
      const place = controls.get(id);
      return place?.type === "event_input" ? place.node : -1;
    });
    const before = this.control;
    this.control = worker;
    if (before !== null) void endControl(before);
  }

  private hearControl(message: Exclude<FromControl, { type: "ready" | "failed" }>): void {
    if (message.type === "event") {
      this.options.onEvent?.(message.event);
      return;
    }
    const { nodes } = this.ready.parcel;
    const { id, passDry } = nodes[message.node] as Parcel["nodes"][number];
    nodes[message.node] = { id, passDry, ...message.parcel };
  }

  /** An audio thread that waits for what it is to play. */
  private async startThread(): Promise<Worker> {
    const data: AudioThreadData & { role: string } = {
      role: "audio",
      words: this.words.buffer,
      parameters: this.parameters.buffer,
      events: {
        host: this.events.buffer,
        devices: this.deviceEvents.buffer,
        routes: this.midi.routes.buffer,
      },
      free: this.options.free ?? false,
    };
    const worker = new Worker(program(), { workerData: data });
    await within(THREAD_TIME, messageOf(worker, "ready")).then(({ priority, subnormalsAreZero }) => {
      this.priority = priority;
      this.subnormalsAreZero = subnormalsAreZero;
    });
    worker.on("message", (message: FromAudioThread) => {
      if (message.type === "sinkFailed") this.options.onEvent?.({ what: "sink", message: message.message });
    });
    // An error is told by the watchdog, which finds that nothing moves.
    worker.on("error", () => {});
    worker.once("exit", () => {
      this.dead = worker;
      if (worker === this.audio) this.startRescue();
    });
    return worker;
  }

  /** Hands a graph to an audio thread, with a way to the control thread. */
  private handOver(worker: Worker, rehearsal: Parcel | null): void {
    const { port1, port2 } = new MessageChannel();
    const { parcel } = this.ready;
    const serials = parcel.nodes.map((node) => (node.kind === "plugin" ? node.serial : 0));
    this.control?.postMessage({ type: "port", port: port1, serials } satisfies ToControlThread, [port1]);
    const { sink, finished } = this;
    const graph = { type: "graph", parcel, rehearsal, port: port2, sink, finished } satisfies ToAudioThread;
    worker.postMessage(graph, [port2]);
    this.words.add(Word.Mail, 1);
  }

  /** Begins to play. @param sink where to; null: to nobody, in time */
  async start(sink: SinkParcel | null): Promise<void> {
    this.sink = sink;
    const worker = await this.startThread();
    const playing = messageOf(worker, "playing");
    this.handOver(worker, this.ready.rehearsal);
    await within(THREAD_TIME, playing);
    this.ready.rehearsal = null;
    this.audio = worker;
    this.keepSpare();
    this.watchOver();
  }

  private keepSpare(): void {
    this.spare = this.startThread();
    // Told when it is needed.
    this.spare.catch(() => {});
  }

  /** Plays into another ring from now on; null: to nobody, in time. */
  setSink(sink: SinkParcel | null): void {
    this.sink = sink;
    this.audio?.postMessage({ type: "sink", sink } satisfies ToAudioThread);
    this.words.add(Word.Mail, 1);
  }

  /** Ends all sources and their notes; what sounds may ring out. */
  finish(): void {
    this.finished = true;
    this.midi.setDeaf(true);
    this.audio?.postMessage({ type: "finish" } satisfies ToAudioThread);
    this.words.add(Word.Mail, 1);
  }

  /**
   * Plays another session from its beginning, as soon as it is ready; until then this one goes on.
   * @throws BelljarError what prepareSession throws; this session then goes on
   */
  async change(session: Session): Promise<void> {
    await this.prepare(session, false);
    this.finished = false;
    this.midi.setDeaf(false);
    if (this.audio === null) return;
    this.handOver(this.audio, null);
    const order = this.ready.parcel.session;
    const end = performance.now() + THREAD_TIME;
    while (this.words.load(Word.Session) < order && !this.closed) {
      if (performance.now() > end) throw new BelljarError("live/thread", "The audio thread does not answer.");
      await new Promise((resume) => setTimeout(resume, 2));
    }
  }

  private watchOver(): void {
    let beat = this.words.load(Word.Beat);
    let since = performance.now();
    this.watch = setInterval(() => {
      const now = performance.now();
      const at = this.words.load(Word.Beat);
      // While this thread itself stood still it has seen nothing.
      if (at !== beat || now - since > STUCK_AFTER * 4) {
        beat = at;
        since = now;
      } else if (now - since > STUCK_AFTER) {
        since = now;
        this.startRescue();
      }
    }, LOOK_EVERY);
  }

  private startRescue(): void {
    if (this.rescuing !== null || this.closed) return;
    this.rescuing = this.rescue()
      .then(
        () => this.dead === this.audio,
        // The next one came to a halt as well; how often that may be is bounded where it begins.
        () => true,
      )
      .then((again) => {
        this.rescuing = null;
        if (again) this.startRescue();
      });
  }

  private giveUp(message: string): void {
    this.options.onEvent?.({ what: "ended", message });
    this.rescuing = null;
    void this.close();
  }

  /** The audio thread stands still: it is ended, and another one goes on with all instances that were not being called. */
  private async rescue(): Promise<void> {
    const { words } = this;
    const began = performance.now();
    while (began - (this.rescues[0] ?? began) > MINUTE) this.rescues.shift();
    this.rescues.push(began);
    if (this.rescues.length > MOST_RESCUES) {
      this.giveUp("The audio thread came to a halt again and again.");
      return;
    }
    await this.audio?.terminate();
    const where = this.condemn(words.load(Word.Inside));
    words.store(Word.Inside, 0);
    const worker = await (this.spare as Promise<Worker>);
    if (this.closed) return;
    const playing = messageOf(worker, "playing");
    // From here on it is the one that messages go to, and the one that close() ends.
    this.audio = worker;
    this.keepSpare();
    this.handOver(worker, null);
    await within(THREAD_TIME, playing);
    this.options.onEvent?.({
      what: "rescued",
      message: `The audio thread came to a halt${where}; another one goes on.`,
      frame: words.frame,
      milliseconds: performance.now() - began,
    });
  }

  /** The instance that the ended thread was inside of can't be gone on with. Returns where that was, for a sentence. */
  private condemn(serial: number): string {
    const { nodes } = this.ready.parcel;
    const place = nodes.findIndex((node) => node.kind === "plugin" && node.serial === serial);
    const node = nodes[place];
    if (node === undefined) return "";
    this.words.setNode(place, NodeWord.HeldUp, serial);
    this.words.setNode(place, NodeWord.Stopped, serial);
    return ` inside of "${printable(node.id, 60)}"`;
  }

  /**
   * Sets a parameter, in its own unit, from the next block on.
   * @throws BelljarError live/node, live/parameter, live/value, live/full
   */
  set(node: string, parameter: string, value: number): void {
    const place = this.placeOf(node);
    const slot = place.slots.get(parameter);
    if (slot === undefined) {
      const known = [...place.slots.keys()];
      throw new BelljarError(
        "live/parameter",
        `"${printable(node, 60)}" has no parameter "${printable(parameter, 60)}".`,
        known.length === 0 ? "It has none." : `It has ${known.join(", ")}.`,
      );
    }
    if (!Number.isFinite(value)) throw notANumber("A parameter", value);
    const word = placeWord(this.ready.parcel.session, place.node);
    if (!this.parameters.put(0, value, [word, slot])) throw this.full();
  }

  /**
   * Plays an event on a node of type event_input.
   * @throws BelljarError live/node, live/event, live/value, live/full
   */
  play(node: string, { type, time, noteId, channel, key, id, value }: LiveInput): void {
    const place = this.inputOf(node);
    if (!PLAYABLE.has(type)) {
      throw new BelljarError("live/event", `An event of type ${type} can't be played.`);
    }
    for (const number of [time ?? 0, value ?? 0]) {
      if (!Number.isFinite(number)) throw notANumber("An event's time or value", number);
    }
    whole("note id", noteId ?? -1, -1, 0x7fffffff);
    whole("channel", channel ?? -1, -1, 15);
    whole("key", key ?? -1, type === EventType.NoteOn ? 0 : -1, 127);
    whole("id", id ?? 0, 0, 0x7fffffff);
    const word = placeWord(this.ready.parcel.session, place.node);
    const fields = [word, type, noteId ?? -1, channel ?? -1, key ?? -1, id ?? 0];
    if (!this.events.put(time ?? 0, value ?? 0, fields)) throw this.full();
  }

  /**
   * Plays a node of type event_input from a MIDI device, until `disconnect` or the end. A device that is pulled out lets go of
   * its notes, and is looked for; onEvent tells. After `change` it plays the node of that id.
   * @param device an input's name (see listMidiInputs), or a part of it that one input alone has
   * @throws BelljarError live/node, live/event, midi/library where the optional package is missing, midi/system, midi/input,
   * midi/open, midi/connections
   */
  async connectMidi(
    node: string,
    device: string,
    options: { channel?: number | undefined } = {},
  ): Promise<MidiConnection> {
    const { channel } = options;
    whole("channel", channel ?? 0, 0, 15);
    const place = this.inputOf(node);
    return this.midi.connect(node, device, channel ?? -1, place.node, this.ready.parcel.session);
  }

  /** The frame at which what happens now is to sound, for `play`: at a constant lag, wherever in a block it is. */
  get now(): number {
    return frameAt(this.words, this.clock());
  }

  private inputOf(node: string): ControlPlace {
    const place = this.placeOf(node);
    if (place.type === "event_input") return place;
    throw new BelljarError(
      "live/event",
      `"${printable(node, 60)}" is no event_input, so nothing can be played on it.`,
    );
  }

  private placeOf(node: string): ControlPlace {
    const place = this.ready.controls.get(node);
    if (place !== undefined) return place;
    throw new BelljarError(
      "live/node",
      `The session has no node "${printable(node, 60)}".`,
      `It has ${[...this.ready.controls.keys()].map((id) => printable(id, 60)).join(", ")}.`,
    );
  }

  private full(): BelljarError {
    this.words.add(Word.Lost, 1);
    return new BelljarError(
      "live/full",
      "The audio thread has not taken what was sent before.",
      "Send less at once.",
    );
  }

  /** What it is doing, read from shared words. */
  get figures(): LiveFigures {
    const { words } = this;
    const figure = (at: number): number => words.figures[at] as number;
    return {
      frame: words.frame,
      blocks: words.load(Word.Blocks) >>> 0,
      load: figure(Figure.Load),
      meanLoad: figure(Figure.MeanLoad),
      worstLoad: figure(Figure.WorstLoad),
      late: words.load(Word.Late),
      unheard: words.load(Word.Unheard),
      peak: figure(Figure.Peak),
      clamped: words.load(Word.Clamped),
      lost: words.load(Word.Lost),
    };
  }

  /** What each node is doing, in the order of the session; read from shared words. */
  get meters(): LiveMeter[] {
    const { parcel, facts } = this.ready;
    const milliseconds = (facts.block / facts.rate) * 1000;
    return parcel.nodes.map(({ id }, i) => ({
      id,
      peak: this.words.peak(i),
      level: this.words.level(i),
      mostPeak: this.words.mostPeak(i),
      load: this.words.time(i) / milliseconds,
      units: this.words.node(i, NodeWord.Units),
      faulty: this.words.node(i, NodeWord.Faulty) === 1,
    }));
  }

  /**
   * A node's control outputs (its monitors among them) as the last block left them, by port, in their own units; read
   * from shared memory.
   * @throws BelljarError live/node
   */
  monitors(node: string): Map<string, number> {
    const place = this.placeOf(node);
    const parcel = this.ready.parcel.nodes[place.node];
    const values = parcel?.kind === "plugin" ? parcel.monitors : [];
    return new Map(place.monitors.map((id, i) => [id, values[i] as number]));
  }

  /** How late the audio thread began its blocks, all that went into a sink. */
  get lateness(): Lateness {
    return latenessOf(this.words.lateness);
  }

  /** Ends the sound, and all threads. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.watch !== null) clearInterval(this.watch);
    this.watch = null;
    await this.rescuing;
    const { audio, spare, control } = this;
    this.audio = this.spare = this.control = null;
    if (audio !== null) {
      const ended = messageOf(audio, "ended");
      this.words.store(Word.Command, Command.Stop);
      await within(STUCK_AFTER, ended).catch(() => {});
      await audio.terminate();
    }
    await this.midi.close();
    const waiting = await spare?.catch(() => null);
    await waiting?.terminate();
    if (control !== null) await endControl(control);
  }
}

/** What a keyboard or a program may send. */
const PLAYABLE: ReadonlySet<number> = new Set([
  EventType.NoteOn,
  EventType.NoteOff,
  EventType.Choke,
  EventType.Expression,
  EventType.Bend,
  EventType.ControlChange,
  EventType.Program,
  EventType.Pressure,
  EventType.AllNotesOff,
]);

function notANumber(what: string, value: number): BelljarError {
  return new BelljarError("live/value", `${what} must be a finite number, not ${value}.`);
}

function whole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new BelljarError(
    "live/event",
    `The ${what} of an event must be a whole number from ${least} to ${most}, not ${value}.`,
  );
}

/** A control thread gives its memory back itself, where it answers. */
async function endControl(worker: Worker): Promise<void> {
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  worker.postMessage({ type: "close" } satisfies ToControlThread);
  await within(STUCK_AFTER, ended).catch(() => {});
  await worker.terminate();
}

/** The next message of a type; rejects where the thread ends before. */
function messageOf<Type extends FromAudioThread["type"]>(
  worker: Worker,
  type: Type,
): Promise<Extract<FromAudioThread, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const stop = (error: Error): void => {
      worker.off("message", hear);
      worker.off("error", stop);
      worker.off("exit", exit);
      reject(error);
    };
    const exit = (): void => stop(new BelljarError("live/thread", "The audio thread ended."));
    const hear = (message: FromAudioThread): void => {
      if (message.type !== type) return;
      worker.off("message", hear);
      worker.off("error", stop);
      worker.off("exit", exit);
      resolve(message as Extract<FromAudioThread, { type: Type }>);
    };
    worker.on("message", hear);
    worker.on("error", stop);
    worker.on("exit", exit);
  });
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BelljarError("live/thread", "The audio thread does not answer.")),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

function program(): string {
  const path = shipped("live-thread.js");
  if (path !== null) return path;
  throw new BelljarError(
    "live/missing",
    "dist/live-thread.js is not there.",
    "Build or install Belljar again.",
  );
}
