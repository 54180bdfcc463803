// time limit: 600 s
// Ten minutes of sound: a session of 16 plugins, of which 8 attack in turn, 5,625 times. Every sample and event of the
// other 8 is compared with a render in which there are no attackers; and every attack with what must come of it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultKind } from "../../runtime/index.ts";
import { prepareSession, disposeSession, type PreparedSession } from "../../runtime/engine/prepare.ts";
import {
  type NodeReport,
  type RecoveryEvent,
  renderSession,
  type RenderReport,
} from "../../runtime/engine/render.ts";
import { parseSession } from "../../runtime/engine/session.ts";
import type { NodeStep } from "../../runtime/graph/index.ts";
import { loadPluginType } from "../../runtime/registry/load.ts";
import { DEFAULT_LIMITS, memoryInUse, memoryWaiting, PluginType } from "../../runtime/sandbox/index.ts";
import { midiFile, notes } from "../engine/fixtures/midi.ts";
import { root } from "../root.ts";
import { ATTACKERS, FLOOD, hostileModule, LIAR, TURN_BLOCKS, WAYS, wayOf } from "./soak-plugin.ts";

const RATE = 48_000;
const BLOCK = 128;
const SECONDS = 600;
const BLOCKS = (SECONDS * RATE) / BLOCK;
const TURNS = BLOCKS / TURN_BLOCKS;
const MINUTE = BLOCKS / 10;
/** After so many blocks the sound jumps: all are reset, and the attackers give up together. */
const JUMP = BLOCKS / 2;

const INNOCENTS = [
  { id: "lead", type: "sine", params: { gain: 0.3 } },
  { id: "echo", type: "delay", params: { feedback: 60, mix: 50 } },
  { id: "room", type: "gain", params: { gain: -6 } },
  { id: "fifth", type: "transpose", params: { semitones: 7 } },
  { id: "pad", type: "sine", params: { gain: 0.1 } },
  { id: "ping", type: "delay", params: { sync: true, ping_pong: true, feedback: 50 } },
  { id: "blend", type: "gain", params: { gain: -3 } },
  { id: "bass", type: "sine", params: { gain: 0.25 } },
];
const INNOCENT_WIRES = [
  "song.events_out > lead.events_in",
  "lead.audio_out > echo.audio_in",
  "echo.audio_out > room.audio_in",
  "song.events_out > fifth.events_in",
  "fifth.events_out > pad.events_in",
  "pad.audio_out > ping.audio_in",
  "ping.audio_out > blend.audio_in",
  "room.audio_out > blend.audio_in",
  "song.events_out > bass.events_in",
  "blend.audio_out > master.audio_in",
  "bass.audio_out > master.audio_in",
];

const attackers = Array.from({ length: ATTACKERS }, (_, turn) => `hostile ${turn}`);
/** All hear the innocents, each plays into the master and the next one; and one in a circle. */
const HOSTILE_WIRES = attackers.flatMap((id, turn) => [
  `${["lead", "echo", "room", "pad", "ping", "blend", "bass", "echo"][turn]}.audio_out > ${id}.audio_in`,
  `${turn % 2 === 0 ? "song" : "fifth"}.events_out > ${id}.events_in`,
  `${id}.audio_out > master.audio_in`,
  ...(turn === 0 ? attackers.slice(1).map((other) => `${id}.events_out > ${other}.events_in`) : []),
  ...(turn + 1 < ATTACKERS
    ? [`${id}.audio_out > hostile ${turn + 1}.audio_in`, `${id}.value_out > hostile ${turn + 1}.knob`]
    : [`${id}.audio_out > hostile 0.audio_in (feedback)`]),
]);

function session(attacked: boolean) {
  const nodes = attackers.map((id, turn) => ({
    id,
    type: id.replace(" ", "-"),
    on_fault: turn % 2 === 0 ? "restart" : "restore",
    while_faulty: turn % 3 === 0 ? "bypass" : "silence",
  }));
  const connections = [...INNOCENT_WIRES, ...(attacked ? HOSTILE_WIRES : [])].map((wire) => {
    const [, from_node, from_port, to_node, to_port, feedback] = /^(.*)\.(\S+) > (.*)\.(\S+)( .*)?$/.exec(
      wire,
    ) as RegExpExecArray;
    return { from_node, from_port, to_node, to_port, ...(feedback === undefined ? {} : { feedback: true }) };
  });
  const text = JSON.stringify({
    sample_rate: RATE,
    block_size: BLOCK,
    nodes: [
      { id: "song", type: "track_source" },
      // Attackers among them: each runs before some of the others, and behind some.
      ...INNOCENTS.flatMap((node, i) => (attacked ? [nodes[i] as object, node] : [node])),
    ],
    connections,
  });
  return parseSession(text, "soak.json");
}

/** A note every quarter of a second, in five keys of each octave, for ten minutes. */
function song(): Uint8Array {
  let seed = 1;
  return midiFile(
    480,
    notes(
      SECONDS * 960,
      ...Array.from({ length: SECONDS * 4 }, (_, i): [number, number, number] => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        const key = 45 + 12 * ((seed >>> 16) % 3) + ([0, 3, 5, 7, 10][(seed >>> 20) % 5] as number);
        return [i * 240, i * 240 + 200, key];
      }),
    ),
  );
}

/** What one node passes on, minute by minute. */
class Tap {
  readonly minutes: string[] = [];
  peak = 0;
  private readonly step: NodeStep;
  private readonly samples = new Float32Array(100 * 2 * BLOCK);
  private used = 0;
  private hash = createHash("sha256");

  constructor(step: NodeStep) {
    this.step = step;
  }

  block(number: number): void {
    for (const { slot, peak } of this.step.outputs) {
      if (peak > this.peak) this.peak = peak;
      for (const channel of slot.channelViews) {
        if (slot.silent) this.samples.fill(0, this.used, this.used + BLOCK);
        else this.samples.set(channel, this.used);
        this.used += BLOCK;
      }
    }
    const { count, words } = this.step.node.eventsOut;
    if (count > 0) this.hash.update(`${number} ${words.subarray(0, count * 8).join(" ")}\n`);
    const minuteEnds = (number + 1) % MINUTE === 0;
    if (this.used === this.samples.length || minuteEnds) {
      this.hash.update(new Uint8Array(this.samples.buffer, 0, this.used * 4));
      this.used = 0;
    }
    if (!minuteEnds) return;
    this.minutes.push(this.hash.digest("hex"));
    this.hash = createHash("sha256");
  }
}

interface Stop {
  block: number;
  node: string;
  kind: string;
  call: string;
}

interface Soak {
  taps: Map<string, Tap>;
  report: RenderReport;
  stops: Stop[];
  events: RecoveryEvent[];
  /** The largest magnitude that came out, and samples that were not finite. */
  loudest: number;
  notFinite: number;
  said: Map<string, number>;
  /** Bytes of living instances, whenever one was replaced; and of memories that wait. */
  living: Set<number>;
  mostWaiting: number;
}

async function soak(attacked: boolean): Promise<Soak> {
  const prepared = await prepareSession(session(attacked), {
    load: (type) => {
      const turn = /^hostile-(\d)$/.exec(type)?.[1];
      return turn === undefined ? loadPluginType(type) : PluginType.load(hostileModule(Number(turn)));
    },
    folder: null,
    midi: new Map([["song", { name: "song.mid", bytes: song() }]]),
    // They come back at once, however often, so that they attack as often as can be.
    recovery: { backOff: 0, perNode: 1_000_000, perSecond: 1000, total: 1_000_000 },
  });
  const { graph, nodes } = prepared;
  const taps = new Map(INNOCENTS.map(({ id }) => [id, new Tap(stepOf(prepared, id))]));
  const played: Omit<Soak, "report"> = {
    taps,
    stops: [],
    events: [],
    loudest: 0,
    notFinite: 0,
    said: new Map(),
    living: new Set([memoryInUse() - memoryWaiting()]),
    mostWaiting: 0,
  };
  const process = graph.process.bind(graph);
  graph.process = () => {
    process();
    for (const tap of taps.values()) tap.block(graph.block - 1);
    if (graph.block === JUMP) graph.reset();
  };
  const report = await renderSession(prepared, {
    seconds: SECONDS,
    sinks: [
      {
        write(channels, frames, offset = 0) {
          for (const channel of channels) {
            for (let i = offset; i < offset + frames; i++) {
              const magnitude = Math.abs(channel[i] as number);
              if (!(magnitude < Number.POSITIVE_INFINITY)) played.notFinite++;
              else if (magnitude > played.loudest) played.loudest = magnitude;
            }
          }
        },
      },
    ],
    onMessage: (node, kind) => {
      const key = `${node} ${kind}`;
      played.said.set(key, (played.said.get(key) ?? 0) + 1);
    },
    onRecovery: (event) => {
      played.events.push(event);
      if (event.what === "fault") {
        const fault = nodes.find(({ id }) => id === event.node)?.instance?.fault;
        const { kind, call } = fault ?? { kind: "none", call: "none" };
        played.stops.push({ block: event.block, node: event.node, kind, call });
      }
      played.living.add(memoryInUse() - memoryWaiting());
      played.mostWaiting = Math.max(played.mostWaiting, memoryWaiting());
    },
  });
  disposeSession(prepared);
  return { ...played, report };
}

function stepOf({ nodes, graph }: PreparedSession, id: string): NodeStep {
  return graph.byNode[nodes.findIndex((node) => node.id === id)] as NodeStep;
}

const nodeOf = ({ nodes }: RenderReport, id: string): NodeReport =>
  nodes.find((node) => node.id === id) as NodeReport;

let clean: Soak;
let attacked: Soak;
test("two renders of ten minutes", async () => {
  clean = await soak(false);
  attacked = await soak(true);
});

/** All that must stop, by the formula of the turns. A stop between blocks shows within a round of idle calls. */
function expectedStops(): (Stop & { latest: number })[] {
  const stop = (block: number, turn: number, kind: FaultKind, call: string, latest = block) => ({
    block,
    latest,
    node: `hostile ${turn}`,
    kind,
    call,
  });
  const stops = [stop(0, LIAR, "contract", "state save")];
  for (let turn = 0; turn < TURNS; turn++) {
    const { stops: kind, call = "process" } = wayOf(turn);
    if (kind === null) continue;
    const block = turn * TURN_BLOCKS;
    stops.push(stop(block, turn % ATTACKERS, kind, call, call === "idle" ? block + 18 : block));
  }
  for (let turn = 0; turn < ATTACKERS; turn++) stops.push(stop(JUMP, turn, "unreachable", "reset"));
  return stops;
}

test("the other nodes play every sample, and send every event, as they do without attackers", () => {
  for (const { id, type } of INNOCENTS) {
    const [alone, beside] = [clean.taps.get(id) as Tap, attacked.taps.get(id) as Tap];
    assert.equal(beside.minutes, alone.minutes, `${id}: as without attackers, minute by minute`);
    assert.is(new Set(alone.minutes).size, 10, `${id} plays something else each minute`);
    assert.ok(type === "transpose" || alone.peak > 0.05, `${id} is heard: ${alone.peak}`);
    const [before, after] = [nodeOf(clean.report, id), nodeOf(attacked.report, id)];
    for (const key of ["units", "mostUnits", "blocks", "faultCount", "lostEvents", "peak"] as const) {
      assert.is(after[key], before[key], `${id}: ${key}`);
    }
    assert.is(after.fault, null);
  }
});

test("every attack takes place in its block, and is stopped there, for its own reason", () => {
  const inOrder = (a: Stop, b: Stop): number => a.block - b.block || a.node.localeCompare(b.node);
  const expected = expectedStops().sort(inOrder);
  const stops = attacked.stops
    .map(({ call, block, ...stop }) => ({
      ...stop,
      call,
      late: call === "idle" ? block % TURN_BLOCKS : 0,
      block: call === "idle" ? block - (block % TURN_BLOCKS) : block,
    }))
    .sort(inOrder);
  assert.ok(stops.every(({ late }) => late <= 18));
  const line = ({ block, node, kind, call }: Stop): string => `block ${block}, ${node}: ${kind} in ${call}`;
  const [happened, should] = [stops.map(line), expected.map(line)];
  const first = should.findIndex((each, i) => each !== happened[i]);
  assert.is(happened[first] ?? "", should[first] ?? "", "the first that is not as it should be");
  assert.is(happened.length, should.length);
  assert.is(clean.stops.length, 0);
});

test("each that was stopped is back in the next block, and none stays off", () => {
  const { events, stops, report } = attacked;
  const other = events.filter(({ what }) => what !== "fault" && what !== "replaced");
  assert.equal(other, []);
  assert.is(events.filter(({ what }) => what === "replaced").length, stops.length);
  for (const id of attackers) {
    const { state, faultCount, replacements } = nodeOf(report, id);
    assert.equal([id, state, faultCount], [id, "on", replacements]);
  }
});

test("what is not stopped is held: sound at the ceiling, lines, messages and events at their limits", () => {
  const { report, said } = attacked;
  assert.is(attacked.notFinite, 0);
  assert.is(attacked.loudest, 1);
  assert.ok(clean.loudest < 1 && clean.loudest > 0.2, `${clean.loudest}`);
  const times = (turn: number, way: RegExp): number =>
    Array.from({ length: TURNS }, (_, i) => i).filter((i) => i % ATTACKERS === turn && way.test(wayOf(i).way))
      .length;
  attackers.forEach((id, turn) => {
    const node = nodeOf(report, id);
    const loud = times(turn, /400 dB/);
    assert.is.not(loud, 0);
    assert.ok(node.peak > 1e19);
    assert.ok(node.limited >= loud * 2 * BLOCK);
    const floods = times(turn, /logs and sends/);
    const { logLines, messages } = DEFAULT_LIMITS;
    assert.equal(
      [node.droppedLines, node.refusedMessages, said.get(`${id} log`), said.get(`${id} emit`)],
      [FLOOD.lines - logLines, FLOOD.messages - messages, logLines, messages].map((each) => each * floods),
    );
  });
  const wires = ATTACKERS - 1;
  const lost = FLOOD.events - Math.floor(DEFAULT_LIMITS.eventFanOut / wires);
  assert.is(nodeOf(report, "hostile 0").lostEvents, lost * times(0, /floods the others/));
});

test("memory stays what it was at the start, whatever was stopped and made anew", () => {
  assert.is(attacked.living.size, 1, "all living instances together");
  assert.ok(attacked.mostWaiting <= 256 * 2 ** 20, `${attacked.mostWaiting} bytes wait to be used again`);
  assert.is(memoryInUse(), memoryWaiting(), "and all of it is given back");
});

test("each attacker attacks in each way, as often as docs/security.md says", () => {
  assert.ok(TURNS >= ATTACKERS * WAYS.length * 25);
  const document = readFileSync(join(root, "docs", "security.md"), "utf8").replace(/\s+/g, " ");
  const [attacks, faults] = [TURNS, attacked.stops.length].map((count) => count.toLocaleString("en"));
  assert.match(
    document,
    `${attacks} attacks in ten minutes of sound, in ${WAYS.length} ways, ${faults} of which end in a fault`,
  );
});

test.run();
