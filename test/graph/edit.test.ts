// A graph that becomes another one: what goes away, and what arrives in the place of something that stopped.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  buildGraph,
  type Graph,
  GraphBuilding,
  type GraphNode,
  Master,
  planEdit,
} from "../../runtime/graph/index.ts";
import { Fake, hear, source, w } from "./fakes.ts";

const B = 8;
const FADE = 12;

type Nodes = Record<string, GraphNode>;

function build(nodes: Nodes, wires: string[]): Graph {
  const specs = Object.entries(nodes).map(([id, node]) => ({ id, node }));
  return buildGraph({
    nodes: [...specs, { id: "master", node: new Master(B) }],
    wires: wires.map((text) => w(text)),
    frames: B,
    fadeFrames: FADE,
  });
}

/** The former graph's nodes of the same names go on. */
function edit(former: Graph, before: Nodes, after: Nodes, wires: string[]): Graph {
  const ids = Object.keys(after);
  const names = Object.keys(before);
  const was = [...ids.map((id) => names.indexOf(id)), names.length];
  const next = build(after, wires).plan;
  const none = was.map(() => -1);
  const { plan, ghosts } = planEdit(
    next,
    [...ids, "master"],
    was.map(() => 0),
    former.plan,
    was,
    none,
    [...names.map(() => true), false],
  );
  const building = new GraphBuilding(plan, { frames: B, fadeFrames: FADE });
  for (const [id, node] of Object.entries(after)) building.place({ id, node });
  building.place({ id: "master", node: new Master(B) });
  for (const ghost of ghosts) {
    building.place({ id: names[ghost] as string, node: Object.values(before)[ghost] as GraphNode });
  }
  let graph = building.step();
  while (graph === null) graph = building.step();
  graph.takeOver(former);
  return graph;
}

test("what goes away is called until it has faded, and no more", () => {
  const goes = source(B, () => 0.5);
  const stays = source(B, () => 0.25);
  const wires = ["stays.out -> master.audio_in"];
  const former = build({ goes, stays }, ["goes.out -> master.audio_in", ...wires]);
  hear(former, 2);
  const graph = edit(former, { goes, stays }, { stays }, wires);
  const { left } = hear(graph, 5);
  assert.equal(
    [...left.slice(0, FADE)],
    Array.from({ length: FADE }, (_, i) => Math.fround(0.25 + Math.fround(0.5 * (1 - i / FADE)))),
  );
  assert.ok(left.slice(FADE).every((x) => x === 0.25));
  // Two blocks before the edit, two in which it fades.
  assert.is(goes.calls, 4);
  assert.is(stays.calls, 7);
  // It has not failed.
  assert.is(graph.faultCount, 0);
});

test("an instance that arrives with a graph gets the values that its knobs have, and fades in", () => {
  const playing = (): Fake =>
    new Fake(["level:in control", "out:out stereo"], B, (node) => {
      for (const side of [0, 1]) node.channel("out", side).fill(node.controlsIn[0] as number);
    });
  const [first, second] = [playing(), playing()];
  const wires = ["tone.out -> master.audio_in"];
  const former = build({ tone: first }, wires);
  former.setControl(0, 0, 0.75);
  hear(former, 1);
  const graph = edit(former, { tone: first }, { tone: second }, wires);
  graph.arrive(0);
  const { left } = hear(graph, 3);
  assert.equal(
    [...left],
    Array.from({ length: 3 * B }, (_, i) => Math.fround(0.75 * Math.fround(Math.min(1, i / FADE)))),
  );
});

test.run();
