/** How a process ends when it is asked to, under load and in earnest: what was acknowledged stays, and peers are told. */

import { request } from 'node:http';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { establishTrust, readAll, TENANT, type Reachable } from './support/rest.js';
import { ServerProcess, tempDir } from './support/server-process.js';
import { Writer } from './support/writer.js';

async function lost(writer: Writer, server: Reachable): Promise<readonly string[]> {
  const there = new Set((await readAll(server)).map(({ id }) => id));
  return [...writer.acknowledged].filter((id) => !there.has(id));
}

/** A body that never ends: whoever waits for it to finish waits long. */
async function hang(t: ExecutionContext, { url }: Reachable): Promise<void> {
  const hanging = request(`${url}/v1/timeline/spans?tenant_id=${TENANT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  hanging.on('error', () => undefined);
  t.teardown(() => hanging.destroy());
  await new Promise<void>((resolve) => hanging.write('[', () => resolve()));
}

test('a node that is told to stop under load loses nothing acknowledged, says goodbye, and a second signal ends it at once', async (t) => {
  t.timeout(120_000);
  const dataDir = await tempDir(t);
  const bob = await ServerProcess.start(t, { name: 'bob', dataDir: await tempDir(t) });
  let alice = await ServerProcess.start(t, { name: 'alice', dataDir });
  await establishTrust(alice, bob);
  const [met] = await eventually(
    'bob tells of her',
    () => bob.told('peer_connected').length > 0 && bob.told('peer_connected'),
  );
  t.is(met?.['peer_id'], 'logline-id://node/alice');
  t.is(typeof met?.['latency_ms'], 'number');
  const writer = new Writer(t.title);

  const due = writer.after(15);
  const writing = writer.write(alice);
  await due;
  t.is(await alice.stop(), 0);
  await writing;
  t.is(alice.told('stopped').length, 1);
  t.deepEqual([...alice.told('requests_cut'), ...alice.told('stopped_unfinished')], []);
  const [bye] = await eventually('bob is told', () => {
    const ends = bob.told('peer_disconnected');
    return ends.length > 0 && ends;
  });
  t.is(bye?.['code'], 'going_away');
  t.true(bye?.['by_peer']);

  alice = await ServerProcess.start(t, { name: 'alice', dataDir });
  t.true(writer.acknowledged.size > 0);
  t.deepEqual(await lost(writer, alice), [], 'acknowledged and lost');

  await hang(t, alice);
  const again = writer.after(5);
  const more = writer.write(alice);
  await again;
  alice.signal('SIGTERM');
  await eventually('it is stopping', () => alice.told('stopping').length === 1);
  alice.signal('SIGINT');
  t.deepEqual(await alice.exited, { code: 1, signal: null });
  await more;
  t.is(alice.told('stopped_at_once').length, 1);
  t.deepEqual(alice.told('stopped'), []);
  alice = await ServerProcess.start(t, { name: 'alice', dataDir });
  t.deepEqual(await lost(writer, alice), [], 'acknowledged and lost');
  t.true(bob.isRunning);
});
