/** T24, T25: what lies on the disk gives no key away, and one who edits it, cuts it or puts an old copy in its place is found out. */

import { randomBytes } from 'node:crypto';
import { cp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createCrypto, NoiseWebSocketTransport } from '@logline/federation-core/node';
import { eventually, newSpan } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { openMemoryNode, type MemoryNode } from '../support/memory-node.js';
import { append, countSpans, has, NOWHERE, readAll, TENANT, trust, type TestSpan } from '../support/rest.js';
import { ServerProcess, tempDir } from '../support/server-process.js';
import { NETWORK_KEY } from '../support/siege.js';
import { hostileGround } from './ground.js';

const hostile = hostileGround();
const SPANS = 40;

interface Household {
  readonly dataDir: string;
  readonly start: () => Promise<ServerProcess>;
  /** A friend with a copy of everything. */
  readonly befriend: (dave: ServerProcess) => Promise<MemoryNode>;
}

/** A node of dave's with a directory that may be tampered with. */
async function household(t: ExecutionContext): Promise<Household> {
  const dataDir = join(await tempDir(t), 'data');
  const start = (): Promise<ServerProcess> =>
    ServerProcess.start(t, { name: 'dave', dataDir, networkKey: NETWORK_KEY });
  const befriend = async (dave: ServerProcess): Promise<MemoryNode> => {
    const keyPair = createCrypto().keyPair(randomBytes(32));
    const transport = NoiseWebSocketTransport.create({ keyPair });
    const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
    const erin = await openMemoryNode(t, {
      name: 'erin',
      keyPair,
      transport,
      networkKey: NETWORK_KEY,
      compression: 'on',
    });
    await erin.node.trust({ address: NOWHERE, key: fingerprintKey(dave) });
    await trust(dave, {
      address: `ws://127.0.0.1:${port}/v1/federation`,
      fingerprint: erin.node.fingerprint,
    });
    await eventually('dave and erin meet', () =>
      erin.node.peers().some(({ status }) => status === 'connected'),
    );
    return erin;
  };
  return { dataDir, start, befriend };
}

async function write(dave: ServerProcess, count: number): Promise<readonly TestSpan[]> {
  const spans = Array.from(
    { length: count },
    () => newSpan({ padding: randomBytes(100).toString('hex') }) as unknown as TestSpan,
  );
  for (let at = 0; at < count; at += 4) await append(dave, spans.slice(at, at + 4));
  return spans;
}

async function logFiles(dataDir: string): Promise<readonly string[]> {
  const names = await readdir(join(dataDir, 'log'));
  return names.map((name) => join(dataDir, 'log', name)).toSorted();
}

/** Starts a process that is to refuse, and resolves to what it said. */
async function refusal(t: ExecutionContext, dataDir: string): Promise<string> {
  const server = new ServerProcess(t, { name: 'dave', dataDir, networkKey: NETWORK_KEY });
  const { code } = await server.exited;
  t.not(code, 0);
  return server.said + server.lines.map((line) => JSON.stringify(line)).join('\n');
}

hostile(
  'T24 keys lie in files of their owner alone, and nowhere else on the disk or in the log',
  async (t) => {
    const { dataDir, start } = await household(t);
    const dave = await start();
    await write(dave, SPANS);
    await dave.stop();
    const keyFile = join(dataDir, 'node.key');
    t.is((await stat(keyFile)).mode & 0o077, 0);
    const key = await readFile(keyFile);
    const secrets = [Buffer.from(NETWORK_KEY), ...secretsIn(key)];
    t.true(secrets.length >= 2);
    const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name);
      if (path === keyFile) continue;
      const bytes = await readFile(path);
      for (const secret of secrets) t.is(bytes.indexOf(secret), -1, entry.name);
    }
    const said = dave.said + dave.lines.map((line) => JSON.stringify(line)).join('\n');
    for (const secret of secrets) t.false(said.includes(secret.toString()));
  },
);

hostile(
  'T25 one bit edited in the middle of the log is found at the start, and nothing is served of it',
  async (t) => {
    const { dataDir, start } = await household(t);
    const dave = await start();
    await write(dave, SPANS);
    await dave.stop();
    const [path] = await logFiles(dataDir);
    const file = await open(path ?? '', 'r+');
    const { size } = await file.stat();
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, Math.floor(size / 2));
    byte[0] = (byte[0] ?? 0) ^ 1;
    await file.write(byte, 0, 1, Math.floor(size / 2));
    await file.close();
    await rm(join(dataDir, 'index'), { recursive: true });
    t.regex(await refusal(t, dataDir), /damaged/i);
  },
);

hostile(
  'T25 a log cut short in the middle is whole again once a peer was met, and no number is used twice',
  async (t) => {
    const { dataDir, start, befriend } = await household(t);
    let dave = await start();
    const erin = await befriend(dave);
    const spans = await write(dave, SPANS);
    await eventually('erin has it', () => spans.every(({ id }) => erin.node.timeline(TENANT).has(id)));
    await dave.kill();
    const file = await open((await logFiles(dataDir)).at(-1) ?? '', 'r+');
    const { size } = await file.stat();
    await file.truncate(Math.floor((2 * size) / 3));
    await file.close();
    dave = await start();
    const after = await write(dave, 4);
    await eventually('dave has it all again', async () => (await countSpans(dave)) === SPANS + 4, {
      timeoutMs: 30_000,
    });
    await eventually('erin too', () => after.every(({ id }) => erin.node.timeline(TENANT).has(id)), {
      timeoutMs: 30_000,
    });
    t.deepEqual(dave.told('feed_forked'), []);
    t.deepEqual(
      erin.events.filter(({ kind }) => kind === 'feed_forked'),
      [],
    );
  },
);

hostile('T25 a lost index is made anew from the log, and every span is there', async (t) => {
  const { dataDir, start } = await household(t);
  let dave = await start();
  const spans = await write(dave, SPANS);
  await dave.kill();
  await rm(join(dataDir, 'index'), { recursive: true });
  dave = await start();
  t.deepEqual((await readAll(dave)).map(({ id }) => id).toSorted(), spans.map(({ id }) => id).toSorted());
});

hostile(
  'T25 an old copy put in place reuses no number: it writes on, gets its tail back and wedges nobody',
  async (t) => {
    const { dataDir, start, befriend } = await household(t);
    let dave = await start();
    const erin = await befriend(dave);
    const before = await write(dave, SPANS);
    await eventually('erin has it', () => before.every(({ id }) => erin.node.timeline(TENANT).has(id)));
    await cp(dataDir, `${dataDir}.old`, { recursive: true });
    const lost = await write(dave, SPANS);
    await eventually('erin has more', () => lost.every(({ id }) => erin.node.timeline(TENANT).has(id)));
    await dave.kill();
    await rm(dataDir, { recursive: true });
    await rename(`${dataDir}.old`, dataDir);
    dave = await start();
    const after = await write(dave, SPANS);
    t.true(await has(dave, after[0]?.id ?? ''), 'it writes on at once');
    await eventually('the lost tail comes back', async () => (await countSpans(dave)) === 3 * SPANS, {
      timeoutMs: 30_000,
    });
    await eventually(
      'erin has all three',
      () => after.every(({ id }) => erin.node.timeline(TENANT).has(id)),
      { timeoutMs: 30_000 },
    );
    t.deepEqual(dave.told('feed_forked'), []);
    t.deepEqual(
      erin.events.filter(({ kind }) => kind === 'feed_forked'),
      [],
    );
  },
);

hostile('T25 a node whose log is gone starts empty under its own key', async (t) => {
  const { dataDir, start } = await household(t);
  let dave = await start();
  const { fingerprint } = dave;
  await write(dave, 4);
  await dave.stop();
  await rm(join(dataDir, 'log'), { recursive: true });
  const server = new ServerProcess(t, { name: 'dave', dataDir, networkKey: NETWORK_KEY });
  await eventually('it starts', async () => !server.isRunning || server.told('node_started').length > 0, {
    timeoutMs: 30_000,
  });
  t.true(server.isRunning, server.said);
  await server.kill();
  dave = await start();
  t.is(dave.fingerprint, fingerprint);
  t.is(await countSpans(dave), 0);
});

/** The words of a key file that are long enough to be secrets, as text and as the bytes that they stand for. */
function secretsIn(file: Buffer): readonly Buffer[] {
  const words = file.toString('latin1').match(/[A-Za-z0-9_+/=-]{40,}/g) ?? [];
  return words.length > 0 ? words.map((word) => Buffer.from(word)) : [file];
}

function fingerprintKey(server: ServerProcess): Uint8Array {
  return Buffer.from(server.fingerprint, 'base64url');
}
