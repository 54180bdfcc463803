// The runtime's end of the conversation with the sidecar (abi/sidecar.ts): starts the process, asks, and is told.

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { pack, Unpackr } from "msgpackr";
import { BelljarError, printable } from "../../abi/error.ts";
import { scanMessagePack } from "../../abi/messagepack.ts";
import {
  frameMessage,
  MESSAGE_BOUNDS,
  MessageReader,
  SIDECAR_VERSION,
  type SidecarEvent,
  type SidecarOp,
  type SidecarRequests,
} from "../../abi/sidecar.ts";
import { eventOf, wrongAnswer } from "./sidecar-shapes.ts";

/** Milliseconds that an answer may take. The sidecar's own limit is longer: it ends itself when it is stuck. */
const TIME_LIMIT = 3000;
/** Opening a device, and asking each for what it can, takes longer on some systems. */
const SLOW: Partial<Record<SidecarOp, number>> = {
  // The process has to start, on a machine that may be busy.
  hello: 10_000,
  list: 10_000,
  caps: 10_000,
  open: 10_000,
  start: 10_000,
  close: 6000,
};
/** Characters of what the sidecar's libraries printed, kept to tell why it ended. */
const MOST_PRINTED = 2000;
/** Messages that nobody asked for, in a second: more are no sound card's. */
const MOST_EVENTS = 200;
const SECOND = 1000;
/** Milliseconds in which the last words of a sidecar that has ended arrive. */
const LAST_WORDS = 100;
/** A listing of no hurry steps back behind everything else; as nice counts, on every system. */
const LOW_PRIORITY = 10;

export interface SidecarCommand {
  /** A program, and what comes first among its arguments. */
  program: string;
  args: readonly string[];
}

export class SidecarClient {
  /** Why the process has ended, or null. */
  ended: BelljarError | null = null;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly waiting = new Map<
    number,
    { resolve(fields: object): void; reject(error: BelljarError): void }
  >();
  private readonly onEvent: (event: SidecarEvent) => void;
  private nextId = 1;
  private printed = "";
  /** The sound library that it said it would ask, and has not said anything since. */
  asking: { name: string; path: string } | null = null;
  /** Messages that nobody asked for, in the second that began then. */
  private events = 0;
  private eventsSince = 0;
  /** Whether its end is wished. */
  private leaving = false;

  private constructor(child: ChildProcess, onEvent: (event: SidecarEvent) => void) {
    this.child = child;
    this.pid = child.pid as number;
    this.onEvent = onEvent;
    const reader = new MessageReader();
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    const answers = child.stdio[3] as Readable;
    answers.on("error", () => {});
    answers.on("data", (chunk: Buffer) => {
      reader.push(chunk, (bytes) => {
        if (this.ended !== null) return;
        let message: unknown = null;
        try {
          if (bytes !== null) {
            scanMessagePack(bytes, MESSAGE_BOUNDS, (_, sentence) => new Error(sentence));
            message = unpackr.unpack(bytes);
          }
        } catch {
          // None, as below.
        }
        if (message !== null && typeof message === "object") this.receive(message as Record<string, unknown>);
        else this.distrust("The sidecar sent what is no message.");
      });
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.printed = (this.printed + chunk.toString()).slice(-MOST_PRINTED);
    });
    child.stdin?.on("error", () => {});
    child.on("exit", (code, signal) => {
      // A server that a sound library has started may hold on to its ends of the pipes: this process is not kept by them.
      for (const pipe of child.stdio) (pipe as Socket | null)?.unref();
      const why = signal === null ? `with code ${code}` : `by ${signal}`;
      const end = (): void => {
        const lastLine = printable(this.printed.trim().split("\n").at(-1) ?? "");
        this.end(new BelljarError("sidecar/ended", `The sidecar ended (${why}).`, lastLine));
      };
      // What it said last may still be on its way.
      answers.once("close", end);
      if (answers.destroyed) end();
      else setTimeout(end, LAST_WORDS).unref();
    });
  }

  /**
   * Starts a sidecar and greets it.
   * @throws BelljarError sidecar/start, sidecar/version, sidecar/ended, sidecar/timeout
   */
  static async start(
    command: SidecarCommand,
    onEvent: (event: SidecarEvent) => void,
  ): Promise<SidecarClient> {
    const child = spawn(command.program, [...command.args], {
      stdio: ["pipe", "ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) =>
        reject(
          new BelljarError(
            "sidecar/start",
            `"${printable(command.program)}" can't be started: ${printable(error.message)}.`,
          ),
        ),
      );
    });
    const client = new SidecarClient(child, onEvent);
    try {
      const { version } = await client.request("hello", { version: SIDECAR_VERSION });
      if (version !== SIDECAR_VERSION) {
        throw new BelljarError(
          "sidecar/version",
          `The sidecar speaks version ${version}; ${SIDECAR_VERSION} is spoken here.`,
          "Install the sidecar and the runtime from the same release.",
        );
      }
    } catch (error) {
      client.kill();
      throw error;
    }
    return client;
  }

  /** What talks so can't be talked to. */
  private distrust(message: string): void {
    this.end(new BelljarError("sidecar/protocol", message));
    this.child.kill("SIGKILL");
  }

  private receive(message: Record<string, unknown>): void {
    const waiting = this.waiting.get(message["id"] as number);
    if (waiting === undefined) {
      this.receiveUnasked(message);
      return;
    }
    const { id, ok, ...fields } = message;
    this.waiting.delete(id as number);
    if (ok === true) {
      this.asking = null;
      waiting.resolve(fields);
    } else if (typeof message["code"] !== "string" || typeof message["message"] !== "string") {
      waiting.reject(new BelljarError("sidecar/protocol", "The sidecar answered neither yes nor no."));
    } else {
      const { code, message: text, hint } = message;
      waiting.reject(
        new BelljarError(printable(String(code), 40), printable(String(text)), printable(String(hint ?? ""))),
      );
    }
  }

  /** An event, or what nobody waits for any more. */
  private receiveUnasked(message: Record<string, unknown>): void {
    const now = performance.now();
    if (now - this.eventsSince > SECOND) {
      this.eventsSince = now;
      this.events = 0;
    }
    if (++this.events > MOST_EVENTS) {
      this.distrust("The sidecar sends more messages than anybody asked for.");
      return;
    }
    const event = eventOf(message);
    if (event?.event === "library") this.asking = event;
    else if (event !== null) this.onEvent(event);
  }

  private end(error: BelljarError): void {
    if (this.ended !== null) return;
    this.ended = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    if (!this.leaving) this.onEvent({ event: "lost", code: error.code, message: error.message });
  }

  /** @throws BelljarError sidecar/timeout, sidecar/ended; what the sidecar answers */
  request<Op extends SidecarOp>(
    op: Op,
    fields: SidecarRequests[Op]["takes"],
    milliseconds: number = SLOW[op] ?? TIME_LIMIT,
  ): Promise<SidecarRequests[Op]["gives"]> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) {
        reject(this.ended);
        return;
      }
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(
          new BelljarError(
            "sidecar/timeout",
            `The sidecar did not answer "${op}" within ${milliseconds / 1000} s.`,
          ),
        );
      }, milliseconds);
      this.waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer);
          const wrong = wrongAnswer(op, answer);
          if (wrong === null) resolve(answer as SidecarRequests[Op]["gives"]);
          else reject(wrong);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      (this.child.stdin as Writable).write(frameMessage(pack({ ...fields, id, op })));
    });
  }

  /** Lets everything else go first. */
  stepBack(): void {
    try {
      setPriority(this.pid, LOW_PRIORITY);
    } catch {
      // It has ended, or the system does not let it.
    }
  }

  /** Lets it end by itself, and waits for that; ends it where it does not. */
  async close(milliseconds = 2000): Promise<void> {
    this.leaving = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.child.once("exit", () => resolve()));
    this.child.stdin?.end();
    const timer = setTimeout(() => this.kill(), milliseconds);
    await gone;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.leaving = true;
    this.child.kill("SIGKILL");
  }
}
