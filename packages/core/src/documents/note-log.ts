/** Notes in any Automerge document: each stays, and everybody reads them in one order. */

import type { Doc } from '@automerge/automerge';
import { compareClaims } from '../claims.js';
import { ClaimsInDocument, type ClaimsOptions } from './claims-in-document.js';

export interface LoggedNote {
  readonly text: string;
  /** The Automerge actor. */
  readonly actor: string;
  /** By his clock, ms since 1970. */
  readonly atMs: number;
}

export class NoteLog {
  readonly #claims: ClaimsInDocument;

  constructor(name: string, options: ClaimsOptions) {
    this.#claims = new ClaimsInDocument(name, options);
  }

  /** By time, then by actor. One whose time lies ahead of the clock is not there yet. */
  read(document: Doc<unknown>): readonly LoggedNote[] {
    const said = this.#claims.judge(this.#claims.read(document).get(''), {}).verdicts;
    return said
      .filter(({ why }) => why !== 'ahead')
      .map(({ claim }) => claim)
      .sort(compareClaims)
      .map(({ json, origin, stamp }) => ({
        text: typeof json === 'string' ? json : '',
        actor: origin,
        atMs: stamp.ms,
      }));
  }

  /** The document with one more note. */
  append<D>(document: Doc<D>, text: string): Doc<D> {
    const judgement = this.#claims.judge(this.#claims.read(document).get(''), {});
    return this.#claims.write(document, { about: '', kind: 'set', json: text }, judgement);
  }
}
