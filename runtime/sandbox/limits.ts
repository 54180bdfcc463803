// Limits as options: the defaults with what a host changes, and the sentence for what is past one.

import { BelljarError, printable } from "../../abi/error.ts";
import { LIMITS } from "./limit-table.ts";

export type LimitName = keyof typeof LIMITS;

/** Bounds that a module, its instances and what they send are held to, by name. */
export type Limits = { -readonly [Name in LimitName]: number };

/** All names, in the table's order. */
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** What a plugin gets where the host says nothing. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze(
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].default])) as Limits,
);

/**
 * The defaults with `given` in place of some.
 * @throws BelljarError usage/limit for an unknown name or a value that a limit can't have
 */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(LIMITS, name)) {
      const known = `There are: ${LIMIT_NAMES.join(", ")}.`;
      throw new BelljarError("usage/limit", `There is no limit "${printable(name, 60)}".`, known);
    }
    if (value === undefined) continue;
    limits[name as LimitName] = checkLimit(name as LimitName, value);
  }
  return limits;
}

/** @throws BelljarError usage/limit */
function checkLimit(name: LimitName, value: unknown): number {
  const { least, most, unit } = LIMITS[name];
  const whole = unit !== "seconds";
  if (typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value))) {
    return value;
  }
  throw new BelljarError(
    "usage/limit",
    `The limit ${name} must be a ${whole ? "whole number" : "number"} from ${least} to ${most} (${unit}), not ${printable(String(value), 40)}.`,
  );
}

/** What to do about a limit that something has passed, with what it would take where that is known. */
export function limitHint(name: LimitName, needed?: number): string {
  const value = needed === undefined || needed > LIMITS[name].most ? "N" : String(needed);
  return `Where you trust the plugin, raise the limit: --limit ${name}=${value}, or limits: { ${name}: ${value} } in a program.`;
}

/** Throws BelljarError module/limit where `value` is over the limit: "The module has 1025 locals in function 3; …". */
export function within(limits: Limits, name: LimitName, value: number, what: string): void {
  if (value <= limits[name]) return;
  throw new BelljarError(
    "module/limit",
    `The module has ${value} ${what}; the limit is ${limits[name]} (${name}).`,
    limitHint(name, value),
  );
}
