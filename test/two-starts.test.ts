/** A data directory belongs to one process at a time. */

import test from 'ava';
import { append, countSpans, readAll } from './support/rest.js';
import { ServerProcess, tempDir } from './support/server-process.js';
import { spanNumber } from './support/writer.js';

test('a second server on the same data directory refuses to start and says why, and the first goes on', async (t) => {
  const dataDir = await tempDir(t);
  const first = await ServerProcess.start(t, { name: 'alice', dataDir });
  await append(first, [spanNumber(t.title, 1)]);

  const second = new ServerProcess(t, { name: 'alice', dataDir });
  const { code, signal } = await second.exited;
  t.is(signal, null);
  t.not(code, 0);
  t.true(second.said.includes(dataDir), second.said);
  t.regex(second.said, /another|already|in use/i, 'it says what is in the way');
  t.regex(second.said, /FEDERATION_DATA_DIR|stop/i, 'and what to do');
  t.notRegex(second.said, /\n\s+at /, 'to a person, not to a programmer');
  t.deepEqual(second.told('node_started'), []);

  t.true(first.isRunning);
  await append(first, [spanNumber(t.title, 2)]);
  t.is(await countSpans(first), 2);
  t.is(await first.stop(), 0);
});

test('of two servers started at the same moment on one data directory one runs, and what it stores stays', async (t) => {
  const dataDir = await tempDir(t);
  const both = await Promise.allSettled([
    ServerProcess.start(t, { name: 'alice', dataDir }),
    ServerProcess.start(t, { name: 'alice', dataDir }),
  ]);
  const running = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.is(running.length, 1);
  const [only] = running;
  if (only === undefined) return;
  const span = spanNumber(t.title, 1);
  await append(only, [span]);
  await only.kill();

  const next = await ServerProcess.start(t, { name: 'alice', dataDir });
  t.deepEqual(
    (await readAll(next)).map(({ id }) => id),
    [span.id],
  );
});
