/** Statements where they stand: those of freshly committed entries, and all that the log holds of a scope. */

import { equalBytes } from '../bytes.js';
import { readChange } from '../change.js';
import { openContent } from '../content.js';
import { hashOfEntry, headerOfAccepted, SIGNATURE_BYTES, splitEntry, type Header } from '../entry.js';
import { splitFeedKey, type Feed } from '../feed.js';
import { statementsOfScope, type Scope } from '../identity.js';
import type { Tools } from '../ports.js';
import {
  familyOf,
  type AccessStatement,
  type Placed,
  type Statement,
  type TrustStatement,
} from '../statement.js';
import type { AcceptedEntry, Storage } from '../storage.js';

/** The statements of one entry. */
export interface StatedEntry {
  readonly scope: Scope;
  readonly placed: readonly Placed[];
  /** Of the entry. */
  readonly signature: Uint8Array;
  readonly bytes: number;
}

const READ_BYTES = 1024 * 1024;

/** The statements of an entry just committed; `undefined` where it holds spans. */
export function statedIn(entry: AcceptedEntry): StatedEntry | undefined {
  if (entry.statements.length === 0) return undefined;
  return stated(entry.header, entry.statements, entry);
}

/** Everything stated about trust and access that the log holds, accepted or quarantined: the folds know what counts. */
export async function* readStatements(
  feeds: Iterable<Feed>,
  { storage, tools }: { readonly storage: Storage; readonly tools: Tools },
): AsyncGenerator<StatedEntry, void, void> {
  for (const feed of feeds) {
    const family = statementsOfScope(splitFeedKey(feed.key)?.scope ?? '');
    if (family !== 'trust' && family !== 'access') continue;
    for (const range of feed.ranges) {
      for (let from = range.from; from <= range.to;) {
        const page = await storage.entries(feed.key, { from, to: range.to, bytesMost: READ_BYTES });
        for (const { bytes } of page) {
          const entry = read(bytes, tools);
          if (entry !== undefined) yield entry;
        }
        if (page.length === 0) break;
        from += page.length;
      }
    }
  }
}

function read(bytes: Uint8Array, tools: Tools): StatedEntry | undefined {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  const change = parts === undefined ? undefined : readChange(parts.change, tools);
  if (parts === undefined || header === undefined || change === undefined) return undefined;
  const content = openContent(change.value, header.scope, tools);
  if (!content.ok) return undefined;
  return stated(header, content.statements, { bytes, hash: hashOfEntry(parts, tools.crypto) });
}

function stated(
  header: Header,
  statements: readonly Statement[],
  entry: { readonly bytes: Uint8Array; readonly hash: Uint8Array },
): StatedEntry {
  const { scope, origin, stamp, epoch, seq } = header;
  const { hash, bytes } = entry;
  return {
    scope,
    placed: statements.map((statement, index) => ({ statement, origin, hash, stamp, epoch, seq, index })),
    signature: bytes.slice(bytes.length - SIGNATURE_BYTES),
    bytes: bytes.length,
  };
}

/** Whether an entry of another node trusts a key again that its signer, or one whom it follows, had revoked. */
export function takesBack({ header, statements }: AcceptedEntry, key: Uint8Array): boolean {
  if (equalBytes(header.origin, key)) return false;
  return statements.some(
    (said) => said.kind === 'verify' && said.over.length > 0 && equalBytes(said.key, key),
  );
}

export function isOfTrust(placed: Placed): placed is Placed<TrustStatement> {
  return familyOf(placed.statement) === 'trust';
}

export function isOfAccess(placed: Placed): placed is Placed<AccessStatement> {
  return familyOf(placed.statement) === 'access';
}
