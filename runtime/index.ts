// The host API: `import { loadPlugin } from "belljar"`. From a plugin's name, file or bytes to processed blocks, in
// about ten lines; README.md has them. `playLive` plays a session on a sound card, in as many. Below them, for hosts that
// need more: the sandbox's own types and instances, sessions, sound and MIDI files.
//
// Errors are BelljarError, with a stable code, a sentence that is safe to print, and a hint. A plugin that misbehaves while
// it processes throws nothing: process() returns false, `fault` says why, and its outputs are silence from then on.

import { DEFAULT_LIMITS, PluginType } from "./sandbox/index.ts";
import { checkKeys, isBytes, refuse } from "./engine/arguments.ts";
import { compileInChild } from "./registry/compile.ts";
import { type LoadOptions, loadPluginType } from "./registry/load.ts";
import { Plugin } from "./engine/processor.ts";

/**
 * Loads a plugin: vets it, adds the meter, compiles it (a child process tries that first, under limits) and reads what
 * it says of itself. Nothing of it runs before it is accepted.
 * @param source a built-in plugin's id ("delay" or "builtin.delay"), the path of a .wasm file, or a module's bytes
 * @throws BelljarError usage/option, usage/value, plugin/unknown, file/*, module/*, descriptor/*
 */
export async function loadPlugin(source: string | Uint8Array, options: LoadOptions = {}): Promise<Plugin> {
  checkKeys("option of loadPlugin", options, ["limits", "compile"]);
  if (options.limits !== undefined) checkKeys("limit", options.limits, Object.keys(DEFAULT_LIMITS));
  if (typeof source !== "string" && !isBytes(source)) {
    refuse("plugin", "a name, a file's path or a Uint8Array", source);
  }
  if (typeof source === "string") return new Plugin(await loadPluginType(source, options));
  return new Plugin(await PluginType.load(source, { compile: compileInChild, ...options }));
}

export * from "../abi/descriptor.ts";
export { BelljarError, printable } from "../abi/error.ts";
export { EventType, Expression, ProcessState } from "../abi/layout.ts";
export { formatValue, parseValue } from "./engine/parameter-text.ts";
export { type Channels, type EventFields, Plugin, Processor, type Setup } from "./engine/processor.ts";
export {
  type MidiFile,
  type MidiSchedule,
  type MidiScheduleOptions,
  readMidiFile,
  scheduleMidi,
} from "./engine/midi-file.ts";
export { Fingerprint } from "./engine/fingerprint.ts";
export { openSession, readSession } from "./engine/open-session.ts";
export { type PictureFacts, type PictureNode, renderPicture, WaveformPeaks } from "./engine/picture.ts";
export {
  disposeSession,
  type InputFile,
  type PreparedNode,
  type PreparedSession,
  type PrepareOptions,
} from "./engine/prepare.ts";
export {
  type FaultReport,
  type NodeFate,
  type NodeReport,
  type RecoveryEvent,
  type RenderOptions,
  type RenderReport,
  renderSession,
  type Sink,
} from "./engine/render.ts";
export {
  DEFAULT_RECOVERY,
  type OnFault,
  type RecoveryLimits,
  type RecoveryState,
  type WhileFaulty,
} from "./engine/recovery.ts";
export type { Outcome } from "./engine/recording.ts";
export { Recordings, type RecordingsOptions, type SavedRecording } from "./engine/recordings.ts";
export { type ReplayOptions, type ReplayReport, replayRecording } from "./engine/replay.ts";
export { parseSession, type Session, type SessionNode } from "./engine/session.ts";
export { listMidiInputs, type MidiConnection } from "./engine/live/midi-connections.ts";
export { MidiInput, type MidiInputEvent, type MidiInputOptions } from "./engine/live/midi-input.ts";
export {
  DEFAULT_PATIENCE,
  type LiveFigures,
  type LiveInput,
  type LiveMeter,
  type LivePatience,
  type LiveSession,
  type LiveSessionEvent,
  type SessionFacts,
} from "./engine/live/live-session.ts";
export type { LiveOutput, OutputEvent } from "./engine/live/live-output.ts";
export {
  LivePlay,
  type PlayedInput,
  type PlayEvent,
  type PlayLatency,
  playLive,
  type PlayOptions,
} from "./engine/live/play-live.ts";
export type { StreamFormat, StreamStatus } from "../abi/sidecar.ts";
export type { SinkConfig } from "./output/sink-config.ts";
export { openWav, type WavFormat, type WavOptions, type WavWriter } from "./output/wav-writer.ts";
export { readWav, type WavAudio } from "./player/wav-reader.ts";
export { type Builtin, listBuiltins } from "./registry/builtins.ts";
export { compileInChild } from "./registry/compile.ts";
export { type LoadOptions, loadPluginType } from "./registry/load.ts";
export {
  type AudioPort,
  type Compile,
  completeLimits,
  DEFAULT_LIMITS,
  type Dropped,
  type EventList,
  type Fault,
  type FaultKind,
  inspectModule,
  joinMemoryAccount,
  leaveMemoryAccount,
  type LimitFacts,
  type LimitName,
  LIMITS,
  type Limits,
  memoryAccount,
  memoryInUse,
  memoryWaiting,
  type ModuleFacts,
  PluginInstance,
  PluginType,
} from "./sandbox/index.ts";
