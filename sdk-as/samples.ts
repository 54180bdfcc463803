// A run of samples in the plugin's memory, indexed from the first sample of the sub-block.

/**
 * Samples of one channel, or of one parameter, in the sub-block that `process` is to render. [audio]
 *
 * It is nothing but an address, so a sub-block costs no copy: valid are the indices 0 to `frames` - 1 of the
 * `process(frames)` that is running. In a loop, take it into a local first (`const left = this.input.left`):
 * the address is then read once and not once a sample.
 */
@unmanaged
export class Samples {
  [key: number]: f32;

  /** Sample `index`. */
  @inline
  @operator("[]")
  get(index: i32): f32 {
    return load<f32>(changetype<usize>(this) + (<usize>index << 2));
  }

  @inline
  @operator("[]=")
  set(index: i32, value: f32): void {
    store<f32>(changetype<usize>(this) + (<usize>index << 2), value);
  }

  /** The address of sample `index`, in bytes, for `v128.load` and friends. */
  @inline
  address(index: i32 = 0): usize {
    return changetype<usize>(this) + (<usize>index << 2);
  }

  /** The same memory from sample `index` on. */
  @inline
  from(index: i32): Samples {
    return changetype<Samples>(changetype<usize>(this) + (<usize>index << 2));
  }

  /** Sets the first `frames` samples to `value`. */
  fill(value: f32, frames: i32): void {
    let at = changetype<usize>(this);
    const end = at + (<usize>frames << 2);
    const four = f32x4.splat(value);
    for (; at + 16 <= end; at += 16) v128.store(at, four);
    for (; at < end; at += 4) store<f32>(at, value);
  }

  /** Copies the first `frames` samples of `source` here. */
  @inline
  copy(source: Samples, frames: i32): void {
    memory.copy(changetype<usize>(this), changetype<usize>(source), <usize>frames << 2);
  }

  /** An author's own memory seen as samples. The array must outlive the view: keep it in a field. */
  @inline
  static of(array: StaticArray<f32>): Samples {
    return changetype<Samples>(changetype<usize>(array));
  }
}
