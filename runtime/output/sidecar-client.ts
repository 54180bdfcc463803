// The runtime's end of the conversation with the sidecar (abi/sidecar.ts): starts the process, asks, and is told.

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { pack, Unpackr } from "msgpackr";
import { BelljarError, printable } from "../../abi/error.ts";
import {
  frameMessage,
  MessageReader,
  SIDECAR_VERSION,
  type SidecarEvent,
  type SidecarOp,
  type SidecarRequests,
} from "../../abi/sidecar.ts";

/** Milliseconds that an answer may take. The sidecar's own limit is longer: it ends itself when it is stuck. */
const TIME_LIMIT = 3000;
/** Opening a device, and asking each for what it can, takes longer on some systems. */
const SLOW: Partial<Record<SidecarOp, number>> = {
  list: 10_000,
  caps: 10_000,
  open: 10_000,
  start: 10_000,
  close: 6000,
};
/** Characters of what the sidecar's libraries printed, kept to tell why it ended. */
const MOST_PRINTED = 2000;

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
        try {
          if (bytes === null) throw new Error("too large");
          this.receive(unpackr.unpack(bytes));
        } catch {
          this.end(new BelljarError("sidecar/protocol", "The sidecar sent what is no message."));
          this.child.kill("SIGKILL");
        }
      });
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.printed = (this.printed + chunk.toString()).slice(-MOST_PRINTED);
    });
    child.stdin?.on("error", () => {});
    child.on("exit", (code, signal) => {
      const why = signal === null ? `with code ${code}` : `by ${signal}`;
      this.end(
        new BelljarError(
          "sidecar/ended",
          `The sidecar ended (${why}).`,
          printable(this.printed.trim().split("\n").at(-1) ?? ""),
        ),
      );
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
      await client.request("hello", { version: SIDECAR_VERSION });
    } catch (error) {
      client.kill();
      throw error;
    }
    return client;
  }

  private receive(message: { id?: unknown; ok?: unknown; event?: unknown }): void {
    if (typeof message?.event === "string") {
      this.onEvent(message as unknown as SidecarEvent);
      return;
    }
    const waiting = this.waiting.get(message?.id as number);
    if (waiting === undefined) return;
    this.waiting.delete(message.id as number);
    if (message.ok === true) waiting.resolve(message);
    else {
      const { code, message: text, hint } = message as Record<string, unknown>;
      waiting.reject(
        new BelljarError(printable(String(code), 40), printable(String(text)), printable(String(hint ?? ""))),
      );
    }
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
          resolve(answer as SidecarRequests[Op]["gives"]);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      (this.child.stdin as Writable).write(frameMessage(pack({ ...fields, id, op })));
    });
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
