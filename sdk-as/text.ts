// UTF-8 without the allocator.

/**
 * Writes `text` as UTF-8; a lone surrogate becomes U+FFFD. What does not fit is left out at a whole character. [any]
 * @returns bytes written
 */
export function encodeText(text: string, to: usize, capacity: i32): i32 {
  let n = 0;
  const length = text.length;
  for (let i = 0; i < length; i++) {
    let c: u32 = text.charCodeAt(i);
    if (c >= 0xd800 && c < 0xe000) {
      const low: u32 = c < 0xdc00 && i + 1 < length ? text.charCodeAt(i + 1) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        c = 0xfffd;
      }
    }
    const bytes = encodeCharacter(c, to + <usize>n, capacity - n);
    if (bytes == 0) break;
    n += bytes;
  }
  return n;
}

/** Writes one character as UTF-8. @returns 1 to 4, or 0: no room [any] */
export function encodeCharacter(c: u32, to: usize, capacity: i32): i32 {
  if (c < 0x80) {
    if (capacity < 1) return 0;
    store<u8>(to, c);
    return 1;
  }
  if (c < 0x800) {
    if (capacity < 2) return 0;
    store<u8>(to, 0xc0 | (c >> 6));
    store<u8>(to, 0x80 | (c & 63), 1);
    return 2;
  }
  if (c < 0x10000) {
    if (capacity < 3) return 0;
    store<u8>(to, 0xe0 | (c >> 12));
    store<u8>(to, 0x80 | ((c >> 6) & 63), 1);
    store<u8>(to, 0x80 | (c & 63), 2);
    return 3;
  }
  if (capacity < 4) return 0;
  store<u8>(to, 0xf0 | (c >> 18));
  store<u8>(to, 0x80 | ((c >> 12) & 63), 1);
  store<u8>(to, 0x80 | ((c >> 6) & 63), 2);
  store<u8>(to, 0x80 | (c & 63), 3);
  return 4;
}
