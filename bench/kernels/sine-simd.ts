// 64 sines by the polynomial of sine.ts, four frames at once. `frames` is a multiple of four.

import { LEFT_OUT, RIGHT_OUT } from "./parts/signal";
import { increments, leftGains, phases, rightGains, startVoices, VOICES } from "./parts/voices";

export { input, output } from "./parts/signal";

export function setup(): void {
  startVoices();
}

export function process(frames: i32): void {
  memory.fill(LEFT_OUT, 0, <usize>frames << 2);
  memory.fill(RIGHT_OUT, 0, <usize>frames << 2);
  const scale = f32x4.splat(4.656612873077393e-10);
  const one = f32x4.splat(1);
  const minusOne = f32x4.splat(-1);
  const c1 = f32x4.splat(3.141592653589793);
  const c3 = f32x4.splat(-5.16771278004997);
  const c5 = f32x4.splat(2.550164039877345);
  const c7 = f32x4.splat(-0.5992645293207921);
  const c9 = f32x4.splat(0.08214588661112823);
  for (let voice = 0; voice < VOICES; voice++) {
    const increment = increments[voice];
    const step = i32x4.splat(<i32>(increment << 2));
    const left = f32x4.splat(leftGains[voice]);
    const right = f32x4.splat(rightGains[voice]);
    let phase = i32x4.add(i32x4.splat(<i32>phases[voice]), i32x4.mul(i32x4.splat(<i32>increment), i32x4(0, 1, 2, 3)));
    for (let i = 0; i < frames; i += 4) {
      const x = f32x4.mul(f32x4.convert_i32x4_s(phase), scale);
      const y = f32x4.pmax(f32x4.pmin(x, f32x4.sub(one, x)), f32x4.sub(minusOne, x));
      const z = f32x4.mul(y, y);
      let sum = f32x4.add(c7, f32x4.mul(z, c9));
      sum = f32x4.add(c5, f32x4.mul(z, sum));
      sum = f32x4.add(c3, f32x4.mul(z, sum));
      const sample = f32x4.mul(y, f32x4.add(c1, f32x4.mul(z, sum)));
      const out = <usize>i << 2;
      v128.store(LEFT_OUT + out, f32x4.add(v128.load(LEFT_OUT + out), f32x4.mul(sample, left)));
      v128.store(RIGHT_OUT + out, f32x4.add(v128.load(RIGHT_OUT + out), f32x4.mul(sample, right)));
      phase = i32x4.add(phase, step);
    }
    phases[voice] = <u32>i32x4.extract_lane(phase, 0);
  }
}
