// Trust over REST: established and explained, confirmed, withdrawn, and given again.
import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { issueCertificate, makeAuthority } from '@logline/federation-core/authority';
import { openLocalNode, pemOf, readCertificates } from '@logline/federation-core/node';
import { eventually } from '@logline/federation-core/testing';
import type { RunningServer } from '../dist/index.js';
import * as shapes from '../dist/schemas-trust.js';
import { get, post, serve, temporaryDirectory, textOf, type Body } from './helpers.js';
import {
  befriend,
  establish,
  join,
  levelAt,
  listOf,
  NETWORK_KEY,
  shows,
  strangersKey,
  titlesAt,
  write,
} from './meeting.js';

const OTHER_KEY = strangersKey();

test('two operators establish trust, and each node says why it trusts the other', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  const first = await establish(alice, bob);
  t.is(first.status, 202, first.text);
  t.is(first.body['trust_level'], 'pending');
  t.true(textOf(first.body['detail']).includes(alice.node.fingerprint));
  const second = await establish(bob, alice, { verification_method: 'signature' });
  t.is(second.status, 200, second.text);
  t.true(shapes.establishResult.safeParse(second.body).success, second.text);
  t.deepEqual((await establish(bob, alice)).body, second.body, 'the same again changes nothing');

  const listed = await get(`${bob.url}/v1/trust/relationships`);
  t.true(shapes.relationshipList.safeParse(listed.body).success, listed.text);
  const [relationship, ...others] = listOf(listed, 'relationships');
  t.is(others.length, 0);
  t.like(relationship, {
    peer_id: alice.node.id,
    trust_level: 'verified',
    method: 'signature',
    fingerprint: alice.node.fingerprint,
    cut: null,
  });
  t.is(Buffer.from(textOf(relationship?.['signature']), 'base64').length, 64);
  t.true(JSON.stringify(relationship?.['verified_by']).includes(bob.node.fingerprint));
  t.regex(JSON.stringify(relationship?.['why']), /\w/);
  t.false(Number.isNaN(Date.parse(textOf(relationship?.['established_at']))));
});

test('a first contact that nothing proves waits until the operator confirms the key', async (t) => {
  const open = { networkKey: '' };
  const [alice, bob] = [await join(t, 'alice', open), await join(t, 'bob', open)];
  let seen = await establish(alice, bob);
  // On a busy machine the answer may be there before bob's hello is.
  await eventually('his key is seen', async () => {
    if (seen.body['unconfirmed_fingerprint'] === null) seen = await establish(alice, bob);
    return seen.body['unconfirmed_fingerprint'] !== null;
  });
  t.is(seen.status, 202, seen.text);
  t.like(seen.body, { trust_level: 'pending', unconfirmed_fingerprint: bob.node.fingerprint });
  t.true(textOf(seen.body['detail']).includes('trust confirm'), seen.text);
  await establish(bob, alice);
  t.is(levelAt(alice, bob) === 'verified', false);

  const confirm = (url: string, body: Body) => post(`${url}/v1/trust/confirm`, body);
  const wrong = await confirm(alice.url, { peer: bob.url, fingerprint: OTHER_KEY });
  t.is(wrong.status, 409, wrong.text);
  t.is(wrong.body['error'], 'key_mismatch');
  const nobody = await confirm(alice.url, { peer: 'carol', fingerprint: OTHER_KEY });
  t.is(nobody.status, 404, nobody.text);
  t.is(nobody.body['error'], 'unknown_peer');
  t.is((await confirm(alice.url, { peer: bob.url, fingerprint: 'short' })).status, 400);

  const byName = await confirm(alice.url, { peer: 'bob', fingerprint: bob.node.fingerprint });
  t.is(byName.status, 202, byName.text);
  t.is(byName.body['unconfirmed_fingerprint'], null);
  const done = await confirm(bob.url, { peer: alice.url, fingerprint: alice.node.fingerprint });
  t.is(done.status, 200, done.text);
  await eventually('both are verified', () => levelAt(alice, bob) === 'verified');
  const again = await confirm(bob.url, { peer: alice.url, fingerprint: alice.node.fingerprint });
  t.is(again.status, 200, again.text);
});

test('a revocation is told beforehand, closes the link, and is lifted only by re-admission', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  await write(bob, [1, 2, 3]);
  await shows(alice, [1, 2, 3]);
  const revoke = (body: Body) => post(`${alice.url}/v1/trust/revoke`, body);

  const dry = await revoke({ peer_id: bob.node.id, from: 'all', dry_run: true });
  t.is(dry.status, 200, dry.text);
  t.true(shapes.revocationReport.safeParse(dry.body).success, dry.text);
  t.like(dry.body, { revocation: null, fingerprint: bob.node.fingerprint, spans: 3 });
  t.is(levelAt(alice, bob), 'verified');
  t.is((await titlesAt(alice)).length, 3, 'nothing has happened');

  const done = await revoke({ peer_id: bob.node.fingerprint, from: 'all', reason: 'its key was stolen' });
  t.is(done.status, 200, done.text);
  t.regex(textOf(done.body['revocation']), /^[0-9a-f]{64}$/);
  t.deepEqual(done.body['feeds'], dry.body['feeds'], 'what was told is what fell');
  await shows(alice, []);
  await eventually('the link is closed', () => alice.node.peers()[0]?.status !== 'connected');
  t.is(levelAt(alice, bob), 'revoked');
  const [cut] = listOf(await get(`${alice.url}/v1/trust/relationships`), 'relationships');
  t.like(cut, { trust_level: 'revoked', cut: { by: [alice.node.fingerprint] } });
  t.true(JSON.stringify(cut?.['why']).includes('its key was stolen'));

  const refused = await establish(alice, bob);
  t.is(refused.status, 409, refused.text);
  t.is(refused.body['error'], 'revoked');
  t.true(textOf(refused.body['detail']).includes('--readmit'));
  t.is(levelAt(alice, bob), 'revoked');

  const back = await establish(alice, bob, { readmit: true });
  t.true([200, 202].includes(back.status), back.text);
  await eventually('it is verified again', () => levelAt(alice, bob) === 'verified');
  t.deepEqual(await titlesAt(alice), [], 'what was cut off stays out');
  t.is((await establish(alice, bob, { readmit: true })).status, 200, 'the same again changes nothing');
});

test('a revocation that is sent again under its Idempotency-Key is one revocation', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const revoke = (body: Body, key: string) =>
    post(`${alice.url}/v1/trust/revoke`, body, { 'idempotency-key': key });
  const wish = { peer_id: 'bob', from: 'heads' };
  const answers = await Promise.all([revoke(wish, 'k1'), revoke(wish, 'k1')]);
  const third = await revoke(wish, 'k1');
  for (const answer of answers) t.deepEqual(answer.body, third.body);
  t.is((await revoke({ ...wish, from: 'all' }, 'k1')).status, 400);
  const graph = alice.node.operator.trustGraph();
  t.is(graph.edges.filter((edge) => edge.kind === 'revoke').length, 1);
});

test('the graph comes as JSON, for Graphviz and for Mermaid', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const json = await get(`${alice.url}/v1/trust/graph`);
  t.true(shapes.trustGraph.safeParse(json.body).success, json.text);
  t.is(json.body['root'], alice.node.fingerprint);
  const edges = listOf(json, 'edges');
  t.true(edges.some((edge) => edge['kind'] === 'verify' && edge['to'] === bob.node.fingerprint));
  const dot = await get(`${alice.url}/v1/trust/graph?format=dot`);
  t.regex(dot.headers.get('content-type') ?? '', /^text\/vnd\.graphviz/);
  t.regex(dot.text, /^digraph trust \{[\s\S]*label="logline-id:\/\/node\/bob\\nverified"[\s\S]*\}\n$/);
  const mermaid = await get(`${alice.url}/v1/trust/graph?format=mermaid`);
  t.regex(mermaid.headers.get('content-type') ?? '', /^text\/plain/);
  t.regex(mermaid.text, /^flowchart LR\n/);
  t.is((await get(`${alice.url}/v1/trust/graph?format=svg`)).status, 400);
});

test('what makes no sense about trust is refused, and changes nothing', async (t) => {
  const alice = await serve(t, { name: 'alice', networkKey: NETWORK_KEY });
  const before = alice.node.operator.trustGraph();
  const refused: readonly (readonly [string, Body, number])[] = [
    ['establish', { peer_address: 'alpha:1', verification_method: 'magic' }, 400],
    ['establish', { peer_address: 'alpha:1', trust_level: 'verified' }, 400],
    ['establish', { peer_address: 'alpha:1', readmit: 'yes' }, 400],
    ['confirm', {}, 400],
    ['confirm', { peer: 'bob' }, 400],
    ['confirm', { peer: '', fingerprint: OTHER_KEY }, 400],
    ['confirm', { peer: 'alpha:1', fingerprint: OTHER_KEY }, 404],
    ['revoke', {}, 400],
    ['revoke', { peer_id: 'bob' }, 404],
    ['revoke', { peer_id: alice.node.id }, 400],
    ['revoke', { peer_id: alice.node.fingerprint, from: 'all' }, 400],
    ['revoke', { peer_id: OTHER_KEY, from: 'some' }, 400],
    ['revoke', { peer_id: OTHER_KEY, from: { 'timeline/acme/00': -1 } }, 400],
    ['revoke', { peer_id: OTHER_KEY, from: { 'timeline/acme/00': 1.5 } }, 400],
    ['revoke', { peer_id: OTHER_KEY, from: { 'timeline/acme/00': 2 ** 53 } }, 400],
    ['revoke', { peer_id: OTHER_KEY, from: [] }, 400],
    ['revoke', { peer_id: OTHER_KEY, reason: 'x'.repeat(501) }, 400],
    ['revoke', { peer_id: OTHER_KEY, dry_run: 1 }, 400],
    ['release', { peer_id: 'bob' }, 404],
    ['release', { peer_id: alice.node.id }, 400],
    ['release', { peer_id: OTHER_KEY, to: -1 }, 400],
  ];
  for (const [path, body, status] of refused) {
    const answer = await post(`${alice.url}/v1/trust/${path}`, body);
    t.is(answer.status, status, `${path} ${JSON.stringify(body)}: ${answer.text}`);
    t.true(textOf(answer.body['detail']).length > 10, answer.text);
  }
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`timeline/a/${n}`, 1]));
  t.is((await post(`${alice.url}/v1/trust/revoke`, { peer_id: OTHER_KEY, from: many })).status, 400);
  t.deepEqual(alice.node.operator.trustGraph(), before);
  t.deepEqual(alice.node.peers(), []);
});

test('what administrators did is listed newest first, in pages', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  await post(`${alice.url}/v1/trust/revoke`, { peer_id: 'bob', reason: 'a test' });
  await post(`${alice.url}/v1/trust/revoke`, { peer_id: 'nobody' });
  const page = await get(`${alice.url}/v1/trust/acts?limit=2`);
  t.true(shapes.actList.safeParse(page.body).success, page.text);
  const [failed, done] = listOf(page, 'acts');
  t.like(failed, { action: 'POST /v1/trust/revoke', outcome: 'unknown_peer' });
  t.like(done, { action: 'POST /v1/trust/revoke', outcome: 'done' });
  t.true(textOf(done?.['detail']).includes(bob.node.fingerprint));
  t.true(textOf(done?.['detail']).includes('a test'));
  const older = await get(`${alice.url}/v1/trust/acts?before=${textOf(page.body['next'])}`);
  t.like(listOf(older, 'acts')[0], { action: 'POST /v1/trust/establish' });
  t.is(older.body['next'], null);
  t.is((await get(`${alice.url}/v1/trust/acts?before=x`)).status, 400);
  t.is((await get(`${alice.url}/v1/trust/acts?limit=0`)).status, 400);
});

test('where a certificate is asked for, a node without a valid one is not trusted, whatever else it knows', async (t) => {
  const directory = await temporaryDirectory(t);
  const at = (file: string): string => `${directory}/${file}`;
  const authority = await makeAuthority({ name: 'tests', days: 1, nowMs: Date.now() });
  await writeFile(at('ca.pem'), authority.certificatePem);
  const [certificate] = await readCertificates(at('ca.pem'));
  if (certificate === undefined) throw new Error('the authority has no certificate');
  const certified = async (name: string): Promise<RunningServer> => {
    const before = await openLocalNode({ dataDir: at(name), name });
    await before.close();
    const der = await issueCertificate({
      authority: { certificate, keyPem: authority.keyPem },
      node: { name, key: before.keyPair.publicKey },
      days: 1,
      nowMs: Date.now(),
    });
    await writeFile(at(`${name}.pem`), pemOf(der));
    return join(t, name, { dataDir: at(name), caFile: at('ca.pem'), certFile: at(`${name}.pem`) });
  };
  const [alice, bob] = [await certified('alice'), await certified('bob')];
  const carol = await join(t, 'carol');
  const method = { verification_method: 'certificate' };
  await establish(alice, bob, method);
  t.is((await establish(bob, alice, method)).status, 200);
  const [relationship] = listOf(await get(`${alice.url}/v1/trust/relationships`), 'relationships');
  t.like(relationship, { peer_id: bob.node.id, method: 'certificate' });

  await establish(carol, alice);
  const refused = await establish(alice, carol, { ...method, fingerprint: carol.node.fingerprint });
  t.is(refused.status, 202, refused.text);
  t.regex(textOf(refused.body['detail']), /certificate/);
  t.not(levelAt(alice, carol), 'verified');
  const unable = await establish(carol, bob, method);
  t.is(unable.status, 400);
  t.true(unable.text.includes('FEDERATION_CA_FILE'));
});
