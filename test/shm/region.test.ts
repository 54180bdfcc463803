// time limit: 120 s
// Memory between two real processes, and what is left of it when one of them is killed.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRegion, openOwnRegion, openRegion } from "../../shm/region.ts";
import { createRing, RingReader, ringBytes, RingWriter } from "../../shm/ring.ts";
import { regionWake } from "../../shm/wake.ts";
import { root, skip } from "../root.ts";

const program = join(root, ".cache", "tests", `other-side-${process.pid}.mjs`);

test.before(async () => {
  const { common } = await import(pathToFileURL(join(root, "scripts", "bundle.mjs")).href);
  const esbuild = await import("esbuild");
  await esbuild.build({
    ...common,
    entryPoints: ["test/shm/other-side.ts"],
    outfile: program,
    sourcemap: false,
  });
});

function throws(work: () => unknown, code: string): void {
  assert.throws(work, (error: { code?: string }) => error.code === code);
}

test("what one process writes the other reads, and both see what is done at once", () => {
  const region = createRegion(4096);
  const again = openRegion(region.name, 4096);
  const a = new Int32Array(region.buffer);
  const b = new Int32Array(again.buffer);
  assert.is(
    a.every((word) => word === 0),
    true,
  );
  a[7] = 42;
  assert.is(b[7], 42);
  assert.is(Atomics.add(b, 7, 1), 42);
  assert.is(Atomics.load(a, 7), 43);
  again.close();
  region.close();
});

test("another user's process can't open it", async () => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return skip("being another user needs root");
  const user = { uid: 65_534, gid: 65_534 };
  const shape = { capacity: 1024, channels: 2, rate: 48_000 };
  const region = createRegion(ringBytes(shape));
  createRing(region.buffer, shape);
  const args = [program, "read", region.name, String(region.buffer.byteLength), "64"];
  const { status, stderr } = spawnSync(process.execPath, args, {
    ...user,
    encoding: "utf8",
    timeout: 20_000,
  });
  region.close();
  if (/Cannot find module|EACCES.*other-side/.test(stderr)) return skip("other users can't read this clone");
  assert.is(status, 1, stderr);
  assert.match(stderr, /can't be opened: it is gone, or another user's \(EACCES\)/);
});

test("a region is its user's alone, and can't be cut short under those who use it", async () => {
  if (process.platform !== "linux") return;
  const { ftruncateSync, fstatSync, openSync, closeSync } = await import("node:fs");
  const region = createRegion(8192);
  const descriptor = openSync(region.name, "r+");
  assert.is(fstatSync(descriptor).mode & 0o777, 0o600);
  assert.throws(() => ftruncateSync(descriptor, 0), /EPERM/);
  closeSync(descriptor);
  region.close();
});

test("this process's own threads open it by its descriptor, unlinked or not, until it is closed", () => {
  const region = createRegion(4096);
  const other = createRegion(4096);
  region.unlink();
  const again = openOwnRegion(region.ownName, 4096);
  new Int32Array(region.buffer)[3] = 17;
  assert.is(new Int32Array(again.buffer)[3], 17);
  again.close();
  const { ownName } = region;
  if (process.platform !== "win32") {
    throws(() => openOwnRegion(ownName, 8192), "shm/open");
    // No other process has that descriptor, and what another one names is not looked for among this one's.
    throws(() => openRegion(ownName, 4096), "shm/open");
    // The same number, another file.
    const [, , file] = other.ownName.split(":");
    throws(() => openOwnRegion(ownName.replace(/\d+$/, file as string), 4096), "shm/open");
    for (const descriptor of [0, 99_999]) throws(() => openOwnRegion(`fd:${descriptor}:1`, 16), "shm/open");
  }
  other.close();
  region.close();
  throws(() => openOwnRegion(ownName, 4096), "shm/open");
  assert.is(new Int32Array(region.buffer)[3], 17);
});

test("a name that is none, is gone, or leads to something else is refused in one sentence", () => {
  const region = createRegion(4096);
  throws(() => openRegion(region.name, 8192), "shm/open");
  for (const name of [
    "",
    "/etc/passwd",
    "/dev/shm/x",
    "../proc/1/fd/1",
    "/proc/self/fd/0",
    `${region.name}/x`,
    "/proc/1/fd/999999",
  ]) {
    throws(() => openRegion(name, 16), "shm/open");
  }
  if (process.platform === "linux") throws(() => openRegion(`/proc/${process.pid}/fd/0`, 16), "shm/open");
  for (const bytes of [0, -1, 1.5, Number.NaN, 2 ** 31]) throws(() => createRegion(bytes), "shm/size");
  const { name } = region;
  region.close();
  throws(() => openRegion(name, 4096), "shm/open");
});

const SHAPE = { capacity: 1024, channels: 3, rate: 48_000 };

function start(role: "write" | "read", name: string, block: number): ChildProcess {
  const bytes = ringBytes(SHAPE);
  return spawn(process.execPath, [program, role, name, String(bytes), String(block)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  const [code] = await ended;
  assert.is(code, null, "it ended by itself");
}

/** Until `look` gives more than `least`; a process that has died stops it. */
async function until(least: number, look: () => number, child: ChildProcess): Promise<void> {
  while (look() < least) {
    assert.is(child.exitCode, null, "the other side found a wrong frame");
    await new Promise((resume) => setTimeout(resume, 5));
  }
}

test("a reader that is killed again and again loses no frame and doubles none", async () => {
  const region = createRegion(ringBytes(SHAPE));
  createRing(region.buffer, SHAPE);
  const writer = new RingWriter(region.buffer, regionWake(region), process.pid);
  const channels = Array.from({ length: 3 }, () => new Float32Array(100));
  let next = 0;
  const fill = (): void => {
    while (writer.space >= 100) {
      for (const channel of channels) for (let i = 0; i < 100; i++) channel[i] = (next + i) & 0xfffff;
      writer.write(channels, 100);
      next += 100;
    }
  };
  for (let round = 1; round <= 6; round++) {
    const child = start("read", region.name, 64 + round);
    const from = writer.readPosition;
    await until(
      from + 20_000 + 7919 * round,
      () => {
        fill();
        return writer.readPosition;
      },
      child,
    );
    await kill(child);
  }
  assert.ok(next > 100 * SHAPE.capacity);
  region.close();
});

test("a writer that is killed again and again leaves whole frames, and its successor goes on", async () => {
  const region = createRegion(ringBytes(SHAPE));
  createRing(region.buffer, SHAPE);
  const reader = new RingReader(region.buffer, regionWake(region), process.pid);
  const into = new Float32Array(300);
  const wrong: number[] = [];
  const drain = (): number => {
    for (;;) {
      const at = reader.readPosition;
      const count = reader.read(into, 100);
      if (count === 0) return reader.readPosition;
      for (let i = 0; i < count * 3; i++) {
        if (into[i] !== ((at + Math.floor(i / 3)) & 0xfffff)) wrong.push(at);
      }
    }
  };
  for (let round = 1; round <= 6; round++) {
    const child = start("write", region.name, 50 + round);
    await until(reader.readPosition + 20_000 + 7919 * round, drain, child);
    await kill(child);
  }
  drain();
  assert.equal(wrong, []);
  region.close();
});

test("nothing is left behind by a process that is killed", async () => {
  if (process.platform !== "linux") return;
  const before = readdirSync("/dev/shm");
  const region = createRegion(ringBytes(SHAPE));
  createRing(region.buffer, SHAPE);
  const reader = new RingReader(region.buffer, regionWake(region), process.pid);
  const child = start("write", region.name, 10);
  await until(1, () => reader.available, child);
  assert.match(readlinkSync(region.name), /^\/memfd:belljar \(deleted\)$/);
  await kill(child);
  region.close();
  assert.equal(readdirSync("/dev/shm"), before);
});

test.run();
