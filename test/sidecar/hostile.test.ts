// time limit: 120 s
// Each side of the conversation against another side that means harm, or is broken: an answer or a sentence, never an
// end, a hang, or memory without bounds.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { pack, unpack } from "msgpackr";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameMessage, MessageReader, MOST_MESSAGE_BYTES } from "../../abi/sidecar.ts";
import { SidecarClient } from "../../runtime/output/sidecar-client.ts";
import { skip } from "../root.ts";
import { buildFake } from "./fake.ts";
import { makeRing, PROGRAM, startSidecar, WISH } from "./rig.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-hostile-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** MiB that a process holds (Linux), or 0. */
function memoryOf(pid: number): number {
  if (process.platform !== "linux") return 0;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** Lists, each inside the one before, that say that they have 65,535 entries: a decoder that believes them fills gigabytes. */
const BOMB = frameMessage(new Uint8Array(300_000).fill(0xff).map((_, i) => (i % 3 === 0 ? 0xdc : 0xff)));

const requests: object[] = [
  { id: 1, op: "hello", version: 1 },
  { id: 2, op: "list", without: ["portaudio", "naudiodon"] },
  { id: 3, op: "caps", device: "null" },
  { id: 4, op: "open", device: "null", wish: WISH },
  { id: 5, op: "start", ring: { name: "/proc/1/fd/1", bytes: 4096 } },
  { id: 6, op: "drain", milliseconds: 1 },
  { id: 7, op: "pause" },
  { id: 8, op: "reset" },
  { id: 9, op: "stop" },
  { id: 10, op: "close" },
];
const anyValue = fc.oneof(
  fc.constantFrom(null, -1, 0, 1e308, Number.NaN, "", "null", "wav:", "x".repeat(5000), [], {}, true),
  fc.jsonValue({ maxDepth: 8 }),
);
const changedRequest = fc
  .tuple(
    fc.constantFrom(...requests),
    fc.dictionary(
      fc.constantFrom(
        ...Object.keys({ ...WISH, ...requests[4] }),
        "op",
        "device",
        "wish",
        "without",
        "milliseconds",
      ),
      anyValue,
      { maxKeys: 3 },
    ),
  )
  .map(([request, more]) => frameMessage(pack({ ...request, ...more })));
const changedBytes = fc
  .tuple(
    fc.constantFrom(...requests),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  )
  .map(([request, changes]) => {
    const bytes = Uint8Array.from(pack(request));
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return frameMessage(bytes);
  });
const anyFrame = fc.oneof(
  changedRequest,
  changedBytes,
  fc.uint8Array({ maxLength: 60 }).map(frameMessage),
  fc.constantFrom(BOMB, frameMessage(new Uint8Array(MOST_MESSAGE_BYTES + 1))),
);

test("a sidecar that is sent anything goes on answering", async () => {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ["pipe", "ignore", "inherit", "pipe"],
    cwd: folder,
  });
  const waiting = new Map<number, () => void>();
  const reader = new MessageReader();
  (child.stdio[3] as NodeJS.ReadableStream).on("data", (chunk: Buffer) =>
    reader.push(chunk, (message) => {
      const { id } = unpack(message as Uint8Array) as { id?: number };
      waiting.get(id as number)?.();
    }),
  );
  const ended = once(child, "exit").then(([code, signal]) => `it ended: ${code ?? signal}`);
  let id = 1e9;
  const isAnswered = async (): Promise<void> => {
    const mine = ++id;
    const answered = new Promise<void>((resolve) => waiting.set(mine, resolve));
    child.stdin?.write(frameMessage(pack({ id: mine, op: "caps", device: "null" })));
    assert.is(await Promise.race([answered, ended]), undefined);
    waiting.delete(mine);
  };
  child.stdin?.write(frameMessage(pack(requests[0])));
  await isAnswered();
  const before = memoryOf(child.pid as number);
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { minLength: 1, maxLength: 12 }), async (frames) => {
      for (const frame of frames) child.stdin?.write(frame);
      await isAnswered();
    }),
    { numRuns: 60 },
  );
  assert.ok(
    memoryOf(child.pid as number) < before + 200,
    `${before} MiB became ${memoryOf(child.pid as number)}`,
  );
  child.stdin?.end();
  assert.is(await ended, "it ended: 0");
});

test("requests that nobody reads the answers of wait: the sidecar's memory has a bound", async () => {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ["pipe", "ignore", "inherit", "pipe"],
    cwd: folder,
  });
  child.stdin?.on("error", () => {});
  const frames = Buffer.concat(Array.from({ length: 2000 }, () => frameMessage(pack({ id: 1, op: "fly" }))));
  child.stdin?.write(frameMessage(pack(requests[0])));
  // As much as it takes: what it does not take lies here.
  let written = 0;
  while (written < 400 && (child.stdin?.writableLength ?? 0) < 8 << 20) {
    child.stdin?.write(frames);
    written++;
    await new Promise((resume) => setTimeout(resume, 1));
  }
  assert.ok((child.stdin?.writableLength ?? 0) >= 8 << 20, "it took all that it was given");
  assert.ok(memoryOf(child.pid as number) < 300);
  child.kill("SIGKILL");
  await once(child, "exit");
});

const CARD = "portaudio:ASIO:Fake card";
const library = join(folder, "fake.so");
const lacks = buildFake(library);

test("a sidecar whose driver hangs ends by itself, whoever started it, and says why and nothing else", async () => {
  if (lacks !== null) return skip(lacks);
  const env = { ...process.env, FAKE_FAULT: "hang", FAKE_ONCE: join(folder, "hang.once") };
  const child = spawn(process.execPath, [PROGRAM, "--portaudio", library], {
    stdio: ["pipe", "ignore", "pipe", "pipe"],
    env,
  });
  const exit = once(child, "exit");
  const said: Record<string, unknown>[] = [];
  let printed = "";
  const reader = new MessageReader();
  child.stderr?.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  (child.stdio[3] as NodeJS.ReadableStream).on("data", (chunk: Buffer) =>
    reader.push(chunk, (message) => said.push(unpack(message as Uint8Array) as Record<string, unknown>)),
  );
  const { ring, region } = makeRing(WISH);
  for (const request of [
    requests[0],
    { id: 2, op: "open", device: CARD, wish: WISH },
    { id: 3, op: "start", ring },
  ]) {
    child.stdin?.write(frameMessage(pack(request)));
  }
  assert.equal(await exit, [null, "SIGKILL"]);
  region.close();
  const { code, event } = said.at(-1) as Record<string, unknown>;
  assert.equal([event, code, printed], ["lost", "device/stuck", ""]);
});

test("one that is left alone while its driver hangs in the opening of a device ends, too", async () => {
  if (lacks !== null) return skip(lacks);
  const env = { ...process.env, FAKE_FAULT: "hang-open", FAKE_ONCE: join(folder, "open.once") };
  const child = spawn(process.execPath, [PROGRAM, "--portaudio", library], {
    stdio: ["pipe", "ignore", "inherit", "pipe"],
    env,
  });
  const exit = once(child, "exit");
  child.stdio[3]?.on("error", () => {});
  child.stdin?.write(frameMessage(pack(requests[0])));
  child.stdin?.end(frameMessage(pack({ id: 2, op: "open", device: CARD, wish: WISH })));
  assert.equal(await exit, [null, "SIGKILL"]);
});

test("a driver whose numbers make no sense takes nobody's list of devices away", async () => {
  if (lacks !== null) return skip(lacks);
  const { client } = await startSidecar(["--portaudio", library], { FAKE_FAULT: "odd" });
  const { devices } = await client.request("list", { without: ["naudiodon"] });
  assert.equal(
    devices.map(({ id, defaultRate }) => [id, defaultRate]),
    [
      [CARD, 48_000],
      ["null", 48_000],
      ["wav:FILE", 48_000],
    ],
  );
  const { lowLatency, highLatency } = await client.request("caps", { device: CARD });
  assert.equal([lowLatency, highLatency], [0, 0]);
  await client.close();
});

/** A sidecar that answers the requests that come with these bytes, one after the other, the last ones again and again. */
function impostor(name: string, answers: Uint8Array[], forever = false): { program: string; args: string[] } {
  const file = join(folder, `${name}.mjs`);
  const list = JSON.stringify(answers.map((bytes) => Buffer.from(bytes).toString("base64")));
  const rest = forever ? "const go = () => { while (out.write(last)); out.once('drain', go); }; go();" : "";
  writeFileSync(
    file,
    `import { Socket } from "node:net";
const out = new Socket({ fd: 3, readable: false, writable: true });
out.on("error", () => process.exit());
const answers = ${list}.map((text) => Buffer.from(text, "base64"));
const last = answers.at(-1);
process.stdin.on("data", () => { if (answers.length > 0) out.write(answers.shift()); if (answers.length === 0) { ${rest} } });
process.stdin.on("end", () => process.exit());
`,
  );
  return { program: process.execPath, args: [file] };
}

const answer = (fields: object): Uint8Array => frameMessage(pack(fields));
const HELLO = answer({ id: 1, ok: true, version: 1, pid: 1, node: "v20" });

/** How a client fares: what is thrown, by start or by the request after it. */
async function fate(
  command: { program: string; args: string[] },
  op: "open" | "list" | "caps" = "open",
): Promise<string> {
  let client: SidecarClient | null = null;
  try {
    client = await SidecarClient.start(command, () => {});
    if (op === "open") await client.request("open", { device: "null", wish: WISH }, 1000);
    else if (op === "list") await client.request("list", { without: [] }, 1000);
    else await client.request("caps", { device: "null" }, 1000);
    return "believed";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    client?.kill();
  }
}

test("a sidecar's answers are believed only as far as they make sense", async () => {
  const format = {
    rate: 48_000,
    channels: 2,
    format: "float32",
    bufferFrames: null,
    chunkFrames: 256,
    latency: 0,
    changes: [],
  };
  const opened = (more: object): Uint8Array => answer({ id: 2, ok: true, ...format, ...more });
  const list = { apis: [], devices: [], library: null, notes: [] };
  const cases: [string, Uint8Array[], string, ("open" | "list" | "caps")?][] = [
    ["whole", [HELLO, opened({})], "believed"],
    [
      "other-version",
      [answer({ id: 1, ok: false, code: "sidecar/version", message: "No.", hint: "" })],
      "sidecar/version",
    ],
    ["version-text", [answer({ id: 1, ok: true, version: "one", pid: 1, node: "" })], "sidecar/protocol"],
    ["version-two", [answer({ id: 1, ok: true, version: 2, pid: 1, node: "" })], "sidecar/version"],
    ["no-map", [answer([1])], "sidecar/timeout"],
    ["number", [answer({ id: 1, ok: 1 })], "sidecar/protocol"],
    ["garbage", [frameMessage(Uint8Array.of(0xc1, 1, 2))], "sidecar/protocol"],
    ["extension", [frameMessage(Uint8Array.of(0xd4, 0x78, 0))], "sidecar/protocol"],
    ["bomb", [BOMB], "sidecar/protocol"],
    ["too-long", [frameMessage(new Uint8Array(MOST_MESSAGE_BYTES + 1))], "sidecar/protocol"],
    ["never-ends", [Uint8Array.of(0, 0, 8, 0, 1, 2, 3)], "sidecar/timeout"],
    ["other-ids", [answer({ id: 7, ok: true }), HELLO], "sidecar/timeout"],
    ["rate", [HELLO, opened({ rate: 1e9 })], "sidecar/protocol"],
    ["channels", [HELLO, opened({ channels: 0.5 })], "sidecar/protocol"],
    ["chunk", [HELLO, opened({ chunkFrames: 0 })], "sidecar/protocol"],
    ["latency", [HELLO, opened({ latency: -1 })], "sidecar/protocol"],
    ["changes", [HELLO, opened({ changes: "none" })], "sidecar/protocol"],
    ["empty", [HELLO, answer({ id: 2, ok: true })], "sidecar/protocol"],
    ["list", [HELLO, answer({ id: 2, ok: true, ...list })], "believed", "list"],
    [
      "devices",
      [HELLO, answer({ id: 2, ok: true, ...list, devices: [{ id: 5 }] })],
      "sidecar/protocol",
      "list",
    ],
    ["rates", [HELLO, answer({ id: 2, ok: true, rates: [null] })], "sidecar/protocol", "caps"],
  ];
  // Those that keep silent are waited for: all at once; the others a few at a time, since each is a process.
  const fates: string[] = [];
  const run = async ([name, answers, , op]: (typeof cases)[number], i: number): Promise<void> => {
    fates[i] = await fate(impostor(name, answers), op);
  };
  const silent = cases.map((one, i) => (one[2] === "sidecar/timeout" ? run(one, i) : null));
  for (const [i, one] of cases.entries()) if (silent[i] === null) await run(one, i);
  await Promise.all(silent);
  assert.equal(
    cases.map(([name], i) => `${name}: ${fates[i]}`),
    cases.map(([name, , expected]) => `${name}: ${expected}`),
  );
});

test("a sidecar that never stops talking is ended", async () => {
  const event = answer({ event: "underrun", underruns: 1, worstShortfall: 1, missingFrames: 1 });
  const nonsense = answer({ event: "party", at: "ten" });
  for (const [name, message] of [
    ["flood", event],
    ["party", nonsense],
  ] as const) {
    let heard = 0;
    const client = await SidecarClient.start(impostor(name, [HELLO, message], true), () => heard++);
    void client.request("status", {}).catch(() => {});
    while (client.ended === null) await new Promise((resume) => setTimeout(resume, 5));
    assert.is(client.ended.code, "sidecar/protocol");
    assert.ok(heard <= 202, String(heard));
  }
});

test.run();
