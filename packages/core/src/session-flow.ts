/** The flow of entries on an open session: asked for, read, sent, gated, and confirmed, within the credit of both sides. */

import type { FeedKey } from './feed.js';
import { digestHoldings, hasHoldings, packFeeds, type FeedHoldings } from './holdings.js';
import { LIMITS } from './limits.js';
import { receiptBody, type Entries, type Receipt, type Want, type WantedRange } from './message.js';
import {
  close,
  send,
  type Gated,
  type Push,
  type SessionEffect,
  type SessionState,
  type SessionWorld,
  type Stepped,
} from './session-state.js';

/** The most that one `serve` effect may bring: up to the bound of a frame, and one more entry of the largest. */
const SERVED_BYTES_MOST = LIMITS.entriesFrameBytes + LIMITS.entryBytes;

export function onWant(state: SessionState, message: Want): Stepped {
  const owed = [...state.owed, ...message.ranges];
  if (owed.length > LIMITS.owedRanges) return close(state, 'flow', 'asked for more ranges than may wait');
  const creditOutBytes = Math.min(state.creditOutBytes + message.creditBytes, LIMITS.creditBytes);
  return serveNext({ ...state, owed, creditOutBytes }, []);
}

/** Reads on while something is owed and there is room for the largest entry. */
function serveNext(state: SessionState, effects: readonly SessionEffect[]): Stepped {
  const [range] = state.owed;
  if (state.serving || range === undefined || state.creditOutBytes < LIMITS.entryBytes)
    return { state, effects };
  const bytesMost = Math.min(LIMITS.entriesFrameBytes, state.creditOutBytes - LIMITS.entryBytes + 1);
  return { state: { ...state, serving: true }, effects: [...effects, { kind: 'serve', range, bytesMost }] };
}

export function onRead(
  state: SessionState,
  event: { readonly entries: readonly Uint8Array[]; readonly next: number },
): Stepped {
  const [range, ...rest] = state.owed;
  if (range === undefined) return { state: { ...state, serving: false }, effects: [] };
  // An empty read means that we hold nothing of it (any more): the asker's own deadline covers it.
  const done = event.entries.length === 0 || event.next > range.to;
  const owed = done ? rest : [{ ...range, from: event.next, aligned: false }, ...rest];
  const idle: SessionState = { ...state, serving: false, owed };
  if (event.entries.length === 0) return serveNext(idle, []);
  const creditOutBytes = state.creditOutBytes - entriesBytes(event.entries);
  return serveNext({ ...idle, creditOutBytes }, [send({ kind: 'entries', entries: event.entries })]);
}

export function onEntries(state: SessionState, message: Entries): Stepped {
  const frameBytes = entriesBytes(message.entries);
  if (frameBytes > state.creditInBytes)
    return close(state, 'flow', 'sent more entries than there was room for');
  const creditInBytes = state.creditInBytes - frameBytes;
  return {
    state: { ...state, creditInBytes },
    effects: [{ kind: 'gate', entries: message.entries, frameBytes }],
  };
}

export function onGated(state: SessionState, gated: Gated, world: SessionWorld): Stepped {
  if (gated.fault !== undefined) return close(state, 'fault', gated.fault);
  const effects: SessionEffect[] = [];
  for (const feeds of packFeeds(byKey(gated.held))) effects.push(send(writeReceipt(feeds, world)));
  effects.push({ kind: 'plan' });
  return { state: { ...state, dealtBytes: state.dealtBytes + gated.frameBytes }, effects };
}

/** Asks for ranges, and gives back credit with them or when a quarter of it has been used. */
export function onPlanned(state: SessionState, ranges: readonly WantedRange[]): Stepped {
  const isDue = ranges.length > 0 || state.dealtBytes >= LIMITS.creditBytes / 4;
  if (!isDue) return { state, effects: [] };
  const creditBytes = state.dealtBytes;
  const credited = { ...state, creditInBytes: state.creditInBytes + creditBytes, dealtBytes: 0 };
  return { state: credited, effects: [send({ kind: 'want', ranges, creditBytes })] };
}

export function onReceipt(state: SessionState, receipt: Receipt, world: SessionWorld): Stepped {
  const body = receiptBody(receipt);
  if (!world.tools.crypto.verify(receipt.signature, body, world.channel.remoteKey)) {
    return close(state, 'fault', 'a receipt that its sender did not sign');
  }
  return { state, effects: [{ kind: 'receipt', receipt }] };
}

/** Says what we hold of what the peer told us of, where nothing flows back that would say so. */
export function onConfirm(state: SessionState, feeds: readonly FeedHoldings[], world: SessionWorld): Stepped {
  const receipts = packFeeds(byKey(feeds)).map((run) => send(writeReceipt(run, world)));
  return { state, effects: receipts };
}

function writeReceipt(feeds: readonly FeedHoldings[], world: SessionWorld): Receipt {
  const said = { feeds, run: world.run, atMs: world.wallMs };
  return { kind: 'receipt', ...said, signature: world.greeter.sign(receiptBody(said)) };
}

/** Sends our own new entries where the peer has all that came before, and tells of everything else. */
export function onPublished(
  state: SessionState,
  event: { readonly feeds: readonly FeedHoldings[]; readonly pushes: readonly Push[] },
  world: SessionWorld,
): Stepped {
  if (state.offered === undefined) return { state, effects: [] };
  const sent = new Map<FeedKey, { readonly seq: number; readonly entries: number; readonly spans: number }>();
  const entries: Uint8Array[] = [];
  // What is being read for the peer already counts: it goes out whatever is pushed meanwhile.
  const reservedBytes = state.serving ? SERVED_BYTES_MOST : 0;
  let creditOutBytes = state.creditOutBytes;
  let frameBytes = 0;
  for (const push of event.pushes) {
    const before = sent.get(push.key) ?? { seq: world.reach(push.key), entries: 0, spans: 0 };
    if (before.seq !== push.seq - 1 || push.bytes.length > creditOutBytes - reservedBytes) continue;
    if (frameBytes + push.bytes.length > LIMITS.entriesFrameBytes && frameBytes > 0) continue;
    creditOutBytes -= push.bytes.length;
    frameBytes += push.bytes.length;
    entries.push(push.bytes);
    sent.set(push.key, { seq: push.seq, entries: before.entries + 1, spans: before.spans + push.spans });
  }
  const effects: SessionEffect[] = [];
  if (entries.length > 0) effects.push(send({ kind: 'entries', entries }));
  for (const [key, pushed] of sent) effects.push({ kind: 'pushed', key, ...pushed });
  const told = event.feeds.filter(
    (feed) =>
      feed.stop !== undefined ||
      !sent.has(feed.key) ||
      (sent.get(feed.key)?.seq ?? 0) < (feed.ranges.at(-1)?.to ?? 0),
  );
  if (told.length > 0) effects.push(...tellOf(told, world));
  return { state: { ...state, creditOutBytes }, effects };
}

/** Each feed as a range of one key, which is empty where nothing of it is held any more. */
export function tellOf(feeds: readonly FeedHoldings[], world: SessionWorld): readonly SessionEffect[] {
  return packFeeds(byKey(feeds)).map((run) => {
    const ranges = run.map((feed) => {
      const feeds = hasHoldings(feed) ? [feed] : [];
      const digest = digestHoldings(feeds, world.tools.crypto);
      return { lower: feed.key, upper: `${feed.key}\0`, digest, feeds, reply: false };
    });
    return send({ kind: 'holdings', scopes: undefined, ranges, round: 0 });
  });
}

function byKey(feeds: readonly FeedHoldings[]): readonly FeedHoldings[] {
  return [...feeds].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function entriesBytes(entries: readonly Uint8Array[]): number {
  return entries.reduce((sum, entry) => sum + entry.length, 0);
}
