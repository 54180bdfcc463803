// Where a plugin says its buffers lie: checked once, after bj_activate, and made into views. What was checked then counts
// from there on: the plugin may write something else to its memory, and nobody looks.

import {
  ALIGNMENT,
  AUDIO_BYTES,
  AUDIO_CHANNELS,
  AUDIO_FLAGS,
  AUDIO_PTR,
  AUDIO_STRIDE,
  EVENT_BYTES,
  LAYOUT_ARENA,
  LAYOUT_ARENA_BYTES,
  LAYOUT_AUDIO,
  LAYOUT_AUDIO_COUNT,
  LAYOUT_BYTES,
  LAYOUT_CONTROL_IN,
  LAYOUT_CONTROL_IN_COUNT,
  LAYOUT_CONTROL_OUT,
  LAYOUT_CONTROL_OUT_COUNT,
  LAYOUT_EVENTS_IN,
  LAYOUT_EVENTS_IN_CAPACITY,
  LAYOUT_EVENTS_OUT,
  LAYOUT_EVENTS_OUT_CAPACITY,
  LAYOUT_LATENCY,
  LAYOUT_SIZE,
  LAYOUT_TAIL,
  LAYOUT_TRANSPORT,
  RESULT_EVENTS_MASK,
  TAIL_INFINITE,
  TRANSPORT_BYTES,
} from "../../abi/layout.ts";
import { channelCount, isInput, type PluginDescriptor, type PortDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { ControlOutputs } from "./control-outputs.ts";
import { EventList } from "./event-list.ts";
import { limitHint, type Limits } from "./limits.ts";

/** One audio port's buffer in the plugin's memory. */
export class AudioPort {
  /** Index in the descriptor's ports. */
  readonly index: number;
  readonly id: string;
  readonly input: boolean;
  readonly channels: number;
  /** Samples from one channel to the next. */
  readonly stride: number;
  /** Address in the plugin's memory. */
  readonly address: number;
  /** Sample of channel c and frame i at c * stride + i. */
  readonly samples: Float32Array;
  private readonly flagWords: Int32Array;
  /** In an array, since a number that is no integer would be a new object each time. */
  private readonly level = new Float32Array(1);

  constructor(
    index: number,
    id: string,
    input: boolean,
    channels: number,
    stride: number,
    address: number,
    samples: Float32Array,
    flags: Int32Array,
  ) {
    this.index = index;
    this.id = id;
    this.input = input;
    this.channels = channels;
    this.stride = stride;
    this.address = address;
    this.samples = samples;
    this.flagWords = flags;
  }

  /** Largest magnitude of the last block, of outputs. */
  get peak(): number {
    return this.level[0] as number;
  }
  set peak(value: number) {
    this.level[0] = value;
  }
  /** [audio] AUDIO_* flags of abi/layout.ts. */
  get flags(): number {
    return this.flagWords[0] as number;
  }
  set flags(value: number) {
    this.flagWords[0] = value;
  }

  /** A view of one channel's block. */
  channel(c: number): Float32Array {
    const frames = this.samples.length - (this.channels - 1) * this.stride;
    return this.samples.subarray(c * this.stride, c * this.stride + frames);
  }
}

/** So many things, from an address on. */
export interface Place {
  at: number;
  count: number;
}

/** A layout that was checked: numbers alone, so that another thread can make the same views of the same memory. */
export interface Layout {
  audio: { port: number; at: number; channels: number; stride: number; flags: number }[];
  controlsIn: Place;
  controlsOut: Place;
  eventsIn: Place;
  eventsOut: Place;
  arena: Place;
  /** Address, or 0. */
  transport: number;
  latency: number;
  tail: number;
}

/** The views that process works on. */
export interface Views {
  audio: AudioPort[];
  controlsIn: Float32Array;
  controlsOut: Float32Array;
  outputs: ControlOutputs;
  eventsIn: EventList;
  eventsOut: EventList;
  transport: DataView | null;
  arena: Uint8Array;
  latency: number;
  tail: number;
}

function lies(id: string, what: string, hint = ""): never {
  throw new BelljarError("plugin/layout", `The layout of "${id}" is wrong: ${what}.`, hint);
}

/**
 * Reads the layout at `address` of the plugin's memory. Everything it points to must lie inside, be aligned to
 * 16 bytes and overlap with nothing else; counts must be those of the descriptor.
 */
export function readLayout(
  memory: ArrayBufferLike,
  address: number,
  descriptor: PluginDescriptor,
  maxFrames: number,
  limits: Limits,
): Layout {
  const { id, ports } = descriptor;
  const size = memory.byteLength;
  const view = new DataView(memory);
  const taken: { from: number; to: number; what: string }[] = [];
  const claim = (from: number, bytes: number, what: string): number => {
    if (bytes === 0) return 0;
    if (from === 0) lies(id, `${what} has the address 0`);
    if (from % ALIGNMENT !== 0) lies(id, `${what}, at ${from}, is not aligned to ${ALIGNMENT} bytes`);
    if (from + bytes > size)
      lies(id, `${what}, at ${from} with ${bytes} bytes, reaches outside of its ${size} bytes of memory`);
    taken.push({ from, to: from + bytes, what });
    return from;
  };
  claim(address, LAYOUT_BYTES, "the layout itself");
  const field = (at: number): number => view.getUint32(address + at, true);
  if (field(LAYOUT_SIZE) < LAYOUT_BYTES)
    lies(id, `its size says ${field(LAYOUT_SIZE)} bytes; it has ${LAYOUT_BYTES}`);

  const counted = (at: number, expected: number, what: string): number => {
    if (field(at) !== expected) lies(id, `it has ${field(at)} ${what}; the descriptor has ${expected}`);
    return expected;
  };
  const audioPorts = ports.flatMap((port, index) => (channelCount(port) > 0 ? [{ port, index }] : []));
  counted(LAYOUT_AUDIO_COUNT, audioPorts.length, "audio buffers");
  const table = claim(field(LAYOUT_AUDIO), audioPorts.length * AUDIO_BYTES, "the table of audio buffers");
  const audio = audioPorts.map(({ port, index }, i) => {
    const record = table + i * AUDIO_BYTES;
    const what = `the buffer of "${port.id}"`;
    const channels = view.getUint32(record + AUDIO_CHANNELS, true);
    const stride = view.getUint32(record + AUDIO_STRIDE, true);
    if (channels !== channelCount(port))
      lies(id, `${what} has ${channels} channels; the port has ${channelCount(port)}`);
    if (stride < maxFrames * 4 || stride % ALIGNMENT !== 0 || stride > size) {
      lies(
        id,
        `${what} has a stride of ${stride} bytes; it must be a multiple of ${ALIGNMENT} from ${maxFrames * 4} on`,
      );
    }
    const at = claim(view.getUint32(record + AUDIO_PTR, true), channels * stride, what);
    return { port: index, at, channels, stride, flags: record + AUDIO_FLAGS };
  });

  const controls = ports.filter(({ type }) => type === "control");
  const inputs = counted(LAYOUT_CONTROL_IN_COUNT, controls.filter(isInput).length, "control inputs");
  const outputs = counted(LAYOUT_CONTROL_OUT_COUNT, controls.length - inputs, "control outputs");
  const place = (at: number, count: number, bytes: number, what: string): Place => ({
    at: claim(field(at), count * bytes, what),
    count,
  });
  const events = (at: number, capacityAt: number, direction: "in" | "out"): Place => {
    const capacity = field(capacityAt);
    const what = `the event ${direction}put`;
    if (capacity > RESULT_EVENTS_MASK)
      lies(id, `${what} has room for ${capacity} events; the most is ${RESULT_EVENTS_MASK}`);
    const wanted = ports.some((port) => port.type === "event" && isInput(port) === (direction === "in"));
    if (wanted && capacity === 0) lies(id, `it has event ${direction}puts but no room for an event`);
    return place(at, capacity, EVENT_BYTES, what);
  };
  const layout: Layout = {
    audio,
    controlsIn: place(LAYOUT_CONTROL_IN, inputs, 4, "the control inputs"),
    controlsOut: place(LAYOUT_CONTROL_OUT, outputs, 4, "the control outputs"),
    eventsIn: events(LAYOUT_EVENTS_IN, LAYOUT_EVENTS_IN_CAPACITY, "in"),
    eventsOut: events(LAYOUT_EVENTS_OUT, LAYOUT_EVENTS_OUT_CAPACITY, "out"),
    arena: place(LAYOUT_ARENA, field(LAYOUT_ARENA_BYTES), 1, "the arena"),
    transport: 0,
    latency: field(LAYOUT_LATENCY),
    tail: field(LAYOUT_TAIL) === TAIL_INFINITE ? Number.POSITIVE_INFINITY : field(LAYOUT_TAIL),
  };
  if (layout.latency > limits.latency) {
    lies(
      id,
      `its latency says ${layout.latency} frames; the limit is ${limits.latency} (latency)`,
      limitHint("latency", layout.latency),
    );
  }
  const transport = field(LAYOUT_TRANSPORT);
  if (transport !== 0) layout.transport = claim(transport, TRANSPORT_BYTES, "the transport");

  taken.sort((a, b) => a.from - b.from);
  for (let i = 1; i < taken.length; i++) {
    const [before, after] = [taken[i - 1], taken[i]] as { from: number; to: number; what: string }[];
    if (before && after && after.from < before.to) lies(id, `${before.what} and ${after.what} overlap`);
  }
  return layout;
}

/** Views of what a checked layout names. An incoming list takes `limits.events` at most, however large it is. */
export function viewsOf(
  memory: ArrayBufferLike,
  layout: Layout,
  { ports }: PluginDescriptor,
  maxFrames: number,
  limits: Limits,
): Views {
  const buffer = memory as ArrayBuffer;
  const floats = ({ at, count }: Place): Float32Array => new Float32Array(buffer, at, count);
  const audio = layout.audio.map(({ port: index, at, channels, stride, flags }) => {
    const port = ports[index] as PortDescriptor;
    const samples = new Float32Array(buffer, at, ((channels - 1) * stride) / 4 + maxFrames);
    const flagWord = new Int32Array(buffer, flags, 1);
    return new AudioPort(index, port.id, isInput(port), channels, stride / 4, at, samples, flagWord);
  });
  const controlsOut = floats(layout.controlsOut);
  const { eventsIn, eventsOut, arena, transport, latency, tail } = layout;
  return {
    audio,
    controlsIn: floats(layout.controlsIn),
    controlsOut,
    outputs: new ControlOutputs(controlsOut, ports),
    eventsIn: new EventList(memory, eventsIn.at, Math.min(eventsIn.count, limits.events)),
    eventsOut: new EventList(memory, eventsOut.at, eventsOut.count),
    arena: new Uint8Array(buffer, arena.at, arena.count),
    transport: transport === 0 ? null : new DataView(memory, transport, TRANSPORT_BYTES),
    latency,
    tail,
  };
}
