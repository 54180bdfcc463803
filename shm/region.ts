// Memory that processes share: made by one, opened by name by the others, gone with the last of them.
//
// This process's own threads open it by its descriptor.
//
// Linux: a sealed memfd, which has no place in the file system: nothing can be left behind, guessed or shrunk under its
// users. Its name is its maker's entry in /proc, which the same user alone can open. macOS: shm_open under a random
// name, to be unlinked as soon as the other side has it. Windows: a section under a random name.

import { randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, fstatSync, openSync, readlinkSync } from "node:fs";
import koffi from "koffi";
import { BelljarError, printable } from "../abi/error.ts";
import { SYSTEM_LIBRARY } from "./system.ts";

export interface Region {
  /** What another process of the same user opens it by. */
  readonly name: string;
  /** What this process's other threads open it by (openOwnRegion), as long as it is not closed: unlinked or not. */
  readonly ownName: string;
  /** Not shared in the sense of SharedArrayBuffer: each thread opens the region for itself. Atomics work on it. */
  readonly buffer: ArrayBuffer;
  /** Where it lies in this process. */
  readonly address: bigint;
  /** Takes the name away, once all who need it have opened it. */
  unlink(): void;
  /** Lets go of it. The memory stays readable as long as something in this process still refers to `buffer`. */
  close(): void;
}

/** Most bytes of a region. */
export const MOST_REGION_BYTES = 1 << 30;

/**
 * Makes a region of zeros.
 * @throws BelljarError shm/create
 */
export function createRegion(bytes: number): Region {
  checkBytes(bytes);
  if (process.platform === "linux") return createMemfd(bytes);
  if (process.platform === "darwin") return createNamed(bytes);
  if (process.platform === "win32") return createSection(bytes);
  throw new BelljarError(
    "shm/create",
    `There is no shared memory on ${process.platform} that Belljar knows.`,
  );
}

/**
 * Opens another process's region, or this one's in another thread.
 * @param bytes its least size
 * @throws BelljarError shm/open
 */
export function openRegion(name: string, bytes: number): Region {
  checkBytes(bytes);
  if (process.platform === "linux") return openMemfd(name, bytes);
  if (process.platform === "darwin") return openNamed(name, bytes);
  if (process.platform === "win32") return openSection(name, bytes);
  throw new BelljarError("shm/open", `There is no shared memory on ${process.platform} that Belljar knows.`);
}

/**
 * Opens a region that this process made, in another of its threads.
 * @param name its `ownName`, or its `name` @param bytes its least size
 * @throws BelljarError shm/open
 */
export function openOwnRegion(name: string, bytes: number): Region {
  const own = OWN_NAME.exec(name);
  if (own === null) return openRegion(name, bytes);
  checkBytes(bytes);
  return openDescriptor(name, Number(own[1]), bytes);
}

function checkBytes(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_REGION_BYTES) return;
  throw new BelljarError(
    "shm/size",
    `${bytes} bytes are no size for shared memory (1 to ${MOST_REGION_BYTES}).`,
  );
}

function cannotCreate(bytes: number): BelljarError {
  return new BelljarError(
    "shm/create",
    `The system gives no shared memory of ${bytes} bytes (error ${koffi.errno()}).`,
  );
}

function cannotOpen(name: string, why: string): BelljarError {
  return new BelljarError("shm/open", `The shared memory "${printable(name, 80)}" can't be opened: ${why}.`);
}

// The memory is unmapped when nothing in this process can reach it any more, so that a view that outlives close() reads
// memory and not an address that has gone.
const unmapped = new FinalizationRegistry<() => void>((unmap) => unmap());

function viewOf(address: bigint, bytes: number, unmap: () => void): ArrayBuffer {
  const buffer = koffi.view(address, bytes) as ArrayBuffer;
  unmapped.register(buffer, unmap);
  return buffer;
}

// Linux and macOS.

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = -1n;

let posix: ReturnType<typeof loadPosix> | null = null;

function loadPosix() {
  const mac = process.platform === "darwin";
  const libc = koffi.load(SYSTEM_LIBRARY);
  return {
    mmap: libc.func("intptr_t mmap(void*, size_t, int, int, int, long)"),
    munmap: libc.func("int munmap(intptr_t, size_t)"),
    ftruncate: libc.func("int ftruncate(int, long)"),
    memfdCreate: mac ? null : libc.func("int memfd_create(const char*, unsigned int)"),
    fcntl: libc.func("int fcntl(int, int, ...)"),
    shmOpen: mac ? libc.func("int shm_open(const char*, int, ...)") : null,
    shmUnlink: mac ? libc.func("int shm_unlink(const char*)") : null,
  };
}

function map(descriptor: number, bytes: number): { address: bigint; buffer: ArrayBuffer } | null {
  posix ??= loadPosix();
  const { mmap, munmap } = posix;
  const address = BigInt(mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0));
  if (address === MAP_FAILED) return null;
  return { address, buffer: viewOf(address, bytes, () => munmap(address, bytes)) };
}

/** A descriptor, and which file that is: by the time that it is opened it may be another. */
const OWN_NAME = /^fd:(\d{1,10}):(\d{1,20})$/;
const ownNameOf = (descriptor: number): string =>
  `fd:${descriptor}:${fstatSync(descriptor, { bigint: true }).ino}`;

function openDescriptor(name: string, descriptor: number, bytes: number): Region {
  try {
    if (ownNameOf(descriptor) !== name) throw cannotOpen(name, "it is gone");
  } catch (error) {
    if (error instanceof BelljarError) throw error;
    throw cannotOpen(name, `it is gone (${(error as NodeJS.ErrnoException).code})`);
  }
  return mapDescriptor(name, descriptor, bytes);
}

/** Maps what has been opened, once it has been looked at. The descriptor stays open. */
function mapDescriptor(name: string, descriptor: number, bytes: number): Region {
  posix ??= loadPosix();
  if (process.platform === "linux") {
    const seals = posix.fcntl(descriptor, F_GET_SEALS) as number;
    if (seals < 0 || (seals & SEALS) !== SEALS) throw cannotOpen(name, "it can still be cut short");
  }
  const { size } = fstatSync(descriptor);
  if (size < bytes) throw cannotOpen(name, `it has ${size} bytes, and should have ${bytes}`);
  const mapped = map(descriptor, bytes);
  if (mapped === null) throw cannotOpen(name, `the system refuses (error ${koffi.errno()})`);
  return { ...mapped, name, ownName: name, unlink: () => {}, close: () => {} };
}

const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** No more seals, no shrinking, no growing. */
const SEALS = 7;
const MEMFD = "/memfd:belljar";

function createMemfd(bytes: number): Region {
  posix ??= loadPosix();
  const descriptor = posix.memfdCreate?.("belljar", MFD_CLOEXEC_ALLOW_SEALING) as number;
  if (descriptor < 0) throw cannotCreate(bytes);
  fchmodSync(descriptor, 0o600);
  const sized = posix.ftruncate(descriptor, bytes) === 0;
  const sealed = sized && posix.fcntl(descriptor, F_ADD_SEALS, "int", SEALS) === 0;
  const mapped = sealed ? map(descriptor, bytes) : null;
  if (mapped === null) {
    const error = cannotCreate(bytes);
    closeSync(descriptor);
    throw error;
  }
  let open = true;
  return {
    ...mapped,
    name: `/proc/${process.pid}/fd/${descriptor}`,
    ownName: ownNameOf(descriptor),
    unlink: () => {},
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function openMemfd(name: string, bytes: number): Region {
  posix ??= loadPosix();
  if (!/^\/proc\/\d{1,10}\/fd\/\d{1,10}$/.test(name))
    throw cannotOpen(name, "it is no name of shared memory");
  let descriptor: number;
  try {
    // What a name leads to is looked at before it is opened, since opening a pipe or a device may wait, or do something.
    if (!readlinkSync(name).startsWith(MEMFD)) throw cannotOpen(name, "it is no shared memory of Belljar's");
    descriptor = openSync(name, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof BelljarError) throw error;
    throw cannotOpen(name, `it is gone, or another user's (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return mapDescriptor(name, descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
}

const O_RDWR = 2;
const O_CREAT_EXCL = 0x200 | 0x800;

function createNamed(bytes: number): Region {
  posix ??= loadPosix();
  const { shmOpen, shmUnlink, ftruncate } = posix;
  // Names on macOS have at most 31 characters.
  const name = `/belljar-${randomBytes(10).toString("hex")}`;
  const descriptor = shmOpen?.(name, O_RDWR | O_CREAT_EXCL, "int", 0o600) as number;
  if (descriptor < 0) throw cannotCreate(bytes);
  const mapped = ftruncate(descriptor, bytes) === 0 ? map(descriptor, bytes) : null;
  const error = mapped === null ? cannotCreate(bytes) : null;
  let linked = true;
  const unlink = (): void => {
    if (linked) shmUnlink?.(name);
    linked = false;
    process.off("exit", unlink);
  };
  process.on("exit", unlink);
  if (error !== null) {
    unlink();
    closeSync(descriptor);
    throw error;
  }
  let open = true;
  return {
    ...(mapped as NonNullable<typeof mapped>),
    name,
    ownName: ownNameOf(descriptor),
    unlink,
    close: () => {
      unlink();
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function openNamed(name: string, bytes: number): Region {
  posix ??= loadPosix();
  if (!/^\/belljar-[0-9a-f]{20}$/.test(name)) throw cannotOpen(name, "it is no name of shared memory");
  const descriptor = posix.shmOpen?.(name, O_RDWR) as number;
  if (descriptor < 0) throw cannotOpen(name, `it is gone, or another user's (error ${koffi.errno()})`);
  try {
    return mapDescriptor(name, descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
}

// Windows.

const PAGE_READWRITE = 4;
const FILE_MAP_ALL_ACCESS = 0xf001f;
const ERROR_ALREADY_EXISTS = 183;
const NO_FILE = -1;

let windows: ReturnType<typeof loadWindows> | null = null;

function loadWindows() {
  const kernel = koffi.load("kernel32.dll");
  return {
    createFileMapping: kernel.func(
      "intptr_t __stdcall CreateFileMappingW(intptr_t, void*, uint32_t, uint32_t, uint32_t, const char16_t*)",
    ),
    openFileMapping: kernel.func("intptr_t __stdcall OpenFileMappingW(uint32_t, int, const char16_t*)"),
    mapView: kernel.func("intptr_t __stdcall MapViewOfFile(intptr_t, uint32_t, uint32_t, uint32_t, size_t)"),
    unmapView: kernel.func("int __stdcall UnmapViewOfFile(intptr_t)"),
    closeHandle: kernel.func("int __stdcall CloseHandle(intptr_t)"),
    lastError: kernel.func("uint32_t __stdcall GetLastError()"),
  };
}

function createSection(bytes: number): Region {
  windows ??= loadWindows();
  const name = `Local\\belljar-${randomBytes(16).toString("hex")}`;
  const section = windows.createFileMapping(NO_FILE, null, PAGE_READWRITE, 0, bytes, name);
  const taken = windows.lastError() === ERROR_ALREADY_EXISTS;
  if (taken) windows.closeHandle(section);
  if (taken || Number(section) === 0) {
    throw new BelljarError("shm/create", `Windows gives no shared memory of ${bytes} bytes.`);
  }
  return sectionView(section, name, bytes, "create");
}

function openSection(name: string, bytes: number): Region {
  windows ??= loadWindows();
  if (!/^Local\\belljar-[0-9a-f]{32}$/.test(name)) throw cannotOpen(name, "it is no name of shared memory");
  const section = windows.openFileMapping(FILE_MAP_ALL_ACCESS, 0, name);
  if (Number(section) === 0) throw cannotOpen(name, "it is gone, or another user's");
  return sectionView(section, name, bytes, "open");
}

/** Windows refuses a view that is larger than the section, and keeps the section as long as there is a view or a handle. */
function sectionView(section: number | bigint, name: string, bytes: number, what: "create" | "open"): Region {
  const { mapView, unmapView, closeHandle } = windows as NonNullable<typeof windows>;
  const address = BigInt(mapView(section, FILE_MAP_ALL_ACCESS, 0, 0, bytes));
  if (address === 0n) {
    closeHandle(section);
    if (what === "open") throw cannotOpen(name, `it has fewer than ${bytes} bytes`);
    throw new BelljarError("shm/create", `Windows gives no shared memory of ${bytes} bytes.`);
  }
  let open = true;
  return {
    name,
    // It is there as long as anybody has it open.
    ownName: name,
    address,
    buffer: viewOf(address, bytes, () => unmapView(address)),
    unlink: () => {},
    close: () => {
      if (open) closeHandle(section);
      open = false;
    },
  };
}
