// What a host hands in, checked: JavaScript lets anything through, and a plugin must not be the one that finds out.

import { BelljarError, printable } from "../../abi/error.ts";
import { didYouMean } from "../graph/index.ts";

/** A value for a sentence. */
function shown(value: unknown): string {
  if (typeof value === "string") return `"${printable(value, 60)}"`;
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** @throws BelljarError usage/value: "The frame must be a whole number from 0 to 63, not undefined." */
export function refuse(what: string, wanted: string, value: unknown, hint = ""): never {
  throw new BelljarError("usage/value", `The ${what} must be ${wanted}, not ${shown(value)}.`, hint);
}

/** @throws BelljarError usage/value */
export function checkWhole(what: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  refuse(what, `a whole number from ${min} to ${max}`, value);
}

/** @throws BelljarError usage/value */
export function checkNumber(what: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  refuse(
    what,
    max === Number.POSITIVE_INFINITY ? `a number from ${min} on` : `a number from ${min} to ${max}`,
    value,
  );
}

/** @throws BelljarError usage/value */
export function checkText(what: string, value: unknown): void {
  if (typeof value !== "string") refuse(what, "a text", value);
}

/** Whether it is a Uint8Array, a Buffer's or another realm's too. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** @throws BelljarError usage/value */
export function checkObject(what: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    refuse(what, "an object", value);
  }
}

/**
 * @param what "option of instantiate"
 * @throws BelljarError usage/value where it is no object, usage/option where it has an unknown key
 */
export function checkKeys(what: string, options: unknown, known: readonly string[]): void {
  checkObject(what.replace("option", "options"), options);
  for (const key of Object.keys(options as object)) {
    if (known.includes(key)) continue;
    throw new BelljarError(
      "usage/option",
      `There is no ${what} "${printable(key, 60)}".`,
      didYouMean(key, known, `There are: ${known.join(", ")}.`),
    );
  }
}
