// `belljar play`: a session, a sound or a piece of music, live on the sound card.

import { basename, dirname, extname, resolve } from "node:path";
import { BelljarError } from "../../abi/error.ts";
import { MIDI_MAX_BYTES } from "../engine/midi-file.ts";
import { readSession } from "../engine/open-session.ts";
import type { InputFile } from "../engine/prepare.ts";
import { DEADLINES, LIVE_BLOCKS } from "../engine/live/play-options.ts";
import { ON_FAULT } from "../engine/recovery.ts";
import { LONGEST_SECONDS } from "../engine/render.ts";
import { parseSession, type Session } from "../engine/session.ts";
import { readWav } from "../player/wav-reader.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { readInputs, refuseOverlap, WAV_MAX_BYTES } from "./files.ts";
import { inputsFor, readMidiIn } from "./midi-in.ts";
import { choice, flag, list, number, parseOptions, readPairs, takePositionals, text } from "./options.ts";
import { perform } from "./performance.ts";
import { readSettings, SINK_OPTIONS } from "./sink.ts";

export const name = "play";
export const summary =
  "Play a session, a WAV or a MIDI file, or an instrument from a keyboard, on the sound card";
export const help = `Plays live: each plugin has a deadline inside its block, and one that misses it is stopped there while
the others go on. A sound card that is lost comes back when it is there again; until then the music
goes on unheard. Ctrl-C lets what sounds ring out; a second one ends at once.

Usage: belljar play SESSION.json|FILE.wav|FILE.mid [OPTIONS]
       belljar play --midi-in NAME [--instrument NAME] [OPTIONS]

  --device NAME       a device's id or a part of its name (belljar devices), null or wav:FILE;
                      the system's default unless said
  --buffer N          frames of the device's buffer
  --latency MS        milliseconds of sound that lie ready; four blocks unless said
  --block N           frames of a block, 32 to 4096, instead of the session's (128)
  --midi NAME=FILE    a MIDI file for the track source of that name; repeatable
  --input NAME=FILE   a WAV file for the file source of that name; repeatable
  --midi-in NAME[=NODE]
                      a MIDI device (belljar devices; a part of its name is enough) plays the session's
                      event_input, or the one that is named; repeatable. Beside a WAV or MIDI file, or
                      without one, it plays the instrument
  --instrument NAME   what plays a MIDI file, or a MIDI device (sine)
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
  belljar play --instrument ./my-synth.wasm --midi-in Launchkey --latency 5
  belljar play session.json --midi-in Launchkey=keys --midi-in nanoPAD=drums
  belljar play session.json --device null --seconds 10 --json
`;

const OPTIONS = {
  device: text(),
  buffer: number(1, 65_536, "whole"),
  latency: number(1, 5000),
  block: number(LIVE_BLOCKS.least, LIVE_BLOCKS.most, "whole"),
  midi: list(),
  input: list(),
  "midi-in": list(),
  instrument: text(),
  seconds: number(0, LONGEST_SECONDS),
  deadline: number(DEADLINES.least, DEADLINES.most),
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
  const wishes = readMidiIn(options["midi-in"]);
  const file = takeFile(positionals, wishes.length > 0);
  const piece = await readPiece(file, options);
  const inputs = inputsFor(wishes, piece.session);
  const config = readSettings(options);
  if (options.device !== undefined) config.device = options.device;
  if (config.device?.startsWith("wav:")) {
    const named = [...readPairs("midi", options.midi), ...readPairs("input", options.input)];
    refuseOverlap(
      [...(file === null ? [] : [file]), ...named.map(([, path]) => path)],
      [config.device.slice("wav:".length)],
    );
  }
  const { impatient } = await perform(
    piece.session,
    {
      ...{ folder: piece.folder, midi: piece.midi, audio: piece.audio },
      settings: config,
      device: options.device,
      latency: options.latency,
      buffer: options.buffer,
      inputs,
      block: options.block,
      deadline: options.deadline,
      onFault: options["on-fault"],
    },
    { json: options.json, seconds: options.seconds, named: config.device !== null },
  );
  return impatient ? EXIT_INTERRUPTED : 0;
}

/** Null: no file, which is enough where somebody plays. */
function takeFile(positionals: string[], isPlayed: boolean): string | null {
  if (isPlayed && positionals.length === 0) return null;
  if (positionals.length === 0) {
    throw new BelljarError(
      "usage/missing",
      "SESSION.json|FILE.wav|FILE.mid is missing.",
      "To play an instrument without a file, name a keyboard: --midi-in NAME.",
    );
  }
  return takePositionals(positionals, ["SESSION.json|FILE.wav|FILE.mid"])[0] as string;
}

async function readPiece(file: string | null, options: Options): Promise<Piece> {
  const kind = file === null ? "" : extname(file).toLowerCase();
  const midi = await readInputs(readPairs("midi", options.midi), MIDI_MAX_BYTES, "a MIDI file");
  const audio = await readInputs(readPairs("input", options.input), WAV_MAX_BYTES, "a WAV file");
  const isSound = kind === ".wav";
  const isSong = kind === ".mid" || kind === ".midi" || kind === ".smf";
  const isPlayed = options["midi-in"].length > 0;
  if (file !== null && !isSound && !isSong) {
    return { session: await readSession(file), folder: dirname(resolve(file)), midi, audio };
  }
  const name = file === null ? "the session" : basename(file);
  const nodes: SessionPart[] = [];
  if (file !== null && isSound) {
    const bytes = await readRegularFile(file, WAV_MAX_BYTES, "a WAV file");
    nodes.push({ id: "sound", type: "file_source", to: "master" });
    audio.set("sound", { name, bytes });
  }
  if (file !== null && isSong) {
    nodes.push({ id: "song", type: "track_source", to: "instrument" });
    midi.set("song", { name, bytes: await readRegularFile(file, MIDI_MAX_BYTES, "a MIDI file") });
  }
  if (isPlayed) nodes.push({ id: "keys", type: "event_input", to: "instrument" });
  if (isSong || isPlayed) {
    nodes.push({ id: "instrument", type: options.instrument ?? "sine", to: "master" });
  }
  const sound = audio.get("sound");
  const rate = isSound && sound !== undefined ? readWav(sound.bytes, name).rate : undefined;
  // A session names its plugins relative to itself.
  return { session: sessionOf(name, nodes, rate), folder: process.cwd(), midi, audio };
}

/** A node, and the one that it leads to. */
interface SessionPart {
  id: string;
  type: string;
  to: string;
}

function sessionOf(name: string, parts: readonly SessionPart[], rate?: number): Session {
  const nodes = parts.map(({ id, type }) => ({ id, type }));
  const connections = parts.map(({ id, to }) => {
    const port = to === "master" ? "audio" : "events";
    return { from_node: id, from_port: `${port}_out`, to_node: to, to_port: `${port}_in` };
  });
  return parseSession(
    JSON.stringify({ nodes, connections, ...(rate === undefined ? {} : { sample_rate: rate }) }),
    name,
  );
}
