// "wav:FILE": what would be heard, in exact time, into a file. It bears its name once it is whole.

import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import type { StreamFormat, StreamWish } from "../../abi/sidecar.ts";
import { bytesPerSample } from "../convert.ts";
import type { Backend, OpenDevice } from "./device.ts";
import { ANYTHING, openClock } from "./null.ts";

const PREFIX = "wav:";
const HEADER = 58;
/** Lengths in a WAV file have 32 bits. */
const MOST_BYTES = 0xffffffff - HEADER;
const PCM = 1;
const IEEE_FLOAT = 3;

export const wavBackend: Backend = {
  name: "wav",
  list: () => ({
    apis: [],
    devices: [
      {
        id: "wav:FILE",
        name: "A WAV file, in exact time",
        api: "",
        channels: 64,
        defaultRate: 48_000,
        isDefault: false,
      },
    ],
  }),
  caps: (id) => ({ id, ...ANYTHING }),
  open: (id, wish) => openFile(id, wish),
};

function openFile(id: string, wish: StreamWish): OpenDevice {
  const file = path.resolve(id.slice(PREFIX.length));
  if (id.length === PREFIX.length) {
    throw new BelljarError("device/unknown", "wav: needs a file's name.", "Write wav:out.wav.");
  }
  const temporary = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${randomBytes(6).toString("hex")}`,
  );
  const shown = printable(path.basename(file), 120);
  const attempt = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      const why =
        REASONS.get((error as NodeJS.ErrnoException).code ?? "") ??
        printable(String((error as Error).message), 200);
      throw new BelljarError("device/lost", `${shown} can't be ${what}: ${why}.`);
    }
  };
  const there = attempt("made", () => statSync(file, { throwIfNoEntry: false }));
  if (there !== undefined && !there.isFile()) {
    throw new BelljarError(
      "device/lost",
      `${shown} can't be made: ${there.isDirectory() ? "it is a folder" : "it is no file"}.`,
    );
  }
  const descriptor = attempt("made", () => openSync(temporary, "wx", 0o666));
  let bytes = 0;
  let open = true;
  let broken = false;
  const sink = {
    write(samples: Uint8Array): void {
      if (bytes + samples.length > MOST_BYTES) {
        throw new BelljarError("device/lost", `${shown} is full: a WAV file holds 4 GiB.`);
      }
      broken = true;
      attempt("written", () => {
        let done = 0;
        while (done < samples.length) done += writeSync(descriptor, samples, done, samples.length - done);
      });
      broken = false;
      bytes += samples.length;
    },
    close(): void {
      if (!open) return;
      open = false;
      if (bytes === 0 || broken) {
        // Nothing was played, or not all that was: what bore the name before keeps it.
        closeSync(descriptor);
        rmSync(temporary, { force: true });
        return;
      }
      try {
        attempt("finished", () => {
          writeSync(descriptor, header(device.format, bytes), 0, HEADER, 0);
          closeSync(descriptor);
          renameSync(temporary, file);
        });
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    },
  };
  let device: OpenDevice;
  try {
    device = { ...openClock(id, wish, sink), keeps: true };
    attempt("written", () => writeSync(descriptor, header(device.format, 0)));
  } catch (error) {
    sink.close();
    throw error;
  }
  return device;
}

const REASONS = new Map([
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the disk quota is used up"],
  ["EACCES", "that is not allowed there"],
  ["EROFS", "that place can't be written to"],
  ["ENOENT", "its folder does not exist"],
  ["EISDIR", "it is a folder"],
  ["ENAMETOOLONG", "its name is too long"],
  ["EFBIG", "it would be larger than is allowed"],
]);

function header({ format, channels, rate }: StreamFormat, bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER));
  const text = (at: number, word: string): void => {
    for (let i = 0; i < word.length; i++) view.setUint8(at + i, word.charCodeAt(i));
  };
  const sampleBytes = bytesPerSample(format);
  text(0, "RIFF");
  view.setUint32(4, HEADER - 8 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 18, true);
  view.setUint16(20, format === "float32" ? IEEE_FLOAT : PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * sampleBytes, true);
  view.setUint16(32, channels * sampleBytes, true);
  view.setUint16(34, sampleBytes * 8, true);
  text(38, "fact");
  view.setUint32(42, 4, true);
  view.setUint32(46, bytes / (channels * sampleBytes), true);
  text(50, "data");
  view.setUint32(54, bytes, true);
  return new Uint8Array(view.buffer);
}
