// 64 voices that read a table of 2,048 samples with linear interpolation, SIMD: four frames of a voice at a time.
// Blocks are multiples of four frames.

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
  const samples = changetype<usize>(table);
  const scale = f32x4.splat(<f32>(1.0 / 2097152.0));
  const mask = i32x4.splat(0x1fffff);
  for (let v = 0; v < VOICES; v++) {
    const voice = voices[v];
    const increment = voice.increment;
    const left = f32x4.splat(voice.left);
    const right = f32x4.splat(voice.right);
    let phase = i32x4.add(i32x4.splat(voice.phase), i32x4.mul(i32x4.splat(increment), i32x4(0, 1, 2, 3)));
    const four = i32x4.splat(increment << 2);
    for (let i = 0; i < frames; i += 4) {
      const at = OUT + (<usize>i << 2);
      const index = i32x4.shl(i32x4.shr_u(phase, 21), 2);
      const fraction = f32x4.mul(f32x4.convert_i32x4_s(v128.and(phase, mask)), scale);
      const zero = i32x4.splat(0);
      let low = v128.load64_lane(samples + <usize>i32x4.extract_lane(index, 0), zero, 0);
      low = v128.load64_lane(samples + <usize>i32x4.extract_lane(index, 1), low, 1);
      let high = v128.load64_lane(samples + <usize>i32x4.extract_lane(index, 2), zero, 0);
      high = v128.load64_lane(samples + <usize>i32x4.extract_lane(index, 3), high, 1);
      const a = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
      const b = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
      const y = f32x4.add(a, f32x4.mul(f32x4.sub(b, a), fraction));
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(y, left)));
      v128.store(at, f32x4.add(v128.load(at, 4096), f32x4.mul(y, right)), 4096);
      phase = i32x4.add(phase, four);
    }
    voice.phase += increment * frames;
  }
}
