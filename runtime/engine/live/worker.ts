// Starting, hearing and ending the live engine's threads.

import type { Worker } from "node:worker_threads";
import { BelljarError } from "../../../abi/error.ts";
import { within as withinTime } from "../../../abi/time-limit.ts";
import { shipped } from "../../registry/place.ts";

/** Whether a thread is no more: it then has no number. */
export const hasEnded = (worker: Worker): boolean => worker.threadId < 0;

/** What all of its threads run. */
export function program(): string {
  const path = shipped("live-thread.js");
  if (path !== null) return path;
  throw new BelljarError(
    "live/missing",
    "dist/live-thread.js is not there.",
    "Build or install Belljar again.",
  );
}

/** The next message of a type; rejects where the thread ends before, or has ended. */
export function messageOf<Message extends { type: string }, Type extends Message["type"]>(
  worker: Worker,
  type: Type,
): Promise<Extract<Message, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      worker.off("message", hear);
      worker.off("error", stop);
      worker.off("exit", exit);
    };
    const stop = (error: Error): void => {
      forget();
      reject(error);
    };
    const exit = (): void => stop(new BelljarError("live/thread", "A thread of the live session ended."));
    const hear = (message: Message): void => {
      if (message.type !== type) return;
      forget();
      resolve(message as Extract<Message, { type: Type }>);
    };
    if (hasEnded(worker)) return exit();
    worker.on("message", hear);
    worker.on("error", stop);
    worker.on("exit", exit);
  });
}

/** @throws BelljarError live/thread after so long */
export function within<T>(
  milliseconds: number,
  promise: Promise<T>,
  late = "A thread of the live session does not answer.",
): Promise<T> {
  return withinTime(milliseconds, promise, () => {
    throw new BelljarError("live/thread", late);
  });
}

const MINUTE = 60_000;

/** Something happens once more, at `now`. Returns how often it did within the last minute; `times` keeps when, in milliseconds. */
export function countInMinute(times: number[], now: number): number {
  while (now - (times[0] ?? now) > MINUTE) times.shift();
  return times.push(now);
}

/** Waits so long for a thread that was asked to end; then it is ended. */
export async function endWorker(worker: Worker, milliseconds: number): Promise<void> {
  if (hasEnded(worker)) return;
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  await within(milliseconds, ended).catch(() => {});
  await worker.terminate();
}
