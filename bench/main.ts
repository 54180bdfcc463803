// `npm run bench -- NAME`: says what there is to measure, or measures it in a child process whose V8 optimises at
// once, as the audio thread's modules are: else the first seconds would measure V8's compilers.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { attachText, benchAttach } from "./attach.ts";
import { benchDeadline, deadlineText } from "./deadline.ts";
import { loadKernels } from "./kernels.ts";
import { benchMeter, meterText } from "./meter.ts";

interface Benchmark {
  about: string;
  /** Slow things that need none of V8's flags. */
  prepare?: () => Promise<unknown>;
  run: (json: boolean) => Promise<string>;
}

const shown = <T>(result: T, json: boolean, text: (result: T) => string): string =>
  json ? JSON.stringify(result) : text(result);

const BENCHMARKS = new Map<string, Benchmark>([
  [
    "meter",
    {
      about:
        "what counting its work costs a plugin: ten kernels rewritten against the same as they are (10 s)",
      prepare: () => loadKernels(),
      run: async (json) => shown(benchMeter(await loadKernels()), json, meterText),
    },
  ],
  [
    "deadline",
    {
      about: "how long a plugin that uses up a deadline of 1 ms keeps the host waiting (5 s)",
      run: async (json) => shown(await benchDeadline(), json, deadlineText),
    },
  ],
  [
    "attach",
    {
      about: "what handing a sounding plugin to another owner costs, and that no sample changes (1 s)",
      run: async (json) => shown(await benchAttach(), json, attachText),
    },
  ],
]);

const FLAGS = ["--no-liftoff", "--no-wasm-lazy-compilation"];
const CHILD = "BELLJAR_BENCH_CHILD";

function list(): string {
  const lines = [...BENCHMARKS].map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  return ["usage: npm run bench -- NAME [--json]", "", ...lines].join("\n");
}

const HELP = `${list()}

  --json      one object on one line, and nothing else

examples:
  npm run bench -- meter
  npm run --silent bench -- deadline --json > deadline.json

A benchmark ends with 0 whatever it found. On a machine that does other things too, look at the floor beside the figures.`;

async function main(): Promise<number> {
  const options = process.argv.slice(2);
  if (options.includes("--help") || options.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const json = options.includes("--json");
  const names = options.filter((option) => option !== "--json");
  const [name] = names;
  if (name === undefined) {
    console.log(list());
    return 0;
  }
  const benchmark = BENCHMARKS.get(name);
  if (benchmark === undefined || names.length > 1) {
    const wrong = benchmark === undefined ? name : names[1];
    console.error(`There is no benchmark or option ${JSON.stringify(wrong)}.\n\n${list()}`);
    return 2;
  }
  if (process.env[CHILD] !== undefined) {
    console.log(await benchmark.run(json));
    return 0;
  }
  await benchmark.prepare?.();
  const script = fileURLToPath(import.meta.url);
  const { status, error } = spawnSync(
    process.execPath,
    [...FLAGS, "--enable-source-maps", script, ...options],
    {
      stdio: "inherit",
      env: { ...process.env, [CHILD]: "1" },
    },
  );
  if (error) throw error;
  return status ?? 1;
}

process.exitCode = await main();
