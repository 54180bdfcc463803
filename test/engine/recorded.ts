// Small plugins, recorded while they play and replayed in this process, for tests.

import binaryen from "binaryen";
import * as assert from "uvu/assert";
import {
  BelljarError,
  type PluginInstance,
  PluginType,
  replayRecording,
  Recordings,
} from "../../runtime/index.ts";
import type { ReplayOptions, ReplayReport } from "../../runtime/engine/replay.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
  STRIDE,
} from "../sandbox/small-plugin.ts";

export interface Recorded {
  wasm: Uint8Array<ArrayBuffer>;
  /** The recording's file. */
  bytes: Uint8Array<ArrayBuffer>;
  instance: PluginInstance | null;
}

export interface RecordOptions {
  audio?: boolean;
  mostBytes?: number;
  now?: () => number;
  control?: boolean;
}

/** The plugin's module, in which functions keep their names. */
export function named(plugin: SmallPlugin): Uint8Array<ArrayBuffer> {
  binaryen.setDebugInfo(true);
  try {
    return smallPlugin(plugin);
  } finally {
    binaryen.setDebugInfo(false);
  }
}

/** Plays `script` on a new instance and returns what was recorded of it; it must have ended with a fault or refusal. */
export async function record(
  plugin: SmallPlugin | Uint8Array<ArrayBuffer>,
  script: (instance: PluginInstance) => void,
  { now, control, ...options }: RecordOptions = {},
): Promise<Recorded> {
  const wasm = plugin instanceof Uint8Array ? plugin : named(plugin);
  const type = await PluginType.load(wasm);
  const recorder = new Recordings(options).begin(type, "node", "");
  if (recorder === undefined) throw new Error("nothing is recorded");
  const instance = type.instantiate({
    watcher: recorder,
    ...(now === undefined ? {} : { now }),
    ...(control === undefined ? {} : { control }),
  });
  try {
    script(instance);
  } catch (error) {
    assert.instance(error, BelljarError, String(error));
    recorder.refused(error);
  }
  const bytes = recorder.finish();
  assert.ok(bytes !== null, `nothing ended it: ${recorder.dropped ? "dropped" : ""}`);
  return { wasm, bytes: bytes as Uint8Array<ArrayBuffer>, instance };
}

export function replay({ wasm, bytes }: Recorded, options: ReplayOptions = {}): Promise<ReplayReport> {
  return replayRecording(bytes, {
    plugin: wasm,
    compile: (module) => WebAssembly.compile(module),
    ...options,
  });
}

/** Everything that a host may write into a plugin's memory is looked at in each block, and decides how much it works. */
export const ATTENTIVE: SmallPlugin = {
  ports: [STEREO_IN, STEREO_OUT, EVENTS_IN, knob("a"), knob("stop")],
  functions: `(func $add (param $hash i32) (param $at i32) (param $bytes i32) (result i32)
      (local.set $bytes (i32.add (local.get $bytes) (local.get $at)))
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $bytes)))
        (local.set $hash (i32.mul (i32.const 0x01000193) (i32.xor (local.get $hash) (i32.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
      (local.get $hash))
    (func $work (param $hash i32)
      (local.set $hash (i32.and (local.get $hash) (i32.const 1023)))
      (loop $round
        (br_if $round (i32.gt_s (local.tee $hash (i32.sub (local.get $hash) (i32.const 1))) (i32.const 0)))))
    (func $look (param $hash i32) (param $frames i32) (param $events i32) (result i32)
      (local.set $hash (call $add (local.get $hash) (i32.const ${AT.transport}) (i32.const 64)))
      (local.set $hash (call $add (local.get $hash) (i32.const ${AT.controlsIn}) (i32.const 8)))
      (local.set $hash (call $add (local.get $hash) (i32.const ${AT.eventsIn}) (i32.shl (local.get $events) (i32.const 5))))
      (local.set $hash (call $add (local.get $hash) (i32.const ${AT.arena}) (i32.const 256)))
      (local.set $hash (call $add (local.get $hash) (i32.const ${AT.audio}) (i32.const 32)))
      (local.set $hash (call $add (local.get $hash) (i32.const ${bufferAt(0, 0)}) (i32.shl (local.get $frames) (i32.const 2))))
      (local.set $hash (call $add (local.get $hash) (i32.const ${bufferAt(0, 1)}) (i32.shl (local.get $frames) (i32.const 2))))
      ;; It scribbles where only the host should write.
      (if (i32.eqz (i32.and (local.get $hash) (i32.const 7))) (then
        (i32.store (i32.const ${AT.controlsIn}) (local.get $hash))
        (i32.store (i32.const ${AT.transport + 20}) (local.get $hash))
        (i32.store (i32.const ${AT.arena + 8}) (local.get $hash))))
      (local.get $hash))
    (global $hash (mut i32) (i32.const 1))
    (func (export "bj_idle") (result i32)
      (global.set $hash (call $look (global.get $hash) (i32.const 0) (i32.const 0)))
      (call $work (global.get $hash)) (i32.const 0))
    (func (export "bj_reset")
      (global.set $hash (call $look (global.get $hash) (i32.const 0) (i32.const 0)))
      (call $work (global.get $hash)))
    (func (export "bj_state_load") (param $at i32) (param $length i32) (result i32)
      (global.set $hash (call $add (global.get $hash) (local.get $at) (local.get $length)))
      (call $work (global.get $hash)) (i32.const 0))
    (func $fail unreachable)`,
  process: `(global.set $hash (call $look (global.get $hash) (local.get $frames) (local.get $events)))
    (call $work (global.get $hash))
    (if (f32.eq (f32.load (i32.const ${AT.controlsIn + 4})) (f32.const 1)) (then (call $fail)))
    (i32.const 0)`,
};

export { STRIDE };
