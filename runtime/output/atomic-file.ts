// A file that appears whole or not at all: written under another name in the same folder, then renamed. What the
// command line writes (sound, pictures, JSON, plugins) goes through here.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { namesDevice } from "./device-name.ts";

/** The files that are open now: removed when the process ends before they are committed. */
const unfinished = new Set<AtomicFile>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * A file being written. All methods are synchronous.
 *
 * `open` fails at once where the file could not be written in the end, so open it before long work begins. Until `commit`, a file of
 * that name that was there before stays as it was. If the process ends first (by an error, process.exit, Ctrl-C, SIGTERM or SIGHUP),
 * the unfinished file is removed. A signal is seen only between turns of the event loop: long synchronous work has to pause now and
 * then (`await setImmediate()`), as it must anyway for Ctrl-C to be obeyed. Where the program has its own handler of a signal, that one decides.
 */
export class AtomicFile {
  /** As the caller named it. */
  readonly path: string;
  readonly #target: string;
  readonly #temporary: string;
  #descriptor: number;
  #length = 0;

  private constructor(asked: string, target: string, temporary: string, descriptor: number) {
    this.path = asked;
    this.#target = target;
    this.#temporary = temporary;
    this.#descriptor = descriptor;
  }

  /**
   * @param mode who may read and write it; unless told, a new file is as others are, and one that was there keeps its mode
   * @throws BelljarError file/is-folder, file/not-a-file (a device or pipe), file/no-folder, file/no-permission, file/read-only-disk,
   * file/name-too-long, file/disk-full, file/failed
   */
  static open(asked: string, mode?: number): AtomicFile {
    if (asked === "" || asked.includes("\0")) {
      throw new BelljarError("file/bad-name", `"${printable(asked)}" can't be the name of a file.`);
    }
    if (namesDevice(asked)) throw notAFile(asked);
    const target = followLinks(asked);
    const old = existing(asked, target);
    const folder = path.dirname(target);
    const temporary = path.join(folder, `.belljar-${process.pid}-${randomBytes(6).toString("hex")}.part`);
    let descriptor: number;
    try {
      if (Buffer.byteLength(path.basename(target)) > 255)
        throw Object.assign(new Error(), { code: "ENAMETOOLONG" });
      descriptor = fs.openSync(temporary, "wx", mode ?? 0o666);
    } catch (error) {
      throw fileError(error, asked);
    }
    const file = new AtomicFile(asked, target, temporary, descriptor);
    if (unfinished.size === 0) watch(true);
    unfinished.add(file);
    try {
      const wanted = mode ?? (old === null ? null : old.mode & 0o777);
      if (wanted !== null) fs.fchmodSync(descriptor, wanted);
    } catch {
      // Some file systems know no modes; the file is none the worse.
    }
    return file;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends. After a failure the file is gone: nothing more can be written. */
  write(data: Uint8Array | string): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
    this.#put(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  /** Overwrites bytes that were written before. */
  overwrite(position: number, bytes: Uint8Array): void {
    if (position < 0 || position + bytes.byteLength > this.#length)
      throw new RangeError("only written bytes can be overwritten");
    this.#put(bytes, position);
  }

  /** Puts the file in its place, complete and on the disk. */
  commit(): void {
    this.#demandOpen();
    try {
      fs.fsyncSync(this.#descriptor);
      this.#close();
      fs.renameSync(this.#temporary, this.#target);
    } catch (error) {
      this.abort();
      throw fileError(error, this.path);
    }
    this.#forget();
  }

  /** Removes what was written. Harmless when repeated or after commit. */
  abort(): void {
    if (!unfinished.has(this)) return;
    this.#forget();
    try {
      this.#close();
    } catch {
      // It goes all the same.
    }
    try {
      fs.unlinkSync(this.#temporary);
    } catch {
      // Someone was faster.
    }
  }

  #put(bytes: Uint8Array, position: number): void {
    this.#demandOpen();
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        done += fs.writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
      }
    } catch (error) {
      this.abort();
      throw fileError(error, this.path);
    }
  }

  #demandOpen(): void {
    if (!unfinished.has(this))
      throw new BelljarError("file/closed", `${printable(this.path)} is no longer being written.`);
  }

  #close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor >= 0) fs.closeSync(descriptor);
  }

  #forget(): void {
    unfinished.delete(this);
    if (unfinished.size === 0) watch(false);
  }
}

/** Writes a whole file so. */
export function writeFileAtomic(asked: string, data: Uint8Array | string, mode?: number): void {
  const file = AtomicFile.open(asked, mode);
  file.write(data);
  file.commit();
}

/** Says at once, and leaves nothing behind, if a file could not be written there. Errors as of AtomicFile.open. */
export function checkWritable(asked: string): void {
  AtomicFile.open(asked).abort();
}

/** Free bytes on the disk that would hold this file; Infinity where the system does not say. */
export function freeBytes(asked: string): number {
  try {
    const disk = fs.statfsSync(path.dirname(followLinks(asked)));
    return disk.bsize > 0 ? disk.bavail * disk.bsize : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What the system said about a file that is being written, as a sentence. */
export function fileError(error: unknown, asked: string): BelljarError {
  if (error instanceof BelljarError) return error;
  const cause = (error as NodeJS.ErrnoException | null)?.code ?? "unknown";
  const name = printable(asked);
  const folder = printable(path.dirname(asked));
  switch (cause) {
    case "ENOSPC":
    case "EDQUOT":
      return new BelljarError(
        "file/disk-full",
        `The disk is full: ${name} could not be written.`,
        "Nothing was left behind.",
      );
    case "EFBIG":
      return new BelljarError("file/too-large", `${name} would become larger than this disk allows.`);
    case "EACCES":
    case "EPERM":
      return new BelljarError("file/no-permission", `${name} can't be written: permission denied.`);
    case "EBUSY":
      return new BelljarError("file/in-use", `${name} can't be written: another program is using it.`);
    case "EROFS":
      return new BelljarError("file/read-only-disk", `${name} can't be written: its disk is read-only.`);
    case "ENOENT":
      return new BelljarError("file/no-folder", `${name} can't be written: there is no folder ${folder}.`);
    case "ENOTDIR":
      return new BelljarError("file/no-folder", `${name} can't be written: ${folder} is not a folder.`);
    case "EISDIR":
      return new BelljarError("file/is-folder", `${name} is a folder.`, "Name a file in it.");
    case "ENAMETOOLONG":
      return new BelljarError("file/name-too-long", `${name} can't be written: the name is too long.`);
    case "ELOOP":
      return new BelljarError("file/failed", `${name} can't be written: its links lead in a circle.`);
    default:
      return new BelljarError("file/failed", `${name} could not be written (${printable(cause)}).`);
  }
}

function notAFile(asked: string): BelljarError {
  return new BelljarError(
    "file/not-a-file",
    `${printable(asked)} is a device or a pipe, not a file.`,
    "Name a file.",
  );
}

/** Where a name leads: a link stays a link, and what it points to is replaced. */
function followLinks(asked: string): string {
  let target = path.resolve(asked);
  for (let hops = 0; hops < 40; hops++) {
    let next: string;
    try {
      next = fs.readlinkSync(target);
    } catch {
      return target;
    }
    target = path.resolve(path.dirname(target), next);
  }
  throw fileError({ code: "ELOOP" }, asked);
}

/** The file that is there now, if one is; refuses what can't be replaced. */
function existing(asked: string, target: string): fs.Stats | null {
  let old: fs.Stats;
  try {
    old = fs.statSync(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(error, asked);
    if (/[\\/]$/.test(asked)) throw fileError({ code: "EISDIR" }, asked);
    return null;
  }
  if (old.isDirectory()) throw fileError({ code: "EISDIR" }, asked);
  if (!old.isFile()) throw notAFile(asked);
  try {
    fs.accessSync(target, fs.constants.W_OK);
  } catch (error) {
    throw fileError(error, asked);
  }
  return old;
}

function watch(on: boolean): void {
  const change = on ? "on" : "off";
  process[change]("exit", removeAll);
  for (const signal of SIGNALS) process[change](signal, onSignal);
}

function removeAll(): void {
  for (const file of [...unfinished]) file.abort();
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  process.kill(process.pid, signal);
}
