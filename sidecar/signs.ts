// Signs that sound devices have come or gone, as the system shows them to anybody who looks: cheap, without a sound
// library, and while another thread plays. What devices there are, only a new list says.

import { readdirSync, readFileSync } from "node:fs";
import koffi from "koffi";

/** A text that is another one when there may be other devices. Rejects where the system does not say. */
export type Signs = () => Promise<string>;

export function deviceSigns(platform: string = process.platform): Signs | null {
  try {
    if (platform === "linux") return linuxSigns();
    if (platform === "darwin") return coreAudioSigns();
    if (platform === "win32") return waveOutSigns();
  } catch {
    // No such library or function.
  }
  return null;
}

/** A sound server that listens: PulseAudio, PipeWire, JACK. */
const SERVERS = /(\/pulse\/native|\/pipewire-\d+|jack[^/]*_\d+_\d+)$/;
/** __SO_ACCEPTCON: a socket that takes connections. */
const LISTENS = "00010000";

/** @param root where proc and dev lie */
export function linuxSigns(root = "/"): Signs {
  const read = (name: string): string => {
    try {
      return readFileSync(`${root}${name}`, "utf8");
    } catch {
      return "";
    }
  };
  const names = (name: string): string => {
    try {
      return readdirSync(`${root}${name}`).sort().join(" ");
    } catch {
      return "";
    }
  };
  return async () => {
    // Number RefCount Protocol Flags Type State Inode Path
    const servers = read("proc/net/unix")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , flags, , , , path]) => flags === LISTENS && SERVERS.test(path ?? ""))
      .map(([, , , , , , inode, path]) => `${inode} ${path}`)
      .sort();
    return [read("proc/asound/cards"), names("dev/snd"), ...servers].join("\n");
  };
}

/** What koffi's asynchronous calls give, as a promise: a sound system that hangs keeps none of this process's threads. */
function called<T>(call: { async(...values: unknown[]): void }, ...values: unknown[]): Promise<T> {
  return new Promise((resolve, reject) => {
    call.async(...values, (error: unknown, result: T) => (error ? reject(error) : resolve(result)));
  });
}

/** Names are four letters as a number. */
const word = (letters: string): number =>
  [...letters].reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0);
const SYSTEM_OBJECT = 1;
const MOST_CORE_AUDIO_DEVICES = 256;

/** macOS: the numbers of the devices, and of the default one. */
function coreAudioSigns(): Signs {
  const framework = koffi.load("/System/Library/Frameworks/CoreAudio.framework/CoreAudio");
  const get = framework.func(
    "int AudioObjectGetPropertyData(uint32_t, void*, uint32_t, void*, _Inout_ uint32_t*, void*)",
  );
  const ask = async (selector: string): Promise<string> => {
    const address = Uint32Array.of(word(selector), word("glob"), 0);
    const found = new Uint32Array(MOST_CORE_AUDIO_DEVICES);
    const size = [found.byteLength];
    const status = await called<number>(get, SYSTEM_OBJECT, address, 0, null, size, found);
    if (status !== 0) throw new Error(`CoreAudio answers ${status}.`);
    return found.subarray(0, (size[0] as number) / 4).join(" ");
  };
  return async () => `${await ask("dev#")}\n${await ask("dOut")}`;
}

/** WAVEOUTCAPSW: its size, and where its name lies: 32 characters. */
const CAPS_BYTES = 84;
const CAPS_NAME = 8;
const NAME_BYTES = 64;
const MOST_WAVE_DEVICES = 256;

/** Windows: the names of the outputs, the default one first. */
function waveOutSigns(): Signs {
  const winmm = koffi.load("winmm.dll");
  const count = winmm.func("uint32_t __stdcall waveOutGetNumDevs()");
  const caps = winmm.func("uint32_t __stdcall waveOutGetDevCapsW(uintptr_t, void*, uint32_t)");
  return async () => {
    const devices = Math.min(await called<number>(count), MOST_WAVE_DEVICES);
    const names: string[] = [];
    for (let i = 0; i < devices; i++) {
      const bytes = Buffer.alloc(CAPS_BYTES);
      await called(caps, i, bytes, CAPS_BYTES);
      names.push(bytes.toString("utf16le", CAPS_NAME, CAPS_NAME + NAME_BYTES).replace(/\0.*$/s, ""));
    }
    return names.join("\n");
  };
}
