// Figures as text, the same on a terminal and on a page.

/** "0.21", "12.3", "1,204": microseconds in three digits or so. */
export function microseconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return thousands(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** "12,345.6" */
export function thousands(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return "–";
  const [whole = "", part] = value.toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** "0.012 %", "3.4 %", "120 %" */
export function percentOf(part: number, digits?: number): string {
  const value = part * 100;
  return `${value.toFixed(digits ?? (value < 0.1 ? 3 : value < 10 ? 2 : 0))} %`;
}

/** "33.6 KiB", "2.5 MiB" */
export function sizeText(bytes: number): string {
  const kib = bytes / 1024;
  const [value, unit] = kib < 1024 ? [kib, "KiB"] : [kib / 1024, "MiB"];
  return `${value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}

/** "0.26 ms", "21 ms" */
export function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(value < 10 ? 2 : 0)} ms` : "–";
}

/** A number without needless digits: "10", "8.25". */
export function plainNumber(value: number): string {
  return String(Number(value.toFixed(3)));
}

/** "0.55 µs", "13.3 µs", "2.67 ms", "1.2 s" */
export function duration(value: number): string {
  const [figure, unit] =
    value < 999.5 ? [value, "µs"] : value < 999_500 ? [value / 1000, "ms"] : [value / 1e6, "s"];
  return `${Number(figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0))} ${unit}`;
}
