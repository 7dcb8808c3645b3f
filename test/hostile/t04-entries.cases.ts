/** T4, T5, T16: no entry gets in that is forged, miscounted or of another tenant, and none of them harms its feed. */

import { randomBytes } from 'node:crypto';
import { keyOfFingerprint, LIMITS } from '@logline/federation-core';
import { createCrypto, NoiseWebSocketTransport } from '@logline/federation-core/node';
import {
  eventually,
  HostileFeed,
  newSpan,
  withChecksum,
  type ForgedParts,
} from '@logline/federation-core/testing';
import { openMemoryNode } from '../support/memory-node.js';
import { countSpans, has, NOWHERE, readAll, TENANT, trust } from '../support/rest.js';
import { ServerProcess, tempDir } from '../support/server-process.js';
import { befriend, linkUrl, NETWORK_KEY } from '../support/siege.js';
import { compressed, eachIsRefused, refusedAt, SCOPE } from './forgeries.js';
import { CODES, endsWith } from '../support/link-ends.js';
import { appendTo, hostileGround, labelled, stillServed } from './ground.js';

const hostile = hostileGround();
const SAFE = Number.MAX_SAFE_INTEGER;

const newKeyPair = () => createCrypto().keyPair(randomBytes(32));

hostile(
  'T4 a change under another’s actor, or in another’s name, is refused, and the feed goes on',
  (t, siege) => {
    const other = newKeyPair().publicKey;
    return eachIsRefused(t, siege, 'change_place', {
      'the actor of another': ({ epoch }) => ({ change: { actor: Buffer.concat([other, epoch]) } }),
      'the actor of another start': ({ keyPair }) => ({
        change: { actor: Buffer.concat([keyPair.publicKey, randomBytes(8)]) },
      }),
      'an actor of one byte': () => ({ change: { actor: Uint8Array.of(1) } }),
      'the key of another entry': ({ written }) => ({ change: { key: `${written.length}` } }),
      'the dependency of nobody': () => ({ header: { doc: 1 }, change: { dep: randomBytes(32) } }),
      'no dependency where there is one': () => ({ header: { doc: 1 }, change: { dep: undefined } }),
      'a replaced operation': () => ({ header: { doc: 1 }, change: { replaces: 1 } }),
    });
  },
);

hostile(
  'T4 an entry in the name of another is refused, and the honest one at its place is taken after it',
  async (t, siege) => {
    const carol = await siege.traitor({ name: `carol-${randomBytes(3).toString('hex')}` });
    const feed = carol.feed(SCOPE);
    const link = await (await carol.dial(siege.url)).join();
    link.bring(...feed.writeMany(5));
    await link.heard('receipt');
    const peer = await siege.traitor();
    const stray = newSpan();
    const entry = feed.draft({ spans: [stray], signer: peer.keyPair });
    await refusedAt(t, siege, { peer, entry, check: 'signature', what: 'carol’s next entry' });
    const held = feed.branch(3).draft({ spans: [stray], signer: peer.keyPair });
    const again = await (await peer.dial(siege.url)).join();
    again.bring(held);
    await Promise.race([
      again.closed,
      again.heard('receipt'),
      stillServed(t, again, 'nothing to be said of it').catch(() => {}),
    ]);
    t.deepEqual(siege.alice.told('feed_forked'), [], 'it proves no fork');
    t.false(await has(siege.alice, String(stray['id'])));
    const honest = newSpan();
    link.bring(feed.write({ spans: [honest] }));
    await eventually('carol goes on', () => has(siege.alice, String(honest['id'])));
  },
);

hostile('T4 an entry in the node’s own name is refused', async (t, siege) => {
  const publicKey = keyOfFingerprint(siege.alice.fingerprint) ?? new Uint8Array(32);
  const peer = await siege.traitor();
  const { secretKey } = peer.keyPair;
  const forged = new HostileFeed({ keyPair: { publicKey, secretKey }, scope: SCOPE });
  await refusedAt(t, siege, { peer, entry: forged.draft(), check: 'signature', what: 'alice’s name' });
});

hostile('T5 operations and changes that do not count on from the last are refused', (t, siege) => {
  const numbers = [2, 2 ** 25, 29_826_162, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
  const forgeries: Record<string, () => ForgedParts> = {};
  for (const number of numbers) {
    forgeries[`operation ${number}`] = () => ({ change: { startOp: number } });
    forgeries[`change ${number}`] = () => ({ change: { seq: number } });
  }
  return eachIsRefused(t, siege, 'change_place', forgeries);
});

hostile('T5 changes that Automerge could not load are refused for their shape', (t, siege) => {
  const at = (offset: number, byte: number) => (change: Uint8Array) => {
    const altered = change.slice();
    altered[offset < 0 ? altered.length + offset : offset] = byte;
    return withChecksum(altered);
  };
  return eachIsRefused(t, siege, 'change_shape', {
    'operation 0': () => ({ change: { startOp: 0 } }),
    'change 0': () => ({ change: { seq: 0 } }),
    'a wrong checksum': () => ({
      changeBytes: (change) => change.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
    }),
    'another magic': () => ({ changeBytes: (change) => change.map((byte, i) => (i === 0 ? 0 : byte)) }),
    'a document instead of a change': () => ({ changeBytes: at(8, 0) }),
    'a byte too many': () => ({
      changeBytes: (change) => withChecksum(Buffer.concat([change, Buffer.of(0)])),
    }),
    'half of it': () => ({ changeBytes: (change) => withChecksum(change.slice(0, change.length / 2)) }),
    nothing: () => ({ changeBytes: () => new Uint8Array(0) }),
    'a compressed change': () => ({ changeBytes: compressed }),
    'a length longer than it needs to be': () => ({
      changeBytes: (change) => {
        const length = change.findIndex((byte, i) => i >= 9 && byte < 0x80) + 1;
        const last = change[length - 1] ?? 0;
        return withChecksum(
          Buffer.concat([change.subarray(0, length - 1), Buffer.of(last | 0x80, 0), change.subarray(length)]),
        );
      },
    }),
  });
});

hostile('T5 headers that overflow, run backwards or hold what is no number are refused', (t, siege) => {
  const swap = (from: Buffer, to: Buffer) => (header: Uint8Array) => {
    const bytes = Buffer.from(header);
    const index = bytes.indexOf(from);
    return Buffer.concat([bytes.subarray(0, index), to, bytes.subarray(index + from.length)]);
  };
  const count = (digits: string) =>
    swap(Buffer.from('65636f756e7401', 'hex'), Buffer.from(`65636f756e74${digits}`, 'hex'));
  return eachIsRefused(t, siege, 'header_encoding', {
    'seq 0': () => ({ header: { seq: 0, doc: 1 } }),
    'a segment after its entry': () => ({ header: { doc: 4 } }),
    'a segment before all': () => ({ header: { doc: 0 } }),
    'no spans': () => ({ header: { count: 0 } }),
    'more spans than there may be': () => ({ header: { count: LIMITS.batchSpans + 1 } }),
    'a count of 2^53': () => ({ headerBytes: count('1b0020000000000000') }),
    'a count of -1': () => ({ headerBytes: count('20') }),
    'a count of one and a half': () => ({ headerBytes: count('f93e00') }),
    'a count that is not a number': () => ({ headerBytes: count('f97e00') }),
    'a count longer than it needs to be': () => ({ headerBytes: count('1801') }),
    'no predecessor': () => ({ header: { prev: undefined } }),
    'an epoch of four bytes': () => ({ header: { epoch: randomBytes(4) } }),
    'a header that is no map': () => ({ headerBytes: () => Uint8Array.of(0xf6) }),
  });
});

hostile(
  'T5 after forgeries, the last number there is and kill -9, a node loads all it took and hands it to a fresh one',
  async (t, siege) => {
    const settings = { name: 'dave', dataDir: await tempDir(t), networkKey: NETWORK_KEY };
    let dave = await ServerProcess.start(t, settings);
    const peer = siege.stranger();
    await befriend(dave, peer);
    const feed = peer.feed(SCOPE);
    const spans = Array.from({ length: 20 }, () => newSpan());
    for (const span of spans) feed.write({ spans: [span] });
    const link = await (await peer.dial(linkUrl(dave))).join();
    // Away from what is held, and with nothing that could come after it.
    const far = newSpan();
    link.bring(feed.draft({ spans: [far], header: { seq: SAFE, doc: SAFE, prev: randomBytes(32) } }));
    link.bring(...feed.written);
    await eventually('the far one is taken', () => has(dave, String(far['id'])));
    await eventually('all are taken', async () => (await countSpans(dave)) === spans.length + 1);
    link.bring(feed.draft({ change: { startOp: 29_826_162 } }));
    await endsWith(t, link, CODES.fault, 'an operation that Automerge cannot load');
    await dave.kill();
    dave = await ServerProcess.start(t, settings);
    t.is((await readAll(dave)).length, spans.length + 1);

    const keyPair = newKeyPair();
    const transport = NoiseWebSocketTransport.create({ keyPair });
    const fresh = await openMemoryNode(t, {
      name: 'erin',
      keyPair,
      transport,
      networkKey: NETWORK_KEY,
      compression: 'on',
    });
    const address = NOWHERE.replace('/v1/', '/erin/v1/');
    await trust(dave, { address, fingerprint: fresh.node.fingerprint });
    await fresh.node.trust({ address: linkUrl(dave) });
    await eventually(
      'a fresh node has it all',
      () => [far, ...spans].every(({ id }) => fresh.node.timeline(TENANT).has(String(id))),
      { timeoutMs: 30_000 },
    );
    const again = await (await peer.dial(linkUrl(dave))).join();
    const following = newSpan();
    again.bring(feed.write({ spans: [following] }));
    await eventually('the feed goes on', () => fresh.node.timeline(TENANT).has(String(following['id'])));
  },
);

hostile('T16 a span that names another tenant is refused with its whole entry', (t, siege) =>
  eachIsRefused(t, siege, 'content_tenant', {
    'another tenant': () => ({ spans: [newSpan({ tenant_id: 'hidden' })] }),
    'another one in the second span': () => ({ spans: [newSpan(), newSpan({ tenant_id: 'Acme' })] }),
  }),
);

hostile(
  'T16 an entry of a tenant that is not shared changes nothing there, and is no reason to close',
  async (t, siege) => {
    await appendTo(siege, 'hidden', [newSpan()]);
    const spans = async (): Promise<number> => {
      const response = await fetch(`${siege.alice.url}/v1/timeline/spans?tenant_id=hidden&limit=1000`);
      return ((await response.json()) as { readonly spans: readonly unknown[] }).spans.length;
    };
    const before = await spans();
    const counted = await labelled(siege, 'federation_entries_gated_total', 'not_yet');
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    link.bring(...peer.feed('timeline/hidden').writeMany(5));
    await stillServed(t, link, 'it waits for a right that may come');
    await eventually(
      'each is counted',
      async () => (await labelled(siege, 'federation_entries_gated_total', 'not_yet')) - counted >= 5,
    );
    t.is(await spans(), before);
  },
);

hostile('T16 scopes that do not exist, and a node’s own acts, are refused', async (t, siege) => {
  const peer = await siege.traitor();
  const scopes = [
    'acts',
    'timeline/',
    'timeline/a/b',
    'TIMELINE/acme',
    'timelines/acme',
    '',
    '__proto__',
    'timeline/acme\n',
  ];
  for (const scope of scopes) {
    const link = await (await peer.dial(siege.url)).join();
    link.bring(peer.feed(scope).draft());
    await endsWith(t, link, CODES.fault, JSON.stringify(scope));
  }
});
