/** RFC 3339 timestamps as sortable keys, exact to the last fraction digit: a JavaScript Date would round them. */

import { keyNumber, numberKey } from './bytes.js';
import { LIMITS } from './limits.js';

/** Orders as the instants do: 5 bytes of seconds, 4 of nanoseconds, then any further digits, then a zero byte. */
export type InstantKey = string & { readonly brand: 'InstantKey' };

/** Where a fraction of the second, or else the zone, begins. */
const FRACTION_AT = 19;

/** Seconds are counted from here, so that the first local instant of year 0 is not negative. */
const BASE_SECONDS = 62_167_219_200 + 2 * 86_400;

/** `undefined` unless `text` is an RFC 3339 timestamp. A leap second reads as the second after it. */
export function parseInstant(text: string): InstantKey | undefined {
  if (text.length > LIMITS.timestampChars || !hasSeparators(text)) return undefined;
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2)];
  const [hour, minute, second] = [digitsAt(text, 11, 2), digitsAt(text, 14, 2), digitsAt(text, 17, 2)];
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return undefined;
  const fractionEnd = endOfFraction(text);
  const offset = fractionEnd < 0 ? undefined : offsetAt(text, fractionEnd);
  if (offset === undefined) return undefined;
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  return keyOf(seconds, text.slice(FRACTION_AT + 1, fractionEnd));
}

/** `2025-10-03T22:00:00` and what follows: by characters, since this is done for every span. */
function hasSeparators(text: string): boolean {
  const t = text.charCodeAt(10) | 0x20;
  return text[4] === '-' && text[7] === '-' && t === 0x74 && text[13] === ':' && text[16] === ':';
}

/** A number of exactly `count` digits; negative where there is none. */
function digitsAt(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    // Not a number beyond the end, which compares as false.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Where the zone begins; negative where a point is followed by no digit. */
function endOfFraction(text: string): number {
  if (text[FRACTION_AT] !== '.') return FRACTION_AT;
  let end = FRACTION_AT + 1;
  while (digitsAt(text, end, 1) >= 0) end++;
  return end === FRACTION_AT + 1 ? -1 : end;
}

/** Seconds that the zone lies ahead of UTC; `undefined` unless it is one, and the end of the text. */
function offsetAt(text: string, at: number): number | undefined {
  const sign = text[at];
  if (sign === 'Z' || sign === 'z') return text.length === at + 1 ? 0 : undefined;
  const [hours, minutes] = [digitsAt(text, at + 1, 2), digitsAt(text, at + 4, 2)];
  const isZone = (sign === '+' || sign === '-') && text[at + 3] === ':' && text.length === at + 6;
  if (!isZone || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** The key of a time in milliseconds since 1970. */
export function instantOfMs(ms: number): InstantKey {
  const seconds = Math.floor(ms / 1000);
  return keyOf(seconds, String(Math.floor(ms) - seconds * 1000).padStart(3, '0'));
}

/** Milliseconds since 1970 of an instant, rounded down. */
export function msOfInstant(instant: InstantKey): number {
  const seconds = keyNumber(instant.slice(0, 5)) - BASE_SECONDS;
  return seconds * 1000 + Math.floor(keyNumber(instant.slice(5, 9)) / 1_000_000);
}

/** RFC 3339 in UTC with milliseconds, without a Date. `ms` since 1970. */
export function formatMs(ms: number): string {
  const whole = Math.floor(ms);
  const days = Math.floor(whole / 86_400_000);
  const inDay = whole - days * 86_400_000;
  const { year, month, day } = civilFromDays(days);
  const clock = [
    Math.floor(inDay / 3_600_000),
    Math.floor(inDay / 60_000) % 60,
    Math.floor(inDay / 1000) % 60,
  ];
  const time = clock.map((part) => String(part).padStart(2, '0')).join(':');
  const date = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  return `${date}T${time}.${String(inDay % 1000).padStart(3, '0')}Z`;
}

function keyOf(seconds: number, fraction: string): InstantKey {
  let nanoseconds = 0;
  for (let i = 0; i < 9; i++)
    nanoseconds = nanoseconds * 10 + (i < fraction.length ? digitsAt(fraction, i, 1) : 0);
  const further = fraction.slice(9).replace(/0+$/, '');
  return (numberKey(seconds + BASE_SECONDS, 5) + numberKey(nanoseconds, 4) + further + '\0') as InstantKey;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 of a proleptic Gregorian date (Hinnant, chrono-compatible date algorithms). */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9);
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
