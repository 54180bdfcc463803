// What the demo claims: each hostile plugin is stopped inside its own block in mid-piece, and the music is the same without them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { trusted } from "../../examples/demo/trusted.ts";
import { Fingerprint } from "../../runtime/engine/fingerprint.ts";
import { openSession, readSession } from "../../runtime/engine/open-session.ts";
import { renderSession } from "../../runtime/engine/render.ts";
import type { Session } from "../../runtime/engine/session.ts";
import { root } from "../root.ts";

const folder = join(root, "examples", "demo");
const session = await readSession(join(folder, "session.json"));

async function render(what: Session) {
  const prepared = await openSession(what, { folder });
  const fingerprint = new Fingerprint(prepared.rate, prepared.block, 2);
  const report = await renderSession(prepared, { sinks: [fingerprint] });
  return { report, fingerprint: fingerprint.digest() };
}

const attacked = await render(session);
const clean = await render(trusted(session));
const faultOf = (id: string) => attacked.report.nodes.find((node) => node.id === id)?.fault ?? null;

test("an endless loop, NaN and a chase of pointers are each stopped for what they are", () => {
  assert.is(faultOf("hostile loop")?.kind, "units");
  assert.is(faultOf("hostile nan")?.kind, "not-finite");
  assert.is(faultOf("hostile chase")?.kind, "units");
});

test("they wake up in mid-piece, each at another time", () => {
  const seconds = ["loop", "nan", "chase"].map((id) => faultOf(`hostile ${id}`)?.seconds ?? 0);
  assert.ok(
    seconds.every((at) => at > 10 && at < attacked.report.seconds - 10),
    seconds.join(", "),
  );
  assert.is(new Set(seconds.map(Math.round)).size, 3);
});

test("no other node is stopped", () => {
  assert.equal(
    attacked.report.nodes
      .filter((node) => node.fault !== null)
      .map((node) => node.id)
      .sort(),
    ["hostile chase", "hostile loop", "hostile nan"],
  );
});

test("the music is bit by bit that of a render without them", () => {
  assert.is(attacked.fingerprint, clean.fingerprint);
  assert.ok(clean.report.peak > 0.05, "and it is music, not silence");
});

test("it is the music that it was when the piece was committed", () => {
  const committed = readFileSync(join(folder, "fingerprint.txt"), "utf8").trim();
  assert.is(clean.fingerprint, committed);
});

test.run();
