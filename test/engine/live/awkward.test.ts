// time limit: 240 s
// Ends, edits and changes at awkward moments: nothing is left behind, and nothing that is on its way finds the wrong place.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { smallPlugin, STEREO_OUT } from "../../sandbox/small-plugin.ts";
import { BLOCK, Player, sessionOf } from "./rig.ts";

const test = suite("live at awkward moments");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-awkward-"));
  writeFileSync(
    path.join(folder, "trap.wasm"),
    smallPlugin({ ports: [STEREO_OUT], pages: "16 16", process: "(unreachable)" }),
  );
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const SIMPLE = sessionOf([{ id: "tone", type: "sine" }], ["tone -> master"]);
const LONGER = sessionOf(
  [
    { id: "tone", type: "sine" },
    { id: "soft", type: "gain" },
  ],
  ["tone -> soft", "soft -> master"],
);
const WRONG = sessionOf(
  [
    { id: "tone", type: "sine" },
    { id: "soft", type: "gain", params: { gain: 1e9 } },
  ],
  ["tone -> soft", "soft -> master"],
);
const OTHER_BLOCK = sessionOf([{ id: "tone", type: "sine" }], ["tone -> master"], { block_size: 64 });

const code = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => "",
    (error) => error.code ?? String(error),
  );

interface Threads {
  control: Worker | null;
  controls: Map<Worker, unknown>;
}
const threadsOf = (player: Player): Threads => (player.live as unknown as { threads: Threads }).threads;

async function hearMeanwhile(player: Player, done: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!done()) {
    if (performance.now() > end) assert.unreachable(`${done} never came to be`);
    await player.hear(4 * BLOCK);
    await new Promise((resume) => setTimeout(resume, 1));
  }
}

/** Hears on until it is settled, and gives what came of it. */
async function heard<T>(player: Player, promise: Promise<T>): Promise<T> {
  let done = false;
  const settled = promise.finally(() => {
    done = true;
  });
  await hearMeanwhile(player, () => done);
  return settled;
}

test("what a refused edit or change took is given back", async () => {
  const before = await Player.memoryInUse();
  const player = await Player.open(SIMPLE);
  try {
    await player.start();
    const playing = await Player.memoryInUse();
    for (const [bad, edited, changed] of [
      [WRONG, "session/param", "session/param"],
      [OTHER_BLOCK, "live/edit", ""],
    ] as const) {
      assert.is(await heard(player, code(player.live.edit(bad))), edited);
      if (changed !== "") assert.is(await heard(player, code(player.live.change(bad))), changed);
      await hearMeanwhile(player, () => threadsOf(player).controls.size === 1);
      assert.is(await Player.memoryInUse(), playing);
    }
  } finally {
    await player.close();
  }
  assert.is(threadsOf(player).controls.size, 0);
  assert.is(await Player.memoryInUse(), before);
});

test("replacements that are made while it is edited find their own nodes", async () => {
  const bad = { id: "bad", type: "./trap.wasm", on_fault: "restart" };
  const fillers = Array.from({ length: 6 }, (_, i) => ({ id: `gain${i}`, type: "gain" }));
  const alone = sessionOf([bad], ["bad -> master"]);
  const crowded = sessionOf([...fillers, bad], ["bad -> gain0", "gain0 -> master", "bad -> master"]);
  // It stops in the first block of each instance, and is replaced without a break.
  const recovery = { backOff: 0, perNode: 1_000_000, perSecond: 1000, total: 1_000_000 };
  const player = await Player.open(alone, { folder, recovery });
  try {
    await player.start();
    for (const session of [crowded, alone, crowded, alone]) {
      const times = player.said("replaced").length;
      await heard(player, player.live.edit(session));
      await hearMeanwhile(player, () => player.said("replaced").length > times + 3);
    }
    assert.ok(player.events.every((event) => "node" in event && event.node === "bad"));
    assert.equal(
      player.live.meters.map(({ id }) => id),
      ["bad", "master"],
    );
  } finally {
    await player.close();
  }
});

test("an edit waits for the thread that takes the place of one that ended", async () => {
  const player = await Player.open(SIMPLE);
  try {
    await player.start();
    await threadsOf(player).control?.terminate();
    assert.is(await heard(player, code(player.live.edit(LONGER))), "");
    assert.equal(
      player.live.meters.map(({ id }) => id),
      ["tone", "soft", "master"],
    );
    await threadsOf(player).control?.terminate();
    assert.is(await heard(player, code(player.live.change(SIMPLE))), "");
    await hearMeanwhile(player, () => threadsOf(player).controls.size === 1);
    assert.equal(
      player.live.meters.map(({ id }) => id),
      ["tone", "master"],
    );
  } finally {
    await player.close();
  }
});

test("a session that is closed amidst an edit, a change or a rescue leaves no thread, and begins nothing more", async () => {
  for (const act of [
    (player: Player) => player.live.edit(LONGER),
    (player: Player) => player.live.change(LONGER),
    (player: Player) => player.kill(),
  ]) {
    const player = await Player.open(SIMPLE);
    await player.start();
    const under = code(act(player));
    const next = code(player.live.edit(LONGER));
    await player.close();
    await under;
    assert.match(await next, /^live\//);
    assert.is(threadsOf(player).controls.size, 0);
    assert.equal(
      player.events.filter(({ what }) => what === "ended" || what === "control"),
      [],
    );
  }
});

test.run();
