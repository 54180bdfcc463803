// Decimal digits to the nearest f64, exactly rounded (ties to even), without the allocator.
//
// Up to 15 digits and powers of ten up to 22 are exact in f64, so one multiplication or division rounds once
// (W. D. Clinger, "How to read floating point numbers accurately", 1990). All else is shifted by powers of two as a
// string of decimal digits until 53 bits of it are a whole number (N. Tao, "simple decimal conversion", 2020).

const MAX_DIGITS: i32 = 800;

/** Decimal digits 0 to 9, one a byte; the value is 0.d0d1d2… times ten to the power `point`. */
let count: i32 = 0;
let point: i32 = 0;
/** Digits other than zero were left out behind the last. */
let truncated: bool = false;

function digits(): usize {
  return memory.data(832);
}

/** Powers of ten that f64 holds exactly. */
function tenTo(exponent: i32): f64 {
  let power: f64 = 1;
  for (let i = 0; i < exponent; i++) power *= 10;
  return power;
}

/** The value of the number (JSON's grammar, already checked) in the bytes from `from` to `end`. [any] */
export function decimalToFloat(from: usize, end: usize): f64 {
  let at = from;
  const negative = load<u8>(at) == 0x2d;
  if (negative) at++;
  let mantissa: u64 = 0;
  let scale = 0;
  let seen = 0;
  let fraction = false;
  const start = at;
  for (; at < end; at++) {
    const c = <i32>load<u8>(at);
    if (c == 0x2e) {
      fraction = true;
      continue;
    }
    if (c < 0x30 || c > 0x39) break;
    if (seen < 19) {
      mantissa = mantissa * 10 + <u64>(c - 0x30);
      if (mantissa != 0) seen++;
    } else {
      seen++;
    }
    if (fraction) scale--;
  }
  const digitsEnd = at;
  let exponent = 0;
  if (at < end) {
    at++;
    const minus = load<u8>(at) == 0x2d;
    if (minus || load<u8>(at) == 0x2b) at++;
    for (; at < end; at++) if (exponent < 100000) exponent = exponent * 10 + <i32>(load<u8>(at) - 0x30);
    if (minus) exponent = -exponent;
  }
  let value: f64;
  const power = scale + exponent;
  if (mantissa == 0) value = 0;
  else if (seen <= 15 && power >= -22 && power <= 22)
    value = power < 0 ? <f64>mantissa / tenTo(-power) : <f64>mantissa * tenTo(power);
  else value = slow(start, digitsEnd, exponent);
  return negative ? -value : value;
}

function slow(from: usize, end: usize, exponent: i32): f64 {
  const d = digits();
  count = 0;
  point = 0;
  truncated = false;
  let fraction = false;
  for (let at = from; at < end; at++) {
    const c = load<u8>(at);
    if (c == 0x2e) {
      fraction = true;
      continue;
    }
    if (count == 0 && c == 0x30) {
      if (fraction) point--;
      continue;
    }
    if (count < MAX_DIGITS) store<u8>(d + count++, c - 0x30);
    else if (c != 0x30) truncated = true;
    if (!fraction) point++;
  }
  trim();
  point += exponent;
  if (count == 0 || point < -330) return 0;
  if (point > 310) return Infinity;

  let binary = 0;
  while (point > 0) {
    const n = point >= 9 ? 27 : shiftOf(point);
    shiftRight(n);
    binary += n;
  }
  while (point < 0 || (point == 0 && load<u8>(d) < 5)) {
    const n = point == 0 ? 1 : -point >= 9 ? 27 : shiftOf(-point);
    shiftLeft(n);
    binary -= n;
  }
  // the value is now in [0.5, 1) times two to the power `binary`
  binary--;
  if (binary < -1022) {
    shiftRight(-1022 - binary);
    binary = -1022;
  }
  if (binary > 1023) return Infinity;
  shiftLeft(53);
  let whole = rounded();
  if (whole == <u64>1 << 53) {
    whole >>= 1;
    binary++;
    if (binary > 1023) return Infinity;
  }
  if ((whole & ((<u64>1) << 52)) == 0) return reinterpret<f64>(whole); // subnormal
  return reinterpret<f64>((whole & (((<u64>1) << 52) - 1)) | (<u64>(binary + 1023) << 52));
}

/** The largest power of two that does not pass ten to the power `n`, 1 to 8: how far one shift may go. */
function shiftOf(n: i32): i32 {
  // floor(n * log2(10))
  return (n * 3322) / 1000;
}

function trim(): void {
  const d = digits();
  while (count > 0 && load<u8>(d + count - 1) == 0) count--;
  if (count == 0) point = 0;
}

/** Divides by two to the power `bits`, 0 or more. */
function shiftRight(bits: i32): void {
  while (bits > 60) {
    shiftRight(60);
    bits -= 60;
  }
  if (bits == 0 || count == 0) return;
  const d = digits();
  let read = 0;
  let write = 0;
  let n: u64 = 0;
  // gather digits until the quotient is not zero
  while (n >> <u64>bits == 0) {
    n = n * 10 + (read < count ? <u64>load<u8>(d + read) : 0);
    read++;
  }
  point -= read - 1;
  const mask = ((<u64>1) << <u64>bits) - 1;
  while (read < count) {
    store<u8>(d + write++, <u8>(n >> <u64>bits));
    n = (n & mask) * 10 + <u64>load<u8>(d + read++);
  }
  while (n > 0) {
    const digit = <u8>(n >> <u64>bits);
    n = (n & mask) * 10;
    if (write < MAX_DIGITS) store<u8>(d + write++, digit);
    else if (digit > 0) truncated = true;
  }
  count = write;
  trim();
}

/** Multiplies by two to the power `bits`, 0 to 59. */
function shiftLeft(bits: i32): void {
  if (bits == 0 || count == 0) return;
  const d = digits();
  // one pass from the right leaves a carry of new leading digits
  let n: u64 = 0;
  for (let i = count - 1; i >= 0; i--) {
    n += <u64>load<u8>(d + i) << <u64>bits;
    store<u8>(d + i, <u8>(n % 10));
    n /= 10;
  }
  let added = 0;
  for (let rest = n; rest > 0; rest /= 10) added++;
  if (added > 0) {
    let kept = count;
    if (kept + added > MAX_DIGITS) {
      for (let i = MAX_DIGITS - added; i < count; i++) if (load<u8>(d + i) != 0) truncated = true;
      kept = MAX_DIGITS - added;
    }
    memory.copy(d + added, d, kept);
    count = kept + added;
    for (let i = added - 1; i >= 0; i--) {
      store<u8>(d + i, <u8>(n % 10));
      n /= 10;
    }
    point += added;
  }
  trim();
}

/** The whole number nearest to the digits, ties to even. */
function rounded(): u64 {
  const d = digits();
  if (point > 20) return 0xffffffffffffffff;
  let n: u64 = 0;
  let i = 0;
  for (; i < point && i < count; i++) n = n * 10 + <u64>load<u8>(d + i);
  for (; i < point; i++) n *= 10;
  if (point < 0 || point >= count) return n;
  const next = load<u8>(d + point);
  if (next == 5 && point + 1 == count && !truncated) return n + (n & 1);
  return next >= 5 ? n + 1 : n;
}
