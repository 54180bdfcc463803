// Messages in a stream of bytes that is cut anywhere, and bytes that are none.

import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameMessage, MessageReader, MOST_MESSAGE_BYTES } from "../../abi/sidecar.ts";

function readAll(chunks: Iterable<Uint8Array>): (number[] | null)[] {
  const reader = new MessageReader();
  const found: (number[] | null)[] = [];
  for (const chunk of chunks)
    reader.push(chunk, (message) => found.push(message === null ? null : [...message]));
  return found;
}

const joined = (parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test("messages come out as they went in, wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 20 }),
      (messages, cuts) => {
        const stream = joined(messages.map(frameMessage));
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const length = cuts[i % cuts.length] as number;
          chunks.push(stream.slice(at, at + length));
          at += length;
        }
        assert.equal(
          readAll(chunks),
          messages.map((message) => [...message]),
        );
      },
    ),
  );
});

test("a message that is too long is told and passed over, and the next one is read", () => {
  const long = frameMessage(new Uint8Array(MOST_MESSAGE_BYTES + 1));
  const longest = frameMessage(new Uint8Array(MOST_MESSAGE_BYTES).fill(5));
  const found = readAll([
    long.subarray(0, 100),
    long.subarray(100),
    longest,
    frameMessage(Uint8Array.of(1, 2)),
  ]);
  assert.is(found[0], null);
  assert.is(found[1]?.length, MOST_MESSAGE_BYTES);
  assert.equal(found.slice(2), [[1, 2]]);
});

test("a length of four gigabytes is believed to nobody: nothing is kept for it", () => {
  const reader = new MessageReader();
  let told = 0;
  reader.push(Uint8Array.of(255, 255, 255, 255), () => told++);
  for (let i = 0; i < 1000; i++) reader.push(new Uint8Array(1000), () => told++);
  assert.is(told, 1);
});

test.run();
