/** Reads all that a node shows, page by page over REST, as any of its users would. */

import { createHash } from 'node:crypto';
import { parseInstant } from '@logline/federation-core';
import type { LoglineFederationClient } from 'logline-federation-client';
import type { Reading, ReadSpan } from './compare.js';

const PAGE = 1000;
const SUM_CHARS = 12;
const REPORT_EVERY = 500;

export interface ReadOptions {
  readonly node: string;
  readonly client: LoglineFederationClient;
  readonly tenants: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (spans: number) => void;
}

/**
 * Reads the tenants' timelines. The digest is SHA-256 over, for each tenant in the order given, its name and then the
 * bytes of its spans in reading order, a line each. Rejects where a page is not in ascending order of instant, then id.
 */
export async function readNode(options: ReadOptions): Promise<Reading> {
  const { node, client, signal } = options;
  const digest = createHash('sha256');
  const tenants = new Map<string, readonly ReadSpan[]>();
  let count = 0;
  for (const tenant of options.tenants) {
    const spans: ReadSpan[] = [];
    let before = '';
    digest.update(`${tenant}\n`);
    for await (const line of client.lines({ tenant_id: tenant, limit: PAGE }, { signal })) {
      const { id, timestamp } = JSON.parse(line) as { readonly id: string; readonly timestamp: string };
      const place = `${parseInstant(timestamp) ?? ''}${id.toLowerCase()}`;
      if (place < before) {
        throw new Error(
          `${node} shows ${id} (${timestamp}) of ${tenant} out of order: please report this as a bug`,
        );
      }
      before = place;
      digest.update(line).update('\n');
      spans.push({ id, sum: createHash('sha256').update(line).digest('hex').slice(0, SUM_CHARS) });
      if (++count % REPORT_EVERY === 0) options.onProgress?.(count);
    }
    tenants.set(tenant, spans);
  }
  return { node, tenants, digest: digest.digest('hex') };
}
