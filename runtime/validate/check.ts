// What a check is, and the bench on which it works: one plugin type, and everything that a check may ask for.

import type { PluginDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import type { InstanceOptions, Limits, PluginInstance, PluginType } from "../sandbox/index.ts";
import { Random } from "./random.ts";
import { type PlayOptions, Rig } from "./rig.ts";
import { type Score, standardScore } from "./score.ts";
import type { Take } from "./take.ts";
import { skip } from "./verdict.ts";

export const GROUPS = [
  "module",
  "descriptor",
  "lifecycle",
  "processing",
  "events",
  "parameters",
  "state",
  "graph-data",
  "robustness",
  "sandbox",
] as const;
export type Group = (typeof GROUPS)[number];

export interface Check {
  /** "group/name" */
  id: `${Group}/${string}`;
  /** 1 to 10: from which level on it runs. */
  level: number;
  /** What is true of a plugin that passes. */
  title: string;
  /** Throws Ended where it does not pass. Returns a remark, or nothing; or a promise of these. */
  run(bench: Bench): unknown;
}

/** How another process is to compile and play. */
export type Elsewhere = "again" | "simple" | "optimised";

/** How every instance is set up before it is activated. */
export interface PluginSetup {
  config: [id: string, value: string][];
  files: { id: string; name: string; bytes: Uint8Array }[];
  /** Where others are wanted than DEFAULT_LIMITS. */
  limits?: Partial<Limits>;
}

export const NO_SETUP: PluginSetup = { config: [], files: [] };

export interface BenchOptions {
  type: PluginType;
  bytes: Uint8Array;
  seed: number;
  setup?: PluginSetup;
  /** Plays the plugin's standard score in another process; gives its fingerprint. */
  elsewhere: (how: Elsewhere) => Promise<string>;
}

export interface RigOptions {
  rate?: number;
  maxFrames?: number;
  config?: [id: string, value: string][];
  /** A file for a config parameter; null: none. */
  file?: { id: string; bytes: Uint8Array | null };
  /** A value for every parameter, by slot. */
  values?: ReadonlyMap<number, number>;
  control?: boolean;
}

/** What a plugin, or its set-up, says no with. */
const REFUSALS = ["plugin/refused", "plugin/config"];

export const RATE = 48_000;
export const FRAMES = 256;

export class Bench {
  readonly type: PluginType;
  readonly bytes: Uint8Array;
  readonly seed: number;
  readonly setup: PluginSetup;
  readonly elsewhere: BenchOptions["elsewhere"];
  /** Check -> what was seen of it, in whichever check. */
  readonly notices = new Map<string, string>();
  /** Instances that were made since the last sweep. */
  private made: PluginInstance[] = [];

  constructor(options: BenchOptions) {
    this.type = options.type;
    this.bytes = options.bytes;
    this.seed = options.seed;
    this.setup = options.setup ?? NO_SETUP;
    this.elsewhere = options.elsewhere;
  }

  get descriptor(): PluginDescriptor {
    return this.type.descriptor;
  }

  notice = (check: string, sentence: string): void => {
    if (!this.notices.has(check)) this.notices.set(check, sentence);
  };

  random(purpose: string): Random {
    return Random.of(this.seed, purpose);
  }

  /** An instance, configured and activated. Throws BelljarError as the sandbox does. */
  make(options: RigOptions = {}): Rig {
    let rig: Rig | null = null;
    const more: InstanceOptions = {
      control: options.control ?? false,
      look: (frames, events) => rig?.look(frames, events),
    };
    const instance = this.type.instantiate(more);
    this.made.push(instance);
    for (const [id, value] of this.setup.config) instance.configure(id, value);
    for (const { id, name, bytes } of this.setup.files) instance.configureFile(id, name, bytes);
    for (const [id, value] of options.config ?? []) instance.configure(id, value);
    if (options.file !== undefined) instance.configureFile(options.file.id, "file.bin", options.file.bytes);
    instance.activate(options.rate ?? RATE, options.maxFrames ?? FRAMES);
    rig = new Rig(instance, this.notice);
    for (const [slot, value] of options.values ?? []) instance.controlsIn[slot] = value;
    return rig;
  }

  /** As make; where the plugin refuses to be activated as it is, the check is skipped. */
  rig(options: RigOptions = {}): Rig {
    try {
      return this.make(options);
    } catch (error) {
      if (!(error instanceof BelljarError) || !REFUSALS.includes(error.code)) throw error;
      skip(`It can't be activated: ${error.message}`);
    }
  }

  /** Moves a living instance to another one on the same memory, as for another thread. */
  attach(rig: Rig): PluginInstance {
    const instance = this.type.attach(rig.instance.share(), {
      look: (frames, events) => rig.look(frames, events),
    });
    this.made.push(instance);
    return instance;
  }

  /** A check is over: nothing of what it made is needed any more. */
  sweep(): void {
    for (const instance of this.made) instance.dispose();
    this.made = [];
  }

  /** Plays the standard score to a fresh instance. */
  take(frames: number, score: Partial<Score> = {}, play: PlayOptions = {}, rig: RigOptions = {}): Take {
    return this.rig(rig).play(this.score(frames, score), play);
  }

  score(frames: number, more: Partial<Score> = {}): Score {
    return standardScore(this.descriptor, frames, more);
  }

  has(type: "audio" | "event" | "control", direction: "in" | "out"): boolean {
    return this.descriptor.ports.some(
      (port) =>
        port.type.startsWith(type) &&
        (port.role === "input" || port.role === "sidechain") === (direction === "in"),
    );
  }

  /** Skips the check where the plugin has no such port. */
  needs(type: "audio" | "event" | "control", direction: "in" | "out"): void {
    if (this.has(type, direction)) return;
    skip(`It has no ${type} ${direction === "in" ? "input" : "output"}.`);
  }
}
