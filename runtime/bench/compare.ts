// Two things, measured against each other: in turns, and the first one a second time beside them, which says how far two
// equal things differ on this machine at this time.

import { setImmediate } from "node:timers/promises";
import { blocksOf, type Plan, type Pulse, timeBlock, warmUp } from "./measure.ts";
import { type Configuration, type Player, playBlock, type Subject } from "./player.ts";
import { calmTurns, cost, judge, type Ratio, ratiosTo, type Turns, type Verdict } from "./ratio.ts";

export interface Comparison {
  rounds: number;
  turns: number;
  /** Microseconds a block, by the medians of the turns. */
  block: number;
  otherBlock: number;
  /** The first one's time over the other one's; and the first one's over its own. */
  time: Ratio;
  control: Ratio;
  verdict: Verdict;
  /** Units of the whole piece, exact; the first one's over the other one's. */
  units: { total: number; other: number; ratio: number };
  sound: SoundDifference;
}

export interface SoundDifference {
  /** "other ports" where the outputs' channels are not as many. */
  kind: "same" | "different" | "other ports";
  /** The largest difference of two samples, and the second at which they first differed. */
  largest: number;
  seconds: number;
}

const MOST_TURNS = 64;
const MOST_GRAINS = 16_384;
/** Milliseconds between two looks at what else the process has to do. */
const REST_MS = 50;
const LEAST_ROUNDS = 8;
/** Milliseconds after which a comparison is long enough, where fewer rounds will do. */
const LONG_MS = 30_000;

export async function compare(
  first: Subject,
  other: Subject,
  configuration: Configuration,
  plan: Plan,
  pulse: Pulse,
): Promise<Comparison> {
  const blocks = blocksOf(configuration, plan.seconds);
  for (const subject of [first, other]) await warmUp(subject, configuration);
  const same = await play(first, other, configuration, blocks);
  // Times are kept of grains: of single blocks, unless those are very many. A turn is a few of them.
  const grain = Math.ceil(blocks / MOST_GRAINS);
  const grains = Math.ceil(blocks / grain);
  const size = Math.max(1, Math.ceil(grains / MOST_TURNS));
  const turns = Math.ceil(grains / size);

  const times: [number[], number[], number[]] = [[], [], []];
  const began = performance.now();
  let rounds = 0;
  let rested = began;
  for (; rounds < plan.rounds; rounds++) {
    const next = ((performance.now() - began) / Math.max(1, rounds)) * (rounds + 1);
    if (plan.fewer && rounds >= LEAST_ROUNDS && next > LONG_MS) break;
    // Made in turns as well: where memory happens to lie must favour nobody.
    const players: Player[] = [];
    for (const i of inOrder(rounds)) players[i] = await (i === 1 ? other : first).player(configuration);
    let left = blocks;
    for (let t = 0; t < turns; t++) {
      const count = Math.min(size * grain, left);
      left -= count;
      for (const i of inOrder(rounds + t)) playTurn(players[i] as Player, count, grain, times[i] as number[]);
      if (performance.now() - rested > REST_MS) {
        pulse((rounds + t / turns) / plan.rounds);
        await setImmediate();
        rested = performance.now();
      }
    }
    pulse((rounds + 1) / plan.rounds);
    await setImmediate();
  }
  const [base, others, again] = times.map((series) => calmTurns(Float64Array.from(series), grains, size)) as [
    Turns,
    Turns,
    Turns,
  ];
  const [ratio] = ratiosTo(others, [base]) as [Ratio];
  const [control] = ratiosTo(base, [again]) as [Ratio];
  const all = Array.from({ length: rounds }, (_, round) => round);
  return {
    rounds,
    turns,
    block: cost(base, all) / blocks,
    otherBlock: cost(others, all) / blocks,
    time: ratio,
    control,
    verdict: judge(ratio, control),
    units: { total: same.units, other: same.otherUnits, ratio: same.units / same.otherUnits },
    sound: same.sound,
  };
}

/** Each comes first, second and last equally often, with either neighbour. */
function inOrder(turn: number): number[] {
  const order = [0, 1, 2].map((i) => (i + turn) % 3);
  return Math.floor(turn / 3) % 2 === 1 ? order.reverse() : order;
}

/** Plays so many blocks, and notes the time of each grain of them. */
function playTurn(player: Player, blocks: number, grain: number, times: number[]): void {
  for (let at = 0; at < blocks; at += grain) {
    const end = Math.min(at + grain, blocks);
    let sum = 0;
    for (let b = at; b < end; b++) sum += timeBlock(player);
    times.push(sum);
  }
}

/** Plays both once, untimed: their units, and whether they sound the same. */
async function play(
  first: Subject,
  other: Subject,
  configuration: Configuration,
  blocks: number,
): Promise<{ units: number; otherUnits: number; sound: SoundDifference }> {
  const a = await first.player(configuration);
  const b = await other.player(configuration);
  const { rate, block } = configuration;
  const comparable = a.outputs.length === b.outputs.length;
  const sound: SoundDifference = { kind: comparable ? "same" : "other ports", largest: 0, seconds: 0 };
  let units = 0;
  let otherUnits = 0;
  for (let at = 0; at < blocks; at++) {
    playBlock(a);
    playBlock(b);
    units += a.units;
    otherUnits += b.units;
    for (let c = 0; comparable && c < a.outputs.length; c++) {
      const one = a.outputs[c] as Float32Array;
      const two = b.outputs[c] as Float32Array;
      for (let i = 0; i < block; i++) {
        const apart = Math.abs((one[i] as number) - (two[i] as number));
        if (apart === 0) continue;
        if (sound.kind === "same") {
          sound.kind = "different";
          sound.seconds = (at * block + i) / rate;
        }
        if (apart > sound.largest) sound.largest = apart;
      }
    }
    if (at % 1024 === 1023) await setImmediate();
  }
  return { units, otherUnits, sound };
}
