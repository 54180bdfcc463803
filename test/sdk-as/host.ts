// A host of nothing but WebAssembly and the contract's numbers: what the SDK does is looked at without the sandbox.

import { join } from "node:path";
import { Unpackr } from "msgpackr/unpack";
import * as abi from "../../abi/layout.ts";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { root } from "../root.ts";

type Exports = { memory: WebAssembly.Memory } & Record<string, (...args: number[]) => number>;

/** An event of the contract; what is left out is as the contract says for unused fields. */
export interface TestEvent {
  frame: number;
  type: number;
  port?: number;
  noteId?: number;
  channel?: number;
  key?: number;
  id?: number;
  arena?: number;
  value?: number;
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** Compiles a plugin's source, given by its path from the repository's root; once. */
export function compileSource(path: string): Promise<WebAssembly.Module> {
  let module = compiled.get(path);
  if (module === undefined) {
    module = compilePlugin(join(root, path)).then(({ wasm }) => new WebAssembly.Module(wasm as BufferSource));
    compiled.set(path, module);
  }
  return module;
}

/** One instance, and what it said to its host. */
export class Host {
  readonly exports: Exports;
  /** Messages that wait for the plugin. */
  readonly toPlugin: Uint8Array[] = [];
  /** What the plugin emitted. */
  readonly emitted: string[] = [];
  readonly requests: string[] = [];
  readonly logged: string[] = [];
  /** What host_control answers. */
  ack = '{"ok":true}';
  blobs: Uint8Array[] = [];
  #layout = 0;

  static async of(path: string): Promise<Host> {
    return new Host(await compileSource(path));
  }

  constructor(module: WebAssembly.Module) {
    const bytes = (ptr: number, length: number) => new Uint8Array(this.exports.memory.buffer, ptr, length);
    const text = (ptr: number, length: number) => new TextDecoder().decode(bytes(ptr, length).slice());
    this.exports = new WebAssembly.Instance(module, {
      belljar: {
        host_log: (_level: number, ptr: number, length: number) => this.logged.push(text(ptr, length)),
        host_poll_event: (ptr: number, capacity: number) => {
          const next = this.toPlugin[0];
          if (next === undefined) return 0;
          if (next.length > capacity) return -next.length;
          bytes(ptr, next.length).set(next);
          this.toPlugin.shift();
          return next.length;
        },
        host_emit_event: (ptr: number, length: number) => {
          this.emitted.push(text(ptr, length));
          return 0;
        },
        host_control: (ptr: number, length: number, ack: number, capacity: number) => {
          const answer = new TextEncoder().encode(this.ack);
          if (answer.length > capacity) return -answer.length;
          this.requests.push(text(ptr, length));
          bytes(ack, answer.length).set(answer);
          return answer.length;
        },
        host_read: (blob: number, offset: number, ptr: number, length: number) => {
          const part = this.blobs[blob]?.subarray(offset, offset + length);
          if (part === undefined) return abi.Status.Invalid;
          bytes(ptr, part.length).set(part);
          return part.length;
        },
      },
    }).exports as unknown as Exports;
  }

  /** A function of the contract that every module of the SDK has. */
  call(name: string, ...args: number[]): number {
    return (this.exports[name] as (...args: number[]) => number)(...args);
  }

  get view(): DataView {
    return new DataView(this.exports.memory.buffer);
  }

  /** What a function that returns Bytes left there. */
  bytesAt(pointer: number): Uint8Array {
    const { view } = this;
    const from = view.getUint32(pointer, true);
    return new Uint8Array(this.exports.memory.buffer, from, view.getUint32(pointer + 4, true)).slice();
  }

  textAt(pointer: number): string {
    return new TextDecoder().decode(this.bytesAt(pointer));
  }

  /** Writes bytes to the scratch memory. Returns pointer and length. */
  hand(content: string | Uint8Array): [number, number] {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const pointer = this.call("bj_scratch", bytes.length);
    new Uint8Array(this.exports.memory.buffer, pointer, bytes.length).set(bytes);
    return [pointer, bytes.length];
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  get descriptor(): any {
    return new Unpackr({ useRecords: false }).unpack(this.bytesAt(this.call("bj_descriptor")));
  }

  get error(): string {
    return this.textAt(this.call("bj_error"));
  }

  activate(rate = 48000, maxFrames = 128): number {
    this.#layout = this.call("bj_activate", rate, maxFrames);
    return this.#layout;
  }

  /** A field of the layout. */
  layout(field: number): number {
    return this.view.getUint32(this.#layout + field, true);
  }

  /** Channel `channel` of the audio port that is number `port` among the audio ports. */
  channel(port: number, channel: number, frames: number): Float32Array {
    const buffer = this.layout(abi.LAYOUT_AUDIO) + port * abi.AUDIO_BYTES;
    const from =
      this.view.getUint32(buffer + abi.AUDIO_PTR, true) +
      channel * this.view.getUint32(buffer + abi.AUDIO_STRIDE, true);
    return new Float32Array(this.exports.memory.buffer, from, frames);
  }

  flags(port: number): number {
    return this.view.getUint32(
      this.layout(abi.LAYOUT_AUDIO) + port * abi.AUDIO_BYTES + abi.AUDIO_FLAGS,
      true,
    );
  }

  setFlags(port: number, flags: number): void {
    this.view.setUint32(
      this.layout(abi.LAYOUT_AUDIO) + port * abi.AUDIO_BYTES + abi.AUDIO_FLAGS,
      flags,
      true,
    );
  }

  get controlsIn(): Float32Array {
    return new Float32Array(
      this.exports.memory.buffer,
      this.layout(abi.LAYOUT_CONTROL_IN),
      this.layout(abi.LAYOUT_CONTROL_IN_COUNT),
    );
  }

  get controlsOut(): Float32Array {
    return new Float32Array(
      this.exports.memory.buffer,
      this.layout(abi.LAYOUT_CONTROL_OUT),
      this.layout(abi.LAYOUT_CONTROL_OUT_COUNT),
    );
  }

  /** One block. Returns bj_process's result. */
  process(frames: number, events: TestEvent[] = []): number {
    const base = this.layout(abi.LAYOUT_EVENTS_IN);
    const { view } = this;
    events.forEach((event, i) => {
      const at = base + i * abi.EVENT_BYTES;
      view.setUint32(at + abi.EVENT_FRAME, event.frame, true);
      view.setUint16(at + abi.EVENT_TYPE, event.type, true);
      view.setUint16(at + abi.EVENT_PORT, event.port ?? 0, true);
      view.setInt32(at + abi.EVENT_NOTE_ID, event.noteId ?? -1, true);
      view.setInt16(at + abi.EVENT_CHANNEL, event.channel ?? -1, true);
      view.setInt16(at + abi.EVENT_KEY, event.key ?? -1, true);
      view.setUint32(at + abi.EVENT_ID, event.id ?? 0, true);
      view.setUint32(at + abi.EVENT_ARENA, event.arena ?? 0, true);
      view.setFloat64(at + abi.EVENT_VALUE, event.value ?? 0, true);
    });
    return this.call("bj_process", frames, events.length);
  }

  /** The events that the last block sent; `result` is what process returned. */
  sent(result: number): Required<TestEvent>[] {
    const count = (result >> abi.RESULT_EVENTS_SHIFT) & abi.RESULT_EVENTS_MASK;
    const base = this.layout(abi.LAYOUT_EVENTS_OUT);
    const { view } = this;
    return Array.from({ length: count }, (_, i) => {
      const at = base + i * abi.EVENT_BYTES;
      return {
        frame: view.getUint32(at + abi.EVENT_FRAME, true),
        type: view.getUint16(at + abi.EVENT_TYPE, true),
        port: view.getUint16(at + abi.EVENT_PORT, true),
        noteId: view.getInt32(at + abi.EVENT_NOTE_ID, true),
        channel: view.getInt16(at + abi.EVENT_CHANNEL, true),
        key: view.getInt16(at + abi.EVENT_KEY, true),
        id: view.getUint32(at + abi.EVENT_ID, true),
        arena: view.getUint32(at + abi.EVENT_ARENA, true),
        value: view.getFloat64(at + abi.EVENT_VALUE, true),
      };
    });
  }

  /** Hands messages to the plugin and lets it be idle. Returns what it emitted. */
  tell(...messages: (string | Uint8Array)[]): string[] {
    for (const message of messages) {
      this.toPlugin.push(typeof message === "string" ? new TextEncoder().encode(message) : message);
    }
    const before = this.emitted.length;
    this.call("bj_idle");
    return this.emitted.slice(before);
  }
}
