/** Times as people and programs write them: RFC 3339, a date, or so long ago. */

import { instantOfMs, parseInstant, type InstantKey } from '@logline/federation-core';
import { HttpProblem } from './problem.js';
import { shown } from './request.js';

const UNITS_MS = {
  ms: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
} as const;
/** The first instant of year 0 in UTC, ms since 1970: RFC 3339 writes nothing earlier. */
const FIRST_MS = -62_167_219_200_000;
const AGO = /^(\d{1,9})\s*([a-z]+?)(?:\s+ago)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** In a query a plus sign that was not escaped arrives as a space. */
const LOST_PLUS = /^(\d{4}-\d{2}-\d{2}T[\d:.]+) (\d{2}:\d{2})$/i;

/** Throws `bad_request` for what names no time. A date alone is its first instant in UTC. */
export async function readInstant(name: string, text: string, nowMs: number): Promise<InstantKey> {
  const trimmed = text.trim();
  const found =
    parseInstant(trimmed.replace(LOST_PLUS, '$1+$2')) ??
    (DATE.test(trimmed) ? parseInstant(`${trimmed}T00:00:00Z`) : undefined) ??
    instantAgo(trimmed.toLowerCase(), nowMs) ??
    (await instantInWords(trimmed, nowMs));
  if (found === undefined) {
    throw new HttpProblem(
      'bad_request',
      `${name}: expected RFC 3339 such as 2025-10-03T22:00:00Z, or so long ago such as 5m or 1 hour ago, got ${shown(text)}`,
    );
  }
  return found;
}

function instantAgo(text: string, nowMs: number): InstantKey | undefined {
  const [, count, word = ''] = AGO.exec(text) ?? [];
  const unitMs = unitOf(word) ?? unitOf(word.replace(/s$/, ''));
  if (count === undefined || unitMs === undefined) return undefined;
  return instantAt(nowMs - Number(count) * unitMs);
}

function instantAt(ms: number): InstantKey {
  return instantOfMs(Math.max(FIRST_MS, ms));
}

function unitOf(word: string): number | undefined {
  return Object.entries(UNITS_MS).find(([name]) => name === word)?.[1];
}

/**
 * Other English, in UTC: "yesterday at 5pm"; a day without an hour is its first instant.
 * Loaded only when somebody writes so, since it takes longer than the whole start.
 */
async function instantInWords(text: string, nowMs: number): Promise<InstantKey | undefined> {
  if (!/^[\w\s:,.+-]+$/.test(text) || /^[\d\s.+-]+$/.test(text)) return undefined;
  const chrono = await import('chrono-node');
  const [result, more] = chrono.parse(text, { instant: new Date(nowMs), timezone: 0 });
  // What is left of the text could say the opposite.
  if (result === undefined || more !== undefined || result.text.length !== text.length) return undefined;
  const ms = result.date().getTime();
  if (!Number.isFinite(ms)) return undefined;
  return instantAt(result.start.isCertain('hour') ? ms : Math.floor(ms / UNITS_MS.d) * UNITS_MS.d);
}
