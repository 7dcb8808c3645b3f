/** T20, T21: what two nodes tell each other stays between them; and the checks that say so can fail. */

import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { KeyPair, Transport } from '@logline/federation-core';
import { createCrypto, NoiseWebSocketTransport } from '@logline/federation-core/node';
import { eventually, TcpProxy } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { openMemoryNode, TENANT, type MemoryNode } from './support/memory-node.js';
import { tracesOf } from './support/needle.js';
import { PlainTransport } from './support/plain-transport.js';

/** Nobody listens there: of the two nodes only the other one dials, so one recording holds everything. */
const NOWHERE = 'ws://127.0.0.1:9/v1/federation';

interface Listening extends Transport {
  listen(where: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
}

const noise = (keyPair: KeyPair): Listening => NoiseWebSocketTransport.create({ keyPair });
const plain = (keyPair: KeyPair): Listening => new PlainTransport(keyPair);

interface Pair {
  readonly alice: MemoryNode;
  readonly bob: MemoryNode;
  readonly bobPort: number;
  /** Between alice, who dials, and bob. */
  readonly proxy: TcpProxy;
  readonly secrets: {
    readonly networkKey: Uint8Array;
    readonly aliceKey: Uint8Array;
    readonly bobKey: Uint8Array;
  };
  readonly publicKeys: readonly Uint8Array[];
}

/** Two nodes that trust each other, connected through a recording proxy. */
async function openPair(
  t: ExecutionContext,
  makeTransport: (keyPair: KeyPair) => Listening,
  compression: 'on' | 'off',
): Promise<Pair> {
  const crypto = createCrypto();
  const [aliceKeys, bobKeys] = [crypto.keyPair(randomBytes(32)), crypto.keyPair(randomBytes(32))];
  const networkKey = randomBytes(32).toString('hex');
  const open = (name: string, keyPair: KeyPair, transport: Transport): Promise<MemoryNode> =>
    openMemoryNode(t, { name, keyPair, transport, networkKey, compression });
  const bobTransport = makeTransport(bobKeys);
  const bob = await open('bob', bobKeys, bobTransport);
  const { port } = await bobTransport.listen({ host: '127.0.0.1', port: 0 });
  const alice = await open('alice', aliceKeys, makeTransport(aliceKeys));
  const proxy = await TcpProxy.open({ port });
  t.teardown(() => proxy.close());
  await bob.node.trust({ address: NOWHERE, key: aliceKeys.publicKey });
  await alice.node.trust({ address: `ws://127.0.0.1:${proxy.port}/v1/federation`, key: bobKeys.publicKey });
  await eventually('the two nodes meet', () => alice.node.status().peersInSync.length === 1);
  return {
    alice,
    bob,
    bobPort: port,
    proxy,
    secrets: {
      networkKey: Buffer.from(networkKey),
      aliceKey: aliceKeys.secretKey.subarray(0, 32),
      bobKey: bobKeys.secretKey.subarray(0, 32),
    },
    publicKeys: [aliceKeys.publicKey, bobKeys.publicKey],
  };
}

function spanSaying(title: string): { readonly id: string } & Record<string, unknown> {
  return { id: randomUUID(), logline_id: 'logline-id://person/alice', title };
}

/** Appends in one call at one node and waits for the other to have all of it. */
async function replicate(from: MemoryNode, to: MemoryNode, titles: readonly string[]): Promise<void> {
  const spans = titles.map(spanSaying);
  const { outcomes } = await from.node.timeline(TENANT).append(spans);
  for (const { outcome, error } of outcomes)
    if (outcome !== 'accepted') throw new Error(`a span was ${outcome}: ${error}`);
  await eventually('the other node has the spans', () =>
    spans.every(({ id }) => to.node.timeline(TENANT).has(id)),
  );
}

function recordingOf(proxy: TcpProxy): Uint8Array {
  return Buffer.concat([proxy.recorded('up'), proxy.recorded('down')]);
}

/** Sends random canaries both ways, each alone in its span and many in one batch; resolves to them and what was recorded. */
async function sendCanaries(pair: Pair): Promise<{ canaries: readonly string[]; recording: Uint8Array }> {
  const canaries: string[] = [];
  for (const [from, to] of [[pair.alice, pair.bob] as const, [pair.bob, pair.alice] as const]) {
    for (const count of [1, 1, 1, 2, 200]) {
      const titles = Array.from({ length: count }, () => randomBytes(32).toString('hex'));
      await replicate(from, to, titles);
      canaries.push(...titles);
    }
  }
  return { canaries, recording: recordingOf(pair.proxy) };
}

for (const compression of ['off', 'on'] as const) {
  test(`no canary of a span, no network key and no secret key can be read on the wire, compression ${compression}`, async (t) => {
    const pair = await openPair(t, noise, compression);
    const { canaries, recording } = await sendCanaries(pair);
    t.true(recording.length > canaries.length * 64, 'there is something to look at');
    for (const canary of canaries) t.deepEqual(tracesOf(Buffer.from(canary), recording), []);
    for (const canary of canaries) t.deepEqual(tracesOf(Buffer.from(canary, 'hex'), recording), []);
    for (const [name, secret] of Object.entries(pair.secrets))
      t.deepEqual(tracesOf(secret, recording), [], name);
    for (const key of pair.publicKeys) t.deepEqual(tracesOf(key, recording), [], 'not even who is talking');
  });
}

test('the same look at a link without encryption finds every canary, in single spans and in batches', async (t) => {
  const pair = await openPair(t, plain, 'off');
  const { canaries, recording } = await sendCanaries(pair);
  for (const canary of canaries) t.deepEqual(tracesOf(Buffer.from(canary), recording), ['as it is']);
  for (const key of pair.publicKeys) t.true(tracesOf(key, recording).includes('as it is'));
  // These are never sent, in whatever kind of link.
  for (const [name, secret] of Object.entries(pair.secrets))
    t.deepEqual(tracesOf(secret, recording), [], name);
});

test('the look finds a secret in whatever way it is written, and where it is cut in pieces', (t) => {
  const secret = randomBytes(32);
  const around = (text: string | Uint8Array): Uint8Array =>
    Buffer.concat([randomBytes(100), Buffer.from(text), randomBytes(100)]);
  t.deepEqual(tracesOf(secret, around(secret)), ['as it is']);
  t.deepEqual(tracesOf(secret, around(secret.toString('hex'))), ['hex']);
  t.deepEqual(tracesOf(secret, around(secret.toString('hex').toUpperCase())), ['upper-case hex']);
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([randomBytes(before), secret, randomBytes(7)]).toString('base64');
    t.deepEqual(tracesOf(secret, around(text)), ['base64'], `${before} bytes before it`);
  }
  t.deepEqual(tracesOf(secret, Buffer.concat([around(secret.subarray(0, 24)), secret.subarray(24)])), [
    'as it is',
  ]);
  t.deepEqual(tracesOf(secret, around(randomBytes(32))), []);
});

/** Where in a chunk a bit is inverted, from its beginning to its end. */
const PLACES = [0.25, 0.5, 0.75, 1];

for (const direction of ['up', 'down'] as const) {
  test(`a bit altered in data on its way ${direction} ends the link, and the data comes whole over the next one`, async (t) => {
    const pair = await openPair(t, noise, 'off');
    const [from, to] = direction === 'up' ? [pair.alice, pair.bob] : [pair.bob, pair.alice];
    const ended = (side: MemoryNode): number =>
      side.events.filter((event) => event.kind === 'peer_disconnected').length;
    for (const [i, place] of PLACES.entries()) {
      let altered = 0;
      pair.proxy.alter((chunk, where) => {
        // Shorter ones are heartbeats, receipts, and the first words of a second connection that is not needed.
        if (altered > 0 || where.direction !== direction || chunk.length < 2_500) return chunk;
        altered++;
        const at = Math.floor((chunk.length - 1) * place);
        chunk[at] = (chunk[at] ?? 0) ^ (1 << (i % 8));
        return chunk;
      });
      await replicate(from, to, [randomBytes(3_000).toString('hex')]);
      t.is(altered, 1);
      await eventually('the link of the sender ended once for every bit', () => ended(from) === i + 1);
      await eventually('and so did the receiver’s', () => ended(to) === i + 1);
    }
    const damaged = to.events.filter(
      (event) => event.kind === 'peer_disconnected' && event.reason.includes('4401'),
    );
    t.is(damaged.length, PLACES.length, 'the receiver said why');
    t.false(
      to.events.some((event) => event.kind === 'entry_refused'),
      'nothing altered got as far as the gate',
    );
  });
}

test('a recorded session played again to the server opens no session and moves nothing', async (t) => {
  const pair = await openPair(t, noise, 'on');
  await sendCanaries(pair);
  const before = { ...pair.bob.node.status(), connected: connections(pair.bob) };
  const sent = pair.proxy.recorded('up');
  for (const part of [sent, sent.subarray(0, sent.length / 2), sent.subarray(0, 600)]) {
    const answer = await play(t, pair.bobPort, part);
    t.true(answer.includes('HTTP/1.1 101 '), 'it was let in as a WebSocket');
    t.true(answer.length < 500, `the answer of ${answer.length} bytes is half a handshake and a goodbye`);
    t.is(answer.readUInt16BE(answer.lastIndexOf('handshake_') - 2), 4400);
  }
  t.is(connections(pair.bob), before.connected);
  t.is(pair.bob.node.status().entries, before.entries);
  await replicate(pair.alice, pair.bob, ['still talking']);
});

function connections(side: MemoryNode): number {
  return side.events.filter((event) => event.kind === 'peer_connected' || event.kind === 'link_refused')
    .length;
}

/** Sends bytes to a port and resolves to everything that came back until the other side ended it. */
async function play(t: ExecutionContext, port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const answer: Buffer[] = [];
  socket.on('error', () => {}).on('data', (chunk) => answer.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(bytes);
  await closed;
  return Buffer.concat(answer);
}
