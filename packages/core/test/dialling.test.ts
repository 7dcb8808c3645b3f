/** A node that may not dial private peers dials none: by address, by name, by redirect or by a name that changes. */

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { decode, encode } from 'dns-packet';
import type { DialPolicy, ResolvedAddress } from '../dist/node/dial.js';
import { NoiseWebSocketTransport } from '../dist/node/noise-websocket.js';
import { createCrypto } from '../dist/node/sodium.js';
import { eventually } from '../dist/testing/index.js';

const keyPair = createCrypto().keyPair(new Uint8Array(32).fill(1));
const DIAL = { timeoutMs: 5_000 };

/** A listener on every loopback address that remembers who came. */
async function openCanary(
  t: ExecutionContext,
): Promise<{ port: number; callers: string[]; sockets: Socket[] }> {
  const callers: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    callers.push(socket.localAddress ?? '?');
    sockets.push(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, callers, sockets };
}

function diallerFor(t: ExecutionContext, policy: DialPolicy): NoiseWebSocketTransport {
  const dialler = NoiseWebSocketTransport.create({ keyPair, ...policy });
  t.teardown(() => dialler.close());
  return dialler;
}

/** A real name server on loopback. `answers` is asked for the A and AAAA records of each query, in order. */
async function openNameServer(
  t: ExecutionContext,
  answers: (question: { name: string; type: string; nth: number }) => readonly string[],
): Promise<{ readonly resolve: NonNullable<DialPolicy['resolve']>; readonly queries: string[] }> {
  const socket = createSocket('udp4');
  const queries: string[] = [];
  socket.on('message', (message, from) => {
    const { id, questions = [] } = decode(message);
    const { name = '', type = 'A' } = questions[0] ?? {};
    const nth = queries.filter((query) => query === type).length;
    queries.push(type);
    const data = type === 'A' || type === 'AAAA' ? answers({ name, type, nth }) : [];
    const records = data.map((address) => ({ type: type as 'A', name, ttl: 0, data: address }));
    // Recursion available, as of a resolver.
    socket.send(
      encode({ id: id ?? 0, type: 'response', flags: 0x0180, questions, answers: records }),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => socket.close());
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  const none = (): string[] => [];
  async function resolve(name: string): Promise<readonly ResolvedAddress[]> {
    const [v4, v6] = await Promise.all([
      resolver.resolve4(name).catch(none),
      resolver.resolve6(name).catch(none),
    ]);
    return [
      ...v4.map((address) => ({ address, family: 4 })),
      ...v6.map((address) => ({ address, family: 6 })),
    ];
  }
  return { resolve, queries };
}

test('inner addresses are dialled by default, and not when private peers are not allowed', async (t) => {
  const canary = await openCanary(t);
  const open = diallerFor(t, {});
  const refused = t.throwsAsync(open.dial(`127.0.0.1:${canary.port}`, DIAL), { code: 'unreachable' });
  await eventually('the canary sings', () => canary.callers.length === 1);
  canary.sockets[0]?.destroy();
  await refused;

  const strict = diallerFor(t, { allowPrivatePeers: false });
  const literals = [
    '127.0.0.1',
    '127.3.2.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    'localhost',
    'LOCALHOST.',
  ];
  for (const host of literals) {
    await t.throwsAsync(strict.dial(`http://${host}:${canary.port}`, DIAL), {
      code: 'unreachable',
      message: /may not connect to .*only addresses of the public internet are allowed/,
    });
  }
  for (const text of [
    `0x7f.1:${canary.port}`,
    `127.1:${canary.port}`,
    `2130706433:${canary.port}`,
    `0177.0.0.1:${canary.port}`,
    `http://user@127.0.0.1:${canary.port}`,
    `http://example.org@127.0.0.1:${canary.port}`,
    `http://127.0.0.1:${canary.port}#@example.org`,
    'file:///etc/passwd',
    `gopher://127.0.0.1:${canary.port}`,
    `[fe80::1%25lo]:${canary.port}`,
  ]) {
    await t.throwsAsync(strict.dial(text, DIAL), { code: 'bad_address', message: /^expected https:/ }, text);
  }
  t.is(canary.callers.length, 1);
});

test('a name is judged by what it resolves to, and an inner address is never dialled', async (t) => {
  const canary = await openCanary(t);
  const inner: Readonly<Record<string, { A?: readonly string[]; AAAA?: readonly string[] }>> = {
    'loopback.example': { A: ['127.0.0.1'] },
    'private.example': { A: ['10.0.0.1', '192.168.1.1', '172.16.0.1'] },
    'metadata.example': { A: ['169.254.169.254'] },
    'mapped.example': { AAAA: ['::ffff:127.0.0.1'] },
    'six.example': { AAAA: ['::1', 'fe80::1', 'fd00::1'] },
    'embedded.example': { AAAA: ['64:ff9b::7f00:1', '2002:7f00:1::1'] },
    'nowhere.example': { A: ['0.0.0.0'], AAAA: ['::'] },
    'empty.example': {},
  };
  const names = await openNameServer(t, ({ name, type }) => inner[name]?.[type as 'A' | 'AAAA'] ?? []);
  const dialler = diallerFor(t, { allowPrivatePeers: false, resolve: names.resolve });
  for (const name of Object.keys(inner)) {
    await t.throwsAsync(
      dialler.dial(`${name}:${canary.port}`, DIAL),
      { code: 'unreachable', message: /may not connect to/ },
      name,
    );
  }
  t.is(names.queries.length, 2 * Object.keys(inner).length);
  t.deepEqual(canary.callers, []);
});

test('of a name with several addresses only those that are allowed are dialled', async (t) => {
  const canary = await openCanary(t);
  const names = await openNameServer(t, ({ type }) => (type === 'A' ? ['127.0.0.1', '127.0.0.2'] : []));
  // On a test's machine a loopback address has to stand for a public one.
  const dialler = diallerFor(t, { mayConnect: (ip) => ip === '127.0.0.2', resolve: names.resolve });
  await t.throwsAsync(dialler.dial(`mixed.example:${canary.port}`, { timeoutMs: 300 }));
  t.deepEqual(canary.callers, ['127.0.0.2']);
});

test('a name that resolves elsewhere the second time is asked once, and the address that was checked is dialled', async (t) => {
  const canary = await openCanary(t);
  const names = await openNameServer(t, ({ type, nth }) => {
    if (type !== 'A') return [];
    return [nth === 0 ? '127.0.0.2' : '127.0.0.1'];
  });
  const dialler = diallerFor(t, { mayConnect: (ip) => ip === '127.0.0.2', resolve: names.resolve });
  await t.throwsAsync(dialler.dial(`rebound.example:${canary.port}`, { timeoutMs: 300 }));
  t.deepEqual(names.queries.toSorted(), ['A', 'AAAA']);
  t.deepEqual(canary.callers, ['127.0.0.2']);
  await t.throwsAsync(dialler.dial(`rebound.example:${canary.port}`, DIAL), {
    code: 'unreachable',
    message: /may not connect to 127\.0\.0\.1/,
  });
  t.deepEqual(canary.callers, ['127.0.0.2']);
});

test('the name stays in the request, though the address was looked up by us', async (t) => {
  const canary = await openCanary(t);
  const names = await openNameServer(t, ({ type }) => (type === 'A' ? ['127.0.0.2'] : []));
  const dialler = diallerFor(t, { resolve: names.resolve });
  const dialling = dialler.dial(`http://alpha.example:${canary.port}`, { timeoutMs: 1_000 });
  await t.throwsAsync(dialling);
  const [socket] = canary.sockets;
  t.regex(String(socket?.read() ?? ''), new RegExp(`\\r\\nHost: alpha\\.example:${canary.port}\\r\\n`));
});

test('answers that are no addresses, and names that do not resolve, are told as unreachable', async (t) => {
  const lies: readonly ResolvedAddress[] = [
    { address: 'localhost', family: 4 },
    { address: '0x7f.1', family: 4 },
    { address: '127.0.0.1', family: 6 },
  ];
  const lying = diallerFor(t, { resolve: () => Promise.resolve(lies) });
  await t.throwsAsync(lying.dial('liar.example:1', DIAL), { message: /a name without addresses/ });
  const failing = diallerFor(t, { resolve: () => Promise.reject(new Error('SERVFAIL')) });
  await t.throwsAsync(failing.dial('broken.example:1', DIAL), { code: 'unreachable', message: /SERVFAIL/ });
  const silent = diallerFor(t, { resolve: () => new Promise(() => {}) });
  await t.throwsAsync(silent.dial('silent.example:1', { timeoutMs: 50 }), {
    message: /no answer within 50 ms/,
  });
});

/** A server that answers each request with some bytes, and says how many the other side took. */
async function openAnswering(
  t: ExecutionContext,
  answer: (socket: Socket) => void,
): Promise<{ readonly address: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
    t.teardown(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('redirects are not followed', async (t) => {
  const canary = await openCanary(t);
  const dialler = diallerFor(t, {});
  for (const status of [301, 302, 303, 307, 308]) {
    const { address } = await openAnswering(t, (socket) => {
      const to = `http://127.0.0.1:${canary.port}/v1/federation`;
      socket.write(`HTTP/1.1 ${status} Moved\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`);
    });
    await t.throwsAsync(dialler.dial(address, DIAL), {
      code: 'unreachable',
      message: new RegExp(`${status}`),
    });
  }
  t.deepEqual(canary.callers, []);
});

/** Writes for as long as the other side reads, up to `bytesMax`; resolves to what it took until it hung up. */
function pour(socket: Socket, piece: Buffer, bytesMax: number): Promise<number> {
  return new Promise((resolve) => {
    const write = (): void => {
      while (socket.bytesWritten < bytesMax) if (!socket.write(piece)) return;
      socket.end();
    };
    socket.on('drain', write).on('close', () => resolve(socket.bytesWritten));
    write();
  });
}

test('an answer without end is cut off, whether in its headers or in its body', async (t) => {
  const MIB = 1 << 20;
  const poured: Promise<number>[] = [];
  const dialler = diallerFor(t, {});
  const starts = [
    ['HTTP/1.1 101 Switching Protocols\r\n', `X-Filler: ${'a'.repeat(1000)}\r\n`],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `3e8\r\n${'a'.repeat(1000)}\r\n`],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n', 'a'.repeat(1000)],
  ];
  for (const [start = '', piece = ''] of starts) {
    const { address } = await openAnswering(t, (socket) => {
      socket.write(start);
      poured.push(pour(socket, Buffer.from(piece), 64 * MIB));
    });
    await t.throwsAsync(dialler.dial(address, DIAL), { code: 'unreachable' });
  }
  // What the kernels' buffers hold besides is a few MiB.
  for (const bytes of await Promise.all(poured)) t.true(bytes < 32 * MIB, `${bytes} bytes were taken`);
});
