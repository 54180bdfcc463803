// A lock-free queue of small records from the control thread to the audio thread: parameters and events. One side puts,
// one side takes; neither waits and neither allocates.

/** Integers of a record. */
const INTEGERS = 6;
const RECORD_BYTES = 16 + INTEGERS * 4;
const HEADER_BYTES = 16;
const AT_PUT = 0;
const AT_TAKEN = 1;

/** A record's fields are the queue's own between `take` and the next `take`. */
export class RecordQueue {
  readonly buffer: SharedArrayBuffer;
  /** Of the record last taken. */
  time = 0;
  value = 0;
  readonly integers = new Int32Array(INTEGERS);
  private readonly capacity: number;
  private readonly header: Int32Array;
  private readonly view: DataView;

  /** @param records a power of two */
  constructor(records: number, buffer = new SharedArrayBuffer(HEADER_BYTES + records * RECORD_BYTES)) {
    this.buffer = buffer;
    this.capacity = records;
    this.header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.view = new DataView(buffer, HEADER_BYTES);
  }

  private at(position: number): number {
    return (position & (this.capacity - 1)) * RECORD_BYTES;
  }

  /** [control] False: it is full. */
  put(time: number, value: number, integers: readonly number[]): boolean {
    const put = Atomics.load(this.header, AT_PUT);
    if ((put - Atomics.load(this.header, AT_TAKEN)) >>> 0 >= this.capacity) return false;
    const at = this.at(put);
    this.view.setFloat64(at, time, true);
    this.view.setFloat64(at + 8, value, true);
    for (let i = 0; i < INTEGERS; i++) this.view.setInt32(at + 16 + i * 4, integers[i] ?? 0, true);
    Atomics.store(this.header, AT_PUT, (put + 1) | 0);
    return true;
  }

  /** [audio] The time of the record that comes next; Infinity: there is none. */
  get nextTime(): number {
    const taken = Atomics.load(this.header, AT_TAKEN);
    if (taken === Atomics.load(this.header, AT_PUT)) return Number.POSITIVE_INFINITY;
    return this.view.getFloat64(this.at(taken), true);
  }

  /** [audio] Takes the next record into the fields. False: there is none. */
  take(): boolean {
    const taken = Atomics.load(this.header, AT_TAKEN);
    if (taken === Atomics.load(this.header, AT_PUT)) return false;
    const at = this.at(taken);
    this.time = this.view.getFloat64(at, true);
    this.value = this.view.getFloat64(at + 8, true);
    for (let i = 0; i < INTEGERS; i++) this.integers[i] = this.view.getInt32(at + 16 + i * 4, true);
    Atomics.store(this.header, AT_TAKEN, (taken + 1) | 0);
    return true;
  }
}
