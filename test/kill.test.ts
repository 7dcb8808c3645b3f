/** A process that dies in the middle of an upload loses nothing that it acknowledged, and its peer gets it all. */

import test from 'ava';
import { writeThroughCrashes } from './support/crashes.js';
import { tempDir } from './support/server-process.js';

test('a node killed twenty times in the middle of uploads keeps every span it acknowledged, and so does its peer', async (t) => {
  t.timeout(180_000);
  await writeThroughCrashes(t, {
    dataDir: await tempDir(t),
    crashes: 20,
    crash: (server) => server.kill(),
  });
});
