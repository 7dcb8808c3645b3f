/** The trust graph as people see it: why a key has the level it has, and who said what with which effect. */

import { toKey } from './bytes.js';
import { compareStamps, type Stamp } from './clock.js';
import type { Fingerprint, TrustLevel } from './identity.js';
import type { TrustStatement, VerificationMethod } from './statement.js';
import type { End } from './trust-bars.js';
import { compareFacts, type FactBook, type TrustFact, type VerifyStatement } from './trust-facts.js';
import type { TrustReading } from './trust-reading.js';

/** A statement as a reason names it. `statement`: hash of its entry. */
export interface Said {
  readonly by: Fingerprint;
  readonly statement: Uint8Array;
  readonly stamp: Stamp;
}

export type TrustReason =
  | { readonly kind: 'self' }
  | ({ readonly kind: 'verified_by_us'; readonly name: string; readonly method: VerificationMethod } & Said)
  /** It goes on in the place of `from`, which the root trusted. */
  | { readonly kind: 'inherited'; readonly from: Fingerprint }
  /** Trusted keys that verify it, and how many it takes. */
  | { readonly kind: 'vouched'; readonly by: readonly Fingerprint[]; readonly needed: number }
  | ({ readonly kind: 'revoked'; readonly reason: string } & Said)
  | ({ readonly kind: 'overridden'; readonly reason: string } & Said)
  /** A revocation without effect. */
  | ({ readonly kind: 'disregarded'; readonly reason: string; readonly since: DisregardedSince } & Said)
  | ({ readonly kind: 'rotated'; readonly to: Fingerprint } & Said)
  /** Two different keys claim to follow it: until the root verifies one of them, none does. */
  | { readonly kind: 'frozen'; readonly between: readonly Fingerprint[] }
  | { readonly kind: 'trusts_us' }
  | { readonly kind: 'awaits_their_word' }
  | ({ readonly kind: 'introduced'; readonly name: string; readonly address: string } & Said)
  | { readonly kind: 'nobody_vouches' };

/** Nobody's word ends the root at itself; a signer may not be followed, or may have been ended before it said so. */
export type DisregardedSince = 'of_ourselves' | 'not_followed' | 'ended_before';

export interface TrustEdge {
  readonly from: Fingerprint;
  readonly to: Fingerprint;
  readonly kind: TrustStatement['kind'];
  /** Hash of the entry. */
  readonly statement: Uint8Array;
  readonly stamp: Stamp;
  /** Whether the root's answers rest on it. */
  readonly effective: boolean;
  readonly overridden: boolean;
}

/** Reasons of one kind that anybody can add to are shown up to so many. */
const SHOWN_OF_OTHERS = 20;

interface Known {
  readonly reading: TrustReading;
  readonly book: FactBook;
}

/** Reasons in a fixed order: ours first, then what ends the key, then others. */
export function whyOf(
  key: Fingerprint,
  known: Known & { readonly vouchers: number; readonly level: TrustLevel },
): readonly TrustReason[] {
  const { reading, book, level } = known;
  const { roots } = reading;
  const status = reading.statusOf(key);
  const said = [...book.saidOf(key)].sort(compareFacts);
  const reasons: TrustReason[] = roots.keys.has(key) ? [{ kind: 'self' }] : [];
  reasons.push(...ownWords(roots.own.get(key) ?? []));
  for (const from of reading.voices.get(key) ?? []) {
    if (from !== key && roots.own.has(from)) reasons.push({ kind: 'inherited', from });
  }
  const vouchers = [...(reading.vouchers.get(key) ?? [])].sort();
  if (vouchers.length > 0) reasons.push({ kind: 'vouched', by: vouchers, needed: known.vouchers });
  reasons.push(...endReasons(status.revocations, 'revoked'), ...endReasons(status.overridden, 'overridden'));
  const rotations = status.rotations.map(({ facts: [fact] }) => fact).sort(compareFacts);
  for (const fact of rotations) reasons.push({ kind: 'rotated', to: fact.about, ...saidBy(fact) });
  const between = [...new Set(rotations.map((fact) => fact.about))].sort();
  if (between.length > 1 && reading.lineOf(key) === undefined) reasons.push({ kind: 'frozen', between });
  if (level === 'verified' && reasons[0]?.kind !== 'self') reasons.push({ kind: 'trusts_us' });
  if (level === 'pending') reasons.push({ kind: 'awaits_their_word' });
  reasons.push(...disregarded(said, key, reading).slice(0, SHOWN_OF_OTHERS));
  reasons.push(...introductions(said).slice(0, SHOWN_OF_OTHERS));
  if (level === 'unknown' && vouchers.length === 0) reasons.push({ kind: 'nobody_vouches' });
  return reasons;
}

/** Each name and method once, since when it is said: whoever was taken back was verified again. */
function ownWords(facts: readonly TrustFact<VerifyStatement>[]): readonly TrustReason[] {
  const words = new Map<string, TrustReason>();
  const oldestFirst = (a: TrustFact, b: TrustFact): number =>
    compareStamps(a.stamp, b.stamp) || compareFacts(a, b);
  for (const fact of [...facts].sort(oldestFirst)) {
    const { name, method } = fact.statement;
    const word = `${method} ${name}`;
    if (!words.has(word)) words.set(word, { kind: 'verified_by_us', name, method, ...saidBy(fact) });
  }
  return [...words.values()];
}

const DISREGARDED: Readonly<Record<DisregardedSince, string>> = {
  of_ourselves: 'a node does not end itself on the word of others',
  not_followed: 'this node does not follow that key',
  ended_before: 'that key was ended before it said so',
};

/** One sentence for people. `nameOf` turns a key into what they call it. */
export function sentenceOf(reason: TrustReason, nameOf: (key: Fingerprint) => string): string {
  switch (reason.kind) {
    case 'self':
      return 'this node itself';
    case 'verified_by_us':
      return `verified here as ${reason.name}, by ${reason.method}`;
    case 'inherited':
      return `goes on in the place of ${nameOf(reason.from)}, which rotated its key`;
    case 'vouched':
      return `${reason.by.length} of ${reason.needed} needed vouch for it: ${reason.by.map(nameOf).join(', ')}`;
    case 'revoked':
      return `revoked by ${nameOf(reason.by)}${because(reason.reason)}`;
    case 'overridden':
      return `the revocation by ${nameOf(reason.by)}${because(reason.reason)} is overridden here`;
    case 'disregarded':
      return `the revocation by ${nameOf(reason.by)}${because(reason.reason)} does not count here: ${DISREGARDED[reason.since]}`;
    case 'rotated':
      return `ended by its own rotation to ${nameOf(reason.to)}`;
    case 'frozen':
      return `two keys claim to follow it: verify one of ${reason.between.map(nameOf).join(', ')}`;
    case 'trusts_us':
      return 'trusts this node too';
    case 'awaits_their_word':
      return 'has not said yet that it trusts this node: its operator has to';
    case 'introduced':
      return `${nameOf(reason.by)} knows it as ${reason.name} at ${reason.address}`;
    case 'nobody_vouches':
      return 'nobody trusted here vouches for it';
    default:
      return reason satisfies never;
  }
}

/** What a key is called: by the root, latest first; else by others. */
export function namesOf(key: Fingerprint, { roots }: TrustReading, book: FactBook): readonly string[] {
  const latestFirst = (a: TrustFact, b: TrustFact): number =>
    compareStamps(b.stamp, a.stamp) || compareFacts(a, b);
  const own = [...(roots.own.get(key) ?? [])].sort(latestFirst);
  if (own.length > 0) return own.map((fact) => fact.statement.name);
  const names: string[] = [];
  for (const { statement } of [...book.saidOf(key)].sort(latestFirst))
    if (statement.kind === 'verify' || statement.kind === 'introduce') names.push(statement.name);
  return names;
}

/** All that a key has said, in the order of its feeds. */
export function* edgesOf(
  key: Fingerprint,
  { reading, book, depth }: Known & { readonly depth: number },
): Generator<TrustEdge> {
  const signer = book.signers.get(key);
  if (signer === undefined) return;
  const { roots } = reading;
  const isRoot = roots.keys.has(key);
  const speaker = reading.speakerOf(key);
  const vouches = speaker !== undefined && (reading.rings.get(speaker) ?? depth) < depth;
  const facts: TrustFact[] = [
    ...[...signer.introductions.values()].flat(),
    ...book.allVerificationsBy(key),
    ...[...signer.revocations.values()].flatMap((list) => [...list.values()].flatMap((one) => one.facts)),
    ...signer.rotations,
  ];
  for (const fact of facts.sort(compareFacts)) {
    const { kind } = fact.statement;
    const ends = reading.statusOf(kind === 'rotate' ? fact.by : fact.about);
    const isOneOf = (list: readonly End[]): boolean =>
      list.some((end) => end.facts.some((one) => isSame(one, fact)));
    let effective = false;
    // Its word about us decides whether it is verified or pending, and nothing else at any distance.
    const isHeard = vouches || (speaker !== undefined && roots.keys.has(fact.about));
    if (kind === 'verify') effective = isRoot ? isOwn(fact, reading) : isHeard && reading.counts(fact);
    else if (kind === 'revoke') effective = isOneOf(ends.revocations);
    else if (kind === 'rotate') effective = isRoot ? roots.keys.has(fact.about) : isOneOf(ends.rotations);
    yield {
      from: key,
      to: fact.about,
      kind,
      statement: fact.hash,
      stamp: fact.stamp,
      effective,
      overridden: kind === 'revoke' && isOneOf(ends.overridden),
    };
  }
}

function isOwn(fact: TrustFact, { roots }: TrustReading): boolean {
  return (roots.own.get(fact.about) ?? []).some((one) => isSame(one, fact));
}

function isSame(a: TrustFact, b: TrustFact): boolean {
  return a.entry === b.entry && a.index === b.index;
}

function saidBy(fact: TrustFact): Said {
  return { by: fact.by, statement: fact.hash, stamp: fact.stamp };
}

function endReasons(ends: readonly End[], kind: 'revoked' | 'overridden'): readonly TrustReason[] {
  const facts = ends.map((end) => end.facts[0]).sort(compareFacts);
  return facts.map((fact) => ({ kind, reason: reasonOf(fact), ...saidBy(fact) }));
}

/** Revocations that neither stand nor were overridden. */
function disregarded(
  said: readonly TrustFact[],
  key: Fingerprint,
  reading: TrustReading,
): readonly TrustReason[] {
  const { revocations, overridden } = reading.statusOf(key);
  const shown = new Set(
    [...revocations, ...overridden].flatMap((end) => end.facts.map((fact) => fact.entry)),
  );
  const rest = said.filter((fact) => fact.statement.kind === 'revoke' && !shown.has(toKey(fact.hash)));
  return rest.map((fact) => ({
    kind: 'disregarded',
    reason: reasonOf(fact),
    since: whyDisregarded(fact, reading),
    ...saidBy(fact),
  }));
}

function whyDisregarded({ by, about }: TrustFact, { roots, followed }: TrustReading): DisregardedSince {
  if (roots.keys.has(about)) return 'of_ourselves';
  return followed.keys.has(by) || roots.keys.has(by) ? 'ended_before' : 'not_followed';
}

function introductions(said: readonly TrustFact[]): readonly TrustReason[] {
  return said.flatMap((fact) =>
    fact.statement.kind === 'introduce'
      ? [{ kind: 'introduced', name: fact.statement.name, address: fact.statement.address, ...saidBy(fact) }]
      : [],
  );
}

function reasonOf({ statement }: TrustFact): string {
  return statement.kind === 'revoke' ? statement.reason : '';
}

function because(reason: string): string {
  return reason === '' ? '' : ` (${reason})`;
}
