/** An entry read back from the log, described as it was when it was accepted. */

import { hashOfChange, readChange } from '../change.js';
import { openContent } from '../content.js';
import { headerOfAccepted, hashOfEntry, splitEntry } from '../entry.js';
import { feedKeyOf } from '../feed.js';
import type { Tools } from '../ports.js';
import type { AcceptedEntry } from '../storage.js';

/** `undefined` where the bytes are no entry that we could have accepted: the log is damaged in a way the checksum missed. */
export function describeEntry(bytes: Uint8Array, tools: Tools): AcceptedEntry | undefined {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (parts === undefined || header === undefined) return undefined;
  const change = readChange(parts.change, tools);
  const content = change === undefined ? undefined : openContent(change.value, header.scope, tools);
  if (content === undefined || !content.ok) return undefined;
  return {
    key: feedKeyOf(header),
    header,
    hash: hashOfEntry(parts, tools.crypto),
    changeHash: hashOfChange(parts.change, tools.crypto),
    changeBytes: parts.change.length,
    bytes,
    spans: content.spans,
    statements: content.statements,
    assertions: content.assertions,
  };
}
