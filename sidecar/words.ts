// What the sidecar's main thread and the thread that plays tell each other while a stream runs: 32-bit words in memory
// that both see, since the playing thread does nothing but wait for the device.

export const WORDS = 8;
/** A Command; written by the main thread. */
export const AT_COMMAND = 0;
/** Frames of the ring that the device has taken, modulo 2^32. */
export const AT_PLAYED = 1;
/** How often the device said that it had run dry. */
export const AT_DEVICE_UNDERRUNS = 2;
/** Counts up with every write that the device took. */
export const AT_BEAT = 3;
/** The ring's own counts. */
export const AT_UNDERRUNS = 4;
export const AT_WORST = 5;
export const AT_MISSING = 6;

export const Command = {
  Play: 0,
  /** Plays what the device holds; what is in the ring stays. */
  Pause: 1,
  /** Plays what is in the ring, then stops. */
  Drain: 2,
  /** At once. */
  Stop: 3,
  /** Drops what the device holds, and plays on. */
  Reset: 4,
} as const;
