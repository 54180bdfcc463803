// Sessions and files from strangers: what they name, what they ask the machine, what lies in them.

import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, open, rename, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Session } from "../../runtime/index.ts";
import { AT, knob, type SmallPlugin, smallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { inFolder } from "./around.ts";
import type { Attack, Belljar } from "./twin.ts";

const READ_FILE = "runtime/registry/read-file.ts";
const FILES = "runtime/engine/session-files.ts";
const WAV = "runtime/player/wav-reader.ts";
const MIDI = "runtime/engine/midi-file.ts";

/** Logs what is in the file that it is given: a stranger's way out would be its sound. */
const TELLER: SmallPlugin = {
  ports: [STEREO_OUT],
  config: [{ id: "font", display_name: "Font", type: "filepath" }],
  imports: `(import "belljar" "host_log" (func $log (param i32 i32 i32)))
    (import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))`,
  functions: `(func (export "bj_configure_file") (param i32 i32 i32 i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const ${AT.scratch})
      (call $read (local.get 1) (i32.const 0) (i32.const ${AT.scratch}) (i32.const 64)))
    (i32.const 0))`,
};

/** A folder with a session and, beside it, secrets that it is not to reach. */
function withSecrets<T>(use: (session: string, secrets: string) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const [session, secrets] = [join(folder, "session"), join(folder, "secrets")];
    await mkdir(session);
    await mkdir(secrets);
    await writeFile(join(secrets, "id_rsa"), "-----BEGIN PRIVATE KEY-----");
    return use(session, secrets);
  });
}

/** Prepares a session of one node of that type, and says what the plugin has told of its file. */
async function play(
  belljar: Belljar,
  folder: string,
  node: { type?: string; config?: Record<string, unknown>; params?: Record<string, unknown> },
  plugin: SmallPlugin = TELLER,
): Promise<string> {
  const { prepared, loaded } = await prepare(belljar, folder, node, plugin);
  let told = `loaded ${loaded}`;
  for (const { instance } of prepared.nodes) {
    instance?.drainMessages((_, text) => {
      told = `the plugin gives away: ${text}`;
    });
  }
  return told;
}

async function prepare(
  belljar: Belljar,
  folder: string,
  node: { type?: string; config?: Record<string, unknown>; params?: Record<string, unknown> },
  plugin: SmallPlugin = TELLER,
) {
  const { type = "teller", config = {}, params = {} } = node;
  const session: Session = belljar.parseSession(
    JSON.stringify({ nodes: [{ id: "guest", type, config, params }] }),
    "guest.json",
  );
  let loaded = "nothing";
  const prepared = await belljar.prepareSession(session, {
    folder,
    load: (name) => {
      loaded = name;
      return belljar.PluginType.load(smallPlugin(plugin));
    },
  });
  return { prepared, loaded };
}

/** Ends the waiting of who reads a pipe. */
async function write(pipe: string): Promise<void> {
  try {
    const end = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    await end.close();
  } catch {
    // Nobody waits.
  }
}

const bytesOf = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part)] : part)));
const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const big32 = (value: number): number[] => u32(value).reverse();

/** The "fmt " chunk of a WAV file of 48 kHz. */
function format(channels: number, bits: number, tag = 1): number[] {
  const align = (channels * bits) / 8;
  return [...u16(tag), ...u16(channels), ...u32(48_000), ...u32(48_000 * align), ...u16(align), ...u16(bits)];
}
const riff = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  bytesOf("RIFF", u32(0), "WAVE", ...parts);
const midi = (tracks: number, ...chunks: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  bytesOf("MThd", big32(6), [0, 1, 0, tracks, 0, 96], ...chunks);
const END = [0, 0xff, 0x2f, 0];

export const ATTACKS: Attack[] = [
  {
    attack: "A session gives its plugin the user's private key, by a way out of its folder",
    defence: {
      file: "runtime/engine/plugin-setup.ts",
      line: 'await insideFolder(folder, value, `"',
      off: 'path.join(folder, value) || (`"',
    },
    attempt: (belljar) =>
      withSecrets((session) => play(belljar, session, { config: { font: "../secrets/id_rsa" } })),
    stopped:
      'session/file: The node "guest": "font" names the file "../secrets/id_rsa", which leads out of the session\'s folder.',
    reached: "the plugin gives away: -----BEGIN PRIVATE KEY-----",
  },
  {
    attack: "A session comes with a link to the user's private key",
    defence: { file: FILES, line: 'if (way === ".." || ', off: "if (false && " },
    attempt: (belljar) =>
      withSecrets(async (session, secrets) => {
        await symlink(join(secrets, "id_rsa"), join(session, "font.sf2"));
        return play(belljar, session, { config: { font: "font.sf2" } });
      }),
    stopped:
      'session/file: The node "guest": "font" names the file "font.sf2", which is a link that leads out of the session\'s folder.',
    reached: "the plugin gives away: -----BEGIN PRIVATE KEY-----",
  },
  {
    attack: "A session that was saved to the home folder asks, name by name, which keys are hidden there",
    defence: {
      file: FILES,
      line: 'if (hidden(proposal)) refuse("which is hidden"',
      off: 'if (false) refuse("which is hidden"',
    },
    attempt: (belljar) =>
      inFolder(async (home) => {
        await mkdir(join(home, ".keys"));
        await writeFile(join(home, ".keys", "id_rsa"), "-----BEGIN PRIVATE KEY-----");
        const ask = (name: string): Promise<string> =>
          belljar.insideFolder(home, `.keys/${name}`, "It").then(
            () => "",
            (error: Error) => error.message.replace(name, "it"),
          );
        const answers = [await ask("id_rsa"), await ask("id_dsa")];
        return answers[0] === answers[1] ? (answers[0] as string) : "the answers differ";
      }),
    stopped: 'It names the file ".keys/it", which is hidden.',
    reached: "the answers differ",
  },
  {
    attack: "A session's folder has a link to what is hidden beside it",
    defence: {
      file: FILES,
      line: 'if (hidden(way)) refuse("which is a link to something hidden");',
      off: "",
    },
    attempt: (belljar) =>
      inFolder(async (home) => {
        await mkdir(join(home, ".keys"));
        await writeFile(join(home, ".keys", "id_rsa"), "-----BEGIN PRIVATE KEY-----");
        await symlink(join(home, ".keys"), join(home, "fonts"));
        return play(belljar, home, { config: { font: "fonts/id_rsa" } });
      }),
    stopped: /^session\/file: .* names the file "fonts\/id_rsa", which is a link to something hidden\.$/,
    reached: "the plugin gives away: -----BEGIN PRIVATE KEY-----",
  },
  {
    attack: "A file of a session becomes a link to another, between the check of its place and its opening",
    defence: {
      file: READ_FILE,
      line: "if (checked && !(await isStill(path, facts))) {",
      off: "if (false) {",
    },
    attempt: (belljar) =>
      withSecrets(async (session, secrets) => {
        await mkdir(join(session, "fonts"));
        await writeFile(join(session, "fonts", "id_rsa"), "a font");
        const place = await belljar.insideFolder(session, "fonts/id_rsa", "It");
        await rename(join(session, "fonts"), join(session, "old"));
        await symlink(secrets, join(session, "fonts"));
        const bytes = await belljar.readRegularFile(place, 1_000, "a file for a plugin", true);
        return `the plugin is given: ${Buffer.from(bytes)}`;
      }),
    stopped: /^file\/swapped: .*id_rsa became another file while it was opened\.$/,
    reached: "the plugin is given: -----BEGIN PRIVATE KEY-----",
  },
  {
    attack: "A session asks, name by name, which files the machine has",
    defence: { file: FILES, line: 'proposal.split(/[\\\\/]/).includes("..")', off: "false" },
    attempt: (belljar) =>
      withSecrets(async (session) => {
        const ask = (name: string): Promise<string> =>
          belljar.insideFolder(session, `../secrets/${name}`, "It").then(
            () => "",
            (error: Error) => error.message.replace(name, "it"),
          );
        const answers = [await ask("id_rsa"), await ask("id_dsa")];
        return answers[0] === answers[1]
          ? `of both it hears: ${answers[0]}`
          : "it hears which of the two is there";
      }),
    stopped: 'of both it hears: It names the file "../secrets/it", which leads out of the session\'s folder.',
    reached: "it hears which of the two is there",
  },
  {
    attack: "A session plays a recording that lies outside its folder",
    defence: {
      file: "runtime/engine/prepare.ts",
      line: "const place = await this.ownFile(node, proposal as string);",
      off: "const place = path.resolve(this.options.folder as string, proposal as string);",
    },
    attempt: (belljar) =>
      withSecrets(async (session, secrets) => {
        const sound = riff("fmt ", u32(16), format(1, 16), "data", u32(200), Array(200).fill(1));
        await writeFile(join(secrets, "voice.wav"), sound);
        const node = { type: "file_source", config: { file: "../secrets/voice.wav" } };
        const { prepared } = await prepare(belljar, session, node);
        return `it plays ${prepared.contentFrames} frames of it`;
      }),
    stopped:
      'session/file: The node "guest" names the file "../secrets/voice.wav", which leads out of the session\'s folder.',
    reached: "it plays 100 frames of it",
  },
  {
    attack: "A session loads a plugin from anywhere on the machine",
    defence: {
      file: "runtime/engine/prepare.ts",
      line: "const name = isFileName(node.type) ? await this.ownFile(node, node.type) : node.type;",
      off: "const name = node.type;",
    },
    attempt: (belljar) =>
      withSecrets((session) => play(belljar, session, { type: "/media/stick/evil.wasm" })),
    stopped:
      'session/file: The node "guest" names the file "/media/stick/evil.wasm", which is no relative path.',
    reached: "loaded /media/stick/evil.wasm",
  },
  {
    attack: "A file lies on another machine, which is told the user's name and password when it is opened",
    defence: {
      file: READ_FILE,
      line: 'if (process.platform === "win32" && /^[\\\\/]{2}/.test(path)) {',
      off: "if (false) {",
    },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        await writeFile(join(folder, "share.wav"), "from far away");
        const platform = Object.getOwnPropertyDescriptor(process, "platform") as PropertyDescriptor;
        Object.defineProperty(process, "platform", { ...platform, value: "win32" });
        try {
          // What Windows asks a server for is here a file all the same.
          return `the host asked for it and got: ${Buffer.from(await belljar.readRegularFile(`/${folder}/share.wav`, 99))}`;
        } finally {
          Object.defineProperty(process, "platform", platform);
        }
      }),
    stopped: /^file\/not-a-file: \/\/.*share\.wav is on another machine or a device, not a file here\.$/,
    reached: "the host asked for it and got: from far away",
  },
  {
    attack: "A file is a pipe that nobody writes to, for the host to wait at",
    defence: {
      file: READ_FILE,
      line: " | (constants.O_NONBLOCK ?? 0)",
      off: "",
    },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        const pipe = join(folder, "song.mid");
        execFileSync("mkfifo", [pipe]);
        let how = "the host waited for somebody to write";
        const reading = belljar.readRegularFile(pipe, 1_000, "a MIDI file").catch((error: Error) => {
          how = error.message.replace(pipe, "song.mid");
        });
        // Two or three steps would do; meanwhile the same threads take a thousand others.
        for (let i = 0; i < 1_000; i++) await stat(folder);
        const waited = how;
        await write(pipe);
        await reading;
        return waited;
      }),
    stopped: "song.mid is a device or a pipe, not a MIDI file.",
    reached: "the host waited for somebody to write",
  },
  {
    attack: "A file is larger than the host has room for",
    defence: { file: READ_FILE, line: "if (facts.size > most) {", off: "if (false) {" },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        const file = join(folder, "song.mid");
        await writeFile(file, new Uint8Array(100_000));
        return `${(await belljar.readRegularFile(file, 1_000, "a MIDI file")).length} bytes were read`;
      }),
    stopped: /^file\/too-large: .*song\.mid has 100000 bytes; a MIDI file may have at most 1000\.$/,
    reached: "100000 bytes were read",
  },
  {
    attack: "A file that says it has no bytes has the host's environment, passwords and all",
    defence: {
      file: READ_FILE,
      line: "return await readUpTo(file, facts.size);",
      off: "return new Uint8Array(await file.readFile());",
    },
    attempt: async (belljar) => {
      const bytes = await belljar.readRegularFile("/proc/self/environ", 100_000);
      return /(^|\0)PATH=/.test(Buffer.from(bytes).toString())
        ? "the environment was read"
        : `${bytes.length} bytes were read`;
    },
    stopped: "0 bytes were read",
    reached: "the environment was read",
  },
  {
    attack: "A session of 100,000 lists, each inside the one before",
    defence: { file: "runtime/engine/json.ts", line: "if (depth >= DEEPEST) ", off: "if (false) " },
    attempt: ({ parseSession }) => {
      parseSession("[".repeat(100_000), "guest.json");
      return "it was read";
    },
    stopped: "session/json: guest.json, line 1, column 33: values lie deeper than 32 inside each other.",
    reached: "host: RangeError: Maximum call stack size exceeded",
  },
  {
    attack: "A session has its nodes twice: for who looks it through, and for who plays it",
    defence: { file: "runtime/engine/json.ts", line: "if (map.has(key)) ", off: "if (false) " },
    attempt: ({ parseSession }) => {
      const node = (type: string): string => `"nodes":[{"id":"a","type":"${type}"}]`;
      const { nodes } = parseSession(`{${node("gain")},${node("evil.wasm")}}`, "guest.json");
      return `it plays ${nodes[0]?.type}`;
    },
    stopped: 'session/json: guest.json, line 1, column 37: the key "nodes" is there twice.',
    reached: "it plays evil.wasm",
  },
  {
    attack: "A session of 2,000 nodes, each of which may take 64 MiB",
    defence: { file: "runtime/engine/session.ts", line: "if (value.length > most) {", off: "if (false) {" },
    attempt: ({ parseSession }) => {
      const nodes = Array.from({ length: 2_000 }, (_, i) => ({ id: `n${i}`, type: "delay" }));
      return `it has ${parseSession(JSON.stringify({ nodes }), "guest.json").nodes.length} nodes`;
    },
    stopped: 'session/too-large: guest.json: "nodes" has 2000 entries; 1024 are the most.',
    reached: "it has 2001 nodes",
  },
  {
    attack: "A session turns a knob that goes from 0 to 1 up to 1e30",
    defence: {
      file: "runtime/engine/plugin-setup.ts",
      line: "single <= Math.fround(port.max) &&",
      off: "",
    },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        const plugin = { ports: [STEREO_OUT, knob("gain")] };
        const { prepared } = await prepare(belljar, folder, { params: { gain: 1e30 } }, plugin);
        return `the knob is at ${prepared.nodes[0]?.instance?.controlsIn[0]}`;
      }),
    stopped: 'session/param: The node "guest": 1e+30 is no value for "gain", which takes 0 to 1.',
    reached: "the knob is at 1.0000000150474662e+30",
  },
  {
    attack: "A value's unit is the name of a function that every JavaScript object has",
    defence: {
      file: "runtime/engine/parameter-text.ts",
      line: "CONVERSIONS.get(`",
      off: "((units: any) => units[written]?.[own])({}) ?? CONVERSIONS.get(`",
    },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        const plugin = { ports: [STEREO_OUT, knob("gain", { unit: "create" })] };
        const { prepared } = await prepare(belljar, folder, { params: { gain: "1 constructor" } }, plugin);
        return `the knob is at ${prepared.nodes[0]?.instance?.controlsIn[0]}`;
      }),
    stopped:
      'session/param: The node "guest": "1 constructor" is no value for "gain", which takes 0 to 1 create.',
    reached: /^host: TypeError: Object prototype may only be an Object or null/,
  },
  {
    attack: "A WAV file says that it has more samples than bytes",
    defence: {
      file: WAV,
      line: "if (length > present) this.#truncated(",
      off: "if (false) this.#truncated(",
    },
    attempt: ({ readWav }) =>
      `${readWav(riff("fmt ", u32(16), format(1, 16), "data", u32(9_000), [1, 2]), "song.wav").frames} frames`,
    stopped:
      'wav/truncated: song.wav is cut off: a chunk "data" of 9000 bytes begins at byte 36, but the file ends at byte 46.',
    reached: "host: RangeError: Offset is outside the bounds of the DataView",
  },
  {
    attack: "A WAV file ends in the middle of the chunk that says how to read it",
    defence: { file: WAV, line: "if (body + size > end) this", off: "if (false) this" },
    attempt: ({ readWav }) => `${readWav(riff("fmt ", u32(16), [1, 0]), "song.wav").frames} frames`,
    stopped:
      'wav/truncated: song.wav is cut off: a chunk "fmt " of 16 bytes begins at byte 12, but the file ends at byte 22.',
    reached: "host: RangeError: Offset is outside the bounds of the DataView",
  },
  {
    attack: "A WAV file's description is shorter than what it has to say",
    defence: { file: WAV, line: "    if (size < 16)", off: "    if (false)" },
    attempt: ({ readWav }) => `${readWav(riff("fmt ", u32(2), [1, 0]), "song.wav").frames} frames`,
    stopped: 'wav/format: song.wav has a "fmt " chunk of 2 bytes at byte 20; it takes 16 at least.',
    reached: "host: RangeError: Offset is outside the bounds of the DataView",
  },
  {
    attack: "A WAV file has no channels, and so endlessly many frames",
    defence: { file: WAV, line: "if (channels < 1 || ", off: "if (" },
    attempt: ({ readWav }) =>
      `it has ${readWav(riff("fmt ", u32(16), format(0, 16), "data", u32(4), [1, 2, 3, 4]), "song.wav").frames} frames`,
    stopped: "wav/channels: song.wav says at byte 22 that it has 0 channels; 1 to 64 are read.",
    reached: "it has Infinity frames",
  },
  {
    attack: "A WAV file holds NaN, which no plugin may send and every plugin would receive",
    defence: { file: WAV, line: "if (x - x !== 0) {", off: "if (false) {" },
    attempt: ({ readWav }) => {
      const nan = [0, 0, 0xc0, 0x7f];
      const { samples } = readWav(riff("fmt ", u32(16), format(1, 32, 3), "data", u32(4), nan), "song.wav");
      return `the first plugin receives ${samples[0]?.[0]}`;
    },
    stopped:
      "wav/not-finite: song.wav has a sample that is not a finite 32-bit number at byte 44 (frame 0, channel 1).",
    reached: "the first plugin receives NaN",
  },
  {
    attack: "A MIDI file's last event is longer than its track, and takes in the next",
    defence: { file: MIDI, line: "if (length > this.#end - this.#at) {", off: "if (false) {" },
    attempt: ({ readMidiFile }) => {
      const song = midi(2, "MTrk", big32(4), [0, 0xff, 1, 12], "MTrk", big32(4), END);
      const [event] = readMidiFile(song, "song.mid").tracks[0]?.events ?? [];
      return `its text is ${JSON.stringify(Buffer.from(event?.data ?? []).toString())}`;
    },
    stopped: "midi/overrun: song.mid has an event of 12 bytes at byte 23, but its track ends at byte 26.",
    reached: /^its text is "MTrk/,
  },
  {
    attack: "A MIDI file's track ends in the middle of a note, which the next track's name completes",
    defence: { file: MIDI, line: "if (this.#at >= this.#end) {", off: "if (false) {" },
    attempt: ({ readMidiFile }) => {
      const song = midi(2, "MTrk", big32(2), [0, 0x90], "MTrk", big32(4), END);
      const [note] = readMidiFile(song, "song.mid").tracks[0]?.events ?? [];
      return `it plays key ${note?.a}, which is the letter ${String.fromCharCode(note?.a ?? 0)}`;
    },
    stopped: "midi/overrun: song.mid has a track that ends at byte 24, in the middle of an event.",
    reached: "it plays key 77, which is the letter M",
  },
  {
    attack:
      "A MIDI file's tempo lets a quarter note take no time: all plugins are told of infinitely many beats",
    defence: { file: MIDI, line: "if (microsecondsPerQuarter === 0)", off: "if (false)" },
    attempt: ({ readMidiFile }) => {
      const { tempoMap } = readMidiFile(
        midi(1, "MTrk", big32(11), [0, 0xff, 0x51, 3, 0, 0, 0], END),
        "song.mid",
      );
      return `its tempo is ${60_000_000 / (tempoMap[0]?.microsecondsPerQuarter as number)} beats a minute`;
    },
    stopped: "midi/tempo: song.mid has a tempo at byte 23 at which a quarter note takes no time.",
    reached: "its tempo is Infinity beats a minute",
  },
  {
    attack: "A MIDI file says that it has one track, and has 3,000",
    defence: { file: MIDI, line: "if (tracks.length === MIDI_MAX_TRACKS) {", off: "if (false) {" },
    attempt: ({ readMidiFile }) => {
      const tracks = Array.from({ length: 3_000 }, () => ["MTrk", big32(4), END]).flat();
      return `it has ${readMidiFile(midi(1, ...tracks), "song.mid").tracks.length} tracks`;
    },
    stopped: "midi/tracks: song.mid has more than 1024 tracks, with the one at byte 12302.",
    reached: "it has 3000 tracks",
  },
];
