// A child process for allocation.test.ts: plays a session freely into a ring that a thread of its own empties, with a song,
// notes, parameters and meters going on, and says at the end how much of that there was.

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { EventType } from "../../../abi/layout.ts";
import { parseSession } from "../../../runtime/engine/session.ts";
import { createRegion, openRegion } from "../../../shm/region.ts";
import { createRing, ringBytes, ringCapacity, RingReader } from "../../../shm/ring.ts";
import { regionWake } from "../../../shm/wake.ts";
import { type Item, midiFile, notes } from "../fixtures/midi.ts";
import { LiveSession } from "./belljar.ts";

const BLOCK = 128;
const DEPTH = 8 * BLOCK;
/** Blocks between two looks of the host, at which it sends 8 notes and 8 parameters. */
const EVERY = 32;

if (isMainThread) await play();
else listen();

async function play(): Promise<void> {
  const [text = "", warmUp = "0", blocks = "0"] = process.argv.slice(2);
  const end = Number(warmUp) + Number(blocks);
  const shape = { capacity: ringCapacity(DEPTH), channels: 2, rate: 48_000 };
  const region = createRegion(ringBytes(shape));
  createRing(region.buffer, shape);
  const { name } = region;
  const bytes = region.buffer.byteLength;
  const reader = new Worker(new URL(import.meta.url), { workerData: { name, bytes } });
  await new Promise((resolve) => reader.once("message", resolve));
  const events: string[] = [];
  const live = await LiveSession.open(parseSession(text, "s.json"), {
    folder: null,
    midi: new Map([["song", { name: "song.mid", bytes: song() }]]),
    free: true,
    deadline: 1e6,
    onEvent: (event) => events.push(JSON.stringify(event)),
  });
  let sent = 0;
  const send = (time: number): void => {
    for (let i = 0; i < 8; i++) {
      const key = (sent * 7) % 64;
      live.play("keys", { type: EventType.NoteOn, key: 32 + key, channel: 0, value: 0.51, time });
      live.play("keys", { type: EventType.NoteOff, key: 32 + ((key + 32) % 64), channel: 0, time });
      live.set("volume", "gain", -key - 0.5);
      sent++;
    }
  };
  // As much as the queues hold, so that all of it is compiled in the warm-up.
  for (let i = 0; i < 250; i++) send(Math.floor(i * (Number(warmUp) / 256)) * BLOCK);
  await live.start({ region: { name, bytes }, depth: DEPTH, chunk: BLOCK });
  let peak = 0;
  for (let before = Number(warmUp); live.figures.blocks <= end; ) {
    const { blocks: now, frame } = live.figures;
    if (now >= before + EVERY) {
      before = now;
      send(frame + BLOCK / 3);
      for (const meter of live.meters) peak = Math.max(peak, meter.peak);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const { unheard } = live.figures;
  await live.close();
  const heard = await new Promise((resolve) => {
    reader.once("message", resolve);
    reader.postMessage("stop");
  });
  await reader.terminate();
  process.stdout.write(JSON.stringify({ sent, peak, heard, unheard, events }));
}

/** A note on each beat, and another tempo in every tenth bar, for longer than the test lasts. */
function song(): Uint8Array {
  const beats = Array.from({ length: 2000 }, (_, i) => i * 100);
  const tempos: Item[] = beats
    .filter((_, i) => i % 40 === 0)
    .map((tick, i) => {
      const microseconds = 480_000 + 1000 * (i % 7);
      return { tick, meta: [0x51, microseconds >> 16, (microseconds >> 8) & 255, microseconds & 255] };
    });
  const melody = beats.map((tick, i): [number, number, number] => [tick, tick + 70, 48 + (i % 24)]);
  return midiFile(100, tempos, notes(200_000, ...melody));
}

/** Empties the ring as fast as it can. Tells how many frames that were. */
function listen(): void {
  const { name, bytes } = workerData as { name: string; bytes: number };
  const region = openRegion(name, bytes);
  const ring = new RingReader(region.buffer, regionWake(region), process.pid);
  const into = new Float32Array(ring.capacity * ring.channels);
  let heard = 0;
  const empty = (): void => {
    const count = ring.available;
    if (count > 0) heard += ring.read(into, count);
    setImmediate(empty);
  };
  parentPort?.once("message", () => parentPort?.postMessage(heard));
  parentPort?.postMessage("ready");
  empty();
}
