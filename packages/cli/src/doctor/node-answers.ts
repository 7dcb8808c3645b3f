/** What a node says of itself when doctor asks, or why it says nothing. */

import {
  LoglineFederationClient,
  LoglineFederationError,
  type Health,
  type Relationship,
  type SyncStatus,
} from 'logline-federation-client';
import type { Target } from '../connection.js';

export interface NodeAnswers {
  readonly url: URL;
  readonly health: Health | undefined;
  /** Why there is no health. */
  readonly failure: LoglineFederationError | undefined;
  readonly sync: SyncStatus | undefined;
  readonly relationships: readonly Relationship[];
  readonly fingerprint: string | undefined;
  /** Why the node tells no more than its health. */
  readonly refusal: LoglineFederationError | undefined;
  /** How far the node's clock is ahead of ours, by the `Date` of an answer, whose digits end at seconds. */
  readonly aheadMs: number | undefined;
  /** Whether somebody without any token is told about nodes. */
  readonly isOpen: boolean | undefined;
}

const WAIT_MS = 5_000;

export async function askNode(target: Target, signal: AbortSignal): Promise<NodeAnswers> {
  const client = new LoglineFederationClient({ ...target, timeoutMs: WAIT_MS, retry: { tries: 1 } });
  const health = await answerOf(client.health({ signal }));
  const nothing = { sync: undefined, relationships: [], fingerprint: undefined, refusal: undefined };
  const url = new URL(target.baseUrl);
  if (health.value === undefined)
    return {
      url,
      health: undefined,
      failure: health.error,
      ...nothing,
      aheadMs: undefined,
      isOpen: undefined,
    };
  const [sync, relationships, graph, stranger] = await Promise.all([
    answerOf(client.syncStatus({ signal })),
    answerOf(client.trustRelationships({ signal })),
    answerOf(client.trust.graph({ signal })),
    askAsStranger(client.baseUrl, signal),
  ]);
  return {
    url,
    health: health.value,
    failure: undefined,
    sync: sync.value,
    relationships: relationships.value ?? [],
    fingerprint: graph.value?.root,
    refusal: sync.error,
    ...stranger,
  };
}

interface Answer<T> {
  readonly value: T | undefined;
  readonly error: LoglineFederationError | undefined;
}

async function answerOf<T>(asked: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await asked, error: undefined };
  } catch (error) {
    if (error instanceof LoglineFederationError) return { value: undefined, error };
    throw error;
  }
}

/** A look at the same node without a token, and at its clock. */
async function askAsStranger(
  baseUrl: string,
  signal: AbortSignal,
): Promise<Pick<NodeAnswers, 'aheadMs' | 'isOpen'>> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
    const askedAtMs = Date.now();
    const response = await fetch(`${baseUrl}/v1/nodes`, { signal: limit });
    const answeredAtMs = Date.now();
    await response.body?.cancel();
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    return { aheadMs: aheadOf(dateMs, { askedAtMs, answeredAtMs }), isOpen: response.ok };
  } catch (error) {
    if (signal.aborted) throw error;
    return { aheadMs: undefined, isOpen: undefined };
  }
}

/** 0 where the answer may have been written between question and answer: the header leaves out up to a second. */
export function aheadOf(
  dateMs: number,
  { askedAtMs, answeredAtMs }: { readonly askedAtMs: number; readonly answeredAtMs: number },
): number | undefined {
  if (Number.isNaN(dateMs)) return undefined;
  if (dateMs > answeredAtMs) return dateMs - answeredAtMs;
  return dateMs + 1000 < askedAtMs ? dateMs + 1000 - askedAtMs : 0;
}
