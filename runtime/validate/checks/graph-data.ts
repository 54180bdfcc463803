// Checks of graph editor ports: their JSON text.

import type { Bench, Check } from "../check.ts";
import type { Rig } from "../rig.ts";
import { fail, skip } from "../verdict.ts";
import { refused } from "./common.ts";

function graphs(bench: Bench): { rig: Rig; ids: string[] } {
  const ids = bench.descriptor.ports.filter(({ hint }) => hint === "graph_editor").map(({ id }) => id);
  if (ids.length === 0) skip("It has no graph editor.");
  return { rig: bench.rig(), ids };
}

function parsed(id: string, text: string, when: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    fail(`The data of "${id}" is no JSON ${when}.`);
  }
}

const GARBAGE = [
  "",
  "null",
  "[]",
  "{",
  '"',
  "NaN",
  "[1e400,-1e400]",
  '{"points":null}',
  '{"points":[[0]]}',
  '{"points":[[null,"x"]]}',
  "\u0000\u0001",
  "[".repeat(5_000),
  `{"points":[${"[0,0],".repeat(2_000)}[1,1]]}`,
  "\u{1f3b6}",
  "-",
];

export const graphDataChecks: Check[] = [
  {
    id: "graph-data/json",
    level: 3,
    title: "Its graph data is JSON, and the same text each time",
    run(bench) {
      const { rig, ids } = graphs(bench);
      for (const id of ids) {
        const text = rig.instance.getGraphData(id);
        parsed(id, text, "at first");
        if (rig.instance.getGraphData(id) !== text)
          fail(`The data of "${id}" is another text the second time.`);
      }
    },
  },
  {
    id: "graph-data/round-trip",
    level: 4,
    title: "Its graph data, set in another instance, comes back as it was",
    run(bench) {
      const { rig, ids } = graphs(bench);
      for (const id of ids) {
        const text = rig.instance.getGraphData(id);
        const other = bench.rig();
        other.instance.setGraphData(id, text);
        other.play(bench.score(1_000), { between: () => other.instance.idle() });
        const again = other.instance.getGraphData(id);
        if (JSON.stringify(parsed(id, again, "after it was set")) !== JSON.stringify(JSON.parse(text))) {
          fail(`The data of "${id}" comes back changed.`);
        }
      }
    },
  },
  {
    id: "graph-data/presets",
    level: 5,
    title: "The graph data of presets comes back as it was set",
    run(bench) {
      const { ids } = graphs(bench);
      const presets = bench.descriptor.presets.filter(({ graph }) => graph.size > 0);
      if (presets.length === 0) skip("No preset has graph data.");
      for (const preset of presets) {
        const { instance } = bench.rig();
        for (const [id, json] of preset.graph) {
          if (!ids.includes(id)) continue;
          const wanted = parsed(id, json, `in the preset "${preset.name}"`);
          instance.setGraphData(id, json);
          instance.idle();
          if (
            JSON.stringify(parsed(id, instance.getGraphData(id), "after a preset")) !== JSON.stringify(wanted)
          ) {
            fail(`The data of "${id}" in the preset "${preset.name}" comes back changed.`);
          }
        }
      }
    },
  },
  {
    id: "graph-data/garbage",
    level: 7,
    title: "It survives graph data that makes no sense",
    run(bench) {
      const { ids } = graphs(bench);
      for (const id of ids) {
        for (const text of GARBAGE) {
          const rig = bench.rig();
          refused(() => rig.instance.setGraphData(id, text));
          rig.play(bench.score(600), { between: () => rig.instance.idle() });
          rig.well();
          parsed(id, rig.instance.getGraphData(id), "after nonsense was set");
        }
      }
    },
  },
  {
    id: "graph-data/refusal",
    level: 7,
    title: "Graph data that is refused changes nothing",
    run(bench) {
      const { rig, ids } = graphs(bench);
      for (const id of ids) {
        for (const text of GARBAGE) {
          const before = rig.instance.getGraphData(id);
          if (refused(() => rig.instance.setGraphData(id, text)) === null) continue;
          if (rig.instance.getGraphData(id) !== before)
            fail(`The data of "${id}" changed though it was refused.`);
        }
      }
    },
  },
];
