/** Under which keys the index will be asked for the spans of a commit. */

import { tenantOfTimeline } from '../identity.js';
import type { Key } from '../ports.js';
import type { StoreRecord } from '../storage.js';
import type { Catalog } from './catalog.js';
import { spanRowKey } from './rows.js';

/** Of tenants that are known already: under a new one nothing is there to be found. */
export function spanKeysOf(records: readonly StoreRecord[], catalog: Catalog): readonly Key[] {
  const keys: Key[] = [];
  for (const record of records) {
    if (record.kind !== 'entry') continue;
    const { header, spans } = record.entry;
    const tenant = tenantOfTimeline(header.scope);
    const ordinal = tenant === undefined ? undefined : catalog.tenantOrdinal(tenant);
    if (ordinal !== undefined) for (const { id } of spans) keys.push(spanRowKey(ordinal, id));
  }
  return keys;
}
