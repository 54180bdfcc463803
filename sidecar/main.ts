// The sidecar: the process that owns the sound card. It is started by Belljar, takes requests by its standard input and
// answers on file descriptor 3 (abi/sidecar.ts). It ends when its standard input does.

import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isMainThread, Worker } from "node:worker_threads";
import { pack, Unpackr } from "msgpackr";
import { scanMessagePack } from "../abi/messagepack.ts";
import {
  frameMessage,
  MESSAGE_BOUNDS,
  MessageReader,
  MOST_MESSAGE_BYTES,
  type SidecarAnswer,
  type SidecarEvent,
} from "../abi/sidecar.ts";
import { type ThreadData, runDeviceThread } from "./device-thread.ts";
import { HOST, runNaudiodonHost } from "./naudiodon/host.ts";
import { Sidecar } from "./sidecar.ts";
import { deviceSigns } from "./signs.ts";
import { WORDS } from "./words.ts";

const ANSWERS = 3;
/** Requests that may wait for the device, and bytes of answers that may wait for a reader, before no more are taken. */
const MOST_WAITING = 64;
const MOST_UNREAD = 1 << 20;
/** How often it is looked whether more can be taken. Milliseconds. */
const HOLD = 20;
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const HELP = `belljar-sidecar: plays what Belljar renders on a sound card.

It is started by \`belljar play\`, takes requests by its standard input and answers on file descriptor 3.

  --portaudio FILE   the PortAudio library to use (one with ASIO, say)
`;

if (!isMainThread) runDeviceThread();
else if (process.argv[2] === HOST && process.connected) runNaudiodonHost();
else main(process.argv.slice(2));

function main(args: readonly string[]): void {
  const library = readLibrary(args);
  if (!listened()) {
    process.stderr.write(
      "The sidecar is started by Belljar: it answers on file descriptor 3, which leads nowhere here.\n",
    );
    process.exit(2);
  }
  const out = new Socket({ fd: ANSWERS, readable: false, writable: true });
  // Whoever started it is gone: what was played is finished all the same.
  out.on("error", () => sidecar.end());
  const send = (message: SidecarAnswer | SidecarEvent): Promise<void> =>
    new Promise((sent) => out.write(frameMessage(pack(message)), () => sent()));
  const words = new SharedArrayBuffer(WORDS * 4);
  const workerData: ThreadData = { words, library };
  const worker = new Worker(new URL(import.meta.url), { workerData });
  const sidecar = new Sidecar(worker, new Int32Array(words), send, deviceSigns());
  const reader = new MessageReader();
  // Who asks faster than is answered, or reads no answers, waits.
  const held = (): boolean => sidecar.waitingRequests > MOST_WAITING || out.writableLength > MOST_UNREAD;
  process.stdin.on("data", (chunk: Buffer) => {
    reader.push(chunk, (bytes) => {
      const message = decode(bytes);
      if (typeof message === "string") sidecar.refuse(0, "sidecar/message", message);
      else sidecar.take(message.value);
    });
    if (!held()) return;
    process.stdin.pause();
    const look = setInterval(() => {
      if (held()) return;
      clearInterval(look);
      process.stdin.resume();
    }, HOLD);
  });
  process.stdin.on("end", () => sidecar.end());
  process.stdin.on("error", () => sidecar.end());
  // Ctrl-C, a terminal that is closed and a service that is stopped reach this process, too; but the one that started it
  // decides when the sound ends, and its own end ends standard input.
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => {});
}

/** The message, or what is wrong with it. */
function decode(bytes: Uint8Array | null): { value: unknown } | string {
  if (bytes === null) return `A message may hold ${MOST_MESSAGE_BYTES} bytes.`;
  try {
    scanMessagePack(bytes, MESSAGE_BOUNDS, (_, sentence) => new Error(sentence));
    return { value: unpackr.unpack(bytes) };
  } catch (error) {
    return `That was no MessagePack that is taken: ${(error as Error).message}.`;
  }
}

/** Whether somebody is at the other end of the answers: what else may bear that number is Node's own. */
function listened(): boolean {
  try {
    const answers = fstatSync(ANSWERS);
    return process.platform === "win32" || answers.isFIFO() || answers.isSocket();
  } catch {
    return false;
  }
}

function readLibrary(args: readonly string[]): string | null {
  let library: string | null = null;
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1];
    if (args[i] !== "--portaudio" || value === undefined) {
      process.stderr.write(HELP);
      process.exit(args[i] === "--help" ? 0 : 2);
    }
    // The last one: what the command line says comes behind what is set for good.
    library = value;
  }
  return library;
}
