// time limit: 300 s
// What the fixtures stand on: the model passes everything, every check has a fixture, and the checks that no plugin can
// fail are failed by a host that breaks what they are about.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHECKS } from "../../runtime/validate/catalogue.ts";
import { type Bench, type Check, GROUPS } from "../../runtime/validate/check.ts";
import { openBench } from "../../runtime/validate/open-bench.ts";
import { runCheck, runChecks } from "../../runtime/validate/run.ts";
import { ALSO } from "./also.ts";
import { benchOf, SEED } from "./conformance.ts";
import { FIXTURES, type Fixture } from "./fixtures.ts";
import { buildModel } from "./model.ts";

const fixtures = Object.values(FIXTURES).flat() as Fixture[];

/** Hosts that break what a sandbox holds: no plugin can. */
const HOSTS: Record<string, (bench: Bench) => void> = {
  "sandbox/repeatable": (bench) => {
    const make = bench.make.bind(bench);
    let made = 0;
    bench.make = (options) => make({ ...options, config: made++ % 2 ? [["quality", "Cheap!"]] : [] });
  },
  "sandbox/alone": (bench) => {
    const make = bench.make.bind(bench);
    let made = 0;
    let shared: ReturnType<typeof make> | null = null;
    bench.make = (options) => {
      const rig = make(options);
      if (made++ === 1) shared = rig;
      else if (shared !== null) rig.watch(bench.type.attach(shared.instance.share()));
      return rig;
    };
  },
  "sandbox/attach": (bench) => {
    bench.attach = () => bench.make().instance;
  },
  "sandbox/processes": elsewhere("again"),
  "sandbox/compilers": elsewhere("simple"),
  "sandbox/optimiser": elsewhere("optimised"),
};

function elsewhere(broken: string): (bench: Bench) => void {
  return (bench) => {
    const honest = bench.elsewhere;
    Object.assign(bench, {
      elsewhere: async (how: "again") => (how === broken ? "another" : honest(how)),
    });
  };
}

test("the model passes every check without a warning", async () => {
  const results = await runChecks(await benchOf(await buildModel({})), CHECKS);
  const skipped = results.filter(({ word }) => word === "skipped").map(({ check }) => check);
  assert.equal(skipped, ["events/note-end"], "all but what is for synths is really run");
  const bad = results.filter(({ word }) => word !== "passed" && word !== "skipped");
  assert.equal(bad, []);
});

test("the model without audio inputs is a synth that says when notes end", async () => {
  const synth = { ...fixtures.find(({ check }) => check === "events/note-end"), at: {} } as Fixture;
  const results = await runChecks(await benchOf(await buildModel(synth)), CHECKS);
  assert.equal(results.find(({ check }) => check === "events/note-end")?.word, "passed");
  const bad = results.filter(({ word }) => word !== "passed" && word !== "skipped");
  assert.equal(bad, []);
});

test("what is no plugin does not load, and says why", async () => {
  const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]);
  const opened = await openBench(bytes, { seed: SEED, elsewhere: async () => "" });
  assert.ok("refused" in opened);
  assert.match("refused" in opened ? opened.refused : "", /\.$/);
});

test("every check has a plugin or a host that fails it, and a name, a level and a title of its own", () => {
  const known = ["module/loads", ...fixtures.map(({ check }) => check), ...Object.keys(HOSTS)];
  assert.equal(CHECKS.map(({ id }) => id as string).sort(), known.sort());
  assert.equal(new Set(CHECKS.map(({ title }) => title)).size, CHECKS.length);
  for (const { id, level } of CHECKS) {
    assert.ok(Number.isInteger(level) && level >= 1 && level <= 10, id);
    assert.ok(
      GROUPS.some((group) => id.startsWith(`${group}/`)),
      id,
    );
  }
  assert.equal(
    Object.keys(ALSO).filter((check) => !known.includes(check)),
    [],
  );
});

for (const [id, spoil] of Object.entries(HOSTS)) {
  test(`${id} fails in a host that does not hold to it, and in no other`, async () => {
    const check = CHECKS.find((one) => one.id === id) as Check;
    const bench = await benchOf(await buildModel({}));
    assert.is((await runCheck(bench, check)).word, "passed");
    spoil(bench);
    assert.is((await runCheck(bench, check)).word, "failed");
  });
}

test("what is random comes again with the seed", async () => {
  const bytes = await buildModel({ at: { block: "if (gain > 0.6 && gain < 0.8) unreachable();" } });
  const words = async () => {
    const check = CHECKS.find(({ id }) => id === "robustness/random-calls") as Check;
    return (await runCheck(await benchOf(bytes), check)).sentence;
  };
  assert.is(await words(), await words());
});

test.run();
