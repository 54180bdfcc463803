// Hostile: fills 32 MiB with pointers in an order that no cache can guess, listens to the music, and at the 100th
// note follows them for ever. Each step is little work and much time, so that counting work alone is late to see it.

import { AudioPort, EventPort, Info, Plugin } from "belljar/sdk-as";

const COUNT: u32 = 1 << 23;

export default class PointerChase extends Plugin {
  info: Info = this.plugin("hostile.pointer-chase", "Pointer Chase").category("Synth").doc("Waits for memory as often as it can");
  song: EventPort = this.eventsIn("events_in");
  output: AudioPort = this.stereoOut("audio_out");
  notes: i32 = 0;
  table: StaticArray<u32> = new StaticArray<u32>(0);

  activate(rate: f64, maxFrames: i32): void {
    this.table = new StaticArray<u32>(COUNT);
    // A linear congruential step of full period (Knuth 3.2.1.2): one circle through the whole table.
    for (let i: u32 = 0; i < COUNT; i++) this.table[i] = (i * 1664525 + 1013904223) & (COUNT - 1);
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.notes++;
  }

  process(frames: i32): void {
    this.output.silence(frames);
    if (this.notes < 100) return;
    let at: u32 = 0;
    do at = this.table[at];
    while (at < COUNT);
  }
}
