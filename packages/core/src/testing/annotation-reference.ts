/** What a span says after everything that is known of it, once more: slow, and sharing no code with the fold. */

import type { AnnotationRules, SpanSayings } from '../annotation.js';
import type { Claim, Rule } from '../claims.js';
import { fingerprintOf } from '../identity.js';
import { referenceReading, type ReferenceReading } from './claims-reference.js';

export interface ReferenceAnnotations {
  /** By field, what is read as JSON text; `null` where a member was taken away. */
  readonly values: ReadonlyMap<string, string>;
  /** Fields on which people have to decide, ascending. */
  readonly open: readonly string[];
  /** By field, `identity` too. */
  readonly readings: ReadonlyMap<string, ReferenceReading>;
  /** Tags that were said to be there, ascending; and those said not to be. */
  readonly tags: readonly string[];
  readonly untagged: readonly string[];
  readonly notes: readonly string[];
  /** The hash of the body to show. */
  readonly body: string | undefined;
}

const bytesText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const SKEW_MS = 60_000;

export function referenceAnnotations(said: SpanSayings, rules: AnnotationRules): ReferenceAnnotations {
  const place = (one: SpanSayings['bodies'][number] | SpanSayings['assertions'][number]) => ({
    id: `${one.ref.hash.join()}/${one.ref.index}`,
    origin: bytesText(one.origin),
    stamp: one.stamp,
    place: bytesText(one.epoch) + [one.seq, one.ref.index].map((n) => String(n).padStart(16, '0')).join(),
  });
  const claims = said.assertions.map(({ assertion, ...placed }) => ({
    field: assertion.field === 'tags' ? `tags:${assertion.value}` : assertion.field,
    text: assertion.value,
    ...place({ assertion, ...placed }),
    kind: assertion.op === 'resolve' ? ('resolve' as const) : ('set' as const),
    value: assertion.field === 'tags' ? assertion.op : assertion.value,
    supersedes: assertion.supersedes.map((ref) => `${ref.hash.join()}/${ref.index}`),
  }));
  const bodies = said.bodies.map((body) => ({
    field: 'identity',
    text: '',
    ...place(body),
    kind: 'body' as const,
    value: `"${body.hash}"`,
    supersedes: [] as readonly string[],
  }));
  const ruleFor = (policy: Rule['policy']): Rule => ({
    policy,
    horizonMs: rules.nowMs + SKEW_MS,
    rankOf: (origin) => {
      const key = Uint8Array.from(origin, (character) => character.charCodeAt(0));
      const at = rules.priorities.indexOf(fingerprintOf(key));
      return at < 0 ? Infinity : at;
    },
  });
  const all = [...bodies, ...claims];
  const readings = new Map<string, ReferenceReading>();
  const values = new Map<string, string>();
  const standing = (field: string, reading: ReferenceReading): readonly string[] =>
    all.filter((one) => one.field === field && reading.standing.includes(one.id)).map(({ value }) => value);
  for (const field of new Set(all.map((one) => one.field).filter((one) => one !== 'notes'))) {
    const policy = field.startsWith('tags:') ? 'timestamp' : rules.policyOf(field);
    const reading = referenceReading(
      all.filter((one) => one.field === field),
      ruleFor(policy),
    );
    readings.set(field, reading);
    const value = all.find(({ id, field: of }) => id === reading.shown && of === field)?.value;
    if (value !== undefined) values.set(field, value);
  }
  const tagsWhere = (isThere: boolean): readonly string[] =>
    [...readings]
      .filter(
        ([field, reading]) =>
          field.startsWith('tags:') &&
          reading.standing.length > 0 &&
          standing(field, reading).includes('add') === isThere,
      )
      .map(([field]) => field.slice('tags:'.length))
      .sort();
  return {
    values: new Map([...values].filter(([field]) => !field.startsWith('tags:'))),
    open: [...readings]
      .filter(([, { dispute }]) => dispute !== undefined && dispute.settledBy === undefined)
      .map(([field]) => field)
      .sort(),
    readings: new Map([...readings].filter(([field]) => !field.startsWith('tags:'))),
    tags: tagsWhere(true),
    untagged: tagsWhere(false),
    notes: notesIn(claims, rules),
    body: bodyOf(bodies, values.get('identity'), ruleFor(rules.policyOf('identity'))),
  };
}

function notesIn(
  claims: readonly (Claim & { readonly field: string; readonly text: string })[],
  rules: AnnotationRules,
): readonly string[] {
  const key = ({ stamp, origin, place }: Claim): string =>
    String(stamp.ms).padStart(16, '0') + String(stamp.count).padStart(16, '0') + origin + place;
  return claims
    .filter(({ field, stamp }) => field === 'notes' && stamp.ms <= rules.nowMs + SKEW_MS)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ text }) => text);
}

function bodyOf(bodies: readonly Claim[], chosen: string | undefined, rule: Rule): string | undefined {
  const due = bodies.filter(({ stamp }) => stamp.ms <= rule.horizonMs);
  const isHere = due.some(({ value }) => value === chosen);
  const alone = referenceReading(due, rule).shown;
  const first = bodies.toSorted((a, b) => a.stamp.ms - b.stamp.ms || a.stamp.count - b.stamp.count)[0];
  const value = isHere ? chosen : (bodies.find(({ id }) => id === alone) ?? first)?.value;
  return value?.slice(1, -1);
}
