/** Following a timeline: server-sent events read one by one, over as many connections as it takes. */

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { LoglineFederationError } from './errors.js';
import { backoffMs, mayPass, pause, type RetryPolicy } from './retry.js';
import type { Span } from './schema.js';

/**
 * `span`: a span that arrived, parsed, and its JSON as received. `withdrawn`: whatever came under this id is no longer
 * accepted, such as what a revoked node wrote. `restored`: a span that is accepted again, or one that stands under a
 * withdrawn id still, the one to show last. Both may come more than once, and for spans that were never sent.
 * `annotated`: something that is said of a span has come or gone: as it is read now, or `undefined` while it is not there.
 * `conflict`: nodes are at odds about a member of a span, or no longer; `conflicts.get` tells more.
 * `reset`: the cursor came from another store, so that everything comes again from the beginning.
 * To go on later, hand the latest `cursor` back as `after`.
 */
export type TailEvent =
  | { readonly kind: 'span'; readonly span: Span; readonly json: string; readonly cursor: string }
  | { readonly kind: 'withdrawn'; readonly id: string; readonly cursor: string }
  | { readonly kind: 'restored'; readonly span: Span; readonly json: string; readonly cursor: string }
  | {
      readonly kind: 'annotated';
      readonly id: string;
      readonly version: string;
      /** Members on which people have to decide. */
      readonly conflicted: readonly string[];
      readonly span: Span | undefined;
      readonly cursor: string;
    }
  | {
      readonly kind: 'conflict';
      readonly id: string;
      readonly spanId: string;
      readonly field: string;
      readonly conflictKind: 'concurrent' | 'identity';
      readonly state: 'open' | 'resolved';
      readonly cursor: string;
    }
  | { readonly kind: 'reset'; readonly cursor: string };

interface AnnotatedData {
  readonly id: string;
  readonly version: string;
  readonly conflicted: readonly string[];
  readonly span: Span | null;
}

interface ConflictData {
  readonly id: string;
  readonly span_id: string;
  readonly field: string;
  readonly kind: 'concurrent' | 'identity';
  readonly state: 'open' | 'resolved';
}

export interface TailOptions {
  /** The cursor of an event or of an append: what came later follows. `start`: everything. Absent: what comes from now on. */
  readonly after?: string | undefined;
  readonly tenant?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when the connection is lost, with the wait before the next one. */
  readonly onReconnect?: ((lost: { readonly reason: Error; readonly delayMs: number }) => void) | undefined;
}

export interface TailWorld {
  readonly policy: RetryPolicy;
  /** Opens the stream behind a cursor; without one where the caller wished to begin. */
  readonly connect: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>;
  /** Silence after which a connection counts as dead: servers send a comment now and then. */
  readonly silenceMs: number;
}

const EVENT_CHARS_MOST = 4 * 1024 * 1024;

/**
 * Events until the signal aborts, which ends it without an error. A lost connection is made again, for ever and
 * with backoff, and goes on behind the last event that was handed out; only the first one has a bounded number of
 * tries. Rejects with an answer that would not change, such as `bad_cursor`.
 */
export async function* tailEvents(
  options: TailOptions,
  world: TailWorld,
): AsyncGenerator<TailEvent, void, void> {
  let cursor = options.after === 'start' ? undefined : options.after;
  let wasConnected = false;
  let failures = 0;
  while (!isAborted(options.signal)) {
    const connection = new AbortController();
    const close = (): void => connection.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', close, { once: true });
    let reason: Error;
    try {
      const response = await world.connect(cursor, connection.signal);
      wasConnected = true;
      for await (const message of messagesOf(response, connection, world.silenceMs)) {
        failures = 0;
        cursor = message.id ?? cursor;
        const event = eventOf(message, cursor);
        if (event !== undefined) yield event;
      }
      reason = new Error('the service ended the stream');
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
    } finally {
      options.signal?.removeEventListener('abort', close);
      connection.abort();
    }
    if (isAborted(options.signal)) return;
    failures++;
    if (!mayReturn(reason) || (!wasConnected && failures >= world.policy.tries)) throw reason;
    const delayMs = Math.max(backoffMs(failures, world.policy), retryAfterMs(reason));
    if (wasConnected) options.onReconnect?.({ reason, delayMs });
    await pause(delayMs, options.signal).catch(() => undefined);
  }
}

/** The events of one connection. It ends where the service ends it, and rejects where it breaks or falls silent. */
async function* messagesOf(
  response: Response,
  connection: AbortController,
  silenceMs: number,
): AsyncGenerator<EventSourceMessage, void, void> {
  const waiting: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => void waiting.push(message),
    maxBufferSize: EVENT_CHARS_MOST,
  });
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const { done, value } = await withinSilence(reader.read(), connection, silenceMs);
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    yield* waiting.splice(0);
  }
}

async function withinSilence<T>(
  reading: Promise<T>,
  connection: AbortController,
  silenceMs: number,
): Promise<T> {
  const timer = setTimeout(
    () => connection.abort(new Error(`nothing was heard for ${silenceMs} ms`)),
    silenceMs,
  );
  try {
    return await reading;
  } finally {
    clearTimeout(timer);
  }
}

/** Asked anew each time: it changes while something is awaited. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Kinds that a later service may add, and that nobody here knows, are passed over. */
function eventOf(message: EventSourceMessage, cursor: string | undefined): TailEvent | undefined {
  if (message.event === 'reset') return { kind: 'reset', cursor: cursor ?? '' };
  if (cursor === undefined) return undefined;
  const json = message.data;
  switch (message.event) {
    case 'span':
    case 'restored':
      return { kind: message.event, span: JSON.parse(json) as Span, json, cursor };
    case 'withdrawn':
      return { kind: 'withdrawn', id: String((JSON.parse(json) as { readonly id: unknown }).id), cursor };
    case 'annotated': {
      const { span, ...said } = JSON.parse(json) as AnnotatedData;
      return { kind: 'annotated', ...said, span: span ?? undefined, cursor };
    }
    case 'conflict': {
      const { span_id: spanId, kind, ...found } = JSON.parse(json) as ConflictData;
      return { kind: 'conflict', ...found, spanId, conflictKind: kind, cursor };
    }
    default:
      return undefined;
  }
}

function mayReturn(reason: Error): boolean {
  if (reason instanceof SyntaxError) return false;
  if (!(reason instanceof LoglineFederationError)) return true;
  return reason.status === undefined || mayPass(reason.status);
}

function retryAfterMs(reason: Error): number {
  return reason instanceof LoglineFederationError ? (reason.retryAfterMs ?? 0) : 0;
}
