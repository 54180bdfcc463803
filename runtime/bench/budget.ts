// Unit budgets in a file: what a plugin or session may cost. Units are the same on every machine, so a build server can hold
// a plugin to them to within a percent.

import { BelljarError, printable } from "../../abi/error.ts";
import { REWRITER_VERSION } from "../sandbox/index.ts";
import { describe } from "./player.ts";
import type { BenchReport } from "./result.ts";

/** Units of one configuration. */
export interface Budget {
  rate: number;
  block: number;
  voices: number | null;
  seconds: number;
  /** What else decides what the plugin does: "param gain=-6 dB", "midi song.mid". */
  with: string[];
  /** Of the mean block, and of the most expensive one. */
  units_a_block: number;
  most_units: number;
}

/** A budget file. */
export interface Budgets {
  belljar: "unit budgets 1";
  /** Of what counted the units. */
  meter: number;
  /** By the plugin's id or the session's file. */
  budgets: Record<string, Budget[]>;
}

const FORMAT = "unit budgets 1";
export const BUDGET_MAX_BYTES = 4 << 20;

export interface Judged {
  /** One sentence for each figure that is more than a percent above its budget, and for each that has none. */
  failures: string[];
  /** One sentence for each that is more than a percent below. */
  below: string[];
  /** Figures that were compared. */
  compared: number;
}

/** The budgets that a report would have. */
export function budgetsOf({ rows }: BenchReport, conditions: readonly string[]): Budget[] {
  return rows.map(({ rate, block, voices, measured }) => ({
    rate,
    block,
    voices,
    seconds: measured.seconds,
    with: [...conditions].sort(),
    units_a_block: measured.units.block,
    most_units: measured.units.mostInBlock,
  }));
}

/** Holds a report to budgets. */
export function judgeBudgets(report: BenchReport, found: readonly Budget[], kept: Budgets): Judged {
  const judged: Judged = { failures: [], below: [], compared: 0 };
  const { id } = report.subject;
  for (const now of found) {
    const where = `${id} at ${describe(now)}`;
    const budget = own(kept, id).find((one) => same(one, now));
    if (budget === undefined) {
      judged.failures.push(`${where} has no budget for ${now.seconds} s of this sound.`);
      continue;
    }
    for (const [what, value, allowed] of [
      ["a block", now.units_a_block, budget.units_a_block],
      ["in one block", now.most_units, budget.most_units],
    ] as const) {
      judged.compared++;
      const sentence = (way: string) =>
        `${where} costs ${shown(value)} units ${what}: ${percent(value, allowed)} ${way} the budget of ${shown(allowed)}.`;
      // In whole numbers: 101 units are not more than a percent above 100.
      if (value * 100 > allowed * 101) judged.failures.push(sentence("above"));
      else if (value * 100 < allowed * 99) judged.below.push(sentence("below"));
    }
  }
  if (judged.failures.length > 0 && kept.meter !== REWRITER_VERSION) {
    judged.failures.push(
      `The budgets were made with meter ${kept.meter}, this is meter ${REWRITER_VERSION}: units of the two can't be compared.`,
    );
  }
  return judged;
}

/** The same file with these budgets in it, and all others as they were. */
export function updated(id: string, found: readonly Budget[], kept: Budgets | null): Budgets {
  const before = kept === null ? [] : own(kept, id);
  const others = before.filter((one) => !found.some((now) => same(one, now)));
  const budgets = { ...kept?.budgets };
  // Not by assignment: an id is a stranger's text, and "__proto__" is one.
  Object.defineProperty(budgets, id, {
    value: [...others, ...found].sort(order),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return { belljar: FORMAT, meter: REWRITER_VERSION, budgets };
}

export function budgetText(budgets: Budgets): string {
  return `${JSON.stringify(budgets, null, 2)}\n`;
}

/** @throws BelljarError budget/format */
export function readBudgets(bytes: Uint8Array, name: string): Budgets {
  const wrong = (what: string): never => {
    throw new BelljarError(
      "budget/format",
      `${printable(name)} is no file of unit budgets: ${what}.`,
      "Remove it, and the next run writes a new one.",
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return wrong("it is not JSON");
  }
  if (!isObject(json) || json["belljar"] !== FORMAT) return wrong(`it does not begin with "${FORMAT}"`);
  const { meter, budgets } = json;
  if (!isFigure(meter)) return wrong('"meter" is no number');
  if (!isObject(budgets)) return wrong('"budgets" is no object');
  for (const [id, list] of Object.entries(budgets)) {
    if (!Array.isArray(list) || !list.every(isBudget)) {
      return wrong(`the budgets of "${printable(id, 60)}" are not what they should be`);
    }
  }
  return { belljar: FORMAT, meter, budgets: budgets as Record<string, Budget[]> };
}

function own({ budgets }: Budgets, id: string): Budget[] {
  return Object.hasOwn(budgets, id) ? (budgets[id] as Budget[]) : [];
}

function same(a: Budget, b: Budget): boolean {
  return key(a) === key(b);
}

function key({ rate, block, voices, seconds, with: conditions }: Budget): string {
  return JSON.stringify([rate, block, voices, seconds, [...conditions].sort()]);
}

function order(a: Budget, b: Budget): number {
  return a.rate - b.rate || a.block - b.block || (a.voices ?? 0) - (b.voices ?? 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFigure(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isBudget(value: unknown): value is Budget {
  if (!isObject(value)) return false;
  const { rate, block, voices, seconds, with: conditions, units_a_block: mean, most_units: most } = value;
  return (
    [rate, block, seconds, mean, most].every(isFigure) &&
    (voices === null || isFigure(voices)) &&
    Array.isArray(conditions) &&
    conditions.every((one) => typeof one === "string")
  );
}

function shown(units: number): string {
  return Number.isInteger(units) ? String(units) : units.toFixed(1);
}

function percent(value: number, allowed: number): string {
  if (allowed === 0) return "all of it";
  return `${(Math.abs(value / allowed - 1) * 100).toFixed(1)} %`;
}
