/** R8: what a span says after everything that is known of it: a pure fold over accepted assertions. */

import {
  refKey,
  type Assertion,
  type AssertionRef,
  type PlacedAssertion,
  type RegisterField,
} from './assertion.js';
import { EMPTY, numberKey, toHex, toKey } from './bytes.js';
import { compareClaims, judge, type Claim, type Judgement, type Rule } from './claims.js';
import type { Stamp } from './clock.js';
import { keyOfFingerprint, type Fingerprint, type TenantId } from './identity.js';
import { LIMITS } from './limits.js';
import type { Crypto, Text } from './ports.js';
import { formatSpanId, parseSpanId, type SpanId } from './span.js';
import type { ConflictPolicy } from './statement.js';

/** One of the bodies accepted under a span's id. */
export interface PlacedBody {
  readonly origin: Uint8Array;
  readonly stamp: Stamp;
  readonly epoch: Uint8Array;
  readonly seq: number;
  /** Its entry, and its place there. */
  readonly ref: AssertionRef;
  /** SHA-256 of its canonical JSON, in hex; may be empty where it is the only one. */
  readonly hash: string;
}

/** Everything accepted about one span, in any order. */
export interface SpanSayings {
  readonly bodies: readonly PlacedBody[];
  readonly assertions: readonly PlacedAssertion[];
}

/** How a tenant's conflicts are settled, and when. */
export interface AnnotationRules {
  readonly policyOf: (field: string) => ConflictPolicy;
  /** Highest first. */
  readonly priorities: readonly Fingerprint[];
  readonly nowMs: number;
}

/** A claim of a span's body, or of an assertion about the span. */
export interface SpanClaim extends Claim {
  readonly ref: AssertionRef;
  /** `undefined`: a body. */
  readonly assertion: Assertion | undefined;
}

/** A member of the span, judged. `identity`: which of several bodies is meant. */
export interface FieldReading {
  readonly field: RegisterField | 'identity';
  readonly policy: ConflictPolicy;
  readonly judgement: Judgement<SpanClaim>;
}

/** A tag that somebody added or took away. */
export interface TagReading {
  readonly tag: string;
  readonly present: boolean;
  readonly judgement: Judgement<SpanClaim>;
}

export interface AnnotationReading {
  /** Only where there is more than one body, or a word about them. */
  readonly identity: FieldReading | undefined;
  /** The body to show; `undefined` where none is here. */
  readonly body: PlacedBody | undefined;
  /** Ascending by field. */
  readonly fields: readonly FieldReading[];
  /** Ascending by tag. */
  readonly tags: readonly TagReading[];
  /** By stamp, then origin. */
  readonly notes: readonly SpanClaim[];
  /** When a stamp that lies ahead begins to count, in ms since 1970: the reading may change then by itself. */
  readonly recheckAtMs: number | undefined;
}

const ADDED = '+';

/** The one or the other policy of a field: its own, that of all `metadata`, that of everything, or `otherwise`. */
export function policyFor(
  policies: ReadonlyMap<string, ConflictPolicy>,
  field: string,
  otherwise: ConflictPolicy,
): ConflictPolicy {
  const ofMetadata = field.startsWith('metadata.') ? policies.get('metadata.*') : undefined;
  return policies.get(field) ?? ofMetadata ?? policies.get('*') ?? otherwise;
}

/** The same on every node; the span's id can be read from it. */
export function conflictIdOf(
  tenant: TenantId,
  span: SpanId,
  field: string,
  tools: { readonly crypto: Pick<Crypto, 'sha256'>; readonly text: Text },
): string {
  const about = tools.crypto.sha256(tools.text.encode(`${tenant}\0${field}`));
  return `${formatSpanId(span)}-${toHex(about.subarray(0, 8))}`;
}

/** The span that a conflict's id names; `undefined` where it is no such id. */
export function spanOfConflictId(id: string): SpanId | undefined {
  return /^[0-9a-f-]{36}-[0-9a-f]{16}$/.test(id) ? parseSpanId(id.slice(0, 36)) : undefined;
}

/** Judges one field of a span. Of the assertions those on other fields are passed over. */
export function readField(
  field: RegisterField | 'identity',
  said: SpanSayings,
  rules: AnnotationRules,
): FieldReading {
  const words = said.assertions.filter(({ assertion }) => assertion.field === field);
  const bodies = field === 'identity' ? said.bodies : [];
  return judgeField(field, [...bodies.map(claimOfBody), ...words.map(claimOf)], rules);
}

/** Reads everything that was said about one span. */
export function readAnnotations(said: SpanSayings, rules: AnnotationRules): AnnotationReading {
  const registers = new Map<RegisterField, SpanClaim[]>();
  const onTags = new Map<string, SpanClaim[]>();
  const notes: SpanClaim[] = [];
  for (const placed of said.assertions) {
    const { field, value } = placed.assertion;
    if (field === 'notes') notes.push(claimOf(placed));
    else if (field === 'tags') push(onTags, value, claimOf(placed));
    else if (field !== 'identity') push(registers, field, claimOf(placed));
  }
  const identity = readField('identity', said, rules);
  const fields = [...registers].map(([field, claims]) => judgeField(field, claims, rules));
  const tags = [...onTags].map(([tag, claims]) => readTag(tag, claims, rules));
  const horizonMs = horizonOf(rules);
  const nextMs = [
    ...[identity, ...fields, ...tags].map(({ judgement }) => judgement.nextMs),
    ...notes.map(({ stamp }) => (stamp.ms > horizonMs ? stamp.ms : undefined)),
  ].filter((ms) => ms !== undefined);
  return {
    identity: identity.judgement.verdicts.length > 1 ? identity : undefined,
    body: bodyToShow(said.bodies, identity, rules),
    fields: shareOut(fields, ({ field }) => field, LIMITS.shownFields),
    tags: shareOut(
      tags.filter(({ judgement }) => judgement.shown !== undefined),
      ({ tag }) => tag,
      LIMITS.shownTags,
    ),
    notes: shownNotes(notes.filter(({ stamp }) => stamp.ms <= horizonMs)),
    recheckAtMs: nextMs.length === 0 ? undefined : Math.min(...nextMs) - LIMITS.clockSkewMs,
  };
}

/** What is known of disputes: the fields where there is or was one. */
export function disputedFields(reading: AnnotationReading): readonly FieldReading[] {
  const all = reading.identity === undefined ? reading.fields : [...reading.fields, reading.identity];
  return all.filter(({ judgement }) => judgement.dispute !== undefined);
}

/** Whether people have to decide on a field. */
export function isOpen({ judgement }: FieldReading): boolean {
  return judgement.dispute !== undefined && judgement.dispute.settled === undefined;
}

function judgeField(
  field: RegisterField | 'identity',
  claims: readonly SpanClaim[],
  rules: AnnotationRules,
): FieldReading {
  const policy = rules.policyOf(field);
  return { field, policy, judgement: judge(claims, ruleOf(policy, rules)) };
}

/** Adding wins: a tag is there while one that added it is not answered by somebody who had seen that. */
function readTag(tag: string, claims: readonly SpanClaim[], rules: AnnotationRules): TagReading {
  const judgement = judge(claims, ruleOf('timestamp', rules));
  return { tag, present: judgement.standing.some(({ value }) => value === ADDED), judgement };
}

/** Of too many notes those go that their own origins have said most after. */
function shownNotes(notes: readonly SpanClaim[]): readonly SpanClaim[] {
  const latestFirst = notes.toSorted(compareClaims).toReversed();
  return fairly(latestFirst, ({ origin }) => origin, LIMITS.shownNotes).toSorted(compareClaims);
}

/**
 * The chosen body. Where that is not here, or not accepted, the others are read by the policy as if nobody had chosen.
 * T10: where the stamps of all lie ahead of the clock, the one whose time comes first.
 */
function bodyToShow(
  bodies: readonly PlacedBody[],
  identity: FieldReading,
  rules: AnnotationRules,
): PlacedBody | undefined {
  const claims = bodies.map(claimOfBody).sort(compareClaims);
  const isMeant = (claim: SpanClaim | undefined): boolean => claim?.value === identity.judgement.shown?.value;
  const due = claims.filter(({ stamp }) => stamp.ms <= horizonOf(rules));
  const chosen = due.findLast(isMeant) ?? judgeField('identity', due, rules).judgement.shown ?? claims[0];
  return bodies.find((body) => chosen !== undefined && refKey(body.ref) === chosen.id);
}

function ruleOf(policy: ConflictPolicy, rules: AnnotationRules): Rule<SpanClaim> {
  const ranks = new Map(rules.priorities.map((key, rank) => [toKey(keyOfFingerprint(key) ?? EMPTY), rank]));
  return { policy, horizonMs: horizonOf(rules), rankOf: (origin) => ranks.get(origin) ?? Infinity };
}

function horizonOf({ nowMs }: AnnotationRules): number {
  return nowMs + LIMITS.clockSkewMs;
}

function claimOf(placed: PlacedAssertion): SpanClaim {
  const { assertion } = placed;
  const { op } = assertion;
  const isTag = op === 'add' || op === 'remove';
  return {
    ...placeOf(placed),
    kind: op === 'resolve' ? 'resolve' : 'set',
    value: isTag ? (op === 'add' ? ADDED : '') : assertion.value,
    supersedes: assertion.supersedes.map(refKey),
    assertion,
  };
}

function claimOfBody(body: PlacedBody): SpanClaim {
  const value = JSON.stringify(body.hash);
  return { ...placeOf(body), kind: 'body', value, supersedes: [], assertion: undefined };
}

function placeOf({
  origin,
  stamp,
  epoch,
  seq,
  ref,
}: PlacedBody | PlacedAssertion): Pick<SpanClaim, 'id' | 'origin' | 'stamp' | 'place' | 'ref'> {
  const place = toKey(epoch) + numberKey(seq, 7) + numberKey(ref.index, 7);
  return { id: refKey(ref), origin: toKey(origin), stamp, place, ref };
}

/** Ascending by name; of too many, those that come last among those of the origin with the most. */
function shareOut<R extends { readonly judgement: Judgement<SpanClaim> }>(
  readings: readonly R[],
  nameOf: (reading: R) => string,
  most: number,
): readonly R[] {
  const byName = readings.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const originOf = ({ judgement }: R): string => judgement.shown?.origin ?? '';
  const shared = fairly(byName, originOf, most);
  return shared.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** The first of every origin, then the second of every one …: nobody's number pushes out those of others. */
function fairly<T>(list: readonly T[], originOf: (one: T) => string, most: number): readonly T[] {
  if (list.length <= most) return list;
  const counts = new Map<string, number>();
  const ranked = list.map((one) => {
    const rank = counts.get(originOf(one)) ?? 0;
    counts.set(originOf(one), rank + 1);
    return { one, rank };
  });
  ranked.sort((a, b) => a.rank - b.rank);
  return ranked.slice(0, most).map(({ one }) => one);
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
