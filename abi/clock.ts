// A clock that is read without an allocation: a function that returns a number that is no small integer makes a new object
// for it, unless the engine has inlined the call.

export interface Clock {
  /** [audio] Puts the time into `time`. */
  read(): void;
  /** Milliseconds, one element. */
  readonly time: Float64Array;
}

/** A function that gives milliseconds, and may carry its clock. */
export type Now = (() => number) & { clock?: Clock };

export function clockOf(now: Now): Clock {
  if (now.clock !== undefined) return now.clock;
  const time = new Float64Array(1);
  return {
    time,
    read: () => {
      time[0] = now();
    },
  };
}
