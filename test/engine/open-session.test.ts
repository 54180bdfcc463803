// What a host hands to openSession and readSession is checked before anything is read.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError, openSession, parseSession, readSession } from "../../runtime/index.ts";

const session = parseSession('{ "nodes": [] }', "s.json");

test("what is no session, no file's name, or no option is named in a sentence", async () => {
  for (const [code, work] of [
    ["usage/value", () => openSession(undefined as never)],
    ["usage/value", () => openSession({} as never)],
    ["usage/value", () => openSession(session, null as never)],
    ["usage/value", () => readSession(7 as never)],
    ["usage/option", () => openSession(session, { blok: 64 } as never)],
  ] as const) {
    try {
      await work();
      assert.unreachable(`nothing was thrown by ${work}`);
    } catch (error) {
      assert.instance(error, BelljarError, String(error));
      assert.is((error as BelljarError).code, code);
      assert.match((error as BelljarError).message, /\.$/);
    }
  }
  assert.is((await openSession(session, { block: 64 })).block, 64);
});

test.run();
