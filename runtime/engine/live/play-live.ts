// A session heard live, in one call: its threads and its way to the sound card, and what a host does with them.

import path from "node:path";
import { BelljarError } from "../../../abi/error.ts";
import type { StreamFormat, StreamStatus } from "../../../abi/sidecar.ts";
import type { SidecarCommand } from "../../output/sidecar-client.ts";
import { readSinkConfig, type SinkConfig, sidecarCommand } from "../../output/sink-config.ts";
import { shipped } from "../../registry/place.ts";
import { checkNumber, checkObject, checkText, refuse } from "../arguments.ts";
import { readSession } from "../open-session.ts";
import { LONGEST_SECONDS } from "../render.ts";
import type { Session } from "../session.ts";
import { LiveOutput } from "./live-output.ts";
import type { MidiConnection } from "./midi-connections.ts";
import {
  type LiveFigures,
  type LiveInput,
  type LiveMeter,
  LiveSession,
  type SessionFacts,
} from "./live-session.ts";
import { checkPlayOptions, type PlayEvent, type PlayOptions, playedBlock } from "./play-options.ts";

export type { PlayedInput, PlayEvent, PlayOptions } from "./play-options.ts";

/** Seconds from a sample's rendering to the moment at which it is heard. */
export interface PlayLatency {
  /** What lies ready in the ring. */
  ready: number;
  /** What the device adds, as it says itself. */
  device: number;
  /** What the graph's plugins add. */
  graph: number;
  total: number;
}

const DEFAULT_RATE = 48_000;
/** -90 dBFS; how long it has to stay below that, and the most that is waited for it. Seconds. */
const QUIET = 10 ** (-90 / 20);
const QUIET_SECONDS = 1;
const LONGEST_TAIL = 10;
/** What rounding to whole frames may take from a length. Seconds. */
const HALF_A_FRAME = 1e-4;
/** How often the end is looked for. Milliseconds. */
const ROUND = 50;

/**
 * Plays a session on a sound card: prepares it, opens the device, and returns as soon as it sounds. It goes on, whatever the
 * host's own thread is busy with, until `close`.
 * @param session a session's file, or what parseSession and readSession give
 * @throws BelljarError usage/*, file/*, session/*, device/*, sidecar/*, live/*, midi/*, and what loading its plugins throws
 */
export async function playLive(session: string | Session, options: PlayOptions = {}): Promise<LivePlay> {
  checkPlayOptions(options);
  const isFile = typeof session === "string";
  if (!isFile && !Array.isArray(session?.nodes)) {
    refuse("session", "a session's file, or what readSession or parseSession gives", session);
  }
  const folder = options.folder ?? (isFile ? path.dirname(path.resolve(session)) : null);
  return LivePlay.begin(isFile ? await readSession(session) : session, { ...options, folder });
}

export class LivePlay {
  /** The session's threads, and the way to the sound card: for what is not said here. */
  readonly session: LiveSession;
  readonly output: LiveOutput;
  /** The MIDI devices that were asked for, by the names of their inputs. */
  readonly inputs: readonly MidiConnection[];
  private readonly news: { failure: BelljarError | null };
  /** Where the session that plays began, and where its sources were ended. Seconds. */
  private origin = 0;
  private over = Number.POSITIVE_INFINITY;
  /** Sessions that are on their way. */
  private changes = 0;
  private closing: Promise<StreamStatus | null> | null = null;

  private constructor(
    session: LiveSession,
    output: LiveOutput,
    news: { failure: BelljarError | null },
    inputs: readonly MidiConnection[],
  ) {
    this.session = session;
    this.output = output;
    this.news = news;
    this.inputs = inputs;
  }

  /** What playLive calls. */
  static async begin(session: Session, options: PlayOptions & { folder: string | null }): Promise<LivePlay> {
    const { device, latency, buffer, settings, inputs, onEvent, ...more } = options;
    const config = readSinkConfig(settings ?? {}, "settings");
    if (device !== undefined) config.device = device;
    if (buffer !== undefined) config.buffer_size_frames = buffer;
    const news: { failure: BelljarError | null } = { failure: null };
    const hear = (event: PlayEvent): void => {
      if (event.what === "ended") news.failure = new BelljarError("live/ended", event.message);
      if (event.what === "lost" && event.final) news.failure = new BelljarError(event.code, event.message);
      onEvent?.(event);
    };
    const block = playedBlock(options, session);
    const output = await LiveOutput.open({
      command: sidecarOf(config),
      config,
      block,
      rate: options.rate ?? session.sampleRate ?? DEFAULT_RATE,
      channels: 2,
      latency: latency ?? null,
      // A device that is named here and now is meant.
      mayStandIn: config.fallback_to_default && device === undefined,
      onEvent: hear,
    });
    let live: LiveSession | null = null;
    try {
      const { rate } = output.format as StreamFormat;
      live = await LiveSession.open(session, { ...more, rate, block, onEvent: hear });
      const connections: MidiConnection[] = [];
      for (const { node, device: input, channel } of inputs ?? []) {
        connections.push(await live.connectMidi(node, input, { channel }));
      }
      await output.play(live);
      return new LivePlay(live, output, news, connections);
    } catch (error) {
      // What came first is what is told.
      await live?.close().catch(() => {});
      await output.close().catch(() => {});
      throw error;
    }
  }

  /** What it is heard on: a device's id. */
  get device(): string {
    return this.output.device;
  }

  get facts(): SessionFacts {
    return this.session.facts;
  }

  /** What it is doing: the frame, loads, late blocks, the master's peak; read without a message. */
  get figures(): LiveFigures {
    return this.session.figures;
  }

  /** What each node is doing, in the session's order; read without a message. */
  get meters(): LiveMeter[] {
    return this.session.meters;
  }

  get latency(): PlayLatency {
    const { rate, latency } = this.output.format as StreamFormat;
    const [ready, graph] = [this.output.depth / rate, this.facts.latency / rate];
    return { ready, device: latency, graph, total: ready + latency + graph };
  }

  /**
   * A node's control outputs as the last block left them, by port, in their own units.
   * @throws BelljarError usage/value, live/node
   */
  monitors(node: string): Map<string, number> {
    checkText("node", node);
    return this.session.monitors(node);
  }

  /**
   * Sets a parameter, in its own unit, from the next block on.
   * @throws BelljarError usage/value, live/node, live/parameter, live/value, live/full
   */
  set(node: string, parameter: string, value: number): void {
    checkText("node", node);
    checkText("parameter", parameter);
    this.session.set(node, parameter, value);
  }

  /**
   * Plays an event on a node of type event_input.
   * @throws BelljarError usage/value, live/node, live/event, live/value, live/full
   */
  play(node: string, event: LiveInput): void {
    checkText("node", node);
    checkObject("event", event);
    this.session.play(node, event);
  }

  /**
   * Plays another session from its beginning, without a gap, as soon as it is ready.
   * @throws BelljarError what loading it throws; this one then goes on. live/closed
   */
  async change(session: Session): Promise<void> {
    this.checkOpen();
    this.changes++;
    try {
      await this.session.change(session);
      this.origin = this.figures.seconds;
      this.over = Number.POSITIVE_INFINITY;
    } finally {
      this.changes--;
    }
  }

  /**
   * Goes on with this session at the same place, with other nodes and wires; see LiveSession.edit for what plays on.
   * @throws BelljarError live/edit, and what loading the new nodes throws; all then goes on as it was. live/closed
   */
  async edit(session: Session): Promise<void> {
    this.checkOpen();
    return this.session.edit(session);
  }

  /**
   * Gives a plugin other config values, however long it works on them: they are heard when it is ready, without a gap.
   * @param config by the config parameter's id; the others stay as they are
   * @throws BelljarError usage/value, live/node, and what `edit` throws
   */
  async configure(node: string, config: Parameters<LiveSession["configure"]>[1]): Promise<void> {
    checkText("node", node);
    checkObject("config", config);
    this.checkOpen();
    return this.session.configure(node, config);
  }

  private checkOpen(): void {
    if (this.closing !== null) throw new BelljarError("live/closed", "It was closed, and plays no more.");
  }

  /** Ends all sources and all notes; what sounds may ring out. */
  finish(): void {
    this.over = this.figures.seconds;
    this.session.finish();
  }

  /**
   * Resolves when the sources have ended (or `finish` was called) and the sound has rung out: after a second of quiet, or
   * ten of anything else. A session in which nothing ends goes on until `finish` or `close`.
   * @param seconds the length that is asked for, instead, from 0 on: it ends there without ringing out
   * @throws BelljarError usage/value; live/ended where the audio thread was given up, device/lost where a file can't be gone on with
   */
  async ended(seconds?: number): Promise<void> {
    if (seconds !== undefined) {
      checkNumber("length", seconds, 0, LONGEST_SECONDS);
      this.session.endAt(seconds);
    }
    let heard = 0;
    while (this.closing === null) {
      if (this.news.failure !== null) throw this.news.failure;
      const { seconds: now, peak } = this.figures;
      const { rate, contentFrames } = this.facts;
      // A length that was asked for is kept.
      const content = seconds === undefined ? contentFrames : null;
      const end = content === null ? Number.POSITIVE_INFINITY : this.origin + content / rate;
      const over = Math.min(this.over, end);
      if (peak > QUIET || now < over || this.changes > 0) heard = now;
      if (seconds !== undefined && now >= seconds - HALF_A_FRAME) return;
      const rungOut = now - heard >= QUIET_SECONDS || now - over >= LONGEST_TAIL;
      if (rungOut && this.changes === 0) return;
      await new Promise((resume) => setTimeout(resume, ROUND));
    }
  }

  /**
   * Ends the sound, plays what is left in the ring, and ends all threads and the sidecar. Returns the device's last figures,
   * or null where it can't be asked.
   * @throws BelljarError device/lost where a file could not be finished
   */
  close(): Promise<StreamStatus | null> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<StreamStatus | null> {
    try {
      await this.session.close();
    } catch (error) {
      await this.output.close().catch(() => {});
      throw error;
    }
    return this.output.close();
  }
}

/**
 * The sidecar that the settings lead to.
 * @throws BelljarError config/sidecar
 */
export function sidecarOf(config: SinkConfig): SidecarCommand {
  const own = shipped("sidecar.js");
  if (own !== null) return sidecarCommand(config, path.dirname(path.dirname(own)), own);
  throw new BelljarError(
    "config/sidecar",
    "dist/sidecar.js is not there.",
    "Build or install Belljar again.",
  );
}
