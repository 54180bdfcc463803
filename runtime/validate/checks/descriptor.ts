// Checks of what a plugin says of itself, beyond what makes a descriptor acceptable at all.

import { channelCount, isInput } from "../../../abi/descriptor.ts";
import { BelljarError } from "../../../abi/error.ts";
import { type Check, FRAMES, RATE } from "../check.ts";
import type { PluginInstance } from "../../sandbox/index.ts";
import { configValues } from "../config-values.ts";
import { short } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";
import { refusal } from "./common.ts";

/** A hundredth of what a [control] call may cost. */
const COSTLY = 40_000_000;

export const descriptorChecks: Check[] = [
  {
    id: "descriptor/stable",
    level: 2,
    title: "It describes itself in the same bytes each time, before and after being active",
    run(bench) {
      const fresh = bench.type.instantiate();
      const before = fresh.describeBytes();
      const compare = (instance: PluginInstance, when: string): void => {
        const now = instance.describeBytes();
        if (now.length !== before.length || now.some((byte, i) => byte !== before[i]))
          fail(`The descriptor is another one ${when}.`);
      };
      for (let i = 3; i <= 6; i++) compare(fresh, `in call ${i}`);
      if (refusal(bench, {}) !== null) return;
      const rig = bench.make();
      rig.play(bench.score(FRAMES));
      rig.instance.deactivate();
      compare(rig.instance, "after it was active");
    },
  },
  {
    id: "descriptor/main-port",
    level: 3,
    title: "The main audio input and output come before the others",
    run({ descriptor }) {
      const inputs = descriptor.ports.filter((port) => channelCount(port) > 0 && isInput(port));
      const main = inputs.findIndex((port) => port.role === "input");
      if (main > 0) fail(`The sidechain "${inputs[0]?.id}" stands before the input "${inputs[main]?.id}".`);
    },
  },
  {
    id: "descriptor/outcome",
    level: 2,
    title: "Something comes out of it",
    run({ descriptor }) {
      if (!descriptor.ports.some((port) => !isInput(port))) warn("It has no output of any kind.");
    },
  },
  {
    id: "descriptor/about",
    level: 5,
    title: "It says its category and what it does",
    run({ descriptor }) {
      const missing = (["category", "doc"] as const).filter((key) => descriptor[key] === "");
      if (missing.length > 0)
        warn(`Its ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} empty.`);
    },
  },
  {
    id: "descriptor/category",
    level: 5,
    title: "Its ports are those that its category needs",
    run(bench) {
      const needs = CATEGORIES[bench.descriptor.category];
      if (needs === undefined) skip("Its category is empty or a word of its own.");
      const missing = needs.find(([type, direction]) => !bench.has(type, direction));
      if (missing !== undefined) {
        warn(`It says ${bench.descriptor.category} and has no ${missing[0]} ${missing[1]}put.`);
      }
    },
  },
  {
    id: "descriptor/display-names",
    level: 5,
    title: "Ports of one kind in one place can be told apart by their names",
    run({ descriptor }) {
      const seen = new Set<string>();
      for (const port of descriptor.ports) {
        const name = [port.type, isInput(port), port.group, port.display_name.toLowerCase()].join("\n");
        if (seen.has(name)) warn(`Two ports are called "${port.display_name}".`);
        seen.add(name);
      }
    },
  },
  {
    id: "descriptor/promises",
    level: 5,
    title: "Latency and tail are about what activation finds",
    run(bench) {
      const { latency, tail } = bench.descriptor;
      const { instance } = bench.rig();
      if (instance.latency !== latency) {
        warn(
          `The descriptor says ${latency} frames of latency, the layout ${instance.latency} at ${RATE} Hz.`,
        );
      }
      const promised = tail < 0 ? Number.POSITIVE_INFINITY : tail;
      const found = instance.tail / RATE;
      if (promised === found || Math.abs(promised - found) <= 0.001 + found * 0.05) return;
      const seconds = (value: number) => (Number.isFinite(value) ? `${short(value)} s` : "infinite");
      warn(`The descriptor's tail is ${seconds(promised)}, the layout's ${seconds(found)}.`);
    },
  },
  {
    id: "descriptor/functions",
    level: 2,
    title: "It has the functions that its descriptor makes needful",
    run({ descriptor, type }) {
      const has = (name: string) => type.facts.exports.includes(name);
      const wanted: [boolean, string, string][] = [
        [
          descriptor.config_params.some((one) => one.type !== "filepath"),
          "bj_configure",
          "config parameters",
        ],
        [
          descriptor.config_params.some((one) => one.type === "filepath"),
          "bj_configure_file",
          "config parameters that are files",
        ],
        [descriptor.ports.some((port) => port.hint === "graph_editor"), "bj_graph_get", "a graph editor"],
        [descriptor.ports.some((port) => port.hint === "graph_editor"), "bj_graph_set", "a graph editor"],
        [descriptor.presets.some((preset) => preset.state !== null), "bj_state_load", "presets with a state"],
        [has("bj_state_save"), "bj_state_load", "a state to save"],
        [has("bj_state_load"), "bj_state_save", "a state to load"],
      ];
      for (const [needed, name, reason] of wanted) {
        if (needed && !has(name)) fail(`It has ${reason} and does not export ${name}.`);
      }
    },
  },
  {
    id: "descriptor/steps",
    level: 3,
    title: "Every default is one of the values that the step allows",
    run({ descriptor }) {
      for (const port of descriptor.ports) {
        if (port.type !== "control" || port.step === 0) continue;
        const steps = (port.default - port.min) / port.step;
        if (Math.abs(steps - Math.round(steps)) > 1e-4) {
          fail(
            `"${port.id}" starts at ${short(port.default)}, between steps of ${short(port.step)} from ${short(port.min)} on.`,
          );
        }
      }
    },
  },
  {
    id: "descriptor/configured",
    level: 5,
    title: "Configuring leaves the ports that remain as they were",
    run(bench) {
      const values = configValues(bench.descriptor);
      if (values.length === 0) skip("It has no config parameters that can be tried.");
      const before = new Map(bench.descriptor.ports.map((port) => [port.id, port]));
      for (const [id, value] of values) {
        const instance = bench.type.instantiate();
        try {
          instance.configure(id, value);
        } catch (error) {
          if (error instanceof BelljarError && error.code === "plugin/refused") continue;
          throw error;
        }
        for (const port of instance.descriptor.ports) {
          const old = before.get(port.id);
          const changed = old && (["type", "role", "hint"] as const).find((key) => port[key] !== old[key]);
          if (changed) fail(`With ${id}=${value} the ${changed} of "${port.id}" is another one.`);
        }
        if (instance.descriptor.id !== bench.descriptor.id)
          fail(`With ${id}=${value} its own id is another one.`);
      }
    },
  },
  {
    id: "descriptor/template",
    level: 4,
    title: "Its port template keeps its word: so many groups of ports as were asked for",
    run(bench) {
      const template = bench.descriptor.port_template;
      if (template === null) skip("It has no port template.");
      const counts = [...new Set([template.min, template.min + 1, template.max])].filter(
        (count) => count <= template.max,
      );
      const sizes: { count: number; ports: number }[] = [];
      for (const count of counts) {
        const instance = bench.type.instantiate();
        instance.configure(template.config, String(count));
        sizes.push({ count, ports: instance.descriptor.ports.length });
      }
      const [least, next] = sizes;
      if (!least || !next) return;
      const each = (next.ports - least.ports) / (next.count - least.count);
      if (each <= 0)
        fail(`With ${template.config}=${next.count} it has no more ports than with ${least.count}.`);
      for (const { count, ports } of sizes) {
        const wanted = least.ports + (count - least.count) * each;
        if (ports !== wanted) fail(`With ${template.config}=${count} it has ${ports} ports, not ${wanted}.`);
      }
    },
  },
  {
    id: "descriptor/cost",
    level: 6,
    title: "Describing itself costs little",
    run({ type }) {
      const instance = type.instantiate();
      instance.describeBytes();
      if (instance.units <= COSTLY) return `${instance.units} units`;
      warn(`bj_descriptor costs ${instance.units} units; below ${COSTLY} nobody would notice.`);
    },
  },
];

const CATEGORIES: Record<string, ["audio" | "event", "in" | "out"][]> = {
  Synth: [
    ["event", "in"],
    ["audio", "out"],
  ],
  Effect: [
    ["audio", "in"],
    ["audio", "out"],
  ],
  Filter: [
    ["audio", "in"],
    ["audio", "out"],
  ],
  Mixer: [
    ["audio", "in"],
    ["audio", "out"],
  ],
  EventGen: [["event", "out"]],
  EventEffect: [
    ["event", "in"],
    ["event", "out"],
  ],
  Output: [["audio", "in"]],
};
