/** What an accepted entry holds, read from its bytes. */

import { readChange } from '../change.js';
import { openContent, type Content } from '../content.js';
import { headerOfAccepted, splitEntry, type Header } from '../entry.js';
import type { Tools } from '../ports.js';

/** `undefined` where the bytes are no entry that could have been accepted. */
export function contentOf(
  bytes: Uint8Array,
  tools: Tools,
): { readonly header: Header; readonly content: Content } | undefined {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  const change = parts === undefined ? undefined : readChange(parts.change, tools);
  if (header === undefined || change === undefined) return undefined;
  const content = openContent(change.value, header.scope, tools);
  return content.ok ? { header, content } : undefined;
}
