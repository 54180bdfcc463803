// The graph's public face.

export {
  buildGraph,
  controlSlot,
  GraphBuilding,
  type GraphOptions,
  type GraphSpec,
  type NodeSpec,
} from "./build.ts";
export { EventBuffer } from "./event-buffer.ts";
export { EVENT_INPUT_PORTS, EventInput } from "./event-input.ts";
export { FILE_SOURCE_PORTS, FileSource } from "./file-source.ts";
export { CEILING, Graph, type Timing } from "./graph.ts";
export { LONGEST_DELAY } from "./latency.ts";
export { Master, MASTER_PORTS } from "./master.ts";
export { didYouMean } from "./nearest.ts";
export {
  describePort,
  type GraphNode,
  HostAudioPort,
  NO_ARENA,
  NO_CONTROLS,
  NO_EVENTS,
  type NodeAudioPort,
  type NodeEvents,
} from "./node.ts";
export { type GraphPlan, planEdit } from "./plan.ts";
export { checkTwin, Replacement } from "./replacement.ts";
export { NODE_LIMIT, NodeStep } from "./step.ts";
export { hearsChanges, TransportChanges } from "./transport-changes.ts";
export { type Schedule, TRACK_SOURCE_PORTS, TrackSource } from "./track-source.ts";
export type { ChannelChoice, Wire, WireSpec } from "./wiring.ts";
