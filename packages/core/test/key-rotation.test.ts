/** Rotation of the node's key on the disk: at every step that a machine may stop at, no key is lost and none is made twice. */

import { chmodSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fingerprintOf } from '../dist/identity.js';
import { beginRotation, describeKeys, finishRotation, pendingRotation } from '../dist/node/key-rotation.js';
import { loadOrCreateNodeKey } from '../dist/node/node-key.js';
import { CHEAP, directoryFor, filesIn, recordingCalls, source, workUntil } from './key-crash.js';

const PASSPHRASE = 'correct horse battery staple';

test('a rotation puts a new key in place and keeps the old one until it is finished', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  const old = await loadOrCreateNodeKey(path, source);
  t.is(await pendingRotation(path, source), undefined);

  const rotation = await beginRotation(path, source);
  t.deepEqual(rotation.oldKeyPair, old);
  t.notDeepEqual(rotation.newKeyPair, old);
  t.deepEqual(await loadOrCreateNodeKey(path, source), rotation.newKeyPair);
  t.deepEqual(await pendingRotation(path, source), rotation);
  t.deepEqual(await beginRotation(path, source), rotation, 'the one that is under way goes on');
  t.deepEqual(Object.keys(filesIn(directory)), ['node.key', 'node.key.previous']);

  await finishRotation(path, source);
  await finishRotation(path, source);
  t.is(await pendingRotation(path, source), undefined);
  t.deepEqual(await loadOrCreateNodeKey(path, source), rotation.newKeyPair);
  const fingerprint = fingerprintOf(old.publicKey);
  t.is(filesIn(directory)['node.key.retired'], `logline-retired-keys v1\n${fingerprint}\n`);
  t.deepEqual(Object.keys(filesIn(directory)), ['node.key', 'node.key.retired']);
});

test('the keys of a node are described without its passphrase, former ones too', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  t.deepEqual(await describeKeys(path, source), []);
  const options = { passphrase: PASSPHRASE, cost: CHEAP };
  const first = fingerprintOf((await loadOrCreateNodeKey(path, source)).publicKey);
  t.deepEqual(await describeKeys(path, source), [
    { role: 'current', fingerprint: first, file: path, isEncrypted: false },
  ]);
  const second = fingerprintOf((await beginRotation(path, source)).newKeyPair.publicKey);
  t.deepEqual(await describeKeys(path, source), [
    { role: 'current', fingerprint: second, file: path, isEncrypted: false },
    { role: 'previous', fingerprint: first, file: `${path}.previous`, isEncrypted: false },
  ]);
  await finishRotation(path, source, options);
  const third = fingerprintOf((await beginRotation(path, source, options)).newKeyPair.publicKey);
  const retired = { role: 'retired', file: `${path}.retired`, isEncrypted: undefined } as const;
  t.deepEqual(await describeKeys(path, source), [
    { role: 'current', fingerprint: third, file: path, isEncrypted: true },
    { role: 'previous', fingerprint: second, file: `${path}.previous`, isEncrypted: true },
    { ...retired, fingerprint: first },
  ]);
  await finishRotation(path, source, options);
  t.deepEqual(
    (await describeKeys(path, source)).map(({ fingerprint }) => fingerprint),
    [third, second, first],
  );
});

test('a machine that stops while a rotation begins has the old key, or both', async (t) => {
  for (const passphrase of [undefined, PASSPHRASE]) {
    const options = passphrase === undefined ? {} : { passphrase, cost: CHEAP };
    const seen = { old: 0, both: 0 };
    for (let dieAt = 1, isDone = false; !isDone; dieAt++) {
      const directory = directoryFor(t);
      const path = join(directory, 'node.key');
      const old = await loadOrCreateNodeKey(path, source, options);
      isDone = await workUntil('begin', { path, dieAt, ...(passphrase !== undefined && { passphrase }) });
      const key = await loadOrCreateNodeKey(path, source, options);
      const pending = await pendingRotation(path, source, options);
      if (pending === undefined) {
        seen.old++;
        t.deepEqual(key, old, `step ${dieAt}`);
        t.deepEqual(Object.keys(filesIn(directory)), ['node.key']);
      } else {
        seen.both++;
        t.deepEqual(pending, { oldKeyPair: old, newKeyPair: key }, `step ${dieAt}`);
      }
      const rotation = await beginRotation(path, source, options);
      t.deepEqual(rotation.oldKeyPair, old);
      if (pending !== undefined) t.deepEqual(rotation.newKeyPair, key);
      t.deepEqual(Object.keys(filesIn(directory)), ['node.key', 'node.key.previous']);
    }
    t.true(seen.old >= 3 && seen.both >= 2, JSON.stringify(seen));
  }
});

test('a machine that stops while a rotation is finished can finish it, and names the old key once', async (t) => {
  for (let dieAt = 1, isDone = false; !isDone; dieAt++) {
    const directory = directoryFor(t);
    const path = join(directory, 'node.key');
    const { publicKey } = await loadOrCreateNodeKey(path, source);
    const { newKeyPair } = await beginRotation(path, source);
    isDone = await workUntil('finish', { path, dieAt });
    const pending = await pendingRotation(path, source);
    if (pending !== undefined) t.deepEqual(pending.oldKeyPair.publicKey, publicKey);
    await finishRotation(path, source);
    t.deepEqual(await loadOrCreateNodeKey(path, source), newKeyPair, `step ${dieAt}`);
    t.is(
      filesIn(directory)['node.key.retired'],
      `logline-retired-keys v1\n${fingerprintOf(publicKey)}\n`,
      `step ${dieAt}`,
    );
    t.deepEqual(Object.keys(filesIn(directory)), ['node.key', 'node.key.retired']);
    if (isDone) t.true(dieAt > 3, 'there were steps to stop at');
  }
});

test('the second name of the old key is durable before the new key takes the first', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  await loadOrCreateNodeKey(path, source);
  const begun = recordingCalls();
  await beginRotation(path, source, { calls: begun.calls });
  t.deepEqual(begun.steps, [
    'link node.key node.key.previous',
    'syncDirectory',
    'writeNew .node.key-draft',
    'rename .node.key-draft node.key',
    'unlink .node.key-draft',
    'syncDirectory',
  ]);
  const finished = recordingCalls();
  await finishRotation(path, source, { calls: finished.calls });
  t.deepEqual(finished.steps, [
    'writeNew .node.key.retired-draft',
    'rename .node.key.retired-draft node.key.retired',
    'unlink .node.key.retired-draft',
    'syncDirectory',
    'unlink node.key.previous',
    'syncDirectory',
  ]);
});

test('a rotation that cannot be is refused, and changes nothing', async (t) => {
  const directory = directoryFor(t);
  const path = join(directory, 'node.key');
  await t.throwsAsync(beginRotation(path, source), {
    code: 'bad_configuration',
    message: /no node key at .*start the node once/,
  });
  await loadOrCreateNodeKey(path, source);
  symlinkSync(path, join(directory, 'linked.key'));
  await t.throwsAsync(beginRotation(join(directory, 'linked.key'), source), {
    code: 'bad_configuration',
    message: /is a link to a key that is kept elsewhere/,
  });
  unlinkSync(join(directory, 'linked.key'));
  const before = filesIn(directory);
  const failing = {
    ...recordingCalls().calls,
    rename: () => Promise.reject(Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' })),
  };
  await t.throwsAsync(beginRotation(path, source, { calls: failing }), {
    code: 'disk_failed',
    message: /cannot rotate the node key .*free space/,
  });
  t.is(await pendingRotation(path, source), undefined);
  t.deepEqual(filesIn(directory), before);
});

test('a new key in place of a lost one is never made while its predecessor waits', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  await loadOrCreateNodeKey(path, source);
  await beginRotation(path, source);
  unlinkSync(path);
  const lost = { code: 'damaged', message: /the one that it replaced is at .*node\.key\.previous/ };
  await t.throwsAsync(loadOrCreateNodeKey(path, source), lost);
  await t.throwsAsync(pendingRotation(path, source), lost);
});

test('a previous key that others may read, and a list of former keys that is none, are refused', async (t) => {
  const path = join(directoryFor(t), 'node.key');
  await loadOrCreateNodeKey(path, source);
  await beginRotation(path, source);
  chmodSync(`${path}.previous`, 0o644);
  await t.throwsAsync(pendingRotation(path, source), { code: 'bad_configuration', message: /chmod 600/ });
  chmodSync(`${path}.previous`, 0o600);
  for (const text of ['', 'logline-retired-keys v1', 'logline-retired-keys v1\nx\n', 'else\n']) {
    writeFileSync(`${path}.retired`, text);
    await t.throwsAsync(finishRotation(path, source), { code: 'damaged', message: /former keys/ });
    await t.throwsAsync(describeKeys(path, source), { code: 'damaged' });
    t.is(readFileSync(`${path}.retired`, 'latin1'), text);
  }
  t.not(await pendingRotation(path, source), undefined);
});
