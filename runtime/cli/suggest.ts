// "Did you mean": the known word that is nearest to a mistyped one.

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The nearest of the known words, or null when none is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const wanted = word.slice(0, 64).toLowerCase();
  let best: string | null = null;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const far = wanted.length > 2 && lower.startsWith(wanted) ? 1 : distance(wanted, lower);
    if (far < least) {
      least = far;
      best = candidate;
    }
  }
  return best;
}

/** A hint for a word that is not known: the nearest one, else the whole list when it is short. */
export function hintFor(word: string, known: readonly string[], prefix = ""): string {
  const near = nearest(word, known);
  if (near !== null) return `Did you mean ${prefix}${near}?`;
  if (known.length === 0) return "";
  const shown = known.slice(0, 12).map((one) => prefix + one);
  return `Known: ${shown.join(", ")}${known.length > shown.length ? ", …" : ""}.`;
}
