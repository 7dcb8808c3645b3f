// Services find each other by multicast DNS on loopback and by a small name server, and say in the interface what they found.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import test, { type ExecutionContext } from 'ava';
import { decode, encode, type Answer } from 'dns-packet';
import { keyOfFingerprint, nodeIdOf, type TrustedPeer } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import type { RunningServer, ServerOptions } from '../dist/index.js';
import * as schemas from '../dist/schemas.js';
import { get, post, serve, type Body } from './helpers.js';
import { listOf, NETWORK_KEY } from './meeting.js';

/** A UDP port that is free now; that several share it is what multicast is made for. */
async function freePort(): Promise<number> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((done) => socket.bind(0, '0.0.0.0', done));
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(() => done()));
  return port;
}

function broadcasting(port: number): Partial<ServerOptions> {
  const broadcastOn = { interfaces: ['127.0.0.1'], port };
  const discovery = {
    broadcast: true,
    broadcastOn,
    dnsName: undefined,
    dnsUpdate: undefined,
    exchange: true,
  };
  return { networkKey: NETWORK_KEY, tenants: '*', discovery };
}

/** How an operator lists a node that may be anywhere. */
function listed({ node }: RunningServer): TrustedPeer {
  return { address: node.id, key: keyOfFingerprint(node.fingerprint) };
}

async function nodesAt({ url }: RunningServer): Promise<readonly Body[]> {
  const answer = await get(`${url}/v1/nodes`);
  return listOf(answer, 'nodes');
}

test('services find each other on the local network, as unknown, and one of another network stays out', async (t) => {
  const port = await freePort();
  const alice = await serve(t, { name: 'alice', ...broadcasting(port) });
  const bob = await serve(t, { name: 'bob', ...broadcasting(port) });
  await serve(t, { name: 'dave', ...broadcasting(port), networkKey: 'another network' });
  await eventually('alice has found bob', async () =>
    (await nodesAt(alice)).some(({ id }) => id === bob.node.id),
  );
  const answer = await post(`${alice.url}/v1/nodes/discover`, { discovery_method: 'broadcast' });
  t.true(schemas.discoverResult.safeParse(answer.body).success, answer.text);
  t.like(answer.body, {
    method: 'broadcast',
    nodes: [
      { id: bob.node.id, trust_level: 'unknown', method: 'broadcast', fingerprint: bob.node.fingerprint },
    ],
    errors: [],
  });
  t.is(listOf(answer, 'nodes').length, 1);
  t.true(Number(answer.body['other_networks']) > 0, answer.text);
  t.deepEqual(alice.node.peers(), [], 'nobody is listed');
  t.deepEqual(listOf(await get(`${alice.url}/v1/trust/relationships`), 'relationships'), []);
});

test('nodes that list each other by name and fingerprint become verified wherever they are', async (t) => {
  const port = await freePort();
  const first = await serve(t, { name: 'alice', ...broadcasting(port) });
  const bob = await serve(t, { name: 'bob', ...broadcasting(port), trustedPeers: [listed(first)] });
  t.like((await nodesAt(bob))[0], { id: first.node.id, trust_level: 'pending', method: 'manual' });
  await first.node.trust(listed(bob));
  await eventually('both are verified', async () =>
    (await Promise.all([nodesAt(first), nodesAt(bob)])).every(([one]) => one?.['trust_level'] === 'verified'),
  );
  const address = `${first.url.replace('http', 'ws')}/v1/federation`;
  await eventually('it is told where', async () => (await nodesAt(bob))[0]?.['address'] === address);
  t.is((await nodesAt(bob)).length, 1);
});

interface Zone {
  readonly server: { readonly host: string; readonly port: number };
  records: readonly Answer[];
  silent: boolean;
}

async function openZone(t: ExecutionContext): Promise<Zone> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  t.teardown(() => socket.close());
  const zone: Zone = {
    server: { host: '127.0.0.1', port: socket.address().port },
    records: [],
    silent: false,
  };
  socket.on('message', (message, from) => {
    const { id = 0, questions = [] } = decode(message);
    const answers = zone.records.filter(
      ({ type, name }) => type === questions[0]?.type && name === questions[0].name,
    );
    if (!zone.silent)
      socket.send(encode({ type: 'response', id, questions, answers }), from.port, from.address);
  });
  return zone;
}

function srv(port: number): readonly Answer[] {
  const target = `n${port}.fed.example.org`;
  return [
    { type: 'SRV', name: '_logline-fed._tcp.fed.example.org', ttl: 5, data: { port, target } },
    { type: 'A', name: target, ttl: 5, data: '127.0.0.1' },
  ];
}

test('a name server that dies or lies changes nothing for those who are connected', async (t) => {
  const zone = await openZone(t);
  const discovery = {
    broadcast: false,
    dnsName: 'fed.example.org',
    dnsServers: [zone.server],
    dnsUpdate: undefined,
    exchange: true,
  };
  const network: Partial<ServerOptions> = { networkKey: NETWORK_KEY, discovery };
  const alice = await serve(t, { name: 'alice', ...network });
  const bob = await serve(t, { name: 'bob', ...network, trustedPeers: [listed(alice)] });
  await alice.node.trust(listed(bob));
  zone.records = [...srv(alice.port), ...srv(bob.port)];
  const found = await post(`${bob.url}/v1/nodes/discover`, { discovery_method: 'dns' });
  t.true(schemas.discoverResult.safeParse(found.body).success, found.text);
  const isVerified = async (): Promise<boolean> => (await nodesAt(bob))[0]?.['trust_level'] === 'verified';
  await eventually('they are verified', isVerified);

  zone.records = srv(await freePort());
  const lied = await post(`${bob.url}/v1/nodes/discover`, { discovery_method: 'dns' });
  t.like(lied.body, { method: 'dns', nodes: [] });
  t.true(
    listOf(lied, 'errors').some(({ address }) => address !== null),
    lied.text,
  );
  zone.silent = true;
  const died = await post(`${bob.url}/v1/nodes/discover`, { discovery_method: 'dns' });
  t.like(died.body, { nodes: [], errors: [{ address: null }] });
  t.regex(died.text, /no answer within .* check FEDERATION_DNS_NAME/);
  t.true(await isVerified());
  t.like((await nodesAt(bob))[0], { status: 'connected', last_error: null });
});

test('a node is dialled again on request, whether it is listed or found', async (t) => {
  const port = await freePort();
  const alice = await serve(t, { name: 'alice', ...broadcasting(port) });
  const bob = await serve(t, { name: 'bob', ...broadcasting(port) });
  await eventually('bob is found', async () => (await nodesAt(alice)).some(({ id }) => id === bob.node.id));
  for (const name of ['bob', bob.node.id, bob.node.fingerprint, `127.0.0.1:${bob.port}`]) {
    const answer = await post(`${alice.url}/v1/nodes/${encodeURIComponent(name)}/reset`, '');
    t.is(answer.status, 200, answer.text);
    t.true(schemas.peerNode.safeParse(answer.body).success, answer.text);
    t.like(answer.body, { id: bob.node.id, trust_level: 'unknown' });
  }
  await alice.node.trust({ address: `ws://127.0.0.1:${bob.port}/v1/federation` });
  t.like((await post(`${alice.url}/v1/nodes/127.0.0.1%3A${bob.port}/reset`, '')).body, {
    trust_level: 'pending',
  });
  const nobody = await post(
    `${alice.url}/v1/nodes/${nodeIdOf(`nobody-${randomInt(9)}`).slice(18)}/reset`,
    '',
  );
  t.is(nobody.status, 404);
  t.regex(nobody.text, /no node is known as/);
});
