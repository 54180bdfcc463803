// The constants of the plugin contract. AssemblyScript and TypeScript both compile this file, so it
// holds plain numbers and enums and nothing else. abi/README.md explains each of them.

/** What bj_abi() returns: major << 16 | minor. A host accepts its own major and any minor. */
export const ABI_VERSION: i32 = 0x00010000;

/** What contract functions return. Negative values are failures. */
export enum Status {
  Ok = 0,
  Failed = -1,
  Unsupported = -2,
  Invalid = -3,
  NoMemory = -4,
  BadState = -5,
  Busy = -6,
  TooLarge = -7,
}

/** Bits 0 to 7 of what bj_process returns. */
export enum ProcessState {
  /** Call me for the next block. */
  Continue = 0,
  /** The input may have ended; sound goes on for at most `tail` frames. */
  Tail = 1,
  /** Need not be called while the inputs are silent. */
  QuietOk = 2,
  /** Need not be called until an event or sound arrives. */
  Sleep = 3,
}
/** Bits 8 to 23 of what bj_process returns: how many events it wrote to ev_out. */
export const RESULT_EVENTS_SHIFT: i32 = 8;
export const RESULT_EVENTS_MASK: i32 = 0xffff;

/** Levels of host_log. */
export enum LogLevel {
  Error = 0,
  Warning = 1,
  Info = 2,
  Debug = 3,
}

// Bytes: where bj_descriptor, bj_error, bj_state_save and bj_graph_get leave their answer.
export const BYTES_PTR: i32 = 0;
export const BYTES_LEN: i32 = 4;
export const BYTES_SIZE: i32 = 8;

// Layout: what bj_activate points to. Every field is a u32.
export const LAYOUT_SIZE: i32 = 0;
export const LAYOUT_AUDIO: i32 = 4;
export const LAYOUT_AUDIO_COUNT: i32 = 8;
export const LAYOUT_CONTROL_IN: i32 = 12;
export const LAYOUT_CONTROL_IN_COUNT: i32 = 16;
export const LAYOUT_CONTROL_OUT: i32 = 20;
export const LAYOUT_CONTROL_OUT_COUNT: i32 = 24;
export const LAYOUT_EVENTS_IN: i32 = 28;
export const LAYOUT_EVENTS_IN_CAPACITY: i32 = 32;
export const LAYOUT_EVENTS_OUT: i32 = 36;
export const LAYOUT_EVENTS_OUT_CAPACITY: i32 = 40;
export const LAYOUT_ARENA: i32 = 44;
export const LAYOUT_ARENA_BYTES: i32 = 48;
export const LAYOUT_TRANSPORT: i32 = 52;
export const LAYOUT_LATENCY: i32 = 56;
export const LAYOUT_TAIL: i32 = 60;
export const LAYOUT_BYTES: i32 = 64;
/** LAYOUT_TAIL of a plugin whose sound never ends by itself (as a u32). */
export const TAIL_INFINITE: u32 = 0xffffffff;

// An audio buffer: one per audio port, in descriptor order. Every field is a u32.
export const AUDIO_PTR: i32 = 0;
export const AUDIO_CHANNELS: i32 = 4;
export const AUDIO_STRIDE: i32 = 8;
export const AUDIO_FLAGS: i32 = 12;
export const AUDIO_BYTES: i32 = 16;
/** Set by the host: a wire ends (or begins) at this port. */
export const AUDIO_CONNECTED: i32 = 1;
/** Set by the host: every sample of this input is zero in this block. */
export const AUDIO_INPUT_SILENT: i32 = 2;
/** Set by the plugin: every sample of this output is zero in this block. */
export const AUDIO_OUTPUT_SILENT: i32 = 4;

/** Alignment, in bytes, of everything that the layout points to, and of strides. */
export const ALIGNMENT: i32 = 16;

// An event: 32 bytes, ordered by frame.
export const EVENT_FRAME: i32 = 0; // u32
export const EVENT_TYPE: i32 = 4; // u16
export const EVENT_PORT: i32 = 6; // u16
export const EVENT_NOTE_ID: i32 = 8; // i32
export const EVENT_CHANNEL: i32 = 12; // i16
export const EVENT_KEY: i32 = 14; // i16
export const EVENT_ID: i32 = 16; // u32
export const EVENT_ARENA: i32 = 20; // u32
export const EVENT_VALUE: i32 = 24; // f64
export const EVENT_BYTES: i32 = 32;

export enum EventType {
  NoteOn = 1,
  NoteOff = 2,
  Choke = 3,
  NoteEnd = 4,
  Expression = 5,
  Param = 6,
  Bend = 7,
  ControlChange = 8,
  Program = 9,
  Pressure = 10,
  AllNotesOff = 11,
  Midi1 = 12,
  Ump = 13,
  Sysex = 14,
  Transport = 15,
}

/** EVENT_ID of an Expression event: what its value means. */
export enum Expression {
  /** 0 silent, 1 as played, 4 at most (linear gain). */
  Volume = 0,
  /** 0 left, 0.5 centre, 1 right. */
  Pan = 1,
  /** Semitones, -120 to 120. */
  Tuning = 2,
  Vibrato = 3,
  Expression = 4,
  Brightness = 5,
  Pressure = 6,
}

// Transport: 64 bytes, written by the host before each block where the layout asks for it.
export const TRANSPORT_FLAGS: i32 = 0; // u32
export const TRANSPORT_NUMERATOR: i32 = 4; // u16
export const TRANSPORT_DENOMINATOR: i32 = 6; // u16
export const TRANSPORT_BPM: i32 = 8; // f64
export const TRANSPORT_BEAT: i32 = 16; // f64, quarter notes since the start
export const TRANSPORT_BAR_START: i32 = 24; // f64, quarter notes
export const TRANSPORT_SECONDS: i32 = 32; // f64
export const TRANSPORT_LOOP_START: i32 = 40; // f64, quarter notes
export const TRANSPORT_LOOP_END: i32 = 48; // f64, quarter notes
export const TRANSPORT_BYTES: i32 = 64;
export const TRANSPORT_PLAYING: i32 = 1;
export const TRANSPORT_LOOP: i32 = 2;
export const TRANSPORT_RECORDING: i32 = 4;
export const TRANSPORT_HAS_TEMPO: i32 = 8;

// Messages between host and plugin (host_poll_event, host_emit_event, host_control).
/** Bytes of each of the two rings of an instance. */
export const MESSAGE_RING_BYTES: i32 = 262144;
/** Longest message, in bytes. */
export const MESSAGE_MAX_BYTES: i32 = 65536;
