// What the trust commands ask of a node, and how they show its answers.
import test from 'ava';
import { answering, FEED, HASH, KEY } from './answering.js';
import { logline } from './harness.js';

const REPORT = {
  revocation: HASH,
  peer_id: 'logline-id://node/bob',
  fingerprint: KEY,
  feeds: [
    { feed: FEED, tenant_id: 'acme', held_to: 9, cut_at: 4, entries: 5, spans: 1234, provisional: true },
  ],
  entries: 5,
  spans: 1234,
};
const typed = (text: string): Uint8Array[] => [Buffer.from(text)];

test('a revocation is shown first, and happens only after yes', async (t) => {
  const node = await answering(t, REPORT);
  const { code, out, err } = await logline(node, ['trust', 'revoke', 'bob', '--reason', 'stolen'], {
    isTTY: true,
    stdin: typed('yes\n'),
  });
  t.is(code, 0, err);
  const request = { peer_id: 'bob', from: 'heads', reason: 'stolen' };
  t.deepEqual(
    node.asked.map((one) => one.body),
    [{ ...request, dry_run: true }, request],
  );
  t.regex(err, /Stop trusting logline-id:\/\/node\/bob\?/);
  t.regex(out, /timeline\/acme\/00a1b2c3d4e5f607 +9 +4 \(for now\) +5 +1,234/);
  t.regex(out, /5 entries with 1,234 spans in quarantine/);
});

for (const answer of ['no\n', '\n', 'y\n', '']) {
  test(`a revocation does not happen after ${JSON.stringify(answer)}`, async (t) => {
    const node = await answering(t, REPORT);
    const { code, err } = await logline(node, ['trust', 'revoke', 'bob'], {
      isTTY: true,
      stdin: typed(answer),
    });
    t.is(code, 1);
    t.regex(err, /nothing was done/);
    t.deepEqual(
      node.asked.map((one) => one.body),
      [{ peer_id: 'bob', from: 'heads', dry_run: true }],
    );
  });
}

test('Ctrl-C at the question ends the command, and nothing is revoked', async (t) => {
  const node = await answering(t, REPORT);
  const abort = new AbortController();
  const nobodyTypes = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      abort.abort();
      await new Promise(() => undefined);
      yield Buffer.from('yes\n');
    },
  };
  const { code } = await logline(node, ['trust', 'revoke', 'bob'], {
    isTTY: true,
    stdin: nobodyTypes,
    signal: abort.signal,
  });
  t.is(code, 130);
  t.is(node.asked.length, 1);
});

test('where nobody can be asked, a revocation needs --yes, and a dry run does not', async (t) => {
  const node = await answering(t, REPORT);
  const refused = await logline(node, ['trust', 'revoke', 'bob', '--json']);
  t.is(refused.code, 2);
  t.regex(refused.err, /--yes/);
  t.is(node.asked.length, 0);
  t.is((await logline(node, ['trust', 'revoke', 'bob', '--yes', '--from', 'all'])).code, 0);
  t.is((await logline(node, ['trust', 'revoke', 'bob', '--dry-run'])).code, 0);
  t.deepEqual(
    node.asked.map((one) => one.body),
    [
      { peer_id: 'bob', from: 'all' },
      { peer_id: 'bob', from: 'heads', dry_run: true },
    ],
  );
  const json = await logline(node, ['trust', 'revoke', 'bob', '--yes', '--json']);
  t.deepEqual(JSON.parse(json.out), REPORT);
});

test('feeds are named with the last entry that stays', async (t) => {
  const node = await answering(t, REPORT);
  const other = 'trust/1111111111111111';
  await logline(node, ['trust', 'revoke', 'bob', '--yes', '--from', `${FEED}=4`, `${other}=0`]);
  t.deepEqual(node.asked[0]?.body, { peer_id: 'bob', from: { [FEED]: 4, [other]: 0 } });
  for (const from of ['some', FEED, `${FEED}=`, `${FEED}=-1`, `${FEED}=x`, '=4']) {
    const { code, err } = await logline(node, ['trust', 'revoke', 'bob', '--yes', '--from', from]);
    t.is(code, 2, from);
    t.regex(err, /--from: expected heads, all, or feeds/);
  }
  t.is(node.asked.length, 1);
});

test('a release asks for exactly what the options say', async (t) => {
  const node = await answering(t, REPORT);
  await logline(node, ['trust', 'release', 'bob']);
  await logline(node, ['trust', 'release', 'bob', '--feed', FEED, '--to', '7']);
  t.deepEqual(
    node.asked.map((one) => one.body),
    [{ peer_id: 'bob' }, { peer_id: 'bob', feed: FEED, to: 7 }],
  );
  t.is((await logline(node, ['trust', 'release', 'bob', '--to', 'all'])).code, 2);
});

test('a peer is taken off the list at once, and what brings it back is told', async (t) => {
  const result = {
    removed: [{ peer_id: null, peer_address: 'ws://bob\u001b[2J:80/v1/federation', fingerprint: null }],
    detail: 'FEDERATION_TRUSTED_PEERS names it',
  };
  const node = await answering(t, result);
  const { code, out } = await logline(node, ['trust', 'remove', 'bob']);
  t.is(code, 0);
  t.like(node.asked[0], { url: '/v1/trust/remove', body: { peer: 'bob' } });
  t.regex(out, /is off the list/);
  t.regex(out, /FEDERATION_TRUSTED_PEERS/);
  t.false(out.includes('\u001b[2J'));
  t.deepEqual(JSON.parse((await logline(node, ['trust', 'remove', 'bob', '--json'])).out), result);
  t.is((await logline(node, ['trust', 'remove'])).code, 2);
});

test('a key that was seen and not confirmed stands in the list of whom the node trusts', async (t) => {
  const one = {
    peer_id: null,
    trust_level: 'pending',
    established_at: null,
    signature: null,
    fingerprint: null,
    method: null,
    address: 'ws://bob:80/v1/federation',
    pinned_by: null,
    verified_by: [],
    cut: null,
    why: [],
  };
  const relationships = [
    { ...one, unconfirmed_fingerprint: KEY },
    { ...one, unconfirmed_fingerprint: null },
  ];
  const { out } = await logline(await answering(t, { relationships }), ['trust', 'list']);
  t.true(out.includes(`${KEY} (not confirmed)`), out);
  t.true(out.includes('(not seen yet)'), out);
});

test('a graph comes as text, as JSON, or as the node draws it', async (t) => {
  const picture = await answering(t, 'digraph trust {\n}\n');
  const drawn = await logline(picture, ['trust', 'graph', '--format', 'dot']);
  t.is(drawn.out, 'digraph trust {\n}\n');
  t.is(picture.asked[0]?.url, '/v1/trust/graph?format=dot');
  const graph = {
    root: 'root-key',
    nodes: [
      {
        fingerprint: 'root-key',
        peer_id: 'logline-id://node/ann',
        trust_level: 'verified',
        why: ['this node itself'],
      },
      { fingerprint: KEY, peer_id: null, trust_level: 'revoked', why: ['revoked by \u001b[31mann'] },
    ],
    nodes_total: 2,
    edges: [
      {
        from: 'root-key',
        to: KEY,
        kind: 'revoke',
        statement: HASH,
        stated_at: '2025-01-01T00:00:00Z',
        effective: true,
      },
    ],
    edges_total: 4,
  };
  const node = await answering(t, graph);
  const { out } = await logline(node, ['trust', 'graph']);
  t.regex(out, /^logline-id:\/\/node\/ann {2}this node$/m);
  t.true(out.includes('revoked by \ufffd[31mann'), 'others’ words do not reach the terminal as commands');
  t.regex(out, /^logline-id:\/\/node\/ann +revoke +Xn3k\S+ .* ago +yes$/m);
  t.regex(out, /3 nodes and statements/);
  t.deepEqual(JSON.parse((await logline(node, ['trust', 'graph', '--format', 'json'])).out), graph);
  t.deepEqual(JSON.parse((await logline(node, ['trust', 'graph', '--json'])).out), graph);
  t.is((await logline(node, ['trust', 'graph', '--format', 'png'])).code, 2);
});

test('relationships are listed with the reasons of those that are not verified', async (t) => {
  const plain = {
    established_at: null,
    signature: null,
    method: null,
    address: null,
    pinned_by: null,
    verified_by: [],
  };
  const cut = { revocations: [HASH], by: [KEY], feeds: 2, entries: 5, provisional: true };
  const relationships = [
    {
      ...plain,
      peer_id: 'logline-id://node/bob',
      fingerprint: KEY,
      trust_level: 'verified',
      cut: null,
      why: ['fine'],
    },
    { ...plain, peer_id: null, fingerprint: 'other', trust_level: 'revoked', cut, why: ['revoked by ann'] },
  ];
  const node = await answering(t, { relationships });
  const { out } = await logline(node, ['trust', 'list']);
  t.regex(out, /^logline-id:\/\/node\/bob +verified/m);
  t.regex(out, /^other: revoked by ann$/m);
  t.regex(out, /^other: 2 feeds cut, 5 entries in quarantine, for now/m);
  t.notRegex(out, /fine/);
  t.deepEqual(JSON.parse((await logline(node, ['trust', 'list', '--json'])).out), { relationships });
});

test('a key is confirmed, and a certificate or re-admission asked for, in words of the node’s interface', async (t) => {
  const result = {
    peer_id: null,
    trust_level: 'pending',
    peer_address: 'ws://bob:1/v1/federation',
    fingerprint: null,
    unconfirmed_fingerprint: KEY,
    detail: 'compare it',
  };
  const node = await answering(t, result);
  const { out, code } = await logline(node, ['trust', 'confirm', 'bob', KEY]);
  t.is(code, 0);
  t.regex(out, new RegExp(`^seen there +${KEY}$`, 'm'));
  await logline(node, ['trust', 'add', '--peer', 'bob:1', '--method', 'certificate', '--readmit']);
  t.deepEqual(
    node.asked.map(({ url, body }) => [url, body]),
    [
      ['/v1/trust/confirm', { peer: 'bob', fingerprint: KEY }],
      ['/v1/trust/establish', { peer_address: 'bob:1', verification_method: 'certificate', readmit: true }],
    ],
  );
  t.is((await logline(node, ['trust', 'add', '--peer', 'bob:1', '--method', 'magic'])).code, 2);
  t.is((await logline(node, ['trust', 'confirm', 'bob'])).code, 2);
});
