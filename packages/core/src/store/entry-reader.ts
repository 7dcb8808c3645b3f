/** Entries of feeds read back from the log by way of their rows. */

import type { FeedKey } from '../feed.js';
import type { StoredEntry, Tally } from '../storage.js';
import type { Catalog } from './catalog.js';
import type { Log } from './log.js';
import { damagedAt, RECORD_KIND } from './records.js';
import type { RowIndex } from './row-index.js';
import * as rows from './rows.js';

const ENTRY_ROWS = 256;
const TALLY_ROWS = 4096;

export class EntryReader {
  readonly #log: Log;
  readonly #index: RowIndex;
  readonly #catalog: Catalog;

  constructor(log: Log, index: RowIndex, catalog: Catalog) {
    this.#log = log;
    this.#index = index;
    this.#catalog = catalog;
  }

  /** Entries `from` to `to` of a feed, in order, until about `bytesMost` bytes or the first that is absent. */
  async entries(
    key: FeedKey,
    range: { readonly from: number; readonly to: number; readonly bytesMost: number },
  ): Promise<readonly StoredEntry[]> {
    const feed = this.#catalog.knownOrdinal(key);
    const found: StoredEntry[] = [];
    let bytes = 0;
    let next = range.from;
    while (feed !== undefined && next <= range.to && bytes < range.bytesMost) {
      const page = await this.#index.scan({
        from: rows.entryRowKey(feed, next),
        to: rows.entryRowKey(feed, range.to + 1),
        limit: ENTRY_ROWS,
      });
      const run = page.filter(([rowKey], i) => rowKey === rows.entryRowKey(feed, next + i));
      if (run.length === 0) break;
      const read = await this.#readEntries(
        run.map(([, value]) => rows.readPosition(value)),
        range.bytesMost - bytes,
      );
      for (const [i, entry] of read.entries()) {
        bytes += entry.bytes.length;
        const row = run[i]?.[1];
        found.push(row === undefined ? entry : { ...entry, spans: rows.spansOfEntryRow(row) });
      }
      next += read.length;
    }
    return found;
  }

  /** What is held of a feed at or above a seq: told by the rows alone. */
  async tally(key: FeedKey, from: number): Promise<Tally> {
    const feed = this.#catalog.knownOrdinal(key);
    const found = { entries: 0, spans: 0 };
    for (let next = from; feed !== undefined;) {
      const page = await this.#index.scan({
        from: rows.entryRowKey(feed, next),
        to: rows.entryRowKey(feed, Number.MAX_SAFE_INTEGER),
        limit: TALLY_ROWS,
      });
      found.entries += page.length;
      for (const [, value] of page) found.spans += rows.spansOfEntryRow(value);
      const last = page.at(-1);
      if (last === undefined || page.length < TALLY_ROWS) break;
      next = rows.seqOfEntryKey(last[0]) + 1;
    }
    return found;
  }

  async entryAt(position: number): Promise<StoredEntry> {
    const [entry] = await this.#readEntries([position], 1);
    if (entry === undefined) throw damagedAt(position);
    return entry;
  }

  /** Entries at some positions, in that order, until about `bytesMost` bytes: one read serves all that stand side by side. */
  async #readEntries(positions: readonly number[], bytesMost: number): Promise<readonly StoredEntry[]> {
    const found: StoredEntry[] = [];
    let bytes = 0;
    while (found.length < positions.length && bytes < bytesMost) {
      const at = positions[found.length] ?? 0;
      const { records } = await this.#log.readFrom(at, bytesMost - bytes);
      if (records[0]?.kind !== RECORD_KIND.entry) throw damagedAt(at);
      for (const { position, payload } of records) {
        if (position !== positions[found.length] || bytes >= bytesMost) break;
        found.push({ position, bytes: payload });
        bytes += payload.length;
      }
    }
    return found;
  }
}
