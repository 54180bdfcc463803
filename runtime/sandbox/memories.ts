// The memories of instances: made, counted and taken back in one place.
//
// Every memory counts, with the message queues that it has come with, from its making until it is given back or until the
// garbage collector has found it. Growing counts before it happens: a [control] call sets aside what it may grow by.
// What was given back is kept for the next instance that wants as many pages and the same maximum, since the first
// touch of a page takes the system a hundred times as long as wiping it. $boot wipes all of a memory before anything
// of a plugin runs in it, whether it was kept or is new.

import { MESSAGE_RING_BYTES } from "../../abi/layout.ts";
import { BelljarError } from "../../abi/error.ts";
import { type Limits, limitHint } from "./limits.ts";

const PAGE_BYTES = 65_536;
/** Two queues an instance. */
const QUEUE_PAGES = (2 * MESSAGE_RING_BYTES) / PAGE_BYTES;
/** Memories that wait for a next instance count for so many pages together: 256 MiB. */
const MOST_KEPT = 4_096;

/** Pages that all instances hold. The count lies in shared memory, so that all threads of a process can keep one. */
class Account {
  readonly shared: SharedArrayBuffer;
  private readonly used: Int32Array;
  /** The part of them that this thread has counted. */
  private readonly own: Int32Array;

  constructor(shared = new SharedArrayBuffer(4), own = new SharedArrayBuffer(4)) {
    this.shared = shared;
    this.used = new Int32Array(shared);
    this.own = new Int32Array(own);
  }

  get pages(): number {
    return Atomics.load(this.used, 0);
  }

  /** Takes up to `wanted` pages, `least` or none; returns how many. */
  take(least: number, wanted: number, limits: Limits): number {
    const most = Math.floor(limits.totalMemory / PAGE_BYTES);
    for (;;) {
      const before = this.pages;
      const pages = Math.min(wanted, most - before);
      if (pages < least || pages <= 0) return 0;
      if (Atomics.compareExchange(this.used, 0, before, before + pages) !== before) continue;
      Atomics.add(this.own, 0, pages);
      return pages;
    }
  }

  /** Counts what is there already. */
  add(pages: number): void {
    Atomics.add(this.used, 0, pages);
    Atomics.add(this.own, 0, pages);
  }

  give(pages: number): void {
    Atomics.sub(this.used, 0, pages);
    Atomics.sub(this.own, 0, pages);
  }

  /** What a thread counted that is no more. */
  giveAll(own: SharedArrayBuffer): void {
    Atomics.sub(this.used, 0, Atomics.exchange(new Int32Array(own), 0, 0));
  }
}

let account = new Account();

/** [any] The process's count: hand it to `joinMemoryAccount` in each other thread that makes instances. */
export function memoryAccount(): SharedArrayBuffer {
  return account.shared;
}

/**
 * [control] From here on this thread counts with the one that the count is from.
 * @param own four bytes, where this thread's part is counted as well, for `leaveMemoryAccount`
 */
export function joinMemoryAccount(shared: SharedArrayBuffer, own?: SharedArrayBuffer): void {
  if (shared === account.shared) return;
  const { pages } = account;
  account = new Account(shared, own);
  account.add(pages);
}

/** [any] Takes out of the count what a thread has put there that has ended, however it did. @param own what it joined with */
export function leaveMemoryAccount(own: SharedArrayBuffer): void {
  account.giveAll(own);
}

/** [any] Bytes that all instances hold now, and those that wait to be used again. */
export function memoryInUse(): number {
  return account.pages * PAGE_BYTES;
}

/** [any] Bytes that wait in this thread to be used again; they make way for others. */
export function memoryWaiting(): number {
  return kept.reduce((sum, { charge }) => sum + charge.pages, 0) * PAGE_BYTES;
}

/** What one memory counts for. It outlives the memory by a moment: until the collector has reported it. */
interface Charge {
  pages: number;
}

const lost = new FinalizationRegistry<Charge>((charge) => account.give(charge.pages));

/** Memories that wait, by pages and maximum; the oldest of all goes first. */
const kept: { memory: WebAssembly.Memory; charge: Charge; pages: number; maximum: number }[] = [];
let keptPages = 0;

function takeKept(pages: number, maximum: number): { memory: WebAssembly.Memory; charge: Charge } | null {
  const index = kept.findLastIndex((one) => one.pages === pages && one.maximum === maximum);
  const found = kept[index];
  if (found === undefined) return null;
  kept.splice(index, 1);
  keptPages -= found.charge.pages;
  return found;
}

/**
 * V8 does not count shared memory, and would let gigabytes of it wait to be collected. What it does count is this: an
 * array of the same size that nobody touches, and that so takes up no more than a number.
 */
const weights = new WeakMap<WebAssembly.Memory, ArrayBuffer>();

/** Nobody here uses the memory any more; the collector is to know how much there is to gain. */
function letGo(memory: WebAssembly.Memory): void {
  try {
    weights.set(memory, new ArrayBuffer(memory.buffer.byteLength));
  } catch {
    // Not even addresses are left for it: collecting is under way.
  }
}

function dropKept(): boolean {
  const oldest = kept.shift();
  if (oldest === undefined) return false;
  letGo(oldest.memory);
  keptPages -= oldest.charge.pages;
  account.give(oldest.charge.pages);
  return true;
}

const pagesOf = (memory: WebAssembly.Memory): number => memory.buffer.byteLength / PAGE_BYTES;

let nothing: WebAssembly.Memory | null = null;

/** Stands where a memory was that was given back: nobody can read or write anything in it. */
export function noMemory(): WebAssembly.Memory {
  nothing ??= new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
  return nothing;
}

/** One instance's hold on a memory. */
export class Lease {
  memory: WebAssembly.Memory;
  /** Whether the last reserve got less than the plugin may grow by. */
  short = false;
  private readonly charge: Charge;
  private readonly maximum: number;
  private readonly limits: Limits;
  /** Somebody else may hold this memory, too. */
  private isShared = false;
  private reserved = 0;
  private ended = false;

  private constructor(memory: WebAssembly.Memory, charge: Charge, maximum: number, limits: Limits) {
    this.memory = memory;
    this.charge = charge;
    this.maximum = maximum;
    this.limits = limits;
    lost.register(memory, charge, charge);
  }

  /** [control] A memory of its own for an instance: all zeros once $boot has run. Throws plugin/no-memory. */
  static make({ initial, maximum }: { initial: number; maximum: number }, limits: Limits): Lease {
    const before = takeKept(initial, maximum);
    if (before !== null) return new Lease(before.memory, before.charge, maximum, limits);
    const pages = initial + QUEUE_PAGES;
    while (account.take(pages, pages, limits) === 0) {
      if (!dropKept()) throw noneLeft(initial, limits);
    }
    try {
      const memory = new WebAssembly.Memory({ initial, maximum, shared: true });
      return new Lease(memory, { pages }, maximum, limits);
    } catch {
      account.give(pages);
      // Each reserves gigabytes of addresses, of which a process has enough for some ten thousand.
      throw new BelljarError(
        "plugin/no-memory",
        `The system gives no memory of ${initial} to ${maximum} pages for another instance.`,
        "Dispose of instances that are no longer needed.",
      );
    }
  }

  /** [control] For an instance that is attached to another's memory: never refused, since the memory is there. */
  static join(memory: WebAssembly.Memory, maximum: number, limits: Limits): Lease {
    const charge = { pages: pagesOf(memory) + QUEUE_PAGES };
    account.add(charge.pages);
    const lease = new Lease(memory, charge, maximum, limits);
    lease.isShared = true;
    return lease;
  }

  /** From now on somebody else may hold the memory, so that it is never used again. */
  markShared(): void {
    this.isShared = true;
  }

  /** [control] Before a call that may grow the memory: sets aside what it may grow by. Returns how many pages it may then have. */
  reserve(): number {
    const pages = pagesOf(this.memory);
    const wanted = this.maximum - pages;
    this.reserved = account.take(0, wanted, this.limits);
    while (this.reserved < wanted && dropKept()) {
      this.reserved += account.take(0, wanted - this.reserved, this.limits);
    }
    this.short = this.reserved < wanted;
    return pages + this.reserved;
  }

  /** [control] After it: gives back what was not used. */
  settle(): void {
    const grown = this.ended ? 0 : pagesOf(this.memory) + QUEUE_PAGES - this.charge.pages;
    this.charge.pages += grown;
    account.give(this.reserved - grown);
    this.reserved = 0;
  }

  /** [control] The instance is done with it, and never touches it again. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    const { memory, charge, maximum } = this;
    const pages = pagesOf(memory);
    lost.unregister(charge);
    this.memory = noMemory();
    if (this.isShared || charge.pages > MOST_KEPT) {
      account.give(charge.pages);
      letGo(memory);
      return;
    }
    while (keptPages + charge.pages > MOST_KEPT) dropKept();
    kept.push({ memory, charge, pages, maximum });
    keptPages += charge.pages;
  }
}

function noneLeft(pages: number, limits: Limits): BelljarError {
  const [used, most] = [memoryInUse(), limits.totalMemory].map((bytes) => Math.floor(bytes / 2 ** 20));
  return new BelljarError(
    "plugin/no-memory",
    `All instances together have ${used} MiB of memory; with ${pages} pages more they would pass the limit of ${most} MiB (totalMemory).`,
    `Dispose of instances that are no longer needed, or raise the limit: ${limitHint("totalMemory")}`,
  );
}

/** What to say with a failure of a call in which the memory of all instances was short. */
export function shortHint(limits: Limits): string {
  return `The memory of all instances together was short (${Math.floor(limits.totalMemory / 2 ** 20)} MiB, totalMemory): dispose of some.`;
}
