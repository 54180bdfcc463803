// A module instance's functions, each call under a budget of units and a deadline; and the bytes that cross.

import { BYTES_LEN, BYTES_PTR, Status } from "../../abi/layout.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { faultError, faultOf, Stop } from "./fault.ts";
import type { HostCalls } from "./host-calls.ts";
import { SLICE, slicesDue, STACK_OVERFLOW } from "./meter.ts";
import type { PluginType } from "./plugin-type.ts";
import type { Fault, FaultKind } from "./types.ts";

/** Milliseconds that a control call may take. */
const CONTROL_DEADLINE = 10_000;

export type Call = (...args: number[]) => number;

export class Calls {
  /** The module's exports; nothing else reaches it by name. */
  readonly functions: Readonly<Record<string, Call>>;
  /** What stopped it, or null. */
  fault: Fault | null = null;
  /** Units of the last call. */
  units = 0;
  /** Calls of process that ended well. */
  blocks = 0;

  private readonly type: PluginType;
  private readonly memory: WebAssembly.Memory;
  private readonly host: HostCalls;
  private readonly now: () => number;
  private readonly setFuel: Call;
  private granted = 0;
  private budget = 0;
  private endsAt = Number.POSITIVE_INFINITY;

  constructor(type: PluginType, memory: WebAssembly.Memory, host: HostCalls, now: () => number) {
    this.type = type;
    this.memory = memory;
    this.host = host;
    this.now = now;
    const { exports } = new WebAssembly.Instance(type.module, {
      belljar: host.imports(),
      $: { memory, tick: (fuel: number) => this.tick(fuel) },
    });
    this.functions = Object.assign(Object.create(null), exports) as Record<string, Call>;
    this.setFuel = this.functions.$fuel as Call;
  }

  /** The module's $tick: hands out the next slices or ends the call. */
  private tick(fuel: number): number {
    if (fuel === STACK_OVERFLOW) throw new Stop("stack", "");
    if (this.granted >= this.budget) throw new Stop("units", "");
    if (this.endsAt !== Number.POSITIVE_INFINITY && this.now() > this.endsAt) throw new Stop("deadline", "");
    const units = slicesDue(fuel) * SLICE;
    this.granted += units;
    return fuel + units;
  }

  /** [audio] Before a call: `milliseconds` may be Infinity. */
  begin(units: number, milliseconds: number): void {
    this.start(units, milliseconds, false);
  }

  private start(units: number, milliseconds: number, control: boolean): void {
    this.budget = units;
    this.endsAt = milliseconds === Number.POSITIVE_INFINITY ? milliseconds : this.now() + milliseconds;
    this.granted = SLICE;
    this.host.inControlCall = control;
    this.setFuel(SLICE, control ? 1 : 0);
  }

  /** [audio] After a call that returned. */
  finish(): void {
    this.units = this.granted - this.setFuel(0, 0);
    this.host.inControlCall = false;
  }

  /** [audio] After a call that threw: it is at fault from now on. What no plugin can have caused is thrown again. */
  stop(error: unknown, call: string): Fault {
    this.units = this.granted;
    this.host.inControlCall = false;
    const functionName = (index: number): string => this.type.rewritten.functionName(index);
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

  /** Throws where it was stopped. */
  alive(): void {
    if (this.fault !== null) throw faultError(this.fault);
  }

  has(name: string): boolean {
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
    this.start(this.type.limits.controlUnits, CONTROL_DEADLINE, true);
    let result: number;
    try {
      result = (this.functions[name] as Call)(...args);
    } catch (error) {
      throw faultError(this.stop(error, call));
    }
    this.finish();
    return result;
  }

  /** [control] Copies what a Bytes at `address` holds; at most `most` bytes. */
  takeBytes(address: number, call: string, most: number): Uint8Array<ArrayBuffer> {
    const memory = this.memory.buffer;
    const at = address >>> 0;
    if (at % 4 !== 0 || at + 8 > memory.byteLength) {
      throw faultError(this.condemn("contract", call, "returned an address outside of its memory"));
    }
    const view = new DataView(memory);
    const start = view.getUint32(at + BYTES_PTR, true);
    const length = view.getUint32(at + BYTES_LEN, true);
    if (length > most) {
      throw faultError(this.condemn("contract", call, `returned ${length} bytes (the most is ${most})`));
    }
    if (start + length > memory.byteLength) {
      throw faultError(this.condemn("contract", call, "returned bytes outside of its memory"));
    }
    return new Uint8Array(memory, start, length).slice();
  }

  /** [control] Puts bytes where the plugin wants them; returns their address. */
  giveBytes(bytes: Uint8Array, call: string): number {
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
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  /** [control] Turns a negative status into an error that quotes bj_error. */
  succeeded(status: number, what: string): void {
    if (status >= 0) return;
    let said = printable(Status[status] ?? `status ${status}`);
    if (this.has("bj_error")) {
      const address = this.control("error", "bj_error");
      const bytes = this.takeBytes(address, "error", this.type.limits.stringBytes);
      if (bytes.length > 0) said = printable(new TextDecoder().decode(bytes)).replace(/\.$/, "");
    }
    throw new BelljarError("plugin/refused", `"${this.type.descriptor.id}" refused ${what}: ${said}.`);
  }
}
