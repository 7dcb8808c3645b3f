/** T11 to T14: who was revoked gets nothing more in by any way, and no number of made-up keys, steps or words lifts one up. */

import { randomBytes } from 'node:crypto';
import { fingerprintOf, type KeyPair } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import {
  eventually,
  HostileFeed,
  newSpan,
  type ForgedParts,
  type HostilePeer,
} from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { has, NOWHERE, TENANT } from '../support/rest.js';
import type { Siege } from '../support/siege.js';
import { within } from '../support/strangers.js';
import { SCOPE } from './forgeries.js';
import { CODES, endsWith } from '../support/link-ends.js';
import { appendTo, hostileGround, stillServed } from './ground.js';

const hostile = hostileGround();
const REVOKED = 4302;
const CUT_OFF_MS = 5_000;
const SYBILS = 100;
const NOTHING: NonNullable<ForgedParts['statements']> = [];

interface Leveled {
  readonly fingerprint: string;
  readonly trust_level: string;
}

async function call(
  siege: Siege,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(siege.alice.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

async function revoke(t: ExecutionContext, siege: Siege, peer: HostilePeer, from: string): Promise<void> {
  const { status, text } = await call(siege, '/v1/trust/revoke', {
    peer_id: fingerprintOf(peer.publicKey),
    from,
  });
  t.is(status, 200, text);
}

/** What alice says of each key: in the graph, and of those that she has to do with. */
async function levels(siege: Siege): Promise<ReadonlyMap<string, string>> {
  const read = async (path: string): Promise<unknown> => (await fetch(siege.alice.url + path)).json();
  const graph = (await read('/v1/trust/graph')) as { readonly nodes: readonly Leveled[] };
  const list = (await read('/v1/trust/relationships')) as { readonly relationships: readonly Leveled[] };
  return new Map(
    [...graph.nodes, ...list.relationships].map(({ fingerprint, trust_level }) => [fingerprint, trust_level]),
  );
}

const idOf = (span: Readonly<Record<string, unknown>>): string => String(span['id']);
const newKeyPair = (): KeyPair => createCrypto().keyPair(randomBytes(32));

/** A statement that `key` is verified by whoever signs it. */
function verifies(key: Uint8Array): NonNullable<ForgedParts['statements']>[number] {
  return {
    kind: 'verify',
    key,
    name: `node-${Buffer.from(key).toString('hex').slice(0, 8)}`,
    method: 'signature',
    over: [],
  };
}

hostile('T11 a revoked peer is cut off at once, and comes in no more', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  await revoke(t, siege, peer, 'heads');
  const end = await within(CUT_OFF_MS, 'its link ends', link.closed);
  t.is(end.code, REVOKED);
  const again = await peer.dial(siege.url);
  again.say(again.hello());
  await endsWith(t, again, REVOKED, 'it calls again');
});

hostile(
  'T11 after a revocation neither new nor backdated spans get in, by whichever friend they come',
  async (t, siege) => {
    const peer = await siege.traitor();
    const courier = await (await (await siege.traitor()).dial(siege.url)).join();
    const feed = peer.feed(SCOPE);
    const kept = newSpan();
    const link = await (await peer.dial(siege.url)).join();
    link.bring(feed.write({ spans: [kept] }), ...feed.writeMany(3));
    await eventually('what it wrote before is read', () => has(siege.alice, idOf(kept)));
    await link.heard('receipt');
    await revoke(t, siege, peer, 'heads');
    await within(CUT_OFF_MS, 'its link ends', link.closed);
    const longAgo = { stamp: { ms: Date.now() - 3_600_000, count: 0 } };
    const late = [newSpan(), newSpan({ timestamp: '2020-01-01T00:00:00Z' }), newSpan(), newSpan()] as const;
    courier.bring(feed.write({ spans: [late[0]] }), feed.write({ spans: [late[1]], header: longAgo }));
    // A start that nobody had heard of, and another one that claims to be older than everything.
    courier.bring(
      peer.feed(SCOPE).write({ spans: [late[2]] }),
      peer.feed(SCOPE).write({ spans: [late[3]], header: longAgo }),
    );
    await stillServed(t, courier, 'to pass on what was revoked is no fault');
    const fence = newSpan();
    const own = await siege.traitor();
    const fenceLink = await (await own.dial(siege.url)).join();
    fenceLink.bring(own.feed(SCOPE).write({ spans: [fence] }));
    await eventually('what came after it is judged', () => has(siege.alice, idOf(fence)));
    for (const span of late) t.false(await has(siege.alice, idOf(span)));
    t.true(await has(siege.alice, idOf(kept)), 'what lay before the cut stays');
  },
);

hostile(
  'T11 revoked from the beginning, everything of a peer is out of sight, and listed as quarantined',
  async (t, siege) => {
    const peer = await siege.traitor();
    const spans = [newSpan(), newSpan()];
    const link = await (await peer.dial(siege.url)).join();
    const feed = peer.feed(SCOPE);
    for (const span of spans) link.bring(feed.write({ spans: [span] }));
    await eventually('it is read', () => has(siege.alice, idOf(spans[1] ?? {})));
    await revoke(t, siege, peer, 'all');
    await eventually('it is not read any more', async () => !(await has(siege.alice, idOf(spans[0] ?? {}))));
    t.false(await has(siege.alice, idOf(spans[1] ?? {})));
    const list = await (await fetch(`${siege.alice.url}/v1/quarantine`)).text();
    t.true(list.includes(Buffer.from(feed.epoch).toString('hex')), list.slice(0, 500));
  },
);

hostile(
  'T12 a hundred made-up keys that vouch for one another in a circle are known to nobody',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const sybils = Array.from({ length: SYBILS }, newKeyPair);
    const entries = sybils.flatMap((keyPair, i) => {
      const feed = new HostileFeed({ keyPair, scope: 'trust' });
      const others = [1, 2, 3, 7].map((step) => sybils[(i + step) % SYBILS] ?? keyPair);
      return [feed.write({ statements: others.map(({ publicKey }) => verifies(publicKey)) })];
    });
    // And the one whom alice trusts vouches for all of them: one word is not enough.
    const own = peer.feed('trust');
    const vouches = own.write({ statements: sybils.map(({ publicKey }) => verifies(publicKey)) });
    await link.bringAll([...entries, vouches]);
    await stillServed(t, link, 'to vouch is no fault');
    const last = fingerprintOf(sybils.at(-1)?.publicKey ?? peer.publicKey);
    await eventually('the vouches have been heard', async () => (await levels(siege)).has(last));
    const since = performance.now();
    const shown = await levels(siege);
    t.log(`the graph of ${shown.size} keys was told in ${Math.round(performance.now() - since)} ms`);
    for (const { publicKey } of sybils) t.is(shown.get(fingerprintOf(publicKey)), 'unknown');
    for (const keyPair of sybils.slice(0, 3)) {
      const sybil = siege.stranger({ keyPair, name: `sybil-${randomBytes(3).toString('hex')}` });
      const calling = await sybil.dial(siege.url);
      calling.say(calling.hello());
      await endsWith(t, calling, CODES.pending, 'one of them calls');
    }
  },
);

hostile(
  'T12 strangers’ statements fill no more than their room, and those of friends are still heard',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const crowd = Array.from({ length: 1_500 }, () => {
      const keyPair = newKeyPair();
      return new HostileFeed({ keyPair, scope: 'trust' }).write({
        statements: [verifies(keyPair.publicKey)],
      });
    });
    await link.bringAll(crowd);
    await stillServed(t, link, 'a crowd is no fault');
    const friend = newKeyPair().publicKey;
    link.bring(peer.feed('trust').write({ statements: [verifies(friend)] }));
    await eventually('the word of one who is trusted is kept', async () =>
      (await levels(siege)).has(fingerprintOf(friend)),
    );
  },
);

hostile(
  'T12 statements that are none, or of a scope that they do not belong to, end the session',
  async (t, siege) => {
    const peer = await siege.traitor();
    const tenantWord = { kind: 'designate', key: peer.publicKey } as const;
    const forgeries: Readonly<Record<string, readonly [string, ForgedParts]>> = {
      'no statement at all': ['trust', { statements: NOTHING, header: { count: 1 } }],
      'a word about a tenant': ['trust', { statements: [tenantWord] }],
      'a word about nodes in the scope of a tenant': [
        `access/${TENANT}`,
        { statements: [verifies(peer.publicKey)] },
      ],
      'a span': ['trust', {}],
      bytes: ['trust', { value: randomBytes(40), header: { count: 1 } }],
      'a key of 31 bytes': ['trust', { statements: [verifies(peer.publicKey.subarray(1))] }],
    };
    for (const [what, [scope, parts]] of Object.entries(forgeries)) {
      const link = await (await peer.dial(siege.url)).join();
      link.bring(peer.feed(scope).draft(parts));
      await endsWith(t, link, CODES.fault, what);
    }
  },
);

hostile(
  'T13 a revoked key is not established again by asking again, nor by any word of its own',
  async (t, siege) => {
    const peer = await siege.traitor();
    const fingerprint = fingerprintOf(peer.publicKey);
    await revoke(t, siege, peer, 'heads');
    const address = NOWHERE.replace('/v1/', `/${randomBytes(4).toString('hex')}/v1/`);
    const { status } = await call(siege, '/v1/trust/establish', { peer_address: address, fingerprint });
    t.is(status, 409);
    const courier = await (await (await siege.traitor()).dial(siege.url)).join();
    courier.bring(peer.feed('trust').write({ statements: [verifies(peer.publicKey)] }));
    await stillServed(t, courier, 'its own word');
    t.is((await levels(siege)).get(fingerprint), 'revoked');
    const link = await peer.dial(siege.url);
    link.say(link.hello());
    await endsWith(t, link, REVOKED, 'it calls');
  },
);

hostile(
  'T14 of a verification and a revocation at the same time the revocation wins, in whichever order they come',
  async (t, siege) => {
    for (const order of ['the revocation last', 'the revocation first']) {
      const friend = await siege.traitor();
      const accused = await siege.traitor();
      const key = accused.publicKey;
      const words = friend.feed('trust');
      const link = await (await friend.dial(siege.url)).join();
      const verified = words.draft({ statements: [verifies(key)] });
      const start = new HostileFeed({ keyPair: friend.keyPair, scope: 'trust' });
      const revoked = start.draft({ statements: [{ kind: 'revoke', key, cuts: [], reason: 'it lied' }] });
      const calling = await (await accused.dial(siege.url)).join();
      link.bring(...(order === 'the revocation last' ? [verified, revoked] : [revoked, verified]));
      const end = await within(CUT_OFF_MS, order, calling.closed);
      t.is(end.code, REVOKED, order);
      await eventually(order, async () => (await levels(siege)).get(fingerprintOf(key)) === 'revoked');
    }
  },
);

hostile('T14 a key that nobody here trusts revokes nobody', async (t, siege) => {
  const bobs = siege.bob.node.fingerprint;
  const key = Buffer.from(bobs, 'base64url');
  const stranger = newKeyPair();
  const courier = await (await (await siege.traitor()).dial(siege.url)).join();
  const words = new HostileFeed({ keyPair: stranger, scope: 'trust' });
  courier.bring(words.write({ statements: [{ kind: 'revoke', key, cuts: [], reason: 'because' }] }));
  await stillServed(t, courier, 'the word of a stranger');
  t.not((await levels(siege)).get(bobs), 'revoked');
  await appendTo(siege, TENANT, [newSpan()]);
});
