// One plugin, ready to be given blocks: the convenient face of a sandbox instance, for hosts and the command line.

import { type PluginDescriptor, type PortDescriptor, isInput } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { EventType } from "../../abi/layout.ts";
import { didYouMean } from "../graph/index.ts";
import type { AudioPort, Fault, ModuleFacts, PluginInstance, PluginType } from "../sandbox/index.ts";
import { parseValue } from "./parameter-text.ts";
import { configText } from "./plugin-setup.ts";

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
  /** Control port id -> value, as set() takes it. */
  params?: Record<string, number | string>;
  /** Bytes from saveState(). */
  state?: Uint8Array;
  /** Work that one block may cost; see PluginInstance.units for what it did cost. */
  unitBudget?: number;
  /** Milliseconds that one block may take; none unless told. A deadline makes a run depend on the machine. */
  deadline?: number;
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

class PortChannels implements Channels {
  readonly id: string;
  readonly all: readonly Float32Array[];
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
   * @throws BelljarError plugin/* for an unknown id, a value out of range, or a plugin that refuses or stops
   */
  instantiate(setup: Setup = {}): Processor {
    return new Processor(this.type.instantiate(), setup);
  }
}

/** A plugin instance that is ready to be given blocks. */
export class Processor {
  /** The instance below, for what this class leaves out. */
  readonly instance: PluginInstance;
  readonly rate: number;
  readonly maxFrames: number;
  private readonly inputs = new Map<string, Channels>();
  private readonly outputs = new Map<string, Channels>();
  private readonly controlsIn = new Map<string, { slot: number; port: PortDescriptor }>();
  private readonly controlsOut = new Map<string, number>();
  private readonly eventPort: number;

  constructor(instance: PluginInstance, setup: Setup = {}) {
    this.instance = instance;
    this.rate = setup.rate ?? 48000;
    this.maxFrames = setup.maxFrames ?? 128;
    for (const [id, value] of Object.entries(setup.config ?? {})) {
      const param = instance.descriptor.config_params.find((one) => one.id === id);
      instance.configure(id, param === undefined ? String(value) : configText(param, value));
    }
    for (const [id, file] of Object.entries(setup.files ?? {})) {
      instance.configureFile(id, file.name, file.bytes);
    }
    instance.activate(this.rate, this.maxFrames);
    if (setup.state) instance.loadState(setup.state);
    if (setup.unitBudget !== undefined) instance.unitBudget = setup.unitBudget;
    if (setup.deadline !== undefined) instance.deadline = setup.deadline;
    for (const port of instance.audio) {
      (port.input ? this.inputs : this.outputs).set(port.id, new PortChannels(port, this.maxFrames));
    }
    const ports = instance.descriptor.ports;
    for (const port of ports) {
      if (port.type !== "control") continue;
      if (isInput(port)) this.controlsIn.set(port.id, { slot: this.controlsIn.size, port });
      else this.controlsOut.set(port.id, this.controlsOut.size);
    }
    this.eventPort = ports.findIndex((port) => port.type === "event" && isInput(port));
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

  /** An audio input by id; the first one unless told. Write a block there before process(). */
  input(id?: string): Channels {
    return pick(this.inputs, id, "audio input");
  }

  /** An audio output by id; the first one unless told. Read it after process(): the next block overwrites it. */
  output(id?: string): Channels {
    return pick(this.outputs, id, "audio output");
  }

  /**
   * Sets a control port from the next block on.
   * @param value a number in the port's unit, or text: "-6 dB", "on", a choice's name
   * @throws BelljarError plugin/port, plugin/value
   */
  set(id: string, value: number | string): void {
    const { slot, port } = pick(this.controlsIn, id, "control input");
    this.instance.controlsIn[slot] = parseValue(port, String(value));
  }

  /** What a control port holds: what was set, or what a meter or monitor showed in the last block. */
  get(id: string): number {
    const slot = this.controlsOut.get(id);
    if (slot !== undefined) return this.instance.controlsOut[slot] ?? 0;
    return this.instance.controlsIn[pick(this.controlsIn, id, "control").slot] ?? 0;
  }

  /**
   * Sets a control port at a frame inside the next block. Events must be given in the order of their frames.
   * @returns false when the plugin's list of events is full
   */
  setAt(frame: number, id: string, value: number | string): boolean {
    const { slot, port } = pick(this.controlsIn, id, "control input");
    const number = parseValue(port, String(value));
    const index = this.descriptor.ports.indexOf(port);
    if (!this.instance.eventsIn.push(frame, EventType.Param, index, -1, -1, -1, 0, number)) return false;
    this.pending.push({ slot, value: number });
    return true;
  }

  private readonly pending: { slot: number; value: number }[] = [];

  /** Starts a note at a frame of the next block. @param key 0 to 127, 60 is middle C. @param velocity 0 to 1 */
  noteOn(frame: number, key: number, velocity = 0.8, channel = 0): boolean {
    return this.event(frame, EventType.NoteOn, { key, channel, value: velocity });
  }

  /** Ends a note at a frame of the next block. */
  noteOff(frame: number, key: number, channel = 0): boolean {
    return this.event(frame, EventType.NoteOff, { key, channel });
  }

  /**
   * Any event (abi/layout.ts, EventType) to the plugin's first event input, in the order of the frames.
   * @returns false when the plugin's list of events is full
   */
  event(
    frame: number,
    type: EventType,
    more: { key?: number; channel?: number; id?: number; value?: number; noteId?: number } = {},
  ): boolean {
    if (this.eventPort < 0) {
      throw new BelljarError("plugin/port", `"${printable(this.descriptor.id, 60)}" has no event input.`);
    }
    const { key = -1, channel = -1, id = 0, value = 0, noteId = -1 } = more;
    return this.instance.eventsIn.push(frame, type, this.eventPort, noteId, channel, key, id, value);
  }

  /**
   * Runs one block. [audio]
   * @param frames 1 to maxFrames; anything else is a RangeError
   * @returns false when the plugin is stopped: see `fault`; its outputs are silence from here on
   */
  process(frames: number = this.maxFrames): boolean {
    if (!Number.isInteger(frames) || frames < 1 || frames > this.maxFrames) {
      throw new RangeError(`a block has 1 to ${this.maxFrames} frames, not ${frames}`);
    }
    const well = this.instance.process(frames);
    for (const { slot, value } of this.pending) this.instance.controlsIn[slot] = value;
    this.pending.length = 0;
    return well;
  }

  /** Forgets all sound (delay lines, voices) and keeps every setting. */
  reset(): void {
    this.instance.reset();
  }

  /** The plugin's own state, for Setup.state; null when it has none. [control] */
  saveState(): Uint8Array | null {
    return this.instance.saveState();
  }
}

function pick<T>(map: ReadonlyMap<string, T>, id: string | undefined, what: string): T {
  const found = id === undefined ? map.values().next().value : map.get(id);
  if (found !== undefined) return found;
  const known = [...map.keys()].map((one) => printable(one, 60)).join(", ");
  const all = known === "" ? "" : `It has: ${known}.`;
  if (id === undefined) throw new BelljarError("plugin/port", `This plugin has no ${what}.`, all);
  throw new BelljarError(
    "plugin/port",
    `This plugin has no ${what} "${printable(id, 60)}".`,
    didYouMean(id, map.keys(), all),
  );
}
