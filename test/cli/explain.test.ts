// What a user reads when something failed.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { explain } from "../../runtime/cli/explain.ts";

test("bad input is a sentence, a code and a hint, with exit code 2", () => {
  const error = new BelljarError("midi/truncated", "song.mid is cut off.", "Copy it again.");
  const told = { text: "belljar: song.mid is cut off. [midi/truncated]\nCopy it again.\n", code: 2 };
  assert.equal(explain(error, {}, false), told);
});

test("anything else is a fault of Belljar, with exit code 70 and no stack trace", () => {
  const { text, code } = explain(new TypeError("x is\u001b[2J undefined"), {}, false);
  assert.is(code, 70);
  assert.match(text, /^belljar: This is a fault of Belljar, please report it: x is.* undefined\n/);
  assert.not.match(text, /^\s+at |\u001b/m);
});

test("BELLJAR_DEBUG=1 adds the stack trace", () => {
  assert.match(explain(new Error("oops"), {}, true).text, /\n\s+at /);
  assert.match(explain(new BelljarError("a/b", "Wrong."), {}, true).text, /\n\s+at /);
});

test("what was thrown need not be an error", () => {
  assert.is(explain(undefined, {}, false).code, 70);
  assert.match(explain("a string", {}, false).text, /a string/);
});

test.run();
