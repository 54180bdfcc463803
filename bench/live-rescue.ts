// An audio thread that is ended at a random moment, with 50 plugins of 1 MiB each: how long until the sound goes on.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { playLive } from "../runtime/engine/live/play-live.ts";
import { steadyClock } from "../shm/clock.ts";
import type { LivePlugin } from "./live-plugins.ts";
import { timerLoop } from "./live-render.ts";
import { type Progress, sessionOf, sleep, Watch } from "./live-rig.ts";

const INSTANCES = 50;
/** A session is given up after five rescues within a minute. */
const RESCUES = 5;
/** Milliseconds that lie ready. */
const LATENCY = 20;
const SOON = 300;

export interface RescueResult {
  instances: number;
  mebibytes: number;
  /** Milliseconds from the thread's end to the first new block in the ring, ascending. */
  back: number[];
  /** As the engine tells: from noticing it to the new thread's first block. */
  told: number[];
  /** Milliseconds of silence that were heard. */
  silence: number[];
  /** Most milliseconds by which a timer alone was late meanwhile: the machine's own pauses. */
  floor: number;
}

const ascending = (values: number[]): number[] => values.sort((a, b) => a - b);

export async function measureRescues(
  rescues: number,
  plugins: readonly LivePlugin[],
  tell: Progress,
): Promise<RescueResult> {
  const folder = mkdtempSync(join(tmpdir(), "belljar-bench-"));
  const result: RescueResult = {
    instances: INSTANCES,
    mebibytes: 1,
    back: [],
    told: [],
    silence: [],
    floor: 0,
  };
  const timer = timerLoop();
  try {
    for (const { name, bytes } of plugins) writeFileSync(join(folder, `${name}.wasm`), bytes);
    while (result.back.length < rescues) {
      tell(`rescue ${result.back.length + 1} of ${rescues}`);
      await rescueSome(Math.min(RESCUES, rescues - result.back.length), folder, result);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    result.floor = timer.end().lateness.most * 1000;
  }
  ascending(result.back);
  ascending(result.told);
  ascending(result.silence);
  return result;
}

async function rescueSome(count: number, folder: string, result: RescueResult): Promise<void> {
  const nodes = Array.from({ length: INSTANCES }, (_, i) => ({ id: `p${i}`, type: "./megabyte.wasm" }));
  const session = sessionOf(
    nodes,
    nodes.map(({ id }) => `${id} -> master`),
  );
  const now = steadyClock();
  const told: number[] = [];
  const play = await playLive(session, {
    folder,
    device: "null",
    latency: LATENCY,
    onEvent: (event) => {
      if (event.what === "rescued") told.push(event.milliseconds);
    },
  });
  const watch = new Watch(play);
  await watch.started();
  const killed: number[] = [];
  const { rate } = play.facts;
  for (let i = 0; i < count; i++) {
    // Until the next spare thread is there as well, on a busy machine too.
    await sleep(1500 + Math.random() * 1500);
    const before = (await play.output.status())?.missingFrames ?? 0;
    const { threads } = play.session as unknown as { threads: { crash(): Promise<void> } };
    killed.push(now());
    await threads.crash();
    for (let waited = 0; told.length <= i && waited < 5000; waited++) await sleep(1);
    await sleep(100);
    const after = (await play.output.status())?.missingFrames ?? 0;
    result.silence.push(((after - before) * 1000) / rate);
  }
  await sleep(SOON);
  const { writes } = await watch.end();
  await play.close();
  result.told.push(...told);
  for (const time of killed) result.back.push(resumed(writes, time) - time);
}

/** The end of the longest pause that began soon after `time`: a thread that is ended may still finish its block. */
function resumed(writes: readonly { time: number }[], time: number): number {
  let end = Number.NaN;
  let longest = 0;
  for (let i = 1; i < writes.length; i++) {
    const [before, after] = [writes[i - 1]?.time as number, writes[i]?.time as number];
    if (after < time || before > time + SOON || after - before <= longest) continue;
    longest = after - before;
    end = after;
  }
  return end;
}
