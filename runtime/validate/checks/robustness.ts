// Checks of what happens where the host is odd: transports that jump, huge sounds, messages that make no sense.

import { EventType, TRANSPORT_BYTES } from "../../../abi/layout.ts";
import { anyTransport, emptyTransport } from "../anything.ts";
import { type Bench, type Check, FRAMES } from "../check.ts";
import { fuzzRound } from "../fuzz.ts";
import { noiseSignal, type Score, type ScoreEvent } from "../score.ts";
import { Ended, fail, skip, warn } from "../verdict.ts";

const LENGTH = 8_000;

function transportPort(bench: Bench): void {
  if (bench.rig().instance.transport === null) skip("It wants no transport.");
}

export const robustnessChecks: Check[] = [
  {
    id: "robustness/no-transport",
    level: 4,
    title: "It plays where the transport says nothing",
    run(bench) {
      transportPort(bench);
      bench.take(LENGTH, { transport: emptyTransport });
    },
  },
  {
    id: "robustness/transport",
    level: 6,
    title: "It plays while the transport jumps to random places and tempos",
    run(bench) {
      transportPort(bench);
      const random = bench.random("transport");
      bench.take(20_000, { transport: (view) => anyTransport(random, view) }, { blocks: [256, 64, 31] });
    },
  },
  {
    id: "robustness/transport-events",
    level: 7,
    title: "It plays with transport events every 1, 100 and 1000 frames",
    run(bench) {
      transportPort(bench);
      const { instance } = bench.rig();
      if (instance.arena.length < TRANSPORT_BYTES) skip("It has no arena for them.");
      const random = bench.random("transport-events");
      for (const every of [1, 100, 1_000]) {
        const events: ScoreEvent[] = [];
        for (let frame = 0; frame < 4_000; frame += every) {
          const data = new Uint8Array(TRANSPORT_BYTES);
          anyTransport(random, new DataView(data.buffer));
          events.push({ frame, type: EventType.Transport, port: 0, data });
        }
        bench.take(4_000, { events });
      }
    },
  },
  {
    id: "robustness/loud-input",
    level: 7,
    title: "It survives input far beyond full scale",
    run(bench) {
      bench.needs("audio", "in");
      for (const gain of [10, 1e6, 1e20, 6e38]) {
        const rig = bench.rig();
        try {
          rig.play(bench.score(2_000, { signal: noiseSignal(gain) }));
        } catch (error) {
          if (!(error instanceof Ended) || rig.instance.fault?.kind !== "not-finite" || gain <= 1e6)
            throw error;
          bench.notices.delete("processing/finite");
          warn(`With input ${Math.round(20 * Math.log10(gain / 2))} dB loud it is no longer finite.`);
        }
      }
    },
  },
  {
    id: "robustness/constant-input",
    level: 6,
    title: "It survives input that stands still",
    run(bench) {
      bench.needs("audio", "in");
      for (const level of [1, -1, 1e-20]) {
        const signal: Score["signal"] = (to) => {
          to.fill(level);
        };
        bench.take(20_000, { signal, events: [] });
      }
    },
  },
  {
    id: "robustness/host-messages",
    level: 7,
    title: "It survives messages that make no sense",
    run(bench) {
      const rig = bench.rig();
      const random = bench.random("messages");
      const texts = [
        "{}",
        "[]",
        "null",
        "{",
        '""',
        '{"topic":null}',
        '{"topic":"x","value":1e999}',
        "\u0000",
      ];
      texts.push("x".repeat(60_000), "[".repeat(3_000), String.fromCharCode(...random.bytes(500)));
      for (let round = 0; round < 30; round++) {
        for (let i = random.whole(0, 40); i > 0; i--) rig.instance.publish(random.pick(texts));
        rig.instance.idle();
        rig.well();
        rig.play(bench.score(FRAMES));
      }
    },
  },
  {
    id: "robustness/messages",
    level: 5,
    title: "It sends no more than one message a block, on the whole",
    run(bench) {
      const take = bench.take(LENGTH * 4);
      const blocks = take.blocks.length;
      if (take.messages > blocks * 8) fail(`It sends ${take.messages} messages in ${blocks} blocks.`);
      if (take.messages > blocks) warn(`It sends ${take.messages} messages in ${blocks} blocks.`);
    },
  },
  {
    id: "robustness/random-calls",
    level: 8,
    title: "It survives calls in random order",
    run: (bench) => randomCalls(bench, 0, 6),
  },
  {
    id: "robustness/more-random-calls",
    level: 10,
    title: "It survives ten times as many",
    run: (bench) => randomCalls(bench, 6, 66),
  },
];

function randomCalls(bench: Bench, from: number, to: number): void {
  bench.rig();
  for (let round = from; round < to; round++) fuzzRound(bench, bench.random(`calls ${round}`).word(), 60);
}
