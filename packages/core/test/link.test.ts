/** Both transports keep the link contract; frames, addresses and counters of the WebSocket transport on real sockets. */

import { createServer, type AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { LoglineError } from '../dist/errors.js';
import { LIMITS } from '../dist/limits.js';
import { FrameQueue, FrameReader } from '../dist/node/framing.js';
import { NoiseWebSocketTransport } from '../dist/node/noise-websocket.js';
import { createCrypto } from '../dist/node/sodium.js';
import { createClock, createRandom } from '../dist/node/system.js';
import type { Link, Transport } from '../dist/ports.js';
import { eventually } from '../dist/testing/eventually.js';
import { linkContract, RecordingReceiver, type LinkPair } from '../dist/testing/link-contract.js';
import { MemoryNetwork } from '../dist/testing/memory-link.js';

const crypto = createCrypto();
const alice = crypto.keyPair(new Uint8Array(32).fill(1));
const bob = crypto.keyPair(new Uint8Array(32).fill(2));
const DIAL = { timeoutMs: 5_000 };

async function pairOf(
  dialler: Transport,
  taker: Transport,
  address: string,
  nobody: string,
): Promise<LinkPair> {
  const taken = new Promise<Link>((resolve) => taker.accept(resolve));
  const dialled = await dialler.dial(address, DIAL);
  return {
    dialled,
    accepted: await taken,
    dialledBy: alice.publicKey,
    acceptedBy: bob.publicKey,
    dialNobody: () => dialler.dial(nobody, { timeoutMs: 500 }),
    async close() {
      await dialler.close();
      await taker.close();
    },
  };
}

async function openSockets(): Promise<LinkPair> {
  const dialler = NoiseWebSocketTransport.create({ keyPair: alice });
  const taker = NoiseWebSocketTransport.create({ keyPair: bob });
  const { port } = await taker.listen({ host: '127.0.0.1', port: 0 });
  const free = NoiseWebSocketTransport.create({ keyPair: bob });
  const { port: nobody } = await free.listen({ host: '127.0.0.1', port: 0 });
  await free.close();
  return pairOf(dialler, taker, `127.0.0.1:${port}`, `127.0.0.1:${nobody}`);
}

function openMemory(): Promise<LinkPair> {
  const network = new MemoryNetwork({ clock: createClock(), random: createRandom() });
  const dialler = network.transport({ address: 'alice', keyPair: alice });
  const taker = network.transport({ address: 'bob', keyPair: bob });
  return pairOf(dialler, taker, 'bob', 'nobody');
}

for (const check of [...linkContract('sockets', openSockets), ...linkContract('memory', openMemory)]) {
  test(check.title, async (t) => {
    await t.notThrowsAsync(() => check.run());
  });
}

async function openTaker(
  t: ExecutionContext,
): Promise<{ taker: NoiseWebSocketTransport; address: string; links: Link[] }> {
  const taker = NoiseWebSocketTransport.create({ keyPair: bob });
  t.teardown(() => taker.close());
  const links: Link[] = [];
  taker.accept((link) => links.push(link));
  const { port } = await taker.listen({ host: '127.0.0.1', port: 0 });
  return { taker, address: `127.0.0.1:${port}`, links };
}

test('closing a transport ends its links on both sides and lets nobody dial', async (t) => {
  const { taker, address, links } = await openTaker(t);
  const dialler = NoiseWebSocketTransport.create({ keyPair: alice });
  const link = await dialler.dial(address, DIAL);
  const receiver = new RecordingReceiver();
  link.receive(receiver);
  await eventually('the call is taken', () => links.length === 1);
  await taker.close();
  await eventually('the other side sees it', () => receiver.endings.length === 1);
  t.is(receiver.endings[0]?.code, 4410);
  await dialler.close();
  await t.throwsAsync(dialler.dial(address, DIAL), { instanceOf: LoglineError, code: 'closed' });
  t.deepEqual(dialler.counts, { links: 0, greetings: 0 });
});

test('an address that cannot be read is refused before any connection', async (t) => {
  const dialler = NoiseWebSocketTransport.create({ keyPair: alice });
  for (const address of ['', 'file:///etc/passwd', 'http://user@127.0.0.1:1', '127.0.0.1']) {
    await t.throwsAsync(dialler.dial(address, DIAL), { instanceOf: LoglineError, code: 'bad_address' });
  }
});

test('a policy on addresses is asked about literals and about what names resolve to', async (t) => {
  const { address, links } = await openTaker(t);
  const asked: string[] = [];
  const dialler = NoiseWebSocketTransport.create({
    keyPair: alice,
    mayConnect(ip) {
      asked.push(ip);
      return false;
    },
  });
  t.teardown(() => dialler.close());
  for (const target of [address, address.replace('127.0.0.1', 'localhost'), '[::ffff:127.0.0.1]:1']) {
    await t.throwsAsync(dialler.dial(target, DIAL), { code: 'unreachable', message: /may not connect/ });
  }
  t.true(asked.length >= 3 && links.length === 0);
});

test('a peer that answers nothing is given up at the deadline', async (t) => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const dialler = NoiseWebSocketTransport.create({ keyPair: alice });
  t.teardown(() => dialler.close());
  const since = performance.now();
  await t.throwsAsync(dialler.dial(`127.0.0.1:${port}`, { timeoutMs: 50 }), { code: 'unreachable' });
  t.true(performance.now() - since < LIMITS.handshakeMs);
});

test('a node that dials itself proves its own key to itself', async (t) => {
  const { taker, address, links } = await openTaker(t);
  const link = await taker.dial(address, DIAL);
  await eventually('the call is taken', () => links.length === 1);
  t.deepEqual(link.remoteKey, bob.publicKey);
  t.deepEqual(links[0]?.remoteKey, bob.publicKey);
});

test('whatever pieces a stream is cut into, the same frames come out', (t) => {
  const frames = [0, 1, 5, 300, 0, 70_000].map((size, index) => new Uint8Array(size).fill(index));
  for (const pieceBytes of [1, 2, 3, 7, 64, 65_536, 1_000_000]) {
    const queue = new FrameQueue();
    for (const frame of frames) queue.push(frame);
    const reader = new FrameReader({ frameBytesMax: 70_000 });
    const read: unknown[] = [];
    while (queue.bytes > 0) {
      const piece = queue.take(pieceBytes);
      t.true(piece.length > 0 && piece.length <= pieceBytes);
      reader.feed(piece);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) read.push(frame);
    }
    t.deepEqual(read, frames);
  }
});

test('a frame that claims to be longer than allowed is refused by its first four bytes', (t) => {
  const reader = new FrameReader({ frameBytesMax: LIMITS.frameBytes });
  reader.feed(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  t.deepEqual(reader.next(), { tooLargeBytes: 0xffffffff });
});
