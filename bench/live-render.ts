// Minutes of a session on a device, while the process's main thread makes garbage as fast as it can; and beside it, at
// the same time, two threads of the same priority that render nothing: what the machine itself does to such a thread.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { PerformanceObserver } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";
import { EventType } from "../abi/layout.ts";
import type { StreamStatus } from "../abi/sidecar.ts";
import { LATENESS_WORDS, type Lateness, latenessOf } from "../runtime/engine/live/lateness.ts";
import { LiveOutput } from "../runtime/engine/live/live-output.ts";
import type { LiveSession } from "../runtime/engine/live/live-session.ts";
import { type LivePlay, playLive, sidecarOf } from "../runtime/engine/live/play-live.ts";
import { LiveWords } from "../runtime/engine/live/words.ts";
import { DEFAULT_SINK } from "../runtime/output/sink-config.ts";
import type { SinkParcel } from "../runtime/engine/live/audio-messages.ts";
import { type Progress, RATE, sessionOf, startWorker } from "./live-rig.ts";

export const BLOCK = 128;
/** Milliseconds that lie ready. */
export const LATENCY = 20;

/** 15 nodes: notes, four voices with their echoes and volumes, and an echo over all. */
const VOICES = [0, 7, 12, 19];
const SESSION = sessionOf(
  [
    { id: "keys", type: "event_input" },
    ...VOICES.flatMap((semitones) => [
      ...(semitones === 0 ? [] : [{ id: `up ${semitones}`, type: "transpose", params: { semitones } }]),
      { id: `voice ${semitones}`, type: "sine", params: { gain: 0.05 } },
      {
        id: `echo ${semitones}`,
        type: "delay",
        params: { time: 200 + semitones * 10, mix: 30, feedback: 30 },
      },
    ]),
    { id: "room", type: "delay", params: { time: 37, mix: 20, feedback: 40 } },
    { id: "volume", type: "gain", params: { gain: -6 } },
    { id: "ceiling", type: "gain" },
  ],
  [
    ...VOICES.flatMap((semitones) => [
      ...(semitones === 0
        ? ["keys.events_out -> voice 0.events_in"]
        : [
            `keys.events_out -> up ${semitones}.events_in`,
            `up ${semitones}.events_out -> voice ${semitones}.events_in`,
          ]),
      `voice ${semitones} -> echo ${semitones}`,
      `echo ${semitones} -> room`,
    ]),
    "room -> volume",
    "volume -> ceiling",
    "ceiling -> master",
  ],
);

export interface RenderRow {
  what: string;
  lateness: Lateness;
  /** Of the ring; null where there is none. */
  status: StreamStatus | null;
}

export interface RenderResult {
  device: string;
  seconds: number;
  block: number;
  /** Milliseconds that lay ready in the ring, and that the device says it adds. */
  ready: number;
  deviceLatency: number;
  priority: string;
  nodes: number;
  load: { mean: number; worst: number };
  /** Blocks that took longer than they last, and that nobody took. */
  late: number;
  unheard: number;
  rescues: number;
  garbage: { megabytesPerSecond: number; collections: number; longestPause: number };
  rows: RenderRow[];
}

/** Keeps the main thread busy with garbage that outlives young collections, and lets it breathe between turns. */
class Litter {
  private readonly kept: unknown[] = Array.from({ length: 300_000 }, (_, i) => piece(i));
  private at = 0;
  private readonly observer: PerformanceObserver;
  collections = 0;
  longestPause = 0;
  pieces = 0;

  constructor() {
    this.observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.collections++;
        this.longestPause = Math.max(this.longestPause, duration);
      }
    });
    this.observer.observe({ entryTypes: ["gc"] });
  }

  /** Some 10 ms. */
  turn(): void {
    const end = performance.now() + 10;
    while (performance.now() < end) {
      for (let i = 0; i < 500; i++) {
        this.at = (this.at + 7919) % this.kept.length;
        this.kept[this.at] = piece(this.at);
        this.pieces++;
      }
    }
  }

  end(): void {
    this.observer.disconnect();
  }
}

/** Some 250 bytes. */
const PIECE_BYTES = 250;
const piece = (i: number): unknown => ({
  i,
  text: `piece ${i}`,
  list: [i, i + 0.5, { i }],
  more: new Array(12).fill(i),
});

export async function renderOn(device: string, seconds: number, tell: Progress): Promise<RenderResult> {
  const rescues: string[] = [];
  const recorder = device === "null" ? null : spawn("parec", ["--latency-msec=20"], { stdio: "ignore" });
  const play = await playLive(SESSION, {
    device,
    latency: LATENCY,
    block: BLOCK,
    onEvent: (event) => {
      if (event.what === "rescued" || event.what === "lost") rescues.push(event.message);
    },
  });
  const empty = await emptyLoop();
  const timer = timerLoop();
  const litter = new Litter();
  const began = performance.now();
  let told = began;
  for (let turn = 0; performance.now() - began < seconds * 1000; turn++) {
    litter.turn();
    if (turn % 8 === 0) perform(play, turn / 8);
    if (performance.now() - told > 1000) {
      told = performance.now();
      const { p99, most } = play.session.lateness;
      const left = Math.ceil(seconds - (told - began) / 1000);
      tell(
        `${device}: ${left} s to go; late p99 ${(p99 * 1000).toFixed(2)} ms, most ${(most * 1000).toFixed(2)} ms`,
      );
    }
    await new Promise((resume) => setImmediate(resume));
  }
  litter.end();
  const elapsed = (performance.now() - began) / 1000;
  const { figures, facts, latency } = play;
  const { lateness, priority } = play.session;
  const status = await play.output.status();
  const rows = [{ what: "the session", lateness, status }, await empty.end(), timer.end()];
  await play.close();
  if (recorder !== null) {
    recorder.kill();
    await once(recorder, "exit");
  }
  return {
    device,
    seconds: elapsed,
    block: facts.block,
    ready: latency.ready * 1000,
    deviceLatency: latency.device * 1000,
    priority: priority.kind,
    nodes: SESSION.nodes.length,
    load: { mean: figures.meanLoad, worst: figures.worstLoad },
    late: figures.late,
    unheard: figures.unheard,
    rescues: rescues.length,
    garbage: {
      megabytesPerSecond: (litter.pieces * PIECE_BYTES) / 1e6 / elapsed,
      collections: litter.collections,
      longestPause: litter.longestPause,
    },
    rows,
  };
}

/** Notes and a moving parameter, as a player would send them. */
function perform(play: LivePlay, beat: number): void {
  const key = 40 + ((beat * 7) % 36);
  const before = 40 + (((beat - 4) * 7) % 36);
  play.play("keys", { type: EventType.NoteOn, key, channel: 0, noteId: beat, value: 0.6 });
  if (beat >= 4) play.play("keys", { type: EventType.NoteOff, key: before, channel: 0, noteId: beat - 4 });
  play.set("volume", "gain", -6 - (beat % 12) / 2);
}

/** The audio thread's waits, priority and way to a sidecar of its own, on the null device; and empty blocks. */
async function emptyLoop(): Promise<{ end(): Promise<RenderRow> }> {
  const config = { ...DEFAULT_SINK, device: "null" };
  const output = await LiveOutput.open({
    command: sidecarOf(config),
    config,
    block: BLOCK,
    rate: RATE,
    channels: 2,
    latency: LATENCY,
    onEvent: () => {},
  });
  const words = new LiveWords(0);
  const stop = new SharedArrayBuffer(4);
  let worker: Worker | null = null;
  const start = async (sink: SinkParcel): Promise<void> => {
    worker = startWorker({ role: "empty", words: words.buffer, stop, sink, rate: RATE, block: BLOCK });
  };
  await output.play({ start, setSink() {} } as unknown as LiveSession);
  return {
    async end() {
      const lateness = latenessOf(words.lateness);
      const status = await output.status();
      Atomics.store(new Int32Array(stop), 0, 1);
      if (worker !== null) await once(worker, "exit");
      await output.close();
      return { what: "empty blocks, null device", lateness, status };
    },
  };
}

/** Sleeps until the next block is due, again and again. */
export function timerLoop(): { end(): RenderRow } {
  const counts = new SharedArrayBuffer(LATENESS_WORDS * 4);
  const stop = new SharedArrayBuffer(4);
  startWorker({ role: "timer", counts, stop, rate: RATE, block: BLOCK });
  return {
    end() {
      const lateness = latenessOf(new Int32Array(counts));
      Atomics.store(new Int32Array(stop), 0, 1);
      return { what: "a timer alone", lateness, status: null };
    },
  };
}
