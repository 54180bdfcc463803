// The process that hosts naudiodon, and that can be killed: the addon never tells that a device is dead, its writes and its
// end then never return, and the process's own end waits for them. It talks to the sidecar that started it, and ends with it.

import { createRequire } from "node:module";
import koffi from "koffi";
import { BelljarError, printable } from "../../abi/error.ts";
import type { DeviceCaps, DeviceInfo, HostApi, SampleFormat, StreamWish } from "../../abi/sidecar.ts";
import { createRegion, type Region } from "../../shm/region.ts";
import { createRing, ringBytes, ringCapacity, RingReader } from "../../shm/ring.ts";
import { SYSTEM_LIBRARY } from "../../shm/system.ts";
import { raisePriority } from "../../shm/thread.ts";
import { regionWake } from "../../shm/wake.ts";
import { PortAudio } from "../devices/portaudio.ts";
import { negotiate } from "../negotiate.ts";
import { findNaudiodon } from "./place.ts";
import { type AudioIO, NaudiodonStream, queueLength } from "./stream.ts";
import { HOST_WORDS_BYTES, type HostAnswer, type HostRequest, HostWords, type Opened } from "./words.ts";

/** The first argument of the process. */
export const HOST = "--naudiodon-host";

const FORMATS: Record<SampleFormat, number> = { float32: 1, int16: 16, int24: 24, int32: 32 };
const WASAPI = 13;
/** Frames: a device that is stopped has to have played them within the sidecar's patience. */
const MOST_BUFFER = 8192;

interface Addon {
  create(options: { outOptions: Record<string, number | boolean> }): AudioIO;
}

/** Runs in the process. */
export function runNaudiodonHost(): void {
  endWithParent();
  raisePriority();
  let host: Host | null = null;
  process.on("message", (request: HostRequest) => {
    let answer: HostAnswer;
    try {
      host ??= new Host();
      answer = { ok: true, result: host.handle(request) };
    } catch (error) {
      const told =
        error instanceof BelljarError
          ? error
          : new BelljarError(
              "device/failed",
              `naudiodon failed: ${printable(String((error as Error).message), 200)}.`,
            );
      answer = { ok: false, code: told.code, message: told.message, hint: told.hint };
    }
    process.send?.(answer);
  });
}

const SIGKILL = 9;
const PR_SET_PDEATHSIG = 1;

/** Whatever hangs here: when the sidecar is gone, so is this process. */
function endWithParent(): void {
  // Ctrl-C and a terminal that is closed reach this process, too; the sidecar decides when it ends.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  if (process.platform !== "linux") return;
  try {
    const prctl = koffi.load(SYSTEM_LIBRARY).func("int prctl(int, long, long, long, long)");
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  } catch {
    // Another C library: the end of the messages is what is left.
  }
}

const ownId = (id: string): string => id.replace(/^portaudio:/, "naudiodon:");
const libraryId = (id: string): string => id.replace(/^naudiodon:/, "portaudio:");
const ownApi = (name: string): string => `${name} (naudiodon)`;

class Host {
  /** The library that the addon uses: it knows of its devices what the addon does not tell. */
  private readonly portaudio: PortAudio;
  private readonly addon: Addon;
  private region: Region | null = null;

  constructor() {
    const place = findNaudiodon();
    if (place === null || place.addon === null || place.library === null) {
      throw new BelljarError("device/library", "naudiodon is not installed here.");
    }
    // Before the addon, which then takes this one, wherever its own search would lead.
    this.portaudio = new PortAudio(place.library);
    this.portaudio.refresh();
    this.addon = createRequire(import.meta.url)(place.addon) as Addon;
  }

  handle(request: HostRequest): object {
    if (request.op === "list") return this.list();
    const id = libraryId(request.device);
    if (!this.portaudio.list().devices.some((device) => device.id === id)) {
      throw new BelljarError(
        "device/unknown",
        `There is no device "${printable(request.device, 160)}" now.`,
        "`belljar devices` lists what is there.",
      );
    }
    return request.op === "caps" ? this.caps(id) : this.open(id, request.wish);
  }

  private list(): { apis: HostApi[]; devices: DeviceInfo[] } {
    const { apis, devices } = this.portaudio.list();
    return {
      apis: apis.map((api) => ({ ...api, id: ownId(api.id), name: ownApi(api.name) })),
      devices: devices.map((device) => ({
        ...device,
        id: ownId(device.id),
        api: ownApi(device.api),
        isDefault: false,
      })),
    };
  }

  private caps(id: string): DeviceCaps {
    return { ...this.portaudio.caps(id), id: ownId(id) };
  }

  private open(id: string, wish: StreamWish): Opened {
    const { index, info, api } = this.portaudio.find(id);
    const agreed = negotiate(this.caps(id), info.defaultSampleRate, wish);
    if (wish.exclusive && api.type === WASAPI) {
      if (wish.fit === "fixed") {
        throw new BelljarError("device/format", "naudiodon can't have a WASAPI device to itself.");
      }
      agreed.changes.push("shared instead of exclusive");
    }
    const { rate, channels, chunkFrames } = agreed;
    const bufferFrames = agreed.bufferFrames === null ? null : Math.min(agreed.bufferFrames, MOST_BUFFER);
    if (bufferFrames !== agreed.bufferFrames) {
      agreed.changes.push(`${bufferFrames} frames of buffer instead of ${agreed.bufferFrames}`);
    }
    const queue = queueLength({ chunkFrames, bufferFrames });
    // What lies in the ring, so that the queue can be filled from it, in the queue, and in the addon's hand.
    const depth = queue * chunkFrames;
    const ahead = depth + (queue + 1) * chunkFrames + (bufferFrames ?? 0);
    const format = { ...agreed, bufferFrames, latency: agreed.latency + ahead / rate };
    const shape = { capacity: ringCapacity(depth), channels, rate };
    const bytes = ringBytes(shape) + HOST_WORDS_BYTES;
    const region = createRegion(bytes);
    this.region?.close();
    this.region = region;
    createRing(region.buffer, shape);
    const outOptions = {
      deviceId: index,
      sampleRate: rate,
      channelCount: channels,
      sampleFormat: FORMATS[agreed.format],
      framesPerBuffer: bufferFrames ?? 0,
      maxQueue: queue,
      // What PortAudio says then comes with the writes, and not on a terminal.
      closeOnError: true,
    };
    const stream = new NaudiodonStream(
      () => this.addon.create({ outOptions }),
      new RingReader(region.buffer, regionWake(region), process.pid),
      new HostWords(region.buffer, ringBytes(shape)),
      format,
      agreed.latency,
    );
    void stream.run();
    return { format, depth, ring: { name: region.name, bytes } };
  }
}
