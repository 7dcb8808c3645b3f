/** T1, T20, T21: what strangers and the network do to a link closes that one link with a code, and no other. */

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { LIMITS } from '../dist/limits.js';
import { CLOSE_CODES } from '../dist/node/close-codes.js';
import { SUBPROTOCOL } from '../dist/node/dial.js';
import { NoiseWebSocketTransport } from '../dist/node/noise-websocket.js';
import { createCrypto } from '../dist/node/sodium.js';
import { WebSocketStream } from '../dist/node/websocket-stream.js';
import type { Link } from '../dist/ports.js';
import { eventually } from '../dist/testing/eventually.js';
import { RecordingReceiver } from '../dist/testing/link-contract.js';
import { TcpProxy } from '../dist/testing/proxy.js';

/** The package ships no types, and ours are for the sources. */
const SecretStream = createRequire(import.meta.url)('@hyperswarm/secret-stream') as new (
  isInitiator: boolean,
  stream: WebSocketStream,
  options: object,
) => NodeJS.WritableStream;

const crypto = createCrypto();
const keyPair = (seed: number) => crypto.keyPair(new Uint8Array(32).fill(seed));
const alice = keyPair(1);
const bob = keyPair(2);
const mallory = keyPair(3);
const DIAL = { timeoutMs: 5_000 };

interface End {
  readonly link: Link;
  readonly receiver: RecordingReceiver;
}

/** Bob's node, and an honest link of alice's that must keep exchanging whatever else happens. */
async function openBob(t: ExecutionContext) {
  const faults: string[] = [];
  const ends: End[] = [];
  const transport = NoiseWebSocketTransport.create({
    keyPair: bob,
    onFault: (fault) => faults.push(fault.reason),
  });
  t.teardown(() => transport.close());
  transport.accept((link) => {
    const receiver = new RecordingReceiver();
    receiver.onFrame = (frame) => link.send(frame);
    link.receive(receiver);
    ends.push({ link, receiver });
  });
  const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
  const honest = await dialFrom(t, port);
  let echoes = 0;
  const exchange = async (): Promise<void> => {
    honest.link.send(new Uint8Array(2000).fill(echoes));
    echoes++;
    await eventually('the honest link exchanges', () => honest.receiver.frames.length === echoes);
  };
  return { transport, port, ends, faults, exchange };
}

async function dialFrom(t: ExecutionContext, port: number): Promise<End> {
  const transport = NoiseWebSocketTransport.create({ keyPair: alice });
  t.teardown(() => transport.close());
  const link = await transport.dial(`127.0.0.1:${port}`, DIAL);
  const receiver = new RecordingReceiver();
  link.receive(receiver);
  return { link, receiver };
}

/** A WebSocket that has been let in by its subprotocol and nothing else. */
async function openSocket(
  t: ExecutionContext,
  port: number,
): Promise<{ socket: WebSocket; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/federation`, [SUBPROTOCOL]);
  t.teardown(() => socket.terminate());
  socket.on('error', () => {});
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  return { socket, closed };
}

/** A message as the encryption frames it: three bytes of length before it. */
function piece(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(bytes.length & 255, (bytes.length >> 8) & 255, bytes.length >> 16), bytes]);
}

const GARBAGE: Readonly<Record<string, readonly (Buffer | string)[]>> = {
  'a CBOR null': [Buffer.of(0xf6)],
  'a CBOR number': [Buffer.of(0x05)],
  // {type: 'join', senderId: 'x', peerMetadata: {}, supportedProtocolVersions: ['1']}
  'the join of a stock automerge-repo client': [
    Buffer.from('a46474797065646a6f696e6873656e64657249646178', 'hex'),
    Buffer.from('a16474797065646a6f696e', 'hex'),
  ],
  'a text frame': ['{"type":"join"}'],
  'an empty message': [Buffer.alloc(0)],
  'random bytes': [randomBytes(5000)],
  'random bytes of the right shape': [piece(randomBytes(32))],
  'half a handshake, then random bytes': [piece(keyPair(9).publicKey), piece(randomBytes(96))],
  'a point of small order as the first key': [piece(Buffer.alloc(32, 0).fill(1, 0, 1))],
  'a length of 16 MiB': [Buffer.from('ffffff', 'hex')],
  'two pieces in one message': [Buffer.concat([piece(randomBytes(32)), piece(randomBytes(32))])],
};

for (const [what, messages] of Object.entries(GARBAGE)) {
  test(`${what} closes its socket with a code of ours, and an honest link goes on`, async (t) => {
    const { port, exchange, faults, transport } = await openBob(t);
    const { socket, closed } = await openSocket(t, port);
    for (const message of messages) socket.send(message);
    const code = await closed;
    const reason = what === 'a text frame' ? 'not_binary' : 'handshake_failed';
    t.is(code, CLOSE_CODES[reason]);
    t.deepEqual(faults, [reason]);
    t.is(transport.counts.greetings, 0);
    await exchange();
  });
}

test('bytes that are no WebSocket frames close the connection, and an honest link goes on', async (t) => {
  const { port, exchange } = await openBob(t);
  for (const garbage of [
    randomBytes(1000),
    Buffer.from('82ffffffffffffffffff00000000', 'hex'),
    Buffer.alloc(70_000, 0x82),
  ]) {
    const socket = await openRaw(t, port);
    socket.write(garbage);
    await new Promise((resolve) => socket.once('close', resolve));
    t.true(socket.destroyed);
  }
  await exchange();
});

test('connections that never finish asking are closed within seconds', async (t) => {
  const { port, exchange } = await openBob(t);
  const ends = ['', 'GET /v1/federation HTTP/1.1\r\nHost: x\r\nUpgrade: webs'].map((beginning) => {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket
      .on('error', () => {})
      .resume()
      .write(beginning);
    return new Promise((resolve) => socket.once('close', () => resolve(true)));
  });
  let closed = 0;
  for (const end of ends) void end.then(() => closed++);
  await eventually('both are closed', () => closed === ends.length, { timeoutMs: 2 * LIMITS.handshakeMs });
  await t.notThrowsAsync(exchange());
});

async function openRaw(t: ExecutionContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /v1/federation HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

test('an upgrade without our subprotocol is answered with 426 and what to offer', async (t) => {
  const { port, exchange } = await openBob(t);
  for (const offered of [undefined, 'mqtt, graphql-ws']) {
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...(offered === undefined ? {} : { 'sec-websocket-protocol': offered }),
    };
    const answer = await new Promise<{ status?: number; protocol: unknown; upgrade: unknown; body: string }>(
      (resolve) => {
        request({ port, host: '127.0.0.1', path: '/v1/federation', headers }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () => {
            const { upgrade, 'sec-websocket-protocol': protocol } = response.headers;
            resolve({ status: response.statusCode ?? 0, protocol, upgrade, body });
          });
        }).end();
      },
    );
    t.like(answer, { status: 426, protocol: SUBPROTOCOL, upgrade: 'websocket' });
    t.is((JSON.parse(answer.body) as { error: string }).error, 'subprotocol_required');
  }
  await exchange();
});

test('a caller that offers other subprotocols beside ours gets ours', async (t) => {
  const { port } = await openBob(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/federation`, ['mqtt', SUBPROTOCOL]);
  t.teardown(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  t.is(socket.protocol, SUBPROTOCOL);
});

test('half-open handshakes are bounded, and an honest caller still gets in', async (t) => {
  const { port, transport, exchange } = await openBob(t);
  const open = await Promise.all(Array.from({ length: LIMITS.greetingLinks }, () => openSocket(t, port)));
  t.is(transport.counts.greetings, LIMITS.greetingLinks);
  const refused = new WebSocket(`ws://127.0.0.1:${port}/v1/federation`, [SUBPROTOCOL]);
  const why = await new Promise<Error>((resolve) => refused.once('error', resolve));
  t.regex(why.message, /503/);
  await exchange();
  // Once the oldest ones are suspiciously old, newcomers take their places.
  const late = await eventually('an honest caller gets in', () => dialFrom(t, port));
  late.link.send(Uint8Array.of(1));
  await eventually('it exchanges', () => late.receiver.frames.length === 1);
  t.is(await Promise.race(open.map(({ closed }) => closed)), CLOSE_CODES.too_many_links);
  await exchange();
});

test('an overlong frame closes the link before memory is taken for it', async (t) => {
  const { port, ends, exchange } = await openBob(t);
  const { socket, closed } = await openSocket(t, port);
  const noise = new SecretStream(true, new WebSocketStream(socket), { keyPair: mallory, enableSend: false });
  noise.on('error', () => {});
  noise.write(Buffer.from('00100001', 'hex'));
  t.is(await closed, CLOSE_CODES.frame_too_large);
  const victim = ends.find(({ link }) => Buffer.from(mallory.publicKey).equals(link.remoteKey));
  t.is(victim?.receiver.endings[0]?.code, CLOSE_CODES.frame_too_large);
  t.is(victim?.receiver.frames.length, 0);
  await exchange();
});

test('a receiver that throws ends its own link only', async (t) => {
  const { port, ends, faults, exchange } = await openBob(t);
  const { link, receiver } = await dialFrom(t, port);
  const end = await eventually('the call is taken', () => ends[1]);
  end.receiver.onFrame = () => {
    throw new Error('a bug');
  };
  link.send(Uint8Array.of(1));
  await eventually('the link ends', () => receiver.endings.length === 1);
  t.is(receiver.endings[0]?.code, CLOSE_CODES.internal_error);
  t.deepEqual(faults, ['internal_error']);
  await exchange();
});

test('nothing that is sent can be read on the wire', async (t) => {
  const { port } = await openBob(t);
  const proxy = await TcpProxy.open({ port });
  t.teardown(() => proxy.close());
  const { link, receiver } = await dialFrom(t, proxy.port);
  const canary = randomBytes(32).toString('hex');
  for (let index = 0; index < 50; index++) link.send(Buffer.from(canary.repeat(index)));
  await eventually('all come back', () => receiver.frames.length === 50);
  for (const direction of ['up', 'down'] as const) {
    const bytes = Buffer.from(proxy.recorded(direction));
    t.true(bytes.length > 50 * 1000);
    t.is(bytes.indexOf(canary.slice(0, 16)), -1);
    t.is(bytes.indexOf(Buffer.from(alice.publicKey)), -1, 'not even who is talking');
  }
});

for (const direction of ['up', 'down'] as const) {
  test(`one bit altered on its way ${direction} closes the link, and nothing altered is delivered`, async (t) => {
    const { port, ends } = await openBob(t);
    const proxy = await TcpProxy.open({ port });
    t.teardown(() => proxy.close());
    const { link, receiver } = await dialFrom(t, proxy.port);
    link.send(new Uint8Array(1000).fill(1));
    await eventually('the first comes back', () => receiver.frames.length === 1);
    proxy.flipOneBit(direction);
    link.send(new Uint8Array(1000).fill(2));
    await eventually(
      'both ends close',
      () => receiver.endings.length + (ends[1]?.receiver.endings.length ?? 0) === 2,
    );
    t.is(receiver.frames.length, 1);
    const codes = [receiver.endings[0]?.code, ends[1]?.receiver.endings[0]?.code];
    t.deepEqual(codes, [CLOSE_CODES.damaged, CLOSE_CODES.damaged]);
  });
}

test('a recorded conversation cannot be played to the node again', async (t) => {
  const { port, ends, exchange } = await openBob(t);
  const proxy = await TcpProxy.open({ port });
  t.teardown(() => proxy.close());
  const { link, receiver } = await dialFrom(t, proxy.port);
  link.send(Uint8Array.of(1));
  await eventually('it comes back', () => receiver.frames.length === 1);
  const taken = ends.length;
  const replay = connect(port, '127.0.0.1');
  t.teardown(() => replay.destroy());
  replay
    .on('error', () => {})
    .resume()
    .write(proxy.recorded('up'));
  await new Promise((resolve) => replay.once('close', resolve));
  t.is(ends.length, taken);
  await exchange();
});

test('a link whose connection breaks ends with 1006 on both sides', async (t) => {
  const { port, ends } = await openBob(t);
  const proxy = await TcpProxy.open({ port });
  t.teardown(() => proxy.close());
  const { receiver } = await dialFrom(t, proxy.port);
  await eventually('the call is taken', () => ends.length === 2);
  proxy.cut();
  await eventually(
    'both ends close',
    () => receiver.endings.length + (ends[1]?.receiver.endings.length ?? 0) === 2,
  );
  t.deepEqual([receiver.endings[0]?.code, ends[1]?.receiver.endings[0]?.code], [1006, 1006]);
});

test('the close of a half-open link ends within its bound', async (t) => {
  const { port } = await openBob(t);
  const proxy = await TcpProxy.open({ port });
  t.teardown(() => proxy.close());
  const { link, receiver } = await dialFrom(t, proxy.port);
  proxy.stall(true);
  link.send(new Uint8Array(LIMITS.frameBytes));
  link.close(4000, 'silence');
  await eventually('it ends', () => receiver.endings.length === 1);
  t.deepEqual(receiver.endings, [{ code: 4000, reason: 'silence' }]);
});
