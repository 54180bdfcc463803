// Reading a file that someone named: regular files only, never waiting on a pipe or device, never more than expected.

import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { BelljarError, printable } from "../../abi/error.ts";
import { namesDevice } from "../output/device-name.ts";

/**
 * The bytes of a file.
 * @param most bytes that it may have; a larger file is refused before it is read
 * @param what what the file is, for the error: "a plugin"
 * @param checked the path was found to be without links, and right: a file that has been put in its place since is refused
 * @throws BelljarError file/not-found, file/no-permission, file/is-folder, file/not-a-file, file/too-large, file/swapped, file/failed
 */
export async function readRegularFile(
  path: string,
  most: number,
  what = "a file",
  checked = false,
): Promise<Uint8Array<ArrayBuffer>> {
  const name = printable(path);
  if (path === "" || path.includes("\0")) {
    throw new BelljarError("file/not-found", `"${name}" can't be the name of a file.`);
  }
  // Opening a device or a server's share can wait, or do things, on its own.
  if (process.platform === "win32" && /^[\\/]{2}/.test(path)) {
    throw new BelljarError("file/not-a-file", `${name} is on another machine or a device, not a file here.`);
  }
  if (namesDevice(path)) {
    throw new BelljarError("file/not-a-file", `${name} is a device or a pipe, not ${what}.`);
  }
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its other end.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const facts = await file.stat();
    if (checked && !(await isStill(path, facts))) {
      throw new BelljarError("file/swapped", `${name} became another file while it was opened.`);
    }
    if (facts.isDirectory()) throw new BelljarError("file/is-folder", `${name} is a folder, not ${what}.`);
    if (!facts.isFile()) {
      throw new BelljarError("file/not-a-file", `${name} is a device or a pipe, not ${what}.`);
    }
    if (facts.size > most) {
      const sentence = `${name} has ${facts.size} bytes; ${what} may have at most ${most}.`;
      throw new BelljarError("file/too-large", sentence);
    }
    return await readUpTo(file, facts.size);
  } catch (error) {
    throw readError(error, name, what);
  } finally {
    await file?.close();
  }
}

/** Whether a path without links is still one, and leads to the file that was opened. */
async function isStill(path: string, opened: { dev: number; ino: number }): Promise<boolean> {
  const { dev, ino } = await lstat(path);
  return (await realpath(path)) === path && dev === opened.dev && ino === opened.ino;
}

/** A file that grows meanwhile is read as long as it was; one that shrinks is shorter. */
async function readUpTo(file: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length === size ? bytes : bytes.slice(0, length);
}

function readError(error: unknown, name: string, what: string): BelljarError {
  if (error instanceof BelljarError) return error;
  const cause = (error as NodeJS.ErrnoException | null)?.code ?? "unknown";
  switch (cause) {
    case "ENOENT":
    case "ENOTDIR":
      return new BelljarError("file/not-found", `There is no file ${name}.`);
    case "EACCES":
    case "EPERM":
      return new BelljarError("file/no-permission", `${name} can't be read: permission denied.`);
    case "EISDIR":
      return new BelljarError("file/is-folder", `${name} is a folder, not ${what}.`);
    case "ENXIO": // a socket, or a pipe without its other end
      return new BelljarError("file/not-a-file", `${name} is a device or a pipe, not ${what}.`);
    case "ELOOP":
      return new BelljarError("file/failed", `${name} can't be read: its links lead in a circle.`);
    default:
      return new BelljarError("file/failed", `${name} can't be read (${printable(cause)}).`);
  }
}
