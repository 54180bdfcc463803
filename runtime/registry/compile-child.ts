// The process that compiles strangers' modules, and dies of them in the engine's place. V8 runs here with its optimising
// compiler alone and nothing lazy, so that the whole cost of a module shows at once. A thread beside watches the cost.

import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { printable } from "../../abi/error.ts";
import { type CompileAnswer, type CompileRequest, OUT_OF_MEMORY, OUT_OF_TIME } from "./compile-message.ts";

/** Shared with the watching thread: whether a compilation runs, and what it may cost (milliseconds, KiB). */
const ACTIVE = 0;
const TIME = 1;
const MEMORY = 2;
const WATCHING = 3;
const LOOK_EVERY_MS = 4;

if (isMainThread) serve();
else watch(workerData as Int32Array);

function serve(): void {
  const state = new Int32Array(new SharedArrayBuffer(16));
  new Worker(fileURLToPath(import.meta.url), { workerData: state }).once("online", () =>
    answer({ kind: "ready" }),
  );
  // Killed, not ended: V8 waits for its compiling threads when a process ends in good order.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.on("message", async ({ bytes, time, memory }: CompileRequest) => {
    Atomics.store(state, TIME, Math.ceil(time));
    Atomics.store(state, MEMORY, Math.ceil(memory / 1024));
    Atomics.store(state, ACTIVE, 1);
    Atomics.notify(state, ACTIVE);
    // The watch must have its starting figures before there is anything to see.
    while (Atomics.load(state, WATCHING) === 0) Atomics.wait(state, WATCHING, 0, 10);
    let result: CompileAnswer;
    try {
      await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
      result = { kind: "compiled" };
    } catch (error) {
      result = {
        kind: "invalid",
        message: printable(error instanceof Error ? error.message : String(error)),
      };
    }
    Atomics.store(state, ACTIVE, 0);
    Atomics.notify(state, ACTIVE);
    while (Atomics.load(state, WATCHING) === 1) Atomics.wait(state, WATCHING, 1, 10);
    answer(result);
  });
}

function answer(message: CompileAnswer): void {
  process.send?.(message);
}

/** The watching thread: sleeps until there is something to watch. */
function watch(state: Int32Array): void {
  for (;;) {
    Atomics.wait(state, ACTIVE, 0);
    const cpu = process.cpuUsage();
    const memory = process.memoryUsage.rss();
    const parent = process.ppid;
    Atomics.store(state, WATCHING, 1);
    Atomics.notify(state, WATCHING);
    while (Atomics.load(state, ACTIVE) === 1) {
      Atomics.wait(state, ACTIVE, 1, LOOK_EVERY_MS);
      const { user, system } = process.cpuUsage(cpu);
      // A parent that was killed is noticed here even while the main thread is busy.
      if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
      if ((user + system) / 1000 > Atomics.load(state, TIME)) die(OUT_OF_TIME);
      if ((process.memoryUsage.rss() - memory) / 1024 > Atomics.load(state, MEMORY)) die(OUT_OF_MEMORY);
    }
    Atomics.store(state, WATCHING, 0);
    Atomics.notify(state, WATCHING);
  }
}

function die(why: string): void {
  writeSync(2, `${why}\n`);
  process.kill(process.pid, "SIGKILL");
}
