// The thread that makes all calls of all devices. It answers one request at a time; while it plays it listens to
// nothing but its words.

import { parentPort, workerData } from "node:worker_threads";
import { BelljarError } from "../abi/error.ts";
import type { DeviceList, StreamFormat, StreamWish } from "../abi/sidecar.ts";
import { openRegion, type Region } from "../shm/region.ts";
import { RingReader } from "../shm/ring.ts";
import { raisePriority } from "../shm/thread.ts";
import { regionWake } from "../shm/wake.ts";
import type { Backend, OpenDevice } from "./devices/device.ts";
import { Naudiodon } from "./devices/naudiodon.ts";
import { nullBackend } from "./devices/null.ts";
import { PortAudio } from "./devices/portaudio.ts";
import { wavBackend } from "./devices/wav.ts";
import { play } from "./play.ts";
import { WORDS } from "./words.ts";

export interface ThreadData {
  words: SharedArrayBuffer;
  /** The PortAudio library that local configuration names, or null. */
  library: string | null;
}

/** Where devices come from, in the order in which they are listed. */
export const SOURCES = ["portaudio", "naudiodon", "always"] as const;
export type Source = (typeof SOURCES)[number];

export type ThreadRequest =
  /** Gives the path of the source's library; null: it has none. Nothing of it has run yet. */
  | { op: "load"; source: Source }
  | { op: "list"; source: Source }
  | { op: "caps"; device: string }
  | { op: "open"; device: string; wish: StreamWish }
  | { op: "start"; ring: { name: string; bytes: number } | null }
  | { op: "close" };

export type ThreadAnswer =
  | { ok: true; result: object }
  | { ok: false; code: string; message: string; hint: string };

/** Runs in the worker. */
export function runDeviceThread(): void {
  const { words: buffer, library } = workerData as ThreadData;
  const thread = new DeviceThread(new Int32Array(buffer, 0, WORDS), library);
  parentPort?.on("message", async (request: ThreadRequest) => {
    let answer: ThreadAnswer;
    try {
      answer = { ok: true, result: await thread.handle(request) };
    } catch (error) {
      const told =
        error instanceof BelljarError
          ? error
          : new BelljarError(
              "device/failed",
              `The sound card's side failed: ${String((error as Error).message)}.`,
            );
      answer = { ok: false, code: told.code, message: told.message, hint: told.hint };
    }
    parentPort?.postMessage(answer);
  });
}

class DeviceThread {
  private readonly words: Int32Array;
  private readonly library: string | null;
  private portaudio: PortAudio | null = null;
  private readonly naudiodon = new Naudiodon();
  private device: OpenDevice | null = null;
  /** What it was opened by. */
  private opened: { device: string; wish: StreamWish } | null = null;
  private region: Region | null = null;
  private ring: RingReader | null = null;

  constructor(words: Int32Array, library: string | null) {
    this.words = words;
    this.library = library;
  }

  async handle(request: ThreadRequest): Promise<object> {
    switch (request.op) {
      case "load":
        return { path: request.source === "portaudio" ? this.loadPortAudio() : null };
      case "list":
        return this.list(request.source);
      case "caps":
        return this.backend(request.device).caps(request.device);
      case "open":
        await this.close();
        // Not before: a sidecar that only lists devices is nobody's hurry.
        raisePriority();
        return this.open(request);
      case "start":
        return this.start(request.ring);
      case "close":
        await this.close();
        await this.naudiodon.end();
        return {};
    }
  }

  private async open({ device, wish }: { device: string; wish: StreamWish }): Promise<StreamFormat> {
    const backend = this.backend(device);
    this.device = await backend.open(device, wish);
    this.opened = { device, wish };
    return this.device.format;
  }

  private loadPortAudio(): string | null {
    try {
      this.portaudio ??= new PortAudio(this.library);
      return this.portaudio.path;
    } catch (error) {
      if (error instanceof BelljarError) return null;
      throw error;
    }
  }

  private async list(source: Source): Promise<DeviceList> {
    const nothing: DeviceList = { apis: [], devices: [], library: null, notes: [] };
    if (source === "always") {
      const lists = await Promise.all([nullBackend, wavBackend].map((backend) => backend.list()));
      return { ...nothing, devices: lists.flatMap(({ devices }) => devices) };
    }
    try {
      if (source === "naudiodon")
        return Naudiodon.isHere ? { ...nothing, ...(await this.naudiodon.list()) } : nothing;
      this.portaudio ??= new PortAudio(this.library);
      if (this.device === null) this.portaudio.refresh();
      const { path, version, hasAsio: asio } = this.portaudio;
      return { ...this.portaudio.list(), library: { path, version, asio }, notes: [] };
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      return { ...nothing, notes: [`${error.message} ${error.hint}`.trim()] };
    }
  }

  private backend(id: string): Backend {
    if (id === "null") return nullBackend;
    if (id.startsWith("wav:")) return wavBackend;
    if (id.startsWith("naudiodon:")) return this.naudiodon;
    this.portaudio ??= new PortAudio(this.library);
    return this.portaudio;
  }

  private async start(ring: { name: string; bytes: number } | null): Promise<object> {
    const { device } = this;
    if (device === null) throw new BelljarError("device/closed", "No device is open.", "Send open first.");
    if (ring !== null) {
      this.region?.close();
      this.region = openRegion(ring.name, ring.bytes);
      this.ring = new RingReader(this.region.buffer, regionWake(this.region), process.pid);
    }
    if (this.ring === null)
      throw new BelljarError("device/ring", "There is no ring to play.", "Name one in start.");
    const { channels, rate } = device.format;
    if (this.ring.channels !== channels || this.ring.rate !== rate) {
      throw new BelljarError(
        "device/ring",
        `The ring has ${this.ring.channels} channels at ${this.ring.rate} Hz; the device plays ${channels} at ${rate} Hz.`,
      );
    }
    parentPort?.postMessage("playing");
    const ending = play(this.ring, device, this.words);
    return ending === "changed" ? { ending, changed: await this.openAgain() } : { ending };
  }

  /** The device has turned to another rate: what it plays then is agreed on anew. */
  private async openAgain(): Promise<StreamFormat> {
    const { device, opened } = this;
    if (opened === null) throw new BelljarError("device/closed", "No device is open.");
    const rate = Math.round(device?.realRate?.() ?? opened.wish.rate);
    await this.close();
    return this.open({ ...opened, wish: { ...opened.wish, rate } });
  }

  private async close(): Promise<void> {
    const { device } = this;
    this.device = null;
    this.opened = null;
    this.ring = null;
    this.region?.close();
    this.region = null;
    await device?.close();
  }
}
