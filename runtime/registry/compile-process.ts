// The parent's side of the compiling process: started when first needed, used for one module after another, replaced when
// it died. It keeps nothing alive: a parent with nothing else to do ends, and the child with it.

import { type ChildProcess, spawn } from "node:child_process";
import { type CompileAnswer, type CompileRequest, OUT_OF_MEMORY, OUT_OF_TIME } from "./compile-message.ts";
import { shipped } from "./place.ts";
import type { CompileLimits } from "./verdicts.ts";

export type Verdict =
  | { kind: "compiled" }
  | { kind: "time"; allowed: number }
  | { kind: "wall" }
  | { kind: "memory" }
  | { kind: "invalid"; message: string }
  | { kind: "broken"; message: string };

/** All functions are compiled at once, by the optimising compiler. These can be given on the command line alone. */
const V8_FLAGS = ["--no-liftoff", "--no-wasm-lazy-compilation"];
const START_MS = 30_000;
/** After so many modules a fresh process: V8 keeps some memory of each. */
const MODULES_A_PROCESS = 200;

export class CompileChild {
  #process: ChildProcess | null = null;
  #modules = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** The process's id while one is there, else null. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Compiles there; modules wait for each other. */
  compile(bytes: Uint8Array, limits: CompileLimits): Promise<Verdict> {
    const result = this.#last.then(async () => {
      const worked = this.#modules > 0;
      const verdict = await this.#compile(bytes, limits);
      // A process that was well and then was ended from outside shows it only when it is asked again.
      return verdict.kind === "broken" && worked ? this.#compile(bytes, limits) : verdict;
    });
    this.#last = result;
    return result;
  }

  async #compile(bytes: Uint8Array, limits: CompileLimits): Promise<Verdict> {
    const started = await this.#start();
    if (started !== null) return started;
    const process = this.#process as ChildProcess;
    const time = Math.min(limits.base + (limits.perKiB * bytes.length) / 1024, limits.most);
    const request: CompileRequest = { bytes, time, memory: limits.memory };
    const reply = await this.#listen(process, limits.wall, () => process.send(request));
    this.#modules++;
    if (this.#modules >= MODULES_A_PROCESS) this.#end(process);
    if (typeof reply !== "string") {
      return reply.kind === "ready" ? { kind: "broken", message: "it answered out of turn" } : reply;
    }
    this.#end(process);
    if (reply === "late") return { kind: "wall" };
    if (reply.includes(OUT_OF_TIME)) return { kind: "time", allowed: time };
    // V8's own last words when the system gives no more memory
    if (reply.includes(OUT_OF_MEMORY) || /out of memory/i.test(reply)) return { kind: "memory" };
    return { kind: "broken", message: reply.trim().split("\n")[0] || "it ended without a word" };
  }

  /** @returns null when the process is ready for work */
  async #start(): Promise<Verdict | null> {
    if (this.#process?.connected) return null;
    const script = shipped("compile-child.js");
    if (script === null) return { kind: "broken", message: "compile-child.js is missing; build again" };
    const child = spawn(process.execPath, [...V8_FLAGS, script], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
      // Nothing of the user's settings, NODE_OPTIONS above all, belongs in there.
      env: process.env["SystemRoot"] === undefined ? {} : { SystemRoot: process.env["SystemRoot"] },
      windowsHide: true,
    });
    this.#process = child;
    const reply = await this.#listen(child, START_MS, () => true);
    if (typeof reply !== "string" && reply.kind === "ready") return null;
    this.#end(child);
    const why =
      typeof reply !== "string" || reply === "late" ? "it did not start" : reply.trim().split("\n")[0];
    return { kind: "broken", message: why || "it did not start" };
  }

  /**
   * Waits for one message. While it does, the process keeps this program alive; between two requests it does not.
   * @returns the message; or, when the process ended, what it wrote to stderr; or "late"
   */
  #listen(child: ChildProcess, wall: number, begin: () => unknown): Promise<CompileAnswer | string> {
    return new Promise((resolve) => {
      let said = "";
      const hear = (text: Buffer) => {
        if (said.length < 10_000) said += text.toString();
      };
      const done = (result: CompileAnswer | string) => {
        clearTimeout(timer);
        child.off("message", onMessage).off("close", onClose).off("error", onError);
        child.stderr?.off("data", hear);
        rest(child, true);
        resolve(result);
      };
      const onMessage = (message: unknown) => done(message as CompileAnswer);
      const onClose = () => done(said === "" ? "it was ended from outside" : said);
      const onError = (error: Error) => done(error.message);
      const timer = setTimeout(() => done("late"), wall);
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      child.stderr?.on("data", hear);
      rest(child, false);
      begin();
    });
  }

  #end(child: ChildProcess): void {
    if (this.#process === child) {
      this.#process = null;
      this.#modules = 0;
    }
    child.on("error", () => {});
    child.kill("SIGKILL");
  }
}

/** Whether the child may be left alone: then nothing of it keeps this program from ending. */
function rest(child: ChildProcess, idle: boolean): void {
  const change = idle ? "unref" : "ref";
  child[change]();
  child.channel?.[change]();
  (child.stderr as { ref?(): void; unref?(): void } | null)?.[change]?.();
}
