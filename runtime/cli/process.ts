// `belljar process`: one plugin over a sound file, a MIDI file, or both.

import { channelCount, isInput } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { scheduleMidi } from "../engine/midi-file.ts";
import type { Recorder } from "../engine/recorder.ts";
import { Processor, type Setup } from "../engine/processor.ts";
import { LONGEST_SECONDS } from "../engine/render.ts";
import { HIGHEST_RATE, LONGEST_BLOCK, LOWEST_RATE } from "../engine/session.ts";
import { hasAudio, processPlugin } from "../engine/process-plugin.ts";
import { checkWritable, writeFileAtomic } from "../output/atomic-file.ts";
import { openWav, WAV_FORMATS } from "../output/wav-writer.ts";
import type { WavAudio } from "../player/wav-reader.ts";
import { isFileName } from "../registry/builtins.ts";
import { loadPluginType } from "../registry/load.ts";
import type { PluginType } from "../sandbox/index.ts";
import { readConfigFile, readMidi, readState, readWavFile, refuseOverlap } from "./files.ts";
import {
  autoOrSeconds,
  choice,
  flag,
  list,
  number,
  parseOptions,
  readNumber,
  readPairs,
  takePositionals,
  text,
} from "./options.ts";
import { limits } from "./limits.ts";
import { LogLines } from "./log.ts";
import { report } from "./process-report.ts";
import { Progress } from "./progress.ts";
import { RECORD_OPTIONS, RecordCommand } from "./record.ts";

export const name = "process";
export const summary = "Send a sound or MIDI file through one plugin into a WAV file";
export const help = `Sends a sound file, a MIDI file or both through one plugin, and writes what comes out.
The plugin's latency is taken off, so that the output lines up with the input.

Usage: belljar process PLUGIN IN.wav OUT.wav [OPTIONS]       a plugin with an audio input
       belljar process PLUGIN OUT.wav --midi FILE [OPTIONS]  a synth: there is no IN.wav

  PLUGIN                 a built-in plugin's id, or a .wasm file
  --param NAME=VALUE     set a control: a number in its unit, "-6dB", "on", a choice's name; repeatable
  --param NAME@T=VALUE   set it T seconds after the start, at the exact frame; repeatable
  --preset NAME          one of the plugin's presets; --param and --config go before it
  --config NAME=VALUE    set a config parameter before the plugin is activated; repeatable
  --file NAME=FILE       give the plugin a file for a config parameter; repeatable
  --input PORT=FILE.wav  sound for another audio input, such as a sidechain; repeatable
  --state FILE           the plugin's state, as --save-state wrote it
  --save-state FILE      write its state afterwards
  --midi FILE            notes and controllers, all tracks together, for the plugin's event input
  --tail auto|SECONDS    how long to go on after the input; auto (the default) asks the plugin, and
                         with an infinite tail waits for a second of quiet, 60 s at most
  --seconds N            length of the input: cuts it, or fills it up with silence
  --bpm N                tempo, where no MIDI file says it (120)
  --rate N               sample rate without an IN.wav (48000); IN.wav's own rate holds otherwise
  --block N              frames of a block (128)
  --record FILE|FOLDER   where the plugin is stopped: keep a recording for belljar replay
  --record-audio         with the sound that it heard, which may be a microphone's
  --record-limit MB      a recording that grows larger is dropped (64)
  --units N              work that one block may cost before the plugin is stopped
  --limit NAME=VALUE     change another of the sandbox's limits (belljar inspect --limits); repeatable
  --format NAME          float32 (the default), pcm24 or pcm16
  --json                 print the figures as JSON

What the plugin logs is printed to standard error, at most 20 lines of a second of sound; the report
of --json has the first thousand lines. The report also says what monitors showed and which events
the plugin sent.

A plugin that gives out events and no sound (builtin.transpose) has nothing to write here: put it
before a synth in a session, and use "belljar render". Events can't be written to a .mid file.

Examples:
  belljar process gain in.wav out.wav --param gain=-6dB
  belljar process delay in.wav out.wav --param mix=40% --tail 3
  belljar process sine out.wav --midi song.mid --rate 44100
  belljar process gain in.wav out.wav --param gain=-60 --param gain@1.5=-6dB
  belljar process ./my-plugin.wasm in.wav out.wav --preset "Warm" --save-state warm.state
  belljar process ./my-plugin.wasm in.wav out.wav --format pcm16
  belljar process ./my-plugin.wasm in.wav out.wav --record fault.bjr --record-audio
`;

const OPTIONS = {
  param: list(),
  preset: text(),
  config: list(),
  file: list(),
  input: list(),
  state: text(),
  "save-state": text(),
  midi: text(),
  tail: autoOrSeconds(3600),
  seconds: number(0, LONGEST_SECONDS),
  bpm: number(1, 1000),
  rate: number(LOWEST_RATE, HIGHEST_RATE, "whole"),
  block: number(1, LONGEST_BLOCK, "whole"),
  ...RECORD_OPTIONS,
  units: number(32768, 1e12, "whole"),
  limit: limits(),
  format: choice(WAV_FORMATS),
  json: flag(),
};

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>["options"];

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [plugin = "", ...paths] = takePositionals(positionals, ["PLUGIN", "IN.wav", "OUT.wav"], 1);
  if (paths.length === 0) {
    throw new BelljarError("usage/missing", "OUT.wav is missing.", "See belljar process --help.");
  }
  const record = RecordCommand.of(options, true);
  if (record !== null) record.pluginOf = () => (isFileName(plugin) ? plugin : null);
  const work = () => processFiles(plugin, paths, options, record);
  return record === null ? await work() : await record.around(work);
}

async function processFiles(
  plugin: string,
  paths: string[],
  options: Options,
  record: RecordCommand | null,
): Promise<number> {
  const tail = options.tail ?? "auto";
  const { now: params, later } = splitTimes(readPairs("param", options.param));
  const pairs = {
    config: readPairs("config", options.config),
    files: readPairs("file", options.file),
    inputs: readPairs("input", options.input),
  };
  const type = await loadPluginType(plugin, { limits: options.limit });
  const label = printable(plugin, 80);
  if (!hasAudio(type, "out")) throw noSound(label);
  const main = type.descriptor.ports.find((port) => channelCount(port) > 0 && port.role === "input");
  const [input, output] = sortPaths(label, main?.id ?? null, paths);
  const read = [...pairs.files.values(), ...pairs.inputs.values()];
  for (const path of [plugin, input, options.midi, options.state]) {
    if (path !== null && path !== undefined) read.push(path);
  }
  const saveTo = options["save-state"];
  refuseOverlap(
    read,
    [output, saveTo, record?.file].filter((path) => typeof path === "string"),
  );
  if (saveTo !== undefined) {
    if (!type.facts.exports.includes("bj_state_save")) throw noState(label);
    checkWritable(saveTo);
  }

  const sounds = new Map<string, WavAudio>();
  if (input !== null && main !== undefined) sounds.set(main.id, await readSound(input));
  for (const [port, path] of pairs.inputs) sounds.set(port, await readSound(path));
  const midi = options.midi === undefined ? null : await readMidi(options.midi);
  const rate = agreeOnRate(sounds, options.rate);
  if (midi !== null && !type.descriptor.ports.some((port) => port.type === "event" && isInput(port))) {
    throw new BelljarError("usage/midi", `${label} has no event input, so a MIDI file can do nothing here.`);
  }

  const files: NonNullable<Setup["files"]> = {};
  for (const [id, path] of pairs.files) files[id] = await readConfigFile(path, type.limits.fileBytes);
  const setup: Setup = {
    rate,
    maxFrames: options.block ?? 128,
    config: Object.fromEntries(pairs.config),
    files,
    params: Object.fromEntries(params),
    ...(options.preset === undefined ? {} : { preset: options.preset }),
    ...(options.state === undefined ? {} : { state: await readState(options.state) }),
    ...(options.units === undefined ? {} : { unitBudget: options.units }),
  };
  const bar = new Progress("Processing");
  const log = new LogLines((line) => bar.print(line));
  const processor = ready(type, setup, log, record?.recordings.begin(type, type.descriptor.id, plugin));
  for (const id of sounds.keys()) processor.input(id);
  const values = later.map(({ id, seconds, text }) => ({
    frame: Math.round(seconds * rate),
    id,
    value: processor.parse(id, text),
  }));
  const schedule = midi === null ? null : scheduleMidi(midi, { rate });
  const longest = Math.max(0, schedule?.endFrame ?? 0, ...[...sounds.values()].map((sound) => sound.frames));
  const frames = options.seconds === undefined ? longest : Math.round(options.seconds * rate);
  if (frames === 0 && sounds.size === 0) {
    throw new BelljarError(
      "usage/missing",
      midi === null
        ? `Nothing says how long ${label} is to sound.`
        : `${midi.name} has no notes and no length, so nothing says how long ${label} is to sound.`,
      midi === null ? "Give it --midi FILE or --seconds N." : "Give it --seconds N.",
    );
  }

  const channels = processor.output().all.length;
  const writer = openWav(output, {
    rate,
    channels,
    format: options.format ?? "float32",
    expectedFrames: frames,
  });
  try {
    const facts = await processPlugin({
      processor,
      sound: new Map(
        [...sounds].map(([id, sound]) => [id, sound.samples.map((one) => one.subarray(0, frames))]),
      ),
      schedule,
      values,
      midi,
      bpm: options.bpm ?? 120,
      frames,
      tail: tail === "auto" ? "auto" : Math.round(tail * rate),
      write: (views, count, offset) => writer.write(views, count, offset),
      log: (line, level, seconds) => log.take(type.descriptor.id, line, level, seconds),
      progress: (done, total) => bar.update(done / rate, total / rate),
    });
    const state = saveTo === undefined ? null : processor.saveState();
    writer.finish();
    if (saveTo !== undefined && state !== null) writeFileAtomic(saveTo, state);
    bar.end();
    if (saveTo !== undefined && state === null) {
      process.stderr.write(`belljar: ${label} has no state now, so ${printable(saveTo)} was not written.\n`);
    }
    record?.save();
    report(
      options.json,
      { plugin: type.descriptor.id, output, rate, channels, latency: processor.latency },
      { ...facts, clipped: writer.clipped, log: log.records, logLeftOut: log.unrecorded },
    );
  } finally {
    bar.end();
    log.end();
    writer.abort();
  }
  return 0;
}

/** The processor; where it can't be, at least what the plugin has logged. */
function ready(type: PluginType, setup: Setup, log: LogLines, watcher?: Recorder): Processor {
  const instance = type.instantiate(watcher === undefined ? {} : { watcher });
  try {
    return new Processor(instance, setup);
  } catch (error) {
    watcher?.refused(error);
    instance.drainMessages((kind, text, level) => {
      if (kind === "log") log.take(type.descriptor.id, text, level, 0);
    });
    log.end();
    throw error;
  }
}

/** --param values, and those that have a time: "gain@1.5". */
function splitTimes(pairs: ReadonlyMap<string, string>): {
  now: Map<string, string>;
  later: { id: string; seconds: number; text: string }[];
} {
  const now = new Map<string, string>();
  const later: { id: string; seconds: number; text: string }[] = [];
  for (const [name, text] of pairs) {
    const at = name.indexOf("@");
    if (at < 0) now.set(name, text);
    else {
      const id = name.slice(0, at);
      const option = `The time of --param ${printable(id, 60)}`;
      later.push({ id, seconds: readNumber(option, name.slice(at + 1), 0, LONGEST_SECONDS), text });
    }
  }
  return { now, later };
}

function noState(label: string): BelljarError {
  return new BelljarError(
    "usage/state",
    `${label} keeps no state beside its parameters, so there is nothing to save.`,
  );
}

function noSound(label: string): BelljarError {
  return new BelljarError(
    "usage/no-sound",
    `${label} gives out events and no sound, so there is nothing to write to a WAV file.`,
    "Put it before a synth in a session, and use belljar render.",
  );
}

/** IN.wav and OUT.wav; a plugin without an audio input takes OUT.wav alone. */
function sortPaths(label: string, port: string | null, paths: string[]): [string | null, string] {
  const [first = "", second] = paths;
  if (port !== null && second !== undefined) return [first, second];
  if (port === null && second === undefined) return [null, first];
  if (port !== null) {
    throw new BelljarError(
      "usage/missing",
      `${label} has an audio input: IN.wav and OUT.wav are both needed.`,
    );
  }
  throw new BelljarError("usage/superfluous", `${label} has no audio input: name OUT.wav alone.`);
}

async function readSound(path: string): Promise<WavAudio> {
  const sound = await readWavFile(path);
  if (sound.channels <= 2) return sound;
  throw new BelljarError(
    "wav/channels",
    `${printable(path)} has ${sound.channels} channels; a plugin's input takes one or two.`,
  );
}

function agreeOnRate(sounds: ReadonlyMap<string, WavAudio>, wanted: number | undefined): number {
  const rates = new Set([...sounds.values()].map((sound) => sound.rate));
  if (wanted !== undefined) rates.add(wanted);
  const [rate = 48000] = rates;
  if (rates.size <= 1) return rate;
  throw new BelljarError(
    "usage/rate",
    `The sample rates differ (${[...rates].join(", ")} Hz), and nothing is resampled here.`,
    "Leave out --rate, or convert the files first.",
  );
}
