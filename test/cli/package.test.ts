// time limit: 120 s
// `belljar package sink`: what is packed, byte by byte the same; and a sidecar that is unpacked elsewhere plays.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TARGETS } from "../../runtime/cli/sidecar-package.ts";
import { root, skip } from "../root.ts";
import { belljar, type Outcome, refused, workFolder, writeNote } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
const own = `${process.platform}-${process.arch}`;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const zipOf = (where: string, debug = ""): string =>
  join(folder, where, `belljar-sidecar-${version}-${own}${debug}.zip`);
const pack = (...args: string[]): Promise<Outcome> =>
  belljar(["package", "sink", "--skip-build", ...args], folder);
const known = (TARGETS as readonly string[]).includes(own);

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("the package lists every file with its hash, and its own; the same sources give the same bytes", async () => {
  if (!known) return skip(`nothing is packed for ${own}`);
  const first = await pack("--out", "one");
  assert.is(first.code, 0, first.stderr);
  const second = await pack("--out", "two", "--json", "--target", own, "--target", own);
  const zip = readFileSync(zipOf("one"));
  assert.equal(zip, readFileSync(zipOf("two")));
  const [facts, ...more] = JSON.parse(second.stdout);
  assert.equal(more, []);
  assert.is(facts.sha256, hash(zip));
  assert.ok(first.stdout.includes(`${zip.length} bytes, SHA-256 ${hash(zip)}`));
  const files = unzipSync(zip);
  const manifest = JSON.parse(strFromU8(files["manifest.json"] as Uint8Array));
  assert.equal(manifest, facts.manifest);
  assert.equal([manifest.name, manifest.version, manifest.target], ["belljar-sidecar", version, own]);
  const listed = manifest.files.map(({ path }: { path: string }) => path);
  assert.equal(listed, [...listed].sort());
  assert.equal(Object.keys(files).sort(), ["manifest.json", ...listed].sort());
  for (const { path, bytes, sha256 } of manifest.files) {
    assert.equal([files[path]?.length, hash(files[path] as Uint8Array)], [bytes, sha256], path);
    assert.ok(first.stdout.includes(path), path);
  }
  assert.not.match(strFromU8(files["bin/sidecar.js"] as Uint8Array), /sourceMappingURL/);
  assert.is(files["bin/sidecar.js.map"], undefined);
});

test("times and places leave no trace in it", async () => {
  if (!known) return skip(`nothing is packed for ${own}`);
  const env = { TZ: "Asia/Tokyo", LANG: "tr_TR.UTF-8" };
  const { code } = await belljar(["package", "sink", "--skip-build", "--out", "three"], folder, env);
  assert.is(code, 0);
  assert.equal(readFileSync(zipOf("three")), readFileSync(zipOf("one")));
});

test("debug has the source map, too", async () => {
  if (!known) return skip(`nothing is packed for ${own}`);
  await pack("--configuration", "debug", "--out", "debug");
  const files = unzipSync(readFileSync(zipOf("debug", "-debug")));
  assert.ok(files["bin/sidecar.js.map"]);
  assert.match(strFromU8(files["bin/sidecar.js"] as Uint8Array), /sourceMappingURL=sidecar\.js\.map/);
});

test("unpacked in another place it plays, and is found there by the configuration's sidecar_path", async () => {
  if (!known) return skip(`nothing is packed for ${own}`);
  const there = join(folder, "unpacked here");
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(zipOf("one"))))) {
    mkdirSync(dirname(join(there, name)), { recursive: true });
    writeFileSync(join(there, name), bytes);
  }
  writeNote(join(folder, "note.mid"));
  const home = join(folder, "home");
  mkdirSync(join(home, "belljar"), { recursive: true });
  const output = { sidecar_path: join(there, "bin", "sidecar.js"), device: "wav:out.wav" };
  writeFileSync(join(home, "belljar", "config.json"), JSON.stringify({ output }));
  const env = { XDG_CONFIG_HOME: home, APPDATA: home, HOME: folder };
  const { code, stderr, stdout } = await belljar(["play", "note.mid", "--seconds", "0.3"], folder, env);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^Playing on wav:out\.wav/);
  assert.ok(readFileSync(join(folder, "out.wav")).length > 1000);
});

test("a PortAudio library that is packed lies beside the sidecar under the name that it looks for", async () => {
  if (own !== "linux-x64") return skip("the name is checked for Linux");
  writeFileSync(join(folder, "with-asio.so"), "a library");
  await pack("--portaudio", "with-asio.so", "--out", "own");
  const files = unzipSync(readFileSync(zipOf("own")));
  assert.is(strFromU8(files["bin/libportaudio.so.2"] as Uint8Array), "a library");
});

test("what can't be packed is told in one sentence, and nothing is written", async () => {
  await refused("usage/missing", ["package"], folder);
  const what = await refused("usage/value", ["package", "sonk"], folder);
  assert.match(what.stderr, /Did you mean sink\?/);
  const target = await refused(
    "usage/value",
    ["package", "sink", "--skip-build", "--target", "linux-x46"],
    folder,
  );
  assert.match(target.stderr, /Did you mean linux-x64\?/);
  await refused("usage/value", ["package", "sink", "--skip-build", "--configuration", "fast"], folder);
  await refused("package/portaudio", ["package", "sink", "--skip-build", "--portaudio", "none.dll"], folder);
  const two = ["--target", "win32-x64", "--target", "linux-x64", "--portaudio", "with-asio.so"];
  await refused("usage/value", ["package", "sink", "--skip-build", ...two], folder);
  if (process.platform === "linux") {
    // A folder in which nobody can make one.
    await refused("file/no-folder", ["package", "sink", "--skip-build", "--out", "/proc/none/here"], folder);
  }
  const other = TARGETS.find((name) => !existsSync(join(root, "node_modules", "@koromix", `koffi-${name}`)));
  if (other === undefined) return skip("koffi is installed for every system");
  const missing = await refused(
    "package/target",
    ["package", "sink", "--skip-build", "--target", other],
    folder,
  );
  assert.match(missing.stderr, new RegExp(`npm install --no-save --force @koromix/koffi-${other}@\\d`));
});

test("the script for a shell packs the same", async () => {
  if (process.platform === "win32" || !known) return skip("it is a shell script");
  const script = join(root, "scripts", "package-sink.sh");
  const error = await new Promise((resolve) => {
    execFile("sh", [script, "--skip-build", "--out", join(folder, "script")], { cwd: folder }, resolve);
  });
  assert.is(error, null);
  assert.equal(readFileSync(zipOf("script")), readFileSync(zipOf("one")));
  assert.equal(readdirSync(join(folder, "script")).length, 1);
});

test.run();
