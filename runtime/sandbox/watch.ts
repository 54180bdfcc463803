// Somebody who is told what an instance is asked to do, so that it can be recorded and asked again.

import type { PluginInstance } from "./instance.ts";

/** A call of the contract other than process, with what the host gave. */
export type WatchedCall =
  | { call: "abi" | "descriptor" | "deactivate" | "reset" | "idle" | "state save" }
  | { call: "configure"; id: string; value: string }
  | { call: "file"; id: string; name: string; bytes: Uint8Array | null }
  | { call: "activate"; rate: number; maxFrames: number }
  | { call: "state load"; bytes: Uint8Array }
  | { call: "graph get"; id: string }
  | { call: "graph set"; id: string; json: string };

/** A plugin's imports by name. */
export type HostFunctions = Record<string, (...args: number[]) => number | undefined>;

/** Every method is called on the thread that makes the call. */
export interface Watcher {
  /** Just before a call, of which the module may see several. An instance that was stopped is told on, too. */
  call(instance: PluginInstance, call: WatchedCall): void;
  /** [audio] Just before process: everything that the host wrote into the plugin's memory is there. */
  block(instance: PluginInstance, frames: number): void;
  /** [audio] Just after a call of the module: what is in its memory now, the plugin has left there. It may be one of several. */
  ended(): void;
  /** Once it is activated, before the host writes anything where process looks. */
  activated(instance: PluginInstance): void;
  /** Once, before the module is instantiated: what to give it as imports. The first call is still to come. */
  imports(functions: HostFunctions, memory: WebAssembly.Memory): HostFunctions;
}
