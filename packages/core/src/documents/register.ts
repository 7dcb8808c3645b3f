/** A register in any Automerge document: one value, and what becomes of several that did not know of one another. */

import type { Doc } from '@automerge/automerge';
import type { Judgement } from '../claims.js';
import { LoglineError } from '../errors.js';
import type { Json } from '../json.js';
import {
  ClaimsInDocument,
  type ClaimsOptions,
  type DisputeOptions,
  type DocumentClaim,
} from './claims-in-document.js';

export type RegisterOptions = ClaimsOptions & DisputeOptions;

/** A value that somebody claims. */
export interface RegisterCandidate<T extends Json> {
  readonly value: T;
  /** The Automerge actor. */
  readonly actor: string;
  /** By his clock, ms since 1970. */
  readonly atMs: number;
}

export interface RegisterReading<T extends Json> {
  /** `undefined` until there is one. While it is open: the latest, for now. */
  readonly value: T | undefined;
  /** Whether people have to decide: `resolve` does, `set` does not. */
  readonly open: boolean;
  /** The values that nobody has replaced, oldest first. */
  readonly candidates: readonly RegisterCandidate<T>[];
}

/** `T`: what the values are, by the caller's word; in the document they are JSON. */
export class Register<T extends Json> {
  readonly #claims: ClaimsInDocument;
  readonly #options: RegisterOptions;

  constructor(name: string, options: RegisterOptions) {
    this.#claims = new ClaimsInDocument(name, options);
    this.#options = options;
  }

  read(document: Doc<unknown>): RegisterReading<T> {
    const { shown, standing, dispute } = this.#judge(document);
    return {
      value: shown?.json as T | undefined,
      open: dispute !== undefined && dispute.settled === undefined,
      candidates: standing.map(({ json, origin, stamp }) => ({
        value: json as T,
        actor: origin,
        atMs: stamp.ms,
      })),
    };
  }

  /** The document with another value. Throws `conflict_open` where people have to decide first. */
  set<D>(document: Doc<D>, value: T): Doc<D> {
    const judgement = this.#judge(document);
    if (judgement.dispute !== undefined && judgement.dispute.settled === undefined)
      throw new LoglineError(
        'conflict_open',
        'several values wait for a decision: look at them, then resolve',
      );
    return this.#claims.write(document, { about: '', kind: 'set', json: value }, judgement);
  }

  /** The document with this value in place of all that are known here, disputed or not. */
  resolve<D>(document: Doc<D>, value: T, note = ''): Doc<D> {
    return this.#claims.write(
      document,
      { about: '', kind: 'resolve', json: value, note },
      this.#judge(document),
    );
  }

  #judge(document: Doc<unknown>): Judgement<DocumentClaim> {
    return this.#claims.judge(this.#claims.read(document).get(''), this.#options);
  }
}
