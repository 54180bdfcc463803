// A lock-free queue of small records from the control thread to the audio thread: parameters and events. One side puts,
// one side takes; neither waits and neither allocates.

/** Integers of a record. */
const INTEGERS = 6;
const RECORD_BYTES = 16 + INTEGERS * 4;
/** Two floats, then the integers. */
const RECORD_FLOATS = RECORD_BYTES / 8;
const RECORD_WORDS = RECORD_BYTES / 4;
const HEADER_BYTES = 16;
const AT_PUT = 0;
const AT_TAKEN = 1;

/**
 * What was taken counts as taken from `commit` on: a thread that is ended before leaves it to the next one. A record's fields are the queue's own between `take` and the next `take`.
 */
export class RecordQueue {
  readonly buffer: SharedArrayBuffer;
  // Of the record last taken: in arrays of one element, since a number that is no integer would be a new object each time.
  readonly time = new Float64Array(1);
  readonly value = new Float64Array(1);
  readonly integers = new Int32Array(INTEGERS);
  private readonly capacity: number;
  /** [audio] The next record to be taken. */
  private next: number;
  private readonly header: Int32Array;
  // The records: typed arrays, since a DataView's own way of reading a float makes an object until V8's last compiler has seen it.
  private readonly floats: Float64Array;
  private readonly words: Int32Array;

  /** @param records a power of two */
  constructor(records: number, buffer = new SharedArrayBuffer(HEADER_BYTES + records * RECORD_BYTES)) {
    this.buffer = buffer;
    this.capacity = records;
    this.header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.floats = new Float64Array(buffer, HEADER_BYTES);
    this.words = new Int32Array(buffer, HEADER_BYTES);
    this.next = Atomics.load(this.header, AT_TAKEN);
  }

  /** [audio] Goes on where another thread has stopped taking. */
  resume(): void {
    this.next = Atomics.load(this.header, AT_TAKEN);
  }

  /** The record's number. */
  private at(position: number): number {
    return position & (this.capacity - 1);
  }

  /** [control] False: it is full. */
  put(time: number, value: number, integers: readonly number[]): boolean {
    const put = Atomics.load(this.header, AT_PUT);
    if ((put - Atomics.load(this.header, AT_TAKEN)) >>> 0 >= this.capacity) return false;
    const { floats, words } = this;
    const at = this.at(put);
    floats[at * RECORD_FLOATS] = time;
    floats[at * RECORD_FLOATS + 1] = value;
    for (let i = 0; i < INTEGERS; i++) words[at * RECORD_WORDS + 4 + i] = integers[i] ?? 0;
    Atomics.store(this.header, AT_PUT, (put + 1) | 0);
    return true;
  }

  /** [audio] Reads the next record into the fields, and leaves it there. False: there is none. */
  look(): boolean {
    const { next } = this;
    if (next === Atomics.load(this.header, AT_PUT)) return false;
    const { floats, words, integers } = this;
    const at = this.at(next);
    this.time[0] = floats[at * RECORD_FLOATS] as number;
    this.value[0] = floats[at * RECORD_FLOATS + 1] as number;
    for (let i = 0; i < INTEGERS; i++) integers[i] = words[at * RECORD_WORDS + 4 + i] as number;
    return true;
  }

  /** [audio] After look: the record after it comes next. */
  take(): void {
    this.next = (this.next + 1) | 0;
  }

  /** [audio] What was taken need not be kept any longer. */
  commit(): void {
    if (Atomics.load(this.header, AT_TAKEN) !== this.next) Atomics.store(this.header, AT_TAKEN, this.next);
  }
}
