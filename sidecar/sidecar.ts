// Requests to answers: checks what comes in, hands it to the device thread, keeps time limits, and tells what happens
// unasked.

import type { Worker } from "node:worker_threads";
import { printable } from "../abi/error.ts";
import {
  type DeviceList,
  SAMPLE_FORMATS,
  SIDECAR_VERSION,
  type SidecarAnswer,
  type SidecarEvent,
  STREAM_BOUNDS,
  type StreamFormat,
  type StreamStatus,
  type StreamWish,
} from "../abi/sidecar.ts";
import { within } from "../abi/time-limit.ts";
import { SOURCES, type ThreadAnswer, type ThreadRequest } from "./device-thread.ts";
import type { Signs } from "./signs.ts";
import {
  AT_BEAT,
  AT_COMMAND,
  AT_DEVICE_UNDERRUNS,
  AT_MISSING,
  AT_PLAYED,
  AT_UNDERRUNS,
  AT_WORST,
  Command,
} from "./words.ts";

/** Milliseconds that a device may take over a request. */
const TIME_LIMIT = 5000;
/** Milliseconds without a write that the device took, after which it counts as stuck. */
const STUCK_AFTER = 2000;
/** How often a running stream is looked at. */
const LOOK_EVERY = 100;
/** Milliseconds in which the last words of a process that is stuck are on their way. */
const LAST_WORDS = 50;
/** How often it is looked whether devices have come or gone. */
const LOOK_AROUND_EVERY = 1000;

interface Request {
  id: number;
  op: string;
  fields: Record<string, unknown>;
}

export class Sidecar {
  private readonly worker: Worker;
  private readonly words: Int32Array;
  private readonly send: (message: SidecarAnswer | SidecarEvent) => Promise<void>;
  private readonly signs: Signs | null;
  private lookingAround: ReturnType<typeof setInterval> | null = null;
  /** Requests that have come and are not answered. */
  waitingRequests = 0;
  /** One at a time: the device thread has one pair of hands. */
  private queue: Promise<void> = Promise.resolve();
  private waiting: ((answer: ThreadAnswer) => void) | null = null;
  private onPlaying: (() => void) | null = null;
  /** The end of the stream that runs. */
  private playing: Promise<ThreadAnswer> | null = null;
  private state: StreamStatus["state"] = "closed";
  private watch: ReturnType<typeof setInterval> | null = null;
  private greeted = false;
  private ending = false;

  /** @param send resolves when the message is on its way */
  constructor(
    worker: Worker,
    words: Int32Array,
    send: (message: SidecarAnswer | SidecarEvent) => Promise<void>,
    signs: Signs | null,
  ) {
    this.worker = worker;
    this.words = words;
    this.send = send;
    this.signs = signs;
    worker.on("message", (message: ThreadAnswer | "playing") => {
      if (message === "playing") this.onPlaying?.();
      else this.waiting?.(message);
    });
    worker.on("error", (error) => {
      const message = `The sound card's thread ended: ${printable(error.message)}.`;
      void this.send({ event: "lost", code: "device/failed", message }).then(() => process.exit(1));
    });
  }

  refuse(id: number, code: string, message: string, hint = ""): void {
    void this.send({ id, ok: false, code, message, hint });
  }

  /** A message from outside. Never throws. */
  take(message: unknown): void {
    const request = requestOf(message);
    if (typeof request === "string") {
      this.refuse(idOf(message), "sidecar/message", request);
      return;
    }
    if (request.op === "status") {
      this.answer(request, this.status());
      return;
    }
    this.waitingRequests++;
    this.queue = this.queue.then(async () => {
      try {
        this.answer(request, await this.handle(request));
      } catch (error) {
        const told = error as { code?: string; message: string; hint?: string };
        this.refuse(request.id, told.code ?? "sidecar/failed", told.message, told.hint ?? "");
      }
      this.waitingRequests--;
    });
  }

  private answer({ id }: Request, fields: object): void {
    void this.send({ ...fields, id, ok: true });
  }

  private async handle({ op, fields }: Request): Promise<object> {
    if (op === "hello") return this.hello(fields.version);
    if (!this.greeted) throw fail("sidecar/hello", "Say hello first.");
    switch (op) {
      case "list":
        this.notWhilePlaying(op);
        return this.list(namesOf(fields.without));
      case "caps":
        this.notWhilePlaying(op);
        return this.ask({ op, device: textField(fields, "device") });
      case "open": {
        this.notWhilePlaying(op);
        const [device, wish] = [textField(fields, "device"), wishOf(fields.wish)];
        // What was open before is closed for it.
        this.state = "closed";
        const format = await this.ask({ op, device, wish });
        this.state = "open";
        for (let i = 0; i < this.words.length; i++) Atomics.store(this.words, i, 0);
        return format;
      }
      case "start":
        return this.start(fields.ring);
      case "pause":
        if (this.playing === null) return {};
        await this.finish(Command.Pause, TIME_LIMIT);
        // It may have been lost on the way.
        if (this.state === "open") this.state = "paused";
        return {};
      case "stop":
        await this.finish(Command.Stop, TIME_LIMIT);
        return {};
      case "drain":
        return { drained: await this.drain(fields.milliseconds) };
      case "reset":
        if (this.playing !== null) Atomics.store(this.words, AT_COMMAND, Command.Reset);
        return {};
      case "close":
        await this.finish(Command.Stop, TIME_LIMIT);
        this.state = "closed";
        return this.ask({ op });
      default:
        throw fail("sidecar/request", `There is no request "${printable(op, 40)}".`);
    }
  }

  private hello(version: unknown): object {
    if (version !== SIDECAR_VERSION) {
      throw fail(
        "sidecar/version",
        `The sidecar speaks version ${SIDECAR_VERSION}; it was asked for ${printable(String(version), 20)}.`,
        "Install the sidecar and the runtime from the same release.",
      );
    }
    this.greeted = true;
    return { version: SIDECAR_VERSION, pid: process.pid, node: process.version };
  }

  /** One source of devices after the other; which one is asked is told before, since some never answer. */
  private async list(without: readonly string[]): Promise<DeviceList> {
    const whole: DeviceList = { apis: [], devices: [], library: null, notes: [] };
    for (const source of SOURCES) {
      if (without.includes(source)) continue;
      const loaded = (await this.ask({ op: "load", source })) as { path: string | null };
      if (loaded.path !== null) await this.send({ event: "library", name: source, path: loaded.path });
      const part = (await this.ask({ op: "list", source })) as DeviceList;
      whole.apis.push(...part.apis);
      whole.devices.push(...part.devices);
      whole.notes.push(...part.notes);
      whole.library ??= part.library;
    }
    this.lookAround();
    return whole;
  }

  /** From the first list on: tells when there seem to be others. */
  private lookAround(): void {
    const { signs } = this;
    if (signs === null || this.lookingAround !== null) return;
    let known: string | null = null;
    let looking = false;
    const look = async (): Promise<void> => {
      if (looking) return;
      looking = true;
      try {
        const found = await signs();
        if (known !== null && found !== known) void this.send({ event: "devices" });
        known = found;
      } catch {
        // A system that does not say: nothing is told.
        if (this.lookingAround !== null) clearInterval(this.lookingAround);
      }
      looking = false;
    };
    this.lookingAround = setInterval(() => void look(), LOOK_AROUND_EVERY);
    void look();
  }

  private notWhilePlaying(op: string): void {
    if (this.playing !== null)
      throw fail("device/playing", `A stream is playing: ${op} has to wait until it has stopped.`);
  }

  /** Hands a request to the device thread. What takes too long there can't be called back: then this process ends. */
  private ask(request: ThreadRequest): Promise<object> {
    return within(TIME_LIMIT, this.answerOf(request), () => {
      throw this.stuck(`The device did not answer "${request.op}"`);
    }).then((answer) => {
      if (!answer.ok) throw answer;
      return answer.result;
    });
  }

  private answerOf(request: ThreadRequest): Promise<ThreadAnswer> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.worker.postMessage(request);
    });
  }

  private async start(ring: unknown): Promise<object> {
    if (this.playing !== null) throw fail("device/playing", "The stream is playing already.");
    Atomics.store(this.words, AT_COMMAND, Command.Play);
    const ended = this.answerOf({ op: "start", ring: ringOf(ring) });
    const began = new Promise<null>((resolve) => {
      this.onPlaying = () => resolve(null);
    });
    const refused = await within(TIME_LIMIT, Promise.race([ended, began]), () => {
      throw this.stuck("The device did not start");
    });
    if (refused !== null) throw refused;
    this.state = "running";
    this.playing = ended;
    this.watchOver();
    void ended.then((answer) => this.ended(answer));
    return {};
  }

  private ended(answer: ThreadAnswer): void {
    this.playing = null;
    if (this.watch !== null) clearInterval(this.watch);
    this.watch = null;
    if (answer.ok) {
      this.state = "open";
      const { changed } = answer.result as { changed?: StreamFormat };
      if (changed !== undefined) void this.send({ event: "format", format: changed });
      return;
    }
    this.state = "lost";
    void this.send({ event: "lost", code: answer.code, message: answer.message });
  }

  /** Tells of underruns, and of a device that takes nothing any more. */
  private watchOver(): void {
    let beat = -1;
    let since = performance.now();
    let underruns = Atomics.load(this.words, AT_UNDERRUNS);
    const watch = setInterval(() => {
      const now = performance.now();
      const at = Atomics.load(this.words, AT_BEAT);
      if (at !== beat) {
        beat = at;
        since = now;
      } else if (now - since > STUCK_AFTER) {
        clearInterval(watch);
        this.stuck("The device takes no sound any more");
      }
      const count = Atomics.load(this.words, AT_UNDERRUNS);
      if (count === underruns) return;
      underruns = count;
      const { worstShortfall, missingFrames } = this.status();
      void this.send({ event: "underrun", underruns, worstShortfall, missingFrames });
    }, LOOK_EVERY);
    this.watch = watch;
  }

  /**
   * The device thread is in a call that does not return. Nothing but the process's end frees it, and that not by exit, which
   * waits for its threads. Returns what a request that waits for it is told.
   */
  private stuck(what: string): Failure {
    const message = `${what}; the sidecar ends.`;
    void this.send({ event: "lost", code: "device/stuck", message });
    setTimeout(endAtOnce, LAST_WORDS);
    return fail("device/stuck", message, "Start it again.");
  }

  /** Ends a stream that plays. @returns whether it ended in time */
  private async finish(command: number, milliseconds: number): Promise<boolean> {
    const { playing } = this;
    if (playing === null) return true;
    Atomics.store(this.words, AT_COMMAND, command);
    let late = false;
    await within(milliseconds, playing, () => {
      late = true;
      return null;
    });
    if (late && command !== Command.Drain) throw this.stuck("The device does not stop");
    return !late;
  }

  private async drain(milliseconds: unknown): Promise<boolean> {
    if (typeof milliseconds !== "number" || !(milliseconds >= 0 && milliseconds <= 60_000)) {
      throw fail("sidecar/request", "drain takes milliseconds: 0 to 60000.");
    }
    if (this.playing === null) return true;
    this.state = "draining";
    if (await this.finish(Command.Drain, milliseconds)) return true;
    await this.finish(Command.Stop, TIME_LIMIT);
    return false;
  }

  private status(): StreamStatus {
    const word = (at: number): number => Atomics.load(this.words, at) >>> 0;
    return {
      state: this.state,
      playedFrames: word(AT_PLAYED),
      underruns: word(AT_UNDERRUNS),
      worstShortfall: word(AT_WORST),
      missingFrames: word(AT_MISSING),
      deviceUnderruns: word(AT_DEVICE_UNDERRUNS),
    };
  }

  /** Standard input has ended: whoever started this is gone. */
  end(): void {
    if (this.ending) return;
    this.ending = true;
    setTimeout(endAtOnce, TIME_LIMIT);
    this.queue = this.queue
      .then(() => this.finish(Command.Stop, TIME_LIMIT))
      .then(() => this.ask({ op: "close" }))
      .then(() => process.exit(0), endAtOnce);
  }
}

/** Whatever its threads do. */
function endAtOnce(): void {
  process.kill(process.pid, "SIGKILL");
}

interface Failure {
  code: string;
  message: string;
  hint: string;
}

const fail = (code: string, message: string, hint = ""): Failure => ({ code, message, hint });

function idOf(message: unknown): number {
  const id = (message as { id?: unknown } | null)?.id;
  return typeof id === "number" && Number.isSafeInteger(id) && id > 0 ? id : 0;
}

/** A request, or what is wrong with it. */
function requestOf(message: unknown): Request | string {
  if (message === null || typeof message !== "object" || Array.isArray(message)) return "A message is a map.";
  if (idOf(message) === 0) return "A request has an id: a whole number above 0.";
  const { op } = message as { op?: unknown };
  if (typeof op !== "string") return "A request names its op.";
  return { id: idOf(message), op, fields: message as Record<string, unknown> };
}

function textField(fields: Record<string, unknown>, name: string): string {
  const text = fields[name];
  if (typeof text === "string" && text.length > 0 && text.length <= 4096) return text;
  throw fail("sidecar/request", `"${name}" must be a text.`);
}

/** Names of sources of devices; not said: none. */
function namesOf(value: unknown): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw fail("sidecar/request", 'list takes "without": a list of names.');
}

function ringOf(value: unknown): { name: string; bytes: number } | null {
  if (value === null || value === undefined) return null;
  const { name, bytes } = value as { name?: unknown; bytes?: unknown };
  if (typeof name === "string" && typeof bytes === "number") return { name, bytes };
  throw fail("sidecar/request", 'start takes "ring": { name, bytes }, or null.');
}

/** The wish with every field looked at. */
function wishOf(value: unknown): StreamWish {
  const wish = (value ?? {}) as Record<string, unknown>;
  const whole = (name: keyof typeof STREAM_BOUNDS): number => {
    const number = wish[name];
    const [least, most] = STREAM_BOUNDS[name];
    if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most)
      return number;
    throw fail("sidecar/request", `"${name}" of a wish must be a whole number from ${least} to ${most}.`);
  };
  const one = <T extends string>(name: string, known: readonly T[]): T => {
    const found = known.find((word) => word === wish[name]);
    if (found !== undefined) return found;
    throw fail("sidecar/request", `"${name}" of a wish must be one of ${known.join(", ")}.`);
  };
  return {
    rate: whole("rate"),
    channels: whole("channels"),
    format: one("format", SAMPLE_FORMATS),
    fit: one("fit", ["nearest", "fixed", "match"]),
    bufferFrames: wish.bufferFrames === null ? null : whole("bufferFrames"),
    chunkFrames: whole("chunkFrames"),
    exclusive: wish.exclusive === true,
  };
}
