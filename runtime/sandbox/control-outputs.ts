// What a plugin shows at its control outputs and monitors, made fit for wires and meters after each block.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { isInput } from "../../abi/descriptor.ts";

const SMALLEST_NORMAL = 2 ** -126;

/** [audio] Nothing here allocates after the constructor. */
export class ControlOutputs {
  private readonly values: Float32Array;
  private readonly least: Float32Array;
  private readonly most: Float32Array;

  /** @param values one per control port with role output or monitor, in the order of `ports` */
  constructor(values: Float32Array, ports: readonly PortDescriptor[]) {
    const outputs = ports.filter((port) => port.type === "control" && !isInput(port));
    this.values = values;
    this.least = Float32Array.from(outputs, ({ min }) => min);
    this.most = Float32Array.from(outputs, ({ max }) => max);
  }

  /**
   * No plugin is stopped for a meter: the level of silence is an honest minus infinity. It becomes the port's least value, as
   * NaN does; plus infinity becomes its greatest, and what is subnormal 0.
   */
  settle(): void {
    const { values } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value - value !== 0) values[i] = (value > 0 ? this.most[i] : this.least[i]) as number;
      else if (value > -SMALLEST_NORMAL && value < SMALLEST_NORMAL) values[i] = 0;
    }
  }
}
