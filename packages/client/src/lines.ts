/** Spans on their way out: whatever a caller has, as a stream of newline-separated JSON. */

/**
 * A span to send: an object; JSON text, one span a line; or bytes of such text, cut anywhere.
 * Text and bytes travel as they are, so that digits, offsets and unknown members survive.
 */
export type UploadItem = { readonly [member: string]: unknown } | string | Uint8Array;

export type UploadSource =
  | Iterable<UploadItem>
  | AsyncIterable<UploadItem>
  | ReadableStream<UploadItem>
  | string
  | Uint8Array;

/** What has been handed to the network so far; less of it may have arrived. */
export interface UploadProgress {
  readonly lines: number;
  readonly bytes: number;
}

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * The chunks of a source, of about 64 KiB each, so that small spans do not cost a write each. The source is read
 * only as fast as the chunks are taken, and it is closed when whoever takes them stops early.
 */
export async function* ndjsonChunks(
  source: UploadSource,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const encoder = new TextEncoder();
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let endsLine = true;
  for await (const item of itemsOf(source)) {
    const isBytes = item instanceof Uint8Array;
    const bytes = isBytes ? item : encoder.encode(typeof item === 'string' ? item : jsonOf(item));
    if (bytes.length === 0) continue;
    if (!isBytes && !endsLine) waiting.push(Uint8Array.of(NEWLINE));
    waiting.push(bytes);
    waitingBytes += bytes.length + 1;
    endsLine = bytes[bytes.length - 1] === NEWLINE;
    if (!isBytes && !endsLine) {
      waiting.push(Uint8Array.of(NEWLINE));
      endsLine = true;
    }
    if (waitingBytes >= CHUNK_BYTES) {
      yield joinBytes(waiting);
      waiting = [];
      waitingBytes = 0;
    }
  }
  if (waiting.length > 0) yield joinBytes(waiting);
}

/** Regroups chunks into parts of whole lines, each of about `partBytes` or one line if that is longer. */
export async function* wholeLines(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  partBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0 && waitingBytes + chunk.length >= partBytes) {
      yield joinBytes([...waiting, chunk.subarray(0, end)]);
      waiting = end < chunk.length ? [chunk.subarray(end)] : [];
      waitingBytes = chunk.length - end;
    } else {
      waiting.push(chunk);
      waitingBytes += chunk.length;
    }
  }
  if (waitingBytes > 0) yield joinBytes(waiting);
}

export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** One span as JSON. */
export function jsonOf(span: { readonly [member: string]: unknown }): string {
  const json = JSON.stringify(span) as string | undefined;
  if (json === undefined || !json.startsWith('{')) {
    throw new TypeError(`a span is an object, a line of JSON or bytes; got ${typeof span}`);
  }
  return json;
}

function itemsOf(source: UploadSource): Iterable<UploadItem> | AsyncIterable<UploadItem> {
  // Both are iterable themselves, but character by character and byte by byte.
  if (typeof source === 'string' || source instanceof Uint8Array) return [source];
  if (source instanceof ReadableStream) return readAll(source);
  return source;
}

/** Not every browser can iterate over a stream itself. */
async function* readAll<T>(stream: ReadableStream<T>): AsyncGenerator<T, void, void> {
  const reader = stream.getReader();
  let isDone = false;
  try {
    for (;;) {
      const result = await reader.read();
      isDone = result.done;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    if (!isDone) await reader.cancel();
    reader.releaseLock();
  }
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
