// When plugins that stopped are replaced: the policy alone, in frames of sound, against its documented formula.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import {
  checkRecovery,
  DEFAULT_RECOVERY,
  type OnFault,
  Recovery,
  type RecoveryLimits,
} from "../../runtime/engine/recovery.ts";

const RATE = 1000;
const SECOND = RATE;

const recovery = (policies: OnFault[], limits: Partial<RecoveryLimits> = {}): Recovery =>
  new Recovery(RATE, policies, checkRecovery(limits));

/**
 * Lets each node fail `after` frames after it came back, as long as it comes back; the first time at frame 0. Frame by
 * frame; making takes `making` frames.
 */
function run(policy: Recovery, nodes: number, frames: number, after: number, making = 0): [number, number][] {
  const begun: [number, number][] = [];
  const fails = new Map<number, number>();
  const ready = new Map<number, number>();
  for (let node = 0; node < nodes; node++) fails.set(node, 0);
  for (let frame = 0; frame < frames; frame++) {
    for (const [node, at] of fails) {
      if (at !== frame) continue;
      fails.delete(node);
      policy.fault(node, frame);
    }
    for (const [node, at] of ready) {
      if (at > frame) continue;
      ready.delete(node);
      policy.replaced(node, frame);
      fails.set(node, frame + after);
    }
    for (;;) {
      const node = ready.size > 0 && making > 0 ? -1 : policy.next(frame);
      if (node < 0) break;
      begun.push([frame, node]);
      if (making > 0) ready.set(node, frame + making);
      else {
        policy.replaced(node, frame);
        fails.set(node, frame + after);
      }
    }
  }
  return begun;
}

test("a node that is to stay off stays off", () => {
  const policy = recovery(["off"]);
  assert.is(policy.fault(0, 5), "off");
  assert.is(policy.due(0), null);
  assert.is(policy.next(1e9), -1);
  assert.is(policy.reason(0), "");
});

test("the first replacement comes at once, the n-th so many seconds after its fault: 0.1 * 2^(n-2)", () => {
  for (const onFault of ["restore", "restart"] as const) {
    const policy = recovery([onFault]);
    const begun = run(policy, 1, 100 * SECOND, 50).map(([frame]) => frame);
    const expected = [0];
    for (let n = 2; n <= 5; n++) expected.push((expected[n - 2] as number) + 50 + 100 * 2 ** (n - 2));
    assert.equal(begun, expected);
    assert.equal([policy.state(0), policy.reason(0)], ["off", "it was replaced 5 times within 60 s"]);
  }
});

test("the back-off grows to its longest and no further, and begins anew after a healthy minute", () => {
  const policy = recovery(["restore"], { perNode: 1000, longestBackOff: 3 });
  const begun = run(policy, 1, 30 * SECOND, 10).map(([frame]) => frame);
  const waits = begun.slice(1).map((frame, i) => frame - (begun[i] as number) - 10);
  assert.equal(waits.slice(0, 8), [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
  const last = begun[begun.length - 1] as number;
  policy.fault(0, last + 10);
  policy.next(policy.due(0) as number);
  policy.replaced(0, 40 * SECOND);
  policy.fault(0, 100 * SECOND - 1);
  assert.is(policy.due(0), 103 * SECOND - 1, "a minute less a frame is no healthy minute");
  policy.next(103 * SECOND);
  policy.replaced(0, 103 * SECOND);
  policy.fault(0, 163 * SECOND);
  assert.is(policy.due(0), 163 * SECOND);
});

test("a node that stops now and then is replaced for ever; one that does so oftener than its limit is not", () => {
  const now = recovery(["restore"], { longestBackOff: 0 });
  assert.is(run(now, 1, 600 * SECOND, 12 * SECOND + 1).length, 50);
  assert.is(now.state(0), "on");
  const often = recovery(["restore"], { longestBackOff: 0 });
  assert.is(run(often, 1, 600 * SECOND, 12 * SECOND - 1).length, 5);
  assert.is(often.state(0), "off");
});

test("a replacement that can't be made counts as another fault and backs off", () => {
  const policy = recovery(["restore"]);
  policy.fault(0, 0);
  const begun: number[] = [];
  for (let frame = 0; frame < 10 * SECOND; frame++) {
    if (policy.next(frame) < 0) continue;
    begun.push(frame);
    policy.fault(0, frame);
  }
  assert.equal(begun, [0, 100, 300, 700, 1500]);
  assert.is(policy.state(0), "off");
});

test("nothing is begun twice, and a node that was given up stays off", () => {
  const policy = recovery(["restore", "restore"]);
  policy.fault(0, 0);
  policy.fault(1, 0);
  assert.equal([policy.next(0), policy.next(0), policy.next(0)], [0, 1, -1]);
  policy.giveUp(0, "it changed");
  policy.replaced(1, 5);
  assert.equal([policy.state(0), policy.reason(0), policy.state(1)], ["off", "it changed", "on"]);
  assert.is(policy.next(1e6), -1);
});

test("a storm is held to so many replacements in any second, in a fair order", () => {
  const nodes = 16;
  const policy = recovery(Array<OnFault>(nodes).fill("restore"), { perNode: 1000, longestBackOff: 0.1 });
  const begun = run(policy, nodes, 20 * SECOND, 1);
  for (const [frame] of begun) {
    const within = begun.filter(([other]) => other >= frame && other < frame + SECOND).length;
    assert.ok(within <= DEFAULT_RECOVERY.perSecond, `${within} from ${frame} on`);
  }
  assert.ok(begun.length > 8 * 19, "the limit is used");
  const count = (node: number): number => begun.filter(([, one]) => one === node).length;
  const counts = Array.from({ length: nodes }, (_, node) => count(node));
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `fair: ${counts}`);
  // The first eight come at once, the others when a second is over.
  assert.equal(
    begun.slice(0, 16),
    Array.from({ length: 16 }, (_, node) => [node < 8 ? 0 : SECOND, node]),
  );
});

test("one that stopped once waits for a storm of others no longer than a second", () => {
  const nodes = 64;
  const policy = recovery([...Array<OnFault>(nodes).fill("restore"), "restart"], { perNode: 1000 });
  let innocent = -1;
  const fails = new Map(Array.from({ length: nodes }, (_, node) => [node, 0]));
  for (let frame = 0; frame < 20 * SECOND && innocent < 0; frame++) {
    if (frame === 7 * SECOND) policy.fault(nodes, frame);
    for (const [node, at] of fails) if (at === frame) policy.fault(node, frame);
    for (let node = policy.next(frame); node >= 0; node = policy.next(frame)) {
      policy.replaced(node, frame);
      if (node === nodes) innocent = frame;
      else fails.set(node, frame + 1);
    }
  }
  assert.ok(innocent >= 0 && innocent <= 8 * SECOND, `${innocent}`);
});

test("in all there are so many replacements and no more", () => {
  const policy = recovery(["restore", "restore", "restart"], {
    total: 7,
    perNode: 100,
    backOff: 0,
    perSecond: 1000,
  });
  assert.is(run(policy, 3, 10 * SECOND, 100).length, 7);
  assert.is(policy.begun, 7);
  for (const node of [0, 1, 2]) {
    assert.equal(
      [policy.state(node), policy.reason(node)],
      ["off", "all 7 replacements of the session are used up"],
    );
  }
});

test("a worker that makes one at a time and slowly gets the same order", () => {
  const policy = recovery(["restore", "restore", "restore"], { perNode: 3 });
  const begun = run(policy, 3, 30 * SECOND, 1, 70);
  assert.equal(begun.slice(0, 3), [
    [0, 0],
    [70, 1],
    [140, 2],
  ]);
  assert.is(begun.length, 9);
});

test("no limit can be other than a number in its range, and none has another name", () => {
  for (const [limits, code] of [
    [{ perNode: -1 }, "usage/value"],
    [{ perNode: 1.5 }, "usage/value"],
    [{ perSecond: 0 }, "usage/value"],
    [{ backOff: Number.NaN }, "usage/value"],
    [{ healthy: "60" }, "usage/value"],
    [{ pernode: 1 }, "usage/option"],
    [null, "usage/value"],
  ] as const) {
    try {
      checkRecovery(limits as never);
      assert.unreachable(JSON.stringify(limits));
    } catch (error) {
      assert.instance(error, BelljarError);
      assert.is((error as BelljarError).code, code, (error as Error).message);
    }
  }
  assert.equal(checkRecovery({ total: undefined as never }), DEFAULT_RECOVERY);
  const none = recovery(["restore"], { perNode: 0 });
  assert.equal([none.fault(0, 0), none.reason(0)], ["off", "no node is to be replaced"]);
});

test.run();
