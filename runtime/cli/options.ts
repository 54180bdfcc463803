// Options of a command line: node:util's parseArgs for the syntax, our own checks and sentences.

import { parseArgs } from "node:util";
import { BelljarError, printable } from "../../abi/error.ts";
import { hintFor } from "./suggest.ts";

export interface Option<T> {
  takesValue: boolean;
  repeatable: boolean;
  short?: string;
  /** The value of an option that was given (all its values, in order), or of one that was not (none). */
  read(name: string, values: string[]): T;
}

/** `--json`: true when given. */
export function flag(short?: string): Option<boolean> {
  return {
    takesValue: false,
    repeatable: true,
    ...(short ? { short } : {}),
    read: (_, values) => values.length > 0,
  };
}

/** `--out FILE`: its text, or undefined. */
export function text(short?: string): Option<string | undefined> {
  return { takesValue: true, repeatable: false, ...(short ? { short } : {}), read: (_, values) => values[0] };
}

/** `--param a=1 --param b=2`: all of them, in order. */
export function list(short?: string): Option<string[]> {
  return { takesValue: true, repeatable: true, ...(short ? { short } : {}), read: (_, values) => values };
}

/** `--format pcm16`: one of the known words, or undefined. */
export function choice<T extends string>(known: readonly T[]): Option<T | undefined> {
  return {
    takesValue: true,
    repeatable: false,
    read(name, values) {
      const word = values[0];
      if (word === undefined) return undefined;
      const found = known.find((one) => one === word);
      if (found !== undefined) return found;
      const all = known.join(", ");
      throw new BelljarError("usage/value", `--${name} must be one of ${all}, not "${printable(word, 40)}".`);
    },
  };
}

/** `--seconds 10`: a number from `min` to `max`, or undefined. */
export function number(min: number, max: number, kind: "any" | "whole" = "any"): Option<number | undefined> {
  return {
    takesValue: true,
    repeatable: false,
    read(name, values) {
      const word = values[0];
      return word === undefined ? undefined : readNumber(`--${name}`, word, min, max, kind);
    },
  };
}

/** `--block 64,128 --block 512`: numbers from `min` to `max`, each once, in order; none where it is not given. */
export function numbers(min: number, max: number): Option<number[]> {
  return {
    takesValue: true,
    repeatable: true,
    read(name, values) {
      const words = values.flatMap((value) => value.split(",")).map((word) => word.trim());
      const label = words.length > 1 ? `Each of --${name}` : `--${name}`;
      return [...new Set(words.map((word) => readNumber(label, word, min, max, "whole")))];
    },
  };
}

/** `--tail auto`: the word, a number of seconds from 0 to `max`, or undefined. */
export function autoOrSeconds(max: number): Option<"auto" | number | undefined> {
  return {
    takesValue: true,
    repeatable: false,
    read(name, values) {
      const word = values[0];
      if (word === undefined || word === "auto") return word;
      return readNumber(`--${name}`, word, 0, max, "any", "auto or a number of seconds");
    },
  };
}

/** A decimal number from `min` to `max`; what it is called in the error is `label`. */
export function readNumber(
  label: string,
  word: string,
  min: number,
  max: number,
  kind: "any" | "whole" = "any",
  what = kind === "whole" ? "a whole number" : "a number",
): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : Number.NaN;
  if (value >= min && value <= max && (kind === "any" || Number.isInteger(value))) return value;
  throw new BelljarError(
    "usage/value",
    `${label} must be ${what} from ${min} to ${max}, not "${printable(word, 40)}".`,
  );
}

type Values<S> = { [K in keyof S]: S[K] extends Option<infer T> ? T : never };

/** What parseOptions found. */
export interface Parsed<S> {
  options: Values<S>;
  positionals: string[];
}

/**
 * Reads the arguments of a command.
 * @param known the options by name, made with flag, text, list, choice and number
 * @throws BelljarError usage/* for an unknown option, a missing, superfluous or wrong value, or a repeated option
 */
export function parseOptions<S extends Record<string, Option<unknown>>>(args: string[], known: S): Parsed<S> {
  const names = Object.keys(known);
  const config: Record<string, { type: "boolean" | "string"; multiple: true; short?: string }> = {};
  for (const name of names) {
    const option = known[name];
    if (!option) continue;
    config[name] = {
      type: option.takesValue ? "string" : "boolean",
      multiple: true,
      ...(option.short ? { short: option.short } : {}),
    };
  }
  const { tokens } = parseArgs({
    args,
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = names.includes(token.name) ? known[token.name] : undefined;
    if (!option) {
      const long = names.map((name) => `--${name}`);
      throw new BelljarError(
        "usage/option",
        `There is no option ${printable(token.rawName, 60)}.`,
        hintFor(token.rawName, long),
      );
    }
    if (
      option.takesValue &&
      (token.value === undefined || (!token.inlineValue && /^--./.test(token.value)))
    ) {
      throw new BelljarError("usage/value", `${token.rawName} needs a value after it.`);
    }
    if (!option.takesValue && token.value !== undefined) {
      throw new BelljarError("usage/value", `${token.rawName} takes no value.`);
    }
    const values = given.get(token.name) ?? [];
    if (values.length > 0 && !option.repeatable) {
      throw new BelljarError("usage/repeated", `${token.rawName} is given twice.`);
    }
    values.push(token.value ?? "");
    given.set(token.name, values);
  }
  const options = Object.fromEntries(
    names.map((name) => [name, known[name]?.read(name, given.get(name) ?? [])]),
  ) as Values<S>;
  return { options, positionals };
}

/**
 * Checks how many positional arguments there are.
 * @param names what each is called in the usage line, for the error
 * @param needed how many of them must be there
 */
export function takePositionals(positionals: string[], names: string[], needed = names.length): string[] {
  const missing = names[positionals.length];
  if (positionals.length < needed && missing !== undefined) {
    throw new BelljarError(
      "usage/missing",
      `${missing} is missing.`,
      `The arguments are: ${names.join(" ")}.`,
    );
  }
  const extra = positionals[names.length];
  if (extra !== undefined) {
    throw new BelljarError("usage/superfluous", `"${printable(extra, 60)}" is one argument too many.`);
  }
  return positionals;
}

/** Splits "key=value" options; a later key wins over an earlier one. */
export function readPairs(name: string, pairs: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1) {
      throw new BelljarError(
        "usage/value",
        `--${name} must look like NAME=VALUE, not "${printable(pair, 60)}".`,
      );
    }
    map.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return map;
}
