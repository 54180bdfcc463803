// The memory that host and plugin share: made at activate, described once by the layout struct.

import {
  ALIGNMENT,
  AUDIO_BYTES,
  AUDIO_CHANNELS,
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
} from "../abi/layout";
import { declared } from "./declaration";
import { EventQueue } from "./event-queue";
import { Param } from "./param";
import { AudioPort, ControlOut, Port } from "./port";

/** Events of one block, in and out, where events may come or go. */
const EVENT_CAPACITY: i32 = 1024;
/** Bytes for sysex and transport changes of one block. */
const ARENA_CAPACITY: i32 = 8192;

/** Where everything lies, and the ports by kind, so that a block looks nothing up. */
export class Layout {
  /** Address of the struct that the host reads. */
  struct: usize = 0;
  controlsIn: usize = 0;
  controlsOut: usize = 0;
  eventsIn: usize = 0;
  eventsInCapacity: i32 = 0;
  arena: usize = 0;
  arenaBytes: i32 = 0;
  audio: StaticArray<AudioPort> = new StaticArray<AudioPort>(0);
  /** By place in controlsIn; null for graph editors. */
  params: StaticArray<Param | null> = new StaticArray<Param | null>(0);
  /** By place in controlsOut. */
  outputs: StaticArray<ControlOut> = new StaticArray<ControlOut>(0);
  /** By place in the descriptor; null where the port is no parameter. */
  paramOfPort: StaticArray<Param | null> = new StaticArray<Param | null>(0);
  /** Frames until automation may cut the block again. */
  automationRest: i32 = 0;

  private memory: StaticArray<u8> = new StaticArray<u8>(0);

  /** Lays out memory for the ports declared. [control] */
  constructor(rate: f64, maxFrames: i32) {
    const ports = declared.ports;
    const audio: AudioPort[] = [];
    const params: (Param | null)[] = [];
    const outputs: ControlOut[] = [];
    const paramOfPort = new StaticArray<Param | null>(ports.length);
    let wantsEvents = declared.transport !== null;
    let sendsEvents = false;
    let channels = 0;
    for (let i = 0; i < ports.length; i++) {
      const port = ports[i];
      if (port instanceof AudioPort) {
        audio.push(port as AudioPort);
        channels += (port as AudioPort).channels;
      } else if (port instanceof Param) {
        params.push(port as Param);
        paramOfPort[i] = port as Param;
        wantsEvents = true;
      } else if (port instanceof ControlOut) outputs.push(port as ControlOut);
      else if (port.type == "control") params.push(null);
      else if (port.role == "output") sendsEvents = true;
      else wantsEvents = true;
    }
    this.paramOfPort = paramOfPort;
    this.audio = StaticArray.fromArray<AudioPort>(audio);
    this.params = StaticArray.fromArray<Param | null>(params);
    this.outputs = StaticArray.fromArray<ControlOut>(outputs);
    this.eventsInCapacity = wantsEvents ? EVENT_CAPACITY : 0;
    this.arenaBytes = wantsEvents ? ARENA_CAPACITY : 0;
    const outCapacity = sendsEvents ? EVENT_CAPACITY : 0;
    // 16 spare bytes behind each channel: SIMD loops may read past the end
    const stride = aligned(maxFrames * 4 + ALIGNMENT);

    const size =
      aligned(LAYOUT_BYTES) +
      aligned(audio.length * AUDIO_BYTES) +
      channels * stride +
      aligned(params.length * 4) +
      aligned(outputs.length * 4) +
      (this.eventsInCapacity + outCapacity) * EVENT_BYTES +
      this.arenaBytes +
      (declared.transport !== null ? TRANSPORT_BYTES : 0);
    this.memory = new StaticArray<u8>(size + ALIGNMENT);
    let at = (changetype<usize>(this.memory) + ALIGNMENT - 1) & ~(<usize>ALIGNMENT - 1);

    const struct = at;
    this.struct = struct;
    at += aligned(LAYOUT_BYTES);
    const buffers = at;
    at += aligned(audio.length * AUDIO_BYTES);
    for (let i = 0; i < audio.length; i++) {
      const port = audio[i];
      port.struct = buffers + <usize>i * AUDIO_BYTES;
      port.base = at;
      port.stride = port.channels == 2 ? <usize>stride : 0;
      port.seek(0);
      store<u32>(port.struct, at, AUDIO_PTR);
      store<u32>(port.struct, port.channels, AUDIO_CHANNELS);
      store<u32>(port.struct, stride, AUDIO_STRIDE);
      at += port.channels * stride;
    }
    this.controlsIn = at;
    at += aligned(params.length * 4);
    this.controlsOut = at;
    at += aligned(outputs.length * 4);
    this.eventsIn = at;
    at += this.eventsInCapacity * EVENT_BYTES;
    EventQueue.base = at;
    EventQueue.capacity = outCapacity;
    EventQueue.count = 0;
    at += outCapacity * EVENT_BYTES;
    this.arena = at;
    at += this.arenaBytes;

    store<u32>(struct, LAYOUT_BYTES, LAYOUT_SIZE);
    store<u32>(struct, buffers, LAYOUT_AUDIO);
    store<u32>(struct, audio.length, LAYOUT_AUDIO_COUNT);
    store<u32>(struct, this.controlsIn, LAYOUT_CONTROL_IN);
    store<u32>(struct, params.length, LAYOUT_CONTROL_IN_COUNT);
    store<u32>(struct, this.controlsOut, LAYOUT_CONTROL_OUT);
    store<u32>(struct, outputs.length, LAYOUT_CONTROL_OUT_COUNT);
    store<u32>(struct, this.eventsIn, LAYOUT_EVENTS_IN);
    store<u32>(struct, this.eventsInCapacity, LAYOUT_EVENTS_IN_CAPACITY);
    store<u32>(struct, EventQueue.base, LAYOUT_EVENTS_OUT);
    store<u32>(struct, outCapacity, LAYOUT_EVENTS_OUT_CAPACITY);
    store<u32>(struct, this.arena, LAYOUT_ARENA);
    store<u32>(struct, this.arenaBytes, LAYOUT_ARENA_BYTES);
    const clock = declared.transport;
    if (clock !== null) {
      store<u32>(struct, at, LAYOUT_TRANSPORT);
      clock.prepare(at, rate);
    }
    for (let i = 0; i < params.length; i++) {
      const param = params[i];
      if (param !== null) store<f32>(this.controlsIn + (<usize>i << 2), <f32>param.initial);
    }
  }

  /** Tells the host how late and how long the plugin sounds: what activate has found. [control] */
  promise(latencyFrames: i32, tailSeconds: f64, rate: f64): void {
    store<u32>(this.struct, latencyFrames, LAYOUT_LATENCY);
    const frames = Math.ceil(tailSeconds * rate);
    store<u32>(this.struct, tailSeconds < 0 || frames >= 4294967295 ? TAIL_INFINITE : <u32>frames, LAYOUT_TAIL);
  }
}

function aligned(bytes: i32): i32 {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}
