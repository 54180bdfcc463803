// What a plugin says of itself. It travels as MessagePack maps with exactly these keys; runtime/sandbox
// decodes and checks it. abi/README.md says what each field means to a plugin author.

export const PORT_TYPES = ["audio_mono", "audio_stereo", "event", "control"] as const;
export type PortType = (typeof PORT_TYPES)[number];

/** input: wired or set by the user. output: produced. sidechain: a second input. monitor: shown, never wired on. */
export const PORT_ROLES = ["input", "output", "sidechain", "monitor"] as const;
export type PortRole = (typeof PORT_ROLES)[number];

export const CONTROL_HINTS = [
  "continuous",
  "toggle",
  "integer",
  "categorical",
  "radio",
  "meter",
  "graph_editor",
] as const;
export type ControlHint = (typeof CONTROL_HINTS)[number];

export const CONFIG_TYPES = ["string", "filepath", "integer", "float", "bool", "categorical"] as const;
export type ConfigType = (typeof CONFIG_TYPES)[number];

/** One port. The control fields are there for control ports alone. */
export interface PortDescriptor {
  /** Stable across versions; unique in the plugin. */
  id: string;
  display_name: string;
  doc: string;
  type: PortType;
  role: PortRole;
  /** Control ports: how a panel shows it. */
  hint: ControlHint;
  min: number;
  max: number;
  default: number;
  /** Distance of neighbouring values; 0 is continuous. */
  step: number;
  /** Names of the values 0, 1, 2, … of a categorical or radio control. */
  choices: string[];
  /** What a graph_editor edits: "eq_curve", "adsr_envelope", "breakpoint", … */
  graph_type: string;
  /** "dB", "Hz", "ms", "%", … or empty. */
  unit: string;
  /** Decimals to show, 0 to 9. */
  precision: number;
  /** Exponent of the knob's law: value = min + (max - min) * position ^ skew. 1 is linear. */
  skew: number;
  /** Where a panel puts it: "Filter/Envelope". Empty: at the top. */
  group: string;
  /** Milliseconds in which the plugin itself glides to a new value; 0: at once. */
  smoothing: number;
  /** This toggle is the plugin's bypass. At most one port of a plugin. */
  bypass: boolean;
}

/** A value given before activation, as a string. It never flows through the graph. */
export interface ConfigParam {
  id: string;
  display_name: string;
  doc: string;
  type: ConfigType;
  /** String-encoded: "12", "0.5", "true", a choice's name. */
  default: string;
  /** For filepath: "SF2 Files (*.sf2);;All Files (*)". */
  file_filter: string;
  /** For categorical. */
  choices: string[];
}

/** The ports of `group` may be repeated `min` to `max` times; the config parameter `config` holds how often. */
export interface PortTemplate {
  group: string;
  min: number;
  max: number;
  config: string;
}

/** A preset proposes values. It never names a file. */
export interface Preset {
  name: string;
  /** Control port id -> value. */
  params: Map<string, number>;
  /** Config id -> string-encoded value. */
  config: Map<string, string>;
  /** Graph-editor port id -> JSON text. */
  graph: Map<string, string>;
  /** Opaque bytes for bj_state_load. */
  state: Uint8Array | null;
}

export interface PluginDescriptor {
  /** Unique: "vendor.name". Lower case letters, digits, `.`, `_`, `-`. */
  id: string;
  display_name: string;
  /** "Synth", "Effect", "Filter", "Mixer", "EventGen", "EventEffect", "Output" or the author's own word. */
  category: string;
  doc: string;
  author: string;
  version: number;
  ports: PortDescriptor[];
  config_params: ConfigParam[];
  /** Latency in frames that the author expects; the layout's figure is the one that counts. */
  latency: number;
  /** Seconds of sound after the last input; -1 is infinite. The layout's figure is the one that counts. */
  tail: number;
  port_template: PortTemplate | null;
  presets: Preset[];
}

/** Whether sound, events or values flow into the plugin through this port. */
export function isInput(port: PortDescriptor): boolean {
  return port.role === "input" || port.role === "sidechain";
}

/** Channels of an audio port; 0 for the others. */
export function channelCount(port: PortDescriptor): number {
  return port.type === "audio_stereo" ? 2 : port.type === "audio_mono" ? 1 : 0;
}
