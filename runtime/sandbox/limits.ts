// The sandbox's limits and their defaults. Figures are generous for real plugins and small enough that a
// module at every limit at once still compiles and loads in bounded time and memory.

import type { Limits } from "./types.ts";

/** What a plugin gets where the host says nothing. abi/README.md lists these for authors. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  moduleBytes: 4 << 20,
  functions: 20_000,
  bodyBytes: 64 << 10,
  locals: 1_024,
  nesting: 256,
  loopNesting: 32,
  localMerges: 50_000,
  branchTargets: 1_024,
  tableEntries: 16_384,
  globals: 4_096,
  dataSegments: 4_096,
  elementSegments: 1_024,
  memoryPages: 1_024,
  stackBytes: 128 << 10,
  descriptorBytes: 256 << 10,
  descriptorDepth: 16,
  stringBytes: 8_192,
  ports: 512,
  configParams: 128,
  presets: 1_024,
  controlUnits: 4_000_000_000,
  blockUnits: 20_000_000,
});
