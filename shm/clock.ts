// A steady clock that an audio thread can read without making garbage: performance.now() gives a new number object each
// time (16 bytes on some versions of Node).

import koffi from "koffi";
import type { Now } from "../abi/clock.ts";
import { SYSTEM_LIBRARY } from "./system.ts";

const CLOCK_MONOTONIC = process.platform === "darwin" ? 6 : 1;

/** [audio] The system's monotonic clock, in milliseconds. */
export function steadyClock(): Now {
  try {
    return process.platform === "win32" ? counterClock() : posixClock();
  } catch {
    return () => performance.now();
  }
}

function nowOf(readInto: (time: Float64Array) => void): Now {
  const time = new Float64Array(1);
  const read = (): void => readInto(time);
  const now: Now = () => {
    read();
    return time[0] as number;
  };
  now.clock = { read, time };
  return now;
}

function posixClock(): Now {
  const libc = koffi.load(SYSTEM_LIBRARY);
  const clockGettime = libc.func("int clock_gettime(int, void*)");
  // Seconds and nanoseconds, 64 bits each, at an address that never changes: a typed array would be looked up every time.
  const place = koffi.alloc("int64_t", 2);
  const words = new Uint32Array(koffi.view(place, 16) as ArrayBuffer);
  return nowOf((time) => {
    clockGettime(CLOCK_MONOTONIC, place);
    time[0] = (words[0] as number) * 1000 + (words[2] as number) / 1e6;
  });
}

function counterClock(): Now {
  const kernel = koffi.load("kernel32.dll");
  const query = kernel.func("int __stdcall QueryPerformanceCounter(void*)");
  const place = koffi.alloc("int64_t", 1);
  const words = new Uint32Array(koffi.view(place, 8) as ArrayBuffer);
  kernel.func("int __stdcall QueryPerformanceFrequency(void*)")(place);
  const perMillisecond = ((words[1] as number) * 2 ** 32 + (words[0] as number)) / 1000;
  return nowOf((time) => {
    query(place);
    time[0] = ((words[1] as number) * 2 ** 32 + (words[0] as number)) / perMillisecond;
  });
}
