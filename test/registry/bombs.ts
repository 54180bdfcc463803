// Valid modules that cost a compiler far more than their size suggests, made here so that none lies in the repository.

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>>= 7;
    if (value === 0) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function section(id: number, content: number[]): number[] {
  return [id, ...leb(content.length)].concat(content);
}

/** A module of one exported function, i32 -> i32, with that many further i32 locals. */
function moduleOf(code: number[], locals: number): Uint8Array<ArrayBuffer> {
  const body = (locals === 0 ? [0] : [1, ...leb(locals), 0x7f]).concat(code, 0x0b);
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = section(1, [1, 0x60, 1, 0x7f, 1, 0x7f]);
  const functions = section(3, [1, 0]);
  const exports = section(7, [1, 1, 0x66, 0, 0]);
  const bytes = [...head, ...type, ...functions, ...exports];
  return Uint8Array.from(bytes.concat(section(10, [1, ...leb(body.length)].concat(body))));
}

/** Harmless: adds its argument to itself; `salt` makes different modules of it. */
export function harmless(salt = 0): Uint8Array<ArrayBuffer> {
  return moduleOf([0x20, 0, 0x41, ...leb(salt & 63), 0x6a], 0);
}

/** Blocks inside blocks; after each one's end, a br_table that leads to every block around it. */
export function branchWeb(blocks: number, locals: number): Uint8Array<ArrayBuffer> {
  const code: number[] = [];
  for (let index = 0; index < blocks; index++) code.push(0x02, 0x40);
  for (let around = blocks; around > 0; around--) {
    for (let index = 0; index < 4; index++) {
      const local = 1 + ((around * 7 + index * 13) % locals);
      code.push(0x20, ...leb(local), 0x20, 0, 0x6a, 0x21, ...leb(local));
    }
    code.push(0x20, 0, 0x0e, ...leb(around - 1));
    for (let target = 0; target < around; target++) code.push(...leb(target));
    code.push(0x0b);
  }
  code.push(0x20, 1);
  return moduleOf(code, locals);
}

/** Loops inside loops, all of them changing many locals. */
export function loopNest(depth: number, locals: number): Uint8Array<ArrayBuffer> {
  const code: number[] = [];
  for (let index = 0; index < depth; index++) {
    const local = 1 + (index % locals);
    code.push(
      0x03,
      0x40,
      0x20,
      ...leb(local),
      0x20,
      ...leb(1 + ((index * 31) % locals)),
      0x6a,
      0x21,
      ...leb(local),
    );
  }
  for (let index = 0; index < depth; index++) {
    const local = 1 + (index % locals);
    code.push(0x20, ...leb(local), 0x41, 1, 0x6b, 0x22, ...leb(local), 0x0d, 0, 0x0b);
  }
  code.push(0x20, 1);
  return moduleOf(code, locals);
}
