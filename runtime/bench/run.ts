// A whole measurement: opens what is asked for, and measures it in every configuration.

import { basename, dirname, resolve } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { readMidiFile } from "../engine/midi-file.ts";
import { scheduleMidi } from "../engine/midi-schedule.ts";
import { readSession } from "../engine/open-session.ts";
import { Processor, type Setup } from "../engine/processor.ts";
import { readWav, type WavAudio } from "../player/wav-reader.ts";
import { compileInChild } from "../registry/compile.ts";
import { PluginType, REWRITER_VERSION } from "../sandbox/index.ts";
import { compare } from "./compare.ts";
import emptyBytes from "./empty.wasm";
import { measureLoading } from "./loading.ts";
import { machine } from "./machine.ts";
import { blocksOf, measure, type Pulse } from "./measure.ts";
import { nodeShares } from "./nodes.ts";
import { type Configuration, describe, Stopped, type Subject } from "./player.ts";
import { describePlugin, type PluginPiece, PluginSubject, takesNotes } from "./plugin-subject.ts";
import type { BenchRequest, Target } from "./request.ts";
import type { BenchReport, Measurand, Row } from "./result.ts";
import { SessionSubject } from "./session-subject.ts";

const DEFAULT_RATE = 48_000;
const DEFAULT_BLOCK = 128;
const DEFAULT_VOICES = [1, 4, 16];
export const DEFAULT_SECONDS = 10;
export const DEFAULT_ROUNDS = 5;
export const DEFAULT_TURN_ROUNDS = 20;
const MOST_CONFIGURATIONS = 64;
/** Of one piece: their times are kept. */
const MOST_BLOCKS = 4_000_000;

/** What is measured, opened. */
interface Opened {
  measurand: Measurand;
  subject: Subject;
  session: SessionSubject | null;
}

/**
 * @param tell called with the part that is done and what is being done
 * @throws BelljarError for what the user can mend; Stopped where a plugin was stopped
 */
export async function runBench(
  request: BenchRequest,
  tell: (part: number, what: string) => void,
): Promise<BenchReport> {
  const warnings: string[] = [];
  const floor = new PluginSubject(await PluginType.load(emptyBytes, { compile: compileInChild }), {
    setup: {},
    sound: null,
    midi: null,
    seconds: 0,
  });
  const { configurations, seconds, piece, open } = await plan(request, warnings);
  for (const configuration of configurations) {
    const blocks = blocksOf(configuration, seconds);
    if (blocks <= MOST_BLOCKS) continue;
    throw new BelljarError(
      "usage/value",
      `${blocks} blocks are too many to be measured; the most is ${MOST_BLOCKS}.`,
      "Give fewer --seconds, or a longer --block.",
    );
  }
  tell(0, "loading");
  const first = await open(request.target);
  const other = request.other === null ? null : await openOther(open, request.other);
  if (other !== null) tellApart(first.measurand, other.measurand, request);
  const rows: Row[] = [];
  // Measuring twice and in turns takes about as many rounds of blocks as there are.
  const stages = other === null ? [1] : [0.25, 0.25, 0.5];
  for (const [index, configuration] of configurations.entries()) {
    const what = describe(configuration);
    const pulseOf = (stage: number): Pulse => {
      const before = stages.slice(0, stage).reduce((sum, one) => sum + one, 0);
      return (part) =>
        tell((index + before + part * (stages[stage] as number)) / configurations.length, what);
    };
    const once = { seconds, rounds: request.rounds ?? DEFAULT_ROUNDS, fewer: request.rounds === null };
    const turns = { ...once, rounds: request.rounds ?? DEFAULT_TURN_ROUNDS };
    try {
      rows.push({
        ...configuration,
        measured: await measure(first.subject, floor, configuration, once, pulseOf(0)),
        shares: first.session === null ? null : await nodeShares(first.session, configuration, seconds),
        other: other === null ? null : await measure(other.subject, floor, configuration, once, pulseOf(1)),
        comparison:
          other === null
            ? null
            : await compare(first.subject, other.subject, configuration, turns, pulseOf(2)),
      });
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      throw new Stopped(`At ${what}: ${error.message}`);
    }
  }
  for (const { measured, ...configuration } of rows) {
    if (measured.lostEvents === 0) continue;
    warnings.push(
      `At ${describe(configuration)}, ${measured.lostEvents} events found no room in a plugin's list.`,
    );
  }
  return {
    version: 1,
    machine: machine(),
    meter: REWRITER_VERSION,
    subject: first.measurand,
    other: other?.measurand ?? null,
    piece,
    seconds,
    rows,
    warnings,
  };
}

/** Two versions of a plugin mostly have the same name: then their files' tell them apart. */
function tellApart(first: Measurand, other: Measurand, { target, other: against }: BenchRequest): void {
  if (first.name !== other.name && first.short !== other.short) return;
  const fileOf = (one: Target | null): string =>
    one === null ? "" : printable(one.kind === "session" ? basename(one.path) : basename(one.name), 60);
  const [a, b] = [fileOf(target), fileOf(against)];
  first.short = a;
  other.short = a === b ? `the other ${b}` : b;
  for (const one of [first, other])
    one.name = one.kind === "session" ? one.short : `${one.short}: ${one.name}`;
}

/** What is wrong with the other one says that it is about that one. */
async function openOther(open: Planned["open"], target: Target): Promise<Opened> {
  try {
    return await open(target);
  } catch (error) {
    const ofItsOwn =
      target.kind === "plugin" && error instanceof BelljarError && !error.code.startsWith("usage/");
    throw ofItsOwn ? new BelljarError(error.code, `${target.name}: ${error.message}`, error.hint) : error;
  }
}

interface Planned {
  configurations: Configuration[];
  seconds: number;
  piece: string;
  open(target: Target): Promise<Opened>;
}

function plan(request: BenchRequest, warnings: string[]): Promise<Planned> {
  return request.target.kind === "plugin"
    ? planPlugin(request, request.target.bytes)
    : planSession(request, request.target.path, warnings);
}

/** Every rate with every block size with every number of voices. */
function combine(rates: number[], blocks: number[], voices: (number | null)[]): Configuration[] {
  const all = rates.flatMap((rate) =>
    blocks.flatMap((block) => voices.map((notes) => ({ rate, block, voices: notes }))),
  );
  if (all.length <= MOST_CONFIGURATIONS) return all;
  throw new BelljarError(
    "usage/value",
    `${all.length} combinations of rates, block sizes and voices are more than ${MOST_CONFIGURATIONS}.`,
    "Measure them in several runs.",
  );
}

const orElse = <T>(given: T[], usual: T[]): T[] => (given.length > 0 ? given : usual);

async function planPlugin(request: BenchRequest, bytes: Uint8Array<ArrayBuffer>): Promise<Planned> {
  const sound = request.sound === null ? null : readWav(request.sound.bytes, request.sound.name);
  const midi = request.midi === null ? null : readMidiFile(request.midi.bytes, request.midi.name);
  const rates = ratesFor(request.rates, sound);
  const setup = setupOf(request);
  const type = await PluginType.load(bytes, { compile: compileInChild, limits: request.limits });
  const [rate = DEFAULT_RATE] = rates;
  const blocks = orElse(request.blocks, [DEFAULT_BLOCK]);
  const { descriptor } = new Processor(type.instantiate(), { ...setup, rate, maxFrames: blocks[0] ?? 1 });
  const name = printable(descriptor.id, 60);
  const notes = takesNotes(descriptor);
  const hears = descriptor.ports.some(
    (port) => port.type.startsWith("audio") && (port.role === "input" || port.role === "sidechain"),
  );
  if (midi !== null && !notes) {
    throw new BelljarError("usage/midi", `${name} has no event input, so a MIDI file can do nothing here.`);
  }
  if (request.voices.length > 0 && (!notes || midi !== null)) {
    throw new BelljarError(
      "usage/voices",
      notes
        ? "--voices and --midi exclude each other: either notes are held, or a file is played."
        : `${name} has no event input, so it takes no voices.`,
    );
  }
  if (sound !== null && !hears) {
    throw new BelljarError("usage/input", `${name} has no audio input, so it takes no --input.`);
  }
  const voices = notes && midi === null ? orElse(request.voices, DEFAULT_VOICES) : [null];
  const length = Math.max(
    sound === null ? 0 : sound.frames / sound.rate,
    midi === null ? 0 : scheduleMidi(midi, { rate }).endFrame / rate,
  );
  const seconds = request.seconds ?? (length > 0 ? Math.min(length, DEFAULT_SECONDS) : DEFAULT_SECONDS);
  const parts = [
    ...(hears ? [sound === null ? "noise" : printable(request.sound?.name ?? "", 60)] : []),
    ...(notes ? [midi === null ? "held notes" : printable(request.midi?.name ?? "", 60)] : []),
  ];
  const content: PluginPiece = { setup, sound, midi, seconds };
  return {
    configurations: combine(rates, blocks, voices),
    seconds,
    piece: parts.length === 0 ? "no input" : parts.join(" and "),
    open: async (target) => {
      if (target.kind === "session") throw mixed();
      const own = await PluginType.load(target.bytes, { compile: compileInChild, limits: request.limits });
      const { loading, size } = await measureLoading(target.bytes, { ...setup, rate }, request.limits);
      return {
        measurand: {
          kind: "plugin",
          name: describePlugin(own.descriptor),
          id: printable(own.descriptor.id, 120),
          short: printable(own.descriptor.id, 30),
          hash: own.hash,
          loading,
          size,
        },
        subject: new PluginSubject(own, content),
        session: null,
      };
    },
  };
}

function ratesFor(given: number[], sound: WavAudio | null): number[] {
  if (sound === null) return orElse(given, [DEFAULT_RATE]);
  if (given.every((rate) => rate === sound.rate)) return [sound.rate];
  throw new BelljarError(
    "usage/rate",
    `The sample rates differ (${[sound.rate, ...given].join(", ")} Hz), and nothing is resampled here.`,
    "Leave out --rate, or convert the file first.",
  );
}

function setupOf(request: BenchRequest): Setup {
  return {
    params: Object.fromEntries(request.params),
    config: Object.fromEntries(request.config),
    files: Object.fromEntries(request.files),
    ...(request.preset === null ? {} : { preset: request.preset }),
  };
}

async function planSession(request: BenchRequest, path: string, warnings: string[]): Promise<Planned> {
  const inputs = {
    midi: new Map(request.midiInputs),
    audio: new Map(request.soundInputs),
    limits: request.limits,
  };
  const subjectAt = async (file: string) =>
    new SessionSubject(await readSession(file), { folder: dirname(resolve(file)), ...inputs });
  const subject = await subjectAt(path);
  const rates = orElse(request.rates, [subject.session.sampleRate ?? DEFAULT_RATE]);
  const blocks = orElse(request.blocks, [subject.session.blockSize ?? DEFAULT_BLOCK]);
  const [rate = DEFAULT_RATE] = rates;
  const prepared = await subject.prepare({ rate, block: blocks[0] ?? DEFAULT_BLOCK });
  warnings.push(...prepared.warnings);
  const length = prepared.contentFrames === null ? DEFAULT_SECONDS : prepared.contentFrames / rate;
  return {
    configurations: combine(rates, blocks, [null]),
    seconds: request.seconds ?? Math.min(DEFAULT_SECONDS, Math.max(length, 0.1)),
    piece: "its own",
    open: async (target) => {
      if (target.kind === "plugin") throw mixed();
      const own = await subjectAt(target.path);
      const began = performance.now();
      await own.prepare({ rate, block: blocks[0] ?? DEFAULT_BLOCK });
      const name = printable(basename(target.path), 120);
      return {
        measurand: { kind: "session", name, id: name, short: name, open: performance.now() - began },
        subject: own,
        session: own,
      };
    },
  };
}

function mixed(): BelljarError {
  return new BelljarError(
    "usage/vs",
    "A plugin can be compared with a plugin, and a session with a session.",
  );
}
