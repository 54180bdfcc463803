// 64 voices: a 32-bit phase and what it grows by each frame (45 to 749 Hz at 48 kHz), and a place between left and right.

export const VOICES: i32 = 64;

export const phases = new StaticArray<u32>(VOICES);
export const increments = new StaticArray<u32>(VOICES);
export const leftGains = new StaticArray<f32>(VOICES);
export const rightGains = new StaticArray<f32>(VOICES);

export function startVoices(): void {
  for (let voice = 0; voice < VOICES; voice++) {
    phases[voice] = <u32>voice * 67_108_864;
    increments[voice] = 4_000_000 + <u32>voice * 1_000_003;
    const place = <f32>voice / 4096;
    leftGains[voice] = place;
    rightGains[voice] = <f32>0.015625 - place;
  }
}
