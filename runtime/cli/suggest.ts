// "Did you mean": a hint for a word that is not known.

import { nearest } from "../graph/nearest.ts";

/** The nearest known word, or the beginning of the list where none is near enough to be meant. */
export function hintFor(word: string, known: readonly string[], prefix = ""): string {
  const begun = word.length > 2 ? known.find((one) => one.startsWith(word)) : undefined;
  const near = begun ?? nearest(word, known);
  if (near !== null) return `Did you mean ${prefix}${near}?`;
  if (known.length === 0) return "";
  const shown = known.slice(0, 12).map((one) => prefix + one);
  return `Known: ${shown.join(", ")}${known.length > shown.length ? ", …" : ""}.`;
}
