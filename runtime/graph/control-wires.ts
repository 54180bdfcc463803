// Control values from outputs to inputs, once a block: wires add, and replace the knob's own value.

import type { PortDescriptor } from "../../abi/descriptor.ts";

/** One control wire. A feedback wire reads what `keep` kept. */
export class ControlWire {
  /** Set where the source has stopped: the wire then counts as unplugged. */
  dead = false;
  /** Where the wire's value lies: an input reads it there, since a number that a call returns may be a new object. */
  source: Float32Array | Float64Array;
  readonly place: number;
  private values: Float32Array;
  private readonly slot: number;
  private readonly feedback: boolean;
  private readonly initial: number;
  private readonly kept: Float64Array;

  constructor(values: Float32Array, slot: number, port: PortDescriptor, feedback: boolean) {
    this.values = values;
    this.slot = slot;
    this.feedback = feedback;
    this.initial = port.default;
    this.kept = Float64Array.of(port.default);
    this.source = feedback ? this.kept : values;
    this.place = feedback ? 0 : slot;
  }

  /** The wire begins at another instance from here on, and is alive. */
  rebind(values: Float32Array): void {
    this.values = values;
    if (!this.feedback) this.source = values;
    this.kept[0] = this.initial;
    this.dead = false;
  }

  /** Goes on with what another one kept. */
  takeOver(former: ControlWire): void {
    this.kept.set(former.kept);
  }
  /** [audio] Between blocks. */
  save(to: Float64Array, at: number): void {
    to[at] = this.kept[0] as number;
  }
  resume(from: Float64Array, at: number): void {
    this.kept[0] = from[at] as number;
  }

  /** After the last node of a block. */
  keep(): void {
    if (this.dead) return;
    this.kept[0] = this.values[this.slot] as number;
  }
}

// Places in a control input's range.
const LEAST = 0;
const MOST = 1;
const NEXT = 2;

/** One control input of one node. */
export class ControlInput {
  /** Of its port. */
  readonly id: string;
  private values: Float32Array;
  private readonly slot: number;
  /** Its least and its greatest value, and what it is to be: in an array, where no calculation makes an object. */
  private readonly range: Float64Array;
  private readonly wires: ControlWire[] = [];
  private readonly knobs: Float64Array;

  /** @param knobs where what the user has set is kept, by slot @param resume whether it is there already */
  constructor(
    values: Float32Array,
    slot: number,
    port: PortDescriptor,
    knobs: Float64Array,
    resume: boolean,
  ) {
    this.id = port.id;
    this.knobs = knobs;
    this.values = values;
    this.slot = slot;
    this.range = Float64Array.of(port.min, port.max, 0);
    if (!resume) this.knob = values[slot] as number;
  }

  /** What the user has set. */
  get knob(): number {
    return this.knobs[this.slot] as number;
  }
  set knob(value: number) {
    this.knobs[this.slot] = value;
  }

  /** [audio] The same, from one element. */
  turn(value: Float64Array): void {
    this.knobs[this.slot] = value[0] as number;
  }

  connect(wire: ControlWire): void {
    this.wires.push(wire);
  }

  /** Values go to another instance from here on. */
  rebind(values: Float32Array): void {
    this.values = values;
    this.deliver();
  }

  /** Writes the block's value. True: it is another one than before. */
  deliver(): boolean {
    const { wires, values, slot, range } = this;
    let living = 0;
    range[NEXT] = 0;
    for (let i = 0; i < wires.length; i++) {
      const wire = wires[i] as ControlWire;
      if (wire.dead) continue;
      living++;
      range[NEXT] = (range[NEXT] as number) + (wire.source[wire.place] as number);
    }
    if (living === 0) range[NEXT] = this.knobs[slot] as number;
    // Also turns NaN, which compares with nothing, into the least value.
    if (!((range[NEXT] as number) >= (range[LEAST] as number))) range[NEXT] = range[LEAST] as number;
    else if ((range[NEXT] as number) > (range[MOST] as number)) range[NEXT] = range[MOST] as number;
    const before = values[slot] as number;
    values[slot] = range[NEXT] as number;
    return before !== values[slot];
  }
}
