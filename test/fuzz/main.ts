// `npm run fuzz -- vet`: gives the sandbox hostile, broken and random modules until one of them breaks a promise.

import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { flag, number, parseOptions } from "../../runtime/cli/options.ts";
import { root } from "../root.ts";
import { emptyTally, findIn, type Message, runChild, type Tally, type Task } from "./child.ts";
import { makeInput, realModules } from "./inputs.ts";

const HELP = `Gives the sandbox mutated, cut and generated modules, and checks what must hold of all of them:
vetting ends with a sentence or takes them; what it takes, the engine takes before and after the rewrite; the
parser's parts encode back to the original's sections; and the rewritten form gives the same results, host
calls, traps, memory and globals as the original.

Usage: npm run fuzz -- vet [--seconds N | --count N] [--seed S] [--jobs N] [--json]
       npm run fuzz -- vet --seed S --only N
       npm run fuzz -- vet FILE.wasm ...

  --seconds N   stop after N seconds (default 60)
  --count N     stop after N inputs
  --seed S      the inputs' seed (default: another one each time; it is printed)
  --only N      input N of the seed alone
  --jobs N      processes (default 1)
  --json        print the summary as JSON

A finding's module is written to .cache/fuzz/, whole and reduced. Modules in .cache/fuzz/modules/ are mutated, too.

Exit code: 0 nothing found, 1 a finding, 2 usage.

Examples:
  npm run fuzz -- vet --seconds 600 --jobs 2
  npm run fuzz -- vet --seed 42 --only 1234
`;

/** No message for so long: the input at hand never ends. Reducing a finding takes its time, too. */
const SILENCE = 60_000;
const folder = join(root, ".cache", "fuzz");

interface Result {
  seed: number;
  seconds: number;
  tally: Tally;
  finding: { input: number; sentence: string; module: string } | null;
}

function add(sum: Tally, more: Tally): void {
  for (const key of ["tried", "accepted", "compared", "calls", "traps"] as const) sum[key] += more[key];
  for (const [code, n] of Object.entries(more.refused)) sum.refused[code] = (sum.refused[code] ?? 0) + n;
  for (const [kind, { tried, accepted }] of Object.entries(more.kinds)) {
    sum.kinds[kind] ??= { tried: 0, accepted: 0 };
    sum.kinds[kind].tried += tried;
    sum.kinds[kind].accepted += accepted;
  }
}

/** Keeps a module as .cache/fuzz/<hash>.wasm; its path from the repository's root. */
function keep(bytes: Uint8Array, suffix = ""): string {
  const name = `${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}${suffix}.wasm`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
  return relative(root, join(folder, name));
}

async function fuzz(seed: number, seconds: number, inputs: number, jobs: number): Promise<Result> {
  mkdirSync(folder, { recursive: true });
  const begin = performance.now();
  const result: Result = { seed, seconds: 0, tally: emptyTally(), finding: null };
  const children: ChildProcess[] = [];
  const stopAll = (): void => {
    for (const child of children) child.kill("SIGKILL");
  };
  const one = (job: number): Promise<void> =>
    new Promise((resolve) => {
      const place = join(folder, `at-${process.pid}-${job}`);
      const task: Task = { seed, from: job, stride: jobs, end: inputs, seconds, place };
      const child = fork(process.argv[1], ["--child", JSON.stringify(task)], { execArgv: process.execArgv });
      children.push(child);
      let ended = false;
      const found = async (input: number, sentence: string, bytes?: Uint8Array): Promise<void> => {
        ended = true;
        const module = keep(bytes ?? (await makeInput(seed, input, realModules())).bytes);
        result.finding ??= { input, sentence, module };
        stopAll();
      };
      const current = (): number => readFileSync(place).readDoubleLE(0);
      let silence = setTimeout(() => {}, 0);
      const wait = (): void => {
        clearTimeout(silence);
        silence = setTimeout(() => {
          void found(current(), `It does not end within ${SILENCE / 1_000} seconds.`).then(resolve);
        }, SILENCE);
      };
      wait();
      child.on("message", (message: Message) => {
        wait();
        if ("finding" in message) {
          const { input, sentence, module, reduced } = message.finding;
          const small = keep(Buffer.from(reduced, "base64"), "-reduced");
          void found(input, `${sentence}\nReduced: ${small}`, Buffer.from(module, "base64"));
          return;
        }
        add(result.tally, message.tally);
        ended ||= message.finished;
        progress(result.tally, performance.now() - begin);
      });
      child.on("exit", (code, signal) => {
        clearTimeout(silence);
        const done =
          ended || result.finding !== null
            ? Promise.resolve()
            : found(current(), `The process died of it (${signal ?? code}).`);
        void done.then(() => {
          rmSync(place, { force: true });
          resolve();
        });
      });
    });
  process.once("SIGINT", () => {
    stopAll();
    process.exit(130);
  });
  await Promise.all(Array.from({ length: jobs }, (_, job) => one(job)));
  result.seconds = (performance.now() - begin) / 1_000;
  return result;
}

function progress({ tried, accepted }: Tally, milliseconds: number): void {
  if (!process.stderr.isTTY) return;
  const rate = Math.round((tried * 1_000) / milliseconds);
  process.stderr.write(`\r${tried} tried, ${accepted} accepted, ${rate} a second `);
}

const share = (part: number, whole: number): string =>
  `${whole === 0 ? 0 : Math.round((part * 100) / whole)} %`;

function text({ seed, seconds, tally, finding }: Result): string {
  const { tried, accepted, compared, calls, traps } = tally;
  const lines = [
    `Seed ${seed}: ${tried} modules in ${seconds.toFixed(0)} s, ${accepted} accepted (${share(accepted, tried)}).`,
    `Run side by side with their originals: ${compared} modules, ${calls} calls, ${traps} of which trapped.`,
    ...Object.entries(tally.kinds)
      .sort(([, a], [, b]) => b.tried - a.tried)
      .map(([kind, n]) => `  ${kind}: ${n.tried} tried, ${share(n.accepted, n.tried)} accepted`),
    "Refused:",
    ...Object.entries(tally.refused)
      .sort(([, a], [, b]) => b - a)
      .map(([code, n]) => `  ${code}: ${n}`),
  ];
  if (finding === null) lines.push("Nothing found.");
  else {
    lines.push(
      "",
      `FOUND: ${finding.sentence
        .split("\n")
        .map((line) => printable(line, 400))
        .join("\n")}`,
      `Module: ${finding.module}`,
      `Again: npm run fuzz -- vet --seed ${seed} --only ${finding.input}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Checks modules here and now: exit code. */
function checkHere(modules: { name: string; bytes: Uint8Array<ArrayBuffer>; seed: number }[]): number {
  let code = 0;
  for (const { name, bytes, seed } of modules) {
    let what = "";
    const sentence = findIn({ bytes }, seed, ({ refused, compared }) => {
      what = refused !== "" ? `refused, ${refused}` : `accepted, ${compared?.calls ?? 0} calls compared`;
    });
    if (sentence !== "") code = 1;
    process.stdout.write(`${name}: ${sentence === "" ? what : `FOUND: ${sentence}`}\n`);
  }
  return code;
}

async function main(args: string[]): Promise<number> {
  if (args[0] === "--child") {
    await runChild(JSON.parse(args[1]) as Task, (message) => process.send?.(message));
    return 0;
  }
  if (args.length === 0 || args.includes("--help") || args.includes("-h")) {
    process.stdout.write(HELP);
    return args.length === 0 ? 2 : 0;
  }
  const { options, positionals } = parseOptions(args, {
    seconds: number(1, 1e6),
    count: number(1, 1e9, "whole"),
    seed: number(0, 2 ** 31 - 1, "whole"),
    only: number(0, 1e12, "whole"),
    jobs: number(1, 64, "whole"),
    json: flag(),
  });
  const [subject, ...files] = positionals;
  if (subject !== "vet") throw new BelljarError("usage/command", "What can be fuzzed is: vet.");
  if (options.seconds !== undefined && options.count !== undefined) {
    throw new BelljarError("usage/value", "Give --seconds or --count, not both.");
  }
  if (files.length > 0) {
    return checkHere(files.map((name) => ({ name, bytes: new Uint8Array(readFileSync(name)), seed: 1 })));
  }
  const seed = options.seed ?? Date.now() % 2 ** 31;
  if (options.only !== undefined) {
    const { kind, bytes } = await makeInput(seed, options.only, realModules());
    return checkHere([{ name: `${kind} ${keep(bytes)}`, bytes, seed: options.only }]);
  }
  const seconds = options.count !== undefined ? Number.POSITIVE_INFINITY : (options.seconds ?? 60);
  const result = await fuzz(seed, Math.min(seconds, 1e9), options.count ?? 1e15, options.jobs ?? 1);
  if (process.stderr.isTTY) process.stderr.write("\n");
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : text(result));
  return result.finding === null ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
    if (process.connected) process.disconnect();
  },
  (error) => {
    if (!(error instanceof BelljarError)) throw error;
    process.stderr.write(`${[error.message, error.hint].filter(Boolean).join(" ")}\n`);
    process.exitCode = 2;
  },
);
