// Sums, copies and limits blocks of sound in the graph's own memory (AssemblyScript, SIMD).
// Every address is a multiple of 16; `count` is in samples. Addition is done in single precision, one
// wire at a time, so the order of calls is the order of addition.

/** Where the graph may begin to place its buffers. */
export function base(): i32 {
  return <i32>((__heap_base + 15) & ~15);
}

/** Pages that the memory has grown by hold zeros. Returns the former size in pages, -1 where refused. */
export function grow(pages: i32): i32 {
  return memory.grow(pages);
}

export function zero(to: usize, count: i32): void {
  memory.fill(to, 0, <usize>count << 2);
}

export function copy(to: usize, from: usize, count: i32): void {
  memory.copy(to, from, <usize>count << 2);
}

/** to += from */
export function add(to: usize, from: usize, count: i32): void {
  let i: i32 = 0;
  const whole = count & ~3;
  for (; i < whole; i += 4) {
    const at = <usize>i << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
  }
}

/** to = left + right: a stereo wire into a mono input. */
export function fold(to: usize, left: usize, right: usize, count: i32): void {
  let i: i32 = 0;
  const whole = count & ~3;
  for (; i < whole; i += 4) {
    const at = <usize>i << 2;
    v128.store(to + at, f32x4.add(v128.load(left + at), v128.load(right + at)));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(to + at, load<f32>(left + at) + load<f32>(right + at));
  }
}

/** to += (left + right) */
export function addFold(to: usize, left: usize, right: usize, count: i32): void {
  let i: i32 = 0;
  const whole = count & ~3;
  for (; i < whole; i += 4) {
    const at = <usize>i << 2;
    const both = f32x4.add(v128.load(left + at), v128.load(right + at));
    v128.store(to + at, f32x4.add(v128.load(to + at), both));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    const both: f32 = load<f32>(left + at) + load<f32>(right + at);
    store<f32>(to + at, load<f32>(to + at) + both);
  }
}

/** The bits of the largest magnitude: an integer crosses to JavaScript without an allocation. */
export function peakBits(from: usize, count: i32): i32 {
  return reinterpret<i32>(peak(from, count));
}

/** The largest magnitude. */
export function peak(from: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  let i: i32 = 0;
  const whole = count & ~3;
  for (; i < whole; i += 4) {
    most = f32x4.max(most, f32x4.abs(v128.load(from + (<usize>i << 2))));
  }
  let result = max<f32>(
    max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max<f32>(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  for (; i < count; i++) result = max<f32>(result, abs<f32>(load<f32>(from + (<usize>i << 2))));
  return result;
}

/** Holds samples within -limit to limit and returns how many were beyond; the others keep every bit. */
export function clamp(at: usize, count: i32, limit: f32): i32 {
  const high = f32x4.splat(limit);
  const low = f32x4.splat(-limit);
  let beyond: i32 = 0;
  let i: i32 = 0;
  const whole = count & ~3;
  for (; i < whole; i += 4) {
    const place = at + (<usize>i << 2);
    const x = v128.load(place);
    const over = f32x4.gt(f32x4.abs(x), high);
    if (!v128.any_true(over)) continue;
    beyond += popcnt<i32>(i32x4.bitmask(over));
    v128.store(place, f32x4.pmin(high, f32x4.pmax(low, x)));
  }
  for (; i < count; i++) {
    const place = at + (<usize>i << 2);
    const x = load<f32>(place);
    if (abs<f32>(x) > limit) {
      beyond++;
      store<f32>(place, x < 0 ? -limit : limit);
    }
  }
  return beyond;
}
