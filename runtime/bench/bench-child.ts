// The process in which plugins and sessions are measured: a clean one, with V8's flags for it.

import { setImmediate } from "node:timers/promises";
import { BelljarError, printable } from "../../abi/error.ts";
import { Stopped } from "./player.ts";
import type { BenchAnswer, BenchRequest } from "./request.ts";
import { runBench } from "./run.ts";

const PROGRESS_MS = 100;

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.on("message", (request: BenchRequest) => void serve(request));
answer({ kind: "ready" });

function answer(message: BenchAnswer): void {
  process.send?.(message);
}

async function serve(request: BenchRequest): Promise<void> {
  let told = Number.NEGATIVE_INFINITY;
  const tell = (part: number, what: string): void => {
    const now = performance.now();
    if (now - told < PROGRESS_MS) return;
    told = now;
    answer({ kind: "progress", part, what });
  };
  try {
    answer({ kind: "report", report: await runBench(request, tell) });
  } catch (error) {
    answer(refusal(error));
  }
  await setImmediate();
}

function refusal(error: unknown): BenchAnswer {
  if (error instanceof Stopped) return { kind: "stopped", sentence: error.message };
  if (error instanceof BelljarError) {
    return { kind: "refused", code: error.code, message: error.message, hint: error.hint };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "broken", message: printable(message, 2000) };
}
