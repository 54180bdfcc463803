// The built program as a user runs it: a child process, in a folder of its own.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** An empty folder, removed when the process ends. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "belljar-cli-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `belljar` with these arguments. Its output is a pipe, so no terminal. */
export function belljar(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const program = join(root, "dist", "cli.js");
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/**
 * Runs `belljar` with something wrong, and checks how it says so: exit code 2, one sentence with this code, no stack trace,
 * nothing on stdout that a program could take for a result, and no file that was not there before.
 */
export async function refused(code: string | RegExp, args: string[], cwd: string): Promise<Outcome> {
  const before = readdirSync(cwd).sort();
  const outcome = await belljar(args, cwd);
  const said = `belljar ${args.join(" ")}\n${outcome.stderr}`;
  assert.is(outcome.code, 2, said);
  const [first = "", ...hints] = outcome.stderr.trimEnd().split("\n");
  const [, sentence = "", found = ""] = /^belljar: (.*) \[([a-z-]+\/[a-z0-9-]+)\]$/.exec(first) ?? [];
  assert.ok(typeof code === "string" ? found === code : code.test(found), `${said}\nexpected code ${code}`);
  assert.match(sentence, /[.]$/, `a sentence: ${said}`);
  assert.not.match(sentence, /[.!?] [A-Z]/, `one sentence: ${said}`);
  assert.ok(hints.length <= 1, `at most one line of hint: ${said}`);
  assert.not.match(outcome.stderr, /^\s+at /m, `no stack trace: ${said}`);
  assert.equal(readdirSync(cwd).sort(), before, `no file is left behind: ${said}`);
  return outcome;
}

/** A WAV file of 16-bit stereo: a ramp. */
export function writeRamp(path: string, frames = 2000, rate = 48000): void {
  const data = Buffer.alloc(frames * 4);
  for (let i = 0; i < frames; i++) {
    data.writeInt16LE((i * 16) % 32768, i * 4);
    data.writeInt16LE(-((i * 16) % 32768), i * 4 + 2);
  }
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(36 + data.length, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 4, 28);
  header.writeUInt16LE(4, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(data.length, 40);
  writeFileSync(path, Buffer.concat([header, data]));
}

/** A MIDI file: one quarter note of middle C at 120 a minute. */
export function writeNote(path: string): void {
  const track = [0x00, 0x90, 0x3c, 0x64, 0x60, 0x80, 0x3c, 0x40, 0x00, 0xff, 0x2f, 0x00];
  const header = [0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0x60];
  writeFileSync(path, Buffer.from([...header, 0x4d, 0x54, 0x72, 0x6b, 0, 0, 0, track.length, ...track]));
}
