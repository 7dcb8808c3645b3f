/** Values as people read them: numbers, times, and texts of strangers made safe for a terminal. */

/**
 * A text that others wrote, as it may stand on a terminal: control characters could move the cursor or change what is
 * shown, and marks of writing direction could reorder it.
 */
export function safe(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** A figure that the node may keep to itself. */
export function groupedOrDash(count: number | undefined): string {
  return count === undefined ? '-' : grouped(count);
}

/** `1 span`, `2,991 spans`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step] ?? ''}`;
}

export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `12 s ago`, `in 5 min`, or `never`. */
export function whenText(time: string | null, nowMs: number): string {
  if (time === null) return 'never';
  const ms = nowMs - Date.parse(time);
  if (Number.isNaN(ms)) return safe(time);
  const seconds = Math.round(Math.abs(ms) / 1000);
  const steps: readonly (readonly [number, string])[] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, 's'];
  const amount = `${Math.floor(seconds / size)} ${unit}`;
  return ms >= 0 ? `${amount} ago` : `in ${amount}`;
}
