// `belljar play`: a session, a sound or a piece of music, live on the sound card.

import { basename, dirname, extname, resolve } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import type { StreamFormat, StreamStatus } from "../../abi/sidecar.ts";
import { LiveOutput, type OutputEvent } from "../engine/live/live-output.ts";
import { type LiveFigures, LiveSession, type LiveSessionEvent } from "../engine/live/live-session.ts";
import { MIDI_MAX_BYTES } from "../engine/midi-file.ts";
import { readSession } from "../engine/open-session.ts";
import type { InputFile } from "../engine/prepare.ts";
import { ON_FAULT } from "../engine/recovery.ts";
import { LONGEST_SECONDS } from "../engine/render.ts";
import { LONGEST_BLOCK, parseSession, type Session } from "../engine/session.ts";
import { readWav } from "../player/wav-reader.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { readInputs, refuseOverlap, WAV_MAX_BYTES } from "./files.ts";
import { onInterrupt } from "./interrupt.ts";
import { LogLines } from "./log.ts";
import { decibels } from "./node-table.ts";
import { choice, flag, list, number, parseOptions, readPairs, takePositionals, text } from "./options.ts";
import { clock } from "./progress.ts";
import { exactClock } from "./recovery-lines.ts";
import { readSettings, SINK_OPTIONS, sidecarOf } from "./sink.ts";
import { StatusLine } from "./status-line.ts";

export const name = "play";
export const summary = "Play a session, a WAV or a MIDI file on the sound card";
export const help = `Plays live: each plugin has a deadline inside its block, and one that misses it is stopped there while
the others go on. A sound card that is lost comes back when it is there again; until then the music
goes on unheard. Ctrl-C lets what sounds ring out; a second one ends at once.

Usage: belljar play SESSION.json|FILE.wav|FILE.mid [OPTIONS]

  --device NAME       a device's id or a part of its name (belljar devices), null or wav:FILE;
                      the system's default unless said
  --buffer N          frames of the device's buffer
  --latency MS        milliseconds of sound that lie ready; four blocks unless said
  --block N           frames of a block, instead of the session's (128)
  --midi NAME=FILE    a MIDI file for the track source of that name; repeatable
  --input NAME=FILE   a WAV file for the file source of that name; repeatable
  --instrument NAME   what plays a MIDI file (sine)
  --seconds N         end after so long
  --deadline SHARE    share of a block's time that one plugin may take (0.8)
  --on-fault POLICY   what follows when a plugin is stopped: off, restart or restore
  --portaudio FILE    use this PortAudio library (one with ASIO, say)
  --sidecar FILE      use this sidecar
  --json              print the summary as JSON

Settings for good are in the configuration file, under "output": device, buffer_size_frames,
ring_capacity_ms, preferred_chunk_frames, flush_timeout_ms, sample_format, fit, exclusive,
fallback_to_default, sidecar_path, sidecar_args.

Exit code: 0 played, also where Ctrl-C ended it; 130 when it was pressed twice; 2 bad input, or a WAV
file that could not be written to its end.

Examples:
  belljar play session.json
  belljar play song.mid --instrument ./my-synth.wasm
  belljar play voice.wav --device "USB" --latency 10
  belljar play session.json --device null --seconds 10 --json
`;

const OPTIONS = {
  device: text(),
  buffer: number(1, 65_536, "whole"),
  latency: number(1, 5000),
  block: number(32, LONGEST_BLOCK, "whole"),
  midi: list(),
  input: list(),
  instrument: text(),
  seconds: number(0, LONGEST_SECONDS),
  deadline: number(0.01, 100),
  "on-fault": choice(ON_FAULT),
  ...SINK_OPTIONS,
  json: flag(),
};

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>["options"];

interface Piece {
  session: Session;
  folder: string | null;
  midi: Map<string, InputFile>;
  audio: Map<string, InputFile>;
}

/** -90 dBFS; and how long it has to stay below that, and the most that is waited for it. Seconds. */
const QUIET = 10 ** (-90 / 20);
const QUIET_SECONDS = 1;
const LONGEST_TAIL = 10;
/** How often the screen is drawn, and the end looked for. Milliseconds. */
const ROUND = 100;
const DEFAULT_RATE = 48_000;
const EXIT_INTERRUPTED = 130;

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [file = ""] = takePositionals(positionals, ["SESSION.json|FILE.wav|FILE.mid"]);
  const piece = await readPiece(file, options);
  const config = readSettings(options);
  if (options.device !== undefined) config.device = options.device;
  if (options.buffer !== undefined) config.buffer_size_frames = options.buffer;
  if (config.device?.startsWith("wav:")) {
    const named = [...readPairs("midi", options.midi), ...readPairs("input", options.input)];
    refuseOverlap([file, ...named.map(([, path]) => path)], [config.device.slice("wav:".length)]);
  }
  const performance_ = new Performance(options.json);
  const block = options.block ?? piece.session.blockSize ?? 128;
  const output = await LiveOutput.open({
    command: sidecarOf(config),
    config,
    block,
    rate: piece.session.sampleRate ?? DEFAULT_RATE,
    channels: 2,
    latency: options.latency ?? null,
    // A device that is named here and now is meant.
    mayStandIn: config.fallback_to_default && options.device === undefined,
    onEvent: (event) => performance_.hearOutput(event),
  });
  try {
    const live = await LiveSession.open(piece.session, {
      folder: piece.folder,
      midi: piece.midi,
      audio: piece.audio,
      rate: (output.format as StreamFormat).rate,
      block,
      deadline: options.deadline,
      onFault: options["on-fault"],
      onEvent: (event) => performance_.hear(event),
    });
    try {
      await performance_.play(live, output, config.device, options.seconds);
    } finally {
      await live.close();
    }
  } finally {
    try {
      const status = await output.close();
      performance_.status = status ?? performance_.status;
    } finally {
      onInterrupt(null);
    }
  }
  performance_.summarise(output);
  return performance_.impatient ? EXIT_INTERRUPTED : 0;
}

async function readPiece(file: string, options: Options): Promise<Piece> {
  const kind = extname(file).toLowerCase();
  const midi = await readInputs(readPairs("midi", options.midi), MIDI_MAX_BYTES, "a MIDI file");
  const audio = await readInputs(readPairs("input", options.input), WAV_MAX_BYTES, "a WAV file");
  if (kind === ".wav") {
    const bytes = await readRegularFile(file, WAV_MAX_BYTES, "a WAV file");
    const { rate } = readWav(bytes, basename(file));
    audio.set("sound", { name: basename(file), bytes });
    return {
      session: sessionOf(file, [{ id: "sound", type: "file_source" }], rate),
      folder: null,
      midi,
      audio,
    };
  }
  if (kind === ".mid" || kind === ".midi" || kind === ".smf") {
    midi.set("song", {
      name: basename(file),
      bytes: await readRegularFile(file, MIDI_MAX_BYTES, "a MIDI file"),
    });
    const instrument = options.instrument ?? "sine";
    const session = sessionOf(file, [
      { id: "song", type: "track_source" },
      { id: "instrument", type: instrument },
    ]);
    // A session names its plugins relative to itself.
    return { session, folder: process.cwd(), midi, audio };
  }
  return { session: await readSession(file), folder: dirname(resolve(file)), midi, audio };
}

/** Sources and effects in a row, into the master. */
function sessionOf(file: string, nodes: { id: string; type: string }[], rate?: number): Session {
  const connections = nodes.map(({ id }, i) => {
    const last = i === nodes.length - 1;
    const port = last ? "audio" : "events";
    return {
      from_node: id,
      from_port: `${port}_out`,
      to_node: last ? "master" : nodes[i + 1]?.id,
      to_port: `${port}_in`,
    };
  });
  return parseSession(
    JSON.stringify({ nodes, connections, ...(rate === undefined ? {} : { sample_rate: rate }) }),
    basename(file),
  );
}

/** What is seen and heard of one playing. */
class Performance {
  status: StreamStatus | null = null;
  /** Ctrl-C came again while the sound was ringing out. */
  impatient = false;
  /** What ends it before its time. */
  private failure: BelljarError | null = null;
  private readonly json: boolean;
  private readonly line = new StatusLine();
  private readonly log = new LogLines((text_) => this.print(text_));
  private readonly events: { what: string; message: string; seconds: number }[] = [];
  private live: LiveSession | null = null;
  private figures: LiveFigures | null = null;
  private underruns = 0;

  constructor(json: boolean) {
    this.json = json;
  }

  private get seconds(): number {
    return this.live === null ? 0 : this.live.figures.frame / this.live.facts.rate;
  }

  private print(text_: string): void {
    this.line.clear();
    process.stderr.write(`${text_}\n`);
  }

  private note(what: string, message: string, node = ""): void {
    const { seconds } = this;
    if (this.events.length < 1000) this.events.push({ what, message, seconds });
    this.print(
      `${node === "" ? "belljar" : printable(node, 80)}: [${what}] at ${exactClock(seconds)}: ${message}`,
    );
  }

  hear(event: LiveSessionEvent): void {
    switch (event.what) {
      case "message":
        if (event.kind === "log") this.log.take(event.node, event.text, event.level, this.seconds);
        break;
      case "rescued":
      case "ended":
      case "sink":
        this.note(event.what, event.message);
        break;
      default:
        this.note(event.what, event.message, event.node);
    }
  }

  hearOutput(event: OutputEvent): void {
    if (event.what === "underrun") this.underruns = event.underruns;
    else if (event.what === "lost" && event.final) this.failure = new BelljarError(event.code, event.message);
    else if (event.what === "lost") this.note("lost", `${event.message} The music goes on unheard.`);
    else
      this.note(
        "back",
        `Heard again on ${printable(event.device, 120)}, after ${(event.milliseconds / 1000).toFixed(1)} s.`,
      );
  }

  async play(
    live: LiveSession,
    output: LiveOutput,
    asked: string | null,
    seconds: number | undefined,
  ): Promise<void> {
    const { rate, contentFrames, warnings } = live.facts;
    const { format, device } = output;
    for (const warning of warnings) this.print(`belljar: ${warning}`);
    for (const change of format?.changes ?? []) this.print(`belljar: ${printable(change, 200)}`);
    if (output.standIn !== "") this.print(`belljar: ${output.standIn}`);
    if ((asked === null || output.standIn !== "") && device === "null") {
      const why = output.notes.map((note) => ` ${printable(note, 200)}`).join("");
      this.print(`belljar: there is no sound card to play on, so nobody hears it.${why}`);
    }
    if (contentFrames === null && seconds === undefined) {
      this.print("belljar: nothing in it ends; Ctrl-C does.");
    }
    this.live = live;
    await output.play(live);
    if (!this.json)
      process.stdout.write(
        `Playing on ${printable(device, 120)}, ${rate} Hz, ${((output.depth * 1000) / rate).toFixed(1)} ms ahead.\n`,
      );
    const end = seconds === undefined ? contentFrames : Math.round(seconds * rate);
    let finishing = false;
    let ended = false;
    onInterrupt(() => {
      if (ended) process.exit(EXIT_INTERRUPTED);
      this.impatient = ended = finishing;
      finishing = true;
      live.finish();
    });
    try {
      let heard = 0;
      let over = end ?? Number.POSITIVE_INFINITY;
      while (!ended) {
        await new Promise((resume) => setTimeout(resume, ROUND));
        const { frame, peak } = live.figures;
        if (finishing && frame < over) over = frame;
        if (peak > QUIET || frame < over) heard = frame;
        ended ||=
          frame >= over && (frame - heard >= QUIET_SECONDS * rate || frame - over >= LONGEST_TAIL * rate);
        // A length that was asked for is kept, but for what was interrupted.
        ended ||= seconds !== undefined && frame >= (end as number);
        if (this.failure !== null) throw this.failure;
        this.draw(live, end);
      }
    } finally {
      ended = true;
      this.line.clear();
      this.figures = live.figures;
      this.status = await output.status();
    }
  }

  private draw(live: LiveSession, end: number | null): void {
    const { frame, meanLoad, worstLoad, peak, late } = live.figures;
    const { rate } = live.facts;
    const of = end === null ? "" : ` of ${clock(end / rate)}`;
    const bar = meter(peak);
    this.line.show(
      `${clock(frame / rate)}${of}  ${bar} ${decibels(peak).padStart(9)}  load ${percent(meanLoad)} (most ${percent(worstLoad)})  late ${late}  underruns ${this.underruns}`,
    );
  }

  summarise({ device, format, depth }: LiveOutput): void {
    const { figures, status, events } = this;
    if (figures === null || format === null) return;
    const { rate } = format;
    const { frame, meanLoad, worstLoad, late, unheard } = figures;
    const facts = {
      device,
      format,
      readyFrames: depth,
      seconds: frame / rate,
      load: { mean: meanLoad, worst: worstLoad },
      lateBlocks: late,
      unheardBlocks: unheard,
      played: status,
      priority: this.live?.priority.kind,
      subnormalsAreZero: this.live?.subnormalsAreZero,
      events,
      log: this.log.records,
    };
    if (this.json) {
      process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
      return;
    }
    this.log.end();
    const { kind, advice } = this.live?.priority ?? { kind: "usual", advice: "" };
    const lines = [
      `Played ${clock(frame / rate)} on ${printable(device, 120)}: load ${percent(meanLoad)}, at most ${percent(worstLoad)}; ${count(late, "late block")}, ${count(status?.underruns ?? this.underruns, "underrun")}.`,
      `The audio thread had ${kind} priority.${advice === "" ? "" : ` ${advice}`}`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const count = (number_: number, what: string): string => `${number_} ${what}${number_ === 1 ? "" : "s"}`;

/** -60 to 0 dBFS in ten steps. */
function meter(peak: number): string {
  const db = peak > 0 ? 20 * Math.log10(peak) : -100;
  const full = Math.max(0, Math.min(10, Math.ceil((db + 60) / 6)));
  return "█".repeat(full) + "░".repeat(10 - full);
}
