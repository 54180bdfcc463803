// Reading files that someone named: what is no regular file is refused at once, with one sentence.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { namesDevice } from "../../runtime/output/device-name.ts";
import { readRegularFile } from "../../runtime/registry/read-file.ts";
import { asOrdinaryUser, linksAreMissing, skip } from "../root.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-read-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "plugin.wasm");
writeFileSync(path, Uint8Array.from([1, 2, 3]));

async function refused(name: string, code: string, most = 100): Promise<void> {
  try {
    await readRegularFile(name, most, "a plugin");
  } catch (error) {
    assert.instance(error, BelljarError);
    assert.is((error as BelljarError).code, code);
    assert.match((error as BelljarError).message, /^[^\n]*\.$/);
    return;
  }
  assert.unreachable(`${name} was read`);
}

test("a file's bytes are read, through a link too", async () => {
  assert.equal([...(await readRegularFile(path, 3))], [1, 2, 3]);
  const lacks = linksAreMissing();
  if (lacks !== null) return skip(lacks);
  symlinkSync(path, join(folder, "link"));
  assert.equal([...(await readRegularFile(join(folder, "link"), 3))], [1, 2, 3]);
});

test("a file that is not there, a folder, an empty name and one byte too many are each named", async () => {
  await refused(join(folder, "absent"), "file/not-found");
  await refused(join(path, "below"), "file/not-found");
  await refused(folder, "file/is-folder");
  await refused("", "file/not-found");
  await refused("a\0b", "file/not-found");
  await refused(path, "file/too-large", 2);
});

test("links in a circle are named", async () => {
  const lacks = linksAreMissing();
  if (lacks !== null) return skip(lacks);
  symlinkSync(join(folder, "one"), join(folder, "two"));
  symlinkSync(join(folder, "two"), join(folder, "one"));
  await refused(join(folder, "one"), "file/failed");
});

test("a name that Windows keeps for a device is refused there before anything is opened", async () => {
  const devices = [
    "NUL",
    "con",
    "Aux.wav",
    "COM1",
    "com3.mid",
    "lpt¹",
    "CONIN$",
    "nul .txt",
    "prn:x",
    "C:con",
  ];
  for (const name of devices) {
    assert.ok(namesDevice(name, "win32"), name);
    assert.ok(namesDevice(`some\\folder/${name}`, "win32"), name);
    assert.not.ok(namesDevice(name, "linux"), name);
  }
  for (const name of ["console", "null.wav", "com", "com10", "lpt.", "C:\\nul\\a.wav", "acon"]) {
    assert.not.ok(namesDevice(name, "win32"), name);
  }
  if (process.platform === "win32") await refused(join(folder, "con.wasm"), "file/not-a-file");
});

test("a named pipe with nobody at its other end, and a socket, are refused without waiting", async () => {
  if (process.platform === "win32") return skip("Windows has no named pipes among its files");
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await refused(join(folder, "pipe"), "file/not-a-file");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
  await refused(join(folder, "socket"), "file/not-a-file");
  server.close();
});

test("a device is refused without being read", async () => {
  if (process.platform === "win32") return skip("Windows has no device files");
  await refused("/dev/zero", "file/not-a-file");
});

test("a file that this user may not read is named", async () => {
  if (process.platform === "win32") return skip("Windows keeps permissions in another way");
  chmodSync(dirname(path), 0o755);
  chmodSync(path, 0);
  await asOrdinaryUser(() => refused(path, "file/no-permission"));
});

test.run();
