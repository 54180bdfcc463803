// Files that appear whole or not at all.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { AtomicFile, checkWritable, fileError, writeFileAtomic } from "../../runtime/output/atomic-file.ts";
import { asOrdinaryUser, linksAreMissing, root, skip } from "../root.ts";

const test = suite<{ dir: string }>("atomic file");
test.before.each((context) => {
  context.dir = fs.mkdtempSync(path.join(os.tmpdir(), "belljar-"));
});
test.after.each((context) => {
  fs.rmSync(context.dir, { recursive: true, force: true });
});

const code = (expected: string) => (error: BelljarError) =>
  error.code === expected && error.message.endsWith(".");

test("the file is there after commit, whole, and nothing else is", ({ dir }) => {
  const name = path.join(dir, "a.txt");
  const file = AtomicFile.open(name);
  file.write("hello ");
  file.write(Uint8Array.of(119, 111));
  file.overwrite(0, Uint8Array.of(72));
  assert.not(fs.existsSync(name));
  file.commit();
  assert.is(fs.readFileSync(name, "utf8"), "Hello wo");
  assert.equal(fs.readdirSync(dir), ["a.txt"]);
  file.abort();
  assert.throws(() => file.write("more"), code("file/closed"));
  assert.equal(fs.readdirSync(dir), ["a.txt"]);
});

test("what was there before stays until commit, and after abort", ({ dir }) => {
  const name = path.join(dir, "a.txt");
  fs.writeFileSync(name, "old", { mode: 0o640 });
  const aborted = AtomicFile.open(name);
  aborted.write("new");
  assert.is(fs.readFileSync(name, "utf8"), "old");
  aborted.abort();
  assert.is(fs.readFileSync(name, "utf8"), "old");
  assert.equal(fs.readdirSync(dir), ["a.txt"]);
  writeFileAtomic(name, "new");
  assert.is(fs.readFileSync(name, "utf8"), "new");
  if (process.platform !== "win32") assert.is(fs.statSync(name).mode & 0o777, 0o640);
});

test("a link stays a link: what it points to is replaced", ({ dir }) => {
  const lacks = linksAreMissing();
  if (lacks !== null) return skip(lacks);
  fs.mkdirSync(path.join(dir, "sub"));
  fs.symlinkSync("sub/real.txt", path.join(dir, "link.txt"));
  writeFileAtomic(path.join(dir, "link.txt"), "through");
  assert.is(fs.readFileSync(path.join(dir, "sub/real.txt"), "utf8"), "through");
  assert.ok(fs.lstatSync(path.join(dir, "link.txt")).isSymbolicLink());
  assert.equal(fs.readdirSync(path.join(dir, "sub")), ["real.txt"]);
});

test("a place that can't be written is refused at once, by name", ({ dir }) => {
  fs.writeFileSync(path.join(dir, "file"), "");
  assert.throws(() => checkWritable(dir), code("file/is-folder"));
  assert.throws(() => checkWritable(path.join(dir, "new/")), code("file/is-folder"));
  assert.throws(() => checkWritable(path.join(dir, "none", "a")), code("file/no-folder"));
  assert.throws(() => checkWritable(path.join(dir, "file", "a")), code("file/no-folder"));
  assert.throws(() => checkWritable(path.join(dir, "x".repeat(256))), code("file/name-too-long"));
  const nothing = process.platform === "win32" ? "NUL" : "/dev/null";
  assert.throws(() => checkWritable(nothing), code("file/not-a-file"));
  assert.throws(() => checkWritable(""), code("file/bad-name"));
  assert.throws(() => checkWritable("a\0b"), code("file/bad-name"));
  if (process.platform === "linux") {
    assert.throws(
      () => checkWritable("/proc/a"),
      (error: BelljarError) => error.code.startsWith("file/"),
    );
  }
  assert.equal(fs.readdirSync(dir).sort(), ["file"]);
});

test("a link that leads to itself is refused", ({ dir }) => {
  const lacks = linksAreMissing();
  if (lacks !== null) return skip(lacks);
  fs.symlinkSync("round", path.join(dir, "round"));
  assert.throws(() => checkWritable(path.join(dir, "round")), code("file/failed"));
  assert.equal(fs.readdirSync(dir), ["round"]);
});

test("a folder or a file without permission is refused", async ({ dir }) => {
  if (process.platform === "win32") return skip("Windows keeps permissions in another way");
  fs.writeFileSync(path.join(dir, "fixed"), "", { mode: 0o444 });
  fs.chmodSync(dir, 0o777);
  await asOrdinaryUser(() => {
    checkWritable(path.join(dir, "a"));
    // the system asks who really started the process here, and root may write to any file
    const fixed = () => checkWritable(path.join(dir, "fixed"));
    if (process.getuid?.() !== 0) assert.throws(fixed, code("file/no-permission"));
  });
  fs.chmodSync(dir, 0o555);
  await asOrdinaryUser(() => {
    assert.throws(() => checkWritable(path.join(dir, "a")), code("file/no-permission"));
  });
  fs.chmodSync(dir, 0o755);
});

test("a check leaves nothing behind", ({ dir }) => {
  checkWritable(path.join(dir, "a"));
  assert.equal(fs.readdirSync(dir), []);
});

test("a full disk gives one sentence", () => {
  const error = fileError(Object.assign(new Error("write"), { code: "ENOSPC" }), "out.wav");
  assert.is(error.code, "file/disk-full");
  assert.is(error.message, "The disk is full: out.wav could not be written.");
});

test("the listeners go when the last file is done", ({ dir }) => {
  const before = process.listenerCount("SIGINT") + process.listenerCount("exit");
  const one = AtomicFile.open(path.join(dir, "1"));
  const two = AtomicFile.open(path.join(dir, "2"));
  one.abort();
  assert.is(process.listenerCount("SIGINT") + process.listenerCount("exit"), before + 2);
  two.commit();
  assert.is(process.listenerCount("SIGINT") + process.listenerCount("exit"), before);
});

for (const [how, script, expected] of [
  ["Ctrl-C", "setInterval(() => {}, 1000)", "SIGINT"],
  ["process.exit", "process.exit(3)", 3],
  ["an error", "throw new Error('x')", 1],
] as const) {
  test(`a program that ends by ${how} leaves nothing behind`, async ({ dir }) => {
    if (process.platform === "win32" && expected === "SIGINT") {
      return skip("Windows has no signals of this kind");
    }
    const program = path.join(dir, "program.mjs");
    await build({
      stdin: {
        contents: `import { AtomicFile } from "./runtime/output/atomic-file.ts";
          AtomicFile.open(process.argv[2]).write("half"); console.log("open"); ${script};`,
        resolveDir: root,
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: program,
    });
    const child = spawn(process.execPath, [program, path.join(dir, "a")], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.stdout.once("data", () => {
      if (expected === "SIGINT") child.kill("SIGINT");
    });
    const [status, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.on("exit", (...end) => resolve(end));
    });
    assert.is(signal ?? status, expected);
    assert.equal(fs.readdirSync(dir), ["program.mjs"]);
  });
}

test("a file that only its owner may read is so from the first byte on, and stays so", ({ dir }) => {
  if (process.platform === "win32") return skip("Windows has no modes");
  const target = path.join(dir, "private");
  fs.writeFileSync(target, "open to all", { mode: 0o644 });
  const file = AtomicFile.open(target, 0o600);
  const [part = ""] = fs.readdirSync(dir).filter((name) => name.endsWith(".part"));
  assert.is(fs.statSync(path.join(dir, part)).mode & 0o777, 0o600);
  file.write("mine");
  file.commit();
  assert.is(fs.statSync(target).mode & 0o777, 0o600);
});

test.run();
