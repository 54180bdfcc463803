// Hostile: listens to the music, silent and harmless, and at the 70th note writes NaN, which would silence everything behind it.

import { AudioPort, EventPort, Info, Plugin } from "belljar/sdk-as";

export default class NotANumber extends Plugin {
  info: Info = this.plugin("hostile.not-a-number", "Not a Number").category("Synth").doc("Poisons whatever it is mixed with");
  song: EventPort = this.eventsIn("events_in");
  output: AudioPort = this.stereoOut("audio_out");
  notes: i32 = 0;

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.notes++;
  }

  process(frames: i32): void {
    this.output.silence(frames);
    if (this.notes < 70) return;
    for (let i = 0; i < frames; i++) this.output.left[i] = f32.NaN;
  }
}
