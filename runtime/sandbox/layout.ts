// Where a plugin says its buffers lie: checked once, after bj_activate, and made into views.

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
  TAIL_INFINITE,
  TRANSPORT_BYTES,
} from "../../abi/layout.ts";
import { channelCount, isInput, type PluginDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { EventList } from "./event-list.ts";

const MOST_EVENTS = 65_535;
const MOST_LATENCY = 1 << 24;

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
  /** Largest magnitude of the last block, of outputs. */
  peak = 0;
  private readonly flagWords: Int32Array;

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

/** The views that process works on. */
export interface Views {
  audio: AudioPort[];
  controlsIn: Float32Array;
  controlsOut: Float32Array;
  eventsIn: EventList;
  eventsOut: EventList;
  transport: DataView | null;
  arena: Uint8Array;
  latency: number;
  tail: number;
}

function lies(id: string, what: string): never {
  throw new BelljarError("plugin/layout", `The layout of "${id}" is wrong: ${what}.`);
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
): Views {
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
    const at = table + i * AUDIO_BYTES;
    const what = `the buffer of "${port.id}"`;
    const channels = view.getUint32(at + AUDIO_CHANNELS, true);
    const stride = view.getUint32(at + AUDIO_STRIDE, true);
    if (channels !== channelCount(port))
      lies(id, `${what} has ${channels} channels; the port has ${channelCount(port)}`);
    if (stride < maxFrames * 4 || stride % ALIGNMENT !== 0 || stride > size) {
      lies(
        id,
        `${what} has a stride of ${stride} bytes; it must be a multiple of ${ALIGNMENT} from ${maxFrames * 4} on`,
      );
    }
    const start = claim(view.getUint32(at + AUDIO_PTR, true), channels * stride, what);
    const samples = new Float32Array(memory as ArrayBuffer, start, ((channels - 1) * stride) / 4 + maxFrames);
    const flags = new Int32Array(memory as ArrayBuffer, at + AUDIO_FLAGS, 1);
    return new AudioPort(index, port.id, isInput(port), channels, stride / 4, start, samples, flags);
  });

  const controls = ports.filter(({ type }) => type === "control");
  const controlsIn = counted(LAYOUT_CONTROL_IN_COUNT, controls.filter(isInput).length, "control inputs");
  const controlsOut = counted(LAYOUT_CONTROL_OUT_COUNT, controls.length - controlsIn, "control outputs");
  const floats = (at: number, count: number, what: string): Float32Array =>
    new Float32Array(memory as ArrayBuffer, claim(field(at), count * 4, what), count);

  const events = (at: number, capacityAt: number, what: string): EventList => {
    const capacity = field(capacityAt);
    if (capacity > MOST_EVENTS)
      lies(id, `${what} has room for ${capacity} events; the most is ${MOST_EVENTS}`);
    return new EventList(memory, claim(field(at), capacity * EVENT_BYTES, what), capacity);
  };
  const views: Views = {
    audio,
    controlsIn: floats(LAYOUT_CONTROL_IN, controlsIn, "the control inputs"),
    controlsOut: floats(LAYOUT_CONTROL_OUT, controlsOut, "the control outputs"),
    eventsIn: events(LAYOUT_EVENTS_IN, LAYOUT_EVENTS_IN_CAPACITY, "the event input"),
    eventsOut: events(LAYOUT_EVENTS_OUT, LAYOUT_EVENTS_OUT_CAPACITY, "the event output"),
    arena: new Uint8Array(
      memory as ArrayBuffer,
      claim(field(LAYOUT_ARENA), field(LAYOUT_ARENA_BYTES), "the arena"),
      field(LAYOUT_ARENA_BYTES),
    ),
    transport: null,
    latency: field(LAYOUT_LATENCY),
    tail: field(LAYOUT_TAIL) === TAIL_INFINITE ? Number.POSITIVE_INFINITY : field(LAYOUT_TAIL),
  };
  for (const [role, list, what] of [
    ["in", views.eventsIn, "input"],
    ["out", views.eventsOut, "output"],
  ] as const) {
    const wanted = ports.some((port) => port.type === "event" && isInput(port) === (role === "in"));
    if (wanted && list.capacity === 0) lies(id, `it has event ${what}s but no room for an event`);
  }
  if (views.latency > MOST_LATENCY)
    lies(id, `its latency says ${views.latency} frames; the most is ${MOST_LATENCY}`);
  const transport = field(LAYOUT_TRANSPORT);
  if (transport !== 0)
    views.transport = new DataView(
      memory,
      claim(transport, TRANSPORT_BYTES, "the transport"),
      TRANSPORT_BYTES,
    );

  taken.sort((a, b) => a.from - b.from);
  for (let i = 1; i < taken.length; i++) {
    const [before, after] = [taken[i - 1], taken[i]] as { from: number; to: number; what: string }[];
    if (before && after && after.from < before.to) lies(id, `${before.what} and ${after.what} overlap`);
  }
  return views;
}
