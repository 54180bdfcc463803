// The 64 voices of the wavetable and sine kernels: a phase in 2^-32 turns, its advance, a gain for each side.

export const VOICES: i32 = 64;

export class Voice {
  phase: u32 = 0;
  increment: u32 = 0;
  left: f32 = 0;
  right: f32 = 0;
}

export const voices = new StaticArray<Voice>(VOICES);

/** Notes 24 to 87, spread from left to right. */
export function makeVoices(): void {
  for (let v = 0; v < VOICES; v++) {
    const voice = new Voice();
    const hz = 440 * Math.pow(2, <f64>(v + 24 - 69) / 12);
    voice.phase = <u32>v * 0x9e3779b9;
    voice.increment = <u32>((hz / 48000) * 4294967296.0);
    voice.right = <f32>v / <f32>(VOICES * VOICES);
    voice.left = <f32>(1.0 / 64.0) - voice.right;
    voices[v] = voice;
  }
}
