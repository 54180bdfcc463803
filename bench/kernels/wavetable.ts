// 64 voices that read a table of 2,048 samples with linear interpolation.

import { LEFT_OUT, RIGHT_OUT } from "./parts/signal";
import { fillTable, FRACTION, TABLE, TABLE_BITS } from "./parts/table";
import { increments, leftGains, phases, rightGains, startVoices, VOICES } from "./parts/voices";

export { input, output } from "./parts/signal";

export function setup(): void {
  fillTable();
  startVoices();
}

export function process(frames: i32): void {
  memory.fill(LEFT_OUT, 0, <usize>frames << 2);
  memory.fill(RIGHT_OUT, 0, <usize>frames << 2);
  for (let voice = 0; voice < VOICES; voice++) {
    let phase = phases[voice];
    const increment = increments[voice];
    const left = leftGains[voice];
    const right = rightGains[voice];
    for (let i = 0; i < frames; i++) {
      const at = TABLE + ((<usize>(phase >> (32 - TABLE_BITS))) << 2);
      const a = load<f32>(at);
      const b = load<f32>(at, 4);
      const sample = a + (b - a) * (<f32>(<i32>(phase & 0x1fffff)) * FRACTION);
      const out = <usize>i << 2;
      store<f32>(LEFT_OUT + out, load<f32>(LEFT_OUT + out) + sample * left);
      store<f32>(RIGHT_OUT + out, load<f32>(RIGHT_OUT + out) + sample * right);
      phase += increment;
    }
    phases[voice] = phase;
  }
}
