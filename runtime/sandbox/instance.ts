// One plugin, playing: its memory, its globals, and the calls of the contract, each under a budget of units
// and a deadline. One thread at a time is inside an instance.

import { ProcessState, RESULT_EVENTS_MASK, RESULT_EVENTS_SHIFT, Status } from "../../abi/layout.ts";
import { isInput, type PluginDescriptor } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { type Call, Calls, type KnownEnd } from "./calls.ts";
import { decodeDescriptor } from "./descriptor.ts";
import type { EventList } from "./event-list.ts";
import { faultError } from "./fault.ts";
import { HostCalls, type MessageKind, type SharedMessages } from "./host-calls.ts";
import { type AudioPort, type Layout, readLayout, type Views, viewsOf } from "./layout.ts";
import { Lease, noMemory } from "./memories.ts";
import type { Dropped } from "./message-rate.ts";
import type { PluginType } from "./plugin-type.ts";
import type { Fault } from "./types.ts";
import type { Watcher } from "./watch.ts";

const MOST_FRAMES = 16_384;
/** Frames of the longest block that the limit of units is meant for. */
const BUDGETED_FRAMES = 1_024;
/** The bits of a float that is infinite; those of a NaN are larger. */
const INFINITE = 0x7f800000;

/** An instance as it travels to another thread: hand it to PluginType.attach there. */
export interface SharedInstance {
  memory: WebAssembly.Memory;
  lanes: Int32Array;
  messages: SharedMessages;
  descriptor: PluginDescriptor;
  /** The layout as it was checked, rate and block size; null before activation. */
  active: { layout: Layout; rate: number; maxFrames: number } | null;
}

/** One function for all instances: calls of a shared one stay fast. */
const steadyNow = (): number => performance.now();

export interface InstanceOptions {
  /** The clock for deadlines, in milliseconds. Default: performance.now. */
  now?: () => number;
  /** Whether somebody reads this instance's control requests. Default: no. */
  control?: boolean;
  /**
   * [audio] Shown each block as the plugin left it, before outputs and outgoing events are made harmless: so many frames,
   * and so many events from the start of eventsOut. For validators.
   */
  look?: (frames: number, events: number) => void;
  /** Told of every call, for recordings and replays. */
  watcher?: Watcher;
}

export class PluginInstance {
  readonly type: PluginType;
  /** What the last process said of the next block. */
  processState: ProcessState = ProcessState.Continue;
  rate = 0;
  /** Frames that process takes at most; 0 while not activated. */
  maxFrames = 0;
  /** What the host has set, by graph editor port: an instance that has stopped can't be asked. */
  readonly graphData = new Map<string, string>();

  private readonly lease: Lease;
  private readonly host: HostCalls;
  private readonly calls: Calls;
  private readonly look: ((frames: number, events: number) => void) | undefined;
  private readonly watcher: Watcher | undefined;
  private seal: Call;
  private laneGet: Call;
  private processCall: Call;
  private shown: PluginDescriptor;
  private views: Views | null = null;
  private layout: Layout | null = null;
  private eventOutputs = new Uint8Array(0);
  private readonly peakBits = new Int32Array(1);
  private readonly peakValue = new Float32Array(this.peakBits.buffer);

  /** Made by PluginType.instantiate and PluginType.attach. */
  constructor(type: PluginType, options: InstanceOptions, shared?: SharedInstance) {
    this.type = type;
    this.shown = type.descriptor;
    const { limits, rewritten } = type;
    this.lease =
      shared === undefined
        ? Lease.make(rewritten.memory, limits)
        : Lease.join(shared.memory, rewritten.memory.maximum, limits);
    const { memory } = this.lease;
    this.host = new HostCalls(memory, shared?.messages, limits);
    this.host.routed = options.control ?? false;
    this.look = options.look;
    this.watcher = options.watcher;
    this.calls = new Calls(type, memory, this.host, options.now ?? steadyNow, this.watcher, this.lease);
    this.unitBudget = limits.blockUnits;
    const { functions } = this.calls;
    this.seal = functions.$seal as Call;
    this.laneGet = functions.$lane_get as Call;
    this.processCall = functions.bj_process as Call;
    if (shared === undefined) {
      try {
        this.calls.control("start", "$boot");
      } catch (error) {
        this.dispose();
        throw error;
      }
      return;
    }
    for (let i = 0; i < shared.lanes.length; i++) functions.$lane_set?.(i, shared.lanes[i] as number);
    this.shown = shared.descriptor;
    if (shared.active !== null) {
      const { layout, rate, maxFrames } = shared.active;
      this.adopt(layout, rate, maxFrames);
    }
  }

  /** Most units of one call of process, reset or idle; activate sets it from the limits. */
  get unitBudget(): number {
    return this.calls.unitBudget;
  }
  set unitBudget(units: number) {
    this.calls.unitBudget = units;
  }
  /** Milliseconds that one call of process, reset or idle may take. */
  get deadline(): number {
    return this.calls.deadline;
  }
  set deadline(milliseconds: number) {
    this.calls.deadline = milliseconds;
  }
  /** What stopped it, or null. A stopped instance takes no further call. */
  get fault(): Fault | null {
    return this.calls.fault;
  }
  /** Units of the last call. */
  get units(): number {
    return this.calls.units;
  }
  /** Calls of process that ended well. */
  get blocks(): number {
    return this.calls.blocks;
  }
  /** Calls of the module's functions that were begun: a count by which a recording names one. */
  get begun(): number {
    return this.calls.begun;
  }
  /** Units that were handed out to the last call, all told. */
  get granted(): number {
    return this.calls.granted;
  }
  /** For replays: how a call that is still to come had ended. */
  set knownEnd(end: KnownEnd | null) {
    this.calls.knownEnd = end;
  }
  /** What it says of itself; may change when it is configured. */
  get descriptor(): PluginDescriptor {
    return this.shown;
  }

  // What process works on; there once it is activated.

  private get active(): Views {
    if (this.views === null) {
      this.calls.present();
      throw new BelljarError(
        "plugin/not-active",
        `"${this.shown.id}" is not activated.`,
        "Call activate(rate, maxFrames) first.",
      );
    }
    return this.views;
  }
  /** One per audio port, in descriptor order. */
  get audio(): AudioPort[] {
    return this.active.audio;
  }
  /** A value per control port with role input or sidechain, in descriptor order. */
  get controlsIn(): Float32Array {
    return this.active.controlsIn;
  }
  /** A value per control port with role output or monitor, in descriptor order. */
  get controlsOut(): Float32Array {
    return this.active.controlsOut;
  }
  get eventsIn(): EventList {
    return this.active.eventsIn;
  }
  get eventsOut(): EventList {
    return this.active.eventsOut;
  }
  /** 64 bytes (TRANSPORT_* of abi/layout.ts) to be written before each block; null where the plugin wants none. */
  get transport(): DataView | null {
    return this.active.transport;
  }
  /** Bytes for what events carry (system exclusive messages, transports); an event names an offset in it. */
  get arena(): Uint8Array {
    return this.active.arena;
  }
  /** Frames. */
  get latency(): number {
    return this.active.latency;
  }
  /** Frames of sound after the last input; Infinity where it never ends. */
  get tail(): number {
    return this.active.tail;
  }

  // The calls of the contract.

  /** [control] Asks for the descriptor's bytes. Used by PluginType and after configure. */
  describeBytes(): Uint8Array<ArrayBuffer> {
    this.watcher?.call(this, { call: "descriptor" });
    return this.readDescription();
  }

  private readDescription(): Uint8Array<ArrayBuffer> {
    const address = this.calls.control("descriptor", "bj_descriptor");
    if (address === 0) this.calls.succeeded(Status.Failed, "to describe itself");
    return this.calls.takeBytes(address, "descriptor", "descriptorBytes");
  }

  private describe(): PluginDescriptor {
    const described = decodeDescriptor(this.readDescription(), this.type.limits);
    const { id } = this.type.descriptor;
    if (described.id === id) return described;
    // A user's consent, settings and trust go by the id.
    const what = `calls itself "${described.id}", and no longer "${id}",`;
    throw faultError(this.calls.condemn("contract", "descriptor", what));
  }

  /** [control] The contract's version that the module was built for. */
  abiVersion(): number {
    this.watcher?.call(this, { call: "abi" });
    return this.calls.control("abi", "bj_abi");
  }

  private configIndex(id: string): number {
    const index = this.shown.config_params.findIndex((param) => param.id === id);
    if (index < 0) {
      const known = this.shown.config_params.map((param) => param.id).join(", ");
      throw new BelljarError(
        "plugin/config",
        `"${this.shown.id}" has no config parameter "${printable(id)}".`,
        known === "" ? "It has none." : `It has ${known}.`,
      );
    }
    return index;
  }

  private inactive(what: string): void {
    this.calls.present();
    if (this.views !== null) {
      throw new BelljarError("plugin/active", `"${this.shown.id}" is active; ${what} comes before activate.`);
    }
  }

  /** [control] Sets a config parameter, string-encoded. Throws plugin/… where it is unknown or refused. */
  configure(id: string, value: string): void {
    this.inactive("configure");
    const index = this.configIndex(id);
    this.calls.needs("bj_configure", "bj_configure");
    this.watcher?.call(this, { call: "configure", id, value });
    const bytes = new TextEncoder().encode(value);
    const at = this.calls.giveBytes(bytes, "configure", "configBytes");
    this.calls.succeeded(
      this.calls.control("configure", "bj_configure", index, at, bytes.length),
      `"${printable(value)}" for "${id}"`,
    );
    this.shown = this.describe();
  }

  /** [control] Grants a file's bytes for a config parameter of type filepath; null takes it away. */
  configureFile(id: string, name: string, bytes: Uint8Array | null): void {
    this.inactive("configure");
    const index = this.configIndex(id);
    this.calls.needs("bj_configure_file", "bj_configure_file");
    const size = bytes?.length ?? 0;
    this.calls.within("fileBytes", size, "is to get a file of");
    this.watcher?.call(this, { call: "file", id, name, bytes });
    const blob = bytes === null ? -1 : this.host.blobs.push(bytes) - 1;
    const nameBytes = new TextEncoder().encode(printable(name));
    let status: number;
    try {
      const at = this.calls.giveBytes(nameBytes, "configure", "stringBytes");
      status = this.calls.control("configure", "bj_configure_file", index, blob, size, at, nameBytes.length);
    } finally {
      // A file is open during this call alone, however it ends.
      this.host.blobs.length = 0;
    }
    this.calls.succeeded(status, `the file "${printable(name)}" for "${id}"`);
    this.shown = this.describe();
  }

  /** [control] Prepares it for blocks of up to `maxFrames` frames at `rate` frames a second. */
  activate(rate: number, maxFrames: number): void {
    this.inactive("activating twice");
    if (!(rate >= 1 && rate <= 768_000))
      throw new BelljarError("plugin/rate", `A rate of ${rate} Hz is outside of 1 to 768000.`);
    if (!Number.isInteger(maxFrames) || maxFrames < 1 || maxFrames > MOST_FRAMES) {
      throw new BelljarError(
        "plugin/block",
        `A block of ${maxFrames} frames is outside of 1 to ${MOST_FRAMES}.`,
      );
    }
    this.watcher?.call(this, { call: "activate", rate, maxFrames });
    const layout = this.calls.control("activate", "bj_activate", rate, maxFrames) >>> 0;
    if (layout === 0) this.calls.succeeded(Status.Failed, `to run at ${rate} Hz with ${maxFrames} frames`);
    const { lease, shown, type } = this;
    this.adopt(readLayout(lease.memory.buffer, layout, shown, maxFrames, type.limits), rate, maxFrames);
    this.watcher?.activated(this);
    const { controlsIn } = this.active;
    let next = 0;
    for (const port of this.shown.ports) {
      if (port.type === "control" && isInput(port)) controlsIn[next++] = port.default;
    }
  }

  private adopt(layout: Layout, rate: number, maxFrames: number): void {
    const { limits } = this.type;
    this.views = viewsOf(this.lease.memory.buffer, layout, this.shown, maxFrames, limits);
    this.views.outputs.settle();
    this.layout = layout;
    this.rate = rate;
    this.maxFrames = maxFrames;
    this.unitBudget = limits.blockUnits * Math.max(1, maxFrames / BUDGETED_FRAMES);
    this.eventOutputs = Uint8Array.from(this.shown.ports, (port) =>
      port.type === "event" && !isInput(port) ? 1 : 0,
    );
  }

  /** [control] Ends what activate began. */
  deactivate(): void {
    this.active;
    this.watcher?.call(this, { call: "deactivate" });
    if (this.calls.has("bj_deactivate")) this.calls.control("deactivate", "bj_deactivate");
    this.views = null;
    this.layout = null;
    this.maxFrames = 0;
  }

  /** [audio] Forgets what sounds: as if activated anew, with the same parameters. */
  reset(): void {
    this.active;
    if (this.calls.fault !== null || !this.calls.has("bj_reset")) return;
    this.watcher?.call(this, { call: "reset" });
    this.calls.begin();
    try {
      this.calls.functions.bj_reset?.();
    } catch (error) {
      this.calls.stop(error, "reset");
      return;
    }
    this.calls.finish();
    this.views?.outputs.settle();
  }

  /** [audio] Work between blocks: host events, graph data, garbage. */
  idle(): void {
    if (!this.calls.has("bj_idle") || this.calls.fault !== null) return;
    this.watcher?.call(this, { call: "idle" });
    this.calls.begin();
    try {
      this.calls.functions.bj_idle?.();
    } catch (error) {
      this.calls.stop(error, "idle");
      return;
    }
    this.calls.finish();
    this.views?.outputs.settle();
  }

  /**
   * [audio] Renders `frames` frames, 1 to maxFrames, from what the inputs hold. False where it was stopped: `fault` says why, and
   * its outputs are silence. Clears eventsIn; eventsOut holds what it sent. Outputs are sealed: subnormals
   * become zero, and a NaN or an infinity is a fault.
   */
  process(frames: number): boolean {
    if (!(frames >= 1 && frames <= this.maxFrames)) {
      this.calls.present();
      throw new BelljarError(
        "plugin/block",
        `A block of ${frames} frames is outside of 1 to ${this.maxFrames}.`,
      );
    }
    const views = this.views as Views;
    if (this.calls.fault !== null) return false;
    this.watcher?.block(this, frames);
    const { eventsIn, eventsOut, audio } = views;
    this.host.rate.sound(frames, this.rate);
    eventsOut.count = 0;
    this.calls.begin();
    let result: number;
    try {
      result = this.processCall(frames, eventsIn.count);
    } catch (error) {
      this.calls.stop(error, "process");
      return this.silence(views);
    }
    this.calls.finish();
    eventsIn.count = 0;
    if (result < 0) {
      const words = this.calls.lastWords(result);
      this.calls.condemn("status", "process", `reported a failure (${words})`);
      return this.silence(views);
    }
    const state = result & 0xff;
    const count = (result >> RESULT_EVENTS_SHIFT) & RESULT_EVENTS_MASK;
    if (state > ProcessState.Sleep || result >>> 24 !== 0) {
      this.calls.condemn(
        "contract",
        "process",
        `returned ${result}, which is no state that the contract knows,`,
      );
      return this.silence(views);
    }
    if (count > eventsOut.capacity) {
      this.calls.condemn("contract", "process", `sent ${count} events with room for ${eventsOut.capacity}`);
      return this.silence(views);
    }
    this.look?.(frames, count);
    for (let i = 0; i < audio.length; i++) {
      const port = audio[i] as AudioPort;
      if (port.input) continue;
      let peak = 0;
      for (let c = 0; c < port.channels; c++) {
        const found = this.seal(port.address + c * port.stride * 4, frames);
        if (found >= INFINITE) {
          const what = found === INFINITE ? "an infinity" : "NaN";
          const where = port.channels === 2 ? ` (${c === 0 ? "left" : "right"})` : "";
          this.calls.condemn("not-finite", "process", `wrote ${what} to "${port.id}"${where}`);
          return this.silence(views);
        }
        if (found > peak) peak = found;
      }
      // Magnitudes are in the order of their bits.
      this.peakBits[0] = peak;
      port.peak = this.peakValue[0] as number;
    }
    views.outputs.settle();
    if (count > 0) {
      const most = this.type.limits.events;
      if (count > most) this.host.rate.dropEvents(count - most);
      eventsOut.count = Math.min(count, most);
      eventsOut.sanitize(frames, this.eventOutputs);
    }
    this.processState = state;
    this.calls.blocks++;
    return true;
  }

  private silence(views: Views): false {
    for (const port of views.audio) {
      if (port.input) continue;
      port.samples.fill(0);
      port.peak = 0;
    }
    views.outputs.settle();
    views.eventsIn.count = 0;
    views.eventsOut.count = 0;
    return false;
  }

  /** [control] Its state, or null where it keeps none. */
  saveState(): Uint8Array<ArrayBuffer> | null {
    if (!this.calls.has("bj_state_save")) return null;
    this.watcher?.call(this, { call: "state save" });
    const address = this.calls.control("state save", "bj_state_save");
    return address === 0 ? null : this.calls.takeBytes(address, "state save", "stateBytes");
  }

  /** [control] Restores what saveState gave. Throws plugin/refused where it is no state of this plugin. */
  loadState(bytes: Uint8Array): void {
    this.calls.needs("bj_state_load", "state");
    this.watcher?.call(this, { call: "state load", bytes });
    const at = this.calls.giveBytes(bytes, "state load", "stateBytes");
    this.calls.succeeded(this.calls.control("state load", "bj_state_load", at, bytes.length), "the state");
  }

  private graphPort(id: string): number {
    this.calls.present();
    const index = this.shown.ports.findIndex((port) => port.id === id && port.hint === "graph_editor");
    if (index < 0)
      throw new BelljarError(
        "plugin/port",
        `"${this.shown.id}" has no graph editor port "${printable(id)}".`,
      );
    return index;
  }

  /** [control] JSON text of a graph editor port. Throws plugin/graph-data where the plugin returned something else. */
  getGraphData(id: string): string {
    const port = this.graphPort(id);
    this.calls.needs("bj_graph_get", "graph data");
    this.watcher?.call(this, { call: "graph get", id });
    const bytes = this.calls.takeBytes(
      this.calls.control("graph data", "bj_graph_get", port),
      "graph data",
      "graphBytes",
    );
    return graphText(bytes, `"${this.shown.id}" returned data for "${id}" that is no JSON text.`);
  }

  /** [control] Sets the data of a graph editor port; the plugin takes it up in its next idle. */
  setGraphData(id: string, json: string): void {
    const port = this.graphPort(id);
    this.calls.needs("bj_graph_set", "graph data");
    this.watcher?.call(this, { call: "graph set", id, json });
    const bytes = new TextEncoder().encode(json);
    const at = this.calls.giveBytes(bytes, "graph data", "graphBytes");
    this.calls.succeeded(
      this.calls.control("graph data", "bj_graph_set", port, at, bytes.length),
      `the data for "${id}"`,
    );
    this.graphData.set(id, json);
  }

  /** [control] Queues a message that the plugin gets from host_poll_event. False where it is longer than one may be. */
  publish(json: string): boolean {
    this.calls.present();
    return this.host.publish(json);
  }

  /**
   * [control] Gives its memory back. From then on its calls throw plugin/disposed, and views of its memory must not be used:
   * it may be another instance's. What stopped it, what it is and what it said before can still be read.
   */
  dispose(): void {
    if (this.calls.disposed) return;
    // In the middle of a call the plugin's frames go on with the memory.
    if (this.calls.inside) this.lease.markShared();
    this.views = null;
    this.layout = null;
    this.maxFrames = 0;
    this.calls.dispose(noMemory());
    this.host.dispose(noMemory());
    this.seal = this.processCall = () => 0;
    this.lease.end();
  }

  /** [any] What was not passed on since the last call, since it was more than limits or queues allow. */
  takeDropped(): Dropped {
    return this.host.rate.takeDropped();
  }

  /** [control] Hands on what the plugin logged, emitted and asked for since the last call. `level` is a LogLevel. */
  drainMessages(take: (kind: MessageKind, text: string, level: number) => void): void {
    this.host.drain(take);
  }

  /** [audio] Copies its mutable globals, as 32-bit lanes, so that another thread can go on from here if this one dies. */
  readLanes(into: Int32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.laneGet(i);
  }

  /**
   * [control] Everything that another thread needs to attach to it. This thread must not call it meanwhile; once the other
   * goes on with it, dispose() here ends this view of it, and the memory goes on with the other.
   */
  share(): SharedInstance {
    this.calls.alive();
    this.lease.markShared();
    const lanes = new Int32Array(this.type.rewritten.lanes);
    this.readLanes(lanes);
    return {
      memory: this.lease.memory,
      lanes,
      messages: this.host.share(),
      descriptor: this.shown,
      active:
        this.views === null || this.layout === null
          ? null
          : { layout: this.layout, rate: this.rate, maxFrames: this.maxFrames },
    };
  }
}

function graphText(bytes: Uint8Array, refusal: string): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    throw new BelljarError("plugin/graph-data", refusal);
  }
}
