// A child process for allocation.test.ts: plays a session freely, to nobody, with notes, parameters and meters going on,
// and says how far it is. Its audio thread's garbage is seen through --trace-gc, which the parent reads.

import { EventType } from "../../../abi/layout.ts";
import { LiveSession } from "./belljar.ts";
import { parseSession } from "../../../runtime/engine/session.ts";

const [text = "", folder = "", wanted = "0"] = process.argv.slice(2);
const live = await LiveSession.open(parseSession(text, "s.json"), {
  folder,
  free: true,
  deadline: 1e6,
  onEvent: (event) => process.stdout.write(`event ${JSON.stringify(event)}\n`),
});
await live.start(null);
let key = 0;
let next = 5000;
for (;;) {
  const { blocks, lost } = live.figures;
  if (blocks >= next) {
    process.stdout.write(`blocks ${blocks} lost ${lost}\n`);
    next = next === 5000 ? blocks + Number(wanted) : Number.POSITIVE_INFINITY;
    if (next === Number.POSITIVE_INFINITY) break;
  }
  for (let i = 0; i < 8; i++) {
    key = (key + 7) % 64;
    live.play("keys", { type: EventType.NoteOn, key: 32 + key, channel: 0, value: 0.5 });
    live.play("keys", { type: EventType.NoteOff, key: 32 + ((key + 32) % 64), channel: 0 });
    live.set("volume", "gain", -key);
  }
  live.meters;
  await new Promise((resume) => setTimeout(resume, 1));
}
await live.close();
