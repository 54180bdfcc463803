// 64 voices of a polynomial sine, SIMD: four frames of a voice at a time. Blocks are multiples of four frames.

import { sine4 } from "../../sdk-as/dsp/sine";
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
  const scale = f32x4.splat(<f32>(1.0 / 4294967296.0));
  for (let v = 0; v < VOICES; v++) {
    const voice = voices[v];
    const increment = voice.increment;
    const left = f32x4.splat(voice.left);
    const right = f32x4.splat(voice.right);
    let phase = i32x4.add(i32x4.splat(voice.phase), i32x4.mul(i32x4.splat(increment), i32x4(0, 1, 2, 3)));
    const four = i32x4.splat(increment << 2);
    for (let i = 0; i < frames; i += 4) {
      const at = OUT + (<usize>i << 2);
      const y = sine4(f32x4.mul(f32x4.convert_i32x4_s(phase), scale));
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(y, left)));
      v128.store(at, f32x4.add(v128.load(at, 4096), f32x4.mul(y, right)), 4096);
      phase = i32x4.add(phase, four);
    }
    voice.phase += increment * frames;
  }
}
