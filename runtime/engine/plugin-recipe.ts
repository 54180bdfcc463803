// What a node's plugin is made from: at first, and again where it has stopped.

import { channelCount } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import type { PluginInstance, PluginType } from "../sandbox/index.ts";
import { type Inheritance, type SetupPlace, setUpPlugin } from "./plugin-setup.ts";
import type { OnFault, WhileFaulty } from "./recovery.ts";
import type { SessionNode } from "./session.ts";

export interface RecipeOptions {
  unitBudget?: number | undefined;
  deadline?: number | undefined;
  /** Instead of what the node says. */
  onFault?: OnFault | undefined;
}

export interface RecipeMemory {
  /** What "restore" goes back to. */
  state: Uint8Array | null;
  /** Config parameter id -> hash of its file. */
  files: ReadonlyMap<string, string>;
}

export class PluginRecipe {
  readonly onFault: OnFault;
  readonly whileFaulty: WhileFaulty;
  private readonly type: PluginType;
  private readonly node: SessionNode;
  private readonly place: SetupPlace;
  private readonly options: RecipeOptions;
  private state: Uint8Array | null = null;
  private inheritance: Inheritance | undefined;

  constructor(type: PluginType, node: SessionNode, place: SetupPlace, options: RecipeOptions = {}) {
    this.onFault = options.onFault ?? node.onFault ?? "off";
    this.whileFaulty = node.whileFaulty ?? "silence";
    this.type = type;
    this.node = node;
    this.place = { ...place, files: new Map() };
    this.options = options;
  }

  /** [control] The first instance. @throws BelljarError naming the node */
  async make(): Promise<PluginInstance> {
    const instance = this.ready(await setUpPlugin(this.type, this.node, this.place, this.inheritance));
    if (this.whileFaulty === "bypass") this.checkBypass(instance);
    return instance;
  }

  /** What it would make another instance from, beside the node: for the recipe that goes on with it. */
  get memory(): RecipeMemory {
    return { state: this.state, files: this.place.files ?? new Map() };
  }

  /** Goes on with what another one of the same node knew. */
  recall({ state, files }: RecipeMemory): void {
    this.state = state;
    this.place.files = new Map(files);
  }

  /** Before `make`: the first instance takes the place of another one of the same plugin. */
  inherit(from: Inheritance): void {
    this.inheritance = from;
  }

  /**
   * [control] Right before the sound begins: what "restore" goes back to. A plugin that fails at that is at fault in its first
   * block, and begins anew without a state.
   */
  handOver(instance: PluginInstance): void {
    if (this.onFault !== "restore") return;
    try {
      this.state = instance.saveState();
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
    }
  }

  /**
   * [control] Another instance, from the same config and files, with the graph data that the last one was given. Its control
   * values it gets when it takes the place.
   * @throws BelljarError naming the node
   */
  async makeAgain(graphData: ReadonlyMap<string, string>): Promise<PluginInstance> {
    const from = { state: this.state, graphData };
    return this.ready(await setUpPlugin(this.type, this.node, this.place, from));
  }

  private ready(instance: PluginInstance): PluginInstance {
    const { unitBudget, deadline } = this.options;
    if (unitBudget !== undefined) instance.unitBudget = unitBudget;
    if (deadline !== undefined) instance.deadline = deadline;
    return instance;
  }

  private checkBypass(instance: PluginInstance): void {
    const { id, ports } = instance.descriptor;
    for (const role of ["input", "output"] as const) {
      if (ports.some((port) => channelCount(port) > 0 && port.role === role)) continue;
      throw new BelljarError(
        "session/value",
        `The node "${this.node.id}" can't be set to bypass while it is faulty, since "${id}" has no audio ${role}.`,
        'Leave "while_faulty" out; it is then silent.',
      );
    }
  }
}
