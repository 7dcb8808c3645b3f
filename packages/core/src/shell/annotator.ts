/** Annotations of one tenant's spans: said, read with the span, and shown with everything that was ever said. */

import { formatRef } from '../assertion.js';
import { planChanges, planResolution, type AnnotationPlan } from '../annotation-plan.js';
import { annotateSpan, versionOf } from '../annotation-view.js';
import { isOpen, type AnnotationReading, type FieldReading, type SpanClaim } from '../annotation.js';
import { fromKey } from '../bytes.js';
import type { Why } from '../claims.js';
import { LoglineError } from '../errors.js';
import { fingerprintOf, type Fingerprint, type TenantId } from '../identity.js';
import type { Json, JsonObject } from '../json.js';
import type { Tools } from '../ports.js';
import { formatSpanId, parseSpanId, type SpanId } from '../span.js';
import type { Committer } from './committer.js';
import type { ConflictBook, ConflictPage, ConflictQuery } from './conflict-book.js';
import type { ConflictCount } from './conflict-count.js';
import type { ConflictJudge } from './conflict-judge.js';
import { valueOf, type Conflict } from './conflicts.js';
import type { Saying } from './jobs.js';
import type { SpanReading, SpanReadings } from './span-readings.js';

/** A span as it is read. */
export interface AnnotatedSpan {
  /** UUID text in lower case. */
  readonly id: string;
  /** Its JSON with what is said of it; `undefined` while the span itself is not here. */
  readonly span: Uint8Array | undefined;
  /** Names the reading: 32 hex digits, equal on nodes with the same accepted entries and the same rules. */
  readonly version: string;
  /** Fields on which people have to decide. */
  readonly conflicted: readonly string[];
}

/** Something that was said of a span, or one of its bodies. */
export interface HistoryItem {
  /** Names it: the hash of its entry in hex, a dot, and its place there. */
  readonly ref: string;
  readonly field: string;
  readonly op: 'body' | 'set' | 'resolve' | 'add' | 'remove' | 'note';
  /** Of a body the SHA-256 of its content, in hex. */
  readonly value: Json;
  /** Said with a resolution. */
  readonly note: string | undefined;
  readonly node: Fingerprint;
  readonly atMs: number;
  /** Why it is what is read, or is not. */
  readonly why: Why | 'noted';
  /** What superseded it first. */
  readonly by: string | undefined;
}

export interface SpanHistory {
  readonly id: string;
  readonly version: string;
  /** Field by field, each in the order in which it was said. */
  readonly assertions: readonly HistoryItem[];
}

export interface AnnotateOptions {
  /** The version that the caller has read: rejects with `version_mismatch` where another is read now. */
  readonly ifVersion?: string | undefined;
}

/** What the reading of a tenant hangs on. */
export interface ReadingDigest {
  /** Policies and priorities. */
  readonly rules: string;
  /** What is accepted of spans and annotations. */
  readonly accepted: string;
}

/** One of the candidates, named by its `ref`, or another value. */
export type Decision = ({ readonly choose: string } | { readonly value: Json }) & {
  readonly note?: string | undefined;
};

export interface AnnotatorWorld {
  readonly conflicts: ConflictBook;
  readonly digestOf: (tenant: TenantId) => ReadingDigest;
  readonly judge: ConflictJudge;
  readonly count: Pick<ConflictCount, 'openCount'>;
  readonly readings: SpanReadings;
  readonly committer: Committer;
  readonly tools: Tools;
  /** Who signs. */
  readonly ownKey: Uint8Array;
}

export class Annotator {
  readonly #tenant: TenantId;
  readonly #world: AnnotatorWorld;

  constructor(tenant: TenantId, world: AnnotatorWorld) {
    this.#tenant = tenant;
    this.#world = world;
  }

  /**
   * Says what a JSON merge patch changes. Resolves with the new reading when it is durable here. The span need not be here
   * yet. Rejects with `bad_request`, with `conflict_open` where people have to decide first, or with `version_mismatch`.
   */
  async annotate(id: string, patch: JsonObject, options: AnnotateOptions = {}): Promise<AnnotatedSpan> {
    const span = parseSpanId(id);
    if (span === undefined) throw new LoglineError('bad_request', 'id: expected a UUID');
    await this.#world.committer.say(this.#tenant, span, () => this.#plan(span, patch, options));
    return this.#present(span, await this.#world.readings.read(this.#tenant, span));
  }

  /** `undefined` where neither the span nor anything about it is here. */
  async read(id: string): Promise<AnnotatedSpan | undefined> {
    const span = parseSpanId(id);
    const found = span === undefined ? undefined : await this.#find(span);
    return span === undefined || found === undefined ? undefined : this.#present(span, found);
  }

  async history(id: string): Promise<SpanHistory | undefined> {
    const span = parseSpanId(id);
    const found = span === undefined ? undefined : await this.#find(span);
    if (span === undefined || found === undefined) return undefined;
    const { reading } = found;
    const judged = reading.identity === undefined ? reading.fields : [reading.identity, ...reading.fields];
    const assertions = [
      ...judged.flatMap(({ field, judgement }) => judgement.verdicts.map((one) => itemOf(field, one))),
      ...reading.tags.flatMap(({ judgement }) => judgement.verdicts.map((one) => itemOf('tags', one))),
      ...reading.notes.map((claim) => itemOf('notes', { claim, why: 'noted', by: undefined })),
    ];
    return { id: formatSpanId(span), version: this.#versionOf(reading), assertions };
  }

  /** Pages of what nodes are, or were, at odds about. Rejects with `bad_cursor`. */
  conflicts(query: ConflictQuery = {}): Promise<ConflictPage> {
    return this.#world.conflicts.list(this.#tenant, query);
  }

  /** How many wait for a decision: those that came just now may not be counted yet. */
  openConflicts(): number {
    return this.#world.count.openCount(this.#tenant);
  }

  /** `undefined` where there is none of this id. */
  conflict(id: string): Promise<Conflict | undefined> {
    return this.#world.conflicts.get(this.#tenant, id);
  }

  /**
   * Decides a conflict, durably. The same decision again changes nothing. Rejects with `unknown_conflict`,
   * `conflict_closed` where somebody has decided otherwise, or `bad_request`.
   */
  async resolve(id: string, decision: Decision): Promise<Conflict> {
    const { conflicts, judge, committer } = this.#world;
    const place = await conflicts.find(this.#tenant, id);
    if (place === undefined) throw unknownConflict(id);
    await committer.say(this.#tenant, place.span, async () => {
      const reading = await judge.judge(place);
      if (reading?.judgement.dispute === undefined) throw unknownConflict(id);
      const about = { span: place.span, origin: this.#world.ownKey, text: this.#world.tools.text };
      return sayingOf(planResolution(about, reading, decision, decision.note ?? ''));
    });
    const conflict = await judge.conflictAt(place);
    if (conflict === undefined) throw unknownConflict(id);
    return conflict;
  }

  /** A span as it is read, whether anything of it is here or not. */
  async present(span: SpanId): Promise<AnnotatedSpan> {
    return this.#present(span, await this.#world.readings.read(this.#tenant, span));
  }

  /** What nodes are, or were, at odds about among some fields of a span. */
  async conflictsAbout(span: SpanId, fields: ReadonlySet<string>): Promise<readonly Conflict[]> {
    const { judge, conflicts } = this.#world;
    const found: Conflict[] = [];
    for (const field of await conflicts.contestedFields(this.#tenant, span)) {
      const place = { tenant: this.#tenant, span, field };
      const conflict = fields.has(field) ? await judge.conflictAt(place) : undefined;
      if (conflict !== undefined) found.push(conflict);
    }
    return found;
  }

  async #find(span: SpanId): Promise<SpanReading | undefined> {
    const found = await this.#world.readings.read(this.#tenant, span);
    const { bodies, assertions } = found.said;
    return bodies.length === 0 && assertions.length === 0 ? undefined : found;
  }

  async #plan(span: SpanId, patch: JsonObject, { ifVersion }: AnnotateOptions): Promise<Saying> {
    const { readings, ownKey, tools } = this.#world;
    const { reading, body } = await readings.read(this.#tenant, span);
    const version = this.#versionOf(reading);
    if (ifVersion !== undefined && ifVersion !== version) {
      throw new LoglineError(
        'version_mismatch',
        `the span has changed: its version is ${version}, not ${ifVersion.slice(0, 64)}: read it again and decide anew`,
      );
    }
    const about = { span, origin: ownKey, reading, members: body?.members ?? {}, text: tools.text };
    return sayingOf(planChanges(about, patch));
  }

  #present(id: SpanId, { reading, body }: SpanReading): AnnotatedSpan {
    return {
      id: formatSpanId(id),
      span: body === undefined ? undefined : annotateSpan(body, reading, this.#world.tools.text),
      version: this.#versionOf(reading),
      conflicted: openFields(reading).map(({ field }) => field),
    };
  }

  #versionOf(reading: AnnotationReading): string {
    return versionOf(reading, this.#world.tools.crypto);
  }
}

function unknownConflict(id: string): LoglineError {
  return new LoglineError('unknown_conflict', `no conflict ${id.slice(0, 64)} is known: list those that are`);
}

/** What a plan says, or throws what is in its way. */
export function sayingOf(plan: AnnotationPlan): Saying {
  switch (plan.kind) {
    case 'say':
      return plan;
    case 'fault':
      throw new LoglineError('bad_request', plan.reason);
    case 'conflict_open':
      throw new LoglineError(
        'conflict_open',
        `${plan.fields.join(', ')}: nodes are at odds about it, and somebody has to decide first: see GET /v1/conflicts`,
      );
    case 'conflict_closed':
      throw new LoglineError(
        'conflict_closed',
        `somebody has decided otherwise already, on ${plan.value.slice(0, 200)}: annotate the span to change it`,
      );
    default:
      return plan satisfies never;
  }
}

function openFields(reading: AnnotationReading): readonly FieldReading[] {
  const all = reading.identity === undefined ? reading.fields : [reading.identity, ...reading.fields];
  return all.filter(isOpen);
}

function itemOf(
  field: string,
  {
    claim,
    why,
    by,
  }: { readonly claim: SpanClaim; readonly why: HistoryItem['why']; readonly by: SpanClaim | undefined },
): HistoryItem {
  const { assertion } = claim;
  return {
    ref: formatRef(claim.ref),
    field,
    op: assertion?.op ?? 'body',
    value: valueOf(claim),
    note: assertion?.op === 'resolve' ? assertion.note : undefined,
    node: fingerprintOf(fromKey(claim.origin)),
    atMs: claim.stamp.ms,
    why,
    by: by === undefined ? undefined : formatRef(by.ref),
  };
}
