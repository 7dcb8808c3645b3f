/** R6: documents are derived. Any set of accepted changes makes an Automerge document, whose root keys are its batches. */

import * as Automerge from '@automerge/automerge';
import { linesOfBatch } from './batch.js';
import { splitEntry } from './entry.js';
import type { Tools } from './ports.js';

/** Batches by root key; see `batchKey`. */
export type TimelineDocument = Automerge.Doc<Record<string, Uint8Array>>;

/** The document of some entries: whole segments, of any origins, in any order. */
export function documentOf(entries: readonly Uint8Array[]): TimelineDocument {
  const changes = entries.flatMap((bytes) => {
    const parts = splitEntry(bytes);
    return parts === undefined ? [] : [parts.change];
  });
  const [document] = Automerge.applyChanges(Automerge.init<Record<string, Uint8Array>>(), changes);
  return document;
}

/** The spans of a document, as lines of JSON. The order is that of the batches' keys, not the reading order. */
export function spansOfDocument(
  document: TimelineDocument,
  tools: Pick<Tools, 'compression'>,
): readonly Uint8Array[] {
  return Object.values(document).flatMap((batch) => linesOfBatch(batch, tools) ?? []);
}
