// Status, peers, trust and sync, as an operator asks for them, against real nodes.
import test from 'ava';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTenant } from '@logline/federation-core';
import { deadUrl, fakeNode, logline, startNode, story, temporaryDirectory } from './harness.js';

const ACME = ['acme'].flatMap((name) => parseTenant(name) ?? []);
const JSON_TYPE = { 'content-type': 'application/json' };

test('a node alone is shown as it is, for people and for programs', async (t) => {
  const node = await startNode(t, { name: 'alice' });
  const text = await logline(node, ['status']);
  t.is(text.code, 0);
  t.regex(text.out, /^node +logline-id:\/\/node\/alice$/m);
  t.regex(text.out, /^health +healthy$/m);
  t.regex(text.out, /^last sync +never$/m);
  const { code, out } = await logline(node, ['status', '--json']);
  t.is(code, 0);
  t.like(JSON.parse(out), { health: { node_id: 'logline-id://node/alice' }, sync: { last_sync: null } });
});

test('a node without peers says what to do about it', async (t) => {
  const node = await startNode(t);
  for (const command of ['nodes', 'discover', 'sync']) {
    const { code, out } = await logline(node, [command]);
    t.is(code, 0);
    t.regex(out, /FEDERATION_TRUSTED_PEERS/);
  }
  t.deepEqual(JSON.parse((await logline(node, ['nodes', '--json'])).out), { nodes: [] });
});

test('two operators trust each other’s nodes, and a sync copies what was written', async (t) => {
  const network = { tenants: ACME, networkKey: 'a network of tests' };
  const alice = await startNode(t, { name: 'alice', ...network });
  const bob = await startNode(t, { name: 'bob', ...network });
  const stdin = [Buffer.from(story(3).join('\n'))];
  t.is((await logline(alice, ['spans', 'import', '--tenant', 'acme'], { stdin })).code, 0);

  const first = await logline(alice, ['trust', 'add', '--peer', bob.url]);
  t.is(first.code, 0);
  t.regex(first.out, /^trust +pending$/m);
  const waiting = logline(bob, ['trust', 'add', '--peer', alice.url, '--wait', '--json']);
  const second = await waiting;
  t.is(second.code, 0, second.err);
  t.like(JSON.parse(second.out), { trust_level: 'verified', peer_id: 'logline-id://node/alice' });

  const sync = await logline(bob, ['sync', '--since', '1 hour ago', '--peer', 'logline-id://node/alice']);
  t.is(sync.code, 0, sync.err);
  t.regex(sync.out, /^logline-id:\/\/node\/alice +in sync/m);
  const { out } = await logline(bob, ['spans', 'export', '--tenant', 'acme']);
  t.is(
    out,
    story(3)
      .map((line) => `${line}\n`)
      .join(''),
  );
  t.regex(
    (await logline(bob, ['nodes'])).out,
    /^logline-id:\/\/node\/alice +ws:\S+ +connected +verified +yes/m,
  );
  t.regex((await logline(bob, ['status'])).out, /^peers +1 of 1 connected, 1 in sync$/m);
  t.regex((await logline(bob, ['discover'])).out, /^logline-id:\/\/node\/alice/m);
});

test('who waits for trust that does not come is told so by the exit code', async (t) => {
  const alice = await startNode(t);
  const { code, out, err } = await logline(alice, ['trust', 'add', '--peer', await deadUrl(), '--wait', '1']);
  t.is(code, 1);
  t.regex(out, /^trust +pending$/m);
  t.regex(err, /^waiting for ws:/m);
});

const outcomes = { completed: 0, no_peers: 0, partial: 4, nothing_shared: 1, failed: 1 };
for (const [status, expected] of Object.entries(outcomes)) {
  test(`a sync that ends ${status} exits with ${expected}`, async (t) => {
    const node = await fakeNode(t, (_request, response) => {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ status, detail: 'because', peers: [] }));
    });
    const { code, out } = await logline(node, ['sync']);
    t.is(code, expected);
    t.regex(out, /because/);
    t.is((await logline(node, ['sync', '--json'])).code, expected);
  });
}

test('a sync asks for exactly what the options say', async (t) => {
  const bodies: string[] = [];
  const node = await fakeNode(t, (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(200, JSON_TYPE).end('{"status":"completed","detail":null,"peers":[]}');
    });
  });
  await logline(node, ['sync']);
  await logline(node, ['sync', '--peer', 'a', 'b', '--since', '5m', '--tenant', 'acme']);
  t.deepEqual(
    bodies.map((body): unknown => JSON.parse(body)),
    [{}, { peer_ids: ['a', 'b'], since: '5m', tenant_filter: 'acme' }],
  );
});

test('an unhealthy node is shown, with the reason, and fails the command', async (t) => {
  const health = {
    status: 'unhealthy',
    node_id: 'logline-id://node/alice',
    peers_connected: 0,
    last_sync: null,
    reasons: ['the disk is full'],
  };
  const sync = {
    last_sync: null,
    pending_syncs: 0,
    sync_conflicts: 0,
    peers_in_sync: [],
    spans_total: 0,
    entries: 0,
    log_bytes: 0,
    read_only: 'the disk is full',
    peers: [],
  };
  const node = await fakeNode(t, (request, response) => {
    const isHealth = request.url === '/health';
    response.writeHead(isHealth ? 503 : 200, JSON_TYPE).end(JSON.stringify(isHealth ? health : sync));
  });
  const { code, out } = await logline(node, ['status']);
  t.is(code, 1);
  t.regex(out, /the disk is full/);
});

test('the token comes from the environment or from a file, and is printed nowhere', async (t) => {
  const seen: (string | undefined)[] = [];
  const node = await fakeNode(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401, JSON_TYPE).end('{"error":"unauthorized","detail":"the token is not valid"}');
  });
  const path = join(await temporaryDirectory(t), 'token');
  await writeFile(path, 'secret-2\n', { mode: 0o600 });
  const outcomes = [
    await logline(node, ['nodes'], { env: { LOGLINE_FEDERATION_TOKEN: 'secret-1' } }),
    await logline(node, ['nodes', '--json'], { env: { LOGLINE_FEDERATION_TOKEN_FILE: path } }),
  ];
  t.deepEqual(seen, ['Bearer secret-1', 'Bearer secret-2']);
  for (const { code, out, err } of outcomes) {
    t.is(code, 1);
    t.regex(err, /the token is not valid/);
    t.regex(err, /Set LOGLINE_FEDERATION_TOKEN, .*FEDERATION_ADMIN_TOKEN/);
    t.notRegex(out + err, /secret/);
  }
});

test('who may not do something is told which variable holds the token that decides', async (t) => {
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(403, JSON_TYPE).end('{"error":"forbidden","detail":"this needs federation:read"}');
  });
  const { code, err } = await logline(node, ['nodes']);
  t.is(code, 1);
  t.regex(err, /this needs federation:read.*Set LOGLINE_FEDERATION_TOKEN/);
});

const wrong: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
  ['a command that is none', ['bogus'], {}, /unknown command 'bogus'/],
  ['an option that is none', ['status', '--bogus'], {}, /unknown option '--bogus'/],
  ['a peer that is missing', ['trust', 'add'], {}, /--peer/],
  ['a tenant that is missing', ['tail'], {}, /--tenant/],
  ['an address that is none', ['status', '--url', 'here'], {}, /--url: expected an address/],
  [
    'an address in the environment that is none',
    ['status'],
    { LOGLINE_FEDERATION_URL: 'x:' },
    /LOGLINE_FEDERATION_URL: expected/,
  ],
  [
    'a wait that is none',
    ['trust', 'add', '--peer', 'a:1', '--wait', 'long'],
    {},
    /--wait: expected seconds/,
  ],
  ['a limit that is none', ['spans', 'export', '--tenant', 'a', '--limit', '0'], {}, /--limit: expected/],
  [
    'a password in the address',
    ['status', '--url', 'http://ada:hidden@localhost:8080'],
    {},
    /^(?!.*hidden).*--url: expected an address without user and password/,
  ],
  [
    'a password in an address that is none',
    ['status', '--url', 'ada:hidden@local host'],
    {},
    /^(?!.*hidden).*--url: expected an address such as/,
  ],
  [
    'a token of two lines',
    ['status'],
    { LOGLINE_FEDERATION_TOKEN: 'hid\nden' },
    /^(?!.*hid).*LOGLINE_FEDERATION_TOKEN: expected one token/,
  ],
  [
    'two tokens',
    ['status'],
    { LOGLINE_FEDERATION_TOKEN: 'a', LOGLINE_FEDERATION_TOKEN_FILE: 'b' },
    /both set/,
  ],
  [
    'a token file that is not there',
    ['status'],
    { LOGLINE_FEDERATION_TOKEN_FILE: '/no/such' },
    /cannot be read/,
  ],
];
for (const [title, argv, env, message] of wrong) {
  test(`${title} is a wrong command line`, async (t) => {
    const { code, err, out } = await logline({ url: 'http://127.0.0.1:9' }, argv, { env });
    t.is(code, 2);
    t.regex(err, message);
    t.is(out, '');
  });
}

test('colours are for terminals, and NO_COLOR turns them off', async (t) => {
  const node = await startNode(t);
  const escape = '\u001b[';
  t.true((await logline(node, ['status'], { isTTY: true })).out.includes(escape));
  t.false((await logline(node, ['status'])).out.includes(escape));
  t.false((await logline(node, ['status'], { isTTY: true, env: { NO_COLOR: '1' } })).out.includes(escape));
  t.true((await logline(node, ['status'], { env: { FORCE_COLOR: '1' } })).out.includes(escape));
  const json = await logline(node, ['status', '--json'], { isTTY: true });
  t.notThrows(() => void JSON.parse(json.out));
});
