// "naudiodon:…": the addon of that name, in a process of its own (naudiodon/host.ts) that is given up and killed when it
// takes no sound any more.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { BelljarError, printable } from "../../abi/error.ts";
import type { DeviceCaps, DeviceInfo, HostApi, StreamFormat, StreamWish } from "../../abi/sidecar.ts";
import { openRegion, type Region } from "../../shm/region.ts";
import { RingWriter } from "../../shm/ring.ts";
import { RingState } from "../../abi/ring.ts";
import { regionWake } from "../../shm/wake.ts";
import { HOST } from "../naudiodon/host.ts";
import { findNaudiodon } from "../naudiodon/place.ts";
import {
  HOST_WORDS_BYTES,
  type HostAnswer,
  type HostRequest,
  HostWords,
  type Opened,
  Order,
} from "../naudiodon/words.ts";
import type { Backend, OpenDevice } from "./device.ts";

/** Milliseconds that an answer may take: fewer than the sidecar allows its own thread. */
const ANSWER = 4000;
/** Milliseconds that the addon may take to begin, and to end beside what it still has to play. */
const TURN = 1500;
/** Milliseconds without a chunk taken, after which a device counts as lost; beside its own buffer's length. */
const PATIENCE = 1500;
/** JavaScript's memory in the process, MiB. */
const MEMORY = 64;

/** Why naudiodon can't be used here, and what would help; null: it can. */
function naudiodonIsMissing(): BelljarError | null {
  const place = findNaudiodon();
  const hint = "Install it: npm install naudiodon. It is compiled then, with g++, make and python3.";
  if (place === null) return new BelljarError("device/library", "naudiodon is not installed here.", hint);
  if (place.addon !== null && place.library !== null) return null;
  return new BelljarError(
    "device/library",
    "naudiodon is installed, and not compiled.",
    "Compile it: npm rebuild naudiodon --ignore-scripts=false, with g++, make and python3.",
  );
}

export class Naudiodon implements Backend {
  readonly name = "naudiodon";
  private host: HostProcess | null = null;
  private device: NaudiodonDevice | null = null;

  /** Whether the addon is here. */
  static get isHere(): boolean {
    return naudiodonIsMissing() === null;
  }

  private ask(request: HostRequest): Promise<object> {
    const missing = naudiodonIsMissing();
    if (missing !== null) throw missing;
    if (this.host === null || this.host.ended) this.host = new HostProcess();
    return this.host.ask(request);
  }

  async list(): Promise<{ apis: HostApi[]; devices: DeviceInfo[] }> {
    // A new process sees what has come and gone.
    if (this.device === null || this.device.closed) await this.end();
    return (await this.ask({ op: "list" })) as { apis: HostApi[]; devices: DeviceInfo[] };
  }

  async caps(device: string): Promise<DeviceCaps> {
    return (await this.ask({ op: "caps", device })) as DeviceCaps;
  }

  async open(device: string, wish: StreamWish): Promise<OpenDevice> {
    const opened = (await this.ask({ op: "open", device, wish })) as Opened;
    this.device = new NaudiodonDevice(device, opened, this.host as HostProcess);
    return this.device;
  }

  /** Ends the process, whatever it does. */
  async end(): Promise<void> {
    await this.host?.end();
  }
}

class HostProcess {
  private readonly child: ChildProcess;
  /** Settled when the process has gone and nothing is left of it. */
  private readonly gone: Promise<unknown>;
  private leaving = false;

  constructor() {
    this.child = fork(fileURLToPath(import.meta.url), [HOST], {
      // It prints where it likes; sound servers' libraries do, too.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [`--max-old-space-size=${MEMORY}`],
    });
    this.child.on("error", () => {});
    this.gone = once(this.child, "exit").catch(() => {});
  }

  get ended(): boolean {
    return this.leaving || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** @throws BelljarError what the host answers; device/stuck, device/failed */
  async ask(request: HostRequest): Promise<object> {
    const { child } = this;
    let end: () => void = () => {};
    try {
      const answer = await new Promise<HostAnswer>((resolve, reject) => {
        const timer = setTimeout(async () => {
          child.off("exit", exit);
          await this.end();
          reject(new BelljarError("device/stuck", `naudiodon did not answer "${request.op}".`));
        }, ANSWER);
        const exit = (): void =>
          reject(new BelljarError("device/failed", `naudiodon died of "${request.op}".`));
        child.once("message", resolve);
        child.once("exit", exit);
        end = () => {
          clearTimeout(timer);
          child.off("message", resolve);
          child.off("exit", exit);
        };
        child.send(request, (error) => error !== null && exit());
      });
      if (!answer.ok) throw new BelljarError(answer.code, answer.message, answer.hint);
      return answer.result;
    } finally {
      end();
    }
  }

  /** Its own end could hang. */
  end(): Promise<unknown> {
    this.leaving = true;
    this.child.kill("SIGKILL");
    return this.gone;
  }
}

class NaudiodonDevice implements OpenDevice {
  readonly format: StreamFormat;
  /** The host converts. */
  readonly takes = "float32";
  closed = false;
  private readonly name: string;
  private readonly host: HostProcess;
  private readonly region: Region;
  private readonly ring: RingWriter;
  private readonly words: HostWords;
  private readonly planes: Float32Array[];
  private readonly napWord = new Int32Array(new SharedArrayBuffer(4));
  /** Milliseconds without a chunk taken. */
  private readonly patience: number;
  private beat = 0;
  private since = 0;
  private underruns = 0;

  constructor(id: string, { format, ring, depth }: Opened, host: HostProcess) {
    this.name = printable(id.split(":").slice(2).join(":"), 120);
    this.format = format;
    this.host = host;
    this.region = openRegion(ring.name, ring.bytes);
    this.ring = new RingWriter(this.region.buffer, regionWake(this.region), process.pid);
    this.ring.depth = depth;
    this.words = new HostWords(this.region.buffer, ring.bytes - HOST_WORDS_BYTES);
    this.planes = Array.from({ length: format.channels }, () => new Float32Array(format.chunkFrames));
    const longest = Math.max(format.chunkFrames, format.bufferFrames ?? 0);
    this.patience = PATIENCE + (500 * longest) / format.rate;
  }

  private lost(why: string): BelljarError {
    void this.host.end();
    return new BelljarError("device/lost", `"${this.name}" stopped: ${why}.`);
  }

  /** Waits until the host has carried an order out. */
  private order(order: Order, milliseconds: number): void {
    const { words } = this;
    words.order = order;
    const end = performance.now() + milliseconds;
    while (words.done !== order) {
      if (words.failure !== "") throw this.lost(printable(words.failure, 200));
      if (performance.now() > end) throw this.lost("naudiodon does not answer");
      Atomics.wait(this.napWord, 0, 0, 1);
    }
  }

  start(): void {
    if (this.host.ended) throw this.lost("naudiodon ended");
    this.order(Order.Play, TURN);
    this.ring.setState(RingState.Running);
    this.beat = this.ring.consumerBeat;
    this.since = performance.now();
  }

  write(samples: Uint8Array, frames: number): boolean {
    const { ring, planes, words } = this;
    const { channels } = this.format;
    const floats = new Float32Array(samples.buffer, samples.byteOffset, frames * channels);
    for (let c = 0; c < channels; c++) {
      const plane = planes[c] as Float32Array;
      for (let i = 0; i < frames; i++) plane[i] = floats[i * channels + c] as number;
    }
    while (!ring.write(planes, frames)) {
      ring.waitForSpace(frames, this.patience);
      this.look();
    }
    const underruns = ring.underruns + words.underruns;
    const dry = underruns !== this.underruns;
    this.underruns = underruns;
    return dry;
  }

  /** Whether the host still takes what it is given. */
  private look(): void {
    const { consumerBeat } = this.ring;
    const now = performance.now();
    if (consumerBeat !== this.beat) {
      this.beat = consumerBeat;
      this.since = now;
    } else if (now - this.since > this.patience) throw this.lost("naudiodon takes no sound any more");
    if (this.words.failure !== "") throw this.lost(printable(this.words.failure, 200));
  }

  stop(): void {
    if (this.words.order !== Order.Play) return;
    this.ring.setState(RingState.Draining);
    this.order(Order.Stop, TURN + 2 * this.format.latency * 1000);
  }

  abort(): void {
    if (this.words.order !== Order.Play) return;
    this.ring.setState(RingState.Idle);
    this.ring.beginEpoch();
    this.order(Order.Abort, TURN + this.format.latency * 1000);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.host.end();
    this.region.close();
  }
}
