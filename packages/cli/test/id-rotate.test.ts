// A new key for a stopped node from the command line; what peers make of it is shown where nodes meet.
import test, { type ExecutionContext } from 'ava';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf } from '@logline/federation-core';
import {
  createCrypto,
  createRandom,
  loadOrCreateNodeKey,
  openLocalNode,
} from '@logline/federation-core/node';
import { logline, temporaryDirectory, type Outcome } from './harness.js';

const source = { crypto: createCrypto(), random: createRandom() };
/** Nobody is there: this command must not ask. */
const NOBODY = { url: 'http://127.0.0.1:1' };

interface Desk {
  readonly dataDir: string;
  readonly at: (name: string) => string;
  readonly rotate: (...more: readonly string[]) => Promise<Outcome>;
}

async function openDesk(t: ExecutionContext): Promise<Desk> {
  const directory = await temporaryDirectory(t);
  const at = (name: string): string => join(directory, name);
  const rotate = (...more: readonly string[]): Promise<Outcome> =>
    logline(NOBODY, ['id', 'rotate', '--data-dir', at('data'), ...more]);
  return { dataDir: at('data'), at, rotate };
}

test('a stopped node gets a new key, goes by it from its next start, and has forgotten the old secret', async (t) => {
  const { dataDir, rotate } = await openDesk(t);
  const before = await openLocalNode({ dataDir, name: 'alice' });
  const { fingerprint: first } = before.node;
  await before.close();
  const rotated = await rotate();
  t.is(rotated.code, 0, rotated.err);
  t.regex(rotated.out, new RegExp(`^earlier +${first}$`, 'm'));
  t.regex(rotated.err, /^next: start the node\..*\nPeers follow.*\nA certificate.*cert issue\.$/m);
  const second = /^fingerprint +(\S+)$/m.exec(rotated.out)?.[1] ?? 'none';
  t.not(second, first);

  const again = JSON.parse((await rotate('--json')).out) as unknown;
  t.deepEqual(again, { fingerprint: second, earlier: first, already_begun: true }, 'nothing is made twice');

  const after = await openLocalNode({ dataDir, name: 'alice' });
  t.is(String(after.node.fingerprint), second);
  const { edges } = after.node.operator.trustGraph();
  t.deepEqual(
    edges.map(({ from, kind, to }) => [String(from), kind, String(to)]),
    [[first, 'rotate', second]],
  );
  await after.close();
  t.false((await readdir(dataDir)).includes('node.key.previous'));
});

test('a node that runs keeps its key: the command says which process it is', async (t) => {
  const { dataDir, rotate } = await openDesk(t);
  const running = await openLocalNode({ dataDir, name: 'alice' });
  const refused = await rotate();
  t.is(refused.code, 1);
  t.regex(refused.err, new RegExp(`is in use by process ${process.pid}: stop that process`));
  await running.close();
  const { publicKey } = await loadOrCreateNodeKey(join(dataDir, 'node.key'), source);
  t.is(fingerprintOf(publicKey), running.node.fingerprint);
});

test('where there is no key none is made, and no directory either', async (t) => {
  const { at, rotate } = await openDesk(t);
  const none = await rotate();
  t.is(none.code, 1);
  t.regex(none.err, /there is no node key; name the data directory with --data-dir, or start the node once/);
  t.deepEqual(await readdir(at('.')), []);
});

test('an encrypted key is followed by an encrypted one, and not without the passphrase', async (t) => {
  const { dataDir, at, rotate } = await openDesk(t);
  await writeFile(at('passphrase'), 'correct horse\n', { mode: 0o600 });
  const path = join(dataDir, 'node.key');
  await loadOrCreateNodeKey(path, source, { passphrase: 'correct horse' });
  const locked = await readFile(path);
  const refused = await rotate();
  t.is(refused.code, 1);
  t.regex(refused.err, /FEDERATION_KEY_PASSPHRASE_FILE/);
  t.deepEqual(await readFile(path), locked, 'nothing has changed');
  const rotated = await rotate('--key-passphrase-file', at('passphrase'), '--json');
  t.is(rotated.code, 0, rotated.err);
  const { fingerprint } = JSON.parse(rotated.out) as { readonly fingerprint: string };
  const { publicKey } = await loadOrCreateNodeKey(path, source, { passphrase: 'correct horse' });
  t.is(String(fingerprintOf(publicKey)), fingerprint);
  await t.throwsAsync(loadOrCreateNodeKey(path, source), { message: /FEDERATION_KEY_PASSPHRASE_FILE/ });
});
