/** Whom a node believes that lists an address and no key: the network key, the operator's word, or nobody. */

import test, { type ExecutionContext } from 'ava';
import { LoglineError } from '../dist/errors.js';
import type { NodeEvent } from '../dist/events.js';
import { fingerprintOf, type TenantId } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { FederationNode } from '../dist/node.js';
import type { NodeOptions } from '../dist/node-options.js';
import type { KeyPair } from '../dist/ports.js';
import { judgeContact, type Contact } from '../dist/shell/first-contact.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex } from '../dist/testing/index.js';
import { alice, bob, carol, person, tenant, tools } from './forge.js';
import { Street } from './parties.js';

const TOOLS = {
  ...tools,
  crypto: { ...tools.crypto, stretch: (secret: string) => tools.crypto.sha256(tools.text.encode(secret)) },
};
const BOB = fingerprintOf(bob.publicKey);
const CAROL = fingerprintOf(carol.publicKey);

interface Started {
  readonly node: FederationNode;
  readonly events: readonly NodeEvent[];
}

async function start(
  t: ExecutionContext,
  street: Street,
  at: {
    readonly name: string;
    readonly key: KeyPair;
    readonly peers?: readonly string[];
    readonly networkKey?: string;
    readonly disk?: MemoryDisk;
  } & Partial<Pick<NodeOptions, 'tenants'>>,
): Promise<Started> {
  const { clock, random, network } = street;
  const { name, key, peers = [], networkKey = '', disk = new MemoryDisk(), tenants = '*' } = at;
  const storage = await LogStore.open({ disk, index: new MemoryIndex(), tools: TOOLS, random, clock });
  const events: NodeEvent[] = [];
  const node = await FederationNode.open({
    name,
    keyPair: key,
    storage,
    transport: network.transport({ address: name, keyPair: key }),
    clock,
    random,
    tools: TOOLS,
    networkKey,
    trustedPeers: peers.map((address) => ({ address })),
    tenants,
    onEvent: (event) => events.push(event),
  });
  t.teardown(async () => {
    const closed = node.close();
    await street.time.advance(5_000);
    await closed;
  });
  return { node, events };
}

/** Lets time pass until something is done. */
async function during<T>(street: Street, work: Promise<T>, ms = 3_000): Promise<T> {
  await street.time.advance(ms);
  return work;
}

const peerOf = ({ node }: Started): ReturnType<FederationNode['peers']>[number] | undefined =>
  node.peers()[0];
const codeOf = (error: unknown): string => (error instanceof LoglineError ? error.code : String(error));

test('without a network key a first contact stays pending, and says what to compare and what to do', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'] });
  const b = await start(t, street, { name: 'bob', key: bob, peers: ['alice'] });
  await street.time.advance(120_000);
  for (const node of [a, b]) {
    t.like(peerOf(node), { status: 'disconnected', trustLevel: 'pending', fingerprint: undefined });
    t.is(node.events.filter(({ kind }) => kind === 'first_contact_unconfirmed').length, 1, 'said once');
    t.false(node.events.some(({ kind }) => kind === 'peer_connected' || kind === 'key_pinned'));
  }
  t.is(peerOf(a)?.unconfirmedFingerprint, BOB);
  t.is(
    peerOf(a)?.lastError,
    `first contact with key ${BOB} is not authenticated: compare it with what the peer prints at its start, then logline federation trust confirm bob ${BOB}`,
  );
  t.is(typeof peerOf(a)?.lastErrorAtMs, 'number');
});

test('a first contact that both operators have confirmed is verified, and stays so after a restart', async (t) => {
  const street = new Street();
  const disk = new MemoryDisk();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'], disk });
  const b = await start(t, street, { name: 'bob', key: bob, peers: ['alice'] });
  await street.time.advance(3_000);
  const confirmed = await during(street, a.node.confirm('bob', BOB));
  t.like(confirmed, { fingerprint: BOB, pinnedBy: 'operator', trustLevel: 'pending' });
  t.is(peerOf(a)?.trustLevel, 'pending', 'the other operator has not agreed');
  await during(street, b.node.confirm('alice', fingerprintOf(alice.publicKey)));
  for (const node of [a, b]) t.like(peerOf(node), { status: 'connected', trustLevel: 'verified' });
  await during(street, a.node.close(), 5_000);
  const again = await start(t, street, { name: 'alice', key: alice, peers: ['bob'], disk });
  await street.time.advance(5_000);
  t.like(peerOf(again), { status: 'connected', fingerprint: BOB });
});

test('a fingerprint that is not the one seen confirms nothing', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'] });
  await start(t, street, { name: 'bob', key: bob, peers: ['alice'] });
  await street.time.advance(3_000);
  const before = peerOf(a);
  for (const [address, fingerprint, code] of [
    ['bob', CAROL, 'key_mismatch'],
    ['bob', 'nonsense', 'key_mismatch'],
    ['carol', BOB, 'unknown_peer'],
  ] as const) {
    const error = await t.throwsAsync(a.node.confirm(address, fingerprint as typeof BOB));
    t.is(codeOf(error), code);
  }
  t.deepEqual({ ...peerOf(a), nextDialAtMs: 0, lastErrorAtMs: 0 }, {
    ...before,
    nextDialAtMs: 0,
    lastErrorAtMs: 0,
  } as never);
  await during(street, a.node.confirm('bob', BOB));
  const error = await t.throwsAsync(a.node.confirm('bob', CAROL));
  t.is(codeOf(error), 'key_mismatch', 'nor is a pinned key replaced by a confirmation');
});

test('strangers who call do not make a node dial an unconfirmed peer every second', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'] });
  await start(t, street, { name: 'bob', key: bob, peers: ['alice'] });
  await street.time.advance(120_000);
  const closed = a.events.filter(({ kind }) => kind === 'link_refused').length;
  t.true(closed > 4 && closed < 40, `${closed} links in two minutes`);
});

test('a peer that is taken off the list is forgotten, its session ends, and its name is free', async (t) => {
  const street = new Street();
  const disk = new MemoryDisk();
  const at = { name: 'alice', key: alice, networkKey: 'ours', disk };
  const a = await start(t, street, at);
  const b = await start(t, street, { name: 'bob', key: bob, peers: ['alice'], networkKey: 'ours' });
  await during(street, a.node.trust({ address: 'bob' }));
  t.is(peerOf(b)?.status, 'connected');
  await during(street, a.node.unlist('bob'));
  t.deepEqual(a.node.peers(), []);
  t.not(peerOf(b)?.status, 'connected');
  t.is(codeOf(await t.throwsAsync(a.node.unlist('bob'))), 'unknown_peer');
  await during(street, a.node.close(), 5_000);
  const again = await start(t, street, at);
  t.deepEqual(again.node.peers(), [], 'after a restart too');
  await during(street, b.node.close(), 5_000);
  await start(t, street, { name: 'bob', key: carol, peers: ['alice'], networkKey: 'ours' });
  await during(street, again.node.trust({ address: 'bob' }), 5_000);
  t.like(peerOf(again), { status: 'connected', fingerprint: CAROL });
});

test('a sync with a peer that nobody answers for ends when its dial has failed', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'], networkKey: 'ours' });
  await street.time.advance(40_000);
  const report = a.node.sync();
  await street.time.advance(1_000);
  const settled = await Promise.race([report, Promise.resolve(undefined)]);
  t.like(settled?.peers[0], { outcome: 'unreachable' });
  t.true((settled?.peers[0]?.ms ?? Infinity) < 1_000);
});

test('more tenants than can be offered by name are refused at the start', async (t) => {
  const street = new Street();
  const tenants: readonly TenantId[] = Array.from({ length: LIMITS.sharedTenants + 1 }, (_, i) =>
    tenant(`t${i}`),
  );
  const error = await t.throwsAsync(start(t, street, { name: 'alice', key: alice, tenants }));
  t.is(codeOf(error), 'bad_configuration');
  t.regex(error.message, /at most 2300 .* got 2301/);
  await start(t, new Street(), { name: 'alice', key: alice, tenants: tenants.slice(1) });
});

test('what proves a first contact follows from what was asked, what is shown and what is shared', (t) => {
  const hello = (certificates: readonly Uint8Array[]): Parameters<typeof judgeContact>[1]['hello'] => ({
    kind: 'hello',
    version: '0.1.0',
    name: 'bob',
    verify: false,
    proof: new Uint8Array(32),
    atMs: 0,
    certificates,
    rotations: [],
    signature: new Uint8Array(64),
  });
  /** Whose certificates are good if they say so. */
  const credentials = {
    own: [],
    check: ([leaf]: readonly Uint8Array[]) =>
      leaf?.[0] === 1 ? ({ ok: true, notAfterMs: 1 } as const) : ({ ok: false, reason: 'bad' } as const),
  };
  const judge = (
    method: 'signature' | 'certificate' | undefined,
    shown: 'good' | 'bad' | 'none',
    known: 'pinned' | 'closed' | 'open',
  ): string => {
    const chain = shown === 'none' ? [] : [Uint8Array.of(shown === 'good' ? 1 : 0)];
    const key = known === 'pinned' ? bob.publicKey : undefined;
    const contact: Contact = judgeContact(
      { address: 'bob', name: undefined, method, key },
      { key: bob.publicKey, hello: hello(chain) },
      { credentials, isClosedNetwork: known === 'closed', nowMs: 0 },
    );
    return contact.kind === 'proven' ? contact.method : contact.kind;
  };
  const table = {
    pinned: ['signature', 'signature', 'certificate', 'refused'],
    closed: ['certificate', 'signature', 'certificate', 'refused'],
    open: ['certificate', 'unconfirmed', 'certificate', 'refused'],
  } as const;
  for (const [known, [good, bad, asked, refused]] of Object.entries(table)) {
    const at = known as keyof typeof table;
    t.is(judge(undefined, 'good', at), good);
    t.is(judge(undefined, 'bad', at), bad);
    t.is(judge(undefined, 'none', at), bad);
    t.is(judge('signature', 'good', at), bad, 'a certificate is no substitute for what was asked');
    t.is(judge('certificate', 'good', at), asked);
    t.is(judge('certificate', 'bad', at), refused);
    t.is(judge('certificate', 'none', at), refused);
  }
});

/** What a sync said of its one peer within some virtual seconds, of a minute that it may take. */
async function syncSoon(street: Street, { node }: Started): Promise<string | undefined> {
  let detail: string | undefined;
  const done = node.sync({ timeoutMs: 60_000 }).then(({ peers }) => (detail = peers[0]?.detail ?? 'in sync'));
  await street.time.advance(6_000);
  const soon = detail;
  await street.time.advance(60_000);
  await done;
  return soon;
}

test('a sync does not wait for what only an operator can do, and says what to type', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'] });
  await start(t, street, { name: 'bob', key: bob, peers: ['alice'] });
  const unconfirmed = await syncSoon(street, a);
  t.true(unconfirmed?.includes(`type: logline federation trust confirm bob ${BOB}`), unconfirmed);
  await start(t, street, { name: 'carol', key: carol, networkKey: 'ours' });
  const d = await start(t, street, { name: 'dan', key: person('dan'), networkKey: 'ours', peers: ['carol'] });
  const untrusted = await syncSoon(street, d);
  t.true(untrusted?.startsWith('pending: '), untrusted);
  t.true(untrusted?.includes('its operator has to trust this node'), untrusted);
  await during(street, d.node.operator.revoke({ key: carol.publicKey, from: 'heads' }));
  const revoked = await syncSoon(street, d);
  t.true(revoked?.includes('is revoked here'), revoked);
});

test('the last sync is the last moment at which two nodes knew that they hold the same', async (t) => {
  const street = new Street();
  const a = await start(t, street, { name: 'alice', key: alice, peers: ['bob'], networkKey: 'ours' });
  const b = await start(t, street, { name: 'bob', key: bob, peers: ['alice'], networkKey: 'ours' });
  t.is(a.node.status().lastSyncMs, undefined);
  await street.time.advance(5_000);
  const first = a.node.status().lastSyncMs ?? 0;
  t.true(first > 0, 'nobody has asked for a sync');
  await street.time.advance(60_000);
  const later = a.node.status().lastSyncMs ?? 0;
  t.true(later > first + 30_000, 'it goes on while they are connected');
  await during(street, b.node.close(), 5_000);
  const last = a.node.status().lastSyncMs ?? 0;
  t.true(last >= later);
  await street.time.advance(60_000);
  t.is(a.node.status().lastSyncMs, last);
});
