// Quarantine over REST: what a revocation cuts off is listed and released, and a fork is proven and ruled on.
import test from 'ava';
import { eventually, HostilePeer } from '@logline/federation-core/testing';
import * as shapes from '../dist/schemas-trust.js';
import { get, post, textOf, type Body } from './helpers.js';
import { ACME, befriend, join, listOf, NETWORK_KEY, shows, write } from './meeting.js';

const quarantineOf = ({ url }: { readonly url: string }, query = '') => get(`${url}/v1/quarantine${query}`);

test('what a revocation cuts off is listed, and counts again after a release', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  await write(bob, [1, 2, 3, 4]);
  await shows(alice, [1, 2, 3, 4]);
  t.like((await quarantineOf(alice)).body, { feeds: [], feeds_total: 0, next: null });

  const revoke = (body: Body) => post(`${alice.url}/v1/trust/revoke`, { peer_id: 'bob', ...body });
  const dry = await revoke({ from: 'all', dry_run: true });
  const feed = listOf(dry, 'feeds').find((one) => one['tenant_id'] === 'acme' && one['spans'] === 4);
  const name = textOf(feed?.['feed']);
  t.regex(name, /^timeline\/acme\/[0-9a-f]{16}$/);
  t.is((await revoke({ from: { [name]: 2 } })).status, 200);
  await shows(alice, [1, 2]);

  const listed = await quarantineOf(alice, '?peer_id=bob');
  t.true(shapes.quarantineList.safeParse(listed.body).success, listed.text);
  const held = listOf(listed, 'feeds').find((one) => one['feed'] === name);
  t.like(held, { tenant_id: 'acme', from: 3, to: 4, entries: 2, spans: 2, reason: 'revoked' });
  t.is(held?.['fingerprint'], bob.node.fingerprint);
  t.true(textOf(held?.['advice']).length > 10);

  const release = (body: Body) => post(`${alice.url}/v1/trust/release`, { peer_id: 'bob', ...body });
  const one = await release({ feed: name, to: 3 });
  t.is(one.status, 200, one.text);
  await shows(alice, [1, 2, 3]);
  const all = await release({});
  t.true(shapes.revocationReport.safeParse(all.body).success, all.text);
  await shows(alice, [1, 2, 3, 4]);
  t.is((await quarantineOf(alice)).body['entries_total'], 0);
  const strange = await release({ feed: 'timeline/acme/0000000000000000' });
  t.is(strange.status, 400, strange.text);
});

test('the list comes in pages that are stable and complete', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const tenants = ['a', 'b', 'c', 'd', 'e'].map((name) => `/v1/timeline/spans?tenant_id=${name}`);
  for (const path of tenants) await write(bob, [1], path);
  for (const path of tenants) await shows(alice, [1], path);
  await post(`${alice.url}/v1/trust/revoke`, { peer_id: 'bob', from: 'all' });
  const whole = listOf(await quarantineOf(alice), 'feeds').map((one) => one['feed']);
  t.true(whole.length >= 5);
  const found: unknown[] = [];
  let after = '';
  do {
    const page = await quarantineOf(alice, `?limit=2${after === '' ? '' : `&after=${after}`}`);
    t.is(page.status, 200, page.text);
    found.push(...listOf(page, 'feeds').map((one) => one['feed']));
    t.is(page.body['feeds_total'], whole.length);
    after = textOf(page.body['next'] ?? '');
  } while (after !== '');
  t.deepEqual(found, whole);
  t.is((await quarantineOf(alice, '?limit=none')).status, 400);
  t.is((await quarantineOf(alice, '?peer_id=nobody')).status, 404);
});

test('a fork is listed, and its proof names the two entries that contradict one another', async (t) => {
  const alice = await join(t, 'alice');
  const mallory = new HostilePeer({ networkKey: NETWORK_KEY });
  t.teardown(() => mallory.close());
  const address = await mallory.listen();
  await post(`${alice.url}/v1/trust/establish`, {
    peer_address: address,
    fingerprint: Buffer.from(mallory.publicKey).toString('base64url'),
  });
  const link = await (await mallory.dial(`${alice.url.replace('http', 'ws')}/v1/federation`)).join();
  const feed = mallory.feed('timeline/acme');
  link.bring(...feed.writeMany(3));
  await link.heard('receipt');
  link.bring(feed.branch(2).draft());
  await eventually('the fork is listed', async () => {
    const [one] = listOf(await quarantineOf(alice), 'feeds');
    return one?.['reason'] === 'forked' && one['from'] === 3;
  });
  const [listed] = listOf(await quarantineOf(alice), 'feeds');
  const query = `peer_id=${textOf(listed?.['fingerprint'])}&feed=${encodeURIComponent(textOf(listed?.['feed']))}`;
  const proof = await get(`${alice.url}/v1/quarantine/proof?${query}`);
  t.true(shapes.forkProof.safeParse(proof.body).success, proof.text);
  const entries = listOf(proof, 'entries');
  t.is(entries.length, 2);
  t.deepEqual(
    entries.map((entry) => entry['seq']),
    [3, 3],
  );
  t.not(entries[0]?.['hash'], entries[1]?.['hash']);
  const hashes = entries.map((entry) => entry['hash']);
  t.true(hashes.includes(Buffer.from(feed.written[2]?.hash ?? []).toString('hex')));

  const file = await fetch(`${alice.url}/v1/quarantine/proof?${query}&format=cbor`);
  t.is(file.headers.get('content-type'), 'application/cbor-seq');
  t.regex(file.headers.get('content-disposition') ?? '', /^attachment; filename="fork-[\w-]+\.cborseq"$/);
  const parts = byteStringsOf(Buffer.from(await file.arrayBuffer()));
  t.deepEqual(
    parts.map((part) => part.toString('base64')),
    entries.map((entry) => textOf(entry['entry'])),
  );
  const ruled = await post(`${alice.url}/v1/quarantine/rule`, {
    feed: textOf(listed?.['feed']),
    hash: textOf(entries[0]?.['hash']),
  });
  t.is(ruled.status, 400, 'only its origin may say which branch stands');
  t.is((await get(`${alice.url}/v1/quarantine/proof?${query}x`)).status, 400);
  t.is((await post(`${alice.url}/v1/quarantine/rule`, { feed: 'x', hash: 'short' })).status, 400);
});

test('a timeline without a fork has no proof of one', async (t) => {
  const alice = await join(t, 'alice');
  await write(alice, [1]);
  const query = `peer_id=alice&feed=${encodeURIComponent('timeline/acme/0000000000000000')}`;
  const { status, text } = await get(`${alice.url}/v1/quarantine/proof?${query}`);
  t.is(status, 400, text);
  t.is((await get(`${alice.url}${ACME}`)).status, 200);
});

/** Takes a sequence of byte strings (RFC 8949 §3.1) apart. */
function byteStringsOf(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== 0x5a) throw new Error(`expected a byte string at ${at}`);
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    parts.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return parts;
}
