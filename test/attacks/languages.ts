// Hostile plugins as their authors write them: in C, and in AssemblyScript with the SDK.

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "msgpackr";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { root } from "../root.ts";
import { EVENTS_OUT, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { behind, inFolder, visible } from "./around.ts";
import { instance, playing } from "./playing.ts";
import type { Attack } from "./twin.ts";

/** A plugin in C: what all have in common, a descriptor, and `source`. */
function c(descriptor: Record<string, unknown>, source: string): Promise<Uint8Array> {
  const described = pack({ id: "test.c", display_name: "C", ports: [], ...descriptor });
  const text = `#include "abi.h"
    static const uint8_t described[] = {${[...described].join(", ")}};
    static const bj_bytes descriptor = {described, sizeof described};
    static char scratch[4096] BJ_ALIGNED;
    int32_t BJ_EXPORT(bj_abi) bj_abi(void) { return BJ_ABI_VERSION; }
    void *BJ_EXPORT(bj_scratch) bj_scratch(uint32_t len) { return len <= sizeof scratch ? scratch : 0; }
    const bj_bytes *BJ_EXPORT(bj_descriptor) bj_descriptor(void) { return &descriptor; }
    ${source}`;
  return inFolder(async (folder) => {
    const [file, out] = [join(folder, "plugin.c"), join(folder, "plugin.wasm")];
    await writeFile(file, text);
    const flags = ["--target=wasm32", "-O2", "-nostdlib", "-ffreestanding", "-fno-builtin", "-Wl,--no-entry"];
    execFileSync("clang", [...flags, "-I", join(root, "examples", "c-gain"), "-o", out, file]);
    return new Uint8Array(await readFile(out));
  });
}

/** Compiles once, whatever it is played against. */
function once(make: () => Promise<Uint8Array>): () => Promise<Uint8Array> {
  let made: Promise<Uint8Array> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const controller = once(() =>
  c(
    { ports: [STEREO_OUT, EVENTS_OUT] },
    `static float out[2][128] BJ_ALIGNED;
    static bj_event events[1] BJ_ALIGNED;
    static bj_audio audio[1] BJ_ALIGNED = {{out[0], 2, sizeof out[0], 0}};
    static bj_layout layout BJ_ALIGNED = {.size = 64, .audio = audio, .audio_count = 1, .events_out = events, .events_out_capacity = 1};
    bj_layout *BJ_EXPORT(bj_activate) bj_activate(double rate, uint32_t frames) { return &layout; }
    int32_t BJ_EXPORT(bj_process) bj_process(uint32_t frames, uint32_t count) {
      events[0] = (bj_event){.type = BJ_EVENT_CONTROL_CHANGE, .port = 1, .note_id = -1, .key = -1, .id = 4000000000u, .value = 0.5};
      return BJ_RESULT(BJ_CONTINUE, 1);
    }`,
  ),
);

const reader = once(() =>
  c(
    {
      config_params: [
        { id: "font", display_name: "Font", type: "filepath" },
        { id: "text", display_name: "Text", type: "string" },
      ],
    },
    `static int32_t font;
    static bj_layout layout BJ_ALIGNED = {.size = 64};
    bj_layout *BJ_EXPORT(bj_activate) bj_activate(double rate, uint32_t frames) { return &layout; }
    int32_t BJ_EXPORT(bj_process) bj_process(uint32_t frames, uint32_t count) { return BJ_CONTINUE; }
    int32_t BJ_EXPORT(bj_configure_file) bj_configure_file(int32_t index, int32_t blob, uint32_t size, const char *name, uint32_t len) {
      if (blob >= 0) font = blob;
      return BJ_OK;
    }
    int32_t BJ_EXPORT(bj_configure) bj_configure(int32_t index, const char *text, uint32_t len) {
      static char stolen[64];
      int32_t n = host_read(font, 0, stolen, sizeof stolen);
      if (n > 0) host_log(BJ_LOG_INFO, stolen, n);
      return BJ_OK;
    }`,
  ),
);

/** As loud as numbers go, and with words for the terminal. */
const loud = once(() =>
  inFolder(async (folder) => {
    const file = join(folder, "plugin.ts");
    await writeFile(
      file,
      `import { AudioPort, Info, Plugin } from "belljar/sdk-as";
      export default class Loud extends Plugin {
        info: Info = this.plugin("test.loud", "Loud");
        output: AudioPort = this.stereoOut("audio_out");
        process(frames: i32): void {
          for (let i = 0; i < frames; i++) this.output.left[i] = 1e20;
          this.log("\\x1b[2J\\nbelljar: Your password:");
        }
      }`,
    );
    return (await compilePlugin(file)).wasm;
  }),
);

export const ATTACKS: Attack[] = [
  {
    attack: "Controller number 4,000,000,000, for who has a table of 128",
    defence: {
      file: "runtime/sandbox/event-list.ts",
      line: "if (type === EventType.ControlChange && this.id(i) > 127) return false;",
      off: "",
    },
    attempt: async (belljar) =>
      behind(belljar, await controller(), ({ events }) =>
        events.length === 0
          ? "the next node received nothing"
          : `the next node received ${events.join("; ")}`,
      ),
    stopped: "the next node received nothing",
    reached:
      "the next node received ControlChange at 0, note -1, channel 0, key -1, id 4000000000, value 0.5",
  },
  {
    attack: "A plugin reads on in a file after the user has taken it away",
    defence: { file: "runtime/sandbox/instance.ts", line: "this.host.blobs.length = 0;", off: "" },
    attempt: async (belljar) => {
      const plugin = await instance(belljar, await reader());
      plugin.configureFile("font", "diary.txt", new TextEncoder().encode("Dear diary"));
      plugin.configureFile("font", "", null);
      plugin.configure("text", "now");
      let read = "nothing";
      plugin.drainMessages((_, text) => {
        read = `"${text}"`;
      });
      return `the plugin read ${read}`;
    },
    stopped: "the plugin read nothing",
    reached: 'the plugin read "Dear diary"',
  },
  {
    attack: "A plugin sends +400 dB to the next one",
    defence: {
      file: "runtime/graph/step.ts",
      line: "as AudioOutput).take(NODE_LIMIT);",
      off: "as AudioOutput).take(Infinity);",
    },
    attempt: async (belljar) =>
      behind(belljar, await loud(), ({ samples }) => `the next node received ${samples[1]?.toPrecision(3)}`),
    stopped: "the next node received 3.98",
    reached: "the next node received 1.00e+20",
  },
  {
    attack: "A plugin's log lines clear the screen and forge a line of the host's",
    defence: { file: "runtime/cli/log.ts", line: "text: printable(text, LONGEST)", off: "text" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, await loud());
      plugin.process(64);
      const written: string[] = [];
      const log = new belljar.LogLines((line) => written.push(line));
      plugin.drainMessages((_, line, level) => log.take("test.loud", line, level, 0));
      return `the terminal is written: ${visible(written.join("\n"))}`;
    },
    stopped: "the terminal is written: test.loud: [info] \ufffd[2J\ufffdbelljar: Your password:",
    reached: "the terminal is written: test.loud: [info] <ESC>[2J\nbelljar: Your password:",
  },
];
