// One block of the host's, cut at its events into sub-blocks.

import { AUDIO_FLAGS, AUDIO_OUTPUT_SILENT, EVENT_BYTES, EventType, RESULT_EVENTS_SHIFT, TRANSPORT_BYTES } from "../abi/layout";
import { Block } from "./block";
import { declared } from "./declaration";
import { Event } from "./event";
import { EventQueue } from "./event-queue";
import { Layout } from "./layout";
import { Plugin } from "./plugin";

/**
 * Automation cuts no finer than this many frames, unless the parameter is `exact()`. A lone change is exact:
 * only one that follows another too soon waits, for at most this long. Notes never wait.
 */
const AUTOMATION_FRAMES: i32 = 16;

/**
 * Renders one block. [audio]
 * @param frames 1 to maxFrames
 * @param count events in layout.eventsIn
 * @returns bj_process's result
 */
export function processBlock(plugin: Plugin, layout: Layout, frames: i32, count: i32): i32 {
  Block.start = 0;
  Block.frames = frames;
  Block.count++;
  EventQueue.count = 0;
  const audio = layout.audio;
  for (let i = 0; i < audio.length; i++) audio[i].silentFrames = 0;
  const clock = declared.transport;
  if (clock !== null) clock.begin();
  readControls(layout);

  const events = layout.eventsIn;
  let at = 0;
  let next = 0;
  let automationAt = layout.automationRest;
  while (true) {
    while (next < count) {
      const event = changetype<Event>(events + <usize>next * EVENT_BYTES);
      if (<i32>event.frame > at) break;
      deliver(plugin, layout, event);
      next++;
    }
    if (at >= frames) break;

    let end = frames;
    let automated = false;
    for (let i = next; i < count; i++) {
      const event = changetype<Event>(events + <usize>i * EVENT_BYTES);
      const frame = <i32>event.frame;
      if (frame >= end) break;
      if (waits(layout, event)) {
        const cut = max(frame, automationAt);
        if (cut < end) {
          end = cut;
          automated = true;
        }
      } else {
        end = frame;
        automated = false;
        break;
      }
    }
    if (automated) automationAt = end + AUTOMATION_FRAMES;

    if (at > 0) for (let i = 0; i < audio.length; i++) audio[i].seek(at);
    glide(layout, end - at);
    plugin.process(end - at);
    at = end;
    Block.start = at;
    Block.count++;
  }
  layout.automationRest = max(automationAt - frames, 0);

  for (let i = 0; i < audio.length; i++) {
    const port = audio[i];
    if (frames > 0) port.seek(0);
    const flags = load<i32>(port.struct, AUDIO_FLAGS) & ~AUDIO_OUTPUT_SILENT;
    store<i32>(port.struct, port.silentFrames >= frames ? flags | AUDIO_OUTPUT_SILENT : flags, AUDIO_FLAGS);
  }
  const outputs = layout.outputs;
  for (let i = 0; i < outputs.length; i++) store<f32>(layout.controlsOut + (<usize>i << 2), outputs[i].value);
  Block.frames = 0;
  return <i32>plugin.processState | (EventQueue.count << RESULT_EVENTS_SHIFT);
}

function readControls(layout: Layout): void {
  const params = layout.params;
  for (let i = 0; i < params.length; i++) {
    const param = params[i];
    if (param !== null) param.put(load<f32>(layout.controlsIn + (<usize>i << 2)));
  }
}

function glide(layout: Layout, frames: i32): void {
  const params = layout.params;
  for (let i = 0; i < params.length; i++) {
    const param = params[i];
    if (param !== null && param.due) param.glide(frames);
  }
}

function deliver(plugin: Plugin, layout: Layout, event: Event): void {
  if (event.type == EventType.Param) {
    if (<i32>event.port < layout.paramOfPort.length) {
      const param = layout.paramOfPort[event.port];
      if (param !== null) param.put(<f32>event.value);
    }
  } else if (event.type == EventType.Transport) {
    const clock = declared.transport;
    if (clock !== null && event.arena + TRANSPORT_BYTES <= <u32>layout.arenaBytes) clock.put(layout.arena + event.arena);
  } else {
    plugin.onEvent(event);
  }
}

/** Whether the event may wait for a later cut. */
function waits(layout: Layout, event: Event): bool {
  if (event.type != EventType.Param || <i32>event.port >= layout.paramOfPort.length) return false;
  const param = layout.paramOfPort[event.port];
  return param === null || !param.isExact;
}
