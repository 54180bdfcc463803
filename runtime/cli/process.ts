// `belljar process`: one plugin over a sound file, a MIDI file, or both.

import { channelCount, isInput } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { scheduleMidi } from "../engine/midi-file.ts";
import { Processor, type Setup } from "../engine/processor.ts";
import { LONGEST_SECONDS } from "../engine/render.ts";
import { HIGHEST_RATE, LONGEST_BLOCK, LOWEST_RATE } from "../engine/session.ts";
import { hasAudio, processPlugin, type RunFacts } from "../engine/process-plugin.ts";
import { openWav, WAV_FORMATS } from "../output/wav-writer.ts";
import type { WavAudio } from "../player/wav-reader.ts";
import { loadPluginType } from "../registry/load.ts";
import type { PluginType } from "../sandbox/index.ts";
import { readConfigFile, readMidi, readWavFile, refuseOverlap } from "./files.ts";
import { decibels } from "./node-table.ts";
import {
  autoOrSeconds,
  choice,
  flag,
  list,
  number,
  parseOptions,
  readPairs,
  takePositionals,
  text,
} from "./options.ts";
import { LogLines, type LogRecord } from "./log.ts";
import { Progress, timesRealTime } from "./progress.ts";

export const name = "process";
export const summary = "Send a sound or MIDI file through one plugin into a WAV file";
export const help = `Sends a sound file, a MIDI file or both through one plugin, and writes what comes out.
The plugin's latency is taken off, so that the output lines up with the input.

Usage: belljar process PLUGIN IN.wav OUT.wav [OPTIONS]       a plugin with an audio input
       belljar process PLUGIN OUT.wav --midi FILE [OPTIONS]  a synth: there is no IN.wav

  PLUGIN                 a built-in plugin's id, or a .wasm file
  --param NAME=VALUE     set a control: a number in its unit, "-6dB", "on", a choice's name; repeatable
  --config NAME=VALUE    set a config parameter before the plugin is activated; repeatable
  --file NAME=FILE       give the plugin a file for a config parameter; repeatable
  --input PORT=FILE.wav  sound for another audio input, such as a sidechain; repeatable
  --midi FILE            notes and controllers, all tracks together, for the plugin's event input
  --tail auto|SECONDS    how long to go on after the input; auto (the default) asks the plugin, and
                         with an infinite tail waits for a second of quiet, 60 s at most
  --seconds N            length of the input: cuts it, or fills it up with silence
  --bpm N                tempo, where no MIDI file says it (120)
  --rate N               sample rate without an IN.wav (48000); IN.wav's own rate holds otherwise
  --block N              frames of a block (128)
  --units N              work that one block may cost before the plugin is stopped
  --format NAME          float32 (the default), pcm24 or pcm16
  --json                 print the figures as JSON

What the plugin logs is printed to standard error, at most 20 lines of a second of sound; the report
of --json has the first thousand lines.

A plugin that gives out events and no sound (builtin.transpose) has nothing to write here: put it
before a synth in a session, and use "belljar render". Events can't be written to a .mid file.

Examples:
  belljar process gain in.wav out.wav --param gain=-6dB
  belljar process delay in.wav out.wav --param mix=40% --tail 3
  belljar process sine out.wav --midi song.mid --rate 44100
  belljar process ./my-plugin.wasm in.wav out.wav --format pcm16
`;

const OPTIONS = {
  param: list(),
  config: list(),
  file: list(),
  input: list(),
  midi: text(),
  tail: autoOrSeconds(3600),
  seconds: number(0, LONGEST_SECONDS),
  bpm: number(1, 1000),
  rate: number(LOWEST_RATE, HIGHEST_RATE, "whole"),
  block: number(1, LONGEST_BLOCK, "whole"),
  units: number(32768, 1e12, "whole"),
  format: choice(WAV_FORMATS),
  json: flag(),
};

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [plugin = "", ...paths] = takePositionals(positionals, ["PLUGIN", "IN.wav", "OUT.wav"], 1);
  if (paths.length === 0) {
    throw new BelljarError("usage/missing", "OUT.wav is missing.", "See belljar process --help.");
  }
  const tail = options.tail ?? "auto";
  const pairs = {
    params: readPairs("param", options.param),
    config: readPairs("config", options.config),
    files: readPairs("file", options.file),
    inputs: readPairs("input", options.input),
  };
  const type = await loadPluginType(plugin);
  const label = printable(plugin, 80);
  if (!hasAudio(type, "out")) throw noSound(label);
  const main = type.descriptor.ports.find((port) => channelCount(port) > 0 && port.role === "input");
  const [input, output] = sortPaths(label, main?.id ?? null, paths);
  const read = [...pairs.files.values(), ...pairs.inputs.values()];
  for (const path of [plugin, input, options.midi]) if (path !== null && path !== undefined) read.push(path);
  refuseOverlap(read, [output]);

  const sounds = new Map<string, WavAudio>();
  if (input !== null && main !== undefined) sounds.set(main.id, await readSound(input));
  for (const [port, path] of pairs.inputs) sounds.set(port, await readSound(path));
  const midi = options.midi === undefined ? null : await readMidi(options.midi);
  const rate = agreeOnRate(sounds, options.rate);
  if (midi !== null && !type.descriptor.ports.some((port) => port.type === "event" && isInput(port))) {
    throw new BelljarError("usage/midi", `${label} has no event input, so a MIDI file can do nothing here.`);
  }

  const files: NonNullable<Setup["files"]> = {};
  for (const [id, path] of pairs.files) files[id] = await readConfigFile(path);
  const setup: Setup = {
    rate,
    maxFrames: options.block ?? 128,
    config: Object.fromEntries(pairs.config),
    files,
    params: Object.fromEntries(pairs.params),
    ...(options.units === undefined ? {} : { unitBudget: options.units }),
  };
  const bar = new Progress("Processing");
  const log = new LogLines((line) => bar.print(line));
  const processor = ready(type, setup, log);
  for (const id of sounds.keys()) processor.input(id);
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
      midi,
      bpm: options.bpm ?? 120,
      frames,
      tail: tail === "auto" ? "auto" : Math.round(tail * rate),
      write: (views, count, offset) => writer.write(views, count, offset),
      log: (line, level, seconds) => log.take(type.descriptor.id, line, level, seconds),
      progress: (done, total) => bar.update(done / rate, total / rate),
    });
    writer.finish();
    bar.end();
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
function ready(type: PluginType, setup: Setup, log: LogLines): Processor {
  const instance = type.instantiate();
  try {
    return new Processor(instance, setup);
  } catch (error) {
    instance.drainMessages((kind, text, level) => {
      if (kind === "log") log.take(type.descriptor.id, text, level, 0);
    });
    log.end();
    throw error;
  }
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

function report(
  json: boolean,
  what: { plugin: string; output: string; rate: number; channels: number; latency: number },
  facts: RunFacts & { clipped: number; log: LogRecord[]; logLeftOut: number },
): void {
  const seconds = facts.frames / what.rate;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...what, ...facts, seconds }, null, 2)}\n`);
    return;
  }
  const units = Math.round(facts.units / Math.max(1, facts.blocks));
  process.stdout.write(
    `${printable(what.output)}: ${seconds.toFixed(2)} s, peak ${decibels(facts.peak)}, ` +
      `${timesRealTime(seconds, facts.milliseconds / 1000)} × real time, ` +
      `${units} units a block (at most ${facts.mostUnits})\n`,
  );
  if (facts.clipped > 0) {
    process.stderr.write(
      `belljar: ${facts.clipped} samples were louder than full scale and were held at it.\n`,
    );
  }
  if (facts.lostEvents > 0) {
    process.stderr.write(
      `belljar: ${facts.lostEvents} events found no room in the plugin's list and were left out.\n`,
    );
  }
}
