// Offline rendering: a prepared session, block after block, into sinks; and the report of what it cost.

import { BelljarError, printable } from "../../abi/error.ts";
import type { NodeStep } from "../graph/index.ts";
import type { Dropped } from "../sandbox/index.ts";
import type { PreparedNode, PreparedSession } from "./prepare.ts";
import { type NodeFate, type RecoveryEvent, RenderRecovery } from "./render-recovery.ts";
import { type RenderLength, type Sink, TailGate } from "./tail-gate.ts";

export type { FaultReport, NodeFate, RecoveryEvent } from "./render-recovery.ts";
export type { Sink } from "./tail-gate.ts";

export interface RenderOptions {
  sinks: readonly Sink[];
  /** Length of the sound. Without it: until the last source ends, and the tail. */
  seconds?: number | undefined;
  /** Seconds after the last source; "auto" (the default without `seconds`): until it stays below -90 dBFS, at most 30. */
  tail?: number | "auto" | undefined;
  /** Now and then. @param total frames expected; the tail of "auto" is not known ahead */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** What plugins log and emit, soon after. @param level a LogLevel @param seconds how far the sound is */
  onMessage?:
    | ((node: string, kind: string, text: string, level: number, seconds: number) => void)
    | undefined;
  /** A plugin stopped, came back, or stays off. */
  onRecovery?: ((event: RecoveryEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds. */
  clock?: (() => number) | undefined;
}

export interface NodeReport extends NodeFate {
  id: string;
  type: string;
  /** Seconds that it took; estimated where it was not timed in every block, 0 where it never was. */
  seconds: number;
  /** Units in all, in the mean block, and at most in one. */
  units: number;
  meanUnits: number;
  mostUnits: number;
  /** Blocks in which it was called; in the others it slept, or was at fault. */
  blocks: number;
  /** Largest magnitude of its outputs, before the limit of +12 dBFS, and samples that the limit held. */
  peak: number;
  limited: number;
  /** Frames. */
  latency: number;
  /** Events that found no room, or that it sent beyond what it may. */
  lostEvents: number;
  /** Log lines that it wrote beyond what it may, and messages that it was told to send later. */
  droppedLines: number;
  refusedMessages: number;
}

export interface RenderReport {
  rate: number;
  blockSize: number;
  channels: number;
  /** Frames of sound, and its seconds. */
  frames: number;
  seconds: number;
  blocks: number;
  /** Seconds that the rendering took: all of it, and inside the graph alone. */
  elapsed: number;
  graphSeconds: number;
  timesRealTime: number;
  /** Frames by which the graph lags its sources; the sound is brought forward by as much. */
  latency: number;
  /** Largest magnitude at the master, before its ceiling of 0 dBFS, and samples that the ceiling held. */
  peak: number;
  clamped: number;
  lostEvents: number;
  /** Plugins, in running order. */
  nodes: NodeReport[];
  warnings: string[];
}

/** Longest sound, in seconds: a day. */
export const LONGEST_SECONDS = 86400;
/** Frames between two visits to the event loop. */
const STRETCH = 32768;

/**
 * Renders from the start. A prepared session can be rendered once.
 * @throws BelljarError session/length, usage/value; what a sink throws; the signal's reason
 */
export async function renderSession(
  prepared: PreparedSession,
  options: RenderOptions,
): Promise<RenderReport> {
  const { graph, block } = prepared;
  const clock = options.clock ?? (() => performance.now());
  const length = lengthOf(prepared, options);
  const channels = [graph.left, graph.right];
  const gate = new TailGate(options.sinks, length);
  // What lies before the latency is the silence of delay lines that fill up.
  let skip = graph.latency;
  let frame = 0;
  let graphTime = 0;
  let sinceRest = 0;
  const start = clock();
  const told = (): number => gate.frames / prepared.rate;
  const dropped: DroppedByNode = new Map();
  const drain = (nodes: readonly PreparedNode[]): void => drainMessages(nodes, options, told(), dropped);
  const recovery = new RenderRecovery(prepared, (node) => drain([node]), options.onRecovery);
  while (!gate.done) {
    if (recovery.due) await recovery.replace();
    prepared.transport.write(graph.transport, frame);
    prepared.transport.writeChanges(graph.changes, frame, block);
    const before = clock();
    graph.process();
    graphTime += clock() - before;
    recovery.look();
    frame += block;
    const skipped = Math.min(skip, block);
    skip -= skipped;
    if (skipped < block) gate.write(channels, block - skipped, skipped);
    sinceRest += block;
    if (sinceRest >= STRETCH) {
      sinceRest = 0;
      drain(prepared.nodes);
      options.onProgress?.(gate.frames, Math.max(length.content, gate.frames));
      await new Promise((resume) => setImmediate(resume));
      options.signal?.throwIfAborted();
    }
  }
  drain(prepared.nodes);
  options.onProgress?.(gate.frames, gate.frames);
  const elapsed = (clock() - start) / 1000;
  return report(prepared, recovery, dropped, gate.frames, elapsed, graphTime / 1000);
}

const AUTO_TAIL_SECONDS = 30;
const LEAST_HOLD_SECONDS = 1;
const MOST_HOLD_SECONDS = 10;

function lengthOf(prepared: PreparedSession, options: RenderOptions): RenderLength {
  const { rate, contentFrames, nodes } = prepared;
  const seconds = checkSeconds(options.seconds, "length");
  const tail = options.tail ?? (seconds === undefined ? "auto" : 0);
  if (seconds === undefined && contentFrames === null) {
    throw new BelljarError(
      "session/length",
      `${prepared.session.name} has no source that ends, so its length is not known.`,
      "Say how long: --seconds N.",
    );
  }
  const content = seconds === undefined ? (contentFrames as number) : Math.round(seconds * rate);
  if (content > LONGEST_SECONDS * rate) {
    throw new BelljarError("session/length", `${prepared.session.name} is longer than a day.`);
  }
  if (tail !== "auto") {
    const extra = Math.round((checkSeconds(tail, "tail") as number) * rate);
    return { content: content + extra, most: 0, auto: false, hold: 0 };
  }
  // A plugin that says how long it sounds on may be quiet in between, as an echo is.
  let hold = LEAST_HOLD_SECONDS * rate;
  for (const { instance } of nodes) {
    if (instance !== null && instance.tail > hold) hold = Math.min(instance.tail, MOST_HOLD_SECONDS * rate);
  }
  return { content, most: AUTO_TAIL_SECONDS * rate, auto: true, hold };
}

function checkSeconds(seconds: number | undefined, what: string): number | undefined {
  if (seconds === undefined || (seconds >= 0 && seconds <= LONGEST_SECONDS)) return seconds;
  throw new BelljarError(
    "usage/value",
    `The ${what} must be 0 to ${LONGEST_SECONDS} seconds, not ${printable(String(seconds))}.`,
  );
}

/** By node id: of all instances that have played there. */
type DroppedByNode = Map<string, Dropped>;

function drainMessages(
  nodes: readonly PreparedNode[],
  options: RenderOptions,
  seconds: number,
  dropped: DroppedByNode,
): void {
  for (const { id, instance } of nodes) {
    if (instance === null) continue;
    instance.drainMessages((kind, text, level) => options.onMessage?.(id, kind, text, level, seconds));
    const { events, logLines, messages } = instance.takeDropped();
    const before = dropped.get(id) ?? NOTHING_DROPPED;
    dropped.set(id, {
      events: before.events + events,
      logLines: before.logLines + logLines,
      messages: before.messages + messages,
    });
  }
}

const NOTHING_DROPPED: Dropped = { events: 0, logLines: 0, messages: 0 };

function report(
  prepared: PreparedSession,
  recovery: RenderRecovery,
  dropped: DroppedByNode,
  frames: number,
  elapsed: number,
  graphSeconds: number,
): RenderReport {
  const { graph, rate, block, nodes } = prepared;
  const plugins = graph.steps.map((step) => {
    const node = graph.byNode.indexOf(step);
    const entry = nodes[node] as PreparedNode;
    return nodeReport(step, entry, recovery.fate(node), dropped.get(entry.id) ?? NOTHING_DROPPED);
  });
  const seconds = frames / rate;
  return {
    rate,
    blockSize: block,
    channels: 2,
    frames,
    seconds,
    blocks: graph.block,
    elapsed,
    graphSeconds,
    timesRealTime: elapsed > 0 ? seconds / elapsed : 0,
    latency: graph.latency,
    peak: graph.peak,
    clamped: graph.clamped,
    lostEvents: graph.lostInQueues + plugins.reduce((sum, node) => sum + node.lostEvents, 0),
    nodes: plugins,
    warnings: prepared.warnings,
  };
}

function nodeReport(step: NodeStep, entry: PreparedNode, fate: NodeFate, dropped: Dropped): NodeReport {
  return {
    id: entry.id,
    type: entry.type,
    seconds: step.timed > 0 ? ((step.time / step.timed) * step.blocks) / 1000 : 0,
    units: step.units,
    meanUnits: step.calls > 0 ? step.units / step.calls : 0,
    mostUnits: step.mostUnits,
    blocks: step.calls,
    peak: step.peak,
    limited: step.limited,
    latency: step.node.latency,
    lostEvents: step.lostEvents + dropped.events,
    droppedLines: dropped.logLines,
    refusedMessages: dropped.messages,
    ...fate,
  };
}
