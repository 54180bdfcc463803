// Sessions played live into a ring that the test reads: no sound card, and no clock but the reading.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import type {
  LiveOptions,
  LiveSession,
  LiveSessionEvent,
} from "../../../runtime/engine/live/live-session.ts";
import { openSession } from "../../../runtime/engine/open-session.ts";
import { disposeSession, type PrepareOptions } from "../../../runtime/engine/prepare.ts";
import { renderSession } from "../../../runtime/engine/render.ts";
import { parseSession, type Session } from "../../../runtime/engine/session.ts";
import { createRegion, type Region } from "../../../shm/region.ts";
import { createRing, ringBytes, ringCapacity, RingReader } from "../../../shm/ring.ts";
import { regionWake } from "../../../shm/wake.ts";
import { root } from "../../root.ts";

export const RATE = 48_000;
export const BLOCK = 128;
const CHANNELS = 2;

/** A line of the sources, and what stands there instead. */
export interface Change {
  file: string;
  line: string;
  instead: string;
}

type Engine = typeof import("./belljar.ts");
const engines = new Map<string, Promise<Engine>>();

/** The live engine and its threads as the sources are, or with a line changed. */
function engine(change: Change | null): Promise<Engine> {
  const key = JSON.stringify(change);
  const made = engines.get(key) ?? build(change, key);
  engines.set(key, made);
  return made;
}

async function build(change: Change | null, key: string): Promise<Engine> {
  const { common } = await import(pathToFileURL(join(root, "scripts", "bundle.mjs")).href);
  const esbuild = await import("esbuild");
  const name = createHash("sha256").update(key).digest("hex").slice(0, 16);
  const outdir = join(root, ".cache", "live", `${process.pid}-${name}`);
  mkdirSync(outdir, { recursive: true });
  process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
  const changed = {
    name: "changed",
    setup(build_: import("esbuild").PluginBuild) {
      if (change === null) return;
      const file = join(root, change.file);
      build_.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        return path === file ? { contents: changedText(change), loader: "ts" } : null;
      });
    },
  };
  await esbuild.build({
    ...common,
    entryPoints: {
      "live-thread": "runtime/engine/live/thread.ts",
      "compile-child": "runtime/registry/compile-child.ts",
      engine: "test/engine/live/belljar.ts",
    },
    outdir,
    sourcemap: false,
    plugins: [changed, ...common.plugins],
  });
  return import(pathToFileURL(join(outdir, "engine.js")).href);
}

function changedText({ file, line, instead }: Change): string {
  const parts = readFileSync(join(root, file), "utf8").split(line);
  assert.is(parts.length, 2, `"${line}" stands ${parts.length - 1} times in ${file}`);
  return parts.join(instead);
}

/** "a.port -> b.port", with ports left out where they are audio_out and audio_in. */
export function wire(text: string): object {
  const [from, to] = text.split(" -> ").map((end) => end.split(".")) as [string[], string[]];
  return {
    from_node: from[0],
    from_port: from[1] ?? "audio_out",
    to_node: to[0],
    to_port: to[1] ?? "audio_in",
  };
}

export function sessionOf(nodes: object[], wires: string[], more: object = {}): Session {
  const connections = wires.map(wire);
  const text = JSON.stringify({ sample_rate: RATE, block_size: BLOCK, ...more, nodes, connections });
  return parseSession(text, "s.json");
}

export class Ear {
  readonly left: number[] = [];
  readonly right: number[] = [];
  write([left, right]: readonly Float32Array[], frames: number, offset = 0): void {
    for (let i = 0; i < frames; i++) {
      this.left.push((left as Float32Array)[offset + i] as number);
      this.right.push((right as Float32Array)[offset + i] as number);
    }
  }
}

/** The same session, rendered offline. */
export async function rendered(
  session: Session,
  frames: number,
  options: Partial<PrepareOptions> = {},
): Promise<Ear> {
  const ear = new Ear();
  const prepared = await openSession(session, options);
  await renderSession(prepared, { sinks: [ear], seconds: frames / prepared.rate });
  disposeSession(prepared);
  return ear;
}

/** Frame by frame; says where they part. */
export function assertSame(heard: Ear, expected: Ear, what = "", frames = expected.left.length): void {
  for (const side of ["left", "right"] as const) {
    for (let i = 0; i < frames; i++) {
      if (heard[side][i] === expected[side][i]) continue;
      const block = Math.floor(i / BLOCK);
      assert.unreachable(
        `${what} ${side} frame ${i} (block ${block}): ${heard[side][i]}, not ${expected[side][i]}`,
      );
    }
  }
}

export interface PlayerOptions extends Partial<LiveOptions> {
  change?: Change | null;
  /** Frames that are to lie ready in the ring. */
  depth?: number;
}

/** Longest that a test waits for what has to come. Milliseconds. */
const PATIENCE = 60_000;

export class Player {
  readonly ear = new Ear();
  readonly events: LiveSessionEvent[];
  readonly live: LiveSession;
  private readonly region: Region;
  private readonly reader: RingReader;
  private readonly depth: number;

  private constructor(live: LiveSession, events: LiveSessionEvent[], depth: number) {
    this.live = live;
    this.events = events;
    this.depth = depth;
    const shape = { capacity: ringCapacity(depth + 1024), channels: CHANNELS, rate: RATE };
    this.region = createRegion(ringBytes(shape));
    createRing(this.region.buffer, shape);
    this.reader = new RingReader(this.region.buffer, regionWake(this.region), process.pid);
  }

  /** A deadline so long that no machine is too slow for it, unless another is given. */
  static async open(session: Session, options: PlayerOptions = {}): Promise<Player> {
    const { change = null, depth = 8 * BLOCK, ...more } = options;
    const { LiveSession: Live } = await engine(change);
    const events: LiveSessionEvent[] = [];
    const live = await Live.open(session, {
      folder: null,
      free: true,
      deadline: 1e6,
      ...more,
      onEvent: (event) => events.push(event),
    });
    return new Player(live, events, depth);
  }

  /** Bytes of all instances' memories, of all players on the engine as it is. */
  static async memoryInUse(): Promise<number> {
    return (await engine(null)).memoryInUse();
  }

  get sink() {
    const region = { name: this.region.ownName, bytes: this.region.buffer.byteLength };
    return { region, depth: this.depth, chunk: BLOCK };
  }

  start(): Promise<void> {
    return this.live.start(this.sink);
  }

  /** Hears so many frames more. */
  async hear(frames: number): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (let left = frames; left > 0; ) {
      const count = Math.min(left, this.reader.available);
      if (count === 0) {
        if (performance.now() > end) assert.unreachable(`${left} of ${frames} frames did not come`);
        await new Promise((resume) => setTimeout(resume, 1));
        continue;
      }
      const into = new Float32Array(count * CHANNELS);
      this.reader.read(into, count);
      for (let i = 0; i < count; i++) {
        this.ear.left.push(into[i * 2] as number);
        this.ear.right.push(into[i * 2 + 1] as number);
      }
      left -= count;
    }
  }

  /** Hears on until it is so. */
  async hearUntil(done: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!done()) {
      if (performance.now() > end) assert.unreachable(`${done} never came to be`);
      const count = this.reader.available;
      if (count > 0) {
        await this.hear(count);
        // Messages come in between as well.
        await new Promise((resume) => setImmediate(resume));
      } else await new Promise((resume) => setTimeout(resume, 1));
    }
  }

  /** The messages of the events that say so, in their order. */
  said(what: string): LiveSessionEvent[] {
    return this.events.filter((event) => event.what === what);
  }

  /** Ends the audio thread as a crash would, once it has filled the ring and is inside of no plugin. */
  async kill(): Promise<void> {
    const { block } = this.live.facts;
    const full = Math.floor((this.ear.left.length + this.depth) / block) * block;
    const end = performance.now() + PATIENCE;
    while (this.live.figures.frame < full && performance.now() < end) {
      await new Promise((resume) => setTimeout(resume, 1));
    }
    await (this.live as unknown as { threads: { crash(): Promise<void> } }).threads.crash();
  }

  async close(): Promise<void> {
    await this.live.close();
    this.region.close();
  }
}
