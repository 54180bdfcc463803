// A plugin in the audio thread: as in any graph, and so that another thread can go on where this one was ended.

import type { Fault, PluginInstance } from "../../sandbox/index.ts";
import { PluginNode } from "../plugin-node.ts";
import { type LiveWords, NodeWord, Word } from "./words.ts";

/** Why a plugin was stopped that the audio thread was inside of when it had to be ended. */
const HELD_UP: Fault = {
  kind: "deadline",
  call: "process",
  where: "",
  block: 0,
  units: 0,
  message: "The plugin held up the audio thread, which was ended and started again.",
};

export class LivePluginNode extends PluginNode {
  private readonly place: number;
  private readonly shared: LiveWords;
  private readonly lanes: Int32Array;
  private state: number;
  private readonly gone: boolean;

  /**
   * @param place of the node as the session declares it @param lanes where its globals are kept, in shared memory
   * @param gone it was left in the midst of a call, so no further one can be made
   */
  constructor(instance: PluginInstance, place: number, shared: LiveWords, lanes: Int32Array, gone: boolean) {
    super(instance);
    this.place = place;
    this.shared = shared;
    this.lanes = lanes;
    this.gone = gone;
    this.state = instance.processState;
  }

  /** What stopped it, or null. */
  get fault(): Fault | null {
    return this.gone ? HELD_UP : this.instance.fault;
  }

  override get stopped(): boolean {
    return this.fault !== null;
  }

  override get processState(): number {
    return this.state;
  }

  override process(frames: number): boolean {
    const { shared, place, instance } = this;
    if (this.gone) return false;
    const block = (shared.load(Word.Blocks) + 1) | 0;
    if (shared.node(place, NodeWord.Blocks) === block) {
      // The thread before this one ended in the midst of this block, after this node: its sound lies there already.
      for (const port of instance.audio) if (!port.input) port.peak = -1;
      this.state = shared.node(place, NodeWord.State);
      this.eventsIn.count = 0;
      return true;
    }
    shared.store(Word.Inside, place + 1);
    const well = instance.process(frames);
    this.state = instance.processState;
    this.keep(block);
    return well;
  }

  override idle(): void {
    if (this.gone) return;
    this.shared.store(Word.Inside, this.place + 1);
    super.idle();
    this.keep(this.shared.node(this.place, NodeWord.Blocks));
  }

  override reset(): void {
    if (this.gone) return;
    this.shared.store(Word.Inside, this.place + 1);
    super.reset();
    this.keep(this.shared.node(this.place, NodeWord.Blocks));
  }

  private keep(block: number): void {
    const { shared, place, instance } = this;
    instance.readLanes(this.lanes);
    shared.setNode(place, NodeWord.State, this.state);
    shared.setNode(place, NodeWord.Units, instance.units);
    shared.setNode(place, NodeWord.Blocks, block);
    shared.store(Word.Inside, 0);
  }
}
