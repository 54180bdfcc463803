// A plugin type: bytes that were vetted, rewritten and compiled, and what the plugin says of itself.

import { ABI_VERSION } from "../../abi/layout.ts";
import type { PluginDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { decodeDescriptor } from "./descriptor.ts";
import { type InstanceOptions, PluginInstance, type SharedInstance } from "./instance.ts";
import { completeLimits, type Limits } from "./limits.ts";
import { type Rewritten, rewriteModule } from "./rewrite.ts";
import type { ModuleFacts } from "./types.ts";
import { checkContract, vetModule } from "./vet.ts";

/** Compiles a rewritten module: in Node in bounded time and memory (runtime/registry), elsewhere at once. */
export type Compile = (bytes: Uint8Array<ArrayBuffer>, limits: Limits) => Promise<WebAssembly.Module>;

export interface LoadOptions {
  limits?: Partial<Limits>;
  /**
   * Default: WebAssembly.compile, which bounds nothing and, in V8, compiles each function at its first call: time of a block that no unit
   * counts. Hosts with deadlines hand in one that compiles all at once, as runtime/registry does.
   */
  compile?: Compile;
}

/** A type as it travels to another thread, where PluginType.adopt makes it one again: nothing is compiled twice. */
export interface SharedType {
  hash: string;
  facts: ModuleFacts;
  limits: Limits;
  rewritten: Omit<Rewritten, "bytes">;
  module: WebAssembly.Module;
  described: Uint8Array;
  descriptor: PluginDescriptor;
}

export class PluginType {
  /** SHA-256 of the plugin's bytes, hexadecimal. */
  readonly hash: string;
  readonly facts: ModuleFacts;
  readonly limits: Limits;
  readonly rewritten: Omit<Rewritten, "bytes">;
  readonly module: WebAssembly.Module;
  private described: PluginDescriptor | null = null;
  private describedBytes: Uint8Array | null = null;
  private shared: SharedType | null = null;

  private constructor(
    hash: string,
    facts: ModuleFacts,
    limits: Limits,
    rewritten: Omit<Rewritten, "bytes">,
    module: WebAssembly.Module,
  ) {
    this.hash = hash;
    this.facts = facts;
    this.limits = limits;
    this.rewritten = rewritten;
    this.module = module;
  }

  /**
   * Vets, rewrites, compiles and describes a plugin. Throws BelljarError: module/… for what vetting refuses,
   * descriptor/… for a descriptor that is wrong, plugin/… for a plugin that fails while it describes itself.
   */
  static async load(bytes: Uint8Array, options: LoadOptions = {}): Promise<PluginType> {
    const limits = completeLimits(options.limits);
    const own = new Uint8Array(bytes);
    const { module, codes, facts } = vetModule(own, limits);
    checkContract(module);
    const { bytes: form, ...rewritten } = rewriteModule(module, codes, limits);
    const compile =
      options.compile ?? ((rewrittenBytes: Uint8Array<ArrayBuffer>) => WebAssembly.compile(rewrittenBytes));
    const [compiled, digest] = await Promise.all([
      compile(form, limits),
      crypto.subtle.digest("SHA-256", own),
    ]);
    const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const type = new PluginType(hash, facts, limits, rewritten, compiled);
    type.ask();
    return type;
  }

  /** Asks a first instance what the plugin is. */
  private ask(): void {
    const first = new PluginInstance(this, {});
    try {
      const version = first.abiVersion();
      if (version >>> 16 !== ABI_VERSION >>> 16) {
        throw new BelljarError(
          "module/abi",
          `The plugin is built for version ${version >>> 16}.${version & 0xffff} of the contract; this host speaks ${ABI_VERSION >>> 16}.${ABI_VERSION & 0xffff}.`,
          `bj_abi must return 0x${ABI_VERSION.toString(16).padStart(8, "0")}: build it again with a matching SDK.`,
        );
      }
      this.describedBytes = first.describeBytes();
      this.described = decodeDescriptor(this.describedBytes, this.limits);
    } finally {
      first.dispose();
    }
  }

  /** What it says of itself before it is configured. */
  get descriptor(): PluginDescriptor {
    return this.described ?? UNKNOWN;
  }

  /** [control] A new instance with memory of its own, booted and asked for its descriptor, as the contract's order wants it. */
  instantiate(options: InstanceOptions = {}): PluginInstance {
    const instance = new PluginInstance(this, options);
    try {
      instance.abiVersion();
      const bytes = instance.describeBytes();
      const before = this.describedBytes as Uint8Array;
      if (bytes.length !== before.length || bytes.some((byte, i) => byte !== before[i])) {
        throw new BelljarError(
          "plugin/contract",
          `"${this.descriptor.id}" describes itself differently each time.`,
        );
      }
      return instance;
    } catch (error) {
      instance.dispose();
      throw error;
    }
  }

  /** What another thread's PluginType.adopt takes: one object for all instances, so that it travels once with them. */
  share(): SharedType {
    const { hash, facts, limits, rewritten, module, descriptor } = this;
    this.shared ??= {
      hash,
      facts,
      limits,
      rewritten,
      module,
      descriptor,
      described: this.describedBytes as Uint8Array,
    };
    return this.shared;
  }

  /** What another thread's share() gave, as a type of this one. */
  static adopt({ hash, facts, limits, rewritten, module, described, descriptor }: SharedType): PluginType {
    const type = new PluginType(hash, facts, limits, rewritten, module);
    type.describedBytes = described;
    type.described = descriptor;
    return type;
  }

  /** A second view of a living instance, for the thread that goes on with it: same memory, same globals, nothing runs. */
  attach(shared: SharedInstance, options: InstanceOptions = {}): PluginInstance {
    return new PluginInstance(this, options, shared);
  }
}

/** Stands in while the first instance is asked. */
const UNKNOWN: PluginDescriptor = {
  id: "the plugin",
  display_name: "",
  category: "",
  doc: "",
  author: "",
  version: 0,
  ports: [],
  config_params: [],
  latency: 0,
  tail: 0,
  port_template: null,
  presets: [],
};
