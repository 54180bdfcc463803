// A plugin that does nothing (AssemblyScript): what a block of it takes is the clock, the call and the check of a stereo
// output, and so the least that can be measured.

import {
  ABI_VERSION,
  ALIGNMENT,
  AUDIO_BYTES,
  AUDIO_CHANNELS,
  AUDIO_PTR,
  AUDIO_STRIDE,
  BYTES_LEN,
  BYTES_PTR,
  BYTES_SIZE,
  LAYOUT_AUDIO,
  LAYOUT_AUDIO_COUNT,
  LAYOUT_BYTES,
  LAYOUT_SIZE,
} from "../../abi/layout";

const MOST_FRAMES: i32 = 16384;
const layout = memory.data(LAYOUT_BYTES, ALIGNMENT);
const audio = memory.data(AUDIO_BYTES, ALIGNMENT);
const samples = memory.data(MOST_FRAMES * 2 * 4, ALIGNMENT);
const scratch = memory.data(4096, ALIGNMENT);
const bytes = memory.data(BYTES_SIZE, ALIGNMENT);
const description = memory.data(512, ALIGNMENT);
let end: usize = description;

function byte(value: i32): void {
  store<u8>(end++, <u8>value);
}

/** A text of MessagePack, up to 31 bytes. */
function text(value: string): void {
  const length = String.UTF8.byteLength(value);
  byte(0xa0 | length);
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, end);
  end += length;
}

function pair(key: string, value: string): void {
  text(key);
  text(value);
}

export function bj_abi(): i32 {
  return ABI_VERSION;
}

export function bj_scratch(length: i32): usize {
  return length <= 4096 ? scratch : 0;
}

export function bj_descriptor(): usize {
  end = description;
  byte(0x88); // a map of eight
  pair("id", "belljar.nothing");
  pair("display_name", "Nothing");
  pair("category", "Effect");
  pair("doc", "");
  pair("author", "Belljar");
  text("version");
  byte(1);
  text("ports");
  byte(0x91); // an array of one
  byte(0x84);
  pair("id", "audio_out");
  pair("display_name", "Out");
  pair("type", "audio_stereo");
  pair("role", "output");
  text("config_params");
  byte(0x90);
  store<u32>(bytes + BYTES_PTR, <u32>description);
  store<u32>(bytes + BYTES_LEN, <u32>(end - description));
  return bytes;
}

export function bj_activate(rate: f64, frames: i32): usize {
  store<u32>(audio + AUDIO_PTR, <u32>samples);
  store<u32>(audio + AUDIO_CHANNELS, 2);
  store<u32>(audio + AUDIO_STRIDE, MOST_FRAMES * 4);
  store<u32>(layout + LAYOUT_SIZE, LAYOUT_BYTES);
  store<u32>(layout + LAYOUT_AUDIO, <u32>audio);
  store<u32>(layout + LAYOUT_AUDIO_COUNT, 1);
  return layout;
}

export function bj_process(frames: i32, events: i32): i32 {
  return 0;
}
