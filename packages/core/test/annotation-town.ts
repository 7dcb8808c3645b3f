/** A town whose people annotate one span, each knowing only what has reached him. The fold and the plan are the real ones. */

import { planChanges, planResolution, type AnnotationPlan } from '../dist/annotation-plan.js';
import { annotateSpan, annotatedMembers, versionOf } from '../dist/annotation-view.js';
import {
  readAnnotations,
  type AnnotationReading,
  type AnnotationRules,
  type PlacedBody,
} from '../dist/annotation.js';
import type { PlacedAssertion } from '../dist/assertion.js';
import { compareStamps, nextStamp, observeStamp, STAMP_ZERO, type Stamp } from '../dist/clock.js';
import { fingerprintOf } from '../dist/identity.js';
import type { Json, JsonObject } from '../dist/json.js';
import { LIMITS } from '../dist/limits.js';
import { parseSpanId, type SpanId } from '../dist/span.js';
import type { ConflictPolicy } from '../dist/statement.js';
import { tools } from './forge.js';

export const SPAN = parseSpanId('00112233-4455-4677-8899-aabbccddeeff') as SpanId;
export const START_MS = 1_800_000_000_000;

/** Everything that was signed: two entries have two hashes. */
let entries = 0;

export interface TownRules {
  readonly policies?: Readonly<Record<string, ConflictPolicy>>;
  readonly otherwise?: ConflictPolicy;
  /** Highest first. */
  readonly priorities?: readonly Citizen[];
  /** What the span says itself. */
  readonly members?: JsonObject;
}

export class Citizen {
  readonly key: Uint8Array;
  /** Added to the town's time: his clock is wrong by so much. */
  skewMs = 0;
  readonly known = new Map<string, PlacedAssertion>();
  readonly bodies = new Map<string, PlacedBody>();
  readonly #town: Town;
  #stamp: Stamp = STAMP_ZERO;
  #seq = 0;
  #epoch = 1;

  constructor(town: Town, seed: number) {
    this.#town = town;
    this.key = new Uint8Array(32).fill(seed);
  }

  get nowMs(): number {
    return this.#town.nowMs + this.skewMs;
  }

  read(): AnnotationReading {
    const said = { bodies: [...this.bodies.values()], assertions: [...this.known.values()] };
    return readAnnotations(said, this.#town.rulesAt(this.nowMs));
  }

  /** The span's members as he reads them. */
  sees(): JsonObject {
    const { members } = this.#town;
    return { ...members, ...annotatedMembers(members, this.read()) };
  }

  bytes(): string {
    const { members } = this.#town;
    const bytes = annotateSpan(
      { bytes: tools.text.encode(JSON.stringify(members)), members },
      this.read(),
      tools.text,
    );
    return tools.text.decode(bytes) ?? '';
  }

  version(): string {
    return versionOf(this.read(), tools.crypto);
  }

  plan(patch: JsonObject): AnnotationPlan {
    const { members } = this.#town;
    const about = { span: SPAN, origin: this.key, text: tools.text };
    return planChanges({ ...about, reading: this.read(), members }, patch);
  }

  /** Says it, or answers why not. */
  say(patch: JsonObject): AnnotationPlan {
    return this.#sign(this.plan(patch));
  }

  resolve(field: string, decision: { readonly choose: string } | { readonly value: Json }): AnnotationPlan {
    const { fields, identity } = this.read();
    const found = [...fields, ...(identity === undefined ? [] : [identity])].find(
      (one) => one.field === field,
    );
    if (found === undefined) return { kind: 'fault', reason: 'nothing is known of this field' };
    const about = { span: SPAN, origin: this.key, text: tools.text };
    return this.#sign(planResolution(about, found, decision, 'we talked'));
  }

  /** Brings a body of the span, as the hash that is named by `content`. */
  bring(content: number): PlacedBody {
    const hash = content.toString(16).padStart(2, '0').repeat(32);
    const body = { ...this.#place(STAMP_ZERO), hash };
    this.bodies.set(nameOf(body), body);
    return body;
  }

  hear(...others: readonly Citizen[]): void {
    for (const { known, bodies } of others) {
      for (const [id, one] of known) this.take(id, one);
      for (const [id, one] of bodies) this.bodies.set(id, one);
      for (const { stamp } of bodies.values()) this.#stamp = observeStamp(this.#stamp, stamp, this.nowMs);
    }
  }

  take(id: string, one: PlacedAssertion): void {
    this.known.set(id, one);
    this.#stamp = observeStamp(this.#stamp, one.stamp, this.nowMs);
  }

  /** What a cut of an origin's feed at `seq` leaves of it. */
  cut(origin: Citizen, seq: number): void {
    for (const [id, one] of this.known) if (one.origin === origin.key && one.seq > seq) this.known.delete(id);
  }

  restart(): void {
    this.#epoch++;
    this.#seq = 0;
  }

  #sign(plan: AnnotationPlan): AnnotationPlan {
    if (plan.kind !== 'say' || plan.assertions.length === 0) return plan;
    const place = this.#place(plan.after);
    for (const [index, assertion] of plan.assertions.entries()) {
      const placed = { ...place, ref: { ...place.ref, index }, assertion };
      this.known.set(nameOf(placed), placed);
    }
    return plan;
  }

  #place(after: Stamp): Omit<PlacedBody, 'hash'> {
    if (compareStamps(after, this.#stamp) > 0) this.#stamp = after;
    this.#stamp = nextStamp(this.#stamp, this.nowMs);
    const hash = new Uint8Array(32);
    new DataView(hash.buffer).setUint32(0, ++entries * 2_654_435_761);
    const epoch = new Uint8Array(8).fill(this.#epoch);
    return { origin: this.key, stamp: this.#stamp, epoch, seq: ++this.#seq, ref: { hash, index: 0 } };
  }
}

export class Town {
  nowMs = START_MS;
  readonly members: JsonObject;
  readonly people: readonly Citizen[];
  rules: TownRules;

  constructor(size: number, rules: TownRules = {}) {
    this.rules = rules;
    this.members = rules.members ?? {};
    this.people = Array.from({ length: size }, (_, i) => new Citizen(this, i + 1));
  }

  rulesAt(nowMs: number): AnnotationRules {
    const { policies = {}, otherwise = 'timestamp', priorities = [] } = this.rules;
    return {
      nowMs,
      policyOf: (field) => policies[field] ?? otherwise,
      priorities: priorities.map(({ key }) => fingerprintOf(key)),
    };
  }

  /** Everybody hears everybody. */
  meet(): void {
    this.pass(1);
    for (const one of this.people) one.hear(...this.people);
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }
}

export function nameOf({ ref }: Pick<PlacedBody, 'ref'>): string {
  return `${ref.hash.join()}.${ref.index}`;
}

/** Far enough ahead to wait. */
export const FAR_AHEAD_MS = LIMITS.clockSkewMs + 30_000;
