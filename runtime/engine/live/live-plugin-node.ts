// A plugin in the audio thread: as in any graph, and so that another thread can go on where this one was ended.

import type { AudioPort, Fault, PluginInstance } from "../../sandbox/index.ts";
import { PluginNode } from "../plugin-node.ts";
import type { PluginParcel } from "./parcel.ts";
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

/** The same where that was found out before the thread was ended. */
const STOPPED: Fault = { ...HELD_UP, message: "The plugin had stopped when the audio thread was ended." };

export class LivePluginNode extends PluginNode {
  readonly serial: number;
  private readonly place: number;
  private readonly shared: LiveWords;
  private readonly lanes: Int32Array;
  private readonly monitors: Float32Array;
  private state: number;
  private readonly gone: boolean;

  /**
   * @param place of the node as the session declares it @param parcel where its globals and its control outputs are kept,
   * in shared memory, and its own number: where it has stopped in another thread, or was left in the midst of a call, no
   * further one can be made
   */
  constructor(
    instance: PluginInstance,
    place: number,
    shared: LiveWords,
    { lanes, monitors, serial }: Pick<PluginParcel, "lanes" | "monitors" | "serial">,
  ) {
    super(instance);
    this.place = place;
    this.shared = shared;
    this.lanes = lanes;
    this.monitors = monitors;
    this.serial = serial;
    this.gone = shared.node(place, NodeWord.Stopped) === serial;
    this.state = instance.processState;
  }

  /** What stopped it, or null. */
  get fault(): Fault | null {
    if (!this.gone) return this.instance.fault;
    return this.shared.node(this.place, NodeWord.HeldUp) === this.serial ? HELD_UP : STOPPED;
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
    if (shared.node(place, NodeWord.Blocks) === block && shared.node(place, NodeWord.Owner) === this.serial) {
      // The thread before this one ended in the midst of this block, after this node: its sound lies there already.
      const { audio } = instance;
      for (let i = 0; i < audio.length; i++) (audio[i] as AudioPort).peak = -1;
      this.state = shared.node(place, NodeWord.State);
      this.eventsIn.count = 0;
      this.eventsOut.count = shared.node(place, NodeWord.Events);
      return true;
    }
    shared.store(Word.Inside, this.serial);
    const well = instance.process(frames);
    this.state = instance.processState;
    shared.setNode(place, NodeWord.State, this.state);
    shared.setNode(place, NodeWord.Units, instance.units);
    shared.setNode(place, NodeWord.Events, this.eventsOut.count);
    shared.setNode(place, NodeWord.Owner, this.serial);
    shared.setNode(place, NodeWord.Blocks, block);
    this.monitors.set(this.controlsOut);
    this.keepLanes();
    return well;
  }

  override idle(): void {
    if (this.gone) return;
    this.shared.store(Word.Inside, this.serial);
    super.idle();
    this.keepLanes();
  }

  override reset(): void {
    if (this.gone) return;
    this.shared.store(Word.Inside, this.serial);
    super.reset();
    this.keepLanes();
  }

  /** What another thread would go on with; then this one is at an edge again. */
  private keepLanes(): void {
    const { shared, place, instance } = this;
    instance.readLanes(this.lanes);
    if (instance.fault !== null) shared.setNode(place, NodeWord.Stopped, this.serial);
    shared.store(Word.Inside, 0);
  }
}
