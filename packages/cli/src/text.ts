/** Values as people read them: numbers and times, and texts of strangers made safe for a terminal. */

/** Control characters move the cursor or change what is shown; marks of writing direction reorder it. */
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const REPLACED = '\ufffd';
const TEXT_CHARS_MOST = 4_000;

/** A text that others wrote, as it may stand within a line on a terminal. */
export function safe(text: string): string {
  const bounded = clipped(text, TEXT_CHARS_MOST);
  return bounded.replaceAll(new RegExp(STEERING, 'gu'), REPLACED);
}

/** The same for a text of several lines. */
export function cleaned(text: string): string {
  return text.split('\n').map(safe).join('\n');
}

/** The beginning of a text, with a mark where the rest is left out. */
export function clipped(text: string, mostChars: number): string {
  if (text.length <= mostChars) return text;
  if (mostChars <= 1) return text.slice(0, mostChars);
  return `${text.slice(0, mostChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** JSON that means the same and cannot steer a terminal: what JSON itself leaves as it is gets escaped. */
export function safeJson(value: unknown, indent?: number): string {
  return escapedJson(JSON.stringify(value, undefined, indent));
}

/** The same for JSON that is text already. Between its tokens there may be line breaks, which stay. */
export function escapedJson(json: string): string {
  return json.replaceAll(new RegExp(STEERING, 'gu'), (mark) =>
    /[\n\r\t]/.test(mark) ? mark : `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
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
