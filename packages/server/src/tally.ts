/** What became of an upload's spans, counted as the answers come, with the first refusals one by one. */

import type { AppendReport } from '@logline/federation-core';
import { SERVER_LIMITS } from './limits.js';

interface Refused {
  readonly index: number;
  readonly id: string | null;
  readonly error: string;
}

/** The answer to an upload; see `appendResult` in the schemas. */
export interface AppendAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly conflicts: readonly { readonly index: number; readonly id: string | null }[];
  readonly conflicts_total: number;
  readonly rejected: readonly Refused[];
  readonly rejected_total: number;
  readonly cursor: string | null;
}

export class Tally {
  #accepted = 0;
  #duplicates = 0;
  #conflictsTotal = 0;
  #rejectedTotal = 0;
  readonly #conflicts: { readonly index: number; readonly id: string | null }[] = [];
  readonly #rejected: Refused[] = [];
  #cursor: { readonly order: number; readonly text: string } | undefined;

  get total(): number {
    return this.#accepted + this.#duplicates + this.#conflictsTotal + this.#rejectedTotal;
  }

  /** Takes the report on the spans at `indexes` of the upload; `order` tells which of two reports is the later one. */
  add(report: AppendReport, indexes: readonly number[], order: number): void {
    for (const [i, { id, outcome, error }] of report.outcomes.entries()) {
      const index = indexes[i] ?? i;
      switch (outcome) {
        case 'accepted':
          this.#accepted++;
          break;
        case 'duplicate':
          this.#duplicates++;
          break;
        case 'conflict':
          this.#conflictsTotal++;
          if (this.#conflicts.length < SERVER_LIMITS.listedSpans) this.#conflicts.push({ index, id });
          break;
        case 'rejected':
          this.reject({ index, id, error: error ?? 'refused' });
          break;
        default:
          outcome satisfies never;
      }
    }
    if (report.cursor !== null && (this.#cursor === undefined || this.#cursor.order < order))
      this.#cursor = { order, text: report.cursor };
  }

  reject(refused: Refused): void {
    this.#rejectedTotal++;
    if (this.#rejected.length < SERVER_LIMITS.listedSpans) this.#rejected.push(refused);
  }

  answer(): AppendAnswer {
    const byIndex = (a: { readonly index: number }, b: { readonly index: number }): number =>
      a.index - b.index;
    return {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      conflicts: this.#conflicts.toSorted(byIndex),
      conflicts_total: this.#conflictsTotal,
      rejected: this.#rejected.toSorted(byIndex),
      rejected_total: this.#rejectedTotal,
      cursor: this.#cursor?.text ?? null,
    };
  }
}
