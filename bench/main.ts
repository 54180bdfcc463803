// `npm run bench -- NAME`: says what there is to measure, or measures it in a child process whose V8 optimises at
// once, as the audio thread's modules are: else the first seconds would measure V8's compilers.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { attachText, benchAttach } from "./attach.ts";
import { benchDeadline, deadlineText } from "./deadline.ts";
import type { Program } from "./deadline-programs.ts";
import { type Kernel, loadKernels } from "./kernels.ts";
import type { LivePlugin } from "./live-plugins.ts";
import { OTHER } from "./live-ring.ts";
import { benchMeter, meterText } from "./meter.ts";
import { LIVE_HELP, readLiveOptions, UsageError } from "./live-options.ts";
import { benchRecording, recordingText } from "./recording.ts";
import { benchTrap, trapText } from "./trap.ts";
import type { Stop } from "./trap-plugins.ts";

interface Benchmark {
  about: string;
  /** Work of slow tools that V8's flags would make slower: what it gives is handed to run, in the child process. */
  prepare: () => Promise<Module[]> | Module[];
  run: (modules: Module[], json: boolean, options: string[]) => Promise<string> | string;
  /** Throws a UsageError where its options are none; without it there are none. */
  check?: (options: string[]) => void;
  /** V8's own flags are FLAGS unless said. */
  flags?: readonly string[];
}

/** A Kernel, a Program, a Stop or a LivePlugin. */
interface Module {
  bytes: Uint8Array<ArrayBuffer>;
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
      run: (kernels, json) => shown(benchMeter(kernels as Kernel[]), json, meterText),
    },
  ],
  [
    "deadline",
    {
      about: "how long a plugin that uses up a deadline of 1 ms keeps the host waiting (40 s)",
      prepare: async () => (await import("./deadline-programs.ts")).assemblePrograms(),
      run: async (programs, json) => shown(await benchDeadline(programs as Program[]), json, deadlineText),
    },
  ],
  [
    "trap",
    {
      about: "what it costs the host that a plugin stops (2 s)",
      prepare: async () => (await import("./trap-plugins.ts")).assembleStops(),
      run: async (stops, json) => shown(await benchTrap(stops as Stop[]), json, trapText),
    },
  ],
  [
    "attach",
    {
      about: "what handing a sounding plugin to another owner costs, and that no sample changes (1 s)",
      prepare: () => [],
      run: async (_, json) => shown(await benchAttach(), json, attachText),
    },
  ],
  [
    "recording",
    {
      about: "what recording a plugin costs a block, and how long a minute's recording is (3 s)",
      prepare: () => [],
      run: async (_, json) => shown(await benchRecording(), json, recordingText),
    },
  ],
  [
    "live",
    {
      about: "lateness, underruns, latency end to end, the ring, rescues (25 min, or as --minutes says)",
      prepare: async () => (await import("./live-plugins.ts")).assembleLivePlugins(),
      run: async (plugins, json, options) => {
        const { benchLive, liveText } = await import("./live.ts");
        return shown(await benchLive(plugins as LivePlugin[], readLiveOptions(options)), json, liveText);
      },
      check: readLiveOptions,
      // As `belljar play` runs.
      flags: [],
    },
  ],
]);

const FLAGS = ["--no-liftoff", "--no-wasm-lazy-compilation"];
const CHILD = "BELLJAR_BENCH_CHILD";

function list(): string {
  const lines = [...BENCHMARKS].map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  return ["usage: npm run bench -- NAME [OPTIONS]", "", ...lines].join("\n");
}

const HELP = `${list()}

  --json      one object on one line, and nothing else

${LIVE_HELP}

examples:
  npm run bench -- meter
  npm run --silent bench -- deadline --json > deadline.json
  npm run bench -- live --minutes 0.5 --only render,ring

A benchmark ends with 0 whatever it found. On a machine that does other things too, look at the floor beside the figures.`;

async function main(): Promise<number> {
  const options = process.argv.slice(2);
  if (options.includes("--help") || options.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const json = options.includes("--json");
  const [name, ...rest] = options.filter((option) => option !== "--json");
  if (name === undefined) {
    console.log(list());
    return 0;
  }
  const benchmark = BENCHMARKS.get(name);
  if (benchmark === undefined || (benchmark.check === undefined && rest.length > 0)) {
    const wrong = benchmark === undefined ? name : rest[0];
    console.error(`There is no benchmark or option ${JSON.stringify(wrong)}.\n\n${list()}`);
    return 2;
  }
  try {
    benchmark.check?.(rest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${LIVE_HELP}`);
    return 2;
  }
  if (process.env[CHILD] !== undefined) {
    const modules = (JSON.parse(readFileSync(0, "utf8")) as { bytes: string }[]).map((module) => ({
      ...module,
      bytes: new Uint8Array(Buffer.from(module.bytes, "base64")),
    }));
    console.log(await benchmark.run(modules, json, rest));
    return 0;
  }
  const modules = (await benchmark.prepare()).map((module) => ({
    ...module,
    bytes: Buffer.from(module.bytes).toString("base64"),
  }));
  const script = fileURLToPath(import.meta.url);
  // No source maps: looking through them would be most of what a trap costs.
  const { status, error } = spawnSync(process.execPath, [...(benchmark.flags ?? FLAGS), script, ...options], {
    input: JSON.stringify(modules),
    stdio: ["pipe", "inherit", "inherit"],
    env: { ...process.env, [CHILD]: "1" },
  });
  if (error) throw error;
  return status ?? 1;
}

if (!isMainThread) (await import("./live-worker.ts")).runLiveWorker();
else if (process.env[OTHER] !== undefined) {
  await (await import("./live-other.ts")).runOther(JSON.parse(process.env[OTHER]));
} else process.exitCode = await main();
