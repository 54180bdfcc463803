// The few figures that sum up a series of measurements.

/** The value at `part` (0 to 1) of the sorted series. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const minimum = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
export const maximum = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
