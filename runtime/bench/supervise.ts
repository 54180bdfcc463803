// The parent's side: starts the measuring process, asks it, and ends it whatever happens.

import type { ChildProcess } from "node:child_process";
import { BelljarError } from "../../abi/error.ts";
import { shipped } from "../registry/place.ts";
import { startChild } from "../registry/start-child.ts";
import { Stopped } from "./player.ts";
import { type BenchAnswer, type BenchRequest, FLAGS } from "./request.ts";
import type { BenchReport } from "./result.ts";

/** Milliseconds of silence after which nothing more is waited for: no block takes nearly as long. */
const SILENCE_MS = 300_000;

/**
 * Measures in a process of its own.
 * @throws BelljarError as runBench does; build/bench where the process did not work; Stopped where a plugin was stopped
 */
export async function superviseBench(
  request: BenchRequest,
  tell: (part: number, what: string) => void,
): Promise<BenchReport> {
  const script = shipped("bench-child.js");
  if (script === null) throw new BelljarError("build/bench", "bench-child.js is missing; build again.");
  const child = startChild(script, FLAGS);
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  try {
    return await converse(child, request, tell);
  } finally {
    process.off("exit", stop);
    stop();
  }
}

function converse(
  child: ChildProcess,
  request: BenchRequest,
  tell: (part: number, what: string) => void,
): Promise<BenchReport> {
  return new Promise((resolve, reject) => {
    const broken = (how: string): void =>
      reject(new BelljarError("build/bench", `The measuring process ${how}.`));
    const late = () => broken(`said nothing for ${SILENCE_MS / 1000} s`);
    let timer = setTimeout(late, SILENCE_MS);
    let said = "";
    child.stderr?.on("data", (text: Buffer) => {
      if (said.length < 10_000) said += text.toString();
    });
    child.on("message", (answer: BenchAnswer) => {
      clearTimeout(timer);
      timer = setTimeout(late, SILENCE_MS);
      switch (answer.kind) {
        case "ready":
          child.send(request);
          return;
        case "progress":
          tell(answer.part, answer.what);
          return;
        case "report":
          resolve(answer.report);
          return;
        case "stopped":
          reject(new Stopped(answer.sentence));
          return;
        case "refused":
          reject(new BelljarError(answer.code, answer.message, answer.hint));
          return;
        case "broken":
          reject(new Error(answer.message));
      }
    });
    child.on("error", () => broken("did not start"));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const why = /out of memory/i.test(said) ? "ran out of memory" : `ended early (${signal ?? code})`;
      broken(why);
    });
  });
}
