// Recordings: what a plugin brings into those that are made of it, and what those of strangers bring along.

import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  bufferAt,
  EVENTS_IN,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";
import { inFolder, visible } from "./around.ts";
import type { Attack, Belljar } from "./twin.ts";

const REPLAY = "runtime/engine/replay.ts";
const STATE = "runtime/engine/replay-state.ts";

/** Gives up when it hears a sample of 0.5. */
const LISTENER: SmallPlugin = {
  ports: [STEREO_IN, STEREO_OUT, EVENTS_IN],
  process: `(if (f32.eq (f32.load (i32.const ${bufferAt(0)})) (f32.const 0.5)) (then unreachable)) (i32.const 0)`,
};

/** Plays it a microphone's sound until it gives up, with recordings begun. */
async function overheard(belljar: Belljar) {
  const type = await belljar.PluginType.load(smallPlugin(LISTENER));
  const recordings = new belljar.Recordings();
  const recorder = recordings.begin(type, "mic", "listener.wasm");
  const plugin = type.instantiate(recorder === undefined ? {} : { watcher: recorder });
  plugin.activate(48_000, 64);
  const input = plugin.audio[0]?.samples as Float32Array;
  input[1] = 0.123;
  plugin.process(64);
  input[0] = 0.5;
  plugin.process(64);
  return { recordings, recorder };
}

type Log = InstanceType<Belljar["ByteLog"]>;

/** Replays a recording of the plugin that a stranger has written by hand. */
async function forged(
  belljar: Belljar,
  facts: { limits?: Record<string, number>; message?: string; blocks?: number },
  fill: (calls: Log) => void = () => {},
) {
  const { blocks = 0, limits = {}, message = "" } = facts;
  const wasm = smallPlugin(LISTENER);
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  const [calls, answers] = [new belljar.ByteLog(), new belljar.ByteLog()];
  fill(calls);
  const bytes = belljar.writeRecording(
    {
      node: "n",
      plugin: { name: "", id: "test.small", displayName: "Small", sha256 },
      outcome: {
        fault: { kind: "unreachable", call: "process", where: "", block: 0, units: 0, message },
        error: null,
      },
      last: { call: 1, granted: 0 },
      audio: true,
      floats: "subnormals",
      limits,
      files: [],
      blocks,
      frames: 0,
      rate: 48_000,
      work: 0,
      abi: 65_536,
      rewriter: 1,
      madeBy: { node: "", v8: "", platform: "" },
    },
    calls,
    answers,
  );
  return belljar.replayRecording(bytes, { plugin: wasm, compile: (module) => WebAssembly.compile(module) });
}

/** What stands before a block that is played. */
function activate({ Entry }: Belljar, calls: Log): void {
  calls.u8(Entry.activate);
  calls.number(48_000);
  calls.count(64);
  calls.u8(Entry.frames);
  calls.count(64);
}

function blocks({ Entry }: Belljar, calls: Log): void {
  calls.u8(Entry.blocks);
  calls.count(1);
}

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin gives up on purpose, for the user's microphone to be written to the disk",
    defence: {
      file: "runtime/engine/recorder.ts",
      line: "if (this.audio) this.lookAtSound(seen);",
      off: "this.lookAtSound(seen);",
    },
    attempt: async (belljar) => {
      const { recorder } = await overheard(belljar);
      const bytes = Buffer.from(recorder?.finish() ?? []);
      const sample = Buffer.from(Float32Array.of(0.123).buffer);
      return bytes.includes(sample)
        ? "the recording has the microphone's sound"
        : "the recording has no sound";
    },
    stopped: "the recording has no sound",
    reached: "the recording has the microphone's sound",
  },
  {
    attack: "Others on the machine read what a plugin was played",
    defence: {
      file: "runtime/engine/recordings.ts",
      line: "writeFileAtomic(file, bytes, MODE);",
      off: "writeFileAtomic(file, bytes);",
    },
    attempt: (belljar) =>
      inFolder(async (folder) => {
        const before = process.umask(0o022);
        try {
          const { recordings } = await overheard(belljar);
          recordings.save(folder);
        } finally {
          process.umask(before);
        }
        const { mode } = await stat(join(folder, "mic.bjr"));
        return (mode & 0o077) === 0 ? "the user alone can read it" : "everybody can read it";
      }),
    stopped: "the user alone can read it",
    reached: "everybody can read it",
  },
  {
    attack: "A stranger's recording brings its own limits: 4 GiB of memory for its plugin",
    defence: { file: REPLAY, line: "if (limit > most) throw tooWide", off: "if (false) throw tooWide" },
    attempt: async (belljar) => {
      await forged(belljar, { limits: { memoryPages: 65_536 } });
      return "its plugin runs with 4 GiB";
    },
    stopped:
      "recording/limits: The recording was made with the limit memoryPages at 65536; here it is at most 1024.",
    reached: "its plugin runs with 4 GiB",
  },
  {
    attack: "A stranger's recording gives its plugin units for a month in each block",
    defence: { file: REPLAY, line: "if (units > most)", off: "if (false)" },
    attempt: async (belljar) => {
      const report = await forged(belljar, { blocks: 1 }, (calls) => {
        activate(belljar, calls);
        calls.u8(belljar.Entry.budget);
        calls.number(1e15);
        calls.number(0);
        blocks(belljar, calls);
      });
      return `${report.replayedBlocks} block was played with them`;
    },
    stopped:
      "recording/limits: The recording was made with the limit blockUnits at 1000000000000000; here it is at most 20000000.",
    reached: "1 block was played with them",
  },
  {
    attack: "A stranger's recording has more events than the plugin has room for",
    defence: {
      file: STATE,
      line: "if (words.length / EVENT_WORDS > this.instance.eventsIn.capacity) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      await forged(belljar, { blocks: 1 }, (calls) => {
        activate(belljar, calls);
        calls.u8(belljar.Entry.events);
        calls.count(1_000);
        for (let i = 0; i < 8_000; i++) calls.small(1);
        blocks(belljar, calls);
      });
      return "it was replayed";
    },
    stopped:
      "recording/mismatch: The recording does not fit the plugin: a block has more events than the plugin takes.",
    reached: "host: RangeError: offset is out of bounds",
  },
  {
    attack: "A stranger's recording writes past the bytes that events carry",
    defence: {
      file: STATE,
      line: "if (at + bytes.length > this.instance.arena.length) ",
      off: "if (false) ",
    },
    attempt: async (belljar) => {
      await forged(belljar, { blocks: 1 }, (calls) => {
        activate(belljar, calls);
        calls.u8(belljar.Entry.arena);
        calls.count(250);
        calls.bytes(new Uint8Array(100));
        blocks(belljar, calls);
      });
      return "it was replayed";
    },
    stopped: "recording/mismatch: The recording does not fit the plugin: the plugin's arena is smaller.",
    reached: "host: RangeError: offset is out of bounds",
  },
  {
    attack: "A stranger's recording has sound for an output, or for a port that is not there",
    defence: { file: STATE, line: "if (input?.input !== true) ", off: "if (false) " },
    attempt: async (belljar) => {
      await forged(belljar, { blocks: 1 }, (calls) => {
        activate(belljar, calls);
        calls.u8(belljar.Entry.sound);
        calls.count(99);
        calls.bytes(new Uint8Array(8));
        blocks(belljar, calls);
      });
      return "it was replayed";
    },
    stopped:
      "recording/mismatch: The recording does not fit the plugin: it has sound for an input that the plugin has not.",
    reached: /^host: TypeError: /,
  },
  {
    attack: "A stranger's recording says in escape sequences how it ended",
    defence: {
      file: "runtime/engine/recording.ts",
      line: "return printable(this.text(key), 1_000);",
      off: "return this.text(key);",
    },
    attempt: async (belljar) => {
      const { recorded } = await forged(belljar, { message: "\u001b[2J" });
      return `it ended with: ${visible(recorded.fault?.message ?? "")}`;
    },
    stopped: "it ended with: \ufffd[2J",
    reached: "it ended with: <ESC>[2J",
  },
];
