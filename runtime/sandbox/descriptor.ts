// From a plugin's descriptor bytes to a checked PluginDescriptor. The bytes are a stranger's: they are scanned,
// then decoded, then every field is checked; abi/README.md states the rules for authors.

import { Unpackr } from "msgpackr/unpack";
import {
  CONFIG_TYPES,
  type ConfigParam,
  isInput,
  type PluginDescriptor,
  type PortDescriptor,
  type PortTemplate,
  type Preset,
} from "../../abi/descriptor.ts";
import { listed } from "../../abi/error.ts";
import {
  deepFreeze,
  Fields,
  isId,
  isPluginId,
  mustBeShowable,
  shown,
  type Wire,
} from "./descriptor-fields.ts";
import { decodePort, ID_HINT, valueProblem } from "./descriptor-port.ts";
import { scanDescriptor } from "./msgpack-scan.ts";
import type { Limits } from "./limits.ts";

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: "number" });

const MOST_LATENCY = 1 << 24; // frames
const MOST_TAIL = 3600; // seconds

/**
 * Decodes and checks a descriptor. The result is plain, frozen data with every optional field filled in, and all
 * text in it is safe to print; the Maps and state bytes of presets are copies.
 * @throws BelljarError descriptor/... and nothing else, whatever the bytes are
 */
export function decodeDescriptor(bytes: Uint8Array, limits: Limits): PluginDescriptor {
  // A copy of its own, so that nothing can change between the scan and the decoding. Too many bytes are not copied.
  const own = Uint8Array.from(bytes.subarray(0, limits.descriptorBytes + 1));
  scanDescriptor(own, limits);
  const fields = new Fields(unpackr.unpack(own) as Wire, "");

  const id = fields.string("id");
  if (!isPluginId(id)) {
    const hint =
      'An id is "vendor.name": parts of lower case letters, digits, _ and -, at most 64 in all, no device names.';
    throw fields.fail("id", `${shown(id)} can't be a plugin's id`, hint);
  }
  const display_name = fields.text("display_name", 100);
  const ports = fields.list("ports", limits, "ports", true).map((value, i) => decodePort(value, i, limits));
  const config_params = fields
    .list("config_params", limits, "configParams")
    .map((value, i) => configParam(value, i, limits));
  uniqueIds(fields, ports, config_params);
  const port_template = portTemplate(fields, ports, config_params, limits);
  const presets = fields
    .list("presets", limits, "presets")
    .map((value, i) => preset(value, i, ports, config_params, port_template));
  const names = new Set<string>();
  for (const { name } of presets) {
    if (names.has(name)) throw fields.fail("preset", `two presets are named ${shown(name)}`);
    names.add(name);
  }
  const tail = fields.number("tail", -1, MOST_TAIL, 0);
  if (tail < 0 && tail !== -1)
    throw fields.fail("range", `"tail" is ${tail}, it must be -1 (infinite) or 0 to ${MOST_TAIL}`);
  return deepFreeze({
    id,
    display_name,
    category: fields.text("category", 40, ""),
    doc: fields.text("doc", 4000, ""),
    author: fields.text("author", 100, ""),
    version: fields.integer("version", 0, 0x7fffffff, 1),
    ports,
    config_params,
    latency: fields.integer("latency", 0, MOST_LATENCY, 0),
    tail,
    port_template,
    presets,
  });
}

/** What is wrong with a config parameter's string-encoded `value`, or null. A filepath can be anything: only a user picks it. */
export function configProblem(param: ConfigParam, value: string): string | null {
  switch (param.type) {
    case "integer":
      return /^-?(0|[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value))
        ? null
        : "not a whole number";
    case "float":
      return /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(value) && Number.isFinite(Number(value))
        ? null
        : "not a number";
    case "bool":
      return value === "true" || value === "false" ? null : 'neither "true" nor "false"';
    case "categorical":
      return param.choices.includes(value) ? null : `none of ${listed(param.choices)}`;
    default:
      return null;
  }
}

function configParam(value: Wire, index: number, limits: Limits): ConfigParam {
  const fields = new Fields(value, `config parameter ${index}`);
  const id = fields.string("id");
  if (!isId(id)) throw fields.fail("id", `${shown(id)} can't be an id`, ID_HINT);
  fields.where = `config parameter "${id}"`;
  const type = fields.word("type", CONFIG_TYPES);
  const choices = fields.choices(limits);
  if (type === "categorical" && choices.length === 0)
    throw fields.fail("choices", 'a categorical needs "choices"');
  if (type !== "categorical" && choices.length > 0) {
    throw fields.fail("choices", `"choices" are for categorical, this is ${type}`);
  }
  const otherwise = {
    string: "",
    filepath: "",
    integer: "0",
    float: "0",
    bool: "false",
    categorical: choices[0] ?? "",
  };
  const param: ConfigParam = {
    id,
    display_name: fields.text("display_name", 100),
    doc: fields.text("doc", 4000, ""),
    type,
    default: fields.exactText("default", otherwise[type]),
    file_filter: fields.text("file_filter", 500, ""),
    choices,
  };
  if (type === "filepath" && param.default !== "") {
    throw fields.fail("default", "a filepath has no default: only the user names files");
  }
  if (type !== "filepath" && param.file_filter !== "") {
    throw fields.fail("type", `"file_filter" is for filepath, this is ${type}`);
  }
  const problem = configProblem(param, param.default);
  if (problem) throw fields.fail("default", `default ${shown(param.default)} is ${problem}`);
  return param;
}

/** Ports and config parameters share one space of names, so that a panel or a command line may use an id alone. */
function uniqueIds(fields: Fields, ports: PortDescriptor[], config: ConfigParam[]): void {
  const seen = new Set<string>();
  for (const { id } of [...ports, ...config]) {
    if (seen.has(id))
      throw fields.fail("duplicate-id", `the id "${id}" stands twice among ports and config parameters`);
    seen.add(id);
  }
  const bypasses = ports.filter((port) => port.bypass);
  if (bypasses.length > 1) {
    throw fields.fail("bypass", `ports "${bypasses[0]?.id}" and "${bypasses[1]?.id}" are both the bypass`);
  }
}

function portTemplate(
  outer: Fields,
  ports: PortDescriptor[],
  config: ConfigParam[],
  limits: Limits,
): PortTemplate | null {
  const value = outer.get("port_template");
  if (value === undefined) return null;
  const fields = new Fields(value, "port_template");
  const group = fields.text("group", 100);
  const min = fields.integer("min", 0, limits.ports);
  const max = fields.integer("max", 1, limits.ports);
  if (min > max) throw fields.fail("template", `min ${min} is above max ${max}`);
  const name = fields.string("config");
  const param = config.find(({ id }) => id === name);
  if (param?.type !== "integer")
    throw fields.fail("template", `config ${shown(name)} is no integer config parameter`);
  if (Number(param.default) < min || Number(param.default) > max) {
    throw fields.fail("template", `the default ${param.default} of "${name}" is outside ${min} to ${max}`);
  }
  if (min > 0 && !ports.some((port) => port.group === group)) {
    throw fields.fail("template", `no port has the group ${shown(group)}`);
  }
  return { group, min, max, config: name };
}

function preset(
  value: Wire,
  index: number,
  ports: PortDescriptor[],
  config: ConfigParam[],
  template: PortTemplate | null,
): Preset {
  const fields = new Fields(value, `preset ${index}`);
  const name = fields.text("name", 100);
  fields.where = `preset "${name}"`;
  const settings = inner(fields, "config");
  // With another number of ports, ports may be named that are not there yet.
  const grows = template !== null && settings.has(template.config);
  const find = (id: string, graph: boolean): PortDescriptor | null => {
    const port = ports.find((p) => p.id === id);
    const fits = port?.type === "control" && isInput(port) && (port.hint === "graph_editor") === graph;
    if (port && fits) return port;
    if (!port && grows && isId(id)) return null;
    throw fields.fail("preset", `${shown(id)} is no ${graph ? "graph_editor" : "parameter"} of this plugin`);
  };

  const params = new Map<string, number>();
  for (const [id, number] of inner(fields, "params")) {
    if (typeof number !== "number")
      throw fields.fail("type", `the value of ${shown(id)} must be a number, it is ${shown(number)}`);
    const port = find(id, false);
    const problem = port && valueProblem(port, number);
    if (problem) throw fields.fail("preset", `the value of "${id}": ${problem}`);
    params.set(id, number + 0);
  }
  const strings = new Map<string, string>();
  for (const [id, text] of settings) {
    if (typeof text !== "string")
      throw fields.fail("type", `the value of ${shown(id)} must be a string, it is ${shown(text)}`);
    const param = config.find((p) => p.id === id);
    if (!param) throw fields.fail("preset", `${shown(id)} is no config parameter of this plugin`);
    if (param.type === "filepath")
      throw fields.fail("preset", `a preset names no files, and "${id}" is a filepath`);
    mustBeShowable(text, `the value of "${id}"`, fields.where);
    const problem = configProblem(param, text);
    if (problem) throw fields.fail("preset", `the value ${shown(text)} of "${id}" is ${problem}`);
    strings.set(id, text);
  }
  const graph = new Map<string, string>();
  for (const [id, json] of inner(fields, "graph")) {
    if (typeof json !== "string" || !isJson(json))
      throw fields.fail("preset", `the graph data of ${shown(id)} is not JSON text`);
    find(id, true);
    graph.set(id, json);
  }
  const state = fields.get("state") ?? null;
  if (state !== null && !(state instanceof Uint8Array))
    throw fields.fail("type", `"state" must be bytes, it is ${shown(state)}`);
  return { name, params, config: strings, graph, state: state && Uint8Array.from(state) };
}

function inner(fields: Fields, key: string): Map<string, Wire> {
  const value = fields.get(key);
  if (value === undefined) return new Map();
  if (!(value instanceof Map)) throw fields.fail("type", `"${key}" must be a map, it is ${shown(value)}`);
  return value;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
