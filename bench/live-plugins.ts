// The plugins of `npm run bench -- live`: one that clicks when it is told to, and one that holds a memory of 1 MiB.

import { EventType } from "../abi/layout.ts";
import { AT, EVENTS_IN, smallPlugin, STEREO_OUT } from "../test/sandbox/small-plugin.ts";

export interface LivePlugin {
  name: "impulse" | "megabyte";
  bytes: Uint8Array<ArrayBuffer>;
}

/** Room for blocks of 4,096 frames. */
const STRIDE = 16_384;
const LEFT = 65_536;
const RIGHT = LEFT + STRIDE;
const AUDIO = [{ 0: LEFT, 8: STRIDE }];

/** A sample of 1 at the frame of each note. */
const IMPULSE = `(local $at i32) (local $end i32) (local $frame i32)
  (memory.fill (i32.const ${LEFT}) (i32.const 0) (i32.shl (local.get $frames) (i32.const 2)))
  (memory.fill (i32.const ${RIGHT}) (i32.const 0) (i32.shl (local.get $frames) (i32.const 2)))
  (local.set $at (i32.const ${AT.eventsIn}))
  (local.set $end (i32.add (local.get $at) (i32.shl (local.get $events) (i32.const 5))))
  (block $none (loop $next
    (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
    (if (i32.eq (i32.load16_u offset=4 (local.get $at)) (i32.const ${EventType.NoteOn})) (then
      (local.set $frame (i32.shl (i32.load (local.get $at)) (i32.const 2)))
      (f32.store (i32.add (i32.const ${LEFT}) (local.get $frame)) (f32.const 1))
      (f32.store (i32.add (i32.const ${RIGHT}) (local.get $frame)) (f32.const 1))))
    (local.set $at (i32.add (local.get $at) (i32.const 32)))
    (br $next)))
  (i32.const 0)`;

/** A tone that lies in its memory: without that memory it would be another. */
const MEGABYTE = `(local $i i32) (local $at i32)
  (local.set $at (i32.load (i32.const ${AT.scratch})))
  (loop $next
    (local.set $at (i32.and (i32.add (local.get $at) (i32.const 601)) (i32.const 0xffff)))
    (f32.store (i32.add (i32.const ${LEFT}) (i32.shl (local.get $i) (i32.const 2)))
      (f32.mul (f32.convert_i32_s (i32.sub (local.get $at) (i32.const 0x8000))) (f32.const 1e-7)))
    (f32.store (i32.add (i32.const ${RIGHT}) (i32.shl (local.get $i) (i32.const 2)))
      (f32.load (i32.add (i32.const ${LEFT}) (i32.shl (local.get $i) (i32.const 2)))))
    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $frames))))
  (i32.store (i32.const ${AT.scratch}) (local.get $at))
  (i32.const 0)`;

export function assembleLivePlugins(): LivePlugin[] {
  return [
    {
      name: "impulse",
      bytes: smallPlugin({ ports: [EVENTS_IN, STEREO_OUT], process: IMPULSE, audio: AUDIO }),
    },
    {
      name: "megabyte",
      bytes: smallPlugin({ ports: [STEREO_OUT], process: MEGABYTE, audio: AUDIO, pages: "16 16" }),
    },
  ];
}
