// The thread that MIDI devices are heard in. It does nothing else, so that what is played is on its way to the audio thread
// whatever the host's own thread is busy with.

import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import { steadyClock } from "../../../shm/clock.ts";
import { raisePriority } from "../../../shm/thread.ts";
import { frameAt } from "./frame-clock.ts";
import { EVENT_RECORDS } from "./live-events.ts";
import { openMidiDriver } from "./midi-driver.ts";
import { MidiHub, type MidiWish } from "./midi-hub.ts";
import type { MidiInputEvent } from "./midi-input.ts";
import { RecordQueue } from "./queue.ts";
import { LiveWords, MOST_LIVE_NODES, Word } from "./words.ts";

export interface MidiThreadData {
  /** Null: it only lists. */
  live: { words: SharedArrayBuffer; events: SharedArrayBuffer } | null;
}

export type ToMidiThread =
  | { type: "list"; request: number }
  | { type: "connect"; request: number; connection: number; wish: MidiWish }
  | { type: "disconnect"; connection: number }
  | { type: "deaf"; isDeaf: boolean }
  | { type: "close" };

export type FromMidiThread =
  | { type: "inputs"; request: number; names: string[] }
  | { type: "connected"; request: number; device: string }
  | { type: "failed"; request: number; code: string; message: string; hint: string }
  | { type: "lost" | "back"; connection: number; device: string }
  /** What it let go of has been heard: its number may be another one's. */
  | { type: "disconnected"; connection: number };

/** How often is looked for devices that have gone or come. Milliseconds. */
const LOOK_EVERY = 300;
/** How far its priority is behind the audio thread's. */
const BEHIND = 5;
/** By then the audio thread has taken what a connection let go of. Milliseconds. */
const TAKEN = 1000;

/** Runs in the worker. */
export function runMidiThread(): void {
  const port = parentPort as MessagePort;
  const { live } = workerData as MidiThreadData;
  if (live !== null) raisePriority(BEHIND);
  const now = steadyClock();
  const play = live === null ? () => {} : playInto(live);
  let hub: MidiHub | null = null;
  const tell = (message: FromMidiThread): void => port.postMessage(message);
  const opened = (): MidiHub => {
    hub ??= new MidiHub({
      driver: openMidiDriver(),
      now,
      play,
      tell: (type, connection, device) => tell({ type, connection, device }),
    });
    return hub;
  };
  const watch = setInterval(() => hub?.look(), LOOK_EVERY);
  const attempt = (request: number, act: () => FromMidiThread): void => {
    try {
      tell(act());
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      const { code, message, hint } = error;
      tell({ type: "failed", request, code, message, hint });
    }
  };
  port.on("message", (message: ToMidiThread) => {
    switch (message.type) {
      case "list":
        attempt(message.request, () => ({
          type: "inputs",
          request: message.request,
          names: opened().inputs(),
        }));
        break;
      case "connect":
        attempt(message.request, () => ({
          type: "connected",
          request: message.request,
          device: opened().connect(message.connection, message.wish),
        }));
        break;
      case "disconnect":
        hub?.disconnect(message.connection);
        setTimeout(() => tell({ type: "disconnected", connection: message.connection }), TAKEN).unref();
        break;
      case "deaf":
        hub?.setDeaf(message.isDeaf);
        break;
      case "close":
        clearInterval(watch);
        hub?.close();
        port.close();
        break;
    }
  });
}

function playInto(live: { words: SharedArrayBuffer; events: SharedArrayBuffer }) {
  const words = new LiveWords(MOST_LIVE_NODES, live.words);
  const queue = new RecordQueue(EVENT_RECORDS, live.events);
  return (connection: number, time: number, event: MidiInputEvent): void => {
    // Nothing sounds yet.
    if (words.load(Word.Blocks) === 0) return;
    const { type, noteId, channel, key, id, value } = event;
    const fields = [connection, type, noteId, channel, key, id];
    if (!queue.put(frameAt(words, time), value, fields)) words.add(Word.Lost, 1);
  };
}
