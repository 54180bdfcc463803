// `belljar play`: a session, a sound or a piece of music, live on the sound card.

import { basename, dirname, extname, resolve } from "node:path";
import { MIDI_MAX_BYTES } from "../engine/midi-file.ts";
import { readSession } from "../engine/open-session.ts";
import type { InputFile } from "../engine/prepare.ts";
import { ON_FAULT } from "../engine/recovery.ts";
import { LONGEST_SECONDS } from "../engine/render.ts";
import { LONGEST_BLOCK, parseSession, type Session } from "../engine/session.ts";
import { readWav } from "../player/wav-reader.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { readInputs, refuseOverlap, WAV_MAX_BYTES } from "./files.ts";
import { choice, flag, list, number, parseOptions, readPairs, takePositionals, text } from "./options.ts";
import { perform } from "./performance.ts";
import { readSettings, SINK_OPTIONS } from "./sink.ts";

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

const EXIT_INTERRUPTED = 130;

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [file = ""] = takePositionals(positionals, ["SESSION.json|FILE.wav|FILE.mid"]);
  const piece = await readPiece(file, options);
  const config = readSettings(options);
  if (options.device !== undefined) config.device = options.device;
  if (config.device?.startsWith("wav:")) {
    const named = [...readPairs("midi", options.midi), ...readPairs("input", options.input)];
    refuseOverlap([file, ...named.map(([, path]) => path)], [config.device.slice("wav:".length)]);
  }
  const { impatient } = await perform(
    piece.session,
    {
      ...{ folder: piece.folder, midi: piece.midi, audio: piece.audio },
      settings: config,
      device: options.device,
      latency: options.latency,
      buffer: options.buffer,
      block: options.block,
      deadline: options.deadline,
      onFault: options["on-fault"],
    },
    { json: options.json, seconds: options.seconds, named: config.device !== null },
  );
  return impatient ? EXIT_INTERRUPTED : 0;
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
