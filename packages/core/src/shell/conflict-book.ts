/** The conflicts of tenants, as they are asked for. */

import { conflictIdOf, spanOfConflictId } from '../annotation.js';
import { LoglineError } from '../errors.js';
import type { TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Tools } from '../ports.js';
import type { SpanId } from '../span.js';
import type { Contested, ContestedPlace, Storage } from '../storage.js';
import type { ConflictJudge } from './conflict-judge.js';
import { describeConflict, type Conflict } from './conflicts.js';

export interface ConflictQuery {
  readonly state?: 'open' | 'resolved' | undefined;
  readonly field?: string | undefined;
  readonly span?: SpanId | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface ConflictPage {
  readonly conflicts: readonly Conflict[];
  /** `null` at the end. A page may be short of `limit`, or empty, and still not be the last. */
  readonly nextCursor: string | null;
}

export interface ConflictBookWorld {
  readonly storage: Storage;
  readonly tools: Tools;
  readonly judge: ConflictJudge;
}

const PAGE_ROWS = 256;

export class ConflictBook {
  readonly #world: ConflictBookWorld;

  constructor(world: ConflictBookWorld) {
    this.#world = world;
  }

  /** Ascending by span. Rejects with `bad_cursor`. */
  async list(tenant: TenantId, query: ConflictQuery): Promise<ConflictPage> {
    const limit = Math.max(1, Math.min(query.limit ?? LIMITS.pageConflicts, LIMITS.pageConflicts));
    const { storage, tools } = this.#world;
    const conflicts: Conflict[] = [];
    let after: Pick<ContestedPlace, 'span' | 'field'> | undefined = await this.#startOf(tenant, query.cursor);
    let judged = 0;
    for (let looked = 0; ;) {
      const rows = await storage.annotations.contested(tenant, { after, span: query.span, limit: PAGE_ROWS });
      for (const row of rows) {
        const isFull = conflicts.length === limit || judged >= limit * 4 || looked >= LIMITS.pageRows;
        if (isFull && after !== undefined)
          return { conflicts, nextCursor: conflictIdOf(tenant, after.span, after.field, tools) };
        looked++;
        after = row;
        if (!this.#mayMatch(tenant, row, query)) continue;
        judged++;
        const conflict = await this.#judge(tenant, row);
        if (conflict !== undefined && (query.state ?? conflict.state) === conflict.state)
          conflicts.push(conflict);
      }
      if (rows.length < PAGE_ROWS) return { conflicts, nextCursor: null };
    }
  }

  /** With the bodies that are candidates; `undefined` where there is none of this id. */
  async get(tenant: TenantId, id: string): Promise<Conflict | undefined> {
    const place = await this.find(tenant, id);
    return place === undefined ? undefined : this.#world.judge.conflictAt(place);
  }

  /** Fields of a span that several nodes spoke of. */
  async contestedFields(tenant: TenantId, span: SpanId): Promise<readonly string[]> {
    const limit = LIMITS.assertedFields;
    const rows = await this.#world.storage.annotations.contested(tenant, { span, limit });
    return rows.map(({ field }) => field);
  }

  /** What a conflict of this id would be about, where several nodes spoke of that. */
  async find(tenant: TenantId, id: string): Promise<ContestedPlace | undefined> {
    const span = spanOfConflictId(id);
    if (span === undefined) return undefined;
    const { storage, tools } = this.#world;
    for (let after: Contested | undefined; ;) {
      const rows = await storage.annotations.contested(tenant, { span, after, limit: PAGE_ROWS });
      const found = rows.find(({ field }) => conflictIdOf(tenant, span, field, tools) === id);
      if (found !== undefined) return { tenant, span, field: found.field };
      after = rows.at(-1);
      if (rows.length < PAGE_ROWS) return undefined;
    }
  }

  /** A cursor is the id of what was looked at last. */
  async #startOf(tenant: TenantId, cursor: string | undefined): Promise<ContestedPlace | undefined> {
    const place = cursor === undefined ? undefined : await this.find(tenant, cursor);
    if (cursor !== undefined && place === undefined)
      throw new LoglineError('bad_cursor', 'the cursor is not one that this list returned');
    return place;
  }

  async #judge(tenant: TenantId, { span, field }: Contested): Promise<Conflict | undefined> {
    const { judge, tools } = this.#world;
    const reading = await judge.judge({ tenant, span, field });
    return reading && describeConflict({ tenant, span }, reading, { tools });
  }

  /** Whether a row is worth judging: what was found of it before may say that it is not. */
  #mayMatch(tenant: TenantId, row: Contested, { field, state }: ConflictQuery): boolean {
    if (field !== undefined && field !== row.field) return false;
    if (row.verdict === undefined || !this.#world.judge.isFresh(tenant, row)) return true;
    const found = row.verdict.state;
    return found !== 'none' && (state === undefined || (state === 'open') === (found === 'open'));
  }
}
