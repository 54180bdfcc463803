// ALSA without a sound card or a server: its file plugin, which takes sound as fast as it is given, into a file.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ALSA_DEVICE = "portaudio:ALSA:default";

export interface AlsaFile {
  /** For programs that are to find it. */
  env: NodeJS.ProcessEnv;
  /** What has been played so far. */
  interleaved(): Float32Array;
}

export function makeAlsaFile(folder: string): AlsaFile {
  const raw = join(folder, "alsa.raw");
  const config = join(folder, "alsa.conf");
  writeFileSync(
    config,
    `pcm.nothing { type null }
pcm.default { type plug slave.pcm { type file slave.pcm "nothing" file "${raw}" format "raw" } }
`,
  );
  return {
    env: { ALSA_CONFIG_PATH: config, JACK_NO_START_SERVER: "1", JACK_DEFAULT_SERVER: "belljar-none" },
    interleaved() {
      const bytes = readFileSync(raw);
      return new Float32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~7)).buffer);
    },
  };
}
