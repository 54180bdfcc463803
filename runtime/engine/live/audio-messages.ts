// What the audio thread hears from those who start, steer and attend to it, and what it tells them: all that is rare. What
// is not lies in shared words and queues.

import type { Priority } from "../../../shm/thread.ts";
import type { Fault } from "../../sandbox/index.ts";
import type { EventBuffers } from "./live-events.ts";
import type { NodeParcel, Parcel, PluginParcel } from "./parcel.ts";

/** Records of the queue of parameters: a power of two. */
export const PARAMETER_RECORDS = 4096;

export interface AudioThreadData {
  words: SharedArrayBuffer;
  parameters: SharedArrayBuffer;
  events: EventBuffers;
  /** Blocks follow each other without waiting. */
  free: boolean;
}

export interface SinkParcel {
  /** The ring's memory, by its name among this process's threads. */
  region: { name: string; bytes: number };
  /** Frames that are to lie ready. */
  depth: number;
  /** Frames that are taken at a time. */
  chunk: number;
}

/** A MessagePort: what hosts see of this program names no type that is Node's own. */
export type Port = object;

export type ToAudioThread =
  /** A graph to play. `rehearsal`: the same on other instances, played beforehand and thrown away, so that the code is warm. */
  | ({ type: "graph"; parcel: Parcel; rehearsal: Parcel | null; port: Port } & Beginning)
  /** More of the nodes of a graph that came without them. */
  | { type: "nodes"; edition: number; nodes: NodeParcel[] }
  | { type: "replace"; node: number; parcel: PluginParcel }
  /** Another control thread attends to the graph that plays. */
  | { type: "control"; port: Port }
  | { type: "sink"; sink: SinkParcel | null }
  /** The sources end here; what sounds may ring out. */
  | { type: "finish" };

/** What a thread needs to know with its first graph: a message more could come after the first block. */
export interface Beginning {
  sink: SinkParcel | null;
  /** Whether the sources have ended already. */
  finished: boolean;
}

export type FromAudioThread =
  /** `thread`: as Linux counts threads. */
  | { type: "ready"; subnormalsAreZero: boolean; priority: Priority; thread: number | null }
  | { type: "playing"; edition: number }
  | { type: "sinkFailed"; code: string; message: string }
  | { type: "ended" };

/** What it tells those who make replacements. */
export type ToControl =
  | {
      type: "fault";
      node: number;
      serial: number;
      fault: Fault | null;
      message: string;
      frame: number;
      block: number;
    }
  | { type: "replaced"; node: number; serial: number; frame: number }
  | { type: "refused"; node: number; serial: number; code: string; message: string; frame: number };
