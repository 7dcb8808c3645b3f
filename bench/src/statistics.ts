/** Medians and spread of repeated measurements. */

export function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}

/** The value below which a part of all values lies, between neighbours by straight line; `undefined` of none. */
export function quantile(values: readonly number[], part: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** Half the distance between the lowest and the highest value, as a part of the median; 0 for less than two. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (values.length < 2 || middle === undefined || middle === 0) return 0;
  return (Math.max(...values) - Math.min(...values)) / 2 / Math.abs(middle);
}

/** To so many significant digits: more are noise. */
export function rounded(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}
