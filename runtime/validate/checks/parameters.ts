// Checks of control inputs: values, their text, and how changes are taken.

import type { PortDescriptor } from "../../../abi/descriptor.ts";
import { EventType } from "../../../abi/layout.ts";
import { formatValue, parseValue } from "../../engine/parameter-text.ts";
import { anyValue, anyValues } from "../anything.ts";
import { type Bench, type Check, FRAMES } from "../check.ts";
import type { Rig } from "../rig.ts";
import { type Change, noiseSignal, sorted } from "../score.ts";
import { decibels, difference, largestDifference, short } from "../take.ts";
import { Ended, fail, skip, warn } from "../verdict.ts";
import { randomBlocks, ROUNDING } from "./processing.ts";

const LENGTH = 8_000;
/** -40 dB: automation may be coarser in time where blocks are cut differently. */
const COARSE = 1e-2;

function parameters(bench: Bench): Rig["parameters"] {
  const all = bench.rig().parameters;
  if (all.length === 0) skip("It has no parameters.");
  return all;
}

export const parameterChecks: Check[] = [
  {
    id: "parameters/text",
    level: 2,
    title: "Every value can be written as text and read back",
    run(bench) {
      const random = bench.random("text");
      const all = parameters(bench);
      for (const { port } of all) {
        const values = [port.min, port.max, port.default, ...port.choices.keys()];
        for (let i = 0; i < 10; i++) values.push(anyValue(random, port, false));
        for (const value of values) checkText(port, value);
      }
      return `${all.length} parameters`;
    },
  },
  {
    id: "parameters/precision",
    level: 5,
    title: "The precision shows at least ten different values",
    run(bench) {
      for (const { port } of parameters(bench)) {
        if (port.step > 0 || port.precision === 0) continue;
        const quantum = 10 ** -port.precision;
        if (port.max - port.min >= quantum * 10) continue;
        warn(
          `"${port.id}" goes from ${short(port.min)} to ${short(port.max)}, which ${port.precision} decimals hardly show.`,
        );
      }
    },
  },
  {
    id: "parameters/choices",
    level: 3,
    title: "It plays with every choice and every switch in both places",
    run(bench) {
      const finite = parameters(bench).filter(
        ({ port }) => port.choices.length > 0 || port.hint === "toggle",
      );
      if (finite.length === 0) skip("It has no choices and no switches.");
      for (const { port, slot } of finite) {
        const count = Math.min(Math.max(port.choices.length, 2), 64);
        for (let value = 0; value < count; value++)
          bench.take(800, {}, {}, { values: new Map([[slot, value]]) });
      }
    },
  },
  {
    id: "parameters/untouched",
    level: 3,
    title: "It leaves the control inputs as the host wrote them",
    run(bench) {
      parameters(bench);
      bench.take(LENGTH);
    },
  },
  {
    id: "parameters/bounds",
    level: 4,
    title: "It plays with all parameters at one bound or the other",
    run(bench) {
      const random = bench.random("bounds");
      const all = parameters(bench);
      for (let round = 0; round < 20; round++) {
        bench.take(1_500, {}, {}, { values: anyValues(random, all, true) });
      }
    },
  },
  {
    id: "parameters/random",
    level: 4,
    title: "It plays while parameters jump to random values",
    run(bench) {
      const random = bench.random("values");
      const rig = bench.rig();
      parameters(bench);
      for (let round = 0; round < 30; round++) {
        for (const [slot, value] of anyValues(random, rig.parameters, random.chance(0.3))) {
          rig.instance.controlsIn[slot] = value;
        }
        rig.play(bench.score(FRAMES * 4));
      }
    },
  },
  {
    id: "parameters/automation",
    level: 5,
    title: "It plays with parameter events every 1, 10, 100 and 1000 frames",
    run(bench) {
      const random = bench.random("automation");
      const all = parameters(bench);
      for (const every of [1, 10, 100, 1_000]) {
        const rig = bench.rig();
        const changes: Change[] = [];
        for (let frame = every; frame < 6_000; frame += every) {
          const { port, slot } = random.pick(all);
          changes.push({ frame, slot, value: anyValue(random, port, random.chance(0.3)) });
        }
        rig.play(bench.score(6_000, { changes }));
      }
    },
  },
  {
    id: "parameters/agree",
    level: 5,
    title: "A change as an event does what the same change between blocks does",
    run(bench) {
      const all = parameters(bench);
      if (bench.rig().instance.eventsIn.capacity === 0) skip("It takes no events.");
      const at = FRAMES * 4;
      for (const { port, slot, index } of all.slice(0, 12)) {
        const value = port.default === port.max ? port.min : port.max;
        const by = (frame: number) => bench.take(LENGTH, { changes: [{ frame, slot, value }] });
        const event = { frame: at, type: EventType.Param, port: index, value };
        // the event at frame 0 of a block, its slot only in the next one
        const asEvent = bench.take(LENGTH, {
          events: sorted([event, ...bench.score(LENGTH).events]),
          changes: [{ frame: at + FRAMES, slot, value }],
        });
        const exact = difference(by(at), asEvent, ROUNDING);
        if (exact === null) continue;
        if (difference(by(at + FRAMES), asEvent, ROUNDING) === null) {
          warn(`It does not hear parameter events: "${port.id}" changes with the next block.`);
        }
        fail(
          `"${port.id}" changed by an event sounds different from the same change between blocks: ${exact}.`,
        );
      }
    },
  },
  {
    id: "parameters/same-value",
    level: 6,
    title: "An event that sets a parameter to the value it has changes nothing",
    run(bench) {
      const all = parameters(bench);
      const plain = bench.take(LENGTH);
      const changes = all
        .slice(0, 40)
        .map(({ port, slot }, i) => ({ frame: 150 * (i + 1), slot, value: port.default }));
      const found = difference(plain, bench.take(LENGTH, { changes }), ROUNDING);
      if (found !== null) fail(`With events that repeat the values that parameters have, ${found}.`);
    },
  },
  {
    id: "parameters/split",
    level: 7,
    title: "Where blocks are cut changes automation by no more than its coarseness in time",
    run(bench) {
      const random = bench.random("split");
      const all = parameters(bench);
      const changes: Change[] = [];
      for (let frame = 300; frame < LENGTH; frame += random.whole(200, 700)) {
        const { port, slot } = random.pick(all);
        changes.push({ frame, slot, value: anyValue(random, port, false) });
      }
      if (bench.rig().instance.eventsIn.capacity === 0) skip("It takes no events.");
      const whole = bench.take(LENGTH, { changes });
      let largest = 0;
      for (const blocks of [[64], randomBlocks(bench, 256)]) {
        const other = bench.take(LENGTH, { changes }, { blocks });
        const { size, frame, name } = largestDifference(whole, other);
        largest = Math.max(largest, size);
        if (size > COARSE) {
          const lengths = blocks.length === 1 ? `${blocks[0]}` : "random length";
          fail(
            `Automated in blocks of ${lengths} instead of 256 frames, ${name} differs by ${decibels(size)} at frame ${frame}.`,
          );
        }
      }
      return largest === 0 ? "the same samples" : `differences up to ${decibels(largest)}`;
    },
  },
  {
    id: "parameters/begin",
    level: 6,
    title: "It begins with the values that it finds, without a glide",
    run(bench) {
      const random = bench.random("begin");
      const values = anyValues(random, parameters(bench));
      const fresh = bench.take(6_000, {}, {}, { values });
      const rig = bench.rig({ values });
      rig.play(bench.score(12_000));
      rig.reset();
      const found = difference(fresh, rig.play(bench.score(6_000)), ROUNDING);
      if (found !== null)
        fail(`Its first blocks are not those that come when its values have settled: ${found}.`);
    },
  },
  {
    id: "parameters/bypass",
    level: 6,
    title: "Bypassed, it lets its input through",
    run(bench) {
      const bypass = parameters(bench).find(({ port }) => port.bypass);
      if (bypass === undefined) skip("It has no bypass.");
      const rig = bench.rig({ values: new Map([[bypass.slot, 1]]) });
      const { instance } = rig;
      const input = instance.audio.find((port) => port.input);
      const output = instance.audio.find((port) => !port.input);
      if (!input || !output || input.channels !== output.channels)
        skip("Input and output can't be compared.");
      const take = rig.play(bench.score(24_000));
      const wanted = new Float32Array(24_000);
      for (let c = 0; c < output.channels; c++) {
        noiseSignal()(wanted, 0, c);
        for (let i = 20_000; i < 24_000; i++) {
          const off = Math.abs(
            (take.channels[c]?.samples[i] ?? 0) - (wanted[i - instance.latency] as number),
          );
          if (off > 1e-4)
            fail(`Bypassed, its output differs from its input by ${decibels(off)} at frame ${i}.`);
        }
      }
    },
  },
  {
    id: "parameters/out-of-range",
    level: 9,
    title: "It survives values beyond its bounds, which no host should send",
    run: (bench) =>
      survives(bench, ({ min, max }) => [min - (max - min), max + (max - min), max * 1e6, -1e30]),
  },
  {
    id: "parameters/not-finite",
    level: 9,
    title: "It survives NaN and infinity as values, which no host should send",
    run: (bench) => survives(bench, () => [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
  },
];

function checkText(port: PortDescriptor, value: number): void {
  const text = formatValue(port, value);
  let back: number;
  try {
    back = parseValue(port, text);
  } catch {
    // rounding may lead just out of the range
    const off = 10 ** -port.precision;
    if (port.precision > 0 && port.choices.length === 0 && Math.min(value - port.min, port.max - value) < off)
      return;
    fail(`"${port.id}" at ${short(value)} is written "${text}", which can't be read back.`);
  }
  const rounding =
    port.choices.length > 0 || port.hint === "toggle"
      ? 0
      : Math.max(10 ** -port.precision, Math.abs(value) * 1e-5);
  if (Math.abs(back - value) > rounding) {
    fail(`"${port.id}" at ${short(value)} is written "${text}", which reads as ${short(back)}.`);
  }
}

function survives(bench: Bench, values: (port: PortDescriptor) => number[]): void {
  for (const { port, slot } of parameters(bench)) {
    for (const value of values(port)) {
      const rig = bench.rig({ values: new Map([[slot, value]]) });
      try {
        rig.play(bench.score(1_000));
      } catch (error) {
        if (!(error instanceof Ended) || rig.instance.fault === null) throw error;
        bench.notices.delete("processing/finite");
        warn(`"${port.id}" at ${value}: ${error.verdict.sentence}`);
      }
    }
  }
}
