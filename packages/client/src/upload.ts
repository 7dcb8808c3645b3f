/** Uploads: any number of spans, in one streamed request or in parts that can be sent again. */

import { LoglineFederationError } from './errors.js';
import { countLines, ndjsonChunks, wholeLines, type UploadProgress, type UploadSource } from './lines.js';
import type { AppendResult } from './schema.js';

export interface UploadOptions {
  /** The tenant of spans that name none. */
  readonly tenant?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For the whole upload. Default: none, since only the caller knows how much there is. */
  readonly timeoutMs?: number | undefined;
  /** Called with every chunk of about 64 KiB that goes out. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  /**
   * Sends parts of about so many bytes, each a request of its own that is durable when answered and tried again
   * when it fails. Without it there is one streamed request, which nothing can send again; but browsers cannot
   * stream over HTTP/1.1, so there parts of 4 MiB are the default.
   */
  readonly partBytes?: number | undefined;
  /** As for `append`; each part after the first adds its number. Parts are the same again only if the source comes in the same pieces. */
  readonly idempotencyKey?: string | undefined;
}

export interface UploadWorld {
  readonly post: (body: ReadableStream<Uint8Array<ArrayBuffer>>) => Promise<AppendResult>;
  /** `number` counts the parts from 0. */
  readonly postAgain: (body: Uint8Array<ArrayBuffer>, number: number) => Promise<AppendResult>;
}

const PART_BYTES = 4 * 1024 * 1024;
const LISTED_MOST = 1000;
const NOTHING: AppendResult = {
  accepted: 0,
  duplicates: 0,
  conflicts: [],
  conflicts_total: 0,
  rejected: [],
  rejected_total: 0,
  cursor: null,
};

/** Reads the source as fast as the network takes it; more than a few chunks are never held, or one part. */
export async function uploadSpans(
  source: UploadSource,
  options: UploadOptions,
  world: UploadWorld,
): Promise<AppendResult> {
  const chunks = counted(ndjsonChunks(source), options.onProgress);
  const partBytes = options.partBytes ?? (isBrowser() ? PART_BYTES : undefined);
  if (partBytes === undefined) return postStream(chunks, world);
  let total = NOTHING;
  let lines = 0;
  let number = 0;
  for await (const part of wholeLines(chunks, partBytes)) {
    options.signal?.throwIfAborted();
    total = addResults(total, await world.postAgain(part, number++), lines);
    lines += countLines(part);
  }
  return total;
}

/** The result of two uploads in a row, as if they had been one; the first had so many lines. */
function addResults(before: AppendResult, next: AppendResult, linesBefore: number): AppendResult {
  const moved = <Listed extends { readonly index: number }>(listed: readonly Listed[]): Listed[] =>
    listed.map((span) => ({ ...span, index: span.index + linesBefore }));
  return {
    accepted: before.accepted + next.accepted,
    duplicates: before.duplicates + next.duplicates,
    conflicts: [...before.conflicts, ...moved(next.conflicts)].slice(0, LISTED_MOST),
    conflicts_total: before.conflicts_total + next.conflicts_total,
    rejected: [...before.rejected, ...moved(next.rejected)].slice(0, LISTED_MOST),
    rejected_total: before.rejected_total + next.rejected_total,
    cursor: next.cursor ?? before.cursor,
  };
}

async function postStream(
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>,
  world: UploadWorld,
): Promise<AppendResult> {
  let sourceError: { readonly error: unknown } | undefined;
  let isEmpty = false;
  let pulls = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          isEmpty = done === true && pulls === 0;
          pulls++;
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          sourceError = { error };
          controller.error(error);
        }
      },
    },
    { highWaterMark: 0 },
  );
  try {
    return await world.post(body);
  } catch (error) {
    // What the source threw is the caller's own, and says more than that the request broke off.
    if (sourceError !== undefined) throw sourceError.error;
    // The service refuses a body without any span; here it is only a source that had none today.
    if (isEmpty && error instanceof LoglineFederationError && error.status === 400) return NOTHING;
    throw error;
  } finally {
    // Not awaited: a source that hangs must not hold up the answer.
    chunks.return().catch(() => undefined);
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  onProgress: UploadOptions['onProgress'],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let lines = 0;
  let bytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    lines += onProgress === undefined ? 0 : countLines(chunk);
    bytes += chunk.length;
    onProgress?.({ lines, bytes });
  }
}

function isBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis;
}
