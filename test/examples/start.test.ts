// `npm start` as a newcomer meets it, where no terminal is: live for a second, and as a file.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { workFolder } from "../cli/program.ts";
import { root } from "../root.ts";

process.env["XDG_CONFIG_HOME"] = workFolder();

interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

function start(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    const program = join(root, "scripts", "start.mjs");
    execFile(process.execPath, [program, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("it plays live, says on what and for how long, and ends with a summary and a row for each plugin", async () => {
  const { code, stdout, stderr } = await start("--device", "null", "--seconds", "1");
  assert.is(code, 0, stderr);
  assert.match(stdout, /^Johann Sebastian Bach, Prelude in C major, live: 1 s of it\. Ctrl-C ends it\.$/m);
  assert.match(stdout, /^Playing on null, 48000 Hz, [\d.]+ ms ahead\.$/m);
  assert.match(
    stdout,
    /^Played 0:01 on null: load \d+ %, at most \d+ %; \d+ late blocks?, \d+ underruns?\.$/m,
  );
  assert.match(stdout, /^Heard [\d.]+ ms after it was made: [\d.]+ ms in the ring/m);
  assert.match(stdout, /^The audio thread had (real-time|raised|usual) priority[.;]/m);
  for (const node of ["bass", "echo", "hostile loop", "hostile nan", "hostile chase"]) {
    assert.match(stdout, new RegExp(`^${node} .* %`, "m"));
  }
  assert.match(stdout, /^It ended before a hostile plugin woke up\.$/m);
  assert.not.match(stdout + stderr, /\u001b/, "no terminal, no colours and no lines that are drawn again");
});

test("--render gives a file, a table and a picture, and the music is the same without the hostile plugins", async () => {
  const out = join(root, "examples", "demo", "out");
  const made = ["demo.wav", "demo.svg"].map((name) => join(out, name));
  for (const file of made) rmSync(file, { force: true });
  const { code, stdout, stderr } = await start("--render");
  assert.is(code, 0, stderr);
  assert.ok(made.every((file) => existsSync(file)));
  assert.match(stdout, /^hostile chase .* units, at 0:\d\d$/m);
  assert.match(stdout, /^The music is the same, bit by bit, with 3 plugins stopped in it\.$/m);
  const committed = readFileSync(join(root, "examples", "demo", "fingerprint.txt"), "utf8").trim();
  assert.match(stdout, new RegExp(`^fingerprint with them +${committed}$`, "m"));
});

test("what is mistyped is told in one sentence, and --help has all there is", async () => {
  const { code, stdout } = await start("--help");
  assert.is(code, 0);
  for (const option of ["--whole", "--device", "--seconds", "--render", "--accept"]) {
    assert.match(stdout, new RegExp(`^ +${option} `, "m"));
  }
  for (const [args, told] of [
    [["--rendr"], /^belljar: There is no option --rendr\. \[usage\/option\]\nDid you mean --render\?\n$/],
    [["--accept"], /^belljar: --accept goes with --render\. \[usage\/option\]\n/],
    [["--render", "--whole"], /^belljar: --whole does not go with --render\. \[usage\/option\]\n$/],
    [["twice"], /^belljar: "twice" is one argument too many\. \[usage\/superfluous\]\n$/],
  ] as const) {
    const outcome = await start(...args);
    assert.is(outcome.code, 2, outcome.stderr);
    assert.match(outcome.stderr, told);
  }
});

test.run();
