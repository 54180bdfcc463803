// Sound and values that harm what comes after: NaN, infinity, subnormals, levels that break loudspeakers.

import { AT, bufferAt, knob, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { behind, chain } from "./around.ts";
import { playing } from "./playing.ts";
import type { Attack } from "./twin.ts";

const at = (frame: number): number => bufferAt(0) + frame * 4;
const put = (frame: number, bits: number): string =>
  `(i32.store (i32.const ${at(frame)}) (i32.const ${bits}))`;
/** +400 dB: 1e20 */
const DEAFENING = 0x60ad78ec;
const SUBNORMAL = 0x000116c2;
const NAN = 0x7fc00000;

const VALUE_OUT = { ...knob("value_out"), role: "output", hint: "meter", default: 0 };
const show = (value: string) => ({
  ports: [STEREO_OUT, VALUE_OUT],
  process: `(f32.store (i32.const ${AT.controlsOut}) (f32.const ${value})) (i32.const 0)`,
});

export const ATTACKS: Attack[] = [
  {
    attack: "One NaN among samples at +400 dB: a peak that is no number is above no limit",
    defence: { file: "runtime/sandbox/instance.ts", line: "if (found >= INFINITE) {", off: "if (false) {" },
    attempt: (belljar) =>
      behind(
        belljar,
        { ports: [STEREO_OUT], process: `${put(0, NAN)}${put(1, DEAFENING)}(i32.const 0)` },
        ({ samples }) => `the next node received ${samples[1]?.toPrecision(3)}`,
      ),
    stopped: 'plugin/not-finite: The plugin wrote NaN to "audio_out" (left) in process, block 0.',
    reached: "the next node received 1.00e+20",
  },
  {
    attack: "Subnormals, which slow the plugins behind down a hundredfold",
    defence: {
      file: "runtime/sandbox/injected.ts",
      line: "splat(SMALLEST_NORMAL - 1);",
      off: "splat(-1);",
    },
    attempt: (belljar) =>
      behind(
        belljar,
        { ports: [STEREO_OUT], process: `${put(0, 0x3f000000)}${put(1, SUBNORMAL)}(i32.const 0)` },
        ({ samples }) => `the next node received ${samples[1]?.toPrecision(3)}`,
      ),
    stopped: "the next node received 0.00",
    reached: "the next node received 1.00e-40",
  },
  {
    attack: "Subnormals in the last frames of a block that is no multiple of four",
    defence: {
      file: "runtime/sandbox/injected.ts",
      line: "constant(w, SMALLEST_NORMAL).u8(Op.i32Sub);",
      off: "constant(w, 0).u8(Op.i32Sub);",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        ports: [STEREO_OUT],
        process: `${put(0, 0x3f000000)}${put(61, SUBNORMAL)}(i32.const 0)`,
      });
      plugin.process(63);
      return `the host received ${plugin.audio[0]?.samples[61]?.toPrecision(3)}`;
    },
    stopped: "the host received 0.00",
    reached: "the host received 1.00e-40",
  },
  {
    attack: "A plugin within the limit of a node is four times too loud for the ears",
    defence: {
      file: "runtime/graph/graph.ts",
      line: "peak > CEILING ? frames : 0",
      off: "0",
    },
    attempt: async (belljar) => {
      const { graph } = await chain(belljar, {
        ports: [STEREO_OUT],
        process: `${put(1, 0x40800000)}(i32.const 0)`,
      });
      return `the loudspeaker received ${graph.left[1]?.toPrecision(3)}`;
    },
    stopped: "the loudspeaker received 1.00",
    reached: "the loudspeaker received 3.98",
  },
  {
    attack: "A plugin shows 1e30 where another's knob goes from 0 to 1",
    defence: {
      file: "runtime/graph/control-wires.ts",
      line: "else if ((range[NEXT] as number) > (range[MOST] as number)) ",
      off: "else if (false) ",
    },
    attempt: (belljar) => behind(belljar, show("1e30"), ({ value }) => `the next node's knob is at ${value}`),
    stopped: "the next node's knob is at 1",
    reached: "the next node's knob is at 1.0000000150474662e+30",
  },
  {
    attack: "A plugin shows -1e30 where another's knob goes from 0 to 1",
    defence: {
      file: "runtime/graph/control-wires.ts",
      line: "if (!((range[NEXT] as number) >= (range[LEAST] as number))) range[NEXT] = range[LEAST] as number;",
      off: "if (false) ;",
    },
    attempt: (belljar) =>
      behind(belljar, show("-1e30"), ({ value }) => `the next node's knob is at ${value}`),
    stopped: "the next node's knob is at 0",
    reached: "the next node's knob is at -1.0000000150474662e+30",
  },
  {
    attack: "A plugin writes over the user's own setting in its memory, and the session keeps NaN",
    defence: {
      file: "runtime/engine/processor.ts",
      line: 'return pick(this.controlsIn, id, "control").value;',
      off: 'return this.instance.controlsIn[pick(this.controlsIn, id, "control").slot] as number;',
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        ports: [STEREO_OUT, knob("gain")],
        process: `(f32.store (i32.const ${AT.controlsIn}) (f32.const nan)) (i32.const 0)`,
      });
      const processor = new belljar.Plugin(plugin.type).instantiate({
        maxFrames: 64,
        params: { gain: 0.25 },
      });
      processor.process();
      return `the gain that the user set to 0.25 is ${processor.get("gain")}`;
    },
    stopped: "the gain that the user set to 0.25 is 0.25",
    reached: "the gain that the user set to 0.25 is NaN",
  },
  {
    attack: "A plugin's meter shows infinity, for who scales a picture by it",
    defence: {
      file: "runtime/sandbox/control-outputs.ts",
      line: "if (value - value !== 0) values[i] = ",
      off: "if (false) values[i] = ",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, show("inf"));
      plugin.process(64);
      return `the meter is at ${plugin.controlsOut[0]}`;
    },
    stopped: "the meter is at 1",
    reached: "the meter is at Infinity",
  },
];
