// A module instance's functions, each call under a budget of units and a deadline; and the bytes that cross.

import { type Clock, clockOf, type Now } from "../../abi/clock.ts";
import { ALIGNMENT, BYTES_LEN, BYTES_PTR, Status } from "../../abi/layout.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { faultError, faultOf, Stop } from "./fault.ts";
import type { HostCalls } from "./host-calls.ts";
import { type LimitName, limitHint } from "./limits.ts";
import { type Lease, shortHint } from "./memories.ts";
import { SLICE, slicesOwed, STACK_OVERFLOW } from "./meter.ts";
import type { PluginType } from "./plugin-type.ts";
import type { Fault, FaultKind } from "./types.ts";
import type { Watcher } from "./watch.ts";

// How many slices are handed out at once. Reading the clock takes 50 ns, as long as 1,000 units of tight code, so it
// is read no oftener than a deadline needs: what is handed out ends, at the slowest that a plugin can be, at most
// one slice after the deadline; and a plugin that was fast a moment ago gets a few slices more, and
// may be so much later if it turns slow just then.
/** Milliseconds of a slice that is nothing but cache misses. */
const SLOWEST = 0.25;
/** Milliseconds of a slice below which a plugin counts as fast. */
const FAST = 0.0125;
const FAST_SLICES = 5;
const MOST_SLICES = 32_768;

// Numbers that are no small integers are kept in arrays: handed from call to call, or kept in a field, each may be a new object.
/** What a call may take: units, and milliseconds. */
const UNITS = 0;
const MILLISECONDS = 1;
/** When the running call has to end, and when the clock was last read. */
const ENDS_AT = 0;
const READ_AT = 1;

/** Units, and milliseconds where there is a deadline, for the sentence of a plugin that reported a failure. */
const WORDS_UNITS = 4 * SLICE;
const WORDS_DEADLINE = 0.5;

export type Call = (...args: number[]) => number;

const NO_FUNCTIONS: Readonly<Record<string, Call>> = Object.freeze(Object.create(null));
/** What $fuel takes for a [control] call in which all memory may be had, less the pages that it may have. */
const ALL_PAGES = 65_537;
/** Limits that stop a [control] call. */
const CONTROL_LIMITS: Partial<Record<FaultKind, LimitName>> = {
  units: "controlUnits",
  deadline: "controlSeconds",
  stack: "stackBytes",
};

/**
 * How a call ended that is being played again. Where it is checked depends on the slices that the clock had handed out; what
 * is charged does not. So the replay's last check is put where it was: at the first check with as many units.
 */
export interface KnownEnd {
  /** Which call it is: `begun` of the instance while it runs. */
  call: number;
  /** Units at its last check; 0 where there was none. */
  units: number;
  /** Units that had been handed out when it ended. */
  granted: number;
  /** Whether its deadline ended it, at that check. */
  late: boolean;
}

export class Calls {
  /** The module's exports; nothing else reaches it by name. */
  functions: Readonly<Record<string, Call>>;
  /** What stopped it, or null. */
  fault: Fault | null = null;
  /** Units of the last call. */
  units = 0;
  /** Calls of process that ended well. */
  blocks = 0;
  /** Calls begun, and units handed out to the last one. */
  begun = 0;
  granted = 0;
  /** Whether a call is under way. */
  inside = false;
  disposed = false;
  /** For replays. */
  knownEnd: KnownEnd | null = null;

  private readonly type: PluginType;
  private memory: WebAssembly.Memory;
  private readonly watcher: Watcher | undefined;
  private readonly host: HostCalls;
  private readonly clock: Clock;
  private setFuel: Call;
  private readonly lease: Lease | undefined;
  /** Units of the running call at its last check. */
  private counted = 0;
  private budget = 0;
  private readonly times = Float64Array.of(Number.POSITIVE_INFINITY, 0);
  /** Units handed out since the clock was last read. */
  private handed = 0;
  /** What an [audio] call may take. */
  private readonly allowance = Float64Array.of(0, Number.POSITIVE_INFINITY);
  private readonly otherAllowance = new Float64Array(2);
  /** What the last call was allowed, and the units that such a call begins with. */
  private readonly planned = new Float64Array(2);
  private first = 0;

  constructor(
    type: PluginType,
    memory: WebAssembly.Memory,
    host: HostCalls,
    now: Now,
    watcher?: Watcher,
    lease?: Lease,
  ) {
    this.type = type;
    this.memory = memory;
    this.host = host;
    this.clock = clockOf(now);
    this.lease = lease;
    this.watcher = watcher;
    const functions = host.imports();
    const { exports } = new WebAssembly.Instance(type.module, {
      belljar: watcher?.imports(functions, memory) ?? functions,
      $: { memory, tick: (fuel: number) => this.tick(fuel) },
    });
    this.functions = Object.assign(Object.create(null), exports) as Record<string, Call>;
    this.setFuel = this.functions.$fuel as Call;
  }

  /** The module's $tick: hands out the next slices or ends the call. */
  private tick(fuel: number): number {
    if (fuel === STACK_OVERFLOW) throw new Stop("stack", "");
    this.counted = this.granted - fuel;
    if (this.counted > this.budget) throw new Stop("units", "");
    let fast = true;
    const { clock, times } = this;
    if (times[ENDS_AT] !== Number.POSITIVE_INFINITY) {
      clock.read();
      const now = clock.time[0] as number;
      if (now > (times[ENDS_AT] as number)) throw new Stop("deadline", "");
      fast = (now - (times[READ_AT] as number)) * SLICE < this.handed * FAST;
      times[READ_AT] = now;
    }
    const units = this.hand(fast ? 1 + FAST_SLICES : 1, slicesOwed(fuel));
    return fuel + units;
  }

  /** Hands out slices: as many as fit before the deadline and `more`, while the budget has them; at least `owed`. */
  private hand(more: number, owed: number): number {
    if (this.knownEnd !== null && this.knownEnd.call === this.begun) {
      const known = this.handKnown(this.knownEnd);
      if (known > 0) return known;
    }
    let slices = more;
    const { times } = this;
    if (times[ENDS_AT] !== Number.POSITIVE_INFINITY) {
      const left = (times[ENDS_AT] as number) - (times[READ_AT] as number);
      slices += Math.min(Math.floor(left / SLOWEST), MOST_SLICES);
    }
    // Never more than the budget holds, so that where it ends a call does not depend on the clock.
    slices = Math.max(Math.min(slices, (this.budget - this.granted) / SLICE), owed);
    this.handed = slices * SLICE;
    this.granted += this.handed;
    return this.handed;
  }

  /** What is handed out in a call that is played again, so that it is checked where it was; 0: it goes another way. */
  private handKnown({ units, granted, late }: KnownEnd): number {
    let until = units - 1;
    if (this.counted >= units) {
      if (late) throw new Stop("deadline", "");
      until = Math.max(granted, units);
    }
    this.handed = Math.max(0, Math.min(until, this.budget) - this.granted);
    this.handed = Math.min(this.handed, MOST_SLICES * SLICE);
    this.granted += this.handed;
    return this.handed;
  }

  /** Most units, and milliseconds, of one [audio] call. */
  get unitBudget(): number {
    return this.allowance[UNITS] as number;
  }
  set unitBudget(units: number) {
    this.allowance[UNITS] = units;
  }
  get deadline(): number {
    return this.allowance[MILLISECONDS] as number;
  }
  set deadline(milliseconds: number) {
    this.allowance[MILLISECONDS] = milliseconds;
  }

  /** [audio] Before a call that may take as much. */
  begin(): void {
    this.start(this.allowance, 0);
  }

  /** Before a call that may take something else; `milliseconds` may be Infinity. @param control as for start */
  private beginWith(units: number, milliseconds: number, control: number): void {
    this.otherAllowance[UNITS] = units;
    this.otherAllowance[MILLISECONDS] = milliseconds;
    this.start(this.otherAllowance, control);
  }

  /** Works out what is the same for every call that may take so much. */
  private plan(allowance: Float64Array): void {
    const units = allowance[UNITS] as number;
    const milliseconds = allowance[MILLISECONDS] as number;
    this.planned.set(allowance);
    this.budget = Math.ceil(units / SLICE) * SLICE;
    const fits = milliseconds === Number.POSITIVE_INFINITY ? 1 : 1 + Math.floor(milliseconds / SLOWEST);
    this.first = Math.max(1, Math.min(fits, MOST_SLICES, this.budget / SLICE)) * SLICE;
  }

  /** @param control what $fuel takes: 0 for an [audio] call */
  private start(allowance: Float64Array, control: number): void {
    const { planned, times } = this;
    if (allowance[UNITS] !== planned[UNITS] || allowance[MILLISECONDS] !== planned[MILLISECONDS]) {
      this.plan(allowance);
    }
    times[ENDS_AT] = Number.POSITIVE_INFINITY;
    if (allowance[MILLISECONDS] !== Number.POSITIVE_INFINITY) {
      this.clock.read();
      times[READ_AT] = this.clock.time[0] as number;
      times[ENDS_AT] = (times[READ_AT] as number) + (allowance[MILLISECONDS] as number);
    }
    this.begun++;
    this.handed = this.granted = this.first;
    this.counted = 0;
    if (this.knownEnd !== null && this.knownEnd.call === this.begun) {
      this.granted = 0;
      this.granted = this.handKnown(this.knownEnd) || this.first;
    }
    this.inside = true;
    this.host.inControlCall = control !== 0;
    this.setFuel(this.granted, control);
  }

  /** [audio] After a call that returned. */
  finish(): void {
    this.units = this.granted - this.setFuel(0, 0);
    this.inside = false;
    this.host.inControlCall = false;
    this.watcher?.ended();
  }

  /** [audio] After a call that threw: it is at fault from now on. What no plugin can have caused is thrown again. */
  stop(error: unknown, call: string): Fault {
    this.units = this.counted;
    this.inside = false;
    this.host.inControlCall = false;
    const functionName = (index: number): string => this.type.rewritten.functionNames[index] ?? "";
    this.fault = faultOf(error, { call, block: this.blocks, units: this.units, functionName });
    return this.fault;
  }

  /** [audio] After a call that broke the contract. */
  condemn(kind: FaultKind, call: string, what: string): Fault {
    const when = call === "process" ? `, block ${this.blocks}` : "";
    const message = `The plugin ${what} in ${call}${when}.`;
    this.fault = { kind, call, where: "", block: this.blocks, units: this.units, message };
    return this.fault;
  }

  /** Throws where it was disposed of. */
  present(): void {
    if (this.disposed) throw new BelljarError("plugin/disposed", "This instance was disposed of.");
  }

  /** [control] Lets go of the module and its memory; `nothing` stands in their place. */
  dispose(nothing: WebAssembly.Memory): void {
    this.disposed = true;
    this.memory = nothing;
    this.functions = NO_FUNCTIONS;
    this.setFuel = () => 0;
  }

  /** Throws where it was disposed of or stopped. */
  alive(): void {
    this.present();
    if (this.fault !== null) throw faultError(this.fault);
  }

  has(name: string): boolean {
    this.present();
    return this.functions[name] !== undefined;
  }

  /** Throws where the module lacks an export that may be absent. */
  needs(name: string, what: string): void {
    if (!this.has(name)) {
      throw new BelljarError("plugin/unsupported", `"${this.type.descriptor.id}" has no ${what}.`);
    }
  }

  /** [control] Calls an export under the control budget; a trap or a lack of time is thrown as a BelljarError. */
  control(call: string, name: string, ...args: number[]): number {
    this.alive();
    const { limits } = this.type;
    this.host.rate.begin();
    const pages = this.lease?.reserve() ?? ALL_PAGES - 1;
    this.beginWith(limits.controlUnits, limits.controlSeconds * 1_000, ALL_PAGES - pages);
    let result: number;
    try {
      result = (this.functions[name] as Call)(...args);
    } catch (error) {
      const fault = this.stop(error, call);
      const limit = CONTROL_LIMITS[fault.kind];
      const hint = limit === undefined ? "" : limitHint(limit);
      throw faultError(fault, this.lease?.short ? shortHint(limits) : hint);
    } finally {
      this.lease?.settle();
    }
    this.finish();
    return result;
  }

  /** [control] Copies what a Bytes at `address` holds; at most as many bytes as the limit says. */
  takeBytes(address: number, call: string, limit: LimitName): Uint8Array<ArrayBuffer> {
    const memory = this.memory.buffer;
    const at = address >>> 0;
    if (at % 4 !== 0 || at + 8 > memory.byteLength) {
      throw faultError(this.condemn("contract", call, "returned an address outside of its memory"));
    }
    const view = new DataView(memory);
    const start = view.getUint32(at + BYTES_PTR, true);
    const length = view.getUint32(at + BYTES_LEN, true);
    this.within(limit, length, `returned, by ${call},`);
    if (start + length > memory.byteLength) {
      throw faultError(this.condemn("contract", call, "returned bytes outside of its memory"));
    }
    return new Uint8Array(memory, start, length).slice();
  }

  /** Throws plugin/too-large. */
  within(limit: LimitName, bytes: number, what: string): void {
    const most = this.type.limits[limit];
    if (bytes <= most) return;
    throw new BelljarError(
      "plugin/too-large",
      `"${this.type.descriptor.id}" ${what} ${bytes} bytes; the limit is ${most} (${limit}).`,
      limitHint(limit, bytes),
    );
  }

  /** [control] Puts bytes where the plugin wants them; returns their address. */
  giveBytes(bytes: Uint8Array, call: string, limit: LimitName): number {
    this.within(limit, bytes.length, `is to get, by ${call},`);
    const at = this.control(call, "bj_scratch", bytes.length) >>> 0;
    if (at === 0) {
      throw new BelljarError(
        "plugin/no-memory",
        `"${this.type.descriptor.id}" has no room for ${bytes.length} bytes.`,
      );
    }
    if (at + bytes.length > this.memory.buffer.byteLength) {
      throw faultError(this.condemn("contract", call, "gave bytes room outside of its memory"));
    }
    if (at % ALIGNMENT !== 0) {
      throw faultError(
        this.condemn("contract", call, `gave bytes room that is not aligned to ${ALIGNMENT} bytes`),
      );
    }
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  /** [control] Turns a negative status into an error that quotes bj_error. */
  succeeded(status: number, what: string): void {
    if (status >= 0) return;
    const said = this.has("bj_error") ? this.text(this.control("error", "bj_error")) : "";
    throw new BelljarError(
      "plugin/refused",
      `"${this.type.descriptor.id}" refused ${what}: ${reason(status, said)}.`,
      this.lease?.short ? shortHint(this.type.limits) : "",
    );
  }

  /** What the plugin says of the failure that it just reported from an [audio] call; it is about to be stopped. */
  lastWords(status: number): string {
    if (!this.has("bj_error")) return reason(status, "");
    const used = this.units;
    const units = this.allowance[UNITS] as number;
    const milliseconds = this.allowance[MILLISECONDS] as number;
    // Without a deadline no clock has a say: what was recorded ends where it did.
    this.beginWith(
      Math.min(units, WORDS_UNITS),
      milliseconds === Number.POSITIVE_INFINITY ? milliseconds : Math.min(milliseconds, WORDS_DEADLINE),
      0,
    );
    try {
      return reason(status, this.text(this.functions.bj_error?.() ?? 0));
    } catch {
      return reason(status, "");
    } finally {
      this.finish();
      this.units = used;
    }
  }

  private text(address: number): string {
    const bytes = this.takeBytes(address, "error", "stringBytes");
    return printable(new TextDecoder().decode(bytes)).replace(/\.$/, "");
  }
}

function reason(status: number, said: string): string {
  return said === "" ? `${Status[status] ?? `status ${status}`}, with no reason given` : said;
}
