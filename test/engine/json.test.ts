import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { type Json, parseJson } from "../../runtime/engine/json.ts";

const parse = (text: string): Json => parseJson(text, "it", "session/json");

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.instance(error, BelljarError);
    assert.is((error as BelljarError).code, "session/json");
    return (error as BelljarError).message;
  }
  throw new Error(`${text} was taken`);
}

/** Maps as plain objects without a prototype, to compare with JSON.parse. */
function plain(value: Json): unknown {
  if (value instanceof Map) return [...value].map(([key, inner]) => [key, plain(inner)]);
  return Array.isArray(value) ? value.map(plain) : value;
}
function entries(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(entries);
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).map(([key, inner]) => [key, entries(inner)]);
  }
  return value;
}

test("whatever JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const text = JSON.stringify(value, null, space);
      // Keys like "1" change their order in an object, so only values without objects compare as they stand.
      const ours = plain(parse(text));
      const sorted = (x: unknown): unknown =>
        Array.isArray(x) ? x.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : x;
      assert.equal(sorted(ours), sorted(entries(JSON.parse(text))));
    }),
  );
});

test("what JSON.parse refuses is refused, and nothing else", () => {
  const texts = [
    "",
    " ",
    "{",
    "[",
    "[1,]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "01",
    "1.",
    ".5",
    "+1",
    "1e",
    "-",
    "nul",
    "truee",
    "'a'",
    '"\t"',
    '"\\x"',
    '"\\u12g4"',
    '"a',
    "[1 2]",
    "NaN",
    "1 2",
    "\u00a0 1",
    "0",
    "-0",
    "1e-3",
    " [ ] ",
    '"\\u0041\\n"',
    "-1.5E+10",
    "\ud800",
  ];
  for (const text of texts) {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    if (valid) assert.is(JSON.stringify(plain(parse(text))), JSON.stringify(JSON.parse(text)));
    else refusal(text);
  }
});

test("an error says where, in lines and columns", () => {
  assert.is(refusal('{\n  "a": 1\n  "b": 2\n}'), 'it, line 3, column 3: "," or "}" must stand here.');
  assert.match(refusal("[1, x]"), "line 1, column 5");
});

test("a key that comes twice is refused at its second place", () => {
  assert.is(refusal('{"a": 1,\n "a": 2}'), 'it, line 2, column 2: the key "a" is there twice.');
});

test("__proto__ and constructor are keys like any other", () => {
  const value = parse('{"__proto__": {"x": 1}, "constructor": 2}') as Map<string, Json>;
  assert.equal([...value.keys()], ["__proto__", "constructor"]);
  assert.is(({} as { x?: number }).x, undefined);
});

test("depth and size of numbers have bounds", () => {
  parse("[".repeat(32) + "]".repeat(32));
  assert.match(refusal("[".repeat(33) + "]".repeat(33)), "deeper");
  assert.match(refusal("[".repeat(1000000)), "deeper");
  assert.match(refusal("1e999"), "too large");
});

test("a byte order mark at the start is passed over", () => {
  assert.is(parse("\ufeff1"), 1);
});

test.run();
