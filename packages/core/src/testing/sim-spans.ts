/** The spans of a simulation: made at random, and remembered with all that was sent. */

import type { SeededRandom } from './seeded-random.js';
import type { Issued } from './sim-checks.js';

export class SimSpans {
  /** By id. */
  readonly issued = new Map<string, Issued>();
  readonly #random: SeededRandom;
  #made = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  ofTenant(tenant: string): readonly Issued[] {
    return [...this.issued.values()].filter((span) => span.tenant === tenant);
  }

  /** An id that some span will have a little later. */
  idToCome(): string {
    return idOf(this.#made + 5);
  }

  /** A new span, now and then one that was sent before, or another body under its id. */
  next(tenant: string): Issued {
    const random = this.#random;
    const earlier = this.ofTenant(tenant).slice(-200);
    const reuse = earlier.length > 0 && random.chance(6) ? random.pick(earlier) : undefined;
    if (reuse !== undefined) {
      if (random.chance(40)) reuse.bodies.push({ ...reuse.bodies[0], title: `another body ${this.#made++}` });
      return reuse;
    }
    const id = idOf(this.#made++);
    const second = random.below(86_400);
    const timestamp = `2025-10-0${1 + random.below(3)}T${two(second / 3600)}:${two((second / 60) % 60)}:${two(second % 60)}.${random.below(1000)}+0${random.below(4)}:00`;
    const body = {
      id,
      timestamp,
      logline_id: 'logline-id://app/sim',
      title: `span ${id}`,
      data: random.below(1 << 30),
    };
    const issued: Issued = { id, tenant, bodies: [body], acknowledged: new Set(), excused: false };
    this.issued.set(id, issued);
    return issued;
  }
}

function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}
