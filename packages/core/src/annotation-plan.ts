/** From what a caller wants said of a span to the assertions that say it, and to the resolution of a conflict. */

import {
  canonicalJson,
  compareRefs,
  formatRef,
  isRegisterField,
  isText,
  metadataKeyOf,
  openAssertions,
  registerFault,
  sealAssertions,
  type Assertion,
  type AssertionRef,
  type RegisterField,
} from './assertion.js';
import { isOpen, type AnnotationReading, type FieldReading, type SpanClaim } from './annotation.js';
import { annotatedMembers, tagsOf } from './annotation-view.js';
import { toKey } from './bytes.js';
import { seenClaims, type Judgement } from './claims.js';
import { compareStamps, STAMP_ZERO, type Stamp } from './clock.js';
import { isJsonObject, type Json, type JsonObject } from './json.js';
import { LIMITS } from './limits.js';
import type { Text } from './ports.js';
import type { SpanId } from './span.js';

/** What is said of which span by whom, as far as it is known before it is said. */
export interface Saying {
  readonly span: SpanId;
  /** The public key of the node that will sign it. */
  readonly origin: Uint8Array;
  readonly reading: AnnotationReading;
  /** The members of the body that is shown; empty where the span is not here yet. */
  readonly members: JsonObject;
  readonly text: Text;
}

export type AnnotationPlan =
  /** `after`: the entry's stamp has to be later than this, or it would not supersede what it names. Nothing to say: none. */
  | { readonly kind: 'say'; readonly assertions: readonly Assertion[]; readonly after: Stamp }
  | { readonly kind: 'fault'; readonly reason: string }
  /** People have to decide on these first. */
  | { readonly kind: 'conflict_open'; readonly fields: readonly string[] }
  /** Decided already, and otherwise. */
  | { readonly kind: 'conflict_closed'; readonly value: string };

const MEMBERS = 'status, processed, verification_status, visibility, metadata, tags, notes';

/**
 * The assertions that a JSON merge patch (RFC 7396) comes to: of the members that it changes, and of no others. `tags` is
 * the whole new list; `notes` is a text, or several, to be added.
 */
export function planChanges(about: Saying, patch: JsonObject): AnnotationPlan {
  const planned = new Planned(about);
  for (const [member, value] of Object.entries(patch)) {
    const fault = planMember(planned, member, value);
    if (fault !== undefined) return { kind: 'fault', reason: fault };
  }
  if (planned.open.length > 0) return { kind: 'conflict_open', fields: planned.open };
  return checked(planned.assertions, planned.after, about.text);
}

/**
 * The resolution of a disputed field: by one of its candidates, named as `formatRef` writes it, or by another value. The
 * same decision again has nothing to say; another one is `conflict_closed`.
 */
export function planResolution(
  about: Pick<Saying, 'span' | 'origin' | 'text'>,
  { field, judgement }: FieldReading,
  decision: { readonly choose: string } | { readonly value: Json },
  note: string,
): AnnotationPlan {
  const { dispute } = judgement;
  if (dispute === undefined) return { kind: 'fault', reason: 'nothing is disputed here' };
  if (!isText(note, LIMITS.noteChars))
    return { kind: 'fault', reason: `note: expected text of at most ${LIMITS.noteChars} characters` };
  const chosen = 'choose' in decision ? candidateOf(dispute.candidates, decision.choose) : undefined;
  if ('choose' in decision && chosen === undefined)
    return {
      kind: 'fault',
      reason: `choose: not one of the ${dispute.candidates.length} candidates: look at the conflict again`,
    };
  const fault = 'value' in decision ? valueFault(field, decision.value) : undefined;
  if (fault !== undefined) return { kind: 'fault', reason: fault };
  const value = 'value' in decision ? canonicalJson(decision.value) : (chosen?.value ?? 'null');
  if (dispute.settled?.by === 'claim')
    return value === dispute.settled.claim.value
      ? { kind: 'say', assertions: [], after: STAMP_ZERO }
      : { kind: 'conflict_closed', value: dispute.settled.claim.value };
  const { supersedes, after } = namedBy(judgement, about.origin);
  return checked([{ op: 'resolve', span: about.span, field, value, supersedes, note }], after, about.text);
}

/** What every node would refuse is not said: too much at once, or a value that is not the same for every reader. */
function checked(assertions: readonly Assertion[], after: Stamp, text: Text): AnnotationPlan {
  if (assertions.length > LIMITS.assertionsPerEntry)
    return {
      kind: 'fault',
      reason: `${assertions.length} changes at once, at most ${LIMITS.assertionsPerEntry}`,
    };
  const opened = openAssertions(sealAssertions(assertions), { text });
  return opened.ok ? { kind: 'say', assertions, after } : { kind: 'fault', reason: opened.reason };
}

function candidateOf(candidates: readonly SpanClaim[], choose: string): SpanClaim | undefined {
  return candidates.find(({ ref }) => formatRef(ref) === choose);
}

function valueFault(field: FieldReading['field'], value: Json): string | undefined {
  if (field === 'identity') return 'value: a body is chosen from the candidates: name one in choose';
  return registerFault(field, value);
}

/** What a plan has come to so far. */
class Planned {
  readonly assertions: Assertion[] = [];
  /** Members on which people have to decide. */
  readonly open: string[] = [];
  after: Stamp = STAMP_ZERO;
  readonly about: Saying;
  /** As they are read now. */
  readonly members: JsonObject;
  readonly #fields: ReadonlyMap<string, FieldReading>;
  readonly #tags: ReadonlyMap<string, Judgement<SpanClaim>>;

  constructor(about: Saying) {
    this.about = about;
    this.members = { ...about.members, ...annotatedMembers(about.members, about.reading) };
    this.#fields = new Map(about.reading.fields.map((one) => [one.field, one]));
    this.#tags = new Map(about.reading.tags.map(({ tag, judgement }) => [tag, judgement]));
  }

  /** `now`: the value that is read, unless none is. What reads so already is not said again. */
  set(field: RegisterField, value: Json, now: Json | undefined): void {
    const reading = this.#fields.get(field);
    const text = canonicalJson(value);
    if (reading !== undefined && isOpen(reading)) this.open.push(field);
    const isSettled = reading === undefined || reading.judgement.standing.every((one) => one.value === text);
    // What is taken away already, or was never there, reads as `null`.
    const isSaid = canonicalJson(now ?? null) === text;
    if (isSaid && isSettled) return;
    const supersedes = this.#name(reading?.judgement);
    this.assertions.push({ op: 'set', span: this.about.span, field, value: text, supersedes });
  }

  tag(op: 'add' | 'remove', tag: string): void {
    const supersedes = this.#name(this.#tags.get(tag));
    this.assertions.push({ op, span: this.about.span, field: 'tags', value: tag, supersedes });
  }

  note(text: string): void {
    this.assertions.push({ op: 'note', span: this.about.span, field: 'notes', value: text, supersedes: [] });
  }

  #name(judgement: Judgement<SpanClaim> | undefined): readonly AssertionRef[] {
    if (judgement === undefined) return [];
    const { supersedes, after } = namedBy(judgement, this.about.origin);
    if (compareStamps(after, this.after) > 0) this.after = after;
    return supersedes;
  }
}

function namedBy(
  judgement: Judgement<SpanClaim>,
  origin: Uint8Array,
): { readonly supersedes: readonly AssertionRef[]; readonly after: Stamp } {
  const seen = seenClaims(judgement, toKey(origin), LIMITS.supersededAssertions);
  const stamps = judgement.verdicts.filter(({ why }) => why !== 'ahead').map(({ claim }) => claim.stamp);
  return {
    supersedes: seen.map(({ ref }) => ref).sort(compareRefs),
    after: stamps.at(-1) ?? STAMP_ZERO,
  };
}

/** Says what is wrong with a member of the patch, or plans it. */
function planMember(planned: Planned, member: string, value: Json): string | undefined {
  if (member === 'metadata') return planMetadata(planned, value);
  if (member === 'tags') return planTags(planned, value);
  if (member === 'notes') return planNotes(planned, value);
  if (!isRegisterField(member) || metadataKeyOf(member) !== undefined)
    return `${member.slice(0, 64)}: not a member that can be annotated: expected ${MEMBERS}`;
  const fault = registerFault(member, value);
  if (fault === undefined) planned.set(member, value, planned.members[member]);
  return fault;
}

function planMetadata(planned: Planned, patch: Json): string | undefined {
  if (!isJsonObject(patch))
    return 'metadata: expected an object with the members to change; null takes one away';
  const now = isJsonObject(planned.members['metadata']) ? planned.members['metadata'] : {};
  for (const [key, change] of Object.entries(patch)) {
    const field = `metadata.${key}`;
    if (!isRegisterField(field))
      return `metadata: a name that is not text of at most ${LIMITS.metadataKeyChars} characters`;
    const before = Object.hasOwn(now, key) ? now[key] : undefined;
    const value = mergePatch(before, change);
    const fault = registerFault(field, value);
    if (fault !== undefined) return fault;
    planned.set(field, value, before);
  }
  return undefined;
}

function planTags(planned: Planned, value: Json): string | undefined {
  const wanted = value === null ? [] : value;
  if (!Array.isArray(wanted) || !wanted.every((tag) => typeof tag === 'string'))
    return 'tags: expected a list of texts: the whole new list';
  const now = tagsOf(planned.members);
  const added = new Set(wanted.filter((tag) => !now.includes(tag)));
  const removed = new Set(now.filter((tag) => !wanted.includes(tag)));
  for (const tag of [...added, ...removed])
    if (!isText(tag, LIMITS.tagChars)) return `tags: expected texts of at most ${LIMITS.tagChars} characters`;
  for (const tag of added) planned.tag('add', tag);
  for (const tag of removed) planned.tag('remove', tag);
  return undefined;
}

function planNotes(planned: Planned, value: Json): string | undefined {
  const notes = Array.isArray(value) ? value : [value];
  for (const note of notes) {
    if (!isText(note, LIMITS.noteChars) || note === '')
      return `notes: expected a text to add, of 1 to ${LIMITS.noteChars} characters`;
    planned.note(note);
  }
  return undefined;
}

/** RFC 7396. */
function mergePatch(before: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(Object.entries(isJsonObject(before) ? before : {}));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), change));
  }
  return Object.fromEntries(merged);
}
