// MIDI devices that play event inputs of a live session: the host's side. The devices are heard in a thread of their own, which
// starts with the first connection.

import { Worker } from "node:worker_threads";
import { BelljarError, printable } from "../../../abi/error.ts";
import { EventType } from "../../../abi/layout.ts";
import { shipped } from "../../registry/place.ts";
import { checkText } from "../arguments.ts";
import { EVENT_RECORDS, MOST_CONNECTIONS, Routes } from "./live-events.ts";
import type { FromMidiThread, MidiThreadData, ToMidiThread } from "./midi-thread.ts";
import { RecordQueue } from "./queue.ts";

/** A MIDI device that plays an event input. */
export interface MidiConnection {
  /** The input's name. */
  readonly device: string;
  readonly node: string;
  /** Lets go of its notes, and hears it no more. */
  disconnect(): void;
}

export interface MidiConnectionEvent {
  what: "midi-lost" | "midi-back";
  message: string;
  device: string;
  node: string;
}

/** Milliseconds that the thread may take to answer, and to end. */
const ANSWER_TIME = 10_000;
const END_TIME = 400;

const threadEnded = (): BelljarError =>
  new BelljarError("midi/system", "The thread that hears MIDI devices ended.");

/** A thread that knows MIDI devices, and its answers. */
class MidiThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<
    number,
    { resolve: (answer: FromMidiThread) => void; reject: (error: Error) => void }
  >();
  private requests = 0;
  private isEnded = false;
  private isClosing = false;

  /** @param onEnd it ended by itself */
  constructor(
    live: MidiThreadData["live"],
    hear: (message: FromMidiThread) => void,
    onEnd: () => void = () => {},
  ) {
    const path = shipped("live-thread.js");
    if (path === null) {
      throw new BelljarError(
        "live/missing",
        "dist/live-thread.js is not there.",
        "Build or install Belljar again.",
      );
    }
    const data: MidiThreadData & { role: string } = { role: "midi", live };
    this.worker = new Worker(path, { workerData: data });
    this.worker.on("message", (message: FromMidiThread) => {
      if (!("request" in message)) hear(message);
      else this.waiting.get(message.request)?.resolve(message);
    });
    // What it died of says nothing to anybody here; its end follows.
    this.worker.on("error", () => {});
    this.worker.on("exit", () => {
      this.isEnded = true;
      for (const { reject } of this.waiting.values()) reject(threadEnded());
      if (!this.isClosing) onEnd();
    });
    // It waits for devices as long as there is somebody to play to.
    this.worker.unref();
  }

  send(message: ToMidiThread): void {
    this.worker.postMessage(message);
  }

  /** @throws BelljarError what the thread answers */
  async ask<Type extends "inputs" | "connected">(
    make: (request: number) => ToMidiThread,
  ): Promise<Extract<FromMidiThread, { type: Type }>> {
    if (this.isEnded) throw threadEnded();
    const request = ++this.requests;
    const late = new BelljarError("midi/system", "The system's MIDI does not answer.");
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const answer = await new Promise<FromMidiThread>((resolve, reject) => {
        this.waiting.set(request, { resolve, reject });
        timer = setTimeout(() => reject(late), ANSWER_TIME);
        this.send(make(request));
      });
      if (answer.type === "failed") throw new BelljarError(answer.code, answer.message, answer.hint);
      return answer as Extract<FromMidiThread, { type: Type }>;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(request);
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    if (this.isEnded) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ended = new Promise<void>((resolve) => this.worker.once("exit", () => resolve()));
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_TIME);
    });
    this.send({ type: "close" });
    await Promise.race([ended, over]);
    clearTimeout(timer);
    // A driver that hangs holds the thread, and must not hold this one.
    void this.worker.terminate();
  }
}

/**
 * The names of the MIDI inputs that are there.
 * @throws BelljarError midi/library where the optional package is missing, midi/system
 */
export async function listMidiInputs(): Promise<string[]> {
  const thread = new MidiThread(null, () => {});
  try {
    return (await thread.ask<"inputs">((request) => ({ type: "list", request }))).names;
  } finally {
    await thread.close();
  }
}

interface Route {
  connection: MidiConnection;
  isOpen: boolean;
  /** Whether the session that plays, or is to come next, has its node. */
  leads: boolean;
}

/** A live session's. */
export class MidiConnections {
  /** Which node each connection plays. */
  readonly routes = new Routes();
  private readonly live: MidiThreadData["live"];
  private readonly tell: (event: MidiConnectionEvent) => void;
  private thread: MidiThread | null = null;
  private isClosed = false;
  /** By their numbers. */
  private readonly list: Route[] = [];
  /** Numbers of those that are over, to be had again: the one that has been free the longest comes first. */
  private readonly free: number[] = [];

  constructor(
    words: SharedArrayBuffer,
    events: SharedArrayBuffer,
    tell: (event: MidiConnectionEvent) => void,
  ) {
    this.live = { words, events };
    this.tell = tell;
  }

  /**
   * @param place the node's number in the session of that number
   * @throws BelljarError usage/value, live/closed, midi/library, midi/system, midi/input, midi/open, midi/connections
   */
  async connect(
    node: string,
    device: string,
    channel: number,
    place: number,
    session: number,
  ): Promise<MidiConnection> {
    checkText("MIDI input", device);
    if (this.isClosed) throw new BelljarError("live/closed", "The session was closed, and plays no more.");
    const number = this.list.length < MOST_CONNECTIONS ? this.list.length : this.free.shift();
    if (number === undefined) {
      throw new BelljarError(
        "midi/connections",
        `A live session has ${MOST_CONNECTIONS} MIDI connections at most at a time.`,
      );
    }
    this.thread ??= new MidiThread(
      this.live,
      (message) => this.hear(message),
      () => this.endAll(),
    );
    const { thread } = this;
    const route: Route = {
      connection: {
        device,
        node,
        disconnect: () => {
          if (!route.isOpen) return;
          route.isOpen = false;
          thread.send({ type: "disconnect", connection: number });
        },
      },
      isOpen: true,
      leads: true,
    };
    this.list[number] = route;
    this.routes.forget(number);
    this.routes.set(number, session, place);
    try {
      const wish = { device, channel };
      const answer = await thread.ask<"connected">((request) => ({
        type: "connect",
        request,
        connection: number,
        wish,
      }));
      route.connection = Object.assign(route.connection, { device: answer.device });
    } catch (error) {
      route.connection.disconnect();
      throw error;
    }
    return route.connection;
  }

  /** Before another session is played: where its nodes are. @param place a node's number by its id; -1: it can't be played on */
  lead(session: number, place: (node: string) => number): void {
    for (const [number, route] of this.list.entries()) {
      const { device, node } = route.connection;
      const at = route.isOpen ? place(node) : -1;
      if (at >= 0) this.routes.set(number, session, at);
      else this.routes.clear(number, session);
      if (!route.isOpen || at >= 0 === route.leads) continue;
      route.leads = at >= 0;
      const message = `What comes from the MIDI input "${printable(device, 120)}" is ${route.leads ? "heard again" : `not heard: the session has no event_input "${printable(node, 60)}"`}.`;
      this.tell({ what: route.leads ? "midi-back" : "midi-lost", message, device, node });
    }
  }

  /** Lets go of all notes, and hears nothing from now on; or hears again. */
  setDeaf(isDeaf: boolean): void {
    this.thread?.send({ type: "deaf", isDeaf });
  }

  async close(): Promise<void> {
    const { thread } = this;
    this.isClosed = true;
    this.thread = null;
    await thread?.close();
  }

  /** The thread has ended by itself: nobody else ends the notes that it played. The next connection starts another one. */
  private endAll(): void {
    this.thread = null;
    const queue = new RecordQueue(EVENT_RECORDS, this.live?.events);
    for (const [number, route] of this.list.entries()) {
      if (!route.isOpen) continue;
      route.isOpen = false;
      this.free.push(number);
      queue.put(0, 0, [number, EventType.AllNotesOff, -1, -1, -1, 0]);
      const { device, node } = route.connection;
      const message = `The MIDI input "${printable(device, 120)}" is heard no more: the thread that hears MIDI devices ended.`;
      this.tell({ what: "midi-lost", message, device, node });
    }
  }

  private hear(message: FromMidiThread): void {
    if (message.type === "disconnected") this.free.push(message.connection);
    if (message.type !== "lost" && message.type !== "back") return;
    const route = this.list[message.connection];
    if (route === undefined || !route.isOpen) return;
    const { node } = route.connection;
    const { device } = message;
    const name = `The MIDI input "${printable(device, 120)}"`;
    this.tell(
      message.type === "lost"
        ? {
            what: "midi-lost",
            message: `${name} is gone; its notes are let go, and it is looked for.`,
            device,
            node,
          }
        : { what: "midi-back", message: `${name} is back.`, device, node },
    );
  }
}
