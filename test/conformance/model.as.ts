// A plugin that does everything, and does it well: the fixtures each spoil one thing of it. Comments that begin
// with @ are the places where they put what is wrong. The constants in capitals that are not declared here stand in
// front of this text: places of ports (-1: there is none), and the descriptor's bytes.

const MAX: i32 = 16384;
const CHANNEL: i32 = MAX * 4;
const EVENTS: i32 = 1024;
const VOICES: i32 = 32;
const VOICE: i32 = 32; // active, channel, key, id: i32; phase, step, loudness: f32

const LAYOUT = memory.data(64, 16);
const AUDIO = memory.data(64, 16);
const INPUT = memory.data(CHANNEL * 2, 16);
const SIDE = memory.data(CHANNEL, 16);
const OUTPUT = memory.data(CHANNEL * 2, 16);
const CONTROLS = memory.data(64, 16);
const METERS = memory.data(16, 16);
const EVENTS_IN = memory.data(EVENTS * 32, 16);
const EVENTS_OUT = memory.data(EVENTS * 32, 16);
const ARENA = memory.data(4096, 16);
const TRANSPORT = memory.data(64, 16);
const SCRATCH = memory.data(65536, 16);
const ANSWER = memory.data(16, 16);
const STATE = memory.data(64, 16);
const VOICE_TABLE = memory.data(VOICES * VOICE, 16);
const GRAPH = memory.data(65536, 16);
const MESSAGE = memory.data(65536, 16);
const LINE = memory.data(65536, 16);
const SPARE = memory.data(65536, 16);
const WORDS = memory.data<u8>([116, 104, 97, 116, 32, 105, 115, 32, 110, 111, 116, 32, 112, 111, 115, 115, 105, 98, 108, 101]);
const NO_GRAPH = memory.data<u8>([123, 34, 112, 111, 105, 110, 116, 115, 34, 58, 91, 93, 125]); // {"points":[]}

const MAGIC: u32 = 0x4c444f4d;

let rate: f64 = 48000;
let maxFrames: i32 = 0;
let gain: f32 = 1;
let mode: f32 = 0;
let bypass: f32 = 0;
let quality: f32 = 1;
let extra: i32 = 0;
let tint: i32 = 0;
let graphLength: i32 = 0;
let sent: i32 = 0;
let counter: i32 = 0;
let counted: f64 = 0;
let level: f32 = 0;
let latency: i32 = 0;
let tail: i32 = 0;
let sounding: i32 = 0;

// @imports

export function bj_abi(): i32 {
  return 0x00010000;
}

export function bj_scratch(length: i32): usize {
  // @scratch
  return length <= 65536 ? SCRATCH : 0;
}

function answer(at: usize, length: i32): usize {
  store<u32>(ANSWER, <u32>at, 0);
  store<u32>(ANSWER, length, 4);
  return ANSWER;
}

export function bj_descriptor(): usize {
  // @descriptor
  if (extra > 0) return answer(LARGER, LARGER_LENGTH);
  return answer(DESCRIPTOR, DESCRIPTOR_LENGTH);
}

export function bj_error(): usize {
  return answer(WORDS, 20);
}

export function bj_configure(index: i32, at: usize, length: i32): i32 {
  // @configure
  if (index == C_QUALITY) {
    quality = length == 4 ? 1 : 0.5;
    return 0;
  }
  if (index == C_INPUTS) {
    if (length != 1 || load<u8>(at) < 49 || load<u8>(at) > 50) return -3;
    extra = load<u8>(at) - 49;
    return 0;
  }
  return index == C_LABEL ? 0 : -3;
}

export function bj_configure_file(index: i32, blob: i32, size: i32, name: usize, nameLength: i32): i32 {
  // @file
  return index == C_FILE ? 0 : -3;
}

export function bj_activate(hz: f64, frames: i32): usize {
  // @activate
  if (hz < 4 || frames > MAX) return 0;
  rate = hz;
  maxFrames = frames;
  silence();
  gain = 1;
  mode = 0;
  bypass = 0;
  let audio = 0;
  if (P_IN >= 0) buffer(audio++, INPUT, 2);
  if (P_SIDE >= 0) buffer(audio++, SIDE, 1);
  if (P_OUT >= 0) buffer(audio++, OUTPUT, 2);
  if (extra > 0) buffer(audio++, SPARE, 1);
  store<u32>(LAYOUT, 64, 0);
  store<u32>(LAYOUT, AUDIO, 4);
  store<u32>(LAYOUT, audio, 8);
  store<u32>(LAYOUT, CONTROLS, 12);
  store<u32>(LAYOUT, CONTROLS_IN, 16);
  store<u32>(LAYOUT, METERS, 20);
  store<u32>(LAYOUT, CONTROLS_OUT, 24);
  store<u32>(LAYOUT, EVENTS_IN, 28);
  store<u32>(LAYOUT, EVENTS, 32);
  store<u32>(LAYOUT, EVENTS_OUT, 36);
  store<u32>(LAYOUT, EVENTS, 40);
  store<u32>(LAYOUT, ARENA, 44);
  store<u32>(LAYOUT, 4096, 48);
  store<u32>(LAYOUT, TRANSPORT, 52);
  store<u32>(LAYOUT, latency, 56);
  store<u32>(LAYOUT, tail, 60);
  // @layout
  return LAYOUT;
}

function buffer(index: i32, at: usize, channels: i32): void {
  const record = AUDIO + index * 16;
  store<u32>(record, at, 0);
  store<u32>(record, channels, 4);
  store<u32>(record, CHANNEL, 8);
  store<u32>(record, 0, 12);
}

export function bj_deactivate(): void {
  // @deactivate
}

/** Ends all notes. */
function silence(): void {
  for (let i = 0; i < VOICES; i++) store<i32>(VOICE_TABLE + i * VOICE, 0);
  sounding = 0;
  // @silence
}

export function bj_reset(): void {
  silence();
  // @reset
}

function send(event: usize, frame: i32, type: i32, channel: i32, key: i32, id: i32, value: f64): void {
  if (P_EVENTS_OUT < 0 || sent >= EVENTS) return;
  const to = EVENTS_OUT + sent++ * 32;
  memory.copy(to, event, 32);
  store<u32>(to, frame, 0);
  store<u16>(to, type, 4);
  store<u16>(to, P_EVENTS_OUT, 6);
  store<i32>(to, id, 8);
  store<i16>(to, channel, 12);
  store<i16>(to, key, 14);
  store<f64>(to, value, 24);
  // @sent
}

function begin(event: usize, frame: i32, channel: i32, key: i32, id: i32, velocity: f64): void {
  // @begin
  let voice = VOICE_TABLE;
  for (let i = 0; i < VOICES; i++) {
    if (load<i32>(VOICE_TABLE + i * VOICE) == 0) {
      voice = VOICE_TABLE + i * VOICE;
      break;
    }
  }
  if (load<i32>(voice) != 0) over(event, frame, voice);
  store<i32>(voice, 1, 0);
  sounding++;
  store<i32>(voice, channel, 4);
  store<i32>(voice, key, 8);
  store<i32>(voice, id, 12);
  store<f32>(voice, 0.25, 16);
  store<f32>(voice, <f32>((20.0 + <f64>key) / rate), 20);
  store<f32>(voice, <f32>(0.02 + velocity * 0.02), 24);
}

/** The note's sound has ended. */
function over(event: usize, frame: i32, voice: usize): void {
  store<i32>(voice, 0);
  sounding--;
  // @over
  send(event, frame, 4, load<i32>(voice, 4), load<i32>(voice, 8), load<i32>(voice, 12), 0);
}

function end(event: usize, frame: i32, channel: i32, key: i32, id: i32): void {
  for (let i = 0; i < VOICES; i++) {
    const voice = VOICE_TABLE + i * VOICE;
    if (load<i32>(voice) == 0) continue;
    if (channel >= 0 && channel != load<i32>(voice, 4)) continue;
    if (key >= 0 && key != load<i32>(voice, 8)) continue;
    if (id >= 0 && load<i32>(voice, 12) >= 0 && id != load<i32>(voice, 12)) continue;
    over(event, frame, voice);
  }
}

function hear(event: usize, frame: i32): void {
  const type = <i32>load<u16>(event, 4);
  const port = <i32>load<u16>(event, 6);
  const id = load<i32>(event, 8);
  const channel = <i32>load<i16>(event, 12);
  const key = <i32>load<i16>(event, 14);
  const value = load<f64>(event, 24);
  // @event
  if (type == 6) {
    if (port == P_GAIN) gain = <f32>value;
    keepGain();
    if (port == P_MODE) mode = <f32>value;
    if (port == P_BYPASS) bypass = <f32>value;
    return;
  }
  if (type < 1 || type > 11) return;
  if (type == 1) begin(event, frame, channel, key, id, value);
  if (type == 2) end(event, frame, channel, key, id);
  if (type == 3) end(event, frame, channel, key, id);
  if (type == 11) end(event, frame, channel, -1, -1);
  if (type != 4) send(event, frame, type, channel, key, id, value);
}

/** No host sends such values, but who knows. */
function keepGain(): void {
  if (!(gain >= 0 && gain <= 2)) gain = 1;
}

function voices(): f32 {
  let sum: f32 = 0;
  if (sounding == 0) return sum;
  for (let i = 0; i < VOICES; i++) {
    const voice = VOICE_TABLE + i * VOICE;
    if (load<i32>(voice) == 0) continue;
    let phase = load<f32>(voice, 16) + load<f32>(voice, 20);
    if (phase >= 1) phase -= 1;
    store<f32>(voice, phase, 16);
    sum += (phase < 0.5 ? phase - 0.25 : 0.75 - phase) * load<f32>(voice, 24);
  }
  return sum;
}

export function bj_process(frames: i32, events: i32): i32 {
  if (P_GAIN >= 0) gain = load<f32>(CONTROLS, S_GAIN * 4);
  if (P_MODE >= 0) mode = load<f32>(CONTROLS, S_MODE * 4);
  if (P_BYPASS >= 0) bypass = load<f32>(CONTROLS, S_BYPASS * 4);
  keepGain();
  sent = 0;
  level = 0;
  let next = 0;
  let any = false;
  // @block
  for (let i = 0; i < frames; i++) {
    while (next < events && load<i32>(EVENTS_IN + next * 32) <= i) hear(EVENTS_IN + next++ * 32, i);
    let notes = voices();
    const at = <usize>i << 2;
    for (let c = 0; c < 2; c++) {
      const from = at + c * CHANNEL;
      const dry: f32 = P_IN >= 0 ? load<f32>(INPUT + from) : 0;
      let wet: f32 = dry * gain * quality * (mode != 0 ? <f32>0.5 : <f32>1) + notes;
      // @sample
      if (bypass != 0) wet = dry;
      if (abs(wet) < 1e-30) wet = 0;
      if (wet != 0) any = true;
      level = max(level, abs(wet));
      if (P_OUT >= 0) store<f32>(OUTPUT + from, wet);
    }
  }
  if (P_OUT >= 0) {
    const flags = AUDIO + O_OUT * 16;
    store<u32>(flags, any ? load<u32>(flags, 12) & ~4 : load<u32>(flags, 12) | 4, 12);
  }
  if (P_LEVEL >= 0) store<f32>(METERS, min(level, <f32>1));
  let state = any || sounding > 0 ? 0 : 3;
  // @done
  return state | (sent << 8);
}

export function bj_idle(): i32 {
  // @idle
  return 0;
}

export function bj_state_save(): usize {
  // @save
  store<u32>(STATE, MAGIC, 0);
  store<i32>(STATE, 1, 4);
  store<i32>(STATE, tint, 8);
  return answer(STATE, 12);
}

export function bj_state_load(at: usize, length: i32): i32 {
  // @load
  if (length != 12 || load<u32>(at) != MAGIC || load<i32>(at, 4) != 1 || load<u32>(at, 8) > 3) return -3;
  tint = load<i32>(at, 8);
  return 0;
}

export function bj_graph_get(port: i32): usize {
  // @graph-get
  if (graphLength == 0) return answer(NO_GRAPH, 13);
  return answer(GRAPH, graphLength);
}

/** {"points":[[1,2],[3,4.5]]} and nothing else. */
function isGraph(at: usize, length: i32): bool {
  if (length < 13 || memory.compare(at, NO_GRAPH, 11) != 0) return false;
  let p = at + 11;
  const last = at + length - 2;
  if (load<u8>(last) != 93 || load<u8>(last + 1) != 125) return false;
  while (p < last) {
    if (load<u8>(p++) != 91) return false;
    for (let n = 0; n < 2; n++) {
      let digits = 0;
      while (p < last && load<u8>(p) >= 48 && load<u8>(p) <= 57) p++, digits++;
      if (digits == 0 || p >= last || digits > 1 && load<u8>(p - digits) == 48) return false;
      if (load<u8>(p++) != (n == 0 ? 44 : 93)) return false;
    }
    if (p == last) return true;
    if (load<u8>(p++) != 44 || p == last) return false;
  }
  return true;
}

export function bj_graph_set(port: i32, at: usize, length: i32): i32 {
  // @graph-set
  if (length > 65536) return -7;
  if (!isGraph(at, length)) return -3;
  memory.copy(GRAPH, at, length);
  graphLength = length;
  return 0;
}
// @functions
