// A live session's way to the sound card: starts the sidecar, agrees on a format, gives both a ring; and where the sidecar
// or the device is lost, lets the session go on in time and tries again.

import { BelljarError, printable } from "../../../abi/error.ts";
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
import { didYouMean } from "../../graph/index.ts";
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
/** The sidecar drains no longer than this. Milliseconds. */
const MOST_FLUSH = 60_000;
/** Ids of files begin with it. */
const FILE = "wav:";

export type OutputEvent =
  /** The device or the sidecar is gone; the session goes on in time. `final`: it is not tried again. */
  | { what: "lost"; code: string; message: string; final: boolean }
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
  /** Whether the default device may stand in for one that is not there at the beginning. */
  mayStandIn?: boolean;
  onEvent(event: OutputEvent): void;
}

/** The device that a name means: an id, else a part of the name that one alone has, else the default; null and wav by their own. */
export function chooseDevice({ devices }: DeviceList, wanted: string | null): string {
  if (wanted === null) return devices.find(({ isDefault }) => isDefault)?.id ?? "null";
  if (wanted === "null" || wanted.startsWith(FILE)) return wanted;
  const cards = devices.filter(({ id }) => id !== "null" && !id.startsWith(FILE));
  const exact = cards.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact.id;
  const titleOf = ({ api, name }: DeviceInfo): string => `${api}: ${name}`.toLowerCase();
  const found = cards.filter((device) => titleOf(device).includes(wanted.toLowerCase()));
  if (found.length === 1) return (found[0] as DeviceInfo).id;
  const shown = printable(wanted, 100);
  if (found.length > 1) {
    const ids = found.map(({ id }) => printable(id, 100)).join(", ");
    throw new BelljarError(
      "device/unknown",
      `"${shown}" could be ${found.length} devices.`,
      `Say which: ${ids}.`,
    );
  }
  const known = [...cards.map(({ id }) => id), ...cards.map(({ name }) => name), "null"];
  const hint = didYouMean(wanted, known, "`belljar devices` lists what is there.");
  throw new BelljarError("device/unknown", `There is no device "${shown}".`, hint);
}

export class LiveOutput {
  /** What is played on, and how. */
  device = "";
  format: StreamFormat | null = null;
  /** Frames of sound that lie ready in the ring. */
  depth = 0;
  /** What is missing where there is no sound card to play on; one sentence each. */
  notes: string[] = [];
  /** Why another device plays than the one that is set; empty: it does not. */
  standIn = "";
  private readonly options: OutputOptions;
  private client: SidecarClient | null = null;
  private live: LiveSession | null = null;
  private region: Region | null = null;
  private closing = false;
  private lost = false;
  /** The device that was chosen at the beginning: another one may stand in for it. */
  private chosen = "";
  /** The way back, while it is sought; and what ends a break in it. */
  private comingBack: Promise<void> | null = null;
  private endBreak: (() => void) | null = null;
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
      const { rate, channels, config } = options;
      await output.connect(config.device, { rate, channels, fit: config.fit, format: config.sample_format });
      output.chosen = output.device;
    } catch (error) {
      await output.client?.close();
      throw error;
    }
    return output;
  }

  private async connect(
    device: string | null,
    wish: Pick<StreamWish, "rate" | "channels" | "fit" | "format">,
  ): Promise<void> {
    const { config } = this.options;
    await this.startSidecar();
    this.device = await this.findDevice(device);
    this.format = await (this.client as SidecarClient).request("open", {
      device: this.device,
      wish: {
        ...wish,
        bufferFrames: config.buffer_size_frames,
        chunkFrames: config.preferred_chunk_frames,
        exclusive: config.exclusive,
      },
    });
  }

  private async startSidecar(): Promise<void> {
    let client: SidecarClient | null = null;
    const hear = (event: SidecarEvent): void => {
      if (client !== null && client === this.client) this.hear(event);
    };
    client = await SidecarClient.start(this.options.command, hear);
    this.client = client;
  }

  /** What is always there needs no sound library, and none is asked. */
  private async findDevice(wanted: string | null): Promise<string> {
    if (wanted === "null" || wanted?.startsWith(FILE)) return wanted;
    try {
      const list = await (this.client as SidecarClient).request("list", { without: [] });
      this.notes = list.notes;
      return chooseDevice(list, wanted);
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      const mayStandIn = this.options.mayStandIn === true && this.chosen === "";
      if (error.code === "device/unknown" && wanted !== null && mayStandIn) {
        this.standIn = `${error.message} The system's default stands in for it.`;
        return this.findDevice(null);
      }
      // A sound library that takes the sidecar with it when it is asked what there is: where nothing was asked for, that is
      // a machine without sound.
      if (wanted !== null || error.code !== "sidecar/ended") throw error;
      this.notes = [`The sound library failed when it was asked for devices: ${error.hint || error.message}`];
      await this.startSidecar();
      return "null";
    }
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
    return { ring: region, sink: { region, depth: this.depth, chunk: chunkFrames } };
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
      if (client === this.client) this.loseSound(error as BelljarError);
    }
  }

  private hear(event: SidecarEvent): void {
    if (this.closing) return;
    if (event.event === "underrun") {
      const { underruns, worstShortfall, missingFrames } = event;
      this.options.onEvent({ what: "underrun", underruns, worstShortfall, missingFrames });
    } else if (event.event === "lost") this.loseSound(event);
  }

  private loseSound({ code, message }: { code: string; message: string }): void {
    if (this.lost || this.closing || this.live === null || this.asking === null) return;
    this.lost = true;
    this.live.setSink(null);
    // What was written into a file so far is gone with it, or is whole: there is nothing to go on with.
    const final = this.device.startsWith(FILE);
    this.options.onEvent({ what: "lost", code, message, final });
    if (!final) this.comingBack = this.comeBack();
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resume) => {
      const timer = setTimeout(resume, milliseconds);
      this.endBreak = () => {
        clearTimeout(timer);
        resume();
      };
    });
  }

  /** Tries again until there is sound, with longer and longer breaks. */
  private async comeBack(): Promise<void> {
    const began = performance.now();
    const { config } = this.options;
    const { rate, channels, format } = this.format as StreamFormat;
    for (let tries = 0; ; tries++) {
      await this.pause(Math.min(BACK_OFF * 2 ** tries, LONGEST_BACK_OFF));
      this.client?.kill();
      if (this.closing) return;
      // The device as it was; every second time the default one, where that is wished.
      const other = config.fallback_to_default && tries % 2 === 1;
      try {
        await this.connect(other ? null : this.chosen, {
          rate,
          channels,
          format,
          fit: other ? "nearest" : "fixed",
        });
        await this.playAgain(rate, channels);
        if (this.closing) return;
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

  private async playAgain(rate: number, channels: number): Promise<void> {
    const { format } = this;
    if (format?.rate !== rate || format.channels !== channels) {
      throw new BelljarError("device/format", `"${printable(this.device, 100)}" does not play ${rate} Hz.`);
    }
    const { ring, sink } = this.makeRing();
    this.live?.setSink(sink);
    await this.filled();
    await (this.client as SidecarClient).request("start", { ring });
    this.region?.unlink();
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

  /**
   * After the session has ended: plays what is left, and ends the sidecar. Returns the last figures, or null.
   * @throws BelljarError device/lost where a file could not be finished
   */
  async close(): Promise<StreamStatus | null> {
    this.closing = true;
    if (this.asking !== null) clearInterval(this.asking);
    this.endBreak?.();
    if (this.comingBack !== null) {
      if (this.lost) this.client?.kill();
      await this.comingBack;
    }
    const { client } = this;
    let status: StreamStatus | null = null;
    let failure: BelljarError | null = null;
    if (client !== null && !this.lost) {
      try {
        const milliseconds = this.flushMilliseconds;
        await client.request("drain", { milliseconds }, milliseconds + 8000);
        status = await this.status();
        await client.request("close", {});
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
        failure = error;
      }
    }
    await client?.close();
    this.region?.close();
    // A card that fails at the very end has played what there was to hear; a file that does is not there.
    if (failure !== null && this.device.startsWith(FILE)) throw failure;
    return status;
  }

  /** How long the end may take: what lies in the ring and in the device, and what the user allows beside that. */
  private get flushMilliseconds(): number {
    const { rate, latency } = this.format as StreamFormat;
    const ready = Math.ceil((this.depth / rate + latency) * 1000);
    return Math.min(this.options.config.flush_timeout_ms + ready, MOST_FLUSH);
  }
}
