// time limit: 300 s
// `belljar bench` as a user runs it: what it prints, what it keeps in files, and how it ends.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BenchReport } from "../../runtime/bench/result.ts";
import { root, skip } from "../root.ts";
import { EVENTS_IN, knob, smallPlugin, STEREO_IN, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { belljar, refused, workFolder, writeNote, writeRamp } from "./program.ts";

const folder = workFolder();
const SHORT = ["--seconds", "0.1", "--rounds", "2"];

/** A plugin whose process loads so often: 18 units each time. */
const working = (loads: number): Uint8Array =>
  smallPlugin({
    process: `(local $x i32) ${"(local.set $x (i32.load (i32.const 64))) ".repeat(loads)} (i32.const 0)`,
  });
const WORK = 1000;
writeFileSync(join(folder, "plugin.wasm"), working(WORK));
const OTHER = { descriptor: { id: "test.other" }, ports: [STEREO_IN, STEREO_OUT, knob("knob")] };
writeFileSync(join(folder, "other.wasm"), smallPlugin(OTHER));
mkdirSync(join(folder, "old"));
writeFileSync(join(folder, "old", "plugin.wasm"), working(WORK));
writeFileSync(join(folder, "synth.wasm"), smallPlugin({ ports: [EVENTS_IN, STEREO_OUT, knob("depth")] }));
writeFileSync(join(folder, "ends.wasm"), smallPlugin({ process: "(unreachable)" }));
writeRamp(join(folder, "in.wav"), 4800);
writeNote(join(folder, "note.mid"));
const wire = (from: string, to: string) => {
  return { from_node: from, from_port: "audio_out", to_node: to, to_port: "audio_in" };
};
const nodes = [
  { id: "in", type: "file_source" },
  { id: "echo", type: "delay" },
];
writeFileSync(
  join(folder, "session.json"),
  JSON.stringify({ nodes, connections: [wire("in", "echo"), wire("echo", "master")] }),
);

async function json(args: string[]): Promise<BenchReport & { budget?: { kept: boolean; written: boolean } }> {
  const outcome = await belljar(["bench", ...args, ...SHORT, "--json"], folder);
  assert.is(outcome.code, 0, outcome.stderr);
  return JSON.parse(outcome.stdout);
}

test("every rate goes with every block size and every number of voices", async () => {
  const { rows, subject } = await json([
    "synth.wasm",
    "--rate",
    "44100,48000",
    "--block",
    "32",
    "--block",
    "64",
    "--voices",
    "1,2",
  ]);
  assert.is(subject.id, "test.small");
  assert.equal(
    rows.map(({ rate, block, voices }) => [rate, block, voices]),
    [44100, 48000].flatMap((rate) =>
      [32, 64].flatMap((block) => [1, 2].map((voices) => [rate, block, voices])),
    ),
  );
  for (const { rate, block, measured } of rows) {
    assert.is(measured.blocks, Math.ceil((0.1 * rate) / block));
    assert.is(measured.rounds, 2);
    assert.is(measured.units.repeats, true);
  }
});

test("units are those of process: the same that belljar process counts, for the same input", async () => {
  const { rows, piece } = await json(["gain", "--input", "in.wav"]);
  assert.is(piece, "in.wav");
  const outcome = await belljar(["process", "gain", "in.wav", "out.wav", "--tail", "0", "--json"], folder);
  const facts = JSON.parse(outcome.stdout);
  assert.is(rows[0]?.measured.blocks, facts.blocks);
  assert.is(rows[0]?.measured.units.total, facts.units);
  assert.is(rows[0]?.measured.units.mostInBlock, facts.mostUnits);
});

test("a session's units are those of belljar render, for the whole and for each node", async () => {
  const { rows, subject } = await json(["session.json", "--input", "in=in.wav"]);
  assert.is(subject.kind, "session");
  const args = ["render", "session.json", "--input", "in=in.wav", "--seconds", "0.1", "--json"];
  const report = JSON.parse((await belljar(args, folder)).stdout);
  assert.is(rows[0]?.measured.blocks, report.blocks);
  const echo = report.nodes.find((node: { id: string }) => node.id === "echo");
  assert.is(rows[0]?.measured.units.total, echo.units);
  const shares = rows[0]?.shares;
  assert.is(shares?.nodes.find((node) => node.id === "echo")?.mostUnits, echo.mostUnits);
  const all = (shares?.nodes ?? []).reduce((sum, node) => sum + node.share, shares?.rest.share ?? 0);
  assert.ok(Math.abs(all - 1) < 1e-9);
});

test("for people there are tables, and a sentence that says what the clock costs", async () => {
  const { code, stdout, stderr } = await belljar(["bench", "synth.wasm", "--voices", "3", ...SHORT], folder);
  assert.is(code, 0, stderr);
  assert.is(stderr, "");
  assert.match(stdout, /^Small \(test\.small, version 1\): 0\.1 s of held notes, 2 times/);
  assert.match(stdout, / RATE +BLOCK +VOICES +MIN +P50 +P99 +P99\.9 +MAX +PEAK +FIRST/);
  assert.match(stdout, /^48000 +128 +3 +\d/m);
  assert.match(stdout, /An empty plugin takes [\d.,]+ \(P50\)/);
  assert.match(stdout, /Units were the same in every round/);
  for (const cost of ["vet", "rewrite", "compile", "Make an instance", "Memory of an instance"]) {
    assert.match(stdout, cost);
  }
});

test("of two plugins it has the exact ratio of units, and a verdict; names that are the same are told apart", async () => {
  const report = await json(["plugin.wasm", "--vs", "old/plugin.wasm"]);
  assert.is(report.rows[0]?.comparison?.units.ratio, 1);
  assert.is(report.rows[0]?.comparison?.sound.kind, "same");
  assert.equal([report.subject.short, report.other?.short], ["plugin.wasm", "the other plugin.wasm"]);
  const { code, stdout } = await belljar(["bench", "plugin.wasm", "--vs", "other.wasm", ...SHORT], folder);
  assert.is(code, 0);
  assert.match(stdout, /(faster|slower|no difference|too noisy to tell)/);
  assert.match(stdout, "two equal things seemed to differ by up to");
});

test("a budget is written where there is none, kept to within one percent, and failed beyond", async () => {
  const args = ["bench", "plugin.wasm", ...SHORT, "--budget", "budgets.json"];
  const written = await belljar(args, folder);
  assert.is(written.code, 0, written.stderr);
  assert.match(written.stdout, "budgets.json: a budget for test.small written.");
  const first = JSON.parse(readFileSync(join(folder, "budgets.json"), "utf8"));
  const units = first.budgets["test.small"][0].units_a_block;
  assert.ok(units > WORK * 18);

  const again = await belljar(args, folder);
  assert.is(again.code, 0, again.stdout);
  assert.match(again.stdout, "2 figures are within their budgets");
  assert.equal(JSON.parse(readFileSync(join(folder, "budgets.json"), "utf8")), first, "nothing was written");

  // 178 loads more are 3,204 units more, of some 18,000.
  writeFileSync(join(folder, "plugin.wasm"), working(WORK + 178));
  const dearer = await belljar(args, folder);
  assert.is(dearer.code, 1);
  const share = ((178 * 18) / units) * 100;
  assert.match(
    dearer.stdout,
    `test.small at 48000 Hz, 128 frames costs ${units + 3204} units a block: ${share.toFixed(1)} % above the budget of ${units}.`,
  );
  assert.match(dearer.stdout, "--update writes what was measured");
  assert.equal(JSON.parse(readFileSync(join(folder, "budgets.json"), "utf8")), first, "nothing was written");

  assert.is((await belljar([...args, "--update"], folder)).code, 0);
  assert.is((await belljar(args, folder)).code, 0);
  writeFileSync(join(folder, "plugin.wasm"), working(WORK));
  const cheaper = await belljar(args, folder);
  assert.is(cheaper.code, 0);
  assert.match(cheaper.stdout, "The budget can be lowered: --budget budgets.json --update.");
});

test("a plugin or a configuration without a budget in the file fails, and --update adds it beside the others", async () => {
  const other = await belljar(["bench", "other.wasm", ...SHORT, "--budget", "budgets.json"], folder);
  assert.is(other.code, 1);
  assert.match(other.stdout, "test.other at 48000 Hz, 128 frames has no budget");
  assert.is(
    (await belljar(["bench", "other.wasm", ...SHORT, "--budget", "budgets.json", "--update"], folder)).code,
    0,
  );
  const { budgets } = JSON.parse(readFileSync(join(folder, "budgets.json"), "utf8"));
  assert.equal(Object.keys(budgets).sort(), ["test.other", "test.small"]);
  const longer = ["bench", "other.wasm", "--seconds", "0.2", "--rounds", "2", "--budget", "budgets.json"];
  assert.is((await belljar(longer, folder)).code, 1);
  const louder = ["bench", "other.wasm", ...SHORT, "--param", "knob=0.75", "--budget", "budgets.json"];
  assert.is((await belljar(louder, folder)).code, 1);
});

test("--json says whether the budget was kept", async () => {
  rmSync(join(folder, "budgets.json"));
  assert.equal((await json(["plugin.wasm", "--budget", "budgets.json"])).budget?.written, true);
  const { budget } = await json(["plugin.wasm", "--budget", "budgets.json"]);
  assert.equal([budget?.kept, budget?.written], [true, false]);
  rmSync(join(folder, "budgets.json"));
});

test("what is no budget file is refused and left as it is", async () => {
  const text = '{ "belljar": "unit budgets 1", "budgets": 5 }';
  writeFileSync(join(folder, "mine.json"), text);
  await refused("budget/format", ["bench", "gain", "--budget", "mine.json"], folder);
  await refused("budget/format", ["bench", "gain", "--budget", "in.wav", "--update"], folder);
  assert.is(readFileSync(join(folder, "mine.json"), "utf8"), text);
  await refused("file/no-folder", ["bench", "gain", "--budget", "nowhere/mine.json"], folder);
});

test("a plugin that is stopped is a sentence and exit code 1, without figures and files", async () => {
  const before = readdirSync(folder).sort();
  const args = ["bench", "ends.wasm", ...SHORT, "--html", "page.html", "--budget", "new.json"];
  const { code, stdout, stderr } = await belljar(args, folder);
  assert.is(code, 1);
  assert.is(stdout, "");
  assert.match(stderr, /^belljar: At 48000 Hz, 128 frames: The plugin .* in .*process.*\.$/m);
  assert.equal(readdirSync(folder).sort(), before);
  const session = { nodes: [{ id: "bad", type: "ends.wasm" }] };
  writeFileSync(join(folder, "bad.json"), JSON.stringify(session));
  const whole = await belljar(["bench", "bad.json", ...SHORT], folder);
  assert.is(whole.code, 1);
  assert.match(whole.stderr, 'The node "bad" was stopped: ');
});

test("what can't be measured is refused in one sentence", async () => {
  writeFileSync(join(folder, "old", "plugin.json"), "{");
  writeFileSync(join(folder, "effect.wasm"), smallPlugin({ ports: [STEREO_IN, STEREO_OUT] }));
  for (const [code, ...args] of [
    ["usage/missing"],
    ["usage/missing", "gain", "--update"],
    ["plugin/unknown", "sines"],
    ["file/not-found", "nothing.json"],
    ["session/json", "old/plugin.json"],
    ["usage/vs", "gain", "--vs", "session.json"],
    ["usage/voices", "effect.wasm", "--voices", "4"],
    ["usage/voices", "sine", "--voices", "4", "--midi", "note.mid"],
    ["usage/value", "sine", "--voices", "1,two"],
    ["usage/value", "sine", "--block", "64,,128"],
    ["usage/value", "gain", "--rate", "1000"],
    ["usage/value", "other.wasm", "--seconds", "600", "--block", "1"],
    ["usage/rate", "effect.wasm", "--input", "in.wav", "--rate", "44100"],
    ["usage/input", "synth.wasm", "--input", "in.wav"],
    ["usage/midi", "effect.wasm", "--midi", "note.mid"],
    ["usage/repeated", "gain", "--input", "in.wav", "--input", "in.wav"],
    ["usage/option", "session.json", "--param", "gain=1"],
    ["usage/option", "session.json", "--voices", "1"],
    ["session/no-input", "session.json"],
    ["plugin/port", "other.wasm", "--param", "gian=3"],
    ["plugin/preset", "other.wasm", "--preset", "None"],
    ["usage/same-file", "plugin.wasm", "--html", "plugin.wasm"],
    ["usage/same-file", "gain", "--vs", "plugin.wasm", "--html", "old/../plugin.wasm"],
    ["usage/same-file", "gain", "--html", "both", "--budget", "both"],
    ["file/no-folder", "gain", "--html", "nowhere/page.html"],
  ] as const) {
    await refused(code, ["bench", ...args], folder);
  }
  const many = Array.from({ length: 65 }, (_, i) => i + 1).join();
  assert.match(
    (await refused("usage/value", ["bench", "other.wasm", "--block", many], folder)).stderr,
    /65 combinations/,
  );
});

test("hostile names reach no terminal as they are", async () => {
  const bytes = smallPlugin({ descriptor: { display_name: "\u001b[31mred\u202e" } });
  writeFileSync(join(folder, "red.wasm"), bytes);
  const { code, stdout } = await belljar(["bench", "red.wasm", ...SHORT], folder);
  assert.is(code, 0);
  assert.not.match(stdout, /[\u001b\u202e]/);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends it with 130, its measuring process with it, and leaves nothing half-written`, async () => {
    if (process.platform === "win32") return skip("Windows has no signals of this kind");
    const before = readdirSync(folder).sort();
    const args = [join(root, "dist", "cli.js"), "bench", "sine", "--seconds", "600", "--rounds", "1000"];
    const child: ChildProcess = spawn(process.execPath, [...args, "--html", "page.html"], {
      cwd: folder,
      stdio: "ignore",
    });
    const end = new Promise<number | null>((resolve) => child.on("exit", resolve));
    const grandchildren = () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    const seen = process.platform === "linux";
    let measuring: string[] = [];
    while (
      child.exitCode === null &&
      (readdirSync(folder).length === before.length || (seen && measuring.length === 0))
    ) {
      await setTimeout(10);
      if (seen) measuring = grandchildren();
    }
    child.kill(signal);
    assert.is(await end, 130);
    assert.equal(readdirSync(folder).sort(), before);
    for (const pid of measuring) {
      for (let tries = 0; tries < 500 && isAlive(pid); tries++) await setTimeout(10);
      assert.not.ok(isAlive(pid), "the measuring process is gone");
    }
  });
}

/** A process that has ended and that nobody has asked after is not alive. */
function isAlive(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test.run();
