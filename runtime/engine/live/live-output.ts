// A live session's way to the sound card: starts the sidecar, agrees on a format, gives both a ring; where the sidecar or
// the device is lost, lets the session go on in time and tries again; and goes to another device or rate where it must.

import { BelljarError } from "../../../abi/error.ts";
import type {
  DeviceInfo,
  DeviceList,
  SidecarEvent,
  StreamFormat,
  StreamStatus,
  StreamWish,
} from "../../../abi/sidecar.ts";
import { listDevices, notNeededFor } from "../../output/device-list.ts";
import { SidecarClient } from "../../output/sidecar-client.ts";
import { chooseDevice, FILE, isAlwaysThere, NOBODY } from "./choose-device.ts";
import { type LinkOptions, OutputLink } from "./output-link.ts";
import type { LiveSession } from "./live-session.ts";

/** Milliseconds until the first try to come back; each further one waits twice as long. */
const BACK_OFF = 250;
const LONGEST_BACK_OFF = 8000;
/** How often the sidecar is asked whether it lives. */
const ASK_EVERY = 1000;
/** The sidecar drains no longer than this. Milliseconds. */
const MOST_FLUSH = 60_000;
/** Devices of ASIO: a driver may not bear a second program that looks at it while it plays. */
const ASIO = "portaudio:ASIO:";

export type OutputEvent =
  /** The device or the sidecar is gone; the session goes on in time. `final`: it is not tried again. */
  | { what: "lost"; code: string; message: string; final: boolean }
  /** Sound again, after so many milliseconds. */
  | { what: "back"; device: string; milliseconds: number }
  /** The device that is wished is there again: it plays instead of the one that stood in for it. */
  | { what: "moved"; device: string; from: string }
  /** Devices have come or gone, among those that can be played on now. */
  | { what: "devices"; appeared: DeviceInfo[]; gone: DeviceInfo[] }
  /** The device plays in another format than before. `failure`: why the session can't go on so; empty: it does. */
  | { what: "format"; before: StreamFormat; format: StreamFormat; failure: string }
  | { what: "underrun"; underruns: number; worstShortfall: number; missingFrames: number };

export interface OutputOptions extends LinkOptions {
  rate: number;
  channels: number;
  /** Whether the default device may stand in for one that is not there at the beginning. */
  mayStandIn?: boolean;
  onEvent(event: OutputEvent): void;
}

type Wish = Pick<StreamWish, "rate" | "channels" | "fit" | "format">;

export class LiveOutput {
  /** What is missing where there is no sound card to play on; one sentence each. */
  notes: string[] = [];
  /** Why another device plays than the one that is set at the beginning; empty: it does not. */
  standIn = "";
  private readonly options: OutputOptions;
  private link: OutputLink;
  /** The one that is to follow it. */
  private next: OutputLink | null = null;
  private live: LiveSession | null = null;
  private playing = false;
  private closing = false;
  private lost = false;
  /** The device that the user's name meant when it was last found; empty: it was not yet. */
  private chosen = "";
  /** Whether another device plays than the user's name means. */
  private standingIn = false;
  /** The devices that were there when they were last listed. */
  private known: DeviceList | null = null;
  /** Ways to other devices and formats, one after the other; and what ends a break in them. */
  private work: Promise<void> = Promise.resolve();
  private endBreak: (() => void) | null = null;
  /** The format of which it was told last that the session can't be played in it. */
  private refused = "";
  private looking = false;
  /** The sidecar that looks. */
  private scout: SidecarClient | null = null;
  private lookAgain = false;
  private asking: ReturnType<typeof setInterval> | null = null;

  private constructor(options: OutputOptions) {
    this.options = options;
    this.link = this.newLink();
  }

  /** What is played on, and how. */
  get device(): string {
    return this.link.device;
  }
  get format(): StreamFormat | null {
    return this.link.format;
  }
  /** Frames of sound that lie ready in the ring. */
  get depth(): number {
    return this.link.depth;
  }

  /**
   * Starts the sidecar and opens the device.
   * @throws BelljarError sidecar/*, device/*
   */
  static async open(options: OutputOptions): Promise<LiveOutput> {
    const output = new LiveOutput(options);
    const { rate, channels, config } = options;
    try {
      const device = await output.findFirst();
      await output.link.open(device, { rate, channels, fit: config.fit, format: config.sample_format });
    } catch (error) {
      await output.link.close();
      throw error;
    }
    return output;
  }

  private newLink(): OutputLink {
    return new OutputLink(this.options, (link, event) => {
      if (link === this.link) this.hear(event);
    });
  }

  /** The device to begin with. What is always there needs no sound library, and none is asked. */
  private async findFirst(): Promise<string> {
    const { config, mayStandIn } = this.options;
    const wanted = config.device;
    if (wanted !== null && isAlwaysThere(wanted)) {
      this.chosen = wanted;
      await this.link.begin();
      return wanted;
    }
    const list = await this.link.list();
    this.known = list;
    this.notes = list.notes;
    let device: string;
    try {
      device = chooseDevice(list, wanted);
      this.standingIn = device === NOBODY;
    } catch (error) {
      if (!(error instanceof BelljarError) || mayStandIn !== true) throw error;
      this.standIn = `${error.message} The system's default stands in for it.`;
      this.standingIn = true;
      device = chooseDevice(list, null);
    }
    if (!this.standingIn) this.chosen = device;
    return device;
  }

  /** What the user's name means among these; null: nothing that can be heard. */
  private wished(list: DeviceList): string | null {
    const { device: wanted } = this.options.config;
    if (wanted !== null && list.devices.some(({ id }) => id === this.chosen)) return this.chosen;
    try {
      const device = chooseDevice(list, wanted);
      return device === NOBODY ? null : device;
    } catch (error) {
      if (error instanceof BelljarError) return null;
      throw error;
    }
  }

  /** Plays a session that is prepared for the format's rate. */
  async play(live: LiveSession): Promise<void> {
    this.live = live;
    const sink = this.link.makeRing();
    await live.start(sink);
    await this.link.play(sink);
    this.playing = true;
    this.asking = setInterval(() => void this.ask(), ASK_EVERY);
  }

  /** Turns a session that plays to another link, at its rate. @throws BelljarError what changeRate throws, live/*, sidecar/* */
  private async turnTo(link: OutputLink): Promise<void> {
    await this.changeRate(link);
    const sink = link.makeRing();
    this.live?.setSink(sink);
    await link.play(sink);
  }

  /** @throws BelljarError where the session can't be played at the link's rate; it then goes on at its own */
  private async changeRate({ format }: OutputLink): Promise<void> {
    const live = this.live as LiveSession;
    const { rate } = format as StreamFormat;
    if (live.facts.rate !== rate) await live.changeRate(rate);
  }

  private async ask(): Promise<void> {
    const { link } = this;
    if (link.client === null || this.lost || this.closing) return;
    try {
      await link.client.request("status", {});
    } catch (error) {
      if (link === this.link) this.loseSound(error as BelljarError);
    }
  }

  private hear(event: SidecarEvent): void {
    if (this.closing) return;
    switch (event.event) {
      case "underrun": {
        const { underruns, worstShortfall, missingFrames } = event;
        this.options.onEvent({ what: "underrun", underruns, worstShortfall, missingFrames });
        break;
      }
      case "lost":
        this.loseSound(event);
        break;
      case "devices":
        this.endBreak?.();
        void this.lookAround();
        break;
      case "format":
        this.follow(event.format);
        break;
      default:
    }
  }

  private loseSound({ code, message }: { code: string; message: string }): void {
    if (this.lost || this.closing || !this.playing) return;
    this.lost = true;
    this.live?.setSink(null);
    // What was written into a file so far is gone with it, or is whole: there is nothing to go on with.
    const final = this.device.startsWith(FILE);
    this.options.onEvent({ what: "lost", code, message, final });
    if (!final) this.queue(() => this.comeBack());
  }

  /** Does something when all that came before is done. */
  private queue(work: () => Promise<void>): void {
    this.work = this.work.then(() => (this.closing ? undefined : work()));
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

  /** What is wished of a device that takes over: as it is now, or the nearest, unless the user wants it fixed. */
  private get wish(): Wish {
    const { rate, channels, format } = this.format as StreamFormat;
    return { rate, channels, format, fit: this.options.config.fit };
  }

  /** Tries again until there is sound, with longer and longer breaks; at once where other devices are there. */
  private async comeBack(): Promise<void> {
    const began = performance.now();
    const { config } = this.options;
    for (let tries = 0; this.lost && !this.closing; tries++) {
      await this.pause(Math.min(BACK_OFF * 2 ** tries, LONGEST_BACK_OFF));
      const { link: before, wish } = this;
      before.kill();
      if (this.closing) return;
      // The device as it was; every second time the default one, where that is wished.
      const other = config.fallback_to_default && config.device !== null && tries % 2 === 1;
      const link = this.newLink();
      link.device = before.device;
      link.format = before.format;
      link.depth = before.depth;
      this.link = link;
      try {
        const device = await this.findAgain(link, other, before.device);
        const format = await link.open(device, wish);
        await this.fit(before.format as StreamFormat, format, () => this.turnTo(link));
        if (this.closing) return;
        this.lost = false;
        this.options.onEvent({ what: "back", device, milliseconds: performance.now() - began });
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
        this.live?.setSink(null);
        link.format = before.format;
      }
    }
  }

  /** @throws BelljarError device/unknown, sidecar/* */
  private async findAgain(link: OutputLink, other: boolean, before: string): Promise<string> {
    const { device: wanted } = this.options.config;
    if (wanted !== null && isAlwaysThere(wanted)) {
      await link.begin();
      return wanted;
    }
    const list = await link.list();
    this.compare(list);
    const wished = this.wished(list);
    const device = other ? chooseDevice(list, null) : (wished ?? (before === NOBODY ? NOBODY : null));
    // Silence is no way back from sound.
    if (device === null || (device === NOBODY && before !== NOBODY)) {
      throw new BelljarError("device/unknown", "There is no device to play on.");
    }
    this.standingIn = device !== wished;
    if (!this.standingIn) this.chosen = device;
    return device;
  }

  /** Goes on in another format, and tells. @throws what `go` throws */
  private async fit(before: StreamFormat, format: StreamFormat, go: () => Promise<void>): Promise<void> {
    const same = before.rate === format.rate && before.channels === format.channels;
    try {
      await go();
      this.refused = "";
    } catch (error) {
      const told = `${format.rate} ${format.channels}`;
      if (!same && error instanceof BelljarError && this.refused !== told) {
        this.refused = told;
        this.options.onEvent({ what: "format", before, format, failure: error.message });
      }
      throw error;
    }
    if (!same) this.options.onEvent({ what: "format", before, format, failure: "" });
  }

  /** The device plays at another rate: its stream waits for a ring of that one. */
  private follow(format: StreamFormat): void {
    const { link } = this;
    if (!this.playing || this.lost) return;
    this.live?.setSink(null);
    this.queue(async () => {
      if (link !== this.link || this.lost) return;
      const before = link.format as StreamFormat;
      link.format = format;
      try {
        await this.fit(before, format, () => this.turnTo(link));
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
        link.format = before;
        this.loseSound(error);
      }
    });
  }

  /** Lists the devices by a sidecar of its own: the one that plays can't look without a stop. */
  private async lookAround(): Promise<void> {
    this.lookAgain = true;
    if (this.looking) return;
    if (!this.lost && this.known?.library?.asio === true && this.device.startsWith(ASIO)) return;
    this.looking = true;
    while (this.lookAgain && !this.closing) {
      this.lookAgain = false;
      try {
        const { command, config } = this.options;
        const { client, list } = await listDevices(async () => {
          if (this.closing) throw new BelljarError("live/closed", "It was closed.");
          const scout = await SidecarClient.start(command, () => {});
          scout.stepBack();
          this.scout = scout;
          if (this.closing) scout.kill();
          return scout;
        }, notNeededFor(config.device));
        client.kill();
        if (!this.closing) this.compare(list);
      } catch (error) {
        if (!(error instanceof BelljarError)) throw error;
      }
    }
    this.looking = false;
  }

  /** Tells what has come and gone since the last list, and goes back to the device that is wished. */
  private compare(list: DeviceList): void {
    const before = this.known;
    this.known = list;
    if (before === null) return;
    const isIn = ({ devices }: DeviceList, id: string): boolean => devices.some((one) => one.id === id);
    const appeared = list.devices.filter(({ id }) => !isIn(before, id));
    // A card that plays for this very program may not be seen by another one.
    const plays = this.lost ? "" : this.device;
    const kept = before.devices.filter(({ id }) => id === plays && !isIn(list, id));
    list.devices.push(...kept);
    const gone = before.devices.filter(({ id }) => !isIn(list, id));
    if (appeared.length + gone.length > 0) this.options.onEvent({ what: "devices", appeared, gone });
    if (!this.standingIn || this.lost) return;
    const device = this.wished(list);
    if (device !== null && device !== this.device) this.queue(() => this.moveTo(device));
  }

  /** To the device that is wished, beside the one that plays; where that fails, this one goes on. */
  private async moveTo(device: string): Promise<void> {
    if (this.lost || !this.standingIn || !this.playing) return;
    const { link: before, wish } = this;
    const link = this.newLink();
    this.next = link;
    try {
      await link.begin();
      await link.open(device, wish);
      await this.changeRate(link);
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      link.kill();
      return;
    } finally {
      this.next = null;
    }
    if (this.closing) {
      link.kill();
      return;
    }
    this.link = link;
    this.standingIn = false;
    this.chosen = device;
    try {
      await this.fit(before.format as StreamFormat, link.format as StreamFormat, () => this.turnTo(link));
      this.lost = false;
      this.options.onEvent({ what: "moved", device, from: before.device });
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      this.loseSound(error);
    }
    await before.close();
  }

  /** The sidecar's own figures; null where it can't be asked. */
  async status(): Promise<StreamStatus | null> {
    try {
      return (await this.link.client?.request("status", {})) ?? null;
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
    this.next?.kill();
    this.scout?.kill();
    // What was written of a file is cleared away by the sidecar itself.
    if (this.lost && !this.device.startsWith(FILE)) this.link.kill();
    await this.work;
    const { client } = this.link;
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
    await this.link.close();
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
