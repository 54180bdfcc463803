// A module as sections, and its code as bodies: taken apart and put together with sizes that fit. It knows no
// more of WebAssembly than that, and shares no line with the parser that it tests.

export interface Section {
  id: number;
  bytes: Uint8Array;
}

/** A LEB128 number of up to 70 bits: its value as it would be unsigned, the bytes that it takes, and its sign. */
export function readLeb(bytes: Uint8Array, at: number): { unsigned: bigint; signed: bigint; end: number } {
  let value = 0n;
  let shift = 0n;
  for (let i = at; i < bytes.length && i < at + 10; i++) {
    value |= BigInt(bytes[i] & 0x7f) << shift;
    shift += 7n;
    if (bytes[i] < 0x80) return { unsigned: value, signed: BigInt.asIntN(Number(shift), value), end: i + 1 };
  }
  throw new Error(`no number at byte ${at}`);
}

/** An unsigned LEB128 number, `padding` bytes longer than it has to be. */
export function leb(value: number, padding = 0): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  for (let i = 0; i < padding; i++) bytes.push(0x80);
  bytes[bytes.length - 1] &= 0x7f;
  return bytes;
}

export function signedLeb(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && byte < 0x40) || (rest === -1n && byte >= 0x40)) {
      bytes.push(byte);
      return bytes;
    }
    bytes.push(byte | 0x80);
  }
}

const HEAD = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export function concat(parts: readonly (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Throws where it is no row of sections. */
export function sectionsOf(bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  let at = HEAD.length;
  while (at < bytes.length) {
    const id = bytes[at];
    const { unsigned, end } = readLeb(bytes, at + 1);
    at = end + Number(unsigned);
    if (at > bytes.length) throw new Error(`section ${id} goes beyond the end`);
    sections.push({ id, bytes: bytes.subarray(end, at) });
  }
  return sections;
}

export function assemble(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  return concat([HEAD, ...sections.flatMap(({ id, bytes }) => [[id, ...leb(bytes.length)], bytes])]);
}

/** A vector's parts behind their count. */
export function vector(parts: readonly (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  return concat([leb(parts.length), ...parts]);
}

export const sized = (bytes: Uint8Array | number[]): Uint8Array => concat([leb(bytes.length), bytes]);

/** The bodies of a code section, without their sizes. */
export function bodiesOf(code: Uint8Array): Uint8Array[] {
  const { unsigned, end } = readLeb(code, 0);
  const bodies: Uint8Array[] = [];
  let at = end;
  for (let n = 0n; n < unsigned; n++) {
    const size = readLeb(code, at);
    at = size.end + Number(size.unsigned);
    if (at > code.length) throw new Error("a body goes beyond the code section");
    bodies.push(code.subarray(size.end, at));
  }
  return bodies;
}

/** The section order of the specification. */
export const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];

/** `sections` with section `id` replaced by what `change` makes of it (null: there is none), in its place. */
export function withSection(
  sections: readonly Section[],
  id: number,
  change: (bytes: Uint8Array | null) => Uint8Array,
): Section[] {
  const bytes = change(sections.find((section) => section.id === id)?.bytes ?? null);
  const others = sections.filter((section) => section.id !== id && section.id !== 0);
  const place = ORDER.indexOf(id);
  const before = others.filter((section) => ORDER.indexOf(section.id) < place);
  const after = others.filter((section) => ORDER.indexOf(section.id) >= place);
  return [...before, { id, bytes }, ...after];
}

/** A vector section with more items behind its own. */
export function appended(section: Uint8Array | null, items: readonly (Uint8Array | number[])[]): Uint8Array {
  if (section === null) return vector(items);
  const { unsigned, end } = readLeb(section, 0);
  return concat([leb(Number(unsigned) + items.length), section.subarray(end), ...items]);
}

/** The bytes of an opcode. */
export function encodeOpcode(code: number): number[] {
  if (code <= 0xff) return [code];
  const number = code & 0xfff;
  return number < 0x80 ? [code >> 12, number] : [code >> 12, (number & 0x7f) | 0x80, number >> 7];
}
