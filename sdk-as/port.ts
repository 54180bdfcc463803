// Ports: what a plugin is wired by. Param, the control input, has its own file.

import { AUDIO_CONNECTED, AUDIO_FLAGS, AUDIO_INPUT_SILENT, EventType } from "../abi/layout";
import { Block } from "./block";
import { Event } from "./event";
import { EventQueue } from "./event-queue";
import { titleOf } from "./names";
import { Samples } from "./samples";

/** What all ports have in common. Made by the plugin's own methods: `this.stereoIn("audio_in")`. */
export class Port {
  /** Place in the descriptor. */
  portIndex: i32 = 0;
  displayName: string;
  docText: string = "";
  groupPath: string = "";

  constructor(
    /** Stable across versions, unique in the plugin. */
    readonly id: string,
    /** "audio_mono", "audio_stereo", "event" or "control". */
    readonly type: string,
    /** "input", "output", "sidechain" or "monitor". */
    readonly role: string,
    name: string,
  ) {
    this.displayName = name.length > 0 ? name : titleOf(id);
  }
}

/** Sound in or out. */
export class AudioPort extends Port {
  /** The first channel's samples of this sub-block. [audio] */
  left: Samples = changetype<Samples>(0);
  /** The second channel's; of a mono port, the same as `left`. [audio] */
  right: Samples = changetype<Samples>(0);
  /** Address of the first channel's first frame in the host's block. */
  base: usize = 0;
  /** Bytes from one channel to the next; 0 for mono. */
  stride: usize = 0;
  /** Address of the AUDIO BUFFER struct. */
  struct: usize = 0;
  /** Frames of this block that the plugin called silent. */
  silentFrames: i32 = 0;

  constructor(id: string, name: string, role: string, readonly channels: i32) {
    super(id, channels == 2 ? "audio_stereo" : "audio_mono", role, name);
  }

  /** What the port is for: the tooltip. [control] */
  doc(text: string): AudioPort {
    this.docText = text;
    return this;
  }

  /** Where a panel puts it: "Inputs/Main". [control] */
  group(path: string): AudioPort {
    this.groupPath = path;
    return this;
  }

  /** The samples of a mono port. [audio] */
  get mono(): Samples {
    return this.left;
  }

  /** Whether a wire ends (or begins) here. [audio] */
  get connected(): bool {
    return (load<i32>(this.struct + AUDIO_FLAGS) & AUDIO_CONNECTED) != 0;
  }

  /** Inputs: every sample of the host's block is zero. [audio] */
  get silent(): bool {
    return (load<i32>(this.struct + AUDIO_FLAGS) & AUDIO_INPUT_SILENT) != 0;
  }

  /** Outputs: zeroes this sub-block, and lets the host know if the whole block was silent. [audio] */
  silence(frames: i32): void {
    this.left.fill(0, frames);
    if (this.channels == 2) this.right.fill(0, frames);
    this.silentFrames += frames;
  }

  /** Moves the views to `frame` of the host's block. Called by the block loop. */
  @inline
  seek(frame: i32): void {
    const first = this.base + (<usize>frame << 2);
    this.left = changetype<Samples>(first);
    this.right = changetype<Samples>(first + this.stride);
  }
}

/** Events in or out. What comes in arrives by noteOn, noteOff and the others; what goes out is sent here. */
export class EventPort extends Port {
  constructor(id: string, name: string, role: string) {
    super(id, "event", role, name);
  }

  /** What the port is for: the tooltip. [control] */
  doc(text: string): EventPort {
    this.docText = text;
    return this;
  }

  /** Where a panel puts it. [control] */
  group(path: string): EventPort {
    this.groupPath = path;
    return this;
  }

  /**
   * Starts a note. [audio]
   * @param frame in this sub-block, 0 to frames - 1. In a handler such as noteOn, 0 is the event's own moment
   * @param velocity 0 to 1
   * @param noteId names the note in what follows; -1: unnamed
   * @returns false: the block's event list is full (1,024)
   */
  noteOn(frame: i32, channel: i32, key: i32, velocity: f32, noteId: i32 = -1): bool {
    return this.send(frame, EventType.NoteOn, channel, key, noteId, 0, velocity);
  }

  /** Ends a note. Arguments as for noteOn. [audio] */
  noteOff(frame: i32, channel: i32, key: i32, velocity: f32 = 0, noteId: i32 = -1): bool {
    return this.send(frame, EventType.NoteOff, channel, key, noteId, 0, velocity);
  }

  /** Ends a note at once, with no release. [audio] */
  choke(frame: i32, channel: i32, key: i32, noteId: i32 = -1): bool {
    return this.send(frame, EventType.Choke, channel, key, noteId, 0, 0);
  }

  /** Tells the host that a note which it started has died away. [audio] */
  noteEnd(frame: i32, channel: i32, key: i32, noteId: i32): bool {
    return this.send(frame, EventType.NoteEnd, channel, key, noteId, 0, 0);
  }

  /** Bends the pitch of a channel, -1 to 1. [audio] */
  pitchBend(frame: i32, channel: i32, value: f32): bool {
    return this.send(frame, EventType.Bend, channel, -1, -1, 0, value);
  }

  /** Moves controller 0 to 127 to 0 to 1. [audio] */
  controlChange(frame: i32, channel: i32, controller: i32, value: f32): bool {
    return this.send(frame, EventType.ControlChange, channel, -1, -1, controller, value);
  }

  /** Chooses a program (0 to 127) of a bank. [audio] */
  programChange(frame: i32, channel: i32, bank: i32, program: i32): bool {
    return this.send(frame, EventType.Program, channel, -1, -1, bank, program);
  }

  /** Aftertouch 0 to 1 of a key, or of the whole channel (key -1). [audio] */
  pressure(frame: i32, channel: i32, key: i32, value: f32, noteId: i32 = -1): bool {
    return this.send(frame, EventType.Pressure, channel, key, noteId, 0, value);
  }

  /** Moves one of the Expression kinds of a note. [audio] */
  expression(frame: i32, channel: i32, key: i32, noteId: i32, kind: i32, value: f64): bool {
    return this.send(frame, EventType.Expression, channel, key, noteId, kind, value);
  }

  /** Ends every note of a channel (-1: of all). [audio] */
  allNotesOff(frame: i32, channel: i32 = -1): bool {
    return this.send(frame, EventType.AllNotesOff, channel, -1, -1, 0, 0);
  }

  /**
   * Any event at all. [audio]
   * @param frame in this sub-block
   * @returns false: the list is full, or no block is running
   */
  send(frame: i32, type: i32, channel: i32, key: i32, noteId: i32, id: i32, value: f64): bool {
    const slot = EventQueue.insert(Block.start + frame);
    if (slot == 0) return false;
    const event = changetype<Event>(slot);
    event.type = <u16>type;
    event.port = <u16>this.portIndex;
    event.noteId = noteId;
    event.channel = <i16>channel;
    event.key = <i16>key;
    event.id = id;
    event.arena = 0;
    event.value = value;
    return true;
  }

  /** Passes an event on as it is, at its own moment, with what it has in the arena. Not for parameters and transport. [audio] */
  forward(event: Event): bool {
    if (event.type == EventType.Param || event.type == EventType.Transport) return false;
    const slot = EventQueue.insert(event.frame);
    if (slot == 0) return false;
    const frame = changetype<Event>(slot).frame;
    memory.copy(slot, changetype<usize>(event), offsetof<Event>());
    changetype<Event>(slot).frame = frame;
    changetype<Event>(slot).port = <u16>this.portIndex;
    return true;
  }
}

/** A control value that the plugin makes: a control output, or a monitor such as a meter. */
export class ControlOut extends Port {
  /** What the host reads after each block, in the port's unit. Set it in process. [audio] */
  value: f32 = 0;
  min: f64 = 0;
  max: f64 = 1;
  hint: string = "continuous";
  unitText: string = "";
  digits: i32 = 2;

  constructor(id: string, name: string, role: string) {
    super(id, "control", role, name);
    if (role == "monitor") this.hint = "meter";
  }

  /** Smallest and largest value; 0 to 1 if not said. [control] */
  range(min: f64, max: f64): ControlOut {
    this.min = min;
    this.max = max;
    return this;
  }

  /** "dB", "Hz", "ms", "%", … [control] */
  unit(text: string): ControlOut {
    this.unitText = text;
    return this;
  }

  /** Decimals to show, 0 to 9; 2 if not said. [control] */
  precision(digits: i32): ControlOut {
    this.digits = digits;
    return this;
  }

  /** Shown as a level. Monitors are, if not said otherwise. [control] */
  meter(): ControlOut {
    this.hint = "meter";
    return this;
  }

  /** Shown as a lamp: 0 or 1. [control] */
  toggle(): ControlOut {
    this.hint = "toggle";
    return this;
  }

  /** Shown as a whole number. [control] */
  integer(): ControlOut {
    this.hint = "integer";
    this.digits = 0;
    return this;
  }

  /** Shown as a value. [control] */
  continuous(): ControlOut {
    this.hint = "continuous";
    return this;
  }

  /** What the port is for: the tooltip. [control] */
  doc(text: string): ControlOut {
    this.docText = text;
    return this;
  }

  /** Where a panel puts it. [control] */
  group(path: string): ControlOut {
    this.groupPath = path;
    return this;
  }
}

/** A control that a panel edits as a picture; its data is JSON text, see getGraphData and setGraphData. */
export class GraphPort extends Port {
  constructor(id: string, name: string, readonly graphType: string) {
    super(id, "control", "input", name);
  }

  /** What the port is for: the tooltip. [control] */
  doc(text: string): GraphPort {
    this.docText = text;
    return this;
  }

  /** Where a panel puts it. [control] */
  group(path: string): GraphPort {
    this.groupPath = path;
    return this;
  }
}
