// Nodes for the graph's tests: ports in a line, process as a function.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { ProcessState } from "../../abi/layout.ts";
import {
  buildGraph,
  describePort,
  EventBuffer,
  type Graph,
  type GraphNode,
  HostAudioPort,
  Master,
  NO_ARENA,
  type NodeSpec,
  type Timing,
  type WireSpec,
} from "../../runtime/graph/index.ts";

const TYPES = {
  mono: "audio_mono",
  stereo: "audio_stereo",
  event: "event",
  control: "control",
} as const;

/** "in:in stereo", "out:out mono", "notes:in event", "level:monitor control" */
export function port(text: string): PortDescriptor {
  const match = /^(\w+):(in|out|side|monitor) (mono|stereo|event|control)$/.exec(text);
  if (!match) throw new Error(text);
  const role = { in: "input", out: "output", side: "sidechain", monitor: "monitor" } as const;
  const [, id, direction, type] = match as unknown as [string, string, keyof typeof role, keyof typeof TYPES];
  return describePort(id, id, TYPES[type], role[direction]);
}

export class Fake implements GraphNode {
  readonly ports: PortDescriptor[];
  readonly audio: HostAudioPort[];
  readonly controlsIn: Float32Array;
  readonly controlsOut: Float32Array;
  readonly eventsIn = new EventBuffer(16);
  readonly eventsOut = new EventBuffer(16);
  transport: DataView | null = null;
  arena: Uint8Array = NO_ARENA;
  latency = 0;
  processState: number = ProcessState.Continue;
  units = 0;
  calls = 0;
  idles = 0;
  resets = 0;
  readonly frames: number;
  private readonly work: (node: Fake, frames: number) => unknown;

  constructor(
    ports: readonly (string | PortDescriptor)[],
    frames: number,
    work: (node: Fake, frames: number) => unknown = () => {},
  ) {
    this.frames = frames;
    this.work = work;
    this.ports = ports.map((entry) => (typeof entry === "string" ? port(entry) : entry));
    this.audio = this.ports.flatMap((entry, index) =>
      entry.type === "audio_mono"
        ? [new HostAudioPort(index, 1, frames)]
        : entry.type === "audio_stereo"
          ? [new HostAudioPort(index, 2, frames)]
          : [],
    );
    for (const audio of this.audio) audio.peak = -1;
    const controls = (inward: boolean): Float32Array =>
      Float32Array.from(
        this.ports.filter(
          (entry) =>
            entry.type === "control" && (entry.role === "input" || entry.role === "sidechain") === inward,
        ),
        (entry) => entry.default,
      );
    this.controlsIn = controls(true);
    this.controlsOut = controls(false);
  }

  /** A channel of the audio port with that id. */
  channel(id: string, channel = 0): Float32Array {
    const index = this.ports.findIndex((entry) => entry.id === id);
    const found = this.audio.find((entry) => entry.index === index) as HostAudioPort;
    return found.samples.subarray(channel * found.stride, channel * found.stride + this.frames);
  }

  flags(id: string): number {
    const index = this.ports.findIndex((entry) => entry.id === id);
    return (this.audio.find((entry) => entry.index === index) as HostAudioPort).flags;
  }

  process(frames: number): boolean {
    this.calls++;
    this.eventsOut.count = 0;
    return this.work(this, frames) !== false;
  }
  idle(): void {
    this.idles++;
  }
  reset(): void {
    this.resets++;
  }
}

/** A stereo source whose frame f, counted from the start, is left(f) and right(f). */
export function source(
  frames: number,
  left: (f: number) => number,
  right: (f: number) => number = left,
): Fake {
  let at = 0;
  return new Fake(["out:out stereo"], frames, (node) => {
    for (let i = 0; i < frames; i++) {
      node.channel("out", 0)[i] = left(at + i);
      node.channel("out", 1)[i] = right(at + i);
    }
    at += frames;
  });
}

/** A mono source. */
export function monoSource(frames: number, sound: (f: number) => number): Fake {
  let at = 0;
  return new Fake(["out:out mono"], frames, (node) => {
    for (let i = 0; i < frames; i++) node.channel("out")[i] = sound(at + i);
    at += frames;
  });
}

/** Stereo in, stereo out, nothing else. */
export function wire(frames: number): Fake {
  return new Fake(["in:in stereo", "out:out stereo"], frames, (node) => {
    for (const c of [0, 1]) node.channel("out", c).set(node.channel("in", c));
  });
}

/** Stereo in and out, late by `length` frames, as it says. */
export function late(frames: number, length: number): Fake {
  const rings = [new Float32Array(length), new Float32Array(length)];
  let at = 0;
  const node = new Fake(["in:in stereo", "out:out stereo"], frames, (self) => {
    for (let i = 0; i < frames; i++) {
      for (const c of [0, 1]) {
        const ring = rings[c] as Float32Array;
        self.channel("out", c)[i] = ring[at] as number;
        ring[at] = self.channel("in", c)[i] as number;
      }
      at = (at + 1) % length;
    }
  });
  node.latency = length;
  return node;
}

/** "a.out -> b.in" as a wire. */
export function w(text: string, options: Partial<WireSpec> = {}): WireSpec {
  const match = /^(\w+)\.(\w+) -> (\w+)\.(\w+)$/.exec(text);
  if (!match) throw new Error(text);
  const [, from, fromPort, to, toPort] = match as unknown as [string, string, string, string, string];
  return { from, fromPort, to, toPort, ...options };
}

/** A graph of these nodes and a master called "master". */
export function graphOf(
  frames: number,
  nodes: Record<string, GraphNode>,
  wires: readonly WireSpec[],
  clock?: () => number,
  timing?: Timing,
  eventFanOut?: number,
): Graph {
  const specs: NodeSpec[] = Object.entries(nodes).map(([id, node]) => ({ id, node }));
  specs.push({ id: "master", node: new Master(frames) });
  return buildGraph({ nodes: specs, wires, frames, clock, timing, eventFanOut });
}

/** What the master hears in that many blocks. */
export function hear(graph: Graph, blocks: number): { left: Float32Array; right: Float32Array } {
  const left = new Float32Array(blocks * graph.frames);
  const right = new Float32Array(blocks * graph.frames);
  for (let block = 0; block < blocks; block++) {
    graph.process();
    left.set(graph.left, block * graph.frames);
    right.set(graph.right, block * graph.frames);
  }
  return { left, right };
}

/** The same bits, so that -0 and +0 differ. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const x = new Uint32Array(a.slice().buffer);
  const y = new Uint32Array(b.slice().buffer);
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
}
