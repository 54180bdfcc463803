// The threads behind a live session, as the host's own thread has hold of them: the guard, under which the sound is made,
// and the control thread, which attends to the plugins. Each session that is played or edited gets a control thread of
// its own.

import { MessageChannel, Worker } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import type { Priority } from "../../../shm/thread.ts";
import { leaveMemoryAccount, memoryAccount } from "../../sandbox/index.ts";
import { checkKeys, checkNumber } from "../arguments.ts";
import type { PrepareOptions } from "../prepare.ts";
import type { Session } from "../session.ts";
import type { AudioThreadData, SinkParcel } from "./audio-messages.ts";
import type { Handover } from "./carry.ts";
import type {
  ControlThreadData,
  FromControl,
  LiveEvent,
  ReadySession,
  ToControlThread,
} from "./control-thread.ts";
import type { FromGuard, GuardThreadData, ToGuard } from "./guard-thread.ts";
import { type LiveWords, makingNode, Word } from "./words.ts";
import { countInMinute, endWorker, messageOf, program, within } from "./worker.ts";

/** How long is waited for what plugins may make long. Milliseconds. */
export interface LivePatience {
  /** Until a session is ready to be played, with all of its plugins set up. Default: 60,000. */
  prepare: number;
  /** Until a plugin that stopped is set up again; it then stays off. Default: 10,000. */
  replace: number;
}

export const DEFAULT_PATIENCE: Readonly<LivePatience> = { prepare: 60_000, replace: 10_000 };

const LONGEST_PATIENCE = 86_400_000;

/** @throws BelljarError usage/option, usage/value */
export function checkPatience(given: Partial<LivePatience>): LivePatience {
  checkKeys("time of patience", given, Object.keys(DEFAULT_PATIENCE));
  const patience = { ...DEFAULT_PATIENCE };
  for (const name of ["prepare", "replace"] as const) {
    const value = given[name];
    if (value === undefined) continue;
    checkNumber(`patience's ${name}`, value, 1, LONGEST_PATIENCE);
    patience[name] = value;
  }
  return patience;
}

export interface ThreadsOptions
  extends Pick<PrepareOptions, "folder" | "midi" | "audio" | "rate" | "block" | "onFault" | "recovery"> {
  /** Share of a block's time that one plugin may take. */
  deadline: number;
  patience: LivePatience;
}

export type ThreadsEvent =
  | LiveEvent
  /** The audio thread stood still or died, and was started again. */
  | { what: "rescued"; message: string; frame: number; milliseconds: number }
  /** It is given up: nothing sounds any more. */
  | { what: "ended"; message: string }
  | { what: "sink"; message: string }
  /** The thread that replaces plugins ended, and whether another one takes its place. The sound goes on. */
  | { what: "control"; message: string };

/** Milliseconds that the audio thread may stand still, beside what a plugin may take. */
const STUCK_AFTER = 100;
/** A plugin that may take longer than this is not waited for. Milliseconds, beside a block. */
const LONGEST_DEADLINE = 300;
/** Milliseconds that a thread may take to begin or to end. */
const THREAD_TIME = 10_000;
const END_TIME = 1000;
/** How often it is looked whether a replacement takes too long. Milliseconds. */
const LOOK_EVERY = 50;
/** Control threads that ended by themselves within a minute after which there is no other. */
const MOST_DEATHS = 3;

/** What a session is prepared from. */
interface Beginning {
  rehearse?: boolean;
  from?: Handover;
  attend?: boolean;
  turned?: boolean;
}

export class LiveThreads {
  /** What the system gave the audio thread. */
  priority: Priority = { kind: "usual", advice: "" };
  subnormalsAreZero = false;
  private readonly options: ThreadsOptions;
  private readonly words: LiveWords;
  private readonly audio: AudioThreadData;
  private readonly tell: (event: ThreadsEvent) => void;
  private control: Worker | null = null;
  private guard: Worker | null = null;
  private prepared: ReadySession | null = null;
  /** All control threads that live, and what they made ready. */
  private readonly controls = new Map<Worker, ReadySession | null>();
  /** Another control thread on its way to take the place of one that ended by itself. */
  private replacing: Promise<void> = Promise.resolve();
  /** Sessions opened so far. */
  private editions = 0;
  private failure: BelljarError | null = null;
  private closing = false;
  /** Instead of the session's own. */
  private rate: number | undefined;
  /** When control threads ended by themselves, and why the last one did. */
  private readonly deaths: number[] = [];
  private why = "";
  private watch: ReturnType<typeof setInterval> | null = null;
  /** The node whose replacement took too long. */
  private tooLong = -1;

  constructor(
    options: ThreadsOptions,
    words: LiveWords,
    audio: AudioThreadData,
    tell: (event: ThreadsEvent) => void,
  ) {
    this.options = options;
    this.rate = options.rate;
    this.words = words;
    this.audio = audio;
    this.tell = tell;
  }

  /** The session that plays, or is to. */
  get ready(): ReadySession {
    return this.prepared as ReadySession;
  }

  get isPlaying(): boolean {
    return this.guard !== null;
  }

  /** Makes a session ready. @throws BelljarError what prepareSession throws; live/thread where that takes too long */
  async prepare(session: Session, rehearse: boolean): Promise<void> {
    await this.replacing;
    const before = this.control;
    const [worker, ready] = await this.begin(session, { rehearse });
    this.control = worker;
    this.prepared = ready;
    if (before !== null) void this.endControl(before);
  }

  /** A control thread, and what it made ready. */
  private async begin(session: Session, beginning: Beginning): Promise<[Worker, ReadySession]> {
    const worker = this.startControl(session, beginning);
    try {
      return [worker, await this.inTime(messageOf<FromControl, "ready">(worker, "ready"))];
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  private inTime<T>(promise: Promise<T>): Promise<T> {
    const seconds = this.options.patience.prepare / 1000;
    return within(
      this.options.patience.prepare,
      promise,
      `The session is not ready to be played after ${seconds} s.`,
    );
  }

  private startControl(session: Session, beginning: Beginning): Worker {
    if (this.closing) throw new BelljarError("live/ended", "The session has been closed.");
    const { rehearse = false, from, attend = false, turned = false } = beginning;
    const { rate } = this;
    const { folder, midi, audio, block, onFault, recovery } = this.options;
    const ownMemory = new SharedArrayBuffer(4);
    const data: ControlThreadData & { role: string } = {
      role: "control",
      order: attend ? this.editions : ++this.editions,
      ...{ session, folder, midi, audio, rate, block, onFault, recovery, rehearse, attend, turned },
      from: from ?? null,
      taken: (this.prepared?.parcel.nodes ?? []).map(({ slot }) => ({ slot })),
      deadline: this.options.deadline * this.blockTime(session),
      words: this.words.buffer,
      memory: memoryAccount(),
      ownMemory,
    };
    const worker = new Worker(program(), { workerData: data });
    this.controls.set(worker, null);
    worker.on("message", (message: FromControl) => this.hearControl(worker, message));
    worker.on("error", (error) => {
      this.why = error.message;
    });
    worker.once("exit", () => {
      this.controls.delete(worker);
      leaveMemoryAccount(ownMemory);
      if (worker === this.control) this.replacing = this.replaceControl();
    });
    return worker;
  }

  /** Milliseconds. */
  private blockTime(session: Session): number {
    const { rate } = this;
    const { block } = this.options;
    return ((block ?? session.blockSize ?? 128) / (rate ?? session.sampleRate ?? 48_000)) * 1000;
  }

  private hearControl(worker: Worker, message: FromControl): void {
    if (message.type === "failed") {
      // As an error, which whoever waits for the session hears.
      worker.emit("error", new BelljarError(message.code, message.message, message.hint));
    } else if (message.type === "ready") this.controls.set(worker, message);
    else if (message.type === "event" && worker === this.control) this.tell(message.event);
    else if (message.type === "replacement") {
      // Of the session that this thread attends to: while it is handed over, the one before still plays.
      const nodes = this.controls.get(worker)?.parcel.nodes ?? [];
      const { id, passDry, slot } = nodes[message.node] as (typeof nodes)[number];
      nodes[message.node] = { id, passDry, slot, ...message.parcel };
    }
  }

  /** Begins to play. @param sink where to; null: to nobody, in time */
  async start(session: Session, sink: SinkParcel | null): Promise<void> {
    const blockTime = this.blockTime(session);
    const longest = Math.min(this.options.deadline * blockTime, LONGEST_DEADLINE + blockTime);
    const data: GuardThreadData & { role: string } = {
      role: "guard",
      audio: this.audio,
      patience: STUCK_AFTER + longest,
    };
    const guard = new Worker(program(), { workerData: data });
    this.guard = guard;
    guard.on("message", (message: FromGuard) => this.hearGuard(message));
    guard.on("error", () => {});
    guard.once("exit", () => {
      if (!this.closing) this.end("The thread that guards the sound ended.");
    });
    guard.postMessage({ type: "sink", sink } satisfies ToGuard);
    await this.handOver(this.ready, this.control);
    this.ready.rehearsal = null;
    this.watch = setInterval(this.lookAtReplacements(), LOOK_EVERY);
  }

  private hearGuard(message: FromGuard): void {
    switch (message.type) {
      case "started":
        this.priority = message.priority;
        this.subnormalsAreZero = message.subnormalsAreZero;
        break;
      case "rescued":
        this.tell({
          what: "rescued",
          message: message.message,
          frame: message.frame,
          milliseconds: message.milliseconds,
        });
        break;
      case "sink":
        this.tell({ what: "sink", message: message.message });
        break;
      case "ended":
        this.end(message.message);
        break;
    }
  }

  private end(message: string): void {
    if (this.failure !== null) return;
    this.failure = new BelljarError("live/ended", message);
    this.tell({ what: "ended", message });
  }

  /** Hands a graph to the guard, with a way to its control thread, and waits until it is heard. */
  private async handOver({ parcel, rehearsal }: ReadySession, control: Worker | null): Promise<void> {
    const guard = this.guard as Worker;
    if (control === null) throw noControl();
    const end = performance.now() + THREAD_TIME + this.options.patience.prepare;
    guard.postMessage(
      ...this.wayBetween(control, (port): ToGuard => ({ type: "graph", parcel, rehearsal, control: port })),
    );
    while (this.words.load(Word.Edition) < parcel.edition) {
      if (this.failure !== null) throw this.failure;
      if (this.closing) return;
      if (performance.now() > end) throw new BelljarError("live/thread", "The audio thread does not answer.");
      await new Promise((resume) => setTimeout(resume, 2));
    }
  }

  private wayBetween(
    control: Worker,
    message: (port: MessageChannel["port1"]) => ToGuard,
  ): [ToGuard, MessageChannel["port1"][]] {
    const { port1, port2 } = new MessageChannel();
    control.postMessage({ type: "guard", port: port1 } satisfies ToControlThread, [port1]);
    return [message(port2), [port2]];
  }

  /** Plays what was made ready, where something plays already. */
  async hearReady(): Promise<void> {
    if (this.isPlaying) await this.handOver(this.ready, this.control);
  }

  /** The same piece goes on at another rate. @throws BelljarError; all then goes on as it was */
  async changeRate(session: Session, rate: number): Promise<void> {
    const before = this.rate;
    this.rate = rate;
    try {
      await this.edit(session, true);
    } catch (error) {
      this.rate = before;
      throw error;
    }
  }

  /** The same piece goes on, with other nodes and wires. @throws BelljarError; all then goes on as it was */
  async edit(session: Session, turned = false): Promise<void> {
    if (!this.isPlaying) return this.prepare(session, true);
    await this.replacing;
    const before = this.control;
    if (before === null) throw noControl();
    const from = await this.handoverOf(before, false);
    const worker = this.startControl(session, { from, turned });
    let ready: ReadySession;
    try {
      await this.inTime(messageOf<FromControl, "prepared">(worker, "prepared"));
      const last = await this.handoverOf(before, true);
      const made = messageOf<FromControl, "ready">(worker, "ready");
      worker.postMessage({ type: "go on", from: last } satisfies ToControlThread);
      ready = await this.inTime(made);
    } catch (error) {
      before.postMessage({ type: "go on", from: null } satisfies ToControlThread);
      await worker.terminate();
      throw error;
    }
    // Where it ended meanwhile, another one took its place.
    const others = new Set([before, this.control]);
    this.control = worker;
    await this.handOver(ready, worker);
    this.prepared = ready;
    for (const other of others) if (other !== null) void this.endControl(other);
  }

  private async handoverOf(worker: Worker, retire: boolean): Promise<Handover> {
    const answer = messageOf<FromControl, "handover">(worker, "handover");
    worker.postMessage({ type: "hand over", retire } satisfies ToControlThread);
    return (await this.inTime(answer)).handover;
  }

  /** The control thread ended by itself: another one takes its place; the sound goes on meanwhile. */
  private async replaceControl(): Promise<void> {
    this.control = null;
    this.words.store(Word.Making, 0);
    if (this.closing || !this.isPlaying || this.failure !== null) return;
    const deaths = countInMinute(this.deaths, performance.now());
    const why = this.why === "" ? "" : ` (${this.why.replace(/\.$/, "")})`;
    this.why = "";
    const ended = `The thread that replaces plugins ended${why}`;
    if (deaths > MOST_DEATHS) {
      this.tell({ what: "control", message: `${ended}; plugins that stop are no longer replaced.` });
      return;
    }
    this.tell({ what: "control", message: `${ended}; another one takes its place.` });
    try {
      const from = await this.whatIsLeft();
      const [worker, ready] = await this.begin(from.session, { from, attend: true });
      // A change or an edit was under way, and has a thread of its own.
      if (this.control !== null) return await this.endControl(worker);
      this.control = worker;
      this.prepared = { ...ready, facts: this.ready.facts };
      const guard = this.guard as Worker;
      guard.postMessage(...this.wayBetween(worker, (port): ToGuard => ({ type: "control", control: port })));
    } catch (error) {
      if (this.closing) return;
      const message = error instanceof Error ? error.message : String(error);
      this.tell({ what: "control", message: `Plugins that stop are no longer replaced: ${message}` });
    }
  }

  /** What is known where the control thread can't be asked. */
  private async whatIsLeft(): Promise<Handover> {
    const guard = this.guard as Worker;
    const answer = messageOf<FromGuard, "parcel">(guard, "parcel");
    guard.postMessage({ type: "tell" } satisfies ToGuard);
    const { parcel } = await within(THREAD_TIME, answer);
    const { handover } = this.ready;
    const { recovery } = handover;
    const late = recovery.nodes[this.tooLong];
    if (late !== undefined) {
      const seconds = this.options.patience.replace / 1000;
      Object.assign(late, {
        state: "off",
        making: false,
        reason: `it was not set up again within ${seconds} s`,
      });
      handover.faulty[this.tooLong] = (parcel.nodes[this.tooLong] as { serial?: number }).serial ?? 0;
    }
    this.tooLong = -1;
    return { ...handover, parcel };
  }

  /** Looks whether the making of a replacement comes to no end. */
  private lookAtReplacements(): () => void {
    let making = 0;
    let since = 0;
    return () => {
      const now = performance.now();
      const word = this.words.load(Word.Making);
      if (word !== making) {
        making = word;
        since = now;
      }
      if (word === 0 || now - since < this.options.patience.replace) return;
      this.words.store(Word.Making, 0);
      this.tooLong = makingNode(word);
      this.why = "a plugin was not set up again in time";
      void this.control?.terminate();
    };
  }

  setSink(sink: SinkParcel | null): void {
    this.guard?.postMessage({ type: "sink", sink } satisfies ToGuard);
  }

  finish(): void {
    this.guard?.postMessage({ type: "finish" } satisfies ToGuard);
  }

  /** Ends the audio thread as a crash would; for tests. */
  async crash(): Promise<void> {
    const guard = this.guard as Worker;
    const crashed = messageOf<FromGuard, "crashed">(guard, "crashed");
    guard.postMessage({ type: "crash" } satisfies ToGuard);
    await crashed;
  }

  async close(): Promise<void> {
    this.closing = true;
    if (this.watch !== null) clearInterval(this.watch);
    const { guard, control } = this;
    this.control = null;
    // Whatever is being prepared is prepared for nothing.
    for (const worker of this.controls.keys()) if (worker !== control) void worker.terminate();
    if (guard !== null) {
      const closed = messageOf<FromGuard, "closed">(guard, "closed");
      guard.postMessage({ type: "close" } satisfies ToGuard);
      await within(THREAD_TIME, closed).catch(() => {});
      await guard.terminate();
    }
    if (control !== null) await this.endControl(control);
  }

  /** A control thread gives its memory back itself, where it answers. */
  private async endControl(worker: Worker): Promise<void> {
    const making = this.words.load(Word.Making);
    worker.postMessage({ type: "close" } satisfies ToControlThread);
    await endWorker(worker, END_TIME);
    // What it was making comes to nothing.
    Atomics.compareExchange(this.words.words, Word.Making, making, 0);
  }
}

function noControl(): BelljarError {
  return new BelljarError(
    "live/thread",
    "The thread that attends to the session's plugins ended, and no other has taken its place.",
    "Change to the session: it then begins anew.",
  );
}
