// The functions that a plugin imports: messages to and from the host over rings, and bytes of granted files.
// [any] of them may be called from process: they neither allocate nor wait.

import { MESSAGE_MAX_BYTES, MESSAGE_RING_BYTES, Status } from "../../abi/layout.ts";
import { Stop } from "./fault.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { MessageRate } from "./message-rate.ts";
import { MessageRing } from "./message-ring.ts";

export type MessageKind = "log" | "emit" | "control";
const KINDS: MessageKind[] = ["log", "emit", "control"];
const [LOG, EMIT, CONTROL] = [0, 1, 2] as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ACCEPTED = encoder.encode('{"ok":true}');
const EMPTY = encoder.encode('{"ok":false,"error":"the request is empty"}');
const BUSY = encoder.encode('{"ok":false,"error":"too many requests are waiting"}');
const NO_ROUTER = encoder.encode('{"ok":false,"error":"this host takes no control requests"}');

/** The two rings of an instance, and how much it has said, as they travel between threads. */
export interface SharedMessages {
  toPlugin: SharedArrayBuffer;
  toHost: SharedArrayBuffer;
  rate: SharedArrayBuffer;
}

/** What one instance's imports work on. */
export class HostCalls {
  private memory: WebAssembly.Memory;
  private bytes: Uint8Array;
  readonly toPlugin: MessageRing;
  readonly toHost: MessageRing;
  readonly rate: MessageRate;
  /** Whether somebody takes control requests. */
  routed = false;
  /** Set while a control call runs: host_read works then alone. */
  inControlCall = false;
  /** Files that the user granted, by blob number. */
  readonly blobs: Uint8Array[] = [];
  private readonly longest: number;
  private readonly buffer = new Uint8Array(MESSAGE_MAX_BYTES);

  constructor(memory: WebAssembly.Memory, shared?: SharedMessages, limits: Limits = DEFAULT_LIMITS) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.toPlugin = new MessageRing(shared?.toPlugin);
    this.toHost = new MessageRing(shared?.toHost);
    this.rate = new MessageRate(limits, shared?.rate);
    this.longest = limits.messageBytes;
  }

  /** [control] Lets go of the plugin's memory; `nothing` stands in its place. */
  dispose(nothing: WebAssembly.Memory): void {
    this.memory = nothing;
    this.bytes = new Uint8Array(0);
    this.blobs.length = 0;
  }

  share(): SharedMessages {
    return { toPlugin: this.toPlugin.shared, toHost: this.toHost.shared, rate: this.rate.shared };
  }

  /** The plugin's memory, checked to hold `length` bytes at `at`. */
  private range(name: string, at: number, length: number): Uint8Array {
    if (this.bytes.buffer !== this.memory.buffer) this.bytes = new Uint8Array(this.memory.buffer);
    if ((at >>> 0) + (length >>> 0) > this.bytes.length) {
      throw new Stop("host-call", `handed ${name} bytes outside of its memory`);
    }
    return this.bytes;
  }

  /** The import object's module "belljar". */
  imports(): Record<string, (...args: number[]) => number | undefined> {
    return {
      host_log: (level: number, at: number, length: number) => {
        const bytes = this.range("host_log", at, length);
        if (!this.rate.line()) {
          this.rate.dropLine();
          return undefined;
        }
        // A line says its level in its first byte; a longer one than a message may be is cut.
        const cut = Math.min(length >>> 0, this.longest - 1);
        this.buffer[0] = level >= 0 && level <= 3 ? level : 3;
        for (let i = 0; i < cut; i++) this.buffer[i + 1] = bytes[(at >>> 0) + i] as number;
        if (!this.toHost.write(LOG, this.buffer, 0, cut + 1)) this.rate.dropLine();
        return undefined;
      },
      host_poll_event: (at: number, room: number) => {
        const bytes = this.range("host_poll_event", at, room);
        const dropped = this.toPlugin.takeDropped();
        if (dropped > 0) this.toPluginDropped += dropped;
        if (this.toPluginDropped > 0) {
          const note = droppedNote(this.buffer, this.toPluginDropped);
          if (note > room >>> 0) return -note;
          for (let i = 0; i < note; i++) bytes[(at >>> 0) + i] = this.buffer[i] as number;
          this.toPluginDropped = 0;
          return note;
        }
        return this.toPlugin.read(bytes, at >>> 0, room >>> 0);
      },
      host_emit_event: (at: number, length: number) => {
        const bytes = this.range("host_emit_event", at, length);
        if (length === 0) return Status.Invalid;
        if (length >>> 0 > this.longest) return Status.TooLarge;
        return this.send(EMIT, bytes, at >>> 0, length >>> 0) ? Status.Ok : Status.Busy;
      },
      host_control: (at: number, length: number, ack: number, room: number) => {
        this.range("host_control", ack, room);
        const bytes = this.range("host_control", at, length);
        let answer = NO_ROUTER;
        if (ACCEPTED.length > room >>> 0) return -ACCEPTED.length;
        if (length === 0) answer = EMPTY;
        else if (this.routed) {
          answer =
            length >>> 0 <= this.longest && this.send(CONTROL, bytes, at >>> 0, length >>> 0)
              ? ACCEPTED
              : BUSY;
        }
        if (answer.length > room >>> 0) return -answer.length;
        for (let i = 0; i < answer.length; i++) bytes[(ack >>> 0) + i] = answer[i] as number;
        return answer.length;
      },
      host_read: (blob: number, offset: number, at: number, length: number) => {
        const bytes = this.range("host_read", at, length);
        if (!this.inControlCall) return Status.BadState;
        const file = this.blobs[blob];
        if (file === undefined) return Status.Invalid;
        const start = Math.min(offset >>> 0, file.length);
        const count = Math.min(length >>> 0, file.length - start, 0x7fffffff);
        bytes.set(file.subarray(start, start + count), at >>> 0);
        return count;
      },
    };
  }

  /** Queues a message, unless it is one too many or the queue is full. */
  private send(kind: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.rate.message() && this.toHost.write(kind, bytes, at, length)) return true;
    this.rate.refuseMessage();
    return false;
  }

  private toPluginDropped = 0;

  /** [control] Queues a message for host_poll_event; where the ring is full the oldest go. */
  publish(text: string): boolean {
    const bytes = encoder.encode(text);
    return (
      bytes.length > 0 && bytes.length <= this.longest && this.toPlugin.writeNewest(0, bytes, 0, bytes.length)
    );
  }

  /** [control] Hands the messages that the plugin sent to `take`: a ring of them at most, since it may send on meanwhile. */
  drain(take: (kind: MessageKind, text: string, level: number) => void): void {
    for (let bytes = 0; bytes < MESSAGE_RING_BYTES; ) {
      const length = this.toHost.read(this.buffer, 0, this.buffer.length);
      if (length <= 0) return;
      bytes += 4 + length;
      const kind = KINDS[this.toHost.kind] as MessageKind;
      const start = kind === "log" ? 1 : 0;
      take(
        kind,
        decoder.decode(this.buffer.slice(start, length)),
        kind === "log" ? (this.buffer[0] as number) : 0,
      );
    }
  }
}

const NOTE_HEAD = encoder.encode('{"topic":"host.dropped","count":');
const NOTE_TAIL = "}".charCodeAt(0);

/** Writes {"topic":"host.dropped","count":n} to `to`; returns its length. */
function droppedNote(to: Uint8Array, count: number): number {
  let at = 0;
  for (; at < NOTE_HEAD.length; at++) to[at] = NOTE_HEAD[at] as number;
  let scale = 1;
  while (scale * 10 <= count) scale *= 10;
  for (; scale >= 1; scale = (scale / 10) | 0) to[at++] = 48 + (((count / scale) | 0) % 10);
  to[at++] = NOTE_TAIL;
  return at;
}
