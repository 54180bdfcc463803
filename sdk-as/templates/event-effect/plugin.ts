// My Plugin: a second voice. Every note is joined by another, some semitones away and a little softer.

import { EventPort, Info, Param, Plugin } from "belljar/sdk-as";

const CHANNELS: i32 = 16;
const KEYS: i32 = 128;
const NONE: i32 = -1;

export default class MyPlugin extends Plugin {
  info: Info = this.plugin("example.my-plugin", "My Plugin").category("EventEffect")
    .doc("Adds a second voice to every note.");
  input: EventPort = this.eventsIn("events_in");
  output: EventPort = this.eventsOut("events_out");
  interval: Param = this.param("interval").integer(-24, 24).default(7).unit("st").doc("Where the second voice is");
  level: Param = this.param("level").range(0, 1).default(0.7).doc("How loud it is beside the first");

  // The key that the second voice of each held key has: the interval may be changed before the note ends.
  private second: StaticArray<i32> = new StaticArray<i32>(CHANNELS * KEYS);

  activate(rate: f64, maxFrames: i32): void {
    this.reset();
  }

  reset(): void {
    this.second.fill(NONE);
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.output.noteOn(0, channel, key, velocity);
    this.endSecond(channel, key);
    const other = key + this.interval.index;
    if (other == key || other < 0 || other >= KEYS) return;
    this.second[channel * KEYS + key] = other;
    this.output.noteOn(0, channel, other, velocity * this.level.value);
  }

  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.output.noteOff(0, channel, key, velocity);
    if (channel >= 0 && key >= 0) this.endSecond(channel, key);
  }

  allNotesOff(channel: i32): void {
    this.output.allNotesOff(0, channel);
    this.reset();
  }

  pitchBend(channel: i32, value: f32): void {
    this.output.pitchBend(0, channel, value);
  }

  controlChange(channel: i32, controller: i32, value: f32): void {
    this.output.controlChange(0, channel, controller, value);
  }

  private endSecond(channel: i32, key: i32): void {
    const at = channel * KEYS + key;
    if (this.second[at] == NONE) return;
    this.output.noteOff(0, channel, this.second[at]);
    this.second[at] = NONE;
  }
}
