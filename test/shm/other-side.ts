// The other process of region.test.ts: opens the region that it is told of, and reads or writes until it is ended.
// Frame n holds n modulo 2^20 in every channel, so that a lost, doubled or torn frame shows.

import { openRegion } from "../../shm/region.ts";
import { RingState } from "../../abi/ring.ts";
import { RingReader, RingWriter } from "../../shm/ring.ts";
import { regionWake } from "../../shm/wake.ts";

const [role, name, bytes, block] = process.argv.slice(2) as [string, string, string, string];
const frames = Number(block);
const region = openRegion(name, Number(bytes));
const wake = regionWake(region);
const nap = new Int32Array(new SharedArrayBuffer(4));

if (role === "write") {
  const writer = new RingWriter(region.buffer, wake, process.pid);
  const channels = Array.from({ length: writer.channels }, () => new Float32Array(frames));
  // A killed writer's successor goes on with the number of the next position.
  let next = writer.writePosition;
  writer.setState(RingState.Running);
  for (;;) {
    for (const channel of channels) for (let i = 0; i < frames; i++) channel[i] = (next + i) & 0xfffff;
    while (!writer.waitForSpace(frames, 50));
    writer.write(channels, frames);
    next += frames;
  }
} else {
  const reader = new RingReader(region.buffer, wake, process.pid);
  const into = new Float32Array(frames * reader.channels);
  for (;;) {
    const at = reader.readPosition;
    const count = reader.read(into, frames);
    if (count === 0) Atomics.wait(nap, 0, 0, 1);
    for (let i = 0; i < count * reader.channels; i++) {
      const expected = (at + Math.floor(i / reader.channels)) & 0xfffff;
      if (into[i] !== expected) {
        console.log(`frame ${at + Math.floor(i / reader.channels)} is ${into[i]}`);
        process.exit(3);
      }
    }
  }
}
