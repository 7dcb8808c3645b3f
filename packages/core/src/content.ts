/** What an entry holds, by its scope: spans of a timeline, assertions about them, or statements. */

import { openAssertions, sealAssertions, type Assertion } from './assertion.js';
import { openBatch, sealBatch } from './batch.js';
import { statementsOfScope, tenantOfAnnotations } from './identity.js';
import type { Tools } from './ports.js';
import type { Span } from './span.js';
import { openStatements, sealStatements, type Statement } from './statement.js';

/** All but one are empty. */
export interface Content {
  readonly spans: readonly Span[];
  readonly statements: readonly Statement[];
  readonly assertions: readonly Assertion[];
}

export type OpenedContent =
  | ({ readonly ok: true } & Content)
  | { readonly ok: false; readonly reason: string };

const NOTHING: Content = { spans: [], statements: [], assertions: [] };

/** The value of the change that carries it. */
export function sealContent(content: Content, tools: Pick<Tools, 'compression'>): Uint8Array {
  if (content.statements.length > 0) return sealStatements(content.statements);
  if (content.assertions.length > 0) return sealAssertions(content.assertions);
  return sealBatch(content.spans, tools);
}

/** Reads the value of a change in `scope`, whoever sent it. */
export function openContent(
  value: Uint8Array,
  scope: string,
  tools: Pick<Tools, 'compression' | 'text'>,
): OpenedContent {
  if (statementsOfScope(scope) !== undefined) {
    const opened = openStatements(value, scope);
    return opened.ok ? { ...NOTHING, ok: true, statements: opened.statements } : opened;
  }
  if (tenantOfAnnotations(scope) !== undefined) {
    const opened = openAssertions(value, tools);
    return opened.ok ? { ...NOTHING, ok: true, assertions: opened.assertions } : opened;
  }
  const opened = openBatch(value, tools);
  return opened.ok ? { ...NOTHING, ok: true, spans: opened.spans } : opened;
}

/** What the entry's header says as `count`. */
export function countOf(content: Content): number {
  return content.spans.length + content.statements.length + content.assertions.length;
}
