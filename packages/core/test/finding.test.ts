/** Nodes that know of each other nothing but names and fingerprints: discovery brings them together, and makes nobody trusted. */

import test, { type ExecutionContext } from 'ava';
import { Candidates, type Found } from '../dist/discovery.js';
import {
  labelOf,
  readNotebook,
  writeNotebook,
  type Advert,
  type Finder,
  type Notebook,
} from '../dist/finder.js';
import { nodeIdOf } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import type { TrustedPeer } from '../dist/node-options.js';
import type { KeyPair } from '../dist/ports.js';
import type { PeerInfo } from '../dist/shell/peer-info.js';
import { alice, bob, carol, person } from './forge.js';
import { Town, type House, type Settings } from './town.js';

const MINUTE = 60_000;

/** Where everybody reads what everybody says of themselves, and whatever else is written there. */
class Board {
  readonly adverts = new Map<string, Pick<Advert, 'id' | 'hint'>>();

  finder(address: string): Finder {
    const { adverts } = this;
    return {
      method: 'broadcast',
      watch: () => undefined,
      find: () => Promise.resolve({ found: [...adverts].map(foundOf), errors: [] }),
      announce: (advert) => Promise.resolve(void adverts.set(address, advert)),
      close: () => Promise.resolve(void adverts.delete(address)),
    };
  }
}

function foundOf([address, { id, hint }]: readonly [string, Pick<Advert, 'id' | 'hint'>]): Found {
  return { method: 'broadcast', address, name: id.slice(nodeIdOf('').length), hint, ttlMs: 2 * MINUTE };
}

class Page implements Notebook {
  bytes: Uint8Array | undefined;

  read(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.bytes);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.bytes = bytes;
    return Promise.resolve();
  }
}

function addressOf(name: string): string {
  return `ws://${name}.local:8080/v1/federation`;
}

/** How an operator lists a node that may be anywhere. */
function listed(name: string, key: KeyPair): TrustedPeer {
  return { address: nodeIdOf(name), key: key.publicKey };
}

/** A house that announces itself on the board and reads it. */
async function settle(
  t: ExecutionContext,
  town: Town,
  name: string,
  { board, notebook, ...more }: Settings & { readonly board: Board; readonly notebook?: Notebook },
): Promise<House> {
  const address = addressOf(name);
  const discovery = { finders: [board.finder(address)], notebook };
  const house = await town.start(t, name, { address, discovery, ...more });
  await house.node.discovery.announce(8080);
  return house;
}

/** Where two know each other's places by their operators, and one of them somebody whom the other knows by key alone. */
async function introduce(
  t: ExecutionContext,
  exchange: readonly [alice: boolean, bob: boolean],
): Promise<{ readonly town: Town; readonly a: House; readonly b: House; readonly c: House }> {
  const town = new Town();
  const at = (name: string, key: KeyPair): TrustedPeer => ({ address: addressOf(name), key: key.publicKey });
  const house = (name: string, trustedPeers: readonly TrustedPeer[], tells: boolean): Promise<House> =>
    town.start(t, name, {
      address: addressOf(name),
      trustedPeers,
      discovery: { finders: [], exchange: tells },
    });
  const a = await house('alice', [at('bob', bob), listed('carol', carol)], exchange[0]);
  const b = await house('bob', [at('alice', alice), at('carol', carol)], exchange[1]);
  const c = await house('carol', [at('bob', bob), listed('alice', alice)], true);
  await town.time.advance(30_000);
  return { town, a, b, c };
}

async function look(town: Town, ...houses: readonly House[]): Promise<void> {
  for (const { node } of houses) await node.discovery.look({ timeoutMs: 1_000, fresh: false });
  await town.time.advance(5_000);
}

function foundAt(at: House, name: string): PeerInfo | undefined {
  return at.node.found().find((peer) => peer.address === addressOf(name));
}

test('nodes that list each other by name and fingerprint find each other and become verified', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board, trustedPeers: [listed('bob', bob)] });
  t.like(a.node.peers()[0], { id: nodeIdOf('bob'), trustLevel: 'pending', status: 'disconnected' });
  t.regex(a.node.peers()[0]?.lastError ?? '', /has not found this node yet/);
  const b = await settle(t, town, 'bob', { board, trustedPeers: [listed('alice', alice)] });
  await look(town, a, b);
  for (const [house, other] of [
    [a, b],
    [b, a],
  ] as const) {
    t.like(house.node.peers()[0], { status: 'connected', trustLevel: 'verified', id: other.node.id });
    t.deepEqual(house.node.found(), [], 'who is listed is told of once');
  }
});

test('whoever is found is unknown, though it proves the network key, until an operator says more', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board });
  const b = await settle(t, town, 'bob', { board });
  await look(town, a, b);
  await look(town, a, b);
  t.like(foundAt(a, 'bob'), {
    id: nodeIdOf('bob'),
    fingerprint: b.node.fingerprint,
    trustLevel: 'unknown',
    status: 'disconnected',
    method: 'broadcast',
    source: 'discovered',
  });
  t.true(a.events.some((event) => event.kind === 'node_found'));
  t.deepEqual(a.node.peers(), []);
  const trusting = [
    a.node.trust({ address: addressOf('bob') }),
    b.node.trust({ address: addressOf('alice') }),
  ];
  await town.time.advance(5_000);
  await Promise.all(trusting);
  t.like(a.node.peers()[0], { status: 'connected', trustLevel: 'verified' });
});

test('a node that finds itself leaves it at that', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board });
  for (let n = 0; n < 3; n++) await look(town, a);
  t.deepEqual(a.node.found(), []);
  t.false(a.events.some(({ kind }) => kind === 'node_found'));
  t.is(a.events.filter(({ kind }) => kind === 'link_refused').length, 1, 'it has called itself once');
});

test('a node with another network key stays out: its announcements leave nothing, and it is not dialled', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board, trustedPeers: [listed('bob', bob)] });
  const d = await settle(t, town, 'dave', { board, networkKey: 'theirs' });
  await look(town, a, d);
  t.deepEqual([a.node.found(), d.node.found()], [[], []]);
  const [report] = await a.node.discovery.look({ timeoutMs: 1_000, fresh: false });
  t.like(report, { others: 1 });
});

test('a stranger that repeats our hint is greeted once and then let be, however often it is announced', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board });
  await settle(t, town, 'mallory', { board: new Board(), networkKey: 'theirs' });
  const hint = board.adverts.get(addressOf('alice'))?.hint ?? '';
  board.adverts.set(addressOf('mallory'), { id: nodeIdOf('mallory'), hint });
  const greetings = (): number =>
    a.events.filter((event) => event.kind === 'link_refused' && event.address === addressOf('mallory'))
      .length;
  for (let minute = 0; minute < 4; minute++) {
    await look(town, a);
    await town.time.advance(MINUTE - 5_000);
  }
  t.is(greetings(), 1);
  t.like(foundAt(a, 'mallory'), { trustLevel: 'unknown', fingerprint: undefined, id: undefined });
  t.regex(foundAt(a, 'mallory')?.lastError ?? '', /FEDERATION_NETWORK_KEY/);
});

test('who claims a name that another key is listed for is not taken for it', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board, trustedPeers: [listed('bob', bob)] });
  // A member of the network, which knows its key.
  const m = await settle(t, town, 'mallory', { board: new Board(), trustedPeers: [listed('alice', alice)] });
  const hint = board.adverts.get(addressOf('alice'))?.hint ?? '';
  board.adverts.set(addressOf('mallory'), { id: nodeIdOf('bob'), hint });
  await look(town, a, m);
  t.like(a.node.peers()[0], { status: 'disconnected', trustLevel: 'pending' });
  t.like(foundAt(a, 'mallory'), { id: nodeIdOf('mallory'), trustLevel: 'unknown' });
  const b = await settle(t, town, 'bob', { board, trustedPeers: [listed('alice', alice)] });
  await look(town, a, b);
  t.like(a.node.peers()[0], { status: 'connected', trustLevel: 'verified', id: b.node.id });
});

test('a flood of announcements is dialled sparingly, and a listed node is found in the middle of it', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const a = await settle(t, town, 'alice', { board, trustedPeers: [listed('bob', bob)] });
  const hint = board.adverts.get(addressOf('alice'))?.hint ?? '';
  for (let n = 0; n < 10_000; n++) board.adverts.set(addressOf(`x${n}`), { id: nodeIdOf(`x${n}`), hint });
  const before = town.network.faults.dialsRefused;
  await look(town, a);
  await town.time.advance(50_000);
  t.true(town.network.faults.dialsRefused - before <= LIMITS.scoutsPerMinute);
  t.true(a.node.found().length <= LIMITS.candidatesPerMethod);
  board.adverts.clear();
  await settle(t, town, 'bob', { board, trustedPeers: [listed('alice', alice)] });
  await look(town, a);
  await town.time.advance(3 * MINUTE);
  t.like(a.node.peers()[0], { status: 'connected', trustLevel: 'verified' });
});

test('where somebody was met is remembered over a restart, though nothing announces it any more', async (t) => {
  const [town, board, notebook] = [new Town(), new Board(), new Page()];
  const a = await settle(t, town, 'alice', { board, notebook, trustedPeers: [listed('bob', bob)] });
  const b = await settle(t, town, 'bob', { board, trustedPeers: [listed('alice', alice)] });
  const c = await settle(t, town, 'carol', { board });
  await look(town, a, b, c);
  await a.stop();
  board.adverts.clear();
  b.mayDial = false;
  await a.start();
  await town.time.advance(5_000);
  t.like(a.node.peers()[0], { status: 'connected', trustLevel: 'verified', places: [addressOf('bob')] });
  t.like(foundAt(a, 'carol'), { method: 'remembered', trustLevel: 'unknown' });
});

test('a listed node that has moved is found where it is now', async (t) => {
  const [town, board] = [new Town(), new Board()];
  const before = { address: addressOf('where-bob-was'), key: bob.publicKey };
  const a = await settle(t, town, 'alice', { board, trustedPeers: [before] });
  const b = await settle(t, town, 'bob', { board, trustedPeers: [listed('alice', alice)] });
  b.mayDial = false;
  await look(town, a);
  await town.time.advance(MINUTE);
  const met = { status: 'connected', trustLevel: 'verified', places: [addressOf('bob')] } as const;
  t.like(a.node.peers()[0], met);
  town.network.cutLinks();
  await town.time.advance(MINUTE);
  t.like(a.node.peers()[0], met, 'and found again when the link was lost');
});

test('a damaged notebook costs what was in it, and no start', async (t) => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff, 1, 2), new Uint8Array(70_000).fill(0x82)]) {
    const [town, board, notebook] = [new Town(), new Board(), new Page()];
    notebook.bytes = bytes;
    const a = await settle(t, town, 'alice', { board, notebook });
    t.deepEqual(a.node.found(), []);
    t.like(
      a.events.find(({ kind }) => kind === 'discovery_failed'),
      { method: 'notebook' },
    );
  }
});

test('of a notebook only places of nodes are believed', (t) => {
  const table = new Candidates(() => false);
  table.restore(addressOf('bob'), { key: bob.publicKey, name: 'bob', atMs: 5 });
  table.restore('file:///etc/passwd', { key: carol.publicKey, name: 'carol', atMs: 5 });
  table.restore(addressOf('carol'), { key: carol.publicKey, name: '../carol', atMs: 5 });
  const read = readNotebook(writeNotebook(table));
  t.deepEqual(read, [{ address: addressOf('bob'), key: bob.publicKey, name: 'bob', atMs: 5 }]);
});

test('a label fits DNS, whatever a node is called', (t) => {
  for (const name of ['bob', 'Bob.Example_1', 'x'.repeat(64), 'a-', '0']) {
    t.regex(labelOf(name, bob.publicKey), /^[a-z0-9][a-z0-9-]{0,60}[a-z0-9]$/, name);
  }
  t.not(labelOf('local-node', bob.publicKey), labelOf('local-node', person('eve').publicKey));
});

test('verified peers tell each other of verified peers, and who is listed by key alone is found so', async (t) => {
  const { a, b, c } = await introduce(t, [true, true]);
  for (const [house, other] of [
    [a, c],
    [c, a],
    [a, b],
  ] as const) {
    const told = house.node.peers().find(({ id }) => id === other.node.id);
    t.like(told, { status: 'connected', trustLevel: 'verified' }, `${house.name} and ${other.name}`);
  }
});

test('a node whose exchange is off neither tells nor listens', async (t) => {
  for (const exchange of [
    [false, true],
    [true, false],
  ] as const) {
    const { a, c } = await introduce(t, exchange);
    const told = a.node.peers().find(({ id }) => id === c.node.id);
    // Carol may have been told by bob where alice is: only then do they meet.
    const isMet = told?.status === 'connected';
    t.is(isMet, exchange[1], exchange[1] ? 'carol heard of alice' : 'nobody was told');
    if (!exchange[0]) t.deepEqual(a.node.found(), []);
  }
});

test('what a peer tells makes nobody trusted', async (t) => {
  const town = new Town();
  const place = (name: string, key: KeyPair): TrustedPeer => ({
    address: addressOf(name),
    key: key.publicKey,
  });
  const start = (name: string, trustedPeers: readonly TrustedPeer[]): Promise<House> =>
    town.start(t, name, {
      address: addressOf(name),
      trustedPeers,
      discovery: { finders: [], exchange: true },
    });
  const a = await start('alice', [place('bob', bob)]);
  await start('bob', [place('alice', alice), place('carol', carol)]);
  const c = await start('carol', [place('bob', bob)]);
  await town.time.advance(30_000);
  t.like(foundAt(a, 'carol'), { method: 'exchange', trustLevel: 'unknown', fingerprint: c.node.fingerprint });
  t.false(a.node.found().some(({ status }) => status === 'connected'));
});
