// The ring that carries sound from one thread or process to another: player to engine, engine to sidecar, capture,
// sources and sinks. One producer, one consumer; interleaved float32 frames behind a header of 512 bytes.
//
// Positions are frames counted modulo 2^32, and the capacity is a power of two, so that a position's place is its low
// bits and what is filled is a difference of two positions. Each side writes its own cache line alone.
// Byte offsets; every word is 32 bits, little-endian, and read and written atomically.

/** "BJRG". */
export const RING_MAGIC = 0x47524a42;
export const RING_VERSION = 1;
/** Bytes before the first frame. */
export const RING_HEADER = 512;

// Written once, by the creator, the magic last.
export const RING_AT_MAGIC = 0;
export const RING_AT_VERSION = 4;
/** Frames: a power of two. */
export const RING_AT_CAPACITY = 8;
export const RING_AT_CHANNELS = 12;
/** Frames a second. */
export const RING_AT_RATE = 16;
/** Process ids of the two sides; 0: not there yet. */
export const RING_AT_PRODUCER = 20;
export const RING_AT_CONSUMER = 24;

// The producer's line.
/** Frames written. */
export const RING_AT_WRITTEN = 64;
/** Counts up where a new stream begins (a seek, a stop): what was written before and not yet read is dropped. */
export const RING_AT_EPOCH = 68;
/** The position at which the epoch begins. Written before the epoch is. */
export const RING_AT_EPOCH_START = 72;
/** A RingState. */
export const RING_AT_STATE = 76;
/** Counts up with every write: a producer that stands still is stuck or gone. */
export const RING_AT_PRODUCER_BEAT = 80;
/** Tags written. */
export const RING_AT_TAGS = 84;

// The consumer's line.
/** Frames read: the clock of what is heard. */
export const RING_AT_READ = 128;
/** The epoch that the consumer is in. */
export const RING_AT_EPOCH_SEEN = 132;
/** How often less was there than was asked for while the producer was running; the most frames missing at once; and all of them. */
export const RING_AT_UNDERRUNS = 136;
export const RING_AT_WORST = 140;
export const RING_AT_MISSING = 144;
export const RING_AT_CONSUMER_BEAT = 148;

// How the producer sleeps until there is room: it sets WAITING, and waits for SIGNAL to change.
export const RING_AT_SIGNAL = 192;
export const RING_AT_WAITING = 196;

/** Tags: what begins at a position (a track's edge). A position and a value each, in a ring of their own. */
export const RING_AT_TAG = 256;
export const RING_TAGS = 32;

export const RingState = {
  /** Nothing is meant to sound: silence is no underrun. */
  Idle: 0,
  Running: 1,
  /** The last frames have been written: silence after them is no underrun. */
  Draining: 2,
} as const;
export type RingState = (typeof RingState)[keyof typeof RingState];
