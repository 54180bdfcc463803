// Checks of the module itself: what stands in its bytes, before anything runs.

import { nearest } from "../../graph/nearest.ts";
import { CONTRACT, vetModule } from "../../sandbox/vet.ts";
import type { Check } from "../check.ts";
import { warn } from "../verdict.ts";

/** 16 MiB: more than a plugin without sample data needs. */
const MANY_PAGES = 256;

export const moduleChecks: Check[] = [
  {
    id: "module/loads",
    level: 1,
    title: "The module is accepted, compiles, and describes itself",
    // The bench is there: loading went well.
    run: ({ type }) => `${type.facts.bytes} bytes, ${type.facts.functions} functions`,
  },
  {
    id: "module/imports",
    level: 5,
    title: "It calls every function that it imports",
    run({ bytes, type }) {
      const { module, codes } = vetModule(bytes, type.limits);
      const called = new Set(codes.flatMap((code) => [...code.callees]));
      for (const { functions } of module.elements) for (const index of functions) called.add(index);
      const idle = module.imports.filter((_, index) => !called.has(index)).map(({ name }) => name);
      if (idle.length > 0) warn(`It imports ${idle.join(", ")} and never calls it.`);
    },
  },
  {
    id: "module/exports",
    level: 5,
    title: "Every export that begins with bj_ is one of the contract's",
    run({ type }) {
      const known = [...CONTRACT.keys()];
      const strange = type.facts.exports.find((name) => name.startsWith("bj_") && !CONTRACT.has(name));
      if (strange === undefined) return;
      const near = nearest(strange, known);
      warn(
        `It exports ${strange}, which no host calls${near === null ? "." : `; is it meant to be ${near}?`}`,
      );
    },
  },
  {
    id: "module/names",
    level: 6,
    title: "It has a name section, so that faults name the function",
    run({ bytes, type }) {
      const { module } = vetModule(bytes, type.limits);
      if (module.names.size === 0) warn("It has no function names; a fault can only say a number.");
    },
  },
  {
    id: "module/memory",
    level: 5,
    title: "It starts with no more memory than 16 MiB",
    run({ type }) {
      const { initial } = type.facts.memory;
      if (initial <= MANY_PAGES) return;
      warn(`It asks for ${initial} pages (${Math.round(initial / 16)} MiB) before it knows how it is used.`);
    },
  },
];
