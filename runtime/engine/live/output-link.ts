// One sidecar, the device that it has opened, and the ring that leads there.

import { BelljarError } from "../../../abi/error.ts";
import { RING_AT_WRITTEN, RING_HEADER } from "../../../abi/ring.ts";
import type { DeviceList, SidecarEvent, StreamFormat, StreamWish } from "../../../abi/sidecar.ts";
import { createRegion, type Region } from "../../../shm/region.ts";
import { createRing, ringBytes, ringCapacity } from "../../../shm/ring.ts";
import { listDevices, notNeededFor } from "../../output/device-list.ts";
import { SidecarClient, type SidecarCommand } from "../../output/sidecar-client.ts";
import type { SinkConfig } from "../../output/sink-config.ts";
import type { SinkParcel } from "./audio-messages.ts";

/** Milliseconds in which the audio thread fills a new ring. */
const FILL_TIME = 2000;

export interface LinkOptions {
  command: SidecarCommand;
  config: SinkConfig;
  /** Frames of the session's blocks. */
  block: number;
  /** Milliseconds of sound that lie ready; null: four blocks, and no less than two of the device's chunks. */
  latency: number | null;
}

export class OutputLink {
  device = "";
  format: StreamFormat | null = null;
  /** Frames of sound that lie ready in the ring. */
  depth = 0;
  client: SidecarClient | null = null;
  private readonly options: LinkOptions;
  private readonly onEvent: (link: OutputLink, event: SidecarEvent) => void;
  private region: Region | null = null;
  private given = false;
  /** The sidecar that was started last: while it lists, it is not yet the one that plays. */
  private newest: SidecarClient | null = null;

  constructor(options: LinkOptions, onEvent: (link: OutputLink, event: SidecarEvent) => void) {
    this.options = options;
    this.onEvent = onEvent;
  }

  /** @throws BelljarError sidecar/*; live/closed where the link was given up */
  private async startSidecar(): Promise<SidecarClient> {
    if (this.given) throw new BelljarError("live/closed", "It was closed.");
    // What the sidecars before it say, which died of listing, is nobody's concern.
    let own: SidecarClient | null = null;
    own = await SidecarClient.start(this.options.command, (event) => {
      if (own !== null && own === this.client) this.onEvent(this, event);
    });
    this.newest = own;
    if (this.given) own.kill();
    return own;
  }

  /** Starts a sidecar. @throws BelljarError sidecar/* */
  async begin(): Promise<void> {
    this.client = await this.startSidecar();
  }

  /** Starts a sidecar, and lists what there is. @throws BelljarError sidecar/* */
  async list(): Promise<DeviceList> {
    const { client, list } = await listDevices(
      () => this.startSidecar(),
      notNeededFor(this.options.config.device),
    );
    this.client = client;
    return list;
  }

  /** @throws BelljarError sidecar/*, device/* */
  async open(
    device: string,
    wish: Pick<StreamWish, "rate" | "channels" | "fit" | "format">,
  ): Promise<StreamFormat> {
    const { config } = this.options;
    this.device = device;
    this.format = await (this.client as SidecarClient).request("open", {
      device,
      wish: {
        ...wish,
        bufferFrames: config.buffer_size_frames,
        chunkFrames: config.preferred_chunk_frames,
        exclusive: config.exclusive,
      },
    });
    return this.format;
  }

  /** A new ring for the format: the last one may hold what belongs to nobody. What plays into it is to be given it. */
  makeRing(): SinkParcel {
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
    return { region: { name: this.region.ownName, bytes }, depth: this.depth, chunk: chunkFrames };
  }

  /**
   * Waits until the ring has been filled, and plays it: nothing is taken from it before.
   * @throws BelljarError live/thread, sidecar/*, device/*
   */
  async play({ region }: SinkParcel): Promise<void> {
    const { buffer, name } = this.region as Region;
    const words = new Int32Array(buffer, 0, RING_HEADER / 4);
    const end = performance.now() + FILL_TIME;
    while (Atomics.load(words, RING_AT_WRITTEN / 4) < this.depth - this.options.block) {
      if (performance.now() > end || this.given) {
        throw new BelljarError("live/thread", "The audio thread fills no ring.");
      }
      await new Promise((resume) => setTimeout(resume, 2));
    }
    await (this.client as SidecarClient).request("start", { ring: { name, bytes: region.bytes } });
    this.region?.unlink();
  }

  /** Lets the sidecar end by itself. */
  async close(): Promise<void> {
    this.given = true;
    await this.client?.close();
    this.region?.close();
  }

  /** Ends it at once. */
  kill(): void {
    this.given = true;
    this.newest?.kill();
    this.region?.close();
  }
}
