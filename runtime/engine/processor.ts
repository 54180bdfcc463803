// One plugin, ready to be given blocks: the convenient face of a sandbox instance, for hosts and the command line.

import { isInput, type PluginDescriptor, type PortDescriptor, type Preset } from "../../abi/descriptor.ts";
import { BelljarError, listed, printable } from "../../abi/error.ts";
import { AUDIO_CONNECTED, AUDIO_INPUT_SILENT, EventType } from "../../abi/layout.ts";
import { didYouMean } from "../graph/index.ts";
import type { AudioPort, Fault, ModuleFacts, PluginInstance, PluginType } from "../sandbox/index.ts";
import { checkKeys, checkNumber, checkObject, checkText, checkWhole, isBytes, refuse } from "./arguments.ts";
import { parseValue } from "./parameter-text.ts";
import { configText } from "./plugin-setup.ts";
import { Recordings } from "./recordings.ts";

/** How an instance is set up. */
export interface Setup {
  /** Frames a second; 48000 unless told. */
  rate?: number;
  /** The longest block, in frames; 128 unless told. */
  maxFrames?: number;
  /** Config parameter id -> value. */
  config?: Record<string, string | number | boolean>;
  /** Config parameter id (of type filepath) -> the file's name and bytes. The plugin sees these and no path. */
  files?: Record<string, { name: string; bytes: Uint8Array }>;
  /** The name of one of the plugin's presets; what else is given here goes before its values. */
  preset?: string;
  /** Control port id -> value, as set() takes it. */
  params?: Record<string, number | string>;
  /** Bytes from saveState(). */
  state?: Uint8Array;
  /** Work that one block may cost; see PluginInstance.units for what it did cost. */
  unitBudget?: number;
  /** Milliseconds that one block may take; none unless told. A deadline makes a run depend on the machine. */
  deadline?: number;
  /** Records what the instance is asked to do; see Recordings. */
  record?: Recordings;
}

/** The channels of one audio port: views of the plugin's memory, maxFrames long. */
export interface Channels {
  readonly id: string;
  /** The first channel. */
  readonly left: Float32Array;
  /** The second channel; of a mono port the same view as `left`. */
  readonly right: Float32Array;
  readonly all: readonly Float32Array[];
  /** Of an output: the largest magnitude in the last block. */
  readonly peak: number;
}

const SETUP_KEYS = [
  "rate",
  "maxFrames",
  "config",
  "files",
  "preset",
  "params",
  "state",
  "unitBudget",
  "deadline",
  "record",
];

/** Fields of an event that are left out. */
export interface EventFields {
  key?: number;
  channel?: number;
  id?: number;
  value?: number;
  noteId?: number;
}

/** A control input, with the value that was set: what lies in the plugin's memory, the plugin can change. */
interface Knob {
  readonly slot: number;
  readonly port: PortDescriptor;
  value: number;
}

class PortChannels implements Channels {
  readonly id: string;
  readonly all: readonly Float32Array[];
  /** Whether the host has asked for it, and so uses it. */
  used = false;
  private readonly port: AudioPort;

  constructor(port: AudioPort, maxFrames: number) {
    this.id = port.id;
    this.port = port;
    this.all = Array.from({ length: port.channels }, (_, channel) =>
      port.samples.subarray(channel * port.stride, channel * port.stride + maxFrames),
    );
  }

  get left(): Float32Array {
    return this.all[0] as Float32Array;
  }

  get right(): Float32Array {
    return (this.all[1] ?? this.all[0]) as Float32Array;
  }

  get peak(): number {
    return this.port.peak;
  }

  /** Before a block: tells the plugin whether the port is used, and of an input, whether there is sound. */
  announce(frames: number): void {
    const connected = this.used ? AUDIO_CONNECTED : 0;
    this.port.flags = this.port.input && this.isSilent(frames) ? connected | AUDIO_INPUT_SILENT : connected;
  }

  private isSilent(frames: number): boolean {
    for (let c = 0; c < this.all.length; c++) {
      const channel = this.all[c] as Float32Array;
      for (let i = 0; i < frames; i++) if (channel[i] !== 0) return false;
    }
    return true;
  }
}

/** A vetted plugin, from which any number of instances can be made. */
export class Plugin {
  readonly type: PluginType;

  constructor(type: PluginType) {
    this.type = type;
  }

  /** What the plugin says of itself, checked. Text in it is a stranger's: pass it through printable() before showing it. */
  get descriptor(): PluginDescriptor {
    return this.type.descriptor;
  }

  /** What its module needs and holds. */
  get facts(): ModuleFacts {
    return this.type.facts;
  }

  /** SHA-256 of the module's bytes, in hex. */
  get hash(): string {
    return this.type.hash;
  }

  /**
   * Makes an instance with a memory of its own, configures and activates it. [control]
   * @throws BelljarError usage/option, usage/value; plugin/* for an unknown id, a value out of range, or a plugin that refuses or stops
   */
  instantiate(setup: Setup = {}): Processor {
    checkSetup(setup);
    const { id } = this.descriptor;
    const watcher = setup.record?.begin(this.type, id, id);
    let instance: PluginInstance | undefined;
    try {
      instance = this.type.instantiate(watcher === undefined ? {} : { watcher });
      return new Processor(instance, setup);
    } catch (error) {
      watcher?.refused(error);
      instance?.dispose();
      throw error;
    }
  }
}

/** A plugin instance that is ready to be given blocks. */
export class Processor {
  /** The instance below, for what this class leaves out. */
  readonly instance: PluginInstance;
  readonly rate: number;
  readonly maxFrames: number;
  private readonly inputs = new Map<string, PortChannels>();
  private readonly outputs = new Map<string, PortChannels>();
  private readonly audio: PortChannels[] = [];
  private readonly controlsIn = new Map<string, Knob>();
  private readonly controlsOut = new Map<string, { slot: number; port: PortDescriptor }>();
  private readonly eventPort: number;
  /** Frame of the last event for the next block. */
  private lastFrame = 0;

  /** @throws what Plugin.instantiate throws */
  constructor(instance: PluginInstance, setup: Setup = {}) {
    checkSetup(setup);
    this.instance = instance;
    this.rate = setup.rate ?? 48000;
    this.maxFrames = setup.maxFrames ?? 128;
    const preset = setup.preset === undefined ? null : findPreset(instance.descriptor, setup.preset);
    const config = new Map<string, string | number | boolean>(preset?.config);
    for (const [id, value] of Object.entries(setup.config ?? {})) config.set(id, value);
    for (const [id, value] of config) {
      const param = instance.descriptor.config_params.find((one) => one.id === id);
      instance.configure(id, param === undefined ? String(value) : configText(param, value));
    }
    for (const [id, file] of Object.entries(setup.files ?? {})) {
      instance.configureFile(id, file.name, file.bytes);
    }
    instance.activate(this.rate, this.maxFrames);
    const state = setup.state ?? preset?.state ?? null;
    if (state !== null) instance.loadState(state);
    for (const [id, json] of preset?.graph ?? []) instance.setGraphData(id, json);
    if (setup.unitBudget !== undefined) instance.unitBudget = setup.unitBudget;
    if (setup.deadline !== undefined) instance.deadline = setup.deadline;
    for (const port of instance.audio) {
      const channels = new PortChannels(port, this.maxFrames);
      this.audio.push(channels);
      (port.input ? this.inputs : this.outputs).set(port.id, channels);
    }
    const ports = instance.descriptor.ports;
    for (const port of ports) {
      if (port.type !== "control") continue;
      if (isInput(port))
        this.controlsIn.set(port.id, { slot: this.controlsIn.size, port, value: port.default });
      else this.controlsOut.set(port.id, { slot: this.controlsOut.size, port });
    }
    this.eventPort = ports.findIndex((port) => port.type === "event" && isInput(port));
    for (const [id, value] of preset?.params ?? []) this.set(id, value);
    for (const [id, value] of Object.entries(setup.params ?? {})) this.set(id, value);
  }

  get descriptor(): PluginDescriptor {
    return this.instance.descriptor;
  }

  /** Why the plugin was stopped, or null while it is well. */
  get fault(): Fault | null {
    return this.instance.fault;
  }

  /** Frames by which the outputs lag behind the inputs. */
  get latency(): number {
    return this.instance.latency;
  }

  /** Frames of sound after the last input; may be Infinity. */
  get tail(): number {
    return this.instance.tail;
  }

  /** An audio input by id; the first one unless told. Write a block there before process(). From then on it counts as connected. */
  input(id?: string): Channels {
    const channels = pick(this.inputs, id, "audio input");
    channels.used = true;
    return channels;
  }

  /**
   * An audio output by id; the first one unless told. Read it after process(): the next block overwrites it. From then on it
   * counts as connected.
   */
  output(id?: string): Channels {
    const channels = pick(this.outputs, id, "audio output");
    channels.used = true;
    return channels;
  }

  /**
   * Sets a control port from the next block on.
   * @param value a number in the port's unit, or text: "-6 dB", "on", a choice's name; for a graph editor its JSON
   * @throws BelljarError usage/value, plugin/port, plugin/value
   */
  set(id: string, value: number | string): void {
    const knob = this.knob(id);
    if (knob.port.hint === "graph_editor") {
      checkText(`value of "${printable(id, 60)}"`, value);
      this.instance.setGraphData(id, value as string);
    } else this.turn(knob, this.parse(id, value));
  }

  /** The number that set() would set. */
  parse(id: string, value: number | string): number {
    const { port } = this.knob(id);
    if (!["number", "string", "boolean"].includes(typeof value)) {
      refuse(`value of "${printable(id, 60)}"`, "a number or a text", value);
    }
    return parseValue(port, String(value));
  }

  private knob(id: string): Knob {
    checkText("id of a control", id);
    return pick(this.controlsIn, id, "control input");
  }

  private turn(knob: Knob, value: number): void {
    knob.value = Math.fround(value);
    this.instance.controlsIn[knob.slot] = value;
  }

  /**
   * What a control port holds: what was set, or what a meter or monitor showed in the last block (its least value where it
   * showed no number).
   */
  get(id: string): number {
    checkText("id of a control", id);
    const shown = this.controlsOut.get(id);
    if (shown === undefined) return pick(this.controlsIn, id, "control").value;
    const value = this.instance.controlsOut[shown.slot] as number;
    return Number.isNaN(value) ? shown.port.min : value;
  }

  /**
   * Sets a control port at a frame inside the next block. Events must be given in the order of their frames.
   * @returns false when the plugin's list of events is full
   */
  setAt(frame: number, id: string, value: number | string): boolean {
    const knob = this.knob(id);
    const number = this.parse(id, value);
    const index = this.descriptor.ports.indexOf(knob.port);
    if (!this.push(frame, EventType.Param, index, -1, -1, -1, 0, number)) return false;
    this.pending.push({ knob, value: number });
    return true;
  }

  private readonly pending: { knob: Knob; value: number }[] = [];

  /** Starts a note at a frame of the next block. @param key 0 to 127, 60 is middle C. @param velocity 0 to 1 */
  noteOn(frame: number, key: number, velocity = 0.8, channel = 0): boolean {
    checkWhole("key", key, 0, 127);
    checkNumber("velocity", velocity, 0, 1);
    checkWhole("channel", channel, 0, 15);
    return this.event(frame, EventType.NoteOn, { key, channel, value: velocity });
  }

  /** Ends a note at a frame of the next block. */
  noteOff(frame: number, key: number, channel = 0): boolean {
    checkWhole("key", key, 0, 127);
    checkWhole("channel", channel, 0, 15);
    return this.event(frame, EventType.NoteOff, { key, channel });
  }

  /**
   * An event (abi/layout.ts, EventType) to the plugin's first event input, in the order of the frames.
   * @returns false when the plugin's list of events is full
   * @throws BelljarError usage/value, plugin/port
   */
  event(frame: number, type: EventType, more: EventFields = {}): boolean {
    if (!SENT_EVENTS.includes(type))
      refuse("type of an event", "one that an event input takes", EventType[type] ?? type);
    checkObject("fields of an event", more);
    if (this.eventPort < 0) {
      throw new BelljarError("plugin/port", `"${printable(this.descriptor.id, 60)}" has no event input.`);
    }
    const { key = -1, channel = -1, id = 0, value = 0, noteId = -1 } = more;
    checkWhole("key", key, -1, 127);
    checkWhole("channel", channel, -1, 15);
    checkWhole("id", id, 0, 0xffffffff);
    checkNumber("value", value, -Number.MAX_VALUE, Number.MAX_VALUE);
    checkWhole("note id", noteId, -1, 0x7fffffff);
    return this.push(frame, type, this.eventPort, noteId, channel, key, id, value);
  }

  private push(
    frame: number,
    type: EventType,
    port: number,
    noteId: number,
    channel: number,
    key: number,
    id: number,
    value: number,
  ): boolean {
    checkWhole("frame", frame, 0, this.maxFrames - 1);
    if (frame < this.lastFrame) {
      throw new BelljarError(
        "usage/order",
        `An event at frame ${frame} comes after one at frame ${this.lastFrame}; they must be given in the order of their frames.`,
      );
    }
    if (!this.instance.eventsIn.push(frame, type, port, noteId, channel, key, id, value)) return false;
    this.lastFrame = frame;
    return true;
  }

  /**
   * Runs one block. [audio]
   * @param frames 1 to maxFrames, and more than the frame of any event
   * @throws BelljarError usage/value
   * @returns false when the plugin is stopped: see `fault`; its outputs are silence from here on
   */
  process(frames: number = this.maxFrames): boolean {
    checkWhole("number of frames", frames, 1, this.maxFrames);
    if (this.lastFrame >= frames) checkWhole("frame of an event", this.lastFrame, 0, frames - 1);
    this.lastFrame = 0;
    for (let i = 0; i < this.audio.length; i++) (this.audio[i] as PortChannels).announce(frames);
    const well = this.instance.process(frames);
    for (const { knob, value } of this.pending) this.turn(knob, value);
    this.pending.length = 0;
    return well;
  }

  /** Forgets all sound (delay lines, voices) and keeps every setting. */
  reset(): void {
    this.instance.reset();
  }

  /**
   * Gives the instance's memory back, which a program with many instances should do with those that it no longer needs. [control]
   * Every later call throws plugin/disposed, and the channels that input() and output() gave must not be used any more.
   */
  dispose(): void {
    this.instance.dispose();
  }

  /** The plugin's own state, for Setup.state; null when it has none. [control] */
  saveState(): Uint8Array | null {
    return this.instance.saveState();
  }
}

/** Types of events that are played: what a keyboard or a program sends. */
export const PLAYED_EVENTS: readonly EventType[] = [
  EventType.NoteOn,
  EventType.NoteOff,
  EventType.Choke,
  EventType.Expression,
  EventType.Bend,
  EventType.ControlChange,
  EventType.Program,
  EventType.Pressure,
  EventType.AllNotesOff,
];

/** Types of events that a host sends to an event input. */
export const SENT_EVENTS: readonly EventType[] = [...PLAYED_EVENTS, EventType.Midi1, EventType.Ump];

function checkSetup(setup: Setup): void {
  checkKeys("option of instantiate", setup, SETUP_KEYS);
  const { rate, maxFrames, config, files, preset, params, state, unitBudget, deadline } = setup;
  if (rate !== undefined) checkNumber("rate", rate, 1, 768000);
  if (maxFrames !== undefined) checkWhole("longest block", maxFrames, 1, 16384);
  if (config !== undefined) checkObject("config", config);
  if (params !== undefined) checkObject("params", params);
  if (preset !== undefined) checkText("preset", preset);
  if (state !== undefined && !isBytes(state)) refuse("state", "a Uint8Array", state);
  if (unitBudget !== undefined) checkNumber("unitBudget", unitBudget, 1, Number.POSITIVE_INFINITY);
  if (deadline !== undefined) checkNumber("deadline", deadline, 0, Number.POSITIVE_INFINITY);
  if (setup.record !== undefined && !(setup.record instanceof Recordings)) {
    refuse("record", "a Recordings", setup.record);
  }
  if (files === undefined) return;
  checkObject("files", files);
  for (const [id, file] of Object.entries(files)) {
    const what = `file for "${printable(id, 60)}"`;
    checkObject(what, file);
    checkText(`name of the ${what}`, file.name);
    if (!isBytes(file.bytes)) refuse(`content of the ${what}`, "a Uint8Array", file.bytes);
  }
}

function findPreset({ id, presets }: PluginDescriptor, name: string): Preset {
  const found = presets.find((preset) => preset.name === name);
  if (found !== undefined) return found;
  const names = presets.map((preset) => preset.name);
  const all = names.map((one) => `"${printable(one, 60)}"`).join(", ");
  throw new BelljarError(
    "plugin/preset",
    `"${printable(id, 60)}" has no preset "${printable(name, 60)}".`,
    didYouMean(name, names, all === "" ? "It has none." : `It has: ${printable(all, 500)}.`),
  );
}

function pick<T>(map: ReadonlyMap<string, T>, id: string | undefined, what: string): T {
  if (id !== undefined) checkText(`id of an ${what}`, id);
  const found = id === undefined ? map.values().next().value : map.get(id);
  if (found !== undefined) return found;
  const known = listed([...map.keys()].map((one) => printable(one, 60)));
  const all = known === "" ? "" : `It has: ${known}.`;
  if (id === undefined) throw new BelljarError("plugin/port", `This plugin has no ${what}.`, all);
  throw new BelljarError(
    "plugin/port",
    `This plugin has no ${what} "${printable(id, 60)}".`,
    didYouMean(id, map.keys(), all),
  );
}
