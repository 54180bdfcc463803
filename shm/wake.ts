// Sleeping and waking on a word of memory that processes share: a futex on Linux, a named event on Windows,
// wait-on-address on macOS from 14.4. Where the system has none of these, a wait is a nap of a millisecond.

import koffi from "koffi";
import { RING_HEADER } from "../abi/ring.ts";
import type { Region } from "./region.ts";
import type { Wake } from "./ring.ts";
import { SYSTEM_LIBRARY } from "./system.ts";

/** For the words at the beginning of a region. */
export function regionWake(region: Region): Wake {
  if (process.platform === "linux") return futexWake(region) ?? napWake();
  if (process.platform === "win32") return eventWake(region);
  return (process.platform === "darwin" ? addressWake(region) : null) ?? napWake();
}

function napWake(): Wake {
  const never = new Int32Array(new SharedArrayBuffer(4));
  return {
    wait: (_index, _value, milliseconds) => void Atomics.wait(never, 0, 0, Math.min(milliseconds, 1)),
    wake() {},
  };
}

// The number of the system call, by processor.
const SYS_FUTEX = new Map([
  ["x64", 202],
  ["arm64", 98],
  ["riscv64", 98],
]);
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

function futexWake({ address }: Region): Wake | null {
  const number = SYS_FUTEX.get(process.arch);
  if (number === undefined) return null;
  const libc = koffi.load(SYSTEM_LIBRARY);
  const futex = libc.func("long syscall(long, intptr_t, long, long, void*, void*, long)");
  const time = new BigInt64Array(2);
  const addresses = addressesOf(address);
  let timeSet = 0;
  return {
    wait(index, value, milliseconds) {
      if (milliseconds !== timeSet) time[1] = BigInt(Math.round(Math.min(milliseconds, 999) * 1e6));
      timeSet = milliseconds;
      futex(number, addresses[index], FUTEX_WAIT, value, time, null, 0);
    },
    wake(index) {
      futex(number, addresses[index], FUTEX_WAKE, 1, null, null, 0);
    },
  };
}

/** Of the header's words: made beforehand, since each is a BigInt and the audio thread waits with them. */
function addressesOf(address: bigint): bigint[] {
  return Array.from({ length: RING_HEADER / 4 }, (_, index) => address + BigInt(index * 4));
}

const OS_SYNC_SHARED = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME = 32;

function addressWake({ address }: Region): Wake | null {
  const system = koffi.load(SYSTEM_LIBRARY);
  try {
    const wait = system.func(
      "int os_sync_wait_on_address_with_timeout(intptr_t, uint64_t, size_t, uint32_t, uint32_t, uint64_t)",
    );
    const wake = system.func("int os_sync_wake_by_address_any(intptr_t, size_t, uint32_t)");
    const addresses = addressesOf(address);
    return {
      wait(index, value, milliseconds) {
        const nanoseconds = Math.round(milliseconds * 1e6);
        wait(addresses[index], value >>> 0, 4, OS_SYNC_SHARED, OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds);
      },
      wake: (index) => void wake(addresses[index], 4, OS_SYNC_SHARED),
    };
  } catch {
    // Before macOS 14.4.
    return null;
  }
}

function eventWake({ name }: Region): Wake {
  const kernel = koffi.load("kernel32.dll");
  const createEvent = kernel.func("intptr_t __stdcall CreateEventW(void*, int, int, const char16_t*)");
  const setEvent = kernel.func("int __stdcall SetEvent(intptr_t)");
  const waitForSingleObject = kernel.func("uint32_t __stdcall WaitForSingleObject(intptr_t, uint32_t)");
  // Opened where it is already there; falls back by itself after each wait. It goes with the last process that has it.
  const event = createEvent(null, 0, 0, `${name}-wake`);
  if (Number(event) === 0) return napWake();
  return {
    wait: (_index, _value, milliseconds) => void waitForSingleObject(event, Math.ceil(milliseconds)),
    wake: () => void setEvent(event),
  };
}
