// 64 sines. The phase, as x from -1 to 1, is folded to y from -1/2 to 1/2, and sin(pi y) is its Taylor polynomial up to
// y^9, which is off by 3.6e-6 at most.

import { LEFT_OUT, RIGHT_OUT } from "./parts/signal";
import { increments, leftGains, phases, rightGains, startVoices, VOICES } from "./parts/voices";

export { input, output } from "./parts/signal";

export function setup(): void {
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
      const x = <f32>(<i32>phase) * <f32>4.656612873077393e-10;
      let y: f32 = x > 0.5 ? 1 - x : x;
      y = y < -0.5 ? -1 - y : y;
      const z = y * y;
      const sample =
        y *
        (<f32>3.141592653589793 +
          z *
            (<f32>-5.16771278004997 +
              z * (<f32>2.550164039877345 + z * (<f32>-0.5992645293207921 + z * <f32>0.08214588661112823))));
      const out = <usize>i << 2;
      store<f32>(LEFT_OUT + out, load<f32>(LEFT_OUT + out) + sample * left);
      store<f32>(RIGHT_OUT + out, load<f32>(RIGHT_OUT + out) + sample * right);
      phase += increment;
    }
    phases[voice] = phase;
  }
}
