// Text from strangers, made safe to print.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { listed, printable } from "../../abi/error.ts";

test("what a terminal or page would obey, and what nobody can see, is replaced", () => {
  const hidden = [
    "\u0000",
    "\u001b",
    "\n",
    "\u007f",
    "\u009b", // CSI in one character
    "\u00ad",
    "\u061c",
    "\u200b",
    "\u200f",
    "\u2028",
    "\u202e", // right to left
    "\u2060",
    "\u2066",
    "\ufeff",
    "\ufffb",
    "\u034f",
    "\u115f", // letters that only fill a place
    "\u3164",
    "\uffa0",
    "\u180e",
    "\u{1d173}",
    "\u{e0001}", // tags
    "\u{e0061}",
    "\u{e0100}",
    "\ud800", // halves of pairs
    "\udc00",
  ];
  for (const one of hidden) {
    assert.is(printable(`a${one}b`), "a\ufffdb", `U+${one.codePointAt(0)?.toString(16)}`);
  }
});

test("letters, marks and pictures of all languages stay", () => {
  const text = "Ärger naïve 音 עברית \u0e33 e\u0301 \u{1f600}\ufe0f 🎹 ½ € – …";
  assert.is(printable(text), text);
});

test("a text is cut where it is too long, and never between the halves of a pair", () => {
  assert.is(printable("abcdef", 3), "abc…");
  assert.is(printable("ab🎹cd", 3), "ab…");
  assert.is(printable("ab🎹cd", 4), "ab🎹…");
});

test("of many words the first are listed, and how many there are besides", () => {
  assert.is(listed([]), "");
  assert.is(listed(["a", "b"]), "a, b");
  assert.is(listed(["a", "b", "c", "d"], 2), "a, b and 2 more");
});

test.run();
