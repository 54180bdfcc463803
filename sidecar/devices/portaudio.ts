// PortAudio through koffi: the system's library, or one that local configuration names (which is how ASIO comes in).
// Blocking writes. One thread makes all calls of a stream.

import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { BelljarError, printable } from "../../abi/error.ts";
import {
  type DeviceCaps,
  type DeviceInfo,
  type HostApi,
  type SampleFormat,
  STREAM_BOUNDS,
  type StreamFormat,
  type StreamWish,
} from "../../abi/sidecar.ts";
import { bytesPerSample } from "../convert.ts";
import { findNaudiodon } from "../naudiodon/place.ts";
import { negotiate, SAME_RATE } from "../negotiate.ts";
import type { Backend, OpenDevice } from "./device.ts";
import { WASAPI, WASAPI_EXCLUSIVE } from "./wasapi.ts";

// portaudio.h
const NO_ERROR = 0;
const OUTPUT_UNDERFLOWED = -9980;
const TIMED_OUT = -9987;
const INVALID_DEVICE = -9996;
const DEVICE_UNAVAILABLE = -9985;
const FORMAT_BITS: Record<SampleFormat, number> = { float32: 1, int32: 2, int24: 4, int16: 8 };
/** Neither clipped nor dithered: what is written is as the device takes it. */
const CLIP_OFF_DITHER_OFF = 3;
const INCOMPATIBLE_STREAM_INFO = -9984;
const ASIO = 3;

const RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000, 352800, 384000];
/** What a device's own rate counts as where it names none that can be. */
const USUAL_RATE = 48_000;
const MOST_RATE = STREAM_BOUNDS.rate[1];
const MOST_SECONDS = 60;
/** A time-out is believed when it comes this often in a row. */
const TIME_OUTS = 3;
/** Silence after the last frame. */
const RUN_OUT_SECONDS = 0.1;

interface PaDeviceInfo {
  name: string;
  hostApi: number;
  maxOutputChannels: number;
  defaultLowOutputLatency: number;
  defaultHighOutputLatency: number;
  defaultSampleRate: number;
}
interface PaHostApiInfo {
  type: number;
  name: string;
  deviceCount: number;
  defaultOutputDevice: number;
}

type Library = ReturnType<typeof bind>;

const types = {
  device: koffi.struct("PaDeviceInfo", {
    structVersion: "int",
    name: "const char*",
    hostApi: "int",
    maxInputChannels: "int",
    maxOutputChannels: "int",
    defaultLowInputLatency: "double",
    defaultLowOutputLatency: "double",
    defaultHighInputLatency: "double",
    defaultHighOutputLatency: "double",
    defaultSampleRate: "double",
  }),
  api: koffi.struct("PaHostApiInfo", {
    structVersion: "int",
    type: "int",
    name: "const char*",
    deviceCount: "int",
    defaultInputDevice: "int",
    defaultOutputDevice: "int",
  }),
  parameters: koffi.struct("PaStreamParameters", {
    device: "int",
    channelCount: "int",
    sampleFormat: "unsigned long",
    suggestedLatency: "double",
    hostApiSpecificStreamInfo: "void*",
  }),
  info: koffi.struct("PaStreamInfo", {
    structVersion: "int",
    inputLatency: "double",
    outputLatency: "double",
    sampleRate: "double",
  }),
};

function bind(path: string) {
  const library = koffi.load(path);
  return {
    initialize: library.func("int Pa_Initialize()"),
    terminate: library.func("int Pa_Terminate()"),
    errorText: library.func("const char* Pa_GetErrorText(int)"),
    versionText: library.func("const char* Pa_GetVersionText()"),
    apiCount: library.func("int Pa_GetHostApiCount()"),
    api: library.func("PaHostApiInfo* Pa_GetHostApiInfo(int)"),
    deviceCount: library.func("int Pa_GetDeviceCount()"),
    device: library.func("PaDeviceInfo* Pa_GetDeviceInfo(int)"),
    defaultOutput: library.func("int Pa_GetDefaultOutputDevice()"),
    isFormatSupported: library.func("int Pa_IsFormatSupported(void*, PaStreamParameters*, double)"),
    openStream: library.func(
      "int Pa_OpenStream(_Out_ void**, void*, PaStreamParameters*, double, unsigned long, unsigned long, void*, void*)",
    ),
    startStream: library.func("int Pa_StartStream(void*)"),
    stopStream: library.func("int Pa_StopStream(void*)"),
    abortStream: library.func("int Pa_AbortStream(void*)"),
    closeStream: library.func("int Pa_CloseStream(void*)"),
    writeAvailable: library.func("long Pa_GetStreamWriteAvailable(void*)"),
    writeStream: library.func("int Pa_WriteStream(void*, void*, unsigned long)"),
    streamInfo: library.func("PaStreamInfo* Pa_GetStreamInfo(void*)"),
  };
}

/** Where a PortAudio library may be: what was named, else what was packed with the sidecar, the system's, naudiodon's. */
export function libraryPaths(named: string | null): string[] {
  if (named !== null) return [named];
  const names = NAMES[process.platform] ?? ["libportaudio.so.2"];
  const own = path.join(path.dirname(fileURLToPath(import.meta.url)), names[0] as string);
  const brought = findNaudiodon()?.library ?? null;
  return [...(existsSync(own) ? [own] : []), ...systemPaths(names), ...(brought === null ? [] : [brought])];
}

const NAMES: Partial<Record<string, string[]>> = {
  win32: ["portaudio_x64.dll", "libportaudio64bit.dll", "portaudio.dll"],
  darwin: ["libportaudio.2.dylib"],
};
const MAC_FOLDERS = ["/opt/homebrew/lib", "/usr/local/lib", "/opt/local/lib"];

/** Whole paths on Windows and macOS: there a bare name is looked for in the current folder, too, and that may be a stranger's. */
function systemPaths(names: readonly string[]): string[] {
  const { platform, env } = process;
  if (platform !== "win32" && platform !== "darwin") return [...names];
  const folders =
    platform === "darwin"
      ? MAC_FOLDERS
      : (env["PATH"] ?? "").split(";").filter((folder) => /^[a-z]:[\\/]/i.test(folder));
  return folders
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .filter((place) => existsSync(place));
}

export class PortAudio implements Backend {
  readonly name = "portaudio";
  readonly path: string;
  private readonly library: Library;
  private version_: string | null = null;
  /** How this library is told that a stream wants a device of WASAPI's for itself; null: not known yet, or not at all. */
  private exclusive: Uint8Array | null = null;

  /**
   * Loads the library; nothing of it runs before it is asked for something. Every thread that uses it makes its own.
   * @throws BelljarError device/library
   */
  constructor(named: string | null) {
    const paths = libraryPaths(named);
    let found: { path: string; library: Library } | null = null;
    for (const place of paths) {
      try {
        found = { path: place, library: bind(place) };
        break;
      } catch (error) {
        if (named === null) continue;
        throw new BelljarError(
          "device/library",
          `"${printable(place)}" is no PortAudio library that can be loaded here: ${printable(String((error as Error).message))}.`,
        );
      }
    }
    if (found === null) {
      throw new BelljarError(
        "device/library",
        "There is no PortAudio library on this system.",
        INSTALL[process.platform] ?? "Install PortAudio, or name its library.",
      );
    }
    this.library = found.library;
    this.path = found.path;
  }

  get version(): string {
    return this.version_ ?? "";
  }

  private failure(code: string, what: string, result: number): BelljarError {
    return new BelljarError(
      code,
      `${what}: ${printable(String(this.library.errorText(result)), 120)} (${result}).`,
    );
  }

  /**
   * Looks what devices there are. No stream may be open.
   * @throws BelljarError device/library
   */
  refresh(): void {
    if (this.version_ !== null) this.library.terminate();
    this.version_ = null;
    const code = this.library.initialize() as number;
    if (code !== NO_ERROR) throw this.failure("device/library", "PortAudio does not start", code);
    this.version_ = printable(String(this.library.versionText()), 80);
  }

  get hasAsio(): boolean {
    return this.apis().some(({ type }) => type === ASIO);
  }

  private apis(): PaHostApiInfo[] {
    const count = Math.max(0, this.library.apiCount() as number);
    return Array.from(
      { length: count },
      (_, i) => koffi.decode(this.library.api(i), types.api) as PaHostApiInfo,
    );
  }

  private devices(): { index: number; id: string; info: PaDeviceInfo; api: PaHostApiInfo }[] {
    const apis = this.apis();
    const count = Math.max(0, this.library.deviceCount() as number);
    const taken = new Map<string, number>();
    return Array.from({ length: count }, (_, index) => {
      const info = saneInfo(koffi.decode(this.library.device(index), types.device) as PaDeviceInfo);
      const api = apis[info.hostApi] as PaHostApiInfo;
      const name = `portaudio:${printable(api.name, 60)}:${printable(info.name, 120)}`;
      // Two cards of a kind bear the same name: the second is told apart by its place.
      const before = taken.get(name) ?? 0;
      taken.set(name, before + 1);
      return { index, id: before === 0 ? name : `${name}#${before + 1}`, info, api };
    }).filter(({ info }) => info.maxOutputChannels > 0);
  }

  list(): { apis: HostApi[]; devices: DeviceInfo[] } {
    if (this.version_ === null) this.refresh();
    const all = this.apis();
    // PortAudio's own choice on Windows is the oldest interface.
    const wasapi = all.find(({ type, defaultOutputDevice }) => type === WASAPI && defaultOutputDevice >= 0);
    const chosen = wasapi?.defaultOutputDevice ?? (this.library.defaultOutput() as number);
    const apis = all.map(({ name, deviceCount }) => ({
      id: `portaudio:${printable(name, 60)}`,
      name: printable(name, 60),
      devices: deviceCount,
    }));
    const devices = this.devices().map(({ index, id, info, api }) => ({
      id,
      name: printable(info.name, 120),
      api: printable(api.name, 60),
      channels: info.maxOutputChannels,
      defaultRate: info.defaultSampleRate,
      isDefault: index === chosen,
    }));
    return { apis, devices };
  }

  find(id: string): ReturnType<PortAudio["devices"]>[number] {
    if (this.version_ === null) this.refresh();
    const all = this.devices();
    const found = all.find((device) => device.id === id);
    if (found !== undefined) return found;
    throw new BelljarError(
      "device/unknown",
      `There is no device "${printable(id, 160)}" now.`,
      "`belljar devices` lists what is there.",
    );
  }

  /** Looks again where it was not there before. No stream may be open. */
  private findNow(id: string): ReturnType<PortAudio["devices"]>[number] {
    try {
      return this.find(id);
    } catch {
      this.refresh();
      return this.find(id);
    }
  }

  caps(id: string, exclusive = false): DeviceCaps {
    const { index, info, api } = this.find(id);
    const channels = Math.min(2, info.maxOutputChannels);
    const own = info.defaultSampleRate;
    const ask = (rate: number, format: SampleFormat, special: Uint8Array | null): number =>
      this.library.isFormatSupported(
        null,
        {
          device: index,
          channelCount: channels,
          sampleFormat: FORMAT_BITS[format],
          suggestedLatency: info.defaultHighOutputLatency,
          hostApiSpecificStreamInfo: special,
        },
        rate,
      ) as number;
    let special: Uint8Array | null = null;
    if (exclusive && api.type === WASAPI) {
      this.exclusive ??=
        WASAPI_EXCLUSIVE.find((one) => ask(own, "float32", one) !== INCOMPATIBLE_STREAM_INFO) ?? null;
      special = this.exclusive;
      if (special === null) {
        throw new BelljarError(
          "device/failed",
          `${printable(this.path, 160)} gives no device to one program alone.`,
          'Use another PortAudio library, or set "exclusive" to false.',
        );
      }
    }
    const can = (rate: number, format: SampleFormat): boolean => ask(rate, format, special) === NO_ERROR;
    return {
      id,
      rates: RATES.filter((rate) => can(rate, "float32") || can(rate, "int16")),
      channels: info.maxOutputChannels,
      formats: (["float32", "int32", "int24", "int16"] as const).filter((format) => can(own, format)),
      lowLatency: info.defaultLowOutputLatency,
      highLatency: info.defaultHighOutputLatency,
    };
  }

  open(id: string, wish: StreamWish): OpenDevice {
    const { index, info, api } = this.findNow(id);
    const { library } = this;
    const caps = this.caps(id, wish.exclusive);
    if (wish.exclusive && api.type === WASAPI && caps.formats.length === 0) {
      throw new BelljarError(
        "device/busy",
        `"${printable(info.name, 120)}" is not given to one program alone.`,
        'Another program may be using it; or set "exclusive" to false.',
      );
    }
    const agreed = negotiate(caps, info.defaultSampleRate, wish);
    const latency =
      wish.bufferFrames === null ? info.defaultLowOutputLatency : wish.bufferFrames / agreed.rate;
    const special = api.type === WASAPI && wish.exclusive ? this.exclusive : null;
    const out: [unknown] = [null];
    const code = library.openStream(
      out,
      null,
      {
        device: index,
        channelCount: agreed.channels,
        sampleFormat: FORMAT_BITS[agreed.format],
        suggestedLatency: latency,
        hostApiSpecificStreamInfo: special,
      },
      agreed.rate,
      wish.bufferFrames ?? 0,
      CLIP_OFF_DITHER_OFF,
      null,
      null,
    ) as number;
    if (code !== NO_ERROR) {
      const kind = code === DEVICE_UNAVAILABLE || code === INVALID_DEVICE ? "device/busy" : "device/failed";
      throw this.failure(kind, `"${info.name}" can't be opened`, code);
    }
    const stream = out[0];
    const tell = (): { outputLatency: number; sampleRate: number } => {
      const info = library.streamInfo(stream);
      if (info === null) return { outputLatency: 0, sampleRate: 0 };
      const { outputLatency, sampleRate } = koffi.decode(info, types.info);
      return { outputLatency: sane(outputLatency, MOST_SECONDS), sampleRate: sane(sampleRate, MOST_RATE) };
    };
    const told = tell();
    // Some systems open a stream at another rate than was asked for.
    const settled = settleRate(agreed, told.sampleRate);
    if (settled.rate !== agreed.rate && wish.fit === "fixed") {
      library.closeStream(stream);
      throw new BelljarError("device/format", `"${info.name}" plays ${settled.rate} Hz, not ${agreed.rate}.`);
    }
    const lost = (result: number): BelljarError =>
      this.failure("device/lost", `"${info.name}" stopped`, result);
    let open = true;
    let timeOuts = 0;
    /** Frames that the device holds when it is full. */
    let room = 0;
    return {
      format: { ...settled, latency: told.outputLatency },
      start: () => {
        const result = library.startStream(stream) as number;
        if (result !== NO_ERROR) throw lost(result);
        room = Math.max(room, Number(library.writeAvailable(stream)));
      },
      write: (samples, frames) => {
        const result = library.writeStream(stream, samples, frames) as number;
        if (result === NO_ERROR) {
          timeOuts = 0;
          return false;
        }
        if (result === OUTPUT_UNDERFLOWED) return true;
        // On a busy machine ASIO's write times out although the driver is well.
        if (result === TIMED_OUT && ++timeOuts < TIME_OUTS) return true;
        throw lost(result);
      },
      realRate: () => tell().sampleRate,
      stop: () => {
        // Some drivers cut off the end of what they were given when they are stopped: let that be silence.
        const silence = new Uint8Array(agreed.chunkFrames * agreed.channels * bytesPerSample(agreed.format));
        const frames = Math.max(room, told.outputLatency * agreed.rate) + RUN_OUT_SECONDS * agreed.rate;
        for (let done = 0; done < frames; done += agreed.chunkFrames) {
          const result = library.writeStream(stream, silence, agreed.chunkFrames) as number;
          if (result !== NO_ERROR && result !== OUTPUT_UNDERFLOWED) break;
        }
        library.stopStream(stream);
      },
      abort: () => void library.abortStream(stream),
      close: () => {
        if (open) library.closeStream(stream);
        open = false;
      },
    };
  }
}

/** A driver's number as far as it makes sense; else 0: it does not say. */
const sane = (number: number, most: number): number => (number >= 0 && number <= most ? number : 0);

/** One odd driver is to take nobody's list of devices away. */
function saneInfo(info: PaDeviceInfo): PaDeviceInfo {
  return {
    ...info,
    defaultLowOutputLatency: sane(info.defaultLowOutputLatency, MOST_SECONDS),
    defaultHighOutputLatency: sane(info.defaultHighOutputLatency, MOST_SECONDS),
    defaultSampleRate: sane(info.defaultSampleRate, MOST_RATE) || USUAL_RATE,
  };
}

/** @param real the rate that the stream has, Hz; 0: it does not say */
function settleRate(agreed: StreamFormat, real: number): StreamFormat {
  if (!(real > 0) || Math.abs(real / agreed.rate - 1) <= SAME_RATE) return agreed;
  const rate = Math.round(real);
  return { ...agreed, rate, changes: [...agreed.changes, `${rate} Hz instead of ${agreed.rate} Hz`] };
}

const INSTALL: Partial<Record<string, string>> = {
  linux: "Install it: apt-get install libportaudio2, or your system's package of that name.",
  darwin: "Install it: brew install portaudio.",
  win32: "Bring one with: npm install --ignore-scripts naudiodon; or name a DLL of it with --portaudio.",
};
