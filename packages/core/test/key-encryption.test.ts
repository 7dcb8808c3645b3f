/** Key files under a passphrase: what is on the disk, what opens them, and that a crash leaves the key as it was or as it is to be. */

import {
  chmodSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { toBase64Url } from '../dist/bytes.js';
import { parseKeyFile } from '../dist/node/key-format.js';
import { readPassphrase, SEAL_COST } from '../dist/node/key-seal.js';
import { loadOrCreateNodeKey } from '../dist/node/node-key.js';
import { CHEAP, crypto, directoryFor, filesIn, recordingCalls, source, workUntil } from './key-crash.js';

const opened = await open(process.execPath, 'r');
const FILE_HANDLE = Object.getPrototypeOf(opened) as FileHandle;
await opened.close();
const SEALED = { passphrase: 'correct horse battery staple', cost: CHEAP };
const seedOf = (secretKey: Uint8Array): string => toBase64Url(secretKey.subarray(0, 32));

test('with a passphrase a key is made encrypted, and only the passphrase opens it', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  const made = await loadOrCreateNodeKey(path, source, SEALED);
  t.deepEqual(await loadOrCreateNodeKey(path, source, SEALED), made);
  t.is(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, 'latin1');
  const lines = text.split('\n').map((line) => line.split(' ')[0]);
  t.deepEqual(lines, ['logline-node-key', 'public', 'argon2id', 'secretbox', 'checksum', '']);
  t.true(text.includes(`public ${toBase64Url(made.publicKey)}\n`));
  t.false(text.includes(seedOf(made.secretKey)));

  const wrong = { ...SEALED, passphrase: 'correct horse battery stapl' };
  const message =
    /the passphrase does not open .*node\.key: check the file that FEDERATION_KEY_PASSPHRASE_FILE names/;
  await t.throwsAsync(loadOrCreateNodeKey(path, source, wrong), { code: 'bad_configuration', message });
  await t.throwsAsync(loadOrCreateNodeKey(path, source), {
    code: 'bad_configuration',
    message: /is encrypted: name the file with its passphrase in FEDERATION_KEY_PASSPHRASE_FILE/,
  });
  t.deepEqual(filesIn(join(path, '..')), { 'node.key': text }, 'nothing was written');
});

test('guessing a passphrase costs a quarter of a gibibyte each time, unless told otherwise', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  const made = await loadOrCreateNodeKey(path, source, { passphrase: 'x' });
  const file = parseKeyFile(readFileSync(path, 'latin1'), crypto);
  t.deepEqual(file?.kind === 'sealed' && file.sealed.cost, SEAL_COST);
  t.true(SEAL_COST.memoryBytes >= 1 << 28 && SEAL_COST.passes >= 3);
  t.deepEqual(await loadOrCreateNodeKey(path, source, { passphrase: 'x', cost: CHEAP }), made);
});

test('a key that was not encrypted is encrypted where it is once there is a passphrase', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const plain = await loadOrCreateNodeKey(path, source);
  const before = openSync(path, 'r');
  t.deepEqual(await loadOrCreateNodeKey(path, source, SEALED), plain);
  t.deepEqual(await loadOrCreateNodeKey(path, source, SEALED), plain);
  await t.throwsAsync(loadOrCreateNodeKey(path, source), { message: /is encrypted/ });
  t.deepEqual(Object.keys(filesIn(directory)), ['node.key']);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.false(JSON.stringify(filesIn(directory)).includes(seedOf(plain.secretKey)));
  const rest = Buffer.alloc(4096);
  const length = readSync(before, rest);
  t.true(length > 0 && rest.equals(Buffer.alloc(4096)), 'the old bytes were overwritten');
});

test('a key that has another name is encrypted without harm to that name', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const plain = await loadOrCreateNodeKey(path, source);
  linkSync(path, join(directory, 'backup.key'));
  await loadOrCreateNodeKey(path, source, SEALED);
  t.deepEqual(await loadOrCreateNodeKey(join(directory, 'backup.key'), source), plain);
});

test('a link to a key stays a link when the key is encrypted', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'secrets', 'mounted.key');
  const plain = await loadOrCreateNodeKey(path, source);
  symlinkSync(path, join(directory, 'node.key'));
  t.deepEqual(await loadOrCreateNodeKey(join(directory, 'node.key'), source, SEALED), plain);
  t.true(lstatSync(join(directory, 'node.key')).isSymbolicLink());
  await t.throwsAsync(loadOrCreateNodeKey(path, source), { message: /is encrypted/ });
});

test('an encrypted key that is damaged, costs too much or says another public key is refused and left as it is', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  await loadOrCreateNodeKey(path, source, SEALED);
  const good = readFileSync(path);
  for (const at of good.keys()) {
    const bytes = Buffer.from(good).fill((good[at] ?? 0) ^ 1, at, at + 1);
    writeFileSync(path, bytes);
    await t.throwsAsync(loadOrCreateNodeKey(path, source, SEALED), { code: 'damaged' }, `byte ${at}`);
    t.deepEqual(readFileSync(path), bytes);
  }
  const withChecksum = (text: string): string => {
    const checked = text.replace(/checksum .*\n$/, '');
    const sum = Buffer.from(crypto.sha256(Buffer.from(checked, 'latin1')).subarray(0, 8)).toString('hex');
    return `${checked}checksum ${sum}\n`;
  };
  const text = good.toString('latin1');
  t.is(withChecksum(text), text);
  const costs = ['11 8192', '999 8192', '1 8191', '1 1073741825', '1 99999999999'];
  for (const cost of costs) {
    writeFileSync(path, withChecksum(text.replace('argon2id 1 8192', `argon2id ${cost}`)));
    await t.throwsAsync(loadOrCreateNodeKey(path, source, SEALED), { code: 'damaged' }, cost);
  }
  const { publicKey } = crypto.keyPair(new Uint8Array(32));
  writeFileSync(path, withChecksum(text.replace(/public .*/, `public ${toBase64Url(publicKey)}`)));
  await t.throwsAsync(loadOrCreateNodeKey(path, source, SEALED), { code: 'bad_configuration' });
});

test('a passphrase is one line of a file', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'passphrase');
  for (const [content, passphrase] of [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    [' späced \n', ' späced '],
    ['two\n\n', 'two\n'],
  ] as const) {
    writeFileSync(path, content);
    t.is(await readPassphrase(path), passphrase);
  }
  for (const content of ['', '\n', '\r\n', 'x'.repeat(1025)]) {
    writeFileSync(path, content);
    await t.throwsAsync(readPassphrase(path), { code: 'bad_configuration', message: /1 to 1024 bytes/ });
  }
  await t.throwsAsync(readPassphrase(join(directory, 'absent')), { code: 'disk_failed', message: /absent/ });
});

test('a machine that stops while a key is made leaves none or a whole one, and the next start no drafts', async (t) => {
  for (const passphrase of [undefined, SEALED.passphrase]) {
    const options = passphrase === undefined ? {} : SEALED;
    for (let dieAt = 1, isDone = false; !isDone; dieAt++) {
      const directory = directoryFor(t);
      const path = join(directory, 'node.key');
      isDone = await workUntil('create', { path, dieAt, ...(passphrase !== undefined && { passphrase }) });
      const left = filesIn(directory)['node.key'];
      const key = await loadOrCreateNodeKey(path, source, options);
      if (left !== undefined) t.is(readFileSync(path, 'latin1'), left, `step ${dieAt}`);
      t.deepEqual(await loadOrCreateNodeKey(path, source, options), key);
      t.deepEqual(Object.keys(filesIn(directory)), ['node.key']);
      t.true(dieAt < 20);
      if (isDone) t.true(dieAt > 3, 'there were steps to stop at');
    }
  }
});

test('a machine that stops while a key is encrypted has the same key, and after the next start no seed in the clear', async (t) => {
  for (let dieAt = 1, isDone = false; !isDone; dieAt++) {
    const directory = directoryFor(t);
    const path = join(directory, 'node.key');
    const key = await loadOrCreateNodeKey(path, source);
    isDone = await workUntil('encrypt', { path, dieAt, passphrase: SEALED.passphrase });
    t.deepEqual(await loadOrCreateNodeKey(path, source, SEALED), key, `step ${dieAt}`);
    t.deepEqual(Object.keys(filesIn(directory)), ['node.key']);
    t.false(JSON.stringify(filesIn(directory)).includes(seedOf(key.secretKey)));
    if (isDone) t.true(dieAt > 3, 'there were steps to stop at');
  }
});

// Alone, for it listens to all files of this process.
test.serial(
  'the content of a key is durable before its name is, and the name before the key is used',
  async (t) => {
    const path = join(directoryFor(t), 'node.key');
    const made = recordingCalls();
    listenForSync(t, made.steps);
    await loadOrCreateNodeKey(path, source, { calls: made.calls });
    const draft = '.node.key-draft';
    t.deepEqual(made.steps, [
      `writeNew ${draft}`,
      'sync',
      `link ${draft} node.key`,
      `unlink ${draft}`,
      'syncDirectory',
    ]);
    const sealed = recordingCalls();
    await loadOrCreateNodeKey(path, source, { ...SEALED, calls: sealed.calls });
    t.deepEqual(sealed.steps, [
      `writeNew ${draft}`,
      `rename ${draft} node.key`,
      `unlink ${draft}`,
      'syncDirectory',
    ]);
  },
);

test('a key that cannot be encrypted where it is stops the start', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const key = await loadOrCreateNodeKey(path, source);
  const failing = {
    ...recordingCalls().calls,
    rename: () => Promise.reject(Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' })),
  };
  await t.throwsAsync(loadOrCreateNodeKey(path, source, { ...SEALED, calls: failing }), {
    code: 'disk_failed',
    message: /cannot encrypt .*node\.key.*mount it writable/,
  });
  chmodSync(path, 0o600);
  t.deepEqual(await loadOrCreateNodeKey(path, source), key);
  t.deepEqual(Object.keys(filesIn(directory)), ['node.key']);
});

/** Notes each time that a file's content is made durable. */
function listenForSync(t: ExecutionContext, steps: string[]): void {
  const sync: FileHandle['sync'] = Reflect.get(FILE_HANDLE, 'sync');
  FILE_HANDLE.sync = function (this: FileHandle): Promise<void> {
    steps.push('sync');
    return sync.call(this);
  };
  t.teardown(() => (FILE_HANDLE.sync = sync));
}
