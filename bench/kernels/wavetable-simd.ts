// 64 voices that read a table of 2,048 samples with linear interpolation, four frames at once. `frames` is a multiple
// of four.

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
  const fractions = i32x4.splat(0x1fffff);
  const scale = f32x4.splat(FRACTION);
  for (let voice = 0; voice < VOICES; voice++) {
    const increment = increments[voice];
    const step = i32x4.splat(<i32>(increment << 2));
    const left = f32x4.splat(leftGains[voice]);
    const right = f32x4.splat(rightGains[voice]);
    let phase = i32x4.add(i32x4.splat(<i32>phases[voice]), i32x4.mul(i32x4.splat(<i32>increment), i32x4(0, 1, 2, 3)));
    for (let i = 0; i < frames; i += 4) {
      const index = i32x4.shl(i32x4.shr_u(phase, 32 - TABLE_BITS), 2);
      // a pair of neighbours a lane of 64 bits
      const low = v128.load_lane<u64>(
        TABLE + <usize>i32x4.extract_lane(index, 1),
        v128.load64_zero(TABLE + <usize>i32x4.extract_lane(index, 0)),
        1,
      );
      const high = v128.load_lane<u64>(
        TABLE + <usize>i32x4.extract_lane(index, 3),
        v128.load64_zero(TABLE + <usize>i32x4.extract_lane(index, 2)),
        1,
      );
      const a = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
      const b = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
      const fraction = f32x4.mul(f32x4.convert_i32x4_s(v128.and(phase, fractions)), scale);
      const sample = f32x4.add(a, f32x4.mul(f32x4.sub(b, a), fraction));
      const out = <usize>i << 2;
      v128.store(LEFT_OUT + out, f32x4.add(v128.load(LEFT_OUT + out), f32x4.mul(sample, left)));
      v128.store(RIGHT_OUT + out, f32x4.add(v128.load(RIGHT_OUT + out), f32x4.mul(sample, right)));
      phase = i32x4.add(phase, step);
    }
    phases[voice] = <u32>i32x4.extract_lane(phase, 0);
  }
}
