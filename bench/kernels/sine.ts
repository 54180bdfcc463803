// 64 voices of a polynomial sine, scalar.

import { sine } from "../../sdk-as/dsp/sine";
import { IN, OUT } from "./signal";
import { makeVoices, VOICES, voices } from "./voices";

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
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
      const y = sine(<f32>(<i32>phase) * <f32>(1.0 / 4294967296.0));
      store<f32>(at, load<f32>(at) + y * left);
      store<f32>(at, load<f32>(at, 4096) + y * right, 4096);
      phase += increment;
    }
    voice.phase = phase;
  }
}
