// What the quarantine, tenants and acts commands ask of a node, and how they show its answers.
import test from 'ava';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answering, FEED, HASH, KEY } from './answering.js';
import { logline, temporaryDirectory } from './harness.js';

const ACCESS = {
  tenant_id: 'acme',
  federated: true,
  primary: { fingerprint: KEY, peer_id: 'logline-id://node/bob', by: 'first_claim' },
  rivals: ['rival-key'],
  grants: [{ fingerprint: KEY, peer_id: null, read: true, write: false, by: 'primary' }],
  policies: { status: 'manual' },
  priorities: [KEY],
};

test('the quarantine lists what to do, once for each advice', async (t) => {
  const feed = {
    feed: FEED,
    peer_id: null,
    fingerprint: KEY,
    tenant_id: 'acme',
    from: 5,
    to: 9,
    entries: 5,
    spans: 1234,
    reason: 'revoked',
    provisional: false,
    advice: 'release it',
  };
  const list = {
    feeds: [feed, { ...feed, provisional: true }],
    feeds_total: 3,
    entries_total: 5,
    spans_total: 6,
    next: 'x',
  };
  const node = await answering(t, list);
  const { out } = await logline(node, ['quarantine']);
  t.is(out.split('release it').length, 2);
  t.regex(out, /revoked, for now/);
  t.regex(out, /^3 feeds, 5 entries, 6 spans; --limit shows more$/m);
  await logline(node, ['quarantine', '--peer', 'bob', '--limit', '5']);
  t.deepEqual(
    node.asked.map(({ url }) => url),
    ['/v1/quarantine', '/v1/quarantine?peer_id=bob&limit=5'],
  );
  const nothing = await answering(t, {
    feeds: [],
    feeds_total: 0,
    entries_total: 0,
    spans_total: 0,
    next: null,
  });
  t.is((await logline(nothing, ['quarantine', 'list'])).out, 'Nothing is in quarantine.\n');
});

test('a proof is shown, and saved without replacing a file unless told to', async (t) => {
  const proof = {
    feed: FEED,
    fingerprint: KEY,
    entries: [{ seq: 3, hash: HASH, written_at: '2025-01-01T00:00:00Z', entry: 'AAAA' }],
  };
  const node = await answering(t, proof);
  const path = join(await temporaryDirectory(t), 'fork.cborseq');
  const argv = ['quarantine', 'proof', 'bob', FEED, '--out', path];
  const saved = await logline(node, argv);
  t.is(saved.code, 0, saved.err);
  t.regex(saved.out, new RegExp(`^3 +${HASH} +2025`, 'm'));
  t.is(node.asked[1]?.url, `/v1/quarantine/proof?peer_id=bob&feed=${encodeURIComponent(FEED)}&format=cbor`);
  t.is(await readFile(path, 'utf8'), JSON.stringify(proof), 'whatever came as bytes');
  const again = await logline(node, argv);
  t.is(again.code, 1);
  t.regex(again.err, /--force/);
  t.is((await logline(node, [...argv, '--force'])).code, 0);
  t.deepEqual(JSON.parse((await logline(node, ['quarantine', 'proof', 'bob', FEED, '--json'])).out), proof);
});

test('a ruling names the feed and the entry that stands', async (t) => {
  const node = await answering(t, { feed: FEED, hash: HASH });
  const { out } = await logline(node, ['quarantine', 'rule', FEED, HASH]);
  t.is(out, `${HASH} stands in ${FEED}\n`);
  t.deepEqual(node.asked[0], {
    method: 'POST',
    url: '/v1/quarantine/rule',
    body: { feed: FEED, hash: HASH },
  });
});

test('rights are granted as the options say: both where nothing is said', async (t) => {
  const node = await answering(t, ACCESS);
  for (const options of [[], ['--read'], ['--write'], ['--read', '--write']]) {
    const { out } = await logline(node, ['tenants', 'grant', 'acme', 'bob', ...options]);
    t.regex(out, /^primary +logline-id:\/\/node\/bob, since it was the first to claim it$/m);
    t.regex(out, /^rival +rival-key claims/m);
    t.regex(out, /^grant +Xn3k\S+ reads, by the primary$/m);
  }
  await logline(node, ['tenants', 'ungrant', 'acme', 'bob']);
  await logline(node, ['tenants', 'designate', 'acme', 'bob']);
  await logline(node, ['tenants', 'access', 'acme', '--json']);
  t.deepEqual(
    node.asked.map(({ url, body }) => [url, body]),
    [
      ['/v1/tenants/acme/grant', { peer_id: 'bob', read: true, write: true }],
      ['/v1/tenants/acme/grant', { peer_id: 'bob', read: true, write: false }],
      ['/v1/tenants/acme/grant', { peer_id: 'bob', read: false, write: true }],
      ['/v1/tenants/acme/grant', { peer_id: 'bob', read: true, write: true }],
      ['/v1/tenants/acme/ungrant', { peer_id: 'bob' }],
      ['/v1/tenants/acme/designate', { peer_id: 'bob' }],
      ['/v1/tenants/acme/access', undefined],
    ],
  );
  const all = await answering(t, { tenants: [] });
  t.regex((await logline(all, ['tenants', 'access'])).out, /FEDERATION_TENANTS/);
});

test('acts are listed newest first, with the way to older ones', async (t) => {
  const act = {
    at: '2025-01-01T00:00:00Z',
    caller: 'operator',
    action: 'POST /v1/x',
    detail: 'y',
    outcome: 'done',
    statement: HASH,
  };
  const node = await answering(t, { acts: [act], next: '1-2' });
  const { out } = await logline(node, ['acts', '--limit', '1', '--before', '3-4']);
  t.is(node.asked[0]?.url, '/v1/trust/acts?limit=1&before=3-4');
  t.regex(out, /ago +operator +POST \/v1\/x +y +done$/m);
  t.regex(out, /acts --before 1-2$/m);
  t.is((await logline(node, ['acts', '--limit', '0'])).code, 2);
});
