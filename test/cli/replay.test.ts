// `belljar replay`, and --record of render and process: a fault comes again in another process.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { named } from "../engine/recorded.ts";
import { root, skip } from "../root.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  knob,
  type SmallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";
import { belljar, type Outcome, refused, workFolder, writeNote, writeRamp } from "./program.ts";

const folder = workFolder();
const at = (name: string): string => join(folder, name);
const writePlugin = (name: string, plugin: SmallPlugin): void => writeFileSync(at(name), named(plugin));

writeRamp(at("in.wav"), 20_000);
writeNote(at("note.mid"));
mkdirSync(at("plugins"));
/** Stops in the block after the one in which its note ends. */
writePlugin("plugins/tired.wasm", {
  ports: [STEREO_OUT, EVENTS_IN],
  functions: `(global $ended (mut i32) (i32.const 0))
    (func $collapse (drop (i32.load (i32.const 0x7fffff00))))`,
  process: `(if (global.get $ended) (then (call $collapse)))
    (if (i32.gt_s (local.get $events) (i32.const 0)) (then
      (if (i32.eq (i32.load16_u (i32.const ${AT.eventsIn + 4})) (i32.const 2)) (then (global.set $ended (i32.const 1))))))
    (i32.const 0)`,
});
/** Stops where it hears a sample above one half. */
const shy: SmallPlugin = {
  ports: [STEREO_IN, STEREO_OUT, knob("level")],
  config: [{ id: "kit", display_name: "Kit", type: "filepath" }],
  functions: `(func $hide (loop $l (br $l)))
    (func (export "bj_configure_file") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))`,
  process: `(if (f32.gt (f32.load (i32.const ${bufferAt(0)})) (f32.const 0.5)) (then (call $hide))) (i32.const 0)`,
};
writePlugin("plugins/shy.wasm", shy);
writePlugin("plugins/refuses.wasm", {
  ports: [STEREO_OUT],
  functions: "(func $no unreachable)",
  activate: "(call $no) (i32.const 0)",
});

const wire = (from: string, kind: string, to: string): object => ({
  from_node: from,
  from_port: `${kind}_out`,
  to_node: to,
  to_port: `${kind}_in`,
});
const session = (nodes: object[], connections: object[]): string => JSON.stringify({ nodes, connections });
writeFileSync(
  at("session.json"),
  session(
    [
      { id: "song", type: "track_source", config: { file: "note.mid" } },
      { id: "lead voice", type: "plugins/tired.wasm" },
      { id: "sine", type: "sine" },
      { id: "mic", type: "file_source", config: { file: "in.wav" } },
      { id: "shy", type: "plugins/shy.wasm" },
    ],
    [
      wire("song", "events", "lead voice"),
      wire("song", "events", "sine"),
      wire("lead voice", "audio", "master"),
      wire("sine", "audio", "master"),
      wire("mic", "audio", "shy"),
      wire("shy", "audio", "master"),
    ],
  ),
);
writeFileSync(at("well.json"), session([{ id: "sine", type: "sine" }], [wire("sine", "audio", "master")]));
writeFileSync(
  at("refuses.json"),
  session([{ id: "no", type: "plugins/refuses.wasm" }], [wire("no", "audio", "master")]),
);

const render = (...more: string[]): string[] => [
  "render",
  "session.json",
  "--fingerprint",
  "--seconds",
  "1",
  ...more,
];
const mode = (name: string): number => statSync(at(name)).mode & 0o777;
const told = ({ code, stdout, stderr }: Outcome): string => `${code}\n${stdout}\n${stderr}`;

test("what stopped in a render is recorded, and stops again in another process, whatever compiles it", async () => {
  const plain = await belljar(render(), folder);
  const outcome = await belljar(render("--record", "faults"), folder);
  assert.is(outcome.code, 0, told(outcome));
  assert.is(outcome.stdout.match(/^fingerprint .*$/m)?.[0], plain.stdout.match(/^fingerprint .*$/m)?.[0]);
  assert.equal(readdirSync(at("faults")).sort(), ["lead-voice.bjr", "shy.bjr"]);
  assert.match(
    outcome.stderr,
    /belljar: What stopped "lead voice" is recorded in faults\/lead-voice\.bjr \(\d\.\d KB, no sound in it\)/,
  );
  if (process.platform !== "win32") {
    assert.is(mode("faults"), 0o700);
    assert.is(mode("faults/lead-voice.bjr"), 0o600);
  }
  // The command that it says, word for word.
  const [, command = ""] = /^ {2}belljar (replay .*lead.*)$/m.exec(outcome.stderr) ?? [];
  for (const more of [[], ["--liftoff-only"]]) {
    const again = await belljar([...command.split(" "), ...more], folder);
    assert.is(again.code, 0, told(again));
    assert.match(again.stdout, /recorded {2}out-of-bounds in collapse during process, block 188, \d+ units/);
    assert.match(again.stdout, /replayed {2}the same/);
  }
  const json = await belljar([...command.split(" "), "--json"], folder);
  const report = JSON.parse(json.stdout);
  assert.is(report.same, true);
  assert.equal(report.replayed, report.recorded);
  assert.is(report.replayed.fault.where, "collapse");
  assert.equal(report.differences, []);

  const liftoff = await belljar(render("--record", "faults2", "--liftoff-only", "--json"), folder);
  const { recordings } = JSON.parse(liftoff.stdout);
  assert.equal(
    recordings.map(({ node, file, audio }: Record<string, unknown>) => [node, file, audio]).sort(),
    [
      ["lead voice", join("faults2", "lead-voice.bjr"), false],
      ["shy", join("faults2", "shy.bjr"), false],
    ],
  );
  const other = await belljar(["replay", "faults2/lead-voice.bjr", "--plugin", "plugins/tired.wasm"], folder);
  assert.is(other.code, 0, told(other));
});

test("a fault that came from the sound needs the sound: otherwise it says what is missing, with exit code 1", async () => {
  const without = await belljar(["replay", "faults/shy.bjr", "--plugin", "plugins/shy.wasm"], folder);
  assert.is(without.code, 1, told(without));
  assert.match(
    without.stdout,
    /replayed {2}no fault\nThe plugin was not stopped\.\nThe sound is not in the recording/,
  );

  const args = ["process", "plugins/shy.wasm", "in.wav", "out.wav"];
  const silent = await belljar([...args, "--record", "silent.bjr"], folder);
  assert.is(silent.code, 2, told(silent));
  assert.match(silent.stderr, /used up its units in hide during process.*\[plugin\/stopped\]/s);
  assert.match(silent.stderr, /silent\.bjr \(\d\.\d KB, no sound in it\)/);
  assert.is((await belljar(["replay", "silent.bjr", "--plugin", "plugins/shy.wasm"], folder)).code, 1);

  const recorded = await belljar(
    [...args, "--record", "faults", "--record-audio", "--file", "kit=note.mid"],
    folder,
  );
  assert.match(recorded.stderr, /faults\/test\.small\.bjr \(\d+ KB, with the sound of its inputs\)/);
  assert.not(existsSync(at("out.wav")), "nothing half-written is left");
  const command = ["replay", "faults/test.small.bjr", "--plugin", "plugins/shy.wasm"];
  const missing = await refused("recording/file", command, folder);
  assert.match(missing.stderr, /had been given the file "note\.mid"/);
  const again = await belljar([...command, "--file", "note.mid"], folder);
  assert.is(again.code, 0, told(again));
  assert.match(again.stdout, /with sound/);

  // Beside the recording nothing has to be named.
  copyFileSync(at("plugins/shy.wasm"), at("faults/shy.wasm"));
  copyFileSync(at("note.mid"), at("faults/note.mid"));
  const beside = await belljar(["replay", "faults/test.small.bjr"], folder);
  assert.is(beside.code, 0, told(beside));
});

test("a plugin that fails while it is set up is recorded, too", async () => {
  const outcome = await belljar(["render", "refuses.json", "--json", "--record", "setup/"], folder);
  assert.is(outcome.code, 2);
  assert.match(outcome.stderr, /What stopped "no" is recorded in setup.no\.bjr/);
  const again = await belljar(["replay", "setup/no.bjr", "--plugin", "plugins/refuses.wasm"], folder);
  assert.is(again.code, 0, told(again));
  assert.match(again.stdout, /unreachable in no during activate/);
});

test("where nothing stops, nothing is written", async () => {
  const args = ["render", "well.json", "--fingerprint", "--seconds", "0.1", "--record"];
  const outcome = await belljar([...args, "nowhere"], folder);
  assert.is(outcome.code, 0, told(outcome));
  assert.is(outcome.stderr, "belljar: No plugin was stopped, so nothing was recorded.\n");
  assert.not(existsSync(at("nowhere")));
  mkdirSync(at("there"));
  await belljar([...args, "there"], folder);
  assert.equal(readdirSync(at("there")), []);
});

test("another plugin, and what is no recording, are refused", async () => {
  const replay = (...more: string[]): string[] => ["replay", ...more];
  await refused("recording/plugin", replay("faults/lead-voice.bjr"), folder);
  await refused("recording/plugin", replay("faults/lead-voice.bjr", "--plugin", "plugins/shy.wasm"), folder);
  await refused("recording/plugin", replay("faults/lead-voice.bjr", "--plugin", "sine"), folder);
  await refused("file/not-found", replay("faults/lead-voice.bjr", "--plugin", "plugins/none.wasm"), folder);
  await refused(
    "recording/file",
    replay("faults/lead-voice.bjr", "--plugin", "plugins/tired.wasm", "--file", "in.wav"),
    folder,
  );
  await refused("recording/not-a-recording", replay("in.wav"), folder);
  await refused("file/not-found", replay("none.bjr"), folder);
  await refused("file/is-folder", replay("faults"), folder);
  await refused("usage/missing", replay(), folder);
  const bytes = readFileSync(at("faults/lead-voice.bjr"));
  writeFileSync(at("cut.bjr"), bytes.subarray(0, 900));
  await refused("recording/malformed", replay("cut.bjr"), folder);
  writeFileSync(
    at("changed.bjr"),
    bytes.map((byte, i) => (i === 1_000 ? byte ^ 1 : byte)),
  );
  await refused("recording/malformed", replay("changed.bjr"), folder);

  await refused("usage/missing", render("--record-audio"), folder);
  await refused("usage/missing", render("--record-limit", "5"), folder);
  await refused("file/not-a-folder", render("--record", "in.wav"), folder);
  await refused("file/no-folder", render("--record", "no/such/folder"), folder);
  await refused("file/no-folder", render("--record", "in.wav/folder"), folder);
  await refused(
    "file/no-folder",
    ["process", "plugins/shy.wasm", "in.wav", "out.wav", "--record", "in.wav/fault.bjr"],
    folder,
  );
  await refused(
    "usage/same-file",
    ["process", "plugins/shy.wasm", "in.wav", "out.wav", "--record", "in.wav"],
    folder,
  );
});

test("a recording that grows past its bound is dropped, and that is said", async () => {
  writeFileSync(
    at("long.json"),
    session(
      [
        { id: "mic", type: "file_source", config: { file: "long.wav" } },
        { id: "shy", type: "plugins/shy.wasm" },
      ],
      [wire("mic", "audio", "shy"), wire("shy", "audio", "master")],
    ),
  );
  const quiet = readFileSync(at("in.wav"));
  const frames = 300_000;
  const sound = Buffer.alloc(44 + frames * 4);
  quiet.copy(sound, 0, 0, 44);
  sound.writeUInt32LE(sound.length - 8, 4);
  sound.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i++) sound.writeInt16LE(i > 290_000 ? 30_000 : 7, 44 + i * 4);
  writeFileSync(at("long.wav"), sound);
  const args = [
    "render",
    "long.json",
    "--fingerprint",
    "--record",
    "big",
    "--record-audio",
    "--record-limit",
    "1",
  ];
  const outcome = await belljar(args, folder);
  assert.is(outcome.code, 0, told(outcome));
  assert.match(
    outcome.stderr,
    /The recording of "shy" grew past 1 MB and was dropped; --record-limit MB allows more\./,
  );
  assert.not(existsSync(at("big")));
});

test("a render that is interrupted leaves no recording", async () => {
  if (process.platform === "win32") return skip("Windows has no signals of this kind");
  const program = join(root, "dist", "cli.js");
  mkdirSync(at("stop"));
  const args = [
    program,
    "render",
    "../session.json",
    "--seconds",
    "80000",
    "-o",
    "out.wav",
    "--record",
    "faults",
    "--record-audio",
  ];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: at("stop"), stdio: "ignore" });
  const end = new Promise((resolve) => child.on("exit", resolve));
  while (child.exitCode === null && readdirSync(at("stop")).length === 0) await setTimeout(10);
  await setTimeout(100);
  child.kill("SIGINT");
  assert.is(await end, 130);
  assert.equal(readdirSync(at("stop")), []);
});

test("a recording replays on another version of Node", async () => {
  const program = join(root, ".cache", "nodes", "24", "node_modules", "node", "bin", "node");
  if (!existsSync(program)) return skip("no other Node was fetched (npm run test:nodes)");
  const args = [
    join(root, "dist", "cli.js"),
    "replay",
    "faults/lead-voice.bjr",
    "--plugin",
    "plugins/tired.wasm",
  ];
  const said = await new Promise<string>((resolve) => {
    execFile(program, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve(`${error?.code ?? 0}\n${stdout}${stderr}`),
    );
  });
  assert.match(said, /^0\n[\s\S]*replayed {2}the same\n$/);
});

test.run();
