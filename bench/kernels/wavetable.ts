// 64 voices that read a table of 2,048 samples with linear interpolation, scalar.

import { IN, OUT } from "./signal";
import { makeTable, table } from "./table";
import { makeVoices, VOICES, voices } from "./voices";

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  makeTable();
  makeVoices();
}

export function process(frames: i32): void {
  memory.fill(OUT, 0, <usize>frames << 2);
  memory.fill(OUT + 4096, 0, <usize>frames << 2);
  for (let v = 0; v < VOICES; v++) {
    const voice = voices[v];
    const increment = voice.increment;
    const left = voice.left;
    const right = voice.right;
    let phase = voice.phase;
    for (let i = 0; i < frames; i++) {
      const at = OUT + (<usize>i << 2);
      const index = phase >> 21;
      const fraction = <f32>(<i32>(phase & 0x1fffff)) * <f32>(1.0 / 2097152.0);
      const a = table[index];
      const y = a + (table[index + 1] - a) * fraction;
      store<f32>(at, load<f32>(at) + y * left);
      store<f32>(at, load<f32>(at, 4096) + y * right, 4096);
      phase += increment;
    }
    voice.phase = phase;
  }
}
