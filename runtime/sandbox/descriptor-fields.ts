// Typed access to one decoded map of a descriptor: every wrong field is an error that names where it stands.

import { BelljarError, printable } from "../../abi/error.ts";
import { type LimitName, type Limits, limitHint } from "./limits.ts";

/** What a scanned and decoded MessagePack value can be. */
export type Wire = null | boolean | number | string | Uint8Array | Wire[] | Map<string, Wire>;

/** Words that mean something to JavaScript when they are used as a name. Ids never are one of them. */
const RESERVED = new Set([
  "constructor",
  "prototype",
  "then",
  "catch",
  "finally",
  "toJSON",
  "toString",
  "toLocaleString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
]);
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

export function wrong(what: string, where: string, sentence: string, hint = ""): BelljarError {
  return new BelljarError(
    `descriptor/${what}`,
    `The descriptor is wrong: ${where}${where ? ": " : ""}${sentence}.`,
    hint,
  );
}

/** A value from a stranger, short and safe to print. */
export function shown(value: Wire | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return `"${printable(value, 60)}"`;
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? `an array of ${value.length}` : `a map of ${value.size}`;
}

/** A name for a port or config parameter: a letter, then letters, digits, `_` and `-`; at most 64. */
export function isId(id: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id) && !RESERVED.has(id);
}

/** "vendor.name": at least two parts of lower case letters, digits, `_` and `-`; safe as a file name on every system. */
export function isPluginId(id: string): boolean {
  if (id.length > 64) return false;
  const parts = id.split(".");
  if (parts.length < 2 || parts.at(-1) === "wasm") return false;
  return parts.every((part) => /^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/.test(part) && !DEVICE.test(part));
}

/** The fields of one map. Keys that nobody asks for are ignored, so that a minor version may add some. */
export class Fields {
  readonly map: Map<string, Wire>;
  /** How a sentence calls this map: `port "gain"`; empty for the descriptor itself. */
  where: string;

  constructor(value: Wire | undefined, where: string) {
    if (!(value instanceof Map)) throw wrong("type", where, `a map is needed, this is ${shown(value)}`);
    this.map = value;
    this.where = where;
  }

  fail(what: string, sentence: string, hint = ""): BelljarError {
    return wrong(what, this.where, sentence, hint);
  }

  /** nil counts as absent. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get(key: string): Wire | undefined {
    return this.map.get(key) ?? undefined;
  }

  /** A string as it is, or `otherwise`; without `otherwise` it must be there. */
  string(key: string, otherwise?: string): string {
    const value = this.need(key, otherwise);
    if (typeof value !== "string") throw this.type(key, "a string", value);
    return value;
  }

  /** Text for people: line breaks become spaces, what could harm a terminal or a page is replaced. */
  text(key: string, most: number, otherwise?: string): string {
    const raw = this.string(key, otherwise);
    // Taken apart, not matched: a pattern with spaces on both sides takes the square of their number.
    const lines = raw.split(/[\r\n]+/).map((line) => line.trim().replaceAll("\t", " "));
    const value = printable(lines.join(" ").trim(), raw.length);
    if (value.length > most) {
      throw this.fail("too-long", `"${key}" has ${value.length} characters, ${most} are allowed`);
    }
    if (value === "" && otherwise === undefined) throw this.fail("text", `"${key}" is empty`);
    return value;
  }

  /** A string that is handed back to the plugin, so it can't be cleaned: what can't be shown is refused. */
  exactText(key: string, otherwise: string): string {
    const value = this.string(key, otherwise);
    mustBeShowable(value, `"${key}"`, this.where);
    return value;
  }

  number(key: string, least: number, most: number, otherwise?: number): number {
    const value = this.need(key, otherwise);
    if (typeof value !== "number") throw this.type(key, "a number", value);
    if (value < least || value > most) {
      throw this.fail("range", `"${key}" is ${value}, it must be ${least} to ${most}`);
    }
    return value + 0; // -0 becomes 0
  }

  integer(key: string, least: number, most: number, otherwise?: number): number {
    const value = this.number(key, least, most, otherwise);
    if (!Number.isInteger(value)) throw this.fail("type", `"${key}" must be a whole number, it is ${value}`);
    return value;
  }

  flag(key: string): boolean {
    const value = this.need(key, false);
    if (typeof value !== "boolean") throw this.type(key, "true or false", value);
    return value;
  }

  word<Word extends string>(key: string, known: readonly Word[], otherwise?: Word): Word {
    const value = this.string(key, otherwise);
    if (!(known as readonly string[]).includes(value)) {
      throw this.fail("word", `"${key}" is ${shown(value)}, known are ${known.join(", ")}`);
    }
    return value as Word;
  }

  list(key: string, limits: Limits, name: LimitName, required = false): Wire[] {
    const value = this.need(key, required ? undefined : []);
    if (!Array.isArray(value)) throw this.type(key, "an array", value);
    if (value.length > limits[name]) {
      throw this.fail(
        "too-many",
        `"${key}" has ${value.length} entries, ${limits[name]} are allowed (${name})`,
        limitHint(name, value.length),
      );
    }
    return value;
  }

  /** Names of values: each showable, none empty, none twice. */
  choices(limits: Limits): string[] {
    const names = new Set<string>();
    for (const choice of this.list("choices", limits, "choices")) {
      if (typeof choice !== "string") throw this.type("choices", "an array of strings", choice);
      if (choice === "" || choice.length > 100) {
        throw this.fail(
          "choices",
          `choice ${names.size} must have 1 to 100 characters, it has ${choice.length}`,
        );
      }
      mustBeShowable(choice, `choice ${names.size}`, this.where);
      if (names.has(choice)) throw this.fail("choices", `the choice ${shown(choice)} stands twice`);
      names.add(choice);
    }
    return [...names];
  }

  private need(key: string, otherwise: Wire | undefined): Wire {
    const value = this.get(key) ?? otherwise;
    if (value === undefined) throw this.fail("missing", `"${key}" is missing`);
    return value;
  }

  private type(key: string, wanted: string, value: Wire): BelljarError {
    return this.fail("type", `"${key}" must be ${wanted}, it is ${shown(value)}`);
  }
}

export function mustBeShowable(text: string, what: string, where: string): void {
  if (printable(text, text.length) !== text) {
    throw wrong("text", where, `${what} holds characters that can't be shown: ${shown(text)}`);
  }
}

/** Freezes plain objects and arrays all the way down. Maps and bytes can't be frozen; they are this caller's own copies. */
export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object" && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
