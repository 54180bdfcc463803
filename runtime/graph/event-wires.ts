// Events from outputs to inputs, merged in the order of their frames; at one frame in wire order.

import { EventType } from "../../abi/layout.ts";
import { EVENT_WORDS, EventBuffer } from "./event-buffer.ts";
import type { Keep } from "./keep.ts";
import { NO_ARENA, type NodeEvents } from "./node.ts";
import type { TransportChanges } from "./transport-changes.ts";

/**
 * Whether an event may pass on from node to node. Parameters, transport and the end of a note are between a host
 * and one plugin; the bytes of a sysex lie in the sender's memory.
 */
function travels(type: number): boolean {
  switch (type) {
    case EventType.NoteOn:
    case EventType.NoteOff:
    case EventType.Choke:
    case EventType.Expression:
    case EventType.Bend:
    case EventType.ControlChange:
    case EventType.Program:
    case EventType.Pressure:
    case EventType.AllNotesOff:
    case EventType.Midi1:
    case EventType.Ump:
      return true;
    default:
      return false;
  }
}

/** What reads a node's outgoing events. Another instance in the node's place sends from another list. */
export interface EventReader {
  source: NodeEvents;
}

/** One event wire: reads the source's list, or what holds it back. */
export class EventWire implements EventReader {
  source: NodeEvents;
  readonly fromPort: number;
  readonly toPort: number;
  readonly queue: EventQueue | null;
  cursor = 0;

  constructor(source: NodeEvents, queue: EventQueue | null, fromPort: number, toPort: number) {
    this.source = source;
    this.queue = queue;
    this.fromPort = fromPort;
    this.toPort = toPort;
  }

  /** Moves the cursor to the next event of this wire at or after `at`. */
  seek(at: number): void {
    const { source, fromPort } = this;
    let next = at;
    while (next < source.count && !passes(source.words, next, fromPort)) next++;
    this.cursor = next;
  }
}

function passes(words: Int32Array, index: number, port: number): boolean {
  const head = words[index * EVENT_WORDS + 1] as number;
  return head >>> 16 === port && travels(head & 0xffff);
}

/** Events on their way: `delay` frames late (compensation), or a block late (feedback). */
export class EventQueue extends EventBuffer implements EventReader {
  source: NodeEvents;
  private readonly copies: readonly [Int32Array, Int32Array];
  private readonly port: number;
  private readonly delay: number;
  /** Events that found no room. */
  lost = 0;

  constructor(source: NodeEvents, port: number, delay: number, blockFrames: number, keep: Keep) {
    super(Math.min(65536, Math.max(64, source.capacity * (Math.ceil(delay / blockFrames) + 1))));
    this.copies = keep.copies(Int32Array, 4, 1 + this.capacity * EVENT_WORDS);
    this.source = source;
    this.port = port;
    this.delay = delay;
  }

  /** Takes in what the source has sent in this block, `delay` frames later than sent. */
  take(): void {
    const { source, words } = this;
    for (let i = 0; i < source.count; i++) {
      if (!passes(source.words, i, this.port)) continue;
      if (this.count >= this.capacity) {
        this.lost++;
        continue;
      }
      const from = i * EVENT_WORDS;
      const to = this.count * EVENT_WORDS;
      for (let w = 0; w < EVENT_WORDS; w++) words[to + w] = source.words[from + w] as number;
      words[to] = (source.words[from] as number) + this.delay;
      this.count++;
    }
  }

  /** [audio] Between blocks: writes down what is under way. */
  save(parity: number): void {
    const to = this.copies[parity] as Int32Array;
    to[0] = this.count;
    const words = this.count * EVENT_WORDS;
    for (let i = 0; i < words; i++) to[1 + i] = this.words[i] as number;
  }
  resume(parity: number): void {
    const from = this.copies[parity] as Int32Array;
    this.count = from[0] as number;
    this.words.set(from.subarray(1, 1 + this.count * EVENT_WORDS));
  }

  /** Goes on with what is under way in another one. */
  takeOver(former: EventQueue): void {
    this.count = Math.min(former.count, this.capacity);
    this.words.set(former.words.subarray(0, this.count * EVENT_WORDS));
  }

  /** Drops the events of the block that has ended and counts the rest from the next block's start. */
  advance(frames: number): void {
    const { words } = this;
    let gone = 0;
    while (gone < this.count && (words[gone * EVENT_WORDS] as number) < frames) gone++;
    if (gone > 0) words.copyWithin(0, gone * EVENT_WORDS, this.count * EVENT_WORDS);
    this.count -= gone;
    for (let i = 0; i < this.count; i++) {
      words[i * EVENT_WORDS] = (words[i * EVENT_WORDS] as number) - frames;
    }
  }
}

/** The event inputs of one node: they share one list. */
export class EventInputs {
  private readonly wires: EventWire[] = [];
  private target: NodeEvents;
  private changes: TransportChanges | null;
  private arena: Uint8Array;
  /** Events of the last block that found no room in the node's list. */
  lost = 0;

  /** @param changes of the transport, which come before other events of their frame; null: the node wants none */
  constructor(target: NodeEvents, changes: TransportChanges | null = null, arena: Uint8Array = NO_ARENA) {
    this.target = target;
    this.changes = changes;
    this.arena = arena;
  }

  connect(wire: EventWire): void {
    this.wires.push(wire);
  }

  /** Events go to another instance from here on. */
  rebind(target: NodeEvents, changes: TransportChanges | null, arena: Uint8Array): void {
    this.target = target;
    this.changes = changes;
    this.arena = arena;
  }

  /** Instead of `deliver`, while nobody listens: what is under way goes on. */
  pass(frames: number): void {
    const { wires } = this;
    for (let i = 0; i < wires.length; i++) {
      const queue = (wires[i] as EventWire).queue;
      if (queue === null) continue;
      queue.take();
      queue.advance(frames);
    }
  }

  /** Fills the node's list with the block's events. True: some came by wire. (The transport alone wakes nobody.) */
  deliver(frames: number): boolean {
    const { target, wires, changes } = this;
    const changeCount = changes === null ? 0 : changes.count;
    let change = 0;
    let arrived = false;
    target.count = 0;
    this.lost = 0;
    for (let i = 0; i < wires.length; i++) {
      const wire = wires[i] as EventWire;
      if (wire.queue !== null) wire.queue.take();
      wire.seek(0);
    }
    for (;;) {
      if (target.count >= target.capacity) {
        this.lost += changeCount - change;
        if (this.loseRest(frames)) arrived = true;
        break;
      }
      let next: EventWire | null = null;
      let soonest = frames;
      for (let i = 0; i < wires.length; i++) {
        const wire = wires[i] as EventWire;
        if (wire.cursor >= wire.source.count) continue;
        const frame = wire.source.words[wire.cursor * EVENT_WORDS] as number;
        if (frame < soonest) {
          soonest = frame;
          next = wire;
        }
      }
      // Those behind the last event of a wire have `frames` to compare with.
      while (change < changeCount && (changes?.frames[change] as number) <= soonest) this.putChange(change++);
      if (next === null) break;
      arrived = true;
      this.put(next);
      next.seek(next.cursor + 1);
    }
    for (let i = 0; i < wires.length; i++) {
      const queue = (wires[i] as EventWire).queue;
      if (queue !== null) queue.advance(frames);
    }
    return arrived;
  }

  private putChange(index: number): void {
    if (this.changes?.put(index, this.target, this.arena) === false) this.lost++;
  }

  /** The list is full: what else comes in this block is counted, and no longer put in order. True: there was some. */
  private loseRest(frames: number): boolean {
    const before = this.lost;
    for (let i = 0; i < this.wires.length; i++) {
      const wire = this.wires[i] as EventWire;
      const { source } = wire;
      while (wire.cursor < source.count && (source.words[wire.cursor * EVENT_WORDS] as number) < frames) {
        this.lost++;
        wire.seek(wire.cursor + 1);
      }
    }
    return this.lost > before;
  }

  private put(wire: EventWire): void {
    const { target } = this;
    const from = wire.cursor * EVENT_WORDS;
    const to = target.count * EVENT_WORDS;
    const source = wire.source.words;
    const words = target.words;
    words[to] = source[from] as number;
    words[to + 1] = ((source[from + 1] as number) & 0xffff) | (wire.toPort << 16);
    for (let w = 2; w < EVENT_WORDS; w++) words[to + w] = source[from + w] as number;
    target.count++;
  }
}
