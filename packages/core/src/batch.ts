/** A batch: the spans of one change, one JSON line each, exactly as received; compressed when that pays. */

import { concatBytes, fromKey, numberKey, toHex } from './bytes.js';
import { LIMITS } from './limits.js';
import type { Tools } from './ports.js';
import { checkSpan, type Span } from './span.js';

const PLAIN = 0;
const BROTLI = 1;
const NEWLINE = 0x0a;
const NEWLINE_BYTES = Uint8Array.of(NEWLINE);

export type OpenedBatch =
  | { readonly ok: true; readonly spans: readonly Span[] }
  | { readonly ok: false; readonly reason: string };

/** Coding byte, then the lines. The caller keeps within `LIMITS.batchSpans` and `LIMITS.batchBytes`. */
export function sealBatch(spans: readonly Span[], tools: Pick<Tools, 'compression'>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const span of spans) {
    if (parts.length > 0) parts.push(NEWLINE_BYTES);
    parts.push(span.bytes);
  }
  const lines = concatBytes(parts);
  if (lines.length >= LIMITS.compressBatchFromBytes) {
    const compressed = tools.compression.compress(lines);
    if (compressed.length < lines.length) return concatBytes([Uint8Array.of(BROTLI), compressed]);
  }
  return concatBytes([Uint8Array.of(PLAIN), lines]);
}

/** The lines of a batch, not yet checked. `undefined` where the coding is unknown, damaged, or inflates beyond the bound. */
export function linesOfBatch(
  batch: Uint8Array,
  tools: Pick<Tools, 'compression'>,
): readonly Uint8Array[] | undefined {
  const coded = batch.subarray(1);
  let lines: Uint8Array | undefined;
  if (batch[0] === PLAIN) lines = coded.length <= LIMITS.batchBytes ? coded : undefined;
  else if (batch[0] === BROTLI) lines = tools.compression.decompress(coded, LIMITS.batchBytes);
  return lines === undefined ? undefined : splitLines(lines);
}

/** Opens a batch that a peer sent: every span must be whole, and have its id and timestamp. */
export function openBatch(batch: Uint8Array, tools: Pick<Tools, 'compression' | 'text'>): OpenedBatch {
  const lines = linesOfBatch(batch, tools);
  if (lines === undefined) return { ok: false, reason: 'the batch is damaged or inflates beyond its bound' };
  if (lines.length > LIMITS.batchSpans) return { ok: false, reason: 'the batch has too many spans' };
  const spans: Span[] = [];
  for (const line of lines) {
    const checked = checkSpan(line, tools);
    if (!checked.ok) return { ok: false, reason: `span ${spans.length}: ${checked.reason}` };
    spans.push(checked.span);
  }
  return { ok: true, spans };
}

/**
 * The root key of a batch in its document: descending by `seq`, since that keeps the cost of one more flat,
 * and unique to (origin, epoch, seq), since documents of many origins are merged.
 */
export function batchKey(origin: Uint8Array, epoch: Uint8Array, seq: number): string {
  const descending = Number.MAX_SAFE_INTEGER - seq;
  const order = toHex(fromKey(numberKey(descending, 7)));
  return `${order}-${toHex(epoch)}-${toHex(origin.subarray(0, 16))}`;
}

/** Stops at one line more than a batch may have: a few bytes can inflate to half a million empty ones. */
function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    if (lines.length > LIMITS.batchSpans) return lines;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  lines.push(bytes.subarray(start));
  return lines;
}
