/** A live writer: a service that writes span after span to its node, and sends one again until it is acknowledged. */

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { LoglineFederationClient, LoglineFederationError, type NewSpan } from 'logline-federation-client';
import type { SpanName } from './history.js';

/** The tenant of all live writers: the nodes write to one timeline at the same time. */
export const LIVE_TENANT = 'live';

export interface LiveWriter {
  readonly node: string;
  /** Spans that the node has said it holds durably. */
  readonly acknowledged: readonly SpanName[];
  /** Requests that got no answer, each sent again until one came. */
  readonly unanswered: number;
  /** Spans that had been stored although the answer never came; sending them again stored nothing twice. */
  readonly storedUnheard: number;
  /** Resolves when so many spans are acknowledged; rejects if the writer fails before that. */
  reached(count: number): Promise<void>;
  /** Resolves when all spans are acknowledged. */
  readonly done: Promise<void>;
}

export interface WriterOptions {
  readonly node: string;
  readonly url: string;
  readonly count: number;
  readonly signal: AbortSignal;
}

const AGAIN_MS = 50;
const ANSWER_MS = 5_000;
const HOUR_MS = 3_600_000;
/** Every so many spans one tells of something that happened long before. */
const LATE_EVERY = 7;

export function startWriter(options: WriterOptions): LiveWriter {
  const { node, count, signal } = options;
  const client = new LoglineFederationClient({
    baseUrl: options.url,
    // Tries are counted here, so the client makes one at a time.
    retry: { tries: 1 },
    timeoutMs: ANSWER_MS,
  });
  const acknowledged: SpanName[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let unanswered = 0;
  let storedUnheard = 0;

  const write = async (span: NewSpan): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        const { accepted, duplicates, rejected } = await client.append(span, { signal });
        if (accepted + duplicates !== 1) {
          throw new Error(`${node} did not take a live span: ${rejected[0]?.error ?? 'it gave no reason'}`);
        }
        if (tries > 1) storedUnheard += duplicates;
        return;
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        unanswered++;
        await pause(AGAIN_MS, undefined, { signal });
      }
    }
  };

  const writeAll = async (): Promise<void> => {
    let cause: string | undefined;
    for (let n = 1; n <= count; n++) {
      const span = liveSpan(node, n, cause);
      await write(span);
      cause = span.id;
      acknowledged.push({ tenant: LIVE_TENANT, id: span.id });
      for (const one of waiting) if (acknowledged.length >= one.count) one.resolve();
    }
  };

  const done = writeAll();
  // Whoever waits hears of a failure; before that it must not end the process.
  done.catch(() => undefined);
  return {
    node,
    acknowledged,
    get unanswered() {
      return unanswered;
    },
    get storedUnheard() {
      return storedUnheard;
    },
    reached: (wanted) =>
      Promise.race([
        done,
        new Promise<void>((resolve) => {
          if (acknowledged.length >= wanted) resolve();
          else waiting.push({ count: wanted, resolve });
        }),
      ]),
    done,
  };
}

function liveSpan(node: string, n: number, cause: string | undefined): NewSpan & { readonly id: string } {
  const lateMs = n % LATE_EVERY === 0 ? n * HOUR_MS : 0;
  return {
    id: randomUUID(),
    timestamp: new Date(Date.now() - lateMs).toISOString(),
    logline_id: `logline-id://node/${node}`,
    author: 'logline-id://agent/demo.writer',
    title: `${node} wrote span ${n}`,
    status: 'executed',
    tenant_id: LIVE_TENANT,
    workflow_id: 'demo',
    span_type: 'system',
    visibility: 'private',
    ...(cause !== undefined && { caused_by: cause }),
    data: { n },
  };
}

function isUnanswered(error: unknown): boolean {
  if (!(error instanceof LoglineFederationError)) return false;
  return error.status === undefined || error.status === 503;
}
