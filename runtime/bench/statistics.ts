// The few figures that sum up a series of measurements.

/** The value at `part` (0 to 1) of the sorted series. */
export function quantile(values: ArrayLike<number> & Iterable<number>, part: number): number {
  const sorted = Float64Array.from(values).sort();
  return quantileOfSorted(sorted, part);
}

/** The same of a series that is sorted already. */
export function quantileOfSorted(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export const median = (values: ArrayLike<number> & Iterable<number>): number => quantile(values, 0.5);
export const minimum = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
export const maximum = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
