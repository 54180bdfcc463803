// What a plugin shows of itself while it plays, read without a message.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AT, knob, smallPlugin, STEREO_OUT } from "../../sandbox/small-plugin.ts";
import { Player, sessionOf } from "./rig.ts";

// Its control input times three, and the blocks that it has played.
const COUNTER = smallPlugin({
  ports: [
    STEREO_OUT,
    knob("knob", { default: 0.25 }),
    {
      id: "thrice",
      display_name: "Thrice",
      type: "control",
      role: "monitor",
      hint: "meter",
      min: 0,
      max: 3,
      default: 0,
    },
    {
      id: "blocks",
      display_name: "Blocks",
      type: "control",
      role: "output",
      hint: "meter",
      min: 0,
      max: 1e6,
      default: 0,
    },
  ],
  functions: "(global $block (mut i32) (i32.const 0))",
  process: `
    (global.set $block (i32.add (global.get $block) (i32.const 1)))
    (f32.store (i32.const ${AT.controlsOut}) (f32.mul (f32.load (i32.const ${AT.controlsIn})) (f32.const 3)))
    (f32.store (i32.const ${AT.controlsOut + 4}) (f32.convert_i32_s (global.get $block)))
    (i32.const 0)`,
});

test("control outputs and the work of each node are there to be read, block after block", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "belljar-monitors-"));
  try {
    writeFileSync(path.join(folder, "counter.wasm"), COUNTER);
    const session = sessionOf(
      [
        { id: "counter", type: "./counter.wasm" },
        { id: "volume", type: "gain" },
      ],
      ["counter -> volume", "volume -> master"],
    );
    const player = await Player.open(session, { folder });
    try {
      const { live } = player;
      await player.start();
      await player.hearUntil(() => (live.monitors("counter").get("blocks") as number) > 20);
      assert.is(live.monitors("counter").get("thrice"), 0.75);
      live.set("counter", "knob", 1);
      await player.hearUntil(() => live.monitors("counter").get("thrice") === 3);
      const before = live.monitors("counter").get("blocks") as number;
      const { blocks } = live.figures;
      await player.hearUntil(() => live.figures.blocks - blocks >= 50);
      const played = live.figures.blocks - blocks;
      // Both are read while it goes on: one may be a block or so ahead of the other.
      const counted = (live.monitors("counter").get("blocks") as number) - before;
      assert.ok(Math.abs(counted - played) <= 8, `${counted} of ${played} blocks`);
      assert.is(live.monitors("volume").size, 0);
      assert.throws(() => live.monitors("nobody"), /has no node "nobody"/);
      const counter = live.meters.find(({ id }) => id === "counter");
      assert.ok(counter !== undefined && counter.units > 0 && counter.load > 0, JSON.stringify(counter));
    } finally {
      await player.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
