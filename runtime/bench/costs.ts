// What it takes to have a plugin or a session, as rows of words: for a terminal and for a page.

import type { Measurand, Row } from "./result.ts";
import { milliseconds, plainNumber, sizeText } from "./words.ts";

export interface Cost {
  what: string;
  /** One for each thing that was measured. */
  values: string[];
}

/** Loading, an instance, memory. @param rows of the first one, for what only playing shows */
export function costsOf(all: readonly Measurand[], rows: readonly Row[]): Cost[] {
  const costs: Cost[] = [];
  const add = (what: string, pick: (one: Measurand) => string | undefined): void => {
    const values = all.map(pick);
    if (values.every((value) => value !== undefined)) costs.push({ what, values: values as string[] });
  };
  const time = (what: string, pick: (loading: NonNullable<Measurand["loading"]>) => number): void =>
    add(what, ({ loading }) => (loading === undefined ? undefined : milliseconds(pick(loading))));
  time("Load", ({ vet, rewrite, compile, describe }) => vet + rewrite + compile + describe);
  time("  vet", ({ vet }) => vet);
  time("  rewrite, with the meter", ({ rewrite }) => rewrite);
  time("  compile, optimised", ({ compile }) => compile);
  time("  describe", ({ describe }) => describe);
  time("The first time, it is compiled under limits, too", ({ start, trial }) => start + trial);
  time("  start a process for it", ({ start }) => start);
  time("  compile there", ({ trial }) => trial);
  time("Make an instance", ({ instantiate }) => instantiate);
  time("  configure and activate it", ({ activate }) => activate);
  const size = (what: string, pick: (size: NonNullable<Measurand["size"]>) => string): void =>
    add(what, (one) => (one.size === undefined ? undefined : pick(one.size)));
  size("Memory of an instance", ({ active }) => sizeText(active));
  size("  as the module declares it", ({ initial }) => sizeText(initial));
  size("Module", ({ bytes }) => sizeText(bytes));
  size("  rewritten", ({ rewrittenBytes }) => sizeText(rewrittenBytes));
  size("  functions", ({ functions }) => String(functions));
  add("Open it, with nothing loaded", ({ open }) => (open === undefined ? undefined : milliseconds(open)));
  const shares = rows[0]?.shares ?? null;
  if (all.length === 1 && shares !== null) {
    const memory = shares.nodes.reduce((sum, node) => sum + node.memory, 0);
    costs.push({ what: "Memory of its plugins", values: [sizeText(memory)] });
  }
  return costs;
}

/** "10 s of noise", or of a session "its first 12 s". */
export function pieceText({
  seconds,
  piece,
  subject,
}: {
  seconds: number;
  piece: string;
  subject: Measurand;
}): string {
  const length = plainNumber(seconds);
  return subject.kind === "session" ? `its first ${length} s` : `${length} s of ${piece}`;
}
