// A live session's way to the sound card: starts the sidecar, agrees on a format, gives both a ring; and where the sidecar
// or the device is lost, lets the session go on in time and tries again.

import { BelljarError } from "../../../abi/error.ts";
import { RING_AT_WRITTEN, RING_HEADER } from "../../../abi/ring.ts";
import type {
  DeviceInfo,
  DeviceList,
  SidecarEvent,
  StreamFormat,
  StreamStatus,
  StreamWish,
} from "../../../abi/sidecar.ts";
import { createRegion, type Region } from "../../../shm/region.ts";
import { createRing, ringBytes, ringCapacity } from "../../../shm/ring.ts";
import { SidecarClient, type SidecarCommand } from "../../output/sidecar-client.ts";
import type { SinkConfig } from "../../output/sink-config.ts";
import type { SinkParcel } from "./audio-thread.ts";
import type { LiveSession } from "./live-session.ts";

/** Milliseconds until the first try to come back; each further one waits twice as long. */
const BACK_OFF = 250;
const LONGEST_BACK_OFF = 8000;
/** How often the sidecar is asked whether it lives. */
const ASK_EVERY = 1000;
/** Milliseconds in which the audio thread fills a new ring. */
const FILL_TIME = 2000;

export type OutputEvent =
  /** The device or the sidecar is gone; the session goes on in time. */
  | { what: "lost"; message: string }
  /** Sound again, after so many milliseconds. */
  | { what: "back"; device: string; milliseconds: number }
  | { what: "underrun"; underruns: number; worstShortfall: number; missingFrames: number };

export interface OutputOptions {
  command: SidecarCommand;
  config: SinkConfig;
  rate: number;
  channels: number;
  /** Frames of the session's blocks. */
  block: number;
  /** Milliseconds of sound that lie ready; null: four blocks, and no less than two of the device's chunks. */
  latency: number | null;
  onEvent(event: OutputEvent): void;
}

/** The device that a name means: an id, else a part of the name that one alone has, else the default; null and wav by their own. */
export function chooseDevice(list: DeviceList, wanted: string | null): string {
  if (wanted === null) return list.devices.find(({ isDefault }) => isDefault)?.id ?? "null";
  if (wanted === "null" || wanted.startsWith("wav:")) return wanted;
  const exact = list.devices.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact.id;
  const like = (device: DeviceInfo): boolean =>
    `${device.api}: ${device.name}`.toLowerCase().includes(wanted.toLowerCase());
  const found = list.devices.filter(like);
  if (found.length === 1) return (found[0] as DeviceInfo).id;
  throw new BelljarError(
    "device/unknown",
    found.length === 0 ? `There is no device "${wanted}".` : `"${wanted}" could be ${found.length} devices.`,
    found.length === 0
      ? "`belljar devices` lists what is there."
      : `Say which: ${found.map(({ id }) => id).join(", ")}.`,
  );
}

export class LiveOutput {
  /** What is played on, and how. */
  device = "";
  format: StreamFormat | null = null;
  /** Frames of sound that lie ready in the ring. */
  depth = 0;
  private readonly options: OutputOptions;
  private client: SidecarClient | null = null;
  private live: LiveSession | null = null;
  private region: Region | null = null;
  private closing = false;
  private lost = false;
  private asking: ReturnType<typeof setInterval> | null = null;

  private constructor(options: OutputOptions) {
    this.options = options;
  }

  /**
   * Starts the sidecar and opens the device.
   * @throws BelljarError sidecar/*, device/*
   */
  static async open(options: OutputOptions): Promise<LiveOutput> {
    const output = new LiveOutput(options);
    try {
      await output.connect(options.config.device, options.config.fit, options.rate);
    } catch (error) {
      await output.client?.close();
      throw error;
    }
    return output;
  }

  private async connect(device: string | null, fit: StreamWish["fit"], rate: number): Promise<void> {
    const { command, config, channels } = this.options;
    this.client = await SidecarClient.start(command, (event) => this.hear(event));
    const list = await this.client.request("list", {});
    this.device = chooseDevice(list, device);
    this.format = await this.client.request("open", {
      device: this.device,
      wish: {
        ...{ rate, channels, fit },
        format: config.sample_format,
        bufferFrames: config.buffer_size_frames,
        chunkFrames: config.preferred_chunk_frames,
        exclusive: config.exclusive,
      },
    });
  }

  /** A new ring for the format: the last one may hold what belongs to nobody. */
  private makeRing(): { ring: { name: string; bytes: number }; sink: SinkParcel } {
    const { rate, channels, chunkFrames } = this.format as StreamFormat;
    const { block, latency, config } = this.options;
    const wished = latency === null ? 4 * block : Math.round((latency * rate) / 1000);
    this.depth = Math.max(wished, block, latency === null ? 2 * chunkFrames : chunkFrames);
    const frames = Math.max((config.ring_capacity_ms * rate) / 1000, this.depth + block);
    const shape = { capacity: ringCapacity(frames), channels, rate };
    const bytes = ringBytes(shape);
    this.region?.close();
    this.region = createRegion(bytes);
    createRing(this.region.buffer, shape);
    const region = { name: this.region.name, bytes };
    return { ring: region, sink: { region, depth: this.depth } };
  }

  /** Plays a session that is prepared for the format's rate. */
  async play(live: LiveSession): Promise<void> {
    this.live = live;
    const { ring, sink } = this.makeRing();
    await live.start(sink);
    await this.filled();
    await (this.client as SidecarClient).request("start", { ring });
    this.region?.unlink();
    this.asking = setInterval(() => void this.ask(), ASK_EVERY);
  }

  /** Waits until the audio thread has filled the ring: nothing is taken from it before. */
  private async filled(): Promise<void> {
    const words = new Int32Array((this.region as Region).buffer, 0, RING_HEADER / 4);
    const end = performance.now() + FILL_TIME;
    while (Atomics.load(words, RING_AT_WRITTEN / 4) < this.depth - this.options.block) {
      if (performance.now() > end) throw new BelljarError("live/thread", "The audio thread fills no ring.");
      await new Promise((resume) => setTimeout(resume, 2));
    }
  }

  private async ask(): Promise<void> {
    const { client } = this;
    if (client === null || this.lost || this.closing) return;
    try {
      await client.request("status", {});
    } catch (error) {
      if (client === this.client) this.loseSound((error as Error).message);
    }
  }

  private hear(event: SidecarEvent): void {
    if (this.closing) return;
    if (event.event === "underrun") {
      const { underruns, worstShortfall, missingFrames } = event;
      this.options.onEvent({ what: "underrun", underruns, worstShortfall, missingFrames });
    } else if (event.event === "lost") this.loseSound(event.message);
  }

  private loseSound(message: string): void {
    if (this.lost || this.closing || this.live === null) return;
    this.lost = true;
    this.live.setSink(null);
    this.options.onEvent({ what: "lost", message });
    void this.comeBack();
  }

  /** Tries again until there is sound, with longer and longer breaks. */
  private async comeBack(): Promise<void> {
    const began = performance.now();
    const { rate } = this.format as StreamFormat;
    const { config } = this.options;
    for (let tries = 0; !this.closing; tries++) {
      await new Promise((resume) => setTimeout(resume, Math.min(BACK_OFF * 2 ** tries, LONGEST_BACK_OFF)));
      if (this.closing) return;
      // The device as it was, at the session's rate; every second time the default one, where that is wished.
      const other = config.fallback_to_default && tries % 2 === 1;
      try {
        this.client?.kill();
        await this.connect(other ? null : this.device, "fixed", rate);
        const { ring, sink } = this.makeRing();
        this.live?.setSink(sink);
        await this.filled();
        await (this.client as SidecarClient).request("start", { ring });
        this.region?.unlink();
        this.lost = false;
        const milliseconds = performance.now() - began;
        this.options.onEvent({ what: "back", device: this.device, milliseconds });
        return;
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
        this.live?.setSink(null);
      }
    }
  }

  /** The sidecar's own figures; null where it can't be asked. */
  async status(): Promise<StreamStatus | null> {
    try {
      return (await this.client?.request("status", {})) ?? null;
    } catch (error) {
      if (error instanceof BelljarError) return null;
      throw error;
    }
  }

  /** After the session has ended: plays what is left, and ends the sidecar. Returns the last figures, or null. */
  async close(): Promise<StreamStatus | null> {
    this.closing = true;
    if (this.asking !== null) clearInterval(this.asking);
    const { client } = this;
    let status: StreamStatus | null = null;
    if (client !== null && !this.lost) {
      try {
        const { flush_timeout_ms: milliseconds } = this.options.config;
        await client.request("drain", { milliseconds }, milliseconds + 3000);
        status = await this.status();
        await client.request("close", {});
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
      }
    }
    await client?.close();
    this.region?.close();
    return status;
  }
}
