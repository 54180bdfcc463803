// A session becomes a graph that is ready to play: plugins loaded and set up, files read, wires joined.

import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import {
  buildGraph,
  didYouMean,
  EventInput,
  FileSource,
  type Graph,
  type GraphNode,
  Master,
  type Timing,
  TrackSource,
} from "../graph/index.ts";
import { readWav, type WavAudio } from "../player/wav-reader.ts";
import { isFileName } from "../registry/builtins.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { completeLimits, type Limits, type PluginInstance, type PluginType } from "../sandbox/index.ts";
import { refuse } from "./arguments.ts";
import type { Json } from "./json.ts";
import { MIDI_MAX_BYTES, type MidiFile, readMidiFile, scheduleMidi } from "./midi-file.ts";
import { PluginNode } from "./plugin-node.ts";
import { PluginRecipe } from "./plugin-recipe.ts";
import type { Recordings } from "./recordings.ts";
import { ofNode } from "./plugin-setup.ts";
import { checkRecovery, ON_FAULT, type OnFault, type RecoveryLimits } from "./recovery.ts";
import { HIGHEST_RATE, LONGEST_BLOCK, LOWEST_RATE, type Session, type SessionNode } from "./session.ts";
import { insideFolder } from "./session-files.ts";
import { TransportClock } from "./transport.ts";

const WAV_MAX_BYTES = 2 ** 31;
const DEFAULT_RATE = 48000;
const DEFAULT_BLOCK = 128;
const PRIMITIVES = ["track_source", "file_source", "event_input", "master"];

/** A file that the user picked. */
export interface InputFile {
  name: string;
  bytes: Uint8Array;
}

export interface PrepareOptions {
  /** A plugin by the name that the session gives, or by its file's absolute path. */
  load(type: string): Promise<PluginType>;
  /** The session's folder; null: the session can name no file. */
  folder: string | null;
  /** Files for the inputs of track sources and of file sources, by input name. */
  midi?: ReadonlyMap<string, InputFile> | undefined;
  audio?: ReadonlyMap<string, InputFile> | undefined;
  /** Instead of what the session says. */
  rate?: number | undefined;
  block?: number | undefined;
  /** Most units of one block of one plugin. */
  unitBudget?: number | undefined;
  /** Milliseconds that one block of one plugin may take; makes a render depend on the machine. */
  deadline?: number | undefined;
  /** Milliseconds; where given, nodes are timed. */
  clock?: (() => number) | undefined;
  /** Records what every plugin is asked to do: save it where one was stopped. */
  record?: Recordings | undefined;
  /** Default: all, in each block. */
  timing?: Timing | undefined;
  /** What follows when a plugin has stopped, for all nodes instead of what the session says. */
  onFault?: OnFault | undefined;
  /**
   * Limits of the session's plugins, where others are wanted than DEFAULT_LIMITS. A plugin that `load` gives keeps those that it
   * was loaded with.
   */
  limits?: Partial<Limits> | undefined;
  /** What a session that plays hands on. Default: nothing. */
  goOn?: GoOn | undefined;
  /** Bounds of replacing plugins that stopped, where others are wanted than DEFAULT_RECOVERY. */
  recovery?: Partial<RecoveryLimits> | undefined;
}

/** What of a session that plays goes on in the one that is made ready to take its place. */
export interface GoOn {
  /** The instance that plays on as this node; null: another one is made, from what the recipe is told here. */
  instance(node: SessionNode, type: PluginType, recipe: PluginRecipe): PluginInstance | null;
  /** What plays on instead of a source that is the same. */
  source<T extends TrackSource | FileSource>(node: SessionNode, made: T): T;
  /** Notes of sources that are new get numbers from here on. */
  firstNoteId: number;
}

export interface PreparedNode {
  id: string;
  type: string;
  node: GraphNode;
  /** Null for a track source, file source, event input or master. Another one once it was replaced; so is `node` then. */
  instance: PluginInstance | null;
  /** Where it is a plugin: what another instance can be made from. */
  recipe?: PluginRecipe | undefined;
}

export interface PreparedSession {
  session: Session;
  graph: Graph;
  /** As the session declares them. */
  nodes: PreparedNode[];
  rate: number;
  block: number;
  /** Frames until the last source ends; null: no source ends. */
  contentFrames: number | null;
  transport: TransportClock;
  /** The first MIDI file that plays: its tempo map is the session's. */
  song: MidiFile | null;
  /** What is odd about the inputs, in sentences. */
  warnings: string[];
  recovery?: RecoveryLimits | undefined;
  /** Most events that one node sends in a block, times the wires that take them. Default: as DEFAULT_LIMITS say. */
  eventFanOut?: number | undefined;
  /** The number after those of all notes. */
  nextNoteId?: number | undefined;
}

/** A replacement comes to its full level in 5 ms: long enough for no click, too short to take the edge off a note. */
export const FADE_SECONDS = 0.005;

/** @throws BelljarError session/… naming the node, wire or file; module/…, descriptor/…, plugin/…, midi/…, wav/… */
export async function prepareSession(session: Session, options: PrepareOptions): Promise<PreparedSession> {
  const rate = bounded(options.rate, "rate", LOWEST_RATE, HIGHEST_RATE) ?? session.sampleRate ?? DEFAULT_RATE;
  const block = bounded(options.block, "block size", 1, LONGEST_BLOCK) ?? session.blockSize ?? DEFAULT_BLOCK;
  const recovery = checkRecovery(options.recovery ?? {});
  if (options.onFault !== undefined && !ON_FAULT.includes(options.onFault)) {
    refuse("onFault", ON_FAULT.map((one) => `"${one}"`).join(" or "), options.onFault);
  }
  const preparation = new Preparation(session, options, rate, block);
  preparation.checkInputs();
  const { eventFanOut } = completeLimits(options.limits);
  const nodes: PreparedNode[] = [];
  let graph: Graph;
  try {
    for (const node of session.nodes) nodes.push(await preparation.node(node));
    graph = buildGraph({
      nodes: nodes.map(({ id, node, recipe }) => ({ id, node, passDry: recipe?.whileFaulty === "bypass" })),
      wires: session.wires,
      frames: block,
      eventFanOut,
      fadeFrames: Math.max(1, Math.round(FADE_SECONDS * rate)),
      clock: options.clock,
      timing: options.timing ?? "all",
    });
  } catch (error) {
    for (const { instance } of nodes) instance?.dispose();
    throw error;
  }
  return {
    session,
    graph,
    nodes,
    rate,
    block,
    contentFrames: preparation.contentFrames,
    transport: new TransportClock(rate, session.bpm, preparation.song),
    song: preparation.song,
    warnings: preparation.warnings,
    recovery,
    eventFanOut,
    nextNoteId: preparation.nextNoteId,
  };
}

/** [control] Gives the memory of a session's plugins back, once it is no longer rendered. */
export function disposeSession({ nodes }: PreparedSession): void {
  for (const { instance } of nodes) instance?.dispose();
}

function bounded(value: number | undefined, what: string, min: number, max: number): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
  throw new BelljarError(
    "usage/value",
    `The ${what} must be a whole number from ${min} to ${max}, not ${printable(String(value))}.`,
  );
}

class Preparation {
  /** The first MIDI file that plays: its tempo map is the session's. */
  song: MidiFile | null = null;
  contentFrames: number | null = null;
  readonly warnings: string[] = [];
  private readonly session: Session;
  private readonly options: PrepareOptions;
  private readonly rate: number;
  private readonly block: number;
  private readonly types = new Map<string, Promise<PluginType>>();
  private readonly songs = new Map<string, MidiFile>();
  private readonly sounds = new Map<string, WavAudio>();
  nextNoteId: number;

  constructor(session: Session, options: PrepareOptions, rate: number, block: number) {
    this.session = session;
    this.options = options;
    this.rate = rate;
    this.block = block;
    this.nextNoteId = options.goOn?.firstNoteId ?? 0;
  }

  /** Refuses inputs that no node takes. */
  checkInputs(): void {
    for (const [type, option, files] of [
      ["track_source", "--midi", this.options.midi],
      ["file_source", "--input", this.options.audio],
    ] as const) {
      const takers = this.session.nodes.filter((node) => node.type === type).map(inputName);
      for (const name of files?.keys() ?? []) {
        if (takers.includes(name)) continue;
        const all =
          takers.length === 0
            ? `The session has no ${type}.`
            : `Its inputs are ${takers.map((taker) => printable(taker, 60)).join(", ")}.`;
        throw new BelljarError(
          "session/unknown-input",
          `${this.session.name} has no input "${printable(name, 60)}" for ${option}.`,
          didYouMean(name, takers, all),
        );
      }
    }
  }

  async node(node: SessionNode): Promise<PreparedNode> {
    switch (node.type) {
      case "track_source":
        return { id: node.id, type: node.type, node: await this.trackSource(node), instance: null };
      case "file_source":
        return { id: node.id, type: node.type, node: await this.fileSource(node), instance: null };
      case "event_input":
        plain(node, []);
        return { id: node.id, type: node.type, node: new EventInput(), instance: null };
      case "master":
        plain(node, []);
        return { id: node.id, type: node.type, node: new Master(this.block), instance: null };
    }
    const type = await this.type(node);
    const { folder, clock, unitBudget, deadline, onFault, record } = this.options;
    const place = { folder, clock, record, rate: this.rate, block: this.block };
    const recipe = new PluginRecipe(type, node, place, { unitBudget, deadline, onFault });
    const instance = this.options.goOn?.instance(node, type, recipe) ?? (await recipe.make());
    return { id: node.id, type: node.type, node: new PluginNode(instance), instance, recipe };
  }

  private async type(node: SessionNode): Promise<PluginType> {
    const known = this.types.get(node.type);
    if (known !== undefined) return known;
    try {
      const name = isFileName(node.type) ? await this.ownFile(node, node.type) : node.type;
      const type = this.options.load(name);
      this.types.set(node.type, type);
      return await type;
    } catch (error) {
      if (!(error instanceof BelljarError) || error.code !== "plugin/unknown") throw ofNode(node.id, error);
      throw new BelljarError(
        "session/unknown-type",
        `The node "${node.id}" has the type "${printable(node.type, 60)}", which is not there.`,
        didYouMean(node.type, PRIMITIVES, error.hint),
      );
    }
  }

  private async trackSource(node: SessionNode): Promise<TrackSource> {
    plain(node, ["input", "file", "tracks", "channel"]);
    const song = await this.input(
      node,
      this.options.midi,
      this.songs,
      MIDI_MAX_BYTES,
      readMidiFile,
      "MIDI",
      "--midi",
    );
    if (this.song === null) this.song = song;
    try {
      const schedule = scheduleMidi(song, {
        rate: this.rate,
        firstNoteId: this.nextNoteId,
        ...readTracks(node, song),
      });
      this.nextNoteId = schedule.nextNoteId;
      if (schedule.endlessNotes > 0) {
        this.warnings.push(`${song.name} never ends ${schedule.endlessNotes} of the notes of "${node.id}".`);
      }
      const made = new TrackSource(schedule, this.block);
      const source = this.options.goOn?.source(node, made) ?? made;
      this.lengthen(Math.max(source.length, schedule.endFrame));
      return source;
    } catch (error) {
      throw ofNode(node.id, error);
    }
  }

  private async fileSource(node: SessionNode): Promise<FileSource> {
    plain(node, ["input", "file"]);
    const sound = await this.input(
      node,
      this.options.audio,
      this.sounds,
      WAV_MAX_BYTES,
      readWav,
      "WAV",
      "--input",
    );
    if (sound.rate !== this.rate) {
      throw new BelljarError(
        "session/rate",
        `The node "${node.id}" plays a file of ${sound.rate} Hz in a session of ${this.rate} Hz.`,
        `Set the session's sample_rate to ${sound.rate}, or convert the file: there is no resampler yet.`,
      );
    }
    if (sound.channels > 2) {
      throw new BelljarError(
        "session/channels",
        `The node "${node.id}" plays a file of ${sound.channels} channels; one or two are possible.`,
      );
    }
    this.lengthen(sound.frames);
    const made = new FileSource(sound.samples, this.block);
    return this.options.goOn?.source(node, made) ?? made;
  }

  private lengthen(frames: number): void {
    this.contentFrames = Math.max(this.contentFrames ?? 0, frames);
  }

  /** The decoded file of a source: the one that the user gave for its input, else the one that the session names. */
  private async input<T extends MidiFile | WavAudio>(
    node: SessionNode,
    given: ReadonlyMap<string, InputFile> | undefined,
    known: Map<string, T>,
    most: number,
    read: (bytes: Uint8Array, name: string) => T,
    kind: string,
    option: string,
  ): Promise<T> {
    const name = inputName(node);
    const file = given?.get(name);
    const proposal = node.config.get("file");
    if (file === undefined && proposal === undefined) {
      throw new BelljarError(
        "session/no-input",
        `The node "${node.id}" has no ${kind} file.`,
        `Give it one: ${option} ${printable(name, 60)}=FILE, or "file" in its config.`,
      );
    }
    const key = file === undefined ? `file ${proposal}` : `input ${name}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    try {
      let decoded: T;
      if (file !== undefined) decoded = read(file.bytes, file.name);
      else {
        const place = await this.ownFile(node, proposal as string);
        decoded = read(await readRegularFile(place, most, `a ${kind} file`, true), path.basename(place));
      }
      known.set(key, decoded);
      if ("warnings" in decoded) this.warnings.push(...decoded.warnings);
      return decoded;
    } catch (error) {
      throw ofNode(node.id, error);
    }
  }

  private ownFile(node: SessionNode, proposal: string): Promise<string> {
    const { folder } = this.options;
    if (folder !== null) return insideFolder(folder, proposal, `The node "${node.id}"`);
    throw new BelljarError(
      "session/file",
      `The node "${node.id}" names a file, but the session has no folder.`,
    );
  }
}

/** The name by which the user supplies a source's file. */
function inputName(node: SessionNode): string {
  const name = node.config.get("input");
  return typeof name === "string" ? name : node.id;
}

/** Checks the config of a node that is no plugin. */
function plain(node: SessionNode, keys: readonly string[]): void {
  const said =
    node.onFault !== undefined ? "on_fault" : node.whileFaulty !== undefined ? "while_faulty" : undefined;
  if (said !== undefined) {
    throw new BelljarError(
      "session/value",
      `The node "${node.id}", a ${node.type}, is no plugin, so it takes no "${said}".`,
    );
  }
  const [param] = node.params.keys();
  if (param !== undefined) {
    throw new BelljarError(
      "session/param",
      `The node "${node.id}", a ${node.type}, has no parameter "${printable(param, 60)}".`,
      "It has none.",
    );
  }
  for (const [key, value] of node.config) {
    if (!keys.includes(key)) {
      throw new BelljarError(
        "session/config",
        `The node "${node.id}", a ${node.type}, has no config parameter "${printable(key, 60)}".`,
        didYouMean(key, keys, keys.length === 0 ? "It has none." : `It has ${keys.join(", ")}.`),
      );
    }
    if ((key === "input" || key === "file") && (typeof value !== "string" || value === "")) {
      throw new BelljarError("session/config", `The node "${node.id}": "${key}" must be a text.`);
    }
  }
}

function readTracks(node: SessionNode, song: MidiFile): { tracks?: number[]; channel?: number } {
  const result: { tracks?: number[]; channel?: number } = {};
  const whole = (value: Json | undefined, most: number): value is number =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
  const tracks = node.config.get("tracks");
  if (tracks !== undefined) {
    if (!Array.isArray(tracks) || tracks.length === 0 || !tracks.every((track) => whole(track, 65535))) {
      throw new BelljarError(
        "session/config",
        `"tracks" must be a list of track numbers; ${song.name} has tracks 0 to ${song.tracks.length - 1}.`,
      );
    }
    result.tracks = tracks as number[];
  }
  const channel = node.config.get("channel");
  if (channel !== undefined) {
    if (!whole(channel, 15))
      throw new BelljarError("session/config", '"channel" must be a whole number from 0 to 15.');
    result.channel = channel;
  }
  return result;
}
