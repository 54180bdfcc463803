// The sandbox's public face: bytes become a type, a type becomes instances. Runs in Node and in a browser.

export type { Compile, LoadOptions, SharedType } from "./plugin-type.ts";
export { PluginType } from "./plugin-type.ts";
export type { InstanceOptions, SharedInstance } from "./instance.ts";
export { PluginInstance } from "./instance.ts";
export { EventList } from "./event-list.ts";
export { AudioPort } from "./layout.ts";
export type { MessageKind } from "./host-calls.ts";
export type { Dropped } from "./message-rate.ts";
export { type LimitFacts, LIMITS } from "./limit-table.ts";
export {
  completeLimits,
  DEFAULT_LIMITS,
  LIMIT_NAMES,
  limitHint,
  type LimitName,
  type Limits,
} from "./limits.ts";
export { inspectModule } from "./inspect.ts";
export {
  joinMemoryAccount,
  leaveMemoryAccount,
  memoryAccount,
  memoryInUse,
  memoryWaiting,
} from "./memories.ts";
export { REWRITER_VERSION } from "./rewrite.ts";
export type { KnownEnd } from "./calls.ts";
export type { HostFunctions, WatchedCall, Watcher } from "./watch.ts";
export type { Fault, FaultKind, ModuleFacts } from "./types.ts";
