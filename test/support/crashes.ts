/** Writes through a series of crashes of one node, with a peer connected throughout, and tells what must be true after it. */

import { eventually } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { append, countSpans, establishTrust, figure, has, readAll, type TestSpan } from './rest.js';
import { ServerProcess, tempDir } from './server-process.js';
import { spanNumber, Writer } from './writer.js';

export interface CrashPlan {
  /** The data directory of the node that crashes: the same one throughout. */
  readonly dataDir: string;
  readonly crashes: number;
  /** Crashes the node and makes its directory ready for the next start. */
  crash(server: ServerProcess): Promise<void>;
}

const PEER_MS = 30_000;
/** The crash comes after so many pieces and answers, a different number each time. */
const stepsBefore = (cycle: number): number => 3 + ((cycle * 37) % 29);

export async function writeThroughCrashes(t: ExecutionContext, plan: CrashPlan): Promise<void> {
  const bob = await ServerProcess.start(t, { name: 'bob', dataDir: await tempDir(t) });
  let alice = await ServerProcess.start(t, { name: 'alice', dataDir: plan.dataDir });
  await establishTrust(alice, bob);

  const lives = [alice];
  const writer = new Writer(t.title);
  for (let cycle = 0; cycle < plan.crashes; cycle++) {
    const due = writer.after(stepsBefore(cycle));
    const writing = writer.write(alice);
    await due;
    await plan.crash(alice);
    await writing;
    const [last] = [...writer.acknowledged].slice(-1);
    alice = await ServerProcess.start(t, { name: 'alice', dataDir: plan.dataDir });
    lives.push(alice);
    t.true(last === undefined || (await has(alice, last)), 'the last acknowledged span is there at once');
  }
  await writer.finish(alice);
  t.true(bob.isRunning);
  await checkNothingWedged(t, alice, bob);
  await checkSpans(t, writer, { alice, bob });
  for (const server of [...lives, bob]) {
    t.deepEqual(server.told('feed_forked'), []);
    t.deepEqual(server.told('entry_refused'), []);
  }
  t.true(writer.figures.uploadsBroken > 0, 'some crash came in the middle of an upload');
  t.log(
    `${plan.crashes} crashes, ${writer.acknowledged.size} spans acknowledged, ${writer.figures.answers} answers, ` +
      `${writer.figures.uploadsBroken} uploads broken off, ${writer.figures.repeated} spans stored but not yet acknowledged when sent again`,
  );
}

/** Every acknowledged span is there once, on both; and nothing that nobody sent, or sent otherwise. */
async function checkSpans(
  t: ExecutionContext,
  writer: Writer,
  nodes: { readonly alice: ServerProcess; readonly bob: ServerProcess },
): Promise<void> {
  const atAlice = await readAll(nodes.alice);
  const ids = new Set(atAlice.map(({ id }) => id));
  t.is(ids.size, atAlice.length, 'every span once');
  t.deepEqual(
    [...writer.acknowledged].filter((id) => !ids.has(id)),
    [],
    'acknowledged and lost',
  );
  const invented = atAlice.filter(({ id, title }) => !writer.sent.has(id) && title !== AFTER.title);
  t.deepEqual(invented, [], 'never sent');
  t.true(atAlice.every(({ title }) => typeof title === 'string' && title !== ''));
  const atBob = await eventually(
    'the peer gets them all',
    async () => ((await countSpans(nodes.bob)) >= atAlice.length ? readAll(nodes.bob) : undefined),
    { timeoutMs: PEER_MS },
  );
  t.is(atBob.length, atAlice.length);
  t.true(
    atBob.every((span, i) => isSame(span, atAlice[i])),
    'the same spans in the same order',
  );
}

const AFTER = spanNumber('after all crashes', 1);

async function checkNothingWedged(
  t: ExecutionContext,
  alice: ServerProcess,
  bob: ServerProcess,
): Promise<void> {
  await append(alice, [AFTER]);
  await eventually('a further span arrives', () => has(bob, AFTER.id), { timeoutMs: PEER_MS });
  t.is(await figure(alice, 'federation_store_read_only'), 0);
  t.is(await figure(bob, 'federation_peers_connected'), 1);
}

function isSame(a: TestSpan, b: TestSpan | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
