/** Conflicts as people see them: who said what of a span without knowing of one another, and how it was settled. */

import { conflictIdOf, type FieldReading, type SpanClaim } from '../annotation.js';
import { formatRef, refKey } from '../assertion.js';
import { fromKey } from '../bytes.js';
import type { Why } from '../claims.js';
import { fingerprintOf, type Fingerprint, type TenantId } from '../identity.js';
import type { Json } from '../json.js';
import { LIMITS } from '../limits.js';
import type { Tools } from '../ports.js';
import { formatSpanId, type SpanId } from '../span.js';
import type { ConflictPolicy } from '../statement.js';
import type { HeldBody } from './span-readings.js';

export interface ConflictCandidate {
  /** Names it, for `resolve`. */
  readonly ref: string;
  /** What it says; of a body the SHA-256 of its content, in hex. */
  readonly value: Json;
  /** The body itself; only where one conflict is asked for. */
  readonly span: Uint8Array | undefined;
  readonly node: Fingerprint;
  readonly atMs: number;
  readonly why: Why;
}

/** All times are by the clocks of those who spoke, so that they are the same on every node. */
export interface Conflict {
  /** The same on every node. */
  readonly id: string;
  readonly tenant: TenantId;
  /** UUID text. */
  readonly spanId: string;
  readonly field: string;
  /** `identity`: several bodies under one id. */
  readonly kind: 'concurrent' | 'identity';
  readonly policy: ConflictPolicy;
  readonly state: 'open' | 'resolved';
  /** In the order in which they were said; of too many the latest. */
  readonly candidates: readonly ConflictCandidate[];
  readonly openedAtMs: number;
  readonly resolvedAtMs: number | undefined;
  /** Where it is resolved: by the policy alone, or by the word of a node. */
  readonly resolution:
    | { readonly by: 'policy'; readonly value: Json }
    | {
        readonly by: 'node';
        readonly value: Json;
        readonly node: Fingerprint;
        readonly ref: string;
        readonly note: string;
      }
    | undefined;
}

/** `undefined` where nothing is, or was, at odds. `bodies`: where the candidates are bodies that are to be shown. */
export function describeConflict(
  place: { readonly tenant: TenantId; readonly span: SpanId },
  { field, policy, judgement }: FieldReading,
  { tools, bodies }: { readonly tools: Tools; readonly bodies?: ReadonlyMap<string, HeldBody> | undefined },
): Conflict | undefined {
  const { dispute, verdicts } = judgement;
  if (dispute === undefined) return undefined;
  const why = new Map(verdicts.map((verdict) => [verdict.claim, verdict.why]));
  const { settled, opened } = dispute;
  let room: number = LIMITS.conflictBytes;
  const candidates = dispute.candidates.slice(-LIMITS.conflictCandidates).map((claim): ConflictCandidate => {
    const body = bodies?.get(refKey(claim.ref))?.span.bytes;
    room -= body?.length ?? 0;
    return {
      ref: formatRef(claim.ref),
      value: valueOf(claim),
      span: room >= 0 ? body : undefined,
      node: nodeOf(claim),
      atMs: claim.stamp.ms,
      why: why.get(claim) ?? 'superseded',
    };
  });
  return {
    id: conflictIdOf(place.tenant, place.span, field, tools),
    tenant: place.tenant,
    spanId: formatSpanId(place.span),
    field,
    kind: field === 'identity' ? 'identity' : 'concurrent',
    policy,
    state: settled === undefined ? 'open' : 'resolved',
    candidates,
    openedAtMs: opened.ms,
    resolvedAtMs:
      settled === undefined ? undefined : settled.by === 'policy' ? opened.ms : settled.claim.stamp.ms,
    resolution: settled === undefined ? undefined : resolutionOf(settled),
  };
}

function resolutionOf({
  by,
  claim,
}: {
  readonly by: 'claim' | 'policy';
  readonly claim: SpanClaim;
}): Conflict['resolution'] {
  const value = valueOf(claim);
  if (by === 'policy') return { by, value };
  const note = claim.assertion?.op === 'resolve' ? claim.assertion.note : '';
  return { by: 'node', value, node: nodeOf(claim), ref: formatRef(claim.ref), note };
}

function nodeOf({ origin }: SpanClaim): Fingerprint {
  return fingerprintOf(fromKey(origin));
}

/** What a claim says, as JSON; of a tag or a note its text. */
export function valueOf({ assertion, value }: SpanClaim): Json {
  const isText = assertion !== undefined && assertion.op !== 'set' && assertion.op !== 'resolve';
  return isText ? assertion.value : (JSON.parse(value) as Json);
}
