/** What is read of one span: its bodies and everything said of it, folded by the rules of its tenant. */

import canonicalize from 'canonicalize';
import {
  readAnnotations,
  type AnnotationReading,
  type AnnotationRules,
  type PlacedBody,
  type SpanSayings,
} from '../annotation.js';
import { refKey } from '../assertion.js';
import { toHex } from '../bytes.js';
import { hashOfEntry, splitEntry } from '../entry.js';
import { LoglineError } from '../errors.js';
import { splitFeedKey } from '../feed.js';
import type { TenantId } from '../identity.js';
import type { Clock, Tools } from '../ports.js';
import type { Span, SpanId } from '../span.js';
import type { SpanVariant, Storage } from '../storage.js';

/** How a tenant's conflicts are settled, whatever the time. */
export type StandingRules = Omit<AnnotationRules, 'nowMs'>;

export interface ReadingsWorld {
  readonly storage: Storage;
  readonly tools: Tools;
  readonly clock: Pick<Clock, 'now'>;
  readonly rulesOf: (tenant: TenantId) => StandingRules;
}

export interface SpanReading {
  readonly reading: AnnotationReading;
  /** The body to show; `undefined` where none is here. */
  readonly body: Span | undefined;
  readonly said: SpanSayings;
  /** By the key of its reference. */
  readonly bodies: ReadonlyMap<string, HeldBody>;
}

/** A body, and where it is. */
export interface HeldBody {
  readonly span: Span;
  readonly variant: SpanVariant;
}

export class SpanReadings {
  readonly #world: ReadingsWorld;

  constructor(world: ReadingsWorld) {
    this.#world = world;
  }

  rulesOf(tenant: TenantId, nowMs = this.#world.clock.now()): AnnotationRules {
    return { ...this.#world.rulesOf(tenant), nowMs };
  }

  /** Whether a span is shown as its only body says, with nothing said about it. */
  isPlain(tenant: TenantId, id: SpanId, variants: readonly SpanVariant[]): boolean {
    return variants.length <= 1 && !this.#world.storage.annotations.has(tenant, id);
  }

  /** Where the body to show is; `undefined` where there is none. */
  async shown(tenant: TenantId, id: SpanId, rules = this.rulesOf(tenant)): Promise<SpanVariant | undefined> {
    const variants = this.#world.storage.variants(tenant, id);
    if (variants.length <= 1) return variants[0];
    const { reading, bodies } = await this.read(tenant, id, rules);
    return reading.body === undefined ? undefined : bodies.get(refKey(reading.body.ref))?.variant;
  }

  /** The body to show, without what is said about it; `undefined` where none is here. */
  async body(tenant: TenantId, id: SpanId, rules = this.rulesOf(tenant)): Promise<Span | undefined> {
    const shown = await this.shown(tenant, id, rules);
    return shown === undefined ? undefined : this.#world.storage.span(shown.arrival);
  }

  async read(tenant: TenantId, id: SpanId, rules = this.rulesOf(tenant)): Promise<SpanReading> {
    const { said, bodies } = await this.sayings(tenant, id);
    const reading = readAnnotations(said, rules);
    const body = reading.body === undefined ? undefined : bodies.get(refKey(reading.body.ref))?.span;
    return { reading, body, said, bodies };
  }

  /** Everything accepted about a span. */
  async sayings(tenant: TenantId, id: SpanId): Promise<Pick<SpanReading, 'said' | 'bodies'>> {
    const { storage } = this.#world;
    const assertions = await storage.annotations.about(tenant, id);
    const variants = storage.variants(tenant, id);
    // Which body is meant is no question where there is one, and nobody ever spoke of it.
    const isAsked = variants.length > 1 || assertions.some(({ assertion }) => assertion.field === 'identity');
    const placed: PlacedBody[] = [];
    const bodies = new Map<string, HeldBody>();
    for (const variant of variants) {
      const span = await storage.span(variant.arrival);
      const body = await this.#place(variant, isAsked ? this.#contentHash(span) : '');
      placed.push(body);
      bodies.set(refKey(body.ref), { span, variant });
    }
    return { said: { bodies: placed, assertions }, bodies };
  }

  async #place({ key, arrival, header }: SpanVariant, hash: string): Promise<PlacedBody> {
    const { storage, tools } = this.#world;
    const { seq, stamp } = header;
    const [entry] = await storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
    const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
    const feed = splitFeedKey(key);
    if (parts === undefined || feed === undefined)
      throw new LoglineError('damaged', `entry ${seq} of a feed cannot be read: check the disk`);
    const { origin, epoch } = feed;
    return {
      origin,
      epoch,
      stamp,
      seq,
      hash,
      ref: { hash: hashOfEntry(parts, tools.crypto), index: arrival.index },
    };
  }

  /** SHA-256 of the body as RFC 8785 writes it, in hex. */
  #contentHash(span: Span): string {
    const { crypto, text } = this.#world.tools;
    return toHex(crypto.sha256(text.encode(canonicalize(span.members) ?? '')));
  }
}
