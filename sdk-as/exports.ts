// The functions of the contract, on the one plugin of this module. The build's glue calls `register` and re-exports
// the rest. Whatever may have made garbage collects it as its last act, when nothing on the stack points to an object;
// idle, which is called often and seldom makes any, looks first whether there is something new.

/// <reference path="./library.d.ts" />
import { ABI_VERSION, BYTES_LEN, BYTES_PTR, Status } from "../abi/layout";
import { hostPollEvent } from "./host";
import { processBlock } from "./block-loop";
import { HostFile } from "./config";
import { declared } from "./declaration";
import { writeDescriptor } from "./descriptor";
import { HostEvent } from "./host-event";
import { Layout } from "./layout";
import { MsgpackWriter } from "./msgpack";
import { Param } from "./param";
import { Plugin } from "./plugin";
import { GraphPort } from "./port";
import { StateReader, StateWriter } from "./state";

/** Host messages taken in one call of idle; the rest come in the next. */
const MESSAGES_AT_ONCE: i32 = 32;
/** Bytes for one host message, from activation on; a longer one takes its room from the reserve. */
const MESSAGE_BYTES: i32 = 4096;
/** Bytes of heap left free at activation: idle may allocate (a message as text), but must not grow memory. */
const IDLE_RESERVE: usize = 196608;

let plugin: Plugin = new Plugin();
let layout: Layout | null = null;
// what the host reads must live until its next call
let scratch: StaticArray<u8> = new StaticArray<u8>(0);
let described: MsgpackWriter | null = null;
let saved: StateWriter | null = null;
let text: ArrayBuffer = new ArrayBuffer(0);
let messages: StaticArray<u8> = new StaticArray<u8>(0);
const hostEvent: HostEvent = new HostEvent();
/** The newest object after the last collection, and the link behind it, which the next object made will change. */
let newest: ArrayBuffer = new ArrayBuffer(0);
let linkBehind: usize = 0;

/** Called once by the glue, with the author's plugin. */
export function register(instance: Plugin): void {
  plugin = instance;
}

export function bj_abi(): i32 {
  return ABI_VERSION;
}

export function bj_scratch(length: i32): usize {
  if (length < 0) return 0;
  if (scratch.length < length + 16) scratch = new StaticArray<u8>(length + 16);
  return (changetype<usize>(scratch) + 15) & ~(<usize>15);
}

export function bj_descriptor(): usize {
  const writer = writeDescriptor();
  described = writer;
  const bytes = answer(writer.address, writer.length);
  __collect();
  return bytes;
}

export function bj_error(): usize {
  text = String.UTF8.encode(declared.failure);
  return answer(changetype<usize>(text), text.byteLength);
}

export function bj_configure(index: i32, from: usize, length: i32): i32 {
  declared.failure = "";
  if (index < 0 || index >= declared.configs.length) return Status.Invalid;
  const config = declared.configs[index];
  const value = String.UTF8.decodeUnsafe(from, length);
  declared.failure = config.problem(value);
  if (declared.failure.length == 0) {
    config.value = value;
    plugin.configure(config.id, value);
  }
  return finish(Status.Invalid);
}

export function bj_configure_file(index: i32, blob: i32, size: i32, name: usize, nameLength: i32): i32 {
  declared.failure = "";
  if (index < 0 || index >= declared.configs.length) return Status.Invalid;
  const config = declared.configs[index];
  if (config.type != "filepath") return Status.Invalid;
  config.value = blob < 0 ? "" : String.UTF8.decodeUnsafe(name, nameLength);
  config.file = blob < 0 ? null : new HostFile(blob, config.value, size);
  plugin.configureFile(config);
  config.file = null;
  return finish(Status.Invalid);
}

export function bj_activate(rate: f64, maxFrames: i32): usize {
  declared.failure = "";
  if (!(rate > 0) || maxFrames < 1) return 0;
  plugin.sampleRate = rate;
  plugin.maxFrames = maxFrames;
  plugin.latencyFrames = declared.info.latencyFrames;
  plugin.tailSeconds = declared.info.tailSeconds;
  for (let i = 0; i < declared.ports.length; i++) {
    const port = declared.ports[i];
    if (port instanceof Param) (port as Param).prepare(rate, maxFrames);
  }
  const fresh = new Layout(rate, maxFrames);
  if (messages.length == 0) messages = new StaticArray<u8>(MESSAGE_BYTES);
  plugin.activate(rate, maxFrames);
  fresh.promise(plugin.latencyFrames, plugin.tailSeconds, rate);
  layout = declared.failure.length == 0 ? fresh : null;
  const struct = declared.failure.length == 0 ? fresh.struct : 0;
  __collect();
  heap.free(heap.alloc(IDLE_RESERVE));
  return struct;
}

export function bj_deactivate(): void {
  plugin.deactivate();
  layout = null;
  __collect();
}

export function bj_reset(): void {
  for (let i = 0; i < declared.ports.length; i++) {
    const port = declared.ports[i];
    if (port instanceof Param) (port as Param).snap();
  }
  const active = layout;
  if (active !== null) active.automationRest = 0;
  plugin.reset();
}

export function bj_process(frames: i32, events: i32): i32 {
  const active = layout;
  if (active === null) return Status.BadState;
  if (frames < 1 || frames > plugin.maxFrames || events < 0 || events > active.eventsInCapacity) return Status.Invalid;
  return processBlock(plugin, active, frames, events);
}

export function bj_idle(): i32 {
  for (let i = 0; i < MESSAGES_AT_ONCE; i++) {
    let n = hostPollEvent(changetype<usize>(messages), messages.length);
    if (n < 0) {
      messages = new StaticArray<u8>(-n);
      n = hostPollEvent(changetype<usize>(messages), messages.length);
    }
    if (n <= 0) break;
    hostEvent.open(changetype<usize>(messages), n);
    plugin.onHostEvent(hostEvent);
  }
  plugin.idle();
  if (link(newest) != linkBehind) {
    __collect();
    newest = new ArrayBuffer(0);
    linkBehind = link(newest);
  }
  return Status.Ok;
}

/** The collector's pointer from an object to the one made after it: the first field of its header, behind the size of the block. */
function link(object: ArrayBuffer): usize {
  return load<usize>(changetype<usize>(object) - 16);
}

export function bj_state_save(): usize {
  const writer = new StateWriter(declared.info.versionNumber);
  plugin.saveState(writer);
  saved = writer;
  const bytes = writer.empty ? <usize>0 : answer(writer.address, writer.length);
  __collect();
  return bytes;
}

export function bj_state_load(from: usize, length: i32): i32 {
  declared.failure = "";
  const reader = new StateReader(from, length);
  if (!reader.ok) {
    declared.failure = "this is no state of this plugin";
    return Status.Invalid;
  }
  plugin.loadState(reader);
  if (!reader.ok && declared.failure.length == 0) declared.failure = "the state ends too early, or holds other values than expected";
  return finish(Status.Invalid);
}

export function bj_graph_get(port: i32): usize {
  text = String.UTF8.encode(isGraph(port) ? plugin.getGraphData(declared.ports[port].id) : "{}");
  const bytes = answer(changetype<usize>(text), text.byteLength);
  __collect();
  return bytes;
}

export function bj_graph_set(port: i32, from: usize, length: i32): i32 {
  declared.failure = "";
  if (!isGraph(port)) return Status.Invalid;
  plugin.setGraphData(declared.ports[port].id, String.UTF8.decodeUnsafe(from, length));
  return finish(Status.Invalid);
}

function isGraph(port: i32): bool {
  return port >= 0 && port < declared.ports.length && declared.ports[port] instanceof GraphPort;
}

/** What a control function returns: `refused` if the plugin failed, else Ok. */
function finish(refused: i32): i32 {
  const status = declared.failure.length == 0 ? Status.Ok : refused;
  __collect();
  return status;
}

function answer(from: usize, length: i32): usize {
  const bytes = memory.data(8);
  store<u32>(bytes, from, BYTES_PTR);
  store<u32>(bytes, length, BYTES_LEN);
  return bytes;
}
