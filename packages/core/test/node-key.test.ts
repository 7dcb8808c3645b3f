// What makes a data directory one node's and one process's: the key file, and the lock.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { toBase64Url } from '../dist/bytes.js';
import { lockDirectory } from '../dist/node/directory-disk.js';
import { loadOrCreateNodeKey } from '../dist/node/node-key.js';
import { createCrypto } from '../dist/node/sodium.js';
import { createRandom } from '../dist/node/system.js';
import { eventually } from '../dist/testing/eventually.js';

const crypto = createCrypto();
const source = { crypto, random: createRandom() };
const LOCK_MODULE = new URL('../dist/node/directory-disk.js', import.meta.url).href;

function directoryFor(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'logline-key-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

// The key.

test('a node makes its key once and keeps it', async (t) => {
  const path = join(directoryFor(t), 'data', 'node.key');
  const made = await loadOrCreateNodeKey(path, source);
  const kept = await loadOrCreateNodeKey(path, source);
  t.deepEqual(kept, made);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(join(path, '..')), ['node.key']);
  const message = Uint8Array.of(1);
  t.true(crypto.verify(crypto.sign(message, made.secretKey), message, kept.publicKey));
});

test('the key file is plain text of three lines', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  const seed = new Uint8Array(32).fill(7);
  const { publicKey } = await loadOrCreateNodeKey(path, {
    crypto,
    random: { bytes: (length) => seed.slice(0, length) },
  });
  t.deepEqual(publicKey, crypto.keyPair(seed).publicKey);
  const [head, line, checksum, end] = readFileSync(path, 'utf8').split('\n');
  t.deepEqual([head, line, end], ['logline-node-key v1', `seed ${toBase64Url(seed)}`, '']);
  t.regex(checksum ?? '', /^checksum [0-9a-f]{16}$/);
});

test('starts at once agree on one key', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const keys = await Promise.all(Array.from({ length: 10 }, () => loadOrCreateNodeKey(path, source)));
  t.is(new Set(keys.map(({ publicKey }) => toBase64Url(publicKey))).size, 1);
  t.deepEqual(readdirSync(directory), ['node.key']);
});

test('a key that others may read is refused with the line that mends it', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  const made = await loadOrCreateNodeKey(path, source);
  for (const mode of [0o640, 0o604, 0o660, 0o644]) {
    chmodSync(path, mode);
    const message = new RegExp(`mode is ${mode.toString(8).padStart(4, '0')}.*chmod 600 '${path}'$`);
    await t.throwsAsync(loadOrCreateNodeKey(path, source), { code: 'bad_configuration', message });
  }
  chmodSync(path, 0o400);
  t.deepEqual(await loadOrCreateNodeKey(path, source), made);
});

test('a damaged key is refused and never overwritten', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  await loadOrCreateNodeKey(path, source);
  const good = readFileSync(path);
  const damaged = [
    Buffer.alloc(0),
    Buffer.from('\n'),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.from('\n')]),
    Buffer.from(good.toString().replaceAll('\n', '\r\n')),
    Buffer.from(good.toString().replace('v1', 'v2')),
    Buffer.alloc(10_000, good),
    ...Array.from(good.keys(), (at) => Buffer.from(good).fill((good[at] ?? 0) ^ 1, at, at + 1)),
  ];
  for (const bytes of damaged) {
    writeFileSync(path, bytes);
    await t.throwsAsync(loadOrCreateNodeKey(path, source), {
      code: 'damaged',
      message: /Restore it from a backup/,
    });
    t.deepEqual(readFileSync(path), bytes);
  }
});

test('a key may be a link to a mounted secret, and a dangling link is not replaced', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const made = await loadOrCreateNodeKey(path, source);
  symlinkSync(path, join(directory, 'linked.key'));
  t.deepEqual(await loadOrCreateNodeKey(join(directory, 'linked.key'), source), made);
  symlinkSync(join(directory, 'absent'), join(directory, 'dangling.key'));
  await t.throwsAsync(loadOrCreateNodeKey(join(directory, 'dangling.key'), source), { code: 'disk_failed' });
  t.deepEqual(readdirSync(directory).sort(), ['dangling.key', 'linked.key', 'node.key']);
});

test('a directory in place of the key is refused', async (t) => {
  const path = directoryFor(t);
  await t.throwsAsync(loadOrCreateNodeKey(path, source), { code: 'disk_failed', message: /EISDIR/ });
});

// The lock.

test('a directory is locked once, and again after its release', async (t) => {
  const directory = directoryFor(t);
  const lock = await lockDirectory(directory);
  const message = new RegExp(`in use by process ${process.pid}: stop that process`);
  await t.throwsAsync(lockDirectory(directory), { code: 'bad_configuration', message });
  await lock.release();
  await lock.release();
  {
    await using again = await lockDirectory(directory);
    t.truthy(again);
    await t.throwsAsync(lockDirectory(directory), { code: 'bad_configuration' });
  }
  await (await lockDirectory(directory)).release();
  t.deepEqual(readdirSync(directory), ['lock.3']);
});

test('a second process is refused while the first lives, and takes over when it was killed', async (t) => {
  const directory = directoryFor(t);
  const other = lockers(t, 1);
  const [outcome] = await other.tryAll(directory);
  t.is(outcome, 'won');
  const message = new RegExp(`in use by process ${other.pids[0]}: stop that process`);
  await t.throwsAsync(lockDirectory(directory), { code: 'bad_configuration', message });
  await other.killAll();
  await (await lockDirectory(directory)).release();
});

test('a killed process that nobody has reaped holds no lock', async (t) => {
  const directory = directoryFor(t);
  // The shell becomes cat, which never asks after the child it inherits.
  const script = '"$0" --input-type=module -e "$1" "$2" "$3" & exec cat';
  const parent = spawn('sh', ['-c', script, process.execPath, HOLDER, LOCK_MODULE, directory]);
  t.teardown(() => parent.kill('SIGKILL'));
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const pid = Number((await lines.next()).value);
  await t.throwsAsync(lockDirectory(directory), { code: 'bad_configuration' });
  process.kill(pid, 'SIGKILL');
  await eventually('the lock is taken over', async () => {
    await (await lockDirectory(directory)).release();
    return true;
  });
  t.true(process.kill(pid, 0));
});

test('a lock of a process id that was given out again is stale', async (t) => {
  const directory = directoryFor(t);
  await lockDirectory(directory);
  const lock = join(directory, 'lock.1');
  const text = readFileSync(lock, 'utf8');
  if (text.includes('unknown')) {
    t.log('NOT TESTED: this system does not say when a process began');
    t.pass();
    return;
  }
  writeFileSync(
    lock,
    text.replace(/.\n$/, (end) => (end === '0\n' ? '1\n' : '0\n')),
  );
  await t.notThrowsAsync(lockDirectory(directory));
});

test('a lock torn by a power cut, or older than the machine is up, is stale', async (t) => {
  const texts = [
    '',
    '\0\0\0',
    'logline-lock v1\n',
    `logline-lock v1\npid ${process.pid} started other-boot/1\n`,
  ];
  for (const text of texts) {
    const directory = directoryFor(t);
    writeFileSync(join(directory, 'lock.41'), text);
    await lockDirectory(directory);
    t.deepEqual(readdirSync(directory), ['lock.42']);
  }
});

test('of five processes that race for a stale lock exactly one wins', async (t) => {
  const racers = lockers(t, 5);
  for (let round = 0; round < 30; round++) {
    const directory = directoryFor(t);
    writeFileSync(join(directory, 'lock.7'), 'logline-lock v1\npid 1 started other-boot/1\n');
    const outcomes = await racers.tryAll(directory);
    t.is(outcomes.filter((outcome) => outcome === 'won').length, 1, outcomes.join('\n'));
    t.is(outcomes.filter((outcome) => outcome === 'bad_configuration').length, 4, outcomes.join('\n'));
    t.deepEqual(readdirSync(directory), ['lock.8']);
  }
});

test('however processes take and release one lock, no two ever hold it', async (t) => {
  const directory = directoryFor(t);
  const racers = lockers(t, 4);
  const held = await racers.tryAll(`${directory} 150`);
  t.deepEqual([...new Set(held)], ['done']);
});

/** Processes that each try to lock the directory they are told, and say how it went. */
function lockers(t: ExecutionContext, count: number) {
  const children = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', LOCKER, LOCK_MODULE], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  });
  return {
    pids: children.map(({ child }) => child.pid),
    async tryAll(directory: string): Promise<readonly string[]> {
      await Promise.all(children.map(({ lines }) => lines.next()));
      for (const { child } of children) child.stdin.write(`${directory}\n`);
      return Promise.all(children.map(async ({ lines }) => String((await lines.next()).value)));
    },
    async killAll(): Promise<void> {
      const ends = children.map(({ child }) => once(child, 'exit'));
      for (const { child } of children) child.kill('SIGKILL');
      await Promise.all(ends);
    },
  };
}

/** Says `ready`, reads a directory, says the outcome. With a count behind, takes and releases the lock so many times, a file made in between by one alone. */
const LOCKER = `
import { rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const { lockDirectory } = await import(process.argv[1]);
const take = (directory) => lockDirectory(directory).catch((error) => error);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [directory, times = 0] = line.split(' ');
  let said = 'done';
  for (let taken = 0; taken < times; ) {
    const lock = await take(directory);
    if (lock.code === 'bad_configuration') continue;
    try {
      writeFileSync(directory + '/alone', '', { flag: 'wx' });
      await new Promise(setImmediate);
      rmSync(directory + '/alone');
      await lock.release();
      taken++;
    } catch (error) {
      said = error.message + lock;
      break;
    }
  }
  if (times === 0) {
    const lock = await take(directory);
    said = lock.release ? 'won' : (lock.code ?? lock.message);
  }
  console.log(said);
  console.log('ready');
}
`;

/** Takes the lock, says its process id and stays. */
const HOLDER = `
const { lockDirectory } = await import(process.argv[1]);
await lockDirectory(process.argv[2]);
console.log(process.pid);
setInterval(() => {}, 1e6);
`;
