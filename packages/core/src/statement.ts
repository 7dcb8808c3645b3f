/** Statements: the signed facts of the scopes `trust` and `access/<tenant>`, and a node's own acts. One entry carries a few. */

import { decodeCanonicalCbor, encodeCbor, isBytes, isCborList, isCount, type Cbor } from './cbor.js';
import type { Stamp } from './clock.js';
import { EPOCH_BYTES, HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES } from './entry.js';
import {
  isNodeName,
  statementsOfScope,
  tenantOfAccess,
  tenantOfAnnotations,
  tenantOfTimeline,
} from './identity.js';
import { LIMITS } from './limits.js';

/** How a node came to believe that a key is whose name it bears. */
export type VerificationMethod = 'signature' | 'certificate';
export type ConflictPolicy = 'timestamp' | 'priority' | 'manual';

/** Which of an origin's feeds a cut is of: `t` its timeline, `n` its annotations, `a` its access statements, `-` its trust statements. */
export type CutPart = TenantPart | '-';
export type TenantPart = 't' | 'n' | 'a';

/** The last entry still accepted of one feed. `seq` 0 with a hash of zeros: nothing of it. */
export interface EpochCut {
  readonly part: CutPart;
  readonly epoch: Uint8Array;
  readonly seq: number;
  readonly hash: Uint8Array;
}

export type TrustStatement =
  /** "I know a node of this label there": lends no trust. */
  | { readonly kind: 'introduce'; readonly key: Uint8Array; readonly name: string; readonly address: string }
  /** "I trust this key", overriding for its signer alone the revocations whose entries it names. */
  | {
      readonly kind: 'verify';
      readonly key: Uint8Array;
      readonly name: string;
      readonly method: VerificationMethod;
      readonly over: readonly Uint8Array[];
    }
  /** "I no longer trust this key", with the cuts of its feeds in the scope `trust`. One that is not named is cut at nothing. */
  | {
      readonly kind: 'revoke';
      readonly key: Uint8Array;
      readonly cuts: readonly EpochCut[];
      readonly reason: string;
    }
  /** The end of the signer's own key, and the key that goes on: `proof` is the new key's word, see `rotationBody`. */
  | {
      readonly kind: 'rotate';
      readonly key: Uint8Array;
      readonly cuts: readonly EpochCut[];
      readonly proof: Uint8Array;
    };

export type AccessStatement =
  | { readonly kind: 'designate'; readonly key: Uint8Array }
  /** Neither `read` nor `write`: the right is withdrawn. */
  | { readonly kind: 'grant'; readonly key: Uint8Array; readonly read: boolean; readonly write: boolean }
  /** Highest first. */
  | { readonly kind: 'prioritise'; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'policy'; readonly field: string; readonly policy: ConflictPolicy }
  /** The cuts of a key's feeds of this tenant, under a revocation or rotation: the hash of its entry. */
  | {
      readonly kind: 'cut';
      readonly key: Uint8Array;
      readonly revocation: Uint8Array;
      readonly cuts: readonly EpochCut[];
    }
  /** The signer's word on which branch of its own forked feed stands: the one with this entry. */
  | {
      readonly kind: 'rule';
      readonly part: 't' | 'a';
      readonly epoch: Uint8Array;
      readonly seq: number;
      readonly hash: Uint8Array;
    };

/** What an operator did at this node. */
export interface ActStatement {
  readonly kind: 'act';
  readonly caller: string;
  readonly action: string;
  readonly detail: string;
  readonly outcome: string;
}

export type Statement = TrustStatement | AccessStatement | ActStatement;

/** A statement where it stands: who signed it, in which entry, when by the signer's clock, and at which place. */
export interface Placed<S extends Statement = Statement> {
  readonly statement: S;
  readonly origin: Uint8Array;
  /** Of the entry. */
  readonly hash: Uint8Array;
  readonly stamp: Stamp;
  readonly epoch: Uint8Array;
  readonly seq: number;
  /** Within the entry. */
  readonly index: number;
}

export type OpenedStatements =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly reason: string };

const ROTATION_DOMAIN = 'logline-federation/rotate/1\0';
const POLICIES: readonly string[] = ['timestamp', 'priority', 'manual'];

/**
 * What the new key of a rotation signs in `proof`: ASCII domain, old key, new key, cuts. The cuts are in it so that a
 * thief of the old key cannot state the same rotation again with other cuts.
 */
export function rotationBody(oldKey: Uint8Array, newKey: Uint8Array, cuts: readonly EpochCut[]): Uint8Array {
  return encodeCbor([ROTATION_DOMAIN, oldKey, newKey, cuts.map(writeCut)]);
}

/** The value of a change that carries these. */
export function sealStatements(statements: readonly Statement[]): Uint8Array {
  return encodeCbor(statements.map(toCbor));
}

/** Reads the value of a change in `scope`: exactly what `sealStatements` writes, of kinds that belong there. */
export function openStatements(value: Uint8Array, scope: string): OpenedStatements {
  if (value.length > LIMITS.statementsBytes)
    return { ok: false, reason: `statements of ${value.length} bytes, at most ${LIMITS.statementsBytes}` };
  const list = decodeCanonicalCbor(value);
  if (!isCborList(list) || list.length > LIMITS.statementsPerEntry)
    return { ok: false, reason: 'the statements are not deterministic CBOR, or too many' };
  const family = statementsOfScope(scope);
  const statements: Statement[] = [];
  for (const [i, item] of list.entries()) {
    const statement = fromCbor(item);
    if (statement === undefined)
      return { ok: false, reason: `statement ${i}: unknown, or a member is out of its bounds` };
    if (familyOf(statement) !== family)
      return { ok: false, reason: `statement ${i}: a ${statement.kind} does not belong into this scope` };
    statements.push(statement);
  }
  return { ok: true, statements };
}

/** In which kind of scope a statement belongs. */
export function familyOf(statement: Statement): 'trust' | 'access' | 'acts' {
  switch (statement.kind) {
    case 'introduce':
    case 'verify':
    case 'revoke':
    case 'rotate':
      return 'trust';
    case 'act':
      return 'acts';
    default:
      return 'access';
  }
}

/** By which letter cuts name the feeds of a scope. */
export function partOfScope(scope: string): CutPart {
  if (tenantOfTimeline(scope) !== undefined) return 't';
  if (tenantOfAnnotations(scope) !== undefined) return 'n';
  return tenantOfAccess(scope) === undefined ? '-' : 'a';
}

function toCbor(statement: Statement): Cbor {
  switch (statement.kind) {
    case 'introduce':
      return ['introduce', statement.key, statement.name, statement.address];
    case 'verify':
      return ['verify', statement.key, statement.name, statement.method, statement.over];
    case 'revoke':
      return ['revoke', statement.key, statement.cuts.map(writeCut), statement.reason];
    case 'rotate':
      return ['rotate', statement.key, statement.cuts.map(writeCut), statement.proof];
    case 'designate':
      return ['designate', statement.key];
    case 'grant':
      return ['grant', statement.key, statement.read, statement.write];
    case 'prioritise':
      return ['prioritise', statement.keys];
    case 'policy':
      return ['policy', statement.field, statement.policy];
    case 'cut':
      return ['cut', statement.key, statement.revocation, statement.cuts.map(writeCut)];
    case 'rule':
      return ['rule', statement.part, statement.epoch, statement.seq, statement.hash];
    case 'act':
      return ['act', statement.caller, statement.action, statement.detail, statement.outcome];
    default:
      return statement satisfies never;
  }
}

function fromCbor(value: Cbor): Statement | undefined {
  if (!isCborList(value)) return undefined;
  const [kind, first, second, third, fourth] = value;
  const has = (members: number): boolean => value.length === members + 1;
  switch (kind) {
    case 'introduce':
      return has(3) && isKey(first) && isName(second) && isText(third, LIMITS.addressChars)
        ? { kind, key: first, name: second, address: third }
        : undefined;
    case 'verify': {
      const over = readHashes(fourth);
      const isMethod = third === 'signature' || third === 'certificate';
      return has(4) && isKey(first) && isName(second) && isMethod && over !== undefined
        ? { kind, key: first, name: second, method: third, over }
        : undefined;
    }
    case 'revoke': {
      const cuts = readCuts(second, ['-']);
      return has(3) && isKey(first) && cuts !== undefined && isText(third, LIMITS.reasonChars)
        ? { kind, key: first, cuts, reason: third }
        : undefined;
    }
    case 'rotate': {
      const cuts = readCuts(second, ['-']);
      return has(3) && isKey(first) && cuts !== undefined && isBytes(third, SIGNATURE_BYTES)
        ? { kind, key: first, cuts, proof: third }
        : undefined;
    }
    case 'designate':
      return has(1) && isKey(first) ? { kind, key: first } : undefined;
    case 'grant':
      return has(3) && isKey(first) && typeof second === 'boolean' && typeof third === 'boolean'
        ? { kind, key: first, read: second, write: third }
        : undefined;
    case 'prioritise':
      return has(1) && isCborList(first) && first.length <= LIMITS.prioritisedNodes && first.every(isKey)
        ? { kind, keys: first }
        : undefined;
    case 'policy':
      return has(2) && isText(first, LIMITS.fieldChars) && isPolicy(second)
        ? { kind, field: first, policy: second }
        : undefined;
    case 'cut': {
      const cuts = readCuts(third, ['t', 'n', 'a']);
      return has(3) && isKey(first) && isBytes(second, HASH_BYTES) && cuts !== undefined
        ? { kind, key: first, revocation: second, cuts }
        : undefined;
    }
    case 'rule': {
      const isPart = first === 't' || first === 'a';
      return has(4) && isPart && isBytes(second, EPOCH_BYTES) && isSeq(third) && isBytes(fourth, HASH_BYTES)
        ? { kind, part: first, epoch: second, seq: third, hash: fourth }
        : undefined;
    }
    case 'act': {
      const isSaid = (text: Cbor | undefined): text is string => isText(text, LIMITS.actChars);
      return has(4) && isSaid(first) && isSaid(second) && isSaid(third) && isSaid(fourth)
        ? { kind, caller: first, action: second, detail: third, outcome: fourth }
        : undefined;
    }
    default:
      return undefined;
  }
}

function writeCut(cut: EpochCut): Cbor {
  return [cut.part, cut.epoch, cut.seq, cut.hash];
}

/** Each feed at most once, of the given parts alone. */
function readCuts(value: Cbor | undefined, parts: readonly CutPart[]): readonly EpochCut[] | undefined {
  if (!isCborList(value) || value.length > LIMITS.cutsPerStatement) return undefined;
  const cuts: EpochCut[] = [];
  const named = new Set<string>();
  for (const item of value) {
    if (!isCborList(item) || item.length !== 4) return undefined;
    const [tag, epoch, seq, hash] = item;
    const part = parts.find((one) => one === tag);
    if (part === undefined || !isBytes(epoch, EPOCH_BYTES) || !isCount(seq) || !isBytes(hash, HASH_BYTES))
      return undefined;
    named.add(`${part}${epoch.join()}`);
    cuts.push({ part, epoch, seq, hash });
  }
  return named.size === cuts.length ? cuts : undefined;
}

function readHashes(value: Cbor | undefined): readonly Uint8Array[] | undefined {
  if (!isCborList(value) || value.length > LIMITS.overriddenRevocations) return undefined;
  const hashes = value.filter((item) => isBytes(item, HASH_BYTES));
  return hashes.length === value.length ? hashes : undefined;
}

function isKey(value: Cbor | undefined): value is Uint8Array {
  return isBytes(value, KEY_BYTES);
}

function isName(value: Cbor | undefined): value is string {
  return typeof value === 'string' && isNodeName(value);
}

function isText(value: Cbor | undefined, charsMost: number): value is string {
  return typeof value === 'string' && value.length <= charsMost;
}

function isSeq(value: Cbor | undefined): value is number {
  return isCount(value) && value > 0;
}

function isPolicy(value: Cbor | undefined): value is ConflictPolicy {
  return typeof value === 'string' && POLICIES.includes(value);
}
