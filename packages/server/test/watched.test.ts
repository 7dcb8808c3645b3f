// What is seen of the world around a node: faults of links, room on the disk, and a loop that runs late.
import { connect } from 'node:net';
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import { DiskWatch } from '../dist/disk-watch.js';
import { startServer, type Log } from '../dist/index.js';
import { LoopDelay } from '../dist/loop-delay.js';
import { temporaryDirectory } from './helpers.js';
import { scrape } from './scrape.js';

const UPGRADE =
  'GET /v1/federation HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: logline-federation.v1\r\n\r\n';
/** A whole text frame of one character, masked with zeros. */
const TEXT_FRAME = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]);

test('what ends a link in the transport reaches the log and the figures', async (t) => {
  const lines: { readonly event: string; readonly code?: unknown }[] = [];
  const note = (line: { readonly event: string }): void => void lines.push(line);
  const log: Log = { trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
  const server = await startServer(
    { dataDir: await temporaryDirectory(t), bindHost: '127.0.0.1', bindPort: 0 },
    log,
  );
  t.teardown(() => server.close());
  t.is((await scrape(server.url)).get('federation_link_faults_total{code="handshake_failed"}'), undefined);
  const socket = connect(server.port, '127.0.0.1', () => socket.write(UPGRADE));
  socket.on('error', () => undefined).once('data', () => socket.write(TEXT_FRAME));
  t.teardown(() => socket.destroy());
  const fault = await eventually('the fault is told', () =>
    lines.find(({ event }) => event === 'link_fault'),
  );
  const series = await scrape(server.url);
  t.is(series.get(`federation_link_faults_total{code="${String(fault.code)}"}`), 1);
});

test('a disk that hangs is not asked again, and one that does not tell is unknown', async (t) => {
  let asked = 0;
  let answer: (size: { indexBytes: number; freeBytes: number; totalBytes: number }) => void = () => undefined;
  const watch = new DiskWatch(() => {
    asked++;
    return asked === 2 ? Promise.reject(new Error('EIO')) : new Promise((resolve) => (answer = resolve));
  });
  const looking = watch.look();
  await watch.look();
  t.is(asked, 1);
  t.is(watch.last, undefined);
  answer({ indexBytes: 1, freeBytes: 2, totalBytes: 3 });
  await looking;
  t.deepEqual(watch.last, { indexBytes: 1, freeBytes: 2, totalBytes: 3 });
  await watch.look();
  t.is(watch.last, undefined);
});

test('a loop that was held up is told as late, also in the window after', async (t) => {
  const loop = new LoopDelay();
  t.teardown(() => loop.stop());
  const isLate = (): boolean => loop.delay.maxSeconds >= 0.1;
  await new Promise((resolve) => setTimeout(resolve, 60));
  const until = performance.now() + 200;
  while (performance.now() < until);
  await eventually('it is told', isLate);
  loop.turn();
  t.true(isLate());
});
