// --limit NAME=VALUE, for the commands that load plugins; and the table of what there is to limit.

import { BelljarError, printable } from "../../abi/error.ts";
import { LIMIT_NAMES, type LimitName, LIMITS, type Limits } from "../sandbox/index.ts";
import { type Option, readNumber, readPairs } from "./options.ts";
import { hintFor } from "./suggest.ts";
import { table } from "./table.ts";

/** The limits that were changed, by name; a later one wins. */
export function limits(): Option<Partial<Limits>> {
  return {
    takesValue: true,
    repeatable: true,
    read(option, values) {
      const changed: Partial<Limits> = {};
      for (const [name, word] of readPairs(option, values)) {
        if (!isLimit(name)) {
          const hint = `${hintFor(name, LIMIT_NAMES)} See belljar inspect --limits.`;
          throw new BelljarError("usage/limit", `There is no limit "${printable(name, 60)}".`, hint.trim());
        }
        const { least, most, unit } = LIMITS[name];
        const kind = unit === "seconds" ? "any" : "whole";
        changed[name] = readNumber(`--${option} ${name}`, word, least, most, kind);
      }
      return changed;
    },
  };
}

function isLimit(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/** All limits, for `belljar inspect --limits`. */
export function describeLimits(json: boolean): string {
  if (json) return `${JSON.stringify(LIMITS, null, 2)}\n`;
  const rows = LIMIT_NAMES.map((name) => {
    const { default: value, unit, of } = LIMITS[name];
    return [name, value.toLocaleString("en-US"), unit, of.replaceAll("`", "")];
  });
  const columns = [
    { title: "LIMIT" },
    { title: "DEFAULT", right: true },
    { title: "UNIT" },
    { title: "WHAT IS HELD TO IT", most: 100 },
  ];
  return `${table(columns, rows)}\nChange one: --limit NAME=VALUE. docs/limits.md says why they are what they are.\n`;
}
