// What the thread that calls this may be given for real-time work: arithmetic that does not slow down on subnormal numbers,
// and a place in front of others.

import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import koffi from "koffi";
import { SYSTEM_LIBRARY } from "./system.ts";

/** Where the control word lies in what fegetenv saves, and the bits that make subnormals zero. */
const ENVIRONMENTS: Partial<Record<string, { at: number; bits: number }>> = {
  // mxcsr: flush-to-zero and denormals-are-zero. In glibc it is the end of fenv_t.
  "linux x64": { at: 28, bits: 0x8040 },
  "darwin x64": { at: 4, bits: 0x8040 },
  // fpcr; FZ is bit 24.
  "linux arm64": { at: 0, bits: 1 << 24 },
  "darwin arm64": { at: 8, bits: 1 << 24 },
};
const MCW_DN = 0x03000000;
const DN_FLUSH = 0x01000000;

/** Sets flush-to-zero for this thread, and looks whether it holds. False where it does not. */
export function flushSubnormals(): boolean {
  try {
    if (process.platform === "win32") {
      const control = koffi.load("ucrtbase.dll").func("int _controlfp_s(void*, uint32_t, uint32_t)");
      control(new Uint32Array(1), DN_FLUSH, MCW_DN);
    } else {
      const known = ENVIRONMENTS[`${process.platform} ${process.arch}`];
      if (known === undefined) return subnormalsAreZero();
      const libm = koffi.load(process.platform === "darwin" ? SYSTEM_LIBRARY : "libm.so.6");
      // Room for more than any system's fenv_t.
      const environment = new Uint8Array(64);
      libm.func("int fegetenv(void*)")(environment);
      const view = new DataView(environment.buffer);
      view.setUint32(known.at, view.getUint32(known.at, true) | known.bits, true);
      libm.func("int fesetenv(void*)")(environment);
    }
  } catch {
    // No such library or function: what the probe says is what counts.
  }
  return subnormalsAreZero();
}

/** Whether this thread's arithmetic takes subnormals for zero. */
export function subnormalsAreZero(): boolean {
  // From memory, so that nothing is computed beforehand.
  const probe = Float64Array.of(Number.MIN_VALUE * 2 ** 40, 0.5, 0);
  probe[2] = (probe[0] as number) * (probe[1] as number);
  return probe[2] === 0;
}

export interface Priority {
  /** "real-time", "raised", or "usual". */
  kind: "real-time" | "raised" | "usual";
  /** What the system would need for more; empty where it is real-time. */
  advice: string;
}

const SCHED_FIFO = 1;
const RESET_ON_FORK = 0x40000000;
const FIFO_PRIORITY = 60;
const NICEST = -19;
const TIME_CRITICAL = 15;

/**
 * Puts this thread in front of others as far as the system lets it.
 * @param behind how far behind an audio thread it stays, where it is real-time: 0 to 59
 */
export function raisePriority(behind = 0): Priority {
  if (process.platform === "linux") return raiseOnLinux(FIFO_PRIORITY - behind);
  if (process.platform === "win32") return raiseOnWindows();
  return { kind: "usual", advice: "The audio thread's priority is raised on Linux and Windows alone." };
}

function raiseOnWindows(): Priority {
  try {
    // Unless it is asked, Windows wakes a thread that naps at its ticks alone, which are 15.6 ms apart.
    koffi.load("winmm.dll").func("uint32_t __stdcall timeBeginPeriod(uint32_t)")(1);
    const kernel = koffi.load("kernel32.dll");
    const thread = kernel.func("intptr_t __stdcall GetCurrentThread()")();
    const set = kernel.func("int __stdcall SetThreadPriority(intptr_t, int)");
    if ((set(thread, TIME_CRITICAL) as number) !== 0) return { kind: "raised", advice: "" };
  } catch {
    // as below
  }
  return { kind: "usual", advice: "Windows did not raise the audio thread's priority." };
}

/** This thread's number as Linux counts them; null: another system. */
export function threadNumber(): number | null {
  if (process.platform !== "linux") return null;
  try {
    // "<process>/task/<thread>"
    return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return null;
  }
}

function raiseOnLinux(priority: number): Priority {
  const thread = threadNumber() ?? 0;
  try {
    const libc = koffi.load(SYSTEM_LIBRARY);
    const setScheduler = libc.func("int sched_setscheduler(int, int, void*)");
    if ((setScheduler(thread, SCHED_FIFO | RESET_ON_FORK, Int32Array.of(priority)) as number) === 0) {
      return { kind: "real-time", advice: "" };
    }
  } catch {
    // Another C library: what follows may still work.
  }
  const advice =
    'Real-time priority is not allowed here: give your user an rtprio limit of 60 or more (a line "@audio - rtprio 95" in /etc/security/limits.d/audio.conf, and the group audio).';
  try {
    setPriority(thread, NICEST);
    return { kind: "raised", advice };
  } catch {
    return { kind: "usual", advice };
  }
}
