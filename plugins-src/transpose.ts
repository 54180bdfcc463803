// Notes in, the same notes higher or lower out. Everything that is no note passes as it is.

import { Event, EventPort, EventType, Info, Param, Plugin } from "belljar/sdk-as";

const CHANNELS: i32 = 16;
/** Keys of one channel. */
const KEYS: i32 = 128;
/** The note was moved off the keyboard, so nothing sounds for it. */
const NOWHERE: u8 = 255;

export default class Transpose extends Plugin {
  info: Info = this.plugin("builtin.transpose", "Transpose").category("EventEffect").author("Belljar")
    .doc("Moves notes up or down by semitones.");
  input: EventPort = this.eventsIn("events_in").doc("Notes to move");
  output: EventPort = this.eventsOut("events_out").doc("The moved notes, and all other events as they came");
  semitones: Param = this.param("semitones").integer(-48, 48).unit("st").exact().doc("How far notes are moved");

  // What each key sounds as while it is held, and how often it is held: the parameter may move before the note ends.
  private target: StaticArray<u8> = new StaticArray<u8>(CHANNELS * KEYS);
  private held: StaticArray<u8> = new StaticArray<u8>(CHANNELS * KEYS);

  reset(): void {
    this.held.fill(0);
  }

  onEvent(event: Event): void {
    if (event.type == EventType.AllNotesOff) this.release(event.channel);
    if (event.key < 0) {
      this.output.forward(event);
    } else if (event.channel >= 0) {
      this.move(event, event.channel);
    } else {
      // of any channel: each may have moved the key elsewhere
      for (let channel = 0; channel < CHANNELS; channel++) this.move(event, channel);
    }
  }

  private move(event: Event, channel: i32): void {
    const key: i32 = event.key;
    const at = channel * KEYS + key;
    if (event.type == EventType.NoteOn) this.hold(at, channel, key + this.semitones.index);
    const target: i32 = this.held[at] > 0 ? this.target[at] : key;
    if (target != NOWHERE) this.output.send(0, event.type, channel, target, event.noteId, event.id, event.value);
    if ((event.type == EventType.NoteOff || event.type == EventType.Choke) && this.held[at] > 0) this.held[at]--;
  }

  private hold(at: i32, channel: i32, moved: i32): void {
    const target = moved >= 0 && moved < KEYS ? <u8>moved : NOWHERE;
    const before = this.target[at];
    // played again elsewhere before it was let go: the note that it sounded as would have no end
    if (this.held[at] > 0 && before != target && before != NOWHERE) this.output.noteOff(0, channel, before);
    this.target[at] = target;
    if (this.held[at] < 255) this.held[at]++;
  }

  private release(channel: i32): void {
    if (channel < 0) this.held.fill(0);
    else for (let key = 0; key < KEYS; key++) this.held[channel * KEYS + key] = 0;
  }
}
