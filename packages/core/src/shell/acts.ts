/** What operators did at this node: signed entries of a scope that is offered to nobody. */

import { toHex } from '../bytes.js';
import { openContent } from '../content.js';
import { readChange } from '../change.js';
import { hashOfEntry, headerOfAccepted, splitEntry } from '../entry.js';
import { LoglineError } from '../errors.js';
import { lastRange, type Feed } from '../feed.js';
import { ACTS_SCOPE } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Tools } from '../ports.js';
import type { ActStatement } from '../statement.js';
import type { Storage } from '../storage.js';
import type { Committer } from './committer.js';
import type { HoldingsTable } from './holdings-table.js';
import type { Act, ActRecord } from './operator-view.js';

export interface ActsWorld {
  readonly committer: Committer;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly tools: Tools;
}

const CURSOR = /^(\d{1,15})-(\d{1,15})$/;
const PAGE_MOST = 1000;

/** Keeps an act durably. Texts are cut to their bound. */
export async function noteAct(act: Act, { committer }: ActsWorld): Promise<void> {
  const cut = (text: string): string => text.slice(0, LIMITS.actChars);
  await committer.write((pen) =>
    pen.seal(ACTS_SCOPE, [
      {
        kind: 'act',
        caller: cut(act.caller),
        action: cut(act.action),
        detail: cut(act.detail),
        outcome: cut(act.outcome),
      },
    ]),
  );
}

/** A page of acts, newest first. `before` is the `next` of an earlier page. Rejects with `bad_cursor`. */
export async function listActs(
  options: { readonly limit: number; readonly before?: string | undefined },
  world: ActsWorld,
): Promise<{ readonly acts: readonly ActRecord[]; readonly next: string | null }> {
  const limit = Math.max(1, Math.min(options.limit, PAGE_MOST));
  const feeds = world.table.under(`${ACTS_SCOPE}\0`).toSorted((a, b) => startMs(b) - startMs(a));
  let { feed: at, seq } = startOf(options.before, feeds);
  const acts: ActRecord[] = [];
  while (at < feeds.length) {
    const feed = feeds[at];
    if (feed === undefined) break;
    for (let from = Math.min(seq, lastRange(feed)?.to ?? 0); from > 0; from--) {
      acts.push(...(await actsAt(feed, from, world)));
      if (acts.length >= limit)
        return { acts, next: from > 1 || at + 1 < feeds.length ? `${feeds.length - at}-${from}` : null };
    }
    at++;
    seq = Number.MAX_SAFE_INTEGER;
  }
  return { acts, next: null };
}

/** Feeds are numbered from the oldest, so that a cursor holds when a process start adds another. */
function startOf(
  before: string | undefined,
  feeds: readonly Feed[],
): { readonly feed: number; readonly seq: number } {
  if (before === undefined) return { feed: 0, seq: Number.MAX_SAFE_INTEGER };
  const [, number, seq] = CURSOR.exec(before) ?? [];
  const feed = feeds.length - Number(number);
  if (number === undefined || feed < 0 || feed >= feeds.length)
    throw new LoglineError('bad_cursor', 'the cursor is not one that this list returned');
  return { feed, seq: Number(seq) - 1 };
}

function startMs(feed: Feed): number {
  return lastRange(feed)?.head.stamp.ms ?? 0;
}

async function actsAt(feed: Feed, seq: number, { storage, tools }: ActsWorld): Promise<readonly ActRecord[]> {
  const [stored] = await storage.entries(feed.key, { from: seq, to: seq, bytesMost: 1 });
  const parts = stored === undefined ? undefined : splitEntry(stored.bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  const change = parts === undefined ? undefined : readChange(parts.change, tools);
  if (parts === undefined || header === undefined || change === undefined) return [];
  const content = openContent(change.value, header.scope, tools);
  const statement = toHex(hashOfEntry(parts, tools.crypto));
  return (content.ok ? content.statements : []).flatMap((said) =>
    said.kind === 'act' ? [actOf(said, { atMs: header.stamp.ms, statement })] : [],
  );
}

function actOf(
  { caller, action, detail, outcome }: ActStatement,
  place: Pick<ActRecord, 'atMs' | 'statement'>,
): ActRecord {
  return { caller, action, detail, outcome, ...place };
}
