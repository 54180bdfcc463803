// `belljar render`: a session into a WAV file, a fingerprint, a picture.

import { dirname, join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { BelljarError, printable } from "../../abi/error.ts";
import { Fingerprint } from "../engine/fingerprint.ts";
import { MIDI_MAX_BYTES } from "../engine/midi-file.ts";
import { openSession, readSession } from "../engine/open-session.ts";
import { renderPicture, WaveformPeaks } from "../engine/picture.ts";
import { ON_FAULT } from "../engine/recovery.ts";
import { LONGEST_SECONDS, type RenderReport, renderSession, type Sink } from "../engine/render.ts";
import { HIGHEST_RATE, LONGEST_BLOCK, LOWEST_RATE, type Session } from "../engine/session.ts";
import { checkWritable, writeFileAtomic } from "../output/atomic-file.ts";
import { openWav, WAV_FORMATS, type WavWriter } from "../output/wav-writer.ts";
import { isFileName } from "../registry/builtins.ts";
import { readInputs, refuseOverlap, WAV_MAX_BYTES } from "./files.ts";
import { decibels, nodeTable, pictureNodes } from "./node-table.ts";
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
import { limits } from "./limits.ts";
import { LogLines } from "./log.ts";
import { RECORD_OPTIONS, RecordCommand } from "./record.ts";
import { RecoveryLines } from "./recovery-lines.ts";
import { describeDropped } from "./process-report.ts";
import { Progress, timesRealTime } from "./progress.ts";

export const name = "render";
export const summary = "Render a session of plugins into a WAV file";
export const help = `Renders a session (nodes, and wires between their ports) faster than it sounds. Each plugin is
metered; one that misbehaves is stopped inside its block and named, and the others go on. It stays
silent to the end, or comes back, as the session or --on-fault says.

Usage: belljar render SESSION.json -o OUT.wav [OPTIONS]

  -o, --out FILE        the WAV file; may be left out with --fingerprint, --picture or --json
  --midi NAME=FILE      a MIDI file for the track source of that name; repeatable
  --input NAME=FILE     a WAV file for the file source of that name; repeatable
  --seconds N           length; otherwise until the last source ends, and the tail
  --tail auto|SECONDS   sound after that; auto waits for quiet, at most 30 s
                        (auto by default, 0 with --seconds)
  --rate N              sample rate, instead of the session's
  --block N             frames of a block, instead of the session's
  --format NAME         float32 (the default), pcm24 or pcm16
  --fingerprint         print a hash of the samples: the same on every machine and version of Node
  --picture FILE.svg    draw the waveform and each node's load
  --on-fault POLICY     what follows when a plugin is stopped, for all of them, instead of what the
                        session says: off, restart (a new instance) or restore (with its state)
  --record FOLDER       keep a recording of each plugin that is stopped, for belljar replay: NODE.bjr
  --record-audio        with the sound that it heard, which may be a microphone's; left out otherwise
  --record-limit MB     a recording that grows larger is dropped (64)
  --units N             work that one block of a plugin may cost before it is stopped
  --limit NAME=VALUE    change another of the sandbox's limits (belljar inspect --limits); repeatable
  --liftoff-only        compile with V8's simple compiler alone; the samples stay the same
  --strict              exit code 1 when a plugin was stopped
  --json                print the report as JSON

Exit code: 0 rendered, 1 a plugin was stopped (with --strict), 2 bad input.

Examples:
  belljar render session.json -o out.wav
  belljar render session.json -o out.wav --midi song=song.mid --input voice=voice.wav
  belljar render session.json --fingerprint --seconds 10
  belljar render session.json -o out.wav --on-fault restore
  belljar render session.json -o out.wav --record faults
  belljar render session.json -o out.wav --picture out.svg --format pcm16
`;

const OPTIONS = {
  out: text("o"),
  midi: list(),
  input: list(),
  seconds: number(0, LONGEST_SECONDS),
  tail: autoOrSeconds(LONGEST_SECONDS),
  rate: number(LOWEST_RATE, HIGHEST_RATE, "whole"),
  block: number(1, LONGEST_BLOCK, "whole"),
  format: choice(WAV_FORMATS),
  fingerprint: flag(),
  picture: text(),
  "on-fault": choice(ON_FAULT),
  ...RECORD_OPTIONS,
  units: number(32768, 1e12, "whole"),
  limit: limits(),
  "liftoff-only": flag(),
  strict: flag(),
  json: flag(),
};

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>["options"];

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [file = ""] = takePositionals(positionals, ["SESSION.json"]);
  const { out, picture } = options;
  if (out === undefined && picture === undefined && !options.fingerprint && !options.json) {
    throw new BelljarError("usage/missing", "Nothing says where the sound is to go.", "Add -o OUT.wav.");
  }
  const record = RecordCommand.of(options, false);
  const work = () => render(file, options, record);
  return record === null ? await work() : await record.around(work);
}

async function render(file: string, options: Options, record: RecordCommand | null): Promise<number> {
  const { out, picture } = options;
  const midiPaths = readPairs("midi", options.midi);
  const audioPaths = readPairs("input", options.input);
  // The flag counts for what is compiled from here on, which is every plugin.
  if (options["liftoff-only"]) setFlagsFromString("--liftoff-only");

  const session = await readSession(file);
  if (record !== null) record.pluginOf = (node) => pluginFile(session, file, node);
  const outputs = [out, picture].filter((path) => path !== undefined);
  refuseOverlap([file, ...midiPaths.values(), ...audioPaths.values(), ...ownFiles(session, file)], outputs);
  for (const path of outputs) checkWritable(path);
  const prepared = await openSession(session, {
    folder: dirname(resolve(file)),
    midi: await readInputs(midiPaths, MIDI_MAX_BYTES, "a MIDI file"),
    audio: await readInputs(audioPaths, WAV_MAX_BYTES, "a WAV file"),
    rate: options.rate,
    block: options.block,
    unitBudget: options.units,
    limits: options.limit,
    onFault: options["on-fault"],
    record: record?.recordings,
  });
  for (const warning of prepared.warnings) process.stderr.write(`belljar: ${warning}\n`);

  const { rate, block } = prepared;
  const expectedFrames =
    options.seconds === undefined ? (prepared.contentFrames ?? 0) : Math.round(options.seconds * rate);
  const sinks: Sink[] = [];
  let writer: WavWriter | null = null;
  if (out !== undefined) {
    writer = openWav(out, { rate, channels: 2, format: options.format ?? "float32", expectedFrames });
    sinks.push(writer);
  }
  const fingerprint = options.fingerprint ? new Fingerprint(rate, block, 2) : null;
  if (fingerprint !== null) sinks.push(fingerprint);
  const waveform = picture === undefined ? null : new WaveformPeaks(2);
  if (waveform !== null)
    sinks.push({ write: (samples, frames, offset) => waveform.add(samples, frames, offset) });

  const bar = new Progress("Rendering");
  const log = new LogLines((line) => bar.print(line));
  // Of a node that is to stay off, the table says all there is to say.
  const replaced = new Set(
    prepared.nodes
      .filter(({ recipe }) => recipe !== undefined && recipe.onFault !== "off")
      .map(({ id }) => id),
  );
  const recovery = new RecoveryLines(
    (line) => bar.print(line),
    (node) => replaced.has(node),
  );
  let report: RenderReport;
  try {
    report = await renderSession(prepared, {
      sinks,
      seconds: options.seconds,
      tail: options.tail,
      onMessage: (node, kind, line, level, seconds) => {
        if (kind === "log") log.take(node, line, level, seconds);
      },
      onRecovery: (event) => recovery.take(event),
      onProgress: (done, total) => bar.update(done / rate, total / rate),
    });
    if (picture !== undefined && waveform !== null) {
      writeFileAtomic(
        picture,
        renderPicture({ title: session.name, rate, waveform, nodes: pictureNodes(report) }),
      );
    }
    writer?.finish();
  } finally {
    bar.end();
    log.end();
    writer?.abort();
  }
  const recordings = record?.save();
  const digest = fingerprint?.digest();
  if (options.json) {
    const more = {
      ...(recordings === undefined ? {} : { recordings }),
      ...(digest === undefined ? {} : { fingerprint: digest }),
      ...(out === undefined ? {} : { out }),
    };
    process.stdout.write(
      `${JSON.stringify({ ...more, ...report, recovery: recovery.records, log: log.records, logLeftOut: log.unrecorded }, null, 2)}\n`,
    );
  } else {
    describe(report, out);
    if (digest !== undefined) process.stdout.write(`fingerprint ${digest}\n`);
  }
  return options.strict && report.nodes.some((node) => node.faultCount > 0) ? 1 : 0;
}

/** The files that a session may be naming: its outputs must not be among them. */
function ownFiles(session: Session, file: string): string[] {
  const folder = dirname(resolve(file));
  const words = session.nodes.flatMap((node) => [node.type, ...node.config.values()]);
  return words
    .filter((word) => typeof word === "string" && !word.includes("\0"))
    .map((word) => join(folder, String(word)));
}

/** The file of a node's plugin, as seen from here; null where it is built in. */
function pluginFile(session: Session, file: string, id: string): string | null {
  const type = session.nodes.find((node) => node.id === id)?.type ?? "";
  return isFileName(type) ? join(dirname(file), type) : null;
}

function describe(report: RenderReport, out: string | undefined): void {
  const what = out === undefined ? "Rendered" : printable(out);
  const nodes = nodeTable(report);
  process.stdout.write(
    `${what}: ${report.seconds.toFixed(2)} s, peak ${decibels(report.peak)}, ` +
      `rendered in ${report.elapsed.toFixed(2)} s, ${timesRealTime(report.seconds, report.elapsed)} × real time\n` +
      (nodes === "" ? "" : `\n${nodes}`),
  );
  if (report.clamped > 0) {
    process.stderr.write(
      `belljar: ${report.clamped} samples were louder than full scale and were held at it.\n`,
    );
  }
  if (report.lostEvents > 0) {
    process.stderr.write(`belljar: ${report.lostEvents} events found no room and were left out.\n`);
  }
  for (const node of report.nodes) process.stderr.write(describeDropped(node.id, node));
}
