// Where naudiodon is installed, an optional package: an addon that plays through PortAudio, and the PortAudio library that
// it brings.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/** One package, and a newer branch of it under another name (its library runs on Apple's own processors, too). */
const PACKAGES = ["naudiodon2", "naudiodon"];

const LIBRARIES: Partial<Record<string, string>> = {
  linux: "libportaudio.so.2",
  win32: "portaudio_x64.dll",
  darwin: "libportaudio.dylib",
};

export interface NaudiodonPlace {
  /** The addon; null: it was not compiled. */
  addon: string | null;
  /** The PortAudio library that came with it; null: there is none for this system. */
  library: string | null;
}

/** Looked for as Node looks for packages, from this file on; one that is compiled before one that is not. null: it is not installed. */
export function findNaudiodon(from: string = import.meta.url): NaudiodonPlace | null {
  const places = PACKAGES.map((name) => packageFolder(name, from)).filter((folder) => folder !== null);
  const found = places.map(look);
  return found.find(({ addon }) => addon !== null) ?? found[0] ?? null;
}

function look(folder: string): NaudiodonPlace {
  const built = path.join(folder, "build", "Release");
  const addon = path.join(built, "naudiodon.node");
  const library = LIBRARIES[process.platform];
  const brought = path.join(folder, "portaudio", process.arch === "arm" ? "bin_armhf" : "bin");
  const places = library === undefined ? [] : [path.join(built, library), path.join(brought, library)];
  return {
    addon: existsSync(addon) ? addon : null,
    library: places.find((place) => existsSync(place)) ?? null,
  };
}

function packageFolder(name: string, from: string): string | null {
  try {
    return path.dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
