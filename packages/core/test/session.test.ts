/** The table of session states, cell by cell, and what a table cannot show. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { digestHoldings } from '../dist/holdings.js';
import { writeHello, type Channel } from '../dist/handshake.js';
import { LIMITS } from '../dist/limits.js';
import { helloBody, receiptBody, type Hello, type Message, type Receipt } from '../dist/message.js';
import type { KeyPair } from '../dist/ports.js';
import {
  newSession,
  type SessionEvent,
  type SessionState,
  type SessionWorld,
} from '../dist/session-state.js';
import { stepSession } from '../dist/session.js';
import { alice, bob, carol, epoch, tools } from './forge.js';
import { greeter, held, LINK, openPair, viewOf, WALL_MS, worldOf } from './session-ends.js';
import { tenantId } from './town.js';
import { PHASES, renderTable, TABLE, type Phase, type Row } from './session-table.js';

/** What we hold in every cell: one feed, of which the peer has the first entry. */
const OURS = held(1, 2);
const EMPTY_DIGEST = digestHoldings([], tools.crypto);

interface Cell {
  readonly event: SessionEvent;
  readonly world?: Partial<SessionWorld>;
  readonly state?: Partial<SessionState>;
}

type Side = 'dialled' | 'called';

const said = (message: Message): Cell => ({ event: { kind: 'message', message } });
const ranges = (
  lower: string,
  more: Omit<Partial<Extract<Message, { kind: 'holdings' }>['ranges'][number]>, 'lower'>,
): Message => ({
  kind: 'holdings',
  scopes: undefined,
  ranges: [{ lower, upper: '', digest: EMPTY_DIGEST, feeds: undefined, reply: false, ...more }],
  round: 0,
});
const wanted = { key: OURS.key, from: 1, to: 9, aligned: false };
const entry = new Uint8Array(1000);
const ACQUAINTANCE = { key: carol.publicKey, name: 'carol', address: 'ws://carol:1/v1/federation' };
const CLAIM = { tenant: tenantId('acme'), rules: EMPTY_DIGEST, accepted: EMPTY_DIGEST };
const serving = { owed: [wanted], serving: true };

/** How each row comes about; `side` is ours. */
const CELLS: Readonly<Record<Row, (side: Side) => Cell>> = {
  start: () => ({ event: { kind: 'start' } }),
  'message hello': (side) => said(peersHello(side)),
  'message hello, under another network key': (side) =>
    said(peersHello(side, { networkKey: new Uint8Array(32) })),
  'message hello, signed by another key': (side) => said(peersHello(side, { signer: carol })),
  'message hello, signed for another link': (side) => said(peersHello(side, { link: new Uint8Array(64) })),
  'message hello, of the same role as ours': (side) =>
    said(peersHello(side, { initiator: side === 'dialled' })),
  'message hello, of another major version': (side) => said(peersHello(side, { version: '1.0.0' })),
  'message hello, under our own key': (side) => {
    const world = worldOf(side);
    const channel = { ...world.channel, remoteKey: world.greeter.publicKey };
    return { ...said(peersHello(side)), world: { channel } };
  },
  'message hello, with rotations that lead elsewhere': (side) =>
    said(peersHello(side, { rotations: [Uint8Array.of(1)] })),
  'message hello, of a peer that does not trust us': (side) => said(peersHello(side, { verify: false })),
  'message hello, of a peer that we do not trust': (side) => ({
    ...said(peersHello(side)),
    world: { trusted: false },
  }),
  'message hello, of a peer that we have revoked': (side) => ({
    ...said(peersHello(side)),
    world: { trusted: false, revoked: true },
  }),
  'message holdings, with scopes': () => ({
    ...said({ kind: 'holdings', scopes: '*', ranges: [], round: 0 }),
    world: { monotonicMs: LIMITS.offerGapMs },
  }),
  'message holdings, with scopes, again and too soon': () => ({
    ...said({ kind: 'holdings', scopes: '*', ranges: [], round: 0 }),
    world: { monotonicMs: LIMITS.offerGapMs - 1 },
  }),
  'message holdings, with scopes of which some flow to the peer alone': () => ({
    ...said({ kind: 'holdings', scopes: '*', ranges: [], round: 0 }),
    world: { monotonicMs: LIMITS.offerGapMs, unconfirmed: () => [OURS] },
  }),
  'message holdings, listed, waiting for ours': () =>
    said(ranges('', { feeds: [held(1, 3)], digest: new Uint8Array(32), reply: true })),
  'message holdings, listed': () => said(ranges('', { feeds: [held(1, 3)], digest: new Uint8Array(32) })),
  'message holdings, a digest that is ours too': () => said(ranges('\xff', { reply: true })),
  'message holdings, a digest that is not ours': () => said(ranges('', {})),
  'message want': () => said({ kind: 'want', ranges: [wanted], creditBytes: 0 }),
  'message want, of more ranges than may wait': () => ({
    ...said({ kind: 'want', ranges: [wanted], creditBytes: 0 }),
    state: { owed: Array.from({ length: LIMITS.owedRanges }, () => wanted), serving: true },
  }),
  'message entries': () => said({ kind: 'entries', entries: [entry] }),
  'message entries, beyond the credit': () => ({
    ...said({ kind: 'entries', entries: [entry] }),
    state: { creditInBytes: 999 },
  }),
  'message receipt': (side) => said(receiptBy(side === 'dialled' ? bob : alice)),
  'message receipt, signed by another key': () => said(receiptBy(carol)),
  'message peers': () => said({ kind: 'peers', peers: [ACQUAINTANCE] }),
  'message peers, again and too soon': () => ({
    ...said({ kind: 'peers', peers: [ACQUAINTANCE] }),
    world: { monotonicMs: LIMITS.acquaintGapMs - 1 },
    state: { toldAtMs: 0 },
  }),
  'message readings': () => said({ kind: 'readings', claims: [CLAIM] }),
  'message readings, again and too soon': () => ({
    ...said({ kind: 'readings', claims: [CLAIM] }),
    world: { monotonicMs: LIMITS.readingsGapMs - 1 },
    state: { claimedAtMs: 0 },
  }),
  'message ping': () => said({ kind: 'ping', nonce: 7 }),
  'message pong': () => said({ kind: 'pong', nonce: 7 }),
  'message bye': () => said({ kind: 'bye', code: 'going_away', reason: 'restart' }),
  garbage: () => ({ event: { kind: 'garbage' } }),
  'tick, soon': () => ({ event: { kind: 'tick' }, world: { monotonicMs: 1000 } }),
  'tick, after a heartbeat of silence': () => ({
    event: { kind: 'tick' },
    world: { monotonicMs: LIMITS.heartbeatMs },
  }),
  'tick, after the longest silence': () => ({
    event: { kind: 'tick' },
    world: { monotonicMs: LIMITS.silenceMs },
  }),
  'tick, after an offer that came too soon': () => ({
    event: { kind: 'tick' },
    world: { monotonicMs: LIMITS.offerGapMs },
    state: { roundDue: true },
  }),
  'published, what follows on what the peer has': () => ({
    event: { kind: 'published', feeds: [OURS], pushes: [{ key: OURS.key, seq: 2, bytes: entry, spans: 1 }] },
  }),
  'published, anything else': () => ({ event: { kind: 'published', feeds: [OURS], pushes: [] } }),
  gated: () => gated(undefined),
  'gated, with a fault': () => gated('entry refused'),
  'read, a part of what is owed': () => ({
    event: { kind: 'read', entries: [entry], next: 5 },
    state: serving,
  }),
  'read, the last of what is owed': () => ({
    event: { kind: 'read', entries: [entry], next: 10 },
    state: serving,
  }),
  'read, nothing': () => ({ event: { kind: 'read', entries: [], next: 1 }, state: serving }),
  'planned, ranges': () => ({ event: { kind: 'planned', ranges: [wanted] } }),
  'planned, nothing, with a quarter of the credit used': () => ({
    event: { kind: 'planned', ranges: [] },
    state: { dealtBytes: LIMITS.creditBytes / 4 },
  }),
  'planned, nothing': () => ({
    event: { kind: 'planned', ranges: [] },
    state: { dealtBytes: LIMITS.creditBytes / 4 - 1 },
  }),
  confirm: () => ({ event: { kind: 'confirm', feeds: [OURS] } }),
  compare: () => ({ event: { kind: 'compare' } }),
  rights: () => ({ event: { kind: 'rights' }, world: { monotonicMs: LIMITS.offerGapMs } }),
  'rights, again and too soon': () => ({
    event: { kind: 'rights' },
    world: { monotonicMs: LIMITS.offerGapMs - 1 },
  }),
  'rights, of which some scopes flow to the peer alone': () => ({
    event: { kind: 'rights' },
    world: { monotonicMs: LIMITS.offerGapMs, unconfirmed: () => [OURS] },
  }),
  acquaint: () => ({ event: { kind: 'acquaint', peers: [ACQUAINTANCE] } }),
  'acquaint, a peer of an earlier version': () => ({
    event: { kind: 'acquaint', peers: [ACQUAINTANCE] },
    state: { takesPeers: false },
  }),
  claim: () => ({ event: { kind: 'claim', claims: [CLAIM] } }),
  'claim, a peer of an earlier version': () => ({
    event: { kind: 'claim', claims: [CLAIM] },
    state: { takesReadings: false },
  }),
  stop: () => ({ event: { kind: 'stop', code: 'going_away', reason: 'restart' } }),
  lost: () => ({ event: { kind: 'lost' } }),
};

function gated(fault: string | undefined): Cell {
  return { event: { kind: 'gated', gated: { frameBytes: 1000, held: [OURS], fault } } };
}

/** The hello of the other side, or one that is wrong in some way. */
function peersHello(
  side: Side,
  wrong: Partial<
    Pick<Hello, 'version' | 'verify'> & {
      readonly networkKey: Uint8Array;
      readonly rotations: readonly Uint8Array[];
      readonly signer: KeyPair;
      readonly link: Uint8Array;
      readonly initiator: boolean;
    }
  > = {},
): Hello {
  const peer = worldOf(side === 'dialled' ? 'called' : 'dialled');
  const keyPair = wrong.signer ?? (side === 'dialled' ? bob : alice);
  const channel: Channel = {
    ...peer.channel,
    handshakeHash: wrong.link ?? LINK,
    initiator: wrong.initiator ?? peer.channel.initiator,
  };
  const { rotations = [] } = wrong;
  const by = { ...greeter(keyPair, peer.greeter.name, wrong.networkKey), rotations };
  const hello = writeHello(by, channel, { verify: wrong.verify ?? true, atMs: WALL_MS, tools });
  return wrong.version === undefined
    ? hello
    : resigned({ ...hello, version: wrong.version }, channel, keyPair);
}

/** A hello of another version, with the proof and the signature that it calls for. */
function resigned(hello: Hello, channel: Channel, keyPair: KeyPair): Hello {
  const role = channel.initiator ? 'initiator' : 'responder';
  const { crypto, text } = tools;
  const label = text.encode(`${role}\0${hello.version}\0`);
  const proof = crypto.hmac(greeter(keyPair, 'x').networkKey, Buffer.concat([label, channel.handshakeHash]));
  const domain = text.encode(`logline-federation/hello/1\0${role}\0`);
  const body = Buffer.concat([domain, channel.handshakeHash, helloBody({ ...hello, proof })]);
  return { ...hello, proof, signature: crypto.sign(body, keyPair.secretKey) };
}

function receiptBy(keyPair: KeyPair): Receipt {
  const receipt = { feeds: [held(1, 1)], run: epoch(9), atMs: WALL_MS };
  return {
    kind: 'receipt',
    ...receipt,
    signature: tools.crypto.sign(receiptBody(receipt), keyPair.secretKey),
  };
}

/** A session in a phase, as it comes to be in it. */
function stateIn(phase: Phase, side: Side): SessionState {
  if (phase.startsWith('greeting')) return newSession(0);
  const { [side]: end } = openPair();
  if (phase === 'closed') end.step({ kind: 'lost' });
  return end.state;
}

function effectsIn(row: Row, phase: Phase, side: Side): string {
  const cell = CELLS[row](side);
  const state = { ...stateIn(phase, side), ...cell.state };
  const world = worldOf(side, { mine: () => viewOf([OURS]), reach: () => 1, ...cell.world });
  const stepped = stepSession(state, cell.event, world);
  const effects = stepped.effects.map((effect) => {
    if (effect.kind === 'close') return `close(${effect.code})`;
    if (effect.kind !== 'send') return effect.kind;
    return effect.message.kind === 'bye' ? `send bye(${effect.message.code})` : `send ${effect.message.kind}`;
  });
  const arrow = stepped.state.phase === state.phase ? '' : `→ ${stepped.state.phase}`;
  return [arrow, effects.join(', ')].filter((part) => part !== '').join(': ') || '–';
}

for (const row of Object.keys(TABLE) as Row[]) {
  test(`the table of session states holds in every phase for "${row}"`, (t) => {
    for (const [i, phase] of PHASES.entries()) {
      const sides: readonly Side[] =
        phase === 'closed' ? ['dialled', 'called'] : [phase.endsWith('dialled') ? 'dialled' : 'called'];
      for (const side of sides)
        t.is(effectsIn(row, phase, side), TABLE[row][i] ?? 'no cell', `${phase} (${side})`);
    }
  });
}

test('PROTOCOL.md shows the table of session states', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../PROTOCOL.md'), 'utf8');
  const shown = /<!-- session states -->\n([\s\S]*?)\n<!-- end of session states -->/.exec(page)?.[1] ?? '';
  t.is(shown.trim(), renderTable());
});
