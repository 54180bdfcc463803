// What the host had answered a recorded plugin: results of the functions that it imports, in the order of its calls. With
// them a replay needs no messages, and no luck with who was faster.

import type { HostFunctions } from "../sandbox/index.ts";
import type { ByteLog, ByteReader } from "./recording-bytes.ts";

// host_log has no result, and host_read gives bytes of files that a replay is given, too.
const POLL = 0;
const EMIT = 1;
const CONTROL = 2;
/** Bytes of the host's own answer to a request for control, at most. */
const ACKNOWLEDGEMENT = 4_096;

/** Writes answers down; equal ones without bytes are counted together. */
export class AnswerLog {
  private readonly log: ByteLog;
  private readonly mostBytes: number;
  private kind = -1;
  private result = 0;
  private count = 0;

  /** @param mostBytes beyond which nothing is written, since the whole recording is about to be dropped */
  constructor(log: ByteLog, mostBytes: number) {
    this.log = log;
    this.mostBytes = mostBytes;
  }

  /** The imports, listened to. */
  around(functions: HostFunctions, memory: WebAssembly.Memory): HostFunctions {
    const { host_poll_event: poll, host_emit_event: emit, host_control: control } = functions;
    return {
      ...functions,
      host_poll_event: (at = 0, room = 0) => this.take(POLL, poll?.(at, room) ?? 0, memory, at),
      host_emit_event: (at = 0, length = 0) => this.take(EMIT, emit?.(at, length) ?? 0, memory, 0),
      host_control: (at = 0, length = 0, ack = 0, room = 0) =>
        this.take(CONTROL, control?.(at, length, ack, room) ?? 0, memory, ack),
    };
  }

  /** Writes what is still being counted. */
  flush(): void {
    if (this.count === 0) return;
    this.log.u8(this.kind);
    this.log.small(this.result);
    this.log.count(this.count);
    this.count = 0;
  }

  private take(kind: number, result: number, memory: WebAssembly.Memory, at: number): number {
    if (this.log.length > this.mostBytes) return result;
    if (kind !== EMIT && result > 0) {
      this.flush();
      this.log.u8(kind);
      this.log.small(result);
      this.log.raw(new Uint8Array(memory.buffer, at >>> 0, result));
    } else if (kind === this.kind && result === this.result && this.count > 0) this.count++;
    else {
      this.flush();
      this.kind = kind;
      this.result = result;
      this.count = 1;
    }
    return result;
  }
}

/** Gives the recorded answers again. */
export class AnswerReplay {
  /** Whether the plugin asked for something else than it had asked for. */
  strayed = false;
  private readonly reader: ByteReader;
  private kind = -1;
  private result = 0;
  private count = 0;
  private bytes: Uint8Array | null = null;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  /** The imports; what they check they check as ever. */
  around(functions: HostFunctions, memory: WebAssembly.Memory): HostFunctions {
    const { host_poll_event: poll, host_emit_event: emit, host_control: control } = functions;
    return {
      ...functions,
      host_poll_event: (at = 0, room = 0) => this.give(POLL, poll?.(at, room) ?? 0, memory, at, room),
      host_emit_event: (at = 0, length = 0) => this.give(EMIT, emit?.(at, length) ?? 0, memory, 0, 0),
      host_control: (at = 0, length = 0, ack = 0, room = 0) => {
        // This host's own answer may be another one: it leaves no trace where a recorded one takes its place.
        const place = Math.min(ack >>> 0, memory.buffer.byteLength);
        const before = new Uint8Array(memory.buffer, place).slice(0, Math.min(room >>> 0, ACKNOWLEDGEMENT));
        const own = control?.(at, length, ack, room) ?? 0;
        if (!this.strayed && this.has(CONTROL)) new Uint8Array(memory.buffer).set(before, place);
        return this.give(CONTROL, own, memory, ack, room);
      },
    };
  }

  /** Whether the next recorded answer is to such a call. */
  private has(kind: number): boolean {
    if (this.count === 0 && !this.reader.done) {
      this.kind = this.reader.u8();
      this.result = this.reader.small();
      const long = this.kind !== EMIT && this.result > 0;
      this.bytes = long ? this.reader.raw(this.result) : null;
      this.count = long ? 1 : this.reader.count();
    }
    return this.count > 0 && this.kind === kind;
  }

  private give(kind: number, own: number, memory: WebAssembly.Memory, at: number, room: number): number {
    if (this.strayed || !this.has(kind) || (this.bytes !== null && this.bytes.length > room >>> 0)) {
      this.strayed = true;
      return own;
    }
    this.count--;
    if (this.bytes !== null) new Uint8Array(memory.buffer).set(this.bytes, at >>> 0);
    return this.result;
  }
}

/** @throws BelljarError recording/malformed */
export function checkAnswers(reader: ByteReader): void {
  while (!reader.done) {
    const kind = reader.u8();
    if (kind > CONTROL) reader.fail(`there is no answer of kind ${kind}`);
    const result = reader.small();
    if (kind !== EMIT && result > 0) reader.raw(result);
    else if (reader.count() === 0) reader.fail("an answer was given no time");
  }
}
