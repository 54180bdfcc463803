// Hostile: listens to the music, silent and harmless, and at the 40th note goes into a loop that never ends.

import { AudioPort, EventPort, Info, Plugin } from "belljar/sdk-as";

export default class EndlessLoop extends Plugin {
  info: Info = this.plugin("hostile.endless-loop", "Endless Loop").category("Synth").doc("Takes the audio thread and never gives it back");
  song: EventPort = this.eventsIn("events_in");
  output: AudioPort = this.stereoOut("audio_out");
  notes: i32 = 0;

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.notes++;
  }

  process(frames: i32): void {
    this.output.silence(frames);
    while (this.notes >= 40) this.notes++;
  }
}
