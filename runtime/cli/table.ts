// Tables and colours for a terminal. Colours appear on a terminal alone, and never under NO_COLOR.

/** Where text goes, as far as this file cares. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Colour = keyof typeof CODES;

/** Whether colours may be written there. */
export function hasColours(stream: Terminal, env: NodeJS.ProcessEnv = process.env): boolean {
  return canRedraw(stream, env) && !env["NO_COLOR"];
}

/** Whether lines can be wiped and written again there. */
export function canRedraw(stream: Terminal, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

/** A function that colours text for a stream, or leaves it alone. */
export function painter(stream: Terminal): (colour: Colour, text: string) => string {
  if (!hasColours(stream)) return (_, text) => text;
  return (colour, text) => (text === "" ? "" : `\x1b[${CODES[colour]}m${text}\x1b[0m`);
}

export interface Column {
  title: string;
  /** Numbers stand flush right. */
  right?: boolean;
  /** Longer cells are cut, with an ellipsis. */
  most?: number;
}

// Combining marks take no column; wide characters (CJK, emoji) take two.
const MARKS = /\p{Mark}/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;

/** Columns that text takes on a terminal. */
export function width(text: string): number {
  return [...text.replace(MARKS, "")].length + (text.match(WIDE)?.length ?? 0);
}

function cut(text: string, most: number): string {
  if (width(text) <= most) return text;
  let kept = "";
  let columns = 0;
  for (const character of text) {
    columns += width(character);
    if (columns > most - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** No column of text is made narrower than this, however narrow the terminal. */
const LEAST = 8;

/** Takes from the widest columns of text what a line has too much. */
function narrow(widths: readonly number[], columns: readonly Column[], most: number): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, one) => sum + one, 2 * (columns.length - 1)) - most;
  for (; excess > 0; excess--) {
    const widest = Math.max(...fitted.filter((_, c) => columns[c]?.right !== true));
    if (!(widest > LEAST)) break;
    fitted[fitted.findIndex((one, c) => one === widest && columns[c]?.right !== true)] = widest - 1;
  }
  return fitted;
}

/**
 * Rows in aligned columns under a heading. Cells hold plain text, already safe to print.
 * @param paint called with each finished cell, to colour it; row -1 is the heading
 * @param most columns of the terminal: where a line is wider, texts are cut
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
  most: number = Number.POSITIVE_INFINITY,
): string {
  const whole = rows.map((row) => columns.map((column, c) => cut(row[c] ?? "", column.most ?? 80)));
  const wanted = columns.map((column, c) =>
    Math.max(width(column.title), ...whole.map((row) => width(row[c] ?? ""))),
  );
  const widths = narrow(wanted, columns, most);
  const cells = whole.map((row) => row.map((cell, c) => cut(cell, widths[c] as number)));
  const line = (row: readonly string[], r: number): string => {
    const parts = columns.map((column, c) => {
      const cell = row[c] ?? "";
      const gap = " ".repeat((widths[c] ?? 0) - width(cell));
      const last = c === columns.length - 1;
      return column.right ? gap + paint(cell, r, c) : paint(cell, r, c) + (last ? "" : gap);
    });
    return parts.join("  ").trimEnd();
  };
  const heading = columns.map((column, c) => cut(column.title, widths[c] as number));
  return [line(heading, -1), ...cells.map(line)].map((one) => `${one}\n`).join("");
}
