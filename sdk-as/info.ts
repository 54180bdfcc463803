// What a plugin says of itself beside its ports: name, category, presets, how its ports may be repeated.

/** A preset: a name and the values it proposes. Made by `info.preset("Bright")`. */
export class Preset {
  paramIds: string[] = [];
  paramValues: f64[] = [];
  configIds: string[] = [];
  configValues: string[] = [];
  graphIds: string[] = [];
  graphTexts: string[] = [];
  state: StaticArray<u8> | null = null;

  constructor(readonly name: string) {}

  /** Proposes a parameter's plain value. [control] */
  set(id: string, value: f64): Preset {
    this.paramIds.push(id);
    this.paramValues.push(value);
    return this;
  }

  /** Proposes a config parameter's value, encoded as a string. Files can't be proposed. [control] */
  config(id: string, value: string): Preset {
    this.configIds.push(id);
    this.configValues.push(value);
    return this;
  }

  /** Proposes a graph editor's data, as JSON text. [control] */
  graph(id: string, json: string): Preset {
    this.graphIds.push(id);
    this.graphTexts.push(json);
    return this;
  }

  /** Proposes bytes for loadState. [control] */
  bytes(state: StaticArray<u8>): Preset {
    this.state = state;
    return this;
  }
}

/** Who the plugin is. Declared first: `info: Info = this.plugin("vendor.name", "Name").category("Effect")`. */
export class Info {
  categoryName: string = "Effect";
  docText: string = "";
  authorName: string = "";
  versionNumber: i32 = 1;
  latencyFrames: i32 = 0;
  tailSeconds: f64 = 0;
  presets: Preset[] = [];
  templateGroup: string = "";
  templateMin: i32 = 0;
  templateMax: i32 = 0;
  templateConfig: string = "";

  /** @param id "vendor.name": lower-case letters, digits, `.`, `_`, `-` */
  constructor(
    readonly id: string,
    readonly displayName: string,
  ) {}

  /** "Synth", "Effect", "Filter", "Mixer", "EventGen", "EventEffect", "Output" or a word of your own. [control] */
  category(name: string): Info {
    this.categoryName = name;
    return this;
  }

  /** One paragraph: what it does. [control] */
  doc(text: string): Info {
    this.docText = text;
    return this;
  }

  /** Who made it. [control] */
  author(name: string): Info {
    this.authorName = name;
    return this;
  }

  /** Grows when parameters or state change their meaning; loadState is told the version that saved. 1 if not said. [control] */
  version(version: i32): Info {
    this.versionNumber = version;
    return this;
  }

  /** Frames by which the sound comes out late, if it is known now; activate may set the plugin's `latencyFrames`. [control] */
  latency(frames: i32): Info {
    this.latencyFrames = frames;
    return this;
  }

  /** Seconds of sound after the last input; -1 never ends. activate may set the plugin's `tailSeconds`. [control] */
  tail(seconds: f64): Info {
    this.tailSeconds = seconds;
    return this;
  }

  /** Adds a preset, to be filled in: `info.preset("Dark").set("cutoff", 300)` does not return the Info. [control] */
  preset(name: string): Preset {
    const preset = new Preset(name);
    this.presets.push(preset);
    return preset;
  }

  /** The ports of `group` may be repeated min to max times; the integer config parameter `config` holds how often. [control] */
  repeat(group: string, min: i32, max: i32, config: string): Info {
    this.templateGroup = group;
    this.templateMin = min;
    this.templateMax = max;
    this.templateConfig = config;
    return this;
  }
}
