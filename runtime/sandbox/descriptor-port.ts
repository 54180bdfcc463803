// The rules for one port of a descriptor.

import {
  CONTROL_HINTS,
  type ControlHint,
  isInput,
  PORT_ROLES,
  PORT_TYPES,
  type PortDescriptor,
} from "../../abi/descriptor.ts";
import { Fields, isId, shown, type Wire } from "./descriptor-fields.ts";
import type { Limits } from "./limits.ts";

const LARGEST = 3.4028234663852886e38; // the largest 32-bit float: values travel as such
const MOST_STEPS = 1e6;

/** What control fields are on a port that has none, and where a control port leaves them out. */
const NEUTRAL = {
  hint: "continuous",
  min: 0,
  max: 1,
  default: 0,
  step: 0,
  choices: [],
  graph_type: "",
  unit: "",
  precision: 2,
  skew: 1,
  smoothing: 0,
  bypass: false,
} as const;
type ControlFields = Omit<PortDescriptor, "id" | "display_name" | "doc" | "type" | "role" | "group">;

/** Checks port number `index` of the descriptor. Throws BelljarError descriptor/... */
export function decodePort(value: Wire, index: number, limits: Limits): PortDescriptor {
  const fields = new Fields(value, `port ${index}`);
  const id = fields.string("id");
  if (!isId(id)) throw fields.fail("id", `${shown(id)} can't be an id`, ID_HINT);
  fields.where = `port "${id}"`;
  const common = {
    id,
    display_name: fields.text("display_name", 100),
    doc: fields.text("doc", 4000, ""),
    type: fields.word("type", PORT_TYPES),
    role: fields.word("role", PORT_ROLES),
  };
  const group = groupPath(fields);
  if (common.type === "control") {
    const control = controlFields(
      fields,
      limits,
      isInput(common as PortDescriptor),
      common.role === "monitor",
    );
    return { ...common, ...control, group };
  }
  if (common.role === "monitor")
    throw fields.fail("role", `a monitor is a control port, this is ${common.type}`);
  const neutral: ControlFields = { ...NEUTRAL, choices: [], precision: 0 };
  for (const key of Object.keys(NEUTRAL) as (keyof ControlFields)[]) {
    const given = fields.get(key);
    const empty = Array.isArray(given)
      ? given.length === 0
      : given === NEUTRAL[key] || given === neutral[key];
    if (given !== undefined && !empty)
      throw fields.fail("control-only", `"${key}" is for control ports, this is ${common.type}`);
  }
  return { ...common, ...neutral, group };
}

export const ID_HINT =
  "An id is a letter, then letters, digits, _ and -, at most 64 in all, and no name that JavaScript reserves.";

/** What is wrong with `value` for a control port, or null. Values are compared as the 32-bit floats that they travel as. */
export function valueProblem(port: PortDescriptor, value: number): string | null {
  const { min, max } = port;
  if (!Number.isFinite(value)) return `${value} is not a number`;
  if (Math.fround(value) < Math.fround(min) || Math.fround(value) > Math.fround(max)) {
    return `${value} is outside ${min} to ${max}`;
  }
  const whole = port.hint === "toggle" || port.hint === "integer" || port.choices.length > 0;
  return whole && !Number.isInteger(value) ? `${value} is not a whole number` : null;
}

function groupPath(fields: Fields): string {
  const group = fields.text("group", 100, "");
  if (group !== "" && group.split("/").some((part) => part.trim() === "")) {
    throw fields.fail("group", `the group ${shown(group)} has an empty part`);
  }
  return group;
}

function controlFields(fields: Fields, limits: Limits, input: boolean, monitor: boolean): ControlFields {
  const hint = fields.word("hint", CONTROL_HINTS, monitor ? "meter" : "continuous");
  if (hint === "meter" && input)
    throw fields.fail("hint", "a meter is an output or a monitor, never an input");
  if (hint === "graph_editor" && !input) throw fields.fail("hint", "a graph_editor is an input");

  const choices = choiceNames(fields, limits, hint);
  const { min, max } = range(fields, hint, choices.length);
  const step = stepOf(fields, hint, min, max);
  const whole = hint === "toggle" || hint === "integer" || choices.length > 0;
  const port: ControlFields = {
    hint,
    min,
    max,
    default: fields.number("default", -LARGEST, LARGEST, Math.min(Math.max(0, min), max)),
    step,
    choices,
    graph_type: graphType(fields, hint),
    unit: fields.text("unit", 16, ""),
    precision: fields.integer("precision", 0, 9, whole ? 0 : 2),
    skew: fields.number("skew", 0, 1000, 1),
    smoothing: fields.number("smoothing", 0, 60000, 0),
    bypass: fields.flag("bypass"),
  };
  if (port.skew === 0) throw fields.fail("range", '"skew" must be greater than 0');
  if (port.bypass && (hint !== "toggle" || !input))
    throw fields.fail("bypass", "a bypass is a toggle with role input");
  const problem = valueProblem(port as PortDescriptor, port.default);
  if (problem) throw fields.fail("default", `default ${problem}`);
  port.default = Math.min(Math.max(port.default, min), max);
  return port;
}

function choiceNames(fields: Fields, limits: Limits, hint: ControlHint): string[] {
  const choices = fields.choices(limits);
  const wanted = hint === "categorical" || hint === "radio";
  if (wanted && choices.length === 0) throw fields.fail("choices", `a ${hint} needs "choices"`);
  if (!wanted && choices.length > 0) {
    throw fields.fail("choices", `"choices" are for categorical and radio, this is ${hint}`);
  }
  return choices;
}

function range(fields: Fields, hint: ControlHint, choices: number): { min: number; max: number } {
  const most = choices > 0 ? choices - 1 : 1;
  const min = fields.number("min", -LARGEST, LARGEST, 0);
  const max = fields.number("max", -LARGEST, LARGEST, most);
  if (choices > 0 || hint === "toggle") {
    if (min !== 0 || max !== most) {
      throw fields.fail(
        "range",
        `a ${hint} ${choices > 0 ? `of ${choices} choices ` : ""}goes from 0 to ${most}, not ${min} to ${max}`,
      );
    }
    return { min, max };
  }
  if (Math.fround(min) >= Math.fround(max)) throw fields.fail("range", `min ${min} is not below max ${max}`);
  if (
    hint === "integer" &&
    !(Number.isInteger(min) && Number.isInteger(max) && Math.max(-min, max) <= 0x1000000)
  ) {
    throw fields.fail(
      "range",
      `the bounds of an integer are whole numbers up to 16777216, not ${min} and ${max}`,
    );
  }
  return { min, max };
}

/** 0 stays continuous; whole-numbered hints step by 1 or, for an integer, a whole multiple. */
function stepOf(fields: Fields, hint: ControlHint, min: number, max: number): number {
  const step = fields.number("step", 0, LARGEST, 0);
  if (hint === "toggle" || hint === "categorical" || hint === "radio") {
    if (step !== 0 && step !== 1) throw fields.fail("step", `the step of a ${hint} is 1, not ${step}`);
    return 1;
  }
  if (hint === "integer" && !Number.isInteger(step))
    throw fields.fail("step", `the step of an integer is whole, not ${step}`);
  if (step === 0) return hint === "integer" ? 1 : 0;
  const steps = (max - min) / step;
  if (!(steps >= 1 && steps <= MOST_STEPS)) {
    throw fields.fail("step", `step ${step} must go 1 to ${MOST_STEPS} times into ${min} to ${max}`);
  }
  // A step written as a 32-bit float is off by up to 6e-8 of itself, each time that it is counted.
  if (Math.abs(steps - Math.round(steps)) > 1e-6 + steps * 1e-7) {
    throw fields.fail("step", `step ${step} does not divide ${min} to ${max} evenly`);
  }
  return step;
}

function graphType(fields: Fields, hint: ControlHint): string {
  const name = fields.string("graph_type", "");
  if (hint !== "graph_editor") {
    if (name !== "") throw fields.fail("graph-type", `"graph_type" is for graph_editor, this is ${hint}`);
    return "";
  }
  if (!isId(name))
    throw fields.fail(
      "graph-type",
      `a graph_editor needs a "graph_type" such as eq_curve, not ${shown(name)}`,
      ID_HINT,
    );
  return name;
}
