/** T18: a node that may dial only the public internet opens no connection inside, however an address is written or a name resolves. */

import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { NoiseWebSocketTransport } from '@logline/federation-core/node';
import type { ExecutionContext } from 'ava';
import { newKeyPair, type Siege } from '../support/siege.js';
import { within } from '../support/strangers.js';
import { CLOSE_MS } from '../support/link-ends.js';
import { hostileGround } from './ground.js';

const strict = hostileGround({ env: { FEDERATION_ALLOW_PRIVATE_PEERS: 'off' } });
const MIB = 1024 * 1024;

/** Listens on every address of this machine, and remembers who came. */
async function openCanary(
  t: ExecutionContext,
  answer: (socket: Socket) => void = () => undefined,
): Promise<{ readonly port: number; readonly callers: readonly string[] }> {
  const callers: string[] = [];
  const server = createServer((socket) => {
    callers.push(socket.localAddress ?? '?');
    socket.on('error', () => undefined).once('data', () => answer(socket));
    t.teardown(() => socket.destroy());
  });
  server.listen(0, '::');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, callers };
}

/** Has alice trust whoever is at an address; the answer, once she has tried to dial it. */
async function establish(
  siege: Siege,
  address: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${siege.alice.url}/v1/trust/establish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ peer_address: address }),
  });
  return { status: response.status, text: await response.text() };
}

async function forget(siege: Siege, address: string): Promise<void> {
  await fetch(`${siege.alice.url}/v1/trust/remove`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ peer: address }),
  }).then((response) => response.arrayBuffer());
}

strict('T18 an address inside is dialled in no spelling, and the answer says why', async (t, siege) => {
  const canary = await openCanary(t);
  const inner = [
    '127.0.0.1',
    '127.3.2.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fd00::1]',
    '169.254.169.254',
    '10.0.0.1',
    '192.168.0.1',
    '100.64.0.1',
  ];
  const addresses = inner.flatMap((host) => [`http://${host}:${canary.port}`]);
  const answers = await Promise.all(addresses.map((address) => establish(siege, address)));
  for (const [i, { status, text }] of answers.entries()) {
    t.is(status, 202, `${addresses[i]}: ${text}`);
    t.regex(text, /only addresses of the public internet are allowed/, addresses[i]);
  }
  const unreadable = [
    '0x7f.1',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    'user@127.0.0.1',
    'example.org@127.0.0.1',
    '[::1%25lo]',
  ];
  for (const host of unreadable)
    t.is((await establish(siege, `http://${host}:${canary.port}`)).status, 400, host);
  for (const address of [
    'file:///etc/passwd',
    `gopher://127.0.0.1:${canary.port}`,
    `http://127.0.0.1:${canary.port}/../admin`,
    `http://127.0.0.1:${canary.port}#@example.org`,
    `http://127.0.0.1:${canary.port}\r\nX: y`,
  ])
    t.is((await establish(siege, address)).status, 400, address);
  // Dialling them again on demand is no way round it.
  const discover = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"discovery_method":"manual"}',
  };
  await fetch(`${siege.alice.url}/v1/nodes/discover`, discover).then((response) => response.arrayBuffer());
  t.deepEqual(canary.callers, []);
  await Promise.all(addresses.map((address) => forget(siege, address)));
});

strict('T18 a name of this machine is judged by what it resolves to', async (t, siege) => {
  const canary = await openCanary(t);
  const addresses = ['localhost', 'LOCALHOST', hostname()].map((name) => `http://${name}:${canary.port}`);
  const answers = await Promise.all(addresses.map((address) => establish(siege, address)));
  for (const [i, { status, text }] of answers.entries()) t.is(status, 202, `${addresses[i]}: ${text}`);
  t.deepEqual(canary.callers, []);
  t.regex(answers[0]?.text ?? '', /may not connect to/);
  await Promise.all(addresses.map((address) => forget(siege, address)));
});

strict(
  'T18 a name that resolves elsewhere each time it is asked is dialled only where it was judged',
  async (t) => {
    const canary = await openCanary(t);
    let asked = 0;
    // On this machine one loopback address has to stand for the public internet.
    const transport = NoiseWebSocketTransport.create({
      keyPair: newKeyPair(),
      mayConnect: (ip) => ip === '127.18.0.1',
      resolve: () =>
        Promise.resolve([{ address: ++asked % 2 === 1 ? '127.18.0.1' : '127.0.0.1', family: 4 }]),
    });
    t.teardown(() => transport.close());
    for (let round = 0; round < 10; round++)
      await t.throwsAsync(transport.dial(`rebound.example:${canary.port}`, { timeoutMs: 200 }));
    t.is(asked, 10);
    t.is(canary.callers.length, 5);
    t.true(
      canary.callers.every((address) => address.endsWith('127.18.0.1')),
      canary.callers.join(),
    );
  },
);

const open = hostileGround();

open(
  'T18 a peer that answers with a redirect leads nowhere, and one that answers without end is cut off',
  async (t, siege) => {
    const canary = await openCanary(t);
    const targets = [
      `http://127.0.0.1:${canary.port}/v1/federation`,
      `//localhost:${canary.port}`,
      'file:///etc/passwd',
    ];
    const redirecting = await Promise.all(
      [301, 302, 303, 307, 308].map((status, i) =>
        openCanary(t, (socket) =>
          socket.end(
            `HTTP/1.1 ${status} Moved\r\nLocation: ${targets[i % targets.length]}\r\nContent-Length: 0\r\n\r\n`,
          ),
        ),
      ),
    );
    const taken: Promise<number>[] = [];
    const endless = await openCanary(t, (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n');
      const line = Buffer.from(`X-Filler: ${'a'.repeat(1000)}\r\n`);
      const write = (): void => {
        while (socket.bytesWritten < 64 * MIB) if (!socket.write(line)) return;
        socket.end();
      };
      taken.push(
        new Promise((resolve) => socket.on('drain', write).on('close', () => resolve(socket.bytesWritten))),
      );
      write();
    });
    const ports = [...redirecting, endless].map(({ port }) => `http://127.0.0.1:${port}`);
    const answers = await Promise.all(ports.map((address) => establish(siege, address)));
    for (const { status, text } of answers) t.is(status, 202, text);
    for (const { callers } of [...redirecting, endless]) t.true(callers.length > 0, 'each was dialled');
    t.deepEqual(canary.callers, []);
    const bytes = await within(CLOSE_MS, 'the endless answer is cut off', Promise.all(taken));
    t.true(
      bytes.every((count) => count < 8 * MIB),
      `${bytes.join()} bytes were taken`,
    );
    await Promise.all(ports.map((address) => forget(siege, address)));
  },
);
