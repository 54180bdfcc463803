// Events that are played live, from the host's thread and from the MIDI devices' thread: a queue each, since a queue has one
// writer; the audio thread takes from both in order of time.

import { EventInput } from "../../graph/index.ts";
import type { LiveGraph } from "./parcel.ts";
import { RecordQueue } from "./queue.ts";
import { type LiveWords, nodeOf, placeWord, sessionOf, Word } from "./words.ts";

/** Records of each queue: a power of two. */
export const EVENT_RECORDS = 4096;
/** Most connections to MIDI devices at a time. */
export const MOST_CONNECTIONS = 64;

/** Sessions whose nodes are known at a time: the one that plays, and those that are to come. */
const SESSIONS = 4;
const NOWHERE = -1;

/** Which node each connection to a device plays, in each of the sessions that play now or soon. */
export class Routes {
  readonly buffer: SharedArrayBuffer;
  private readonly places: Int32Array;

  constructor(buffer = new SharedArrayBuffer(MOST_CONNECTIONS * SESSIONS * 4)) {
    this.buffer = buffer;
    this.places = new Int32Array(buffer);
  }

  /** [control] Instead of what was said of the session before, else of the oldest one. */
  set(connection: number, session: number, node: number): void {
    const { places } = this;
    const first = connection * SESSIONS;
    let oldest = first;
    for (let i = first; i < first + SESSIONS; i++) {
      const place = places[i] as number;
      if (sessionOf(place) === session) {
        oldest = i;
        break;
      }
      if (place < (places[oldest] as number)) oldest = i;
    }
    Atomics.store(places, oldest, placeWord(session, node));
  }

  /** [control] There is no such node in this session. */
  clear(connection: number, session: number): void {
    const { places } = this;
    const first = connection * SESSIONS;
    for (let i = first; i < first + SESSIONS; i++) {
      if (sessionOf(places[i] as number) === session) Atomics.store(places, i, 0);
    }
  }

  /** [control] The number is another connection's from now on. */
  forget(connection: number): void {
    for (let i = 0; i < SESSIONS; i++) Atomics.store(this.places, connection * SESSIONS + i, 0);
  }

  /** [audio] A node's number, or -1. */
  node(connection: number, session: number): number {
    const first = connection * SESSIONS;
    for (let i = first; i < first + SESSIONS; i++) {
      const place = Atomics.load(this.places, i);
      if (sessionOf(place) === session) return nodeOf(place);
    }
    return NOWHERE;
  }
}

/** The buffers that threads share. */
export interface EventBuffers {
  host: SharedArrayBuffer;
  devices: SharedArrayBuffer;
  routes: SharedArrayBuffer;
}

/** Beside a node's number and NOWHERE: the record is not to be taken in this block. */
const LATER = -2;

/** The audio thread's side. */
export class LiveEvents {
  private readonly host: RecordQueue;
  private readonly devices: RecordQueue;
  private readonly routes: Routes;
  private readonly words: LiveWords;

  constructor({ host, devices, routes }: EventBuffers, words: LiveWords) {
    this.host = new RecordQueue(EVENT_RECORDS, host);
    this.devices = new RecordQueue(EVENT_RECORDS, devices);
    this.routes = new Routes(routes);
    this.words = words;
  }

  /** [audio] Goes on where another thread has stopped taking. */
  resume(): void {
    this.host.resume();
    this.devices.resume();
  }

  /** [audio] Hands the event inputs what happens in the block that begins at `frame`. */
  take(frame: number, frames: number, { nodes, parcel }: LiveGraph): void {
    const { host, devices } = this;
    const { session } = parcel;
    const end = frame + frames;
    // One queue may get a record that lies before what was taken from the other.
    let last = 0;
    for (;;) {
      const hostNode = this.next(host, session, end);
      const deviceNode = this.next(devices, session, end);
      if (hostNode === LATER && deviceNode === LATER) return;
      const isHost =
        deviceNode === LATER ||
        (hostNode !== LATER && (host.time[0] as number) <= (devices.time[0] as number));
      const queue = isHost ? host : devices;
      queue.take();
      const place = isHost ? hostNode : deviceNode;
      if (place === NOWHERE) continue;
      const ahead = (queue.time[0] as number) - frame;
      const offset = ahead > 0 ? Math.floor(ahead) : 0;
      if (offset > last) last = offset;
      this.push(nodes[place], last, queue);
    }
  }

  private push(input: unknown, offset: number, { integers, value }: RecordQueue): void {
    const type = integers[1] as number;
    const noteId = integers[2] as number;
    const channel = integers[3] as number;
    const key = integers[4] as number;
    const id = integers[5] as number;
    const taken = input instanceof EventInput && input.push(offset, type, noteId, channel, key, id, value);
    if (!taken) this.words.add(Word.Lost, 1);
  }

  /** The node that the queue's next record is for; NOWHERE: there is none; LATER. */
  private next(queue: RecordQueue, session: number, end: number): number {
    if (!queue.look()) return LATER;
    const place = queue.integers[0] as number;
    if (queue === this.devices)
      return (queue.time[0] as number) >= end ? LATER : this.routes.node(place, session);
    // What is meant for a session that is still to come waits for it.
    if (sessionOf(place) > session) return LATER;
    if (sessionOf(place) < session) return NOWHERE;
    return (queue.time[0] as number) >= end ? LATER : nodeOf(place);
  }

  /** [audio] What was taken need not be kept any longer. */
  commit(): void {
    this.host.commit();
    this.devices.commit();
  }
}
