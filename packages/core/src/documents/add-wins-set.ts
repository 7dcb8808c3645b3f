/** A set of texts in any Automerge document: what somebody adds while another takes it away is there. */

import type { Doc } from '@automerge/automerge';
import { ClaimsInDocument, type ClaimsOptions } from './claims-in-document.js';

export class AddWinsSet {
  readonly #claims: ClaimsInDocument;

  constructor(name: string, options: ClaimsOptions) {
    this.#claims = new ClaimsInDocument(name, options);
  }

  /** Ascending. */
  read(document: Doc<unknown>): ReadonlySet<string> {
    const all = [...this.#claims.read(document)];
    const there = all.filter(([, claims]) =>
      this.#claims.judge(claims, {}).standing.some(({ json }) => json === true),
    );
    return new Set(there.map(([element]) => element).sort());
  }

  /** The document with an element; the same document where it is there. */
  add<D>(document: Doc<D>, element: string): Doc<D> {
    return this.#write(document, element, true);
  }

  /** The document without an element, as far as is known here who added it. */
  remove<D>(document: Doc<D>, element: string): Doc<D> {
    return this.#write(document, element, false);
  }

  #write<D>(document: Doc<D>, element: string, present: boolean): Doc<D> {
    if (this.read(document).has(element) === present) return document;
    const judgement = this.#claims.judge(this.#claims.read(document).get(element), {});
    return this.#claims.write(document, { about: element, kind: 'set', json: present }, judgement);
  }
}
