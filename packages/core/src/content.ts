/** What an entry holds, by its scope: spans of a timeline, or statements. */

import { openBatch, sealBatch } from './batch.js';
import { statementsOfScope } from './identity.js';
import type { Tools } from './ports.js';
import type { Span } from './span.js';
import { openStatements, sealStatements, type Statement } from './statement.js';

/** One of the two is empty. */
export interface Content {
  readonly spans: readonly Span[];
  readonly statements: readonly Statement[];
}

export type OpenedContent =
  | ({ readonly ok: true } & Content)
  | { readonly ok: false; readonly reason: string };

/** The value of the change that carries it. */
export function sealContent(content: Content, tools: Pick<Tools, 'compression'>): Uint8Array {
  return content.statements.length > 0 ? sealStatements(content.statements) : sealBatch(content.spans, tools);
}

/** Reads the value of a change in `scope`, whoever sent it. */
export function openContent(
  value: Uint8Array,
  scope: string,
  tools: Pick<Tools, 'compression' | 'text'>,
): OpenedContent {
  if (statementsOfScope(scope) === undefined) {
    const opened = openBatch(value, tools);
    return opened.ok ? { ok: true, spans: opened.spans, statements: [] } : opened;
  }
  const opened = openStatements(value, scope);
  return opened.ok ? { ok: true, spans: [], statements: opened.statements } : opened;
}

/** What the entry's header says as `count`. */
export function countOf(content: Content): number {
  return content.spans.length + content.statements.length;
}
