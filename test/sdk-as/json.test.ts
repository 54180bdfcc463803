// The JSON reader and writer agree with JSON.parse and JSON.stringify.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Host } from "./host.ts";

const SOURCE = "test/sdk-as/json.as.ts";

/** What the plugin makes of a text: the text written anew, or undefined if it is no JSON to it. */
function through(host: Host, text: string | Uint8Array): string | undefined {
  const [answer = "nothing"] = host.tell(text);
  return answer.startsWith("error at") ? undefined : answer;
}

test("a document that was read and written means the same", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const written = through(host, JSON.stringify(value));
      assert.equal(JSON.parse(written as string), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 1000 },
  );
});

test("numbers are read exactly as JSON.parse reads them", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  const same = (text: string) => {
    // -0 is written as JSON.stringify writes it: 0
    const expected = (JSON.parse(text) as number) + 0;
    const got = JSON.parse(through(host, text) as string) as number | null;
    // infinity has no form in JSON: the writer says null
    assert.ok(
      Object.is(got, Number.isFinite(expected) ? expected : null),
      `${text}: ${got}, not ${expected}`,
    );
  };
  for (const text of [
    "0",
    "-0",
    "1e308",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "2e308",
    "-1e400",
    "1e-400",
    "4.9e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "9007199254740993",
    "9007199254740992.99999999999999999999999999999999",
    "9007199254740993.00000000000000000000000000000001",
    "0.1",
    "0.30000000000000004",
    "123456789012345678901234567890",
    "8.5e-317",
    "1e22",
    "1e23",
    "6929495644600919.5",
    "3.7455744005952583e15",
    `0.${"0".repeat(400)}1`,
    `1${"0".repeat(308)}`,
    `${"9".repeat(700)}e-600`,
    `0.5000000000000000277555756156289135105907917022705078125${"0".repeat(800)}1`,
  ]) {
    same(text);
  }
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => same(String(value))),
    { numRuns: 1500 },
  );
  const digits = fc.stringMatching(/^[0-9]{1,40}$/);
  fc.assert(
    fc.property(digits, digits, fc.integer({ min: -345, max: 345 }), (whole, fraction, exponent) =>
      same(`${whole.replace(/^0+(?=.)/, "")}.${fraction}e${exponent}`),
    ),
    { numRuns: 1500 },
  );
});

test("halfway cases are rounded to even", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  fc.assert(
    fc.property(fc.bigInt(1n << 53n, (1n << 54n) - 1n), fc.integer({ min: 0, max: 900 }), (odd, shift) => {
      // 54 bits: an odd number lies exactly between two f64
      const text = ((odd | 1n) << BigInt(shift)).toString();
      assert.is(JSON.parse(through(host, text) as string), Number(text));
    }),
    { numRuns: 300 },
  );
});

test("strings keep every character, escaped or not", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.is(JSON.parse(through(host, JSON.stringify(text)) as string), text);
      const escaped = [...Array(text.length)].map(
        (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`,
      );
      assert.is(JSON.parse(through(host, `"${escaped.join("")}"`) as string), text);
    }),
    { numRuns: 500 },
  );
  assert.is(JSON.parse(through(host, '"\\ud800 \\udc00\\ud800"') as string), "\ud800 \udc00\ud800");
  assert.is(JSON.parse(through(host, '"\\b\\f\\n\\r\\t\\/\\\\\\""') as string), '\b\f\n\r\t/\\"');
});

test("what JSON.parse refuses is refused, and nothing else", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  const agree = (text: string) => {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    assert.is(through(host, text) !== undefined, valid, text);
  };
  const refused =
    '{ [ } ] {"a"} {"a":} {"a":1,} {,} [1,] [,1] [1 2] {"a" 1} {a:1} {"a":1 "b":2} [} {] 01 1. .5 +1 - 1e 1e+ 0x1 NaN Infinity tru truee nul "a "\\x" "\\u12" \'a\' [1]] 1,2 // "';
  for (const text of [...refused.split(" "), '"\n"', '"\u0000"', "\u00a01", "{}{}", '["a" "b"]', "-01"])
    agree(text);
  for (const text of ["[]", "{}", " [ ] ", "\t\n\r 1 ", '{"":{}}', "[[],{}]", '"\u007f"']) agree(text);
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    "1",
    "-",
    "true",
    "null",
    " ",
    ".5",
    "e1",
  );
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 8 }), (parts) => agree(parts.join(""))),
    { numRuns: 2000 },
  );
});

test("any cut of a document is refused", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  const text = '{"a":[1.5e3,{"b\\u0041":null}],"c":"\ud83d\ude00","d":false}';
  const bytes = new TextEncoder().encode(text);
  assert.ok(through(host, bytes));
  for (let length = 1; length < bytes.length; length++)
    assert.is(through(host, bytes.subarray(0, length)), undefined);
});

test("malformed UTF-8 is refused", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 5, min: 0x80 }), (bytes) => {
      let valid = true;
      try {
        decoder.decode(bytes);
      } catch {
        valid = false;
      }
      assert.is(through(host, Uint8Array.of(0x22, ...bytes, 0x22)) !== undefined, valid);
    }),
    { numRuns: 2000 },
  );
});

test("64 levels are read, 65 are refused", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  assert.is(through(host, "[".repeat(64) + "]".repeat(64)), "[".repeat(64) + "]".repeat(64));
  assert.is(through(host, "[".repeat(65) + "]".repeat(65)), undefined);
});

test("reading and writing grows no memory, however often", async () => {
  const host = await Host.of(SOURCE);
  host.activate();
  const text = JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ name: `track ${i}`, at: i / 3 })));
  host.tell(text);
  const bytes = host.exports.memory.buffer.byteLength;
  for (let i = 0; i < 300; i++) host.tell(text);
  assert.is(host.exports.memory.buffer.byteLength, bytes);
});

test.run();
