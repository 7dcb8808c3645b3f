// Certificates and keys from the command line: nothing here asks a node, and nothing is overwritten by accident.
import test, { type ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fingerprintOf } from '@logline/federation-core';
import {
  beginRotation,
  createCrypto,
  createRandom,
  finishRotation,
  loadCredentials,
  loadOrCreateNodeKey,
} from '@logline/federation-core/node';
import { logline, outcomeOf, startBin, temporaryDirectory, type Outcome } from './harness.js';

const source = { crypto: createCrypto(), random: createRandom() };
/** Nobody is there: these commands must not ask. */
const NOBODY = { url: 'http://127.0.0.1:1' };

interface Desk {
  readonly at: (name: string) => string;
  readonly type: (...argv: readonly string[]) => Promise<Outcome>;
}

async function openDesk(t: ExecutionContext): Promise<Desk> {
  const directory = await temporaryDirectory(t);
  return { at: (name) => join(directory, name), type: (...argv) => logline(NOBODY, argv) };
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test('an authority is made, vouches for a node by its fingerprint alone, and the node is content', async (t) => {
  const { at, type } = await openDesk(t);
  const { publicKey: key } = await loadOrCreateNodeKey(at('data/node.key'), source);
  const fingerprint = fingerprintOf(key);
  const made = await type('cert', 'init-ca', '--out', at('ca'), '--name', 'Acme LogLine');
  t.is(made.code, 0, made.err);
  t.regex(made.out, /^authority +Acme LogLine$/m);
  t.regex(made.out, /FEDERATION_CA_FILE/);
  t.regex(made.err, /^next: logline federation cert issue --ca /m);
  t.deepEqual([await modeOf(at('ca/ca.key')), await modeOf(at('ca/ca.pem'))], [0o600, 0o644]);
  t.is(await modeOf(at('ca')), 0o700);

  const issue = ['cert', 'issue', '--ca', at('ca'), '--name', 'alice', '--out'];
  const issued = await type(...issue, at('alice.pem'), '--key', fingerprint, '--days', '100');
  t.is(issued.code, 0, issued.err);
  t.regex(issued.out, /^for +logline-id:\/\/node\/alice$/m);
  t.true(issued.out.includes(fingerprint));
  t.regex(issued.out, /\((99|100) days left\)/);
  const node = { key, name: 'alice' };
  const files = { caFile: at('ca/ca.pem'), certFile: at('alice.pem') };
  t.is((await loadCredentials({ ...files, node })).own.length, 1);

  const same = await type(...issue, at('again.pem'), '--data-dir', at('data'), '--json');
  t.like(JSON.parse(same.out), {
    file: at('again.pem'),
    kind: 'node',
    node_id: 'logline-id://node/alice',
    fingerprint,
    issuer: 'CN=Acme LogLine',
  });
  t.is(same.err, '');
});

test('a certificate is shown for people and for programs', async (t) => {
  const { at, type } = await openDesk(t);
  await type('cert', 'init-ca', '--out', at('ca'), '--name', 'Acme', '--days', '10');
  const shown = await type('cert', 'show', at('ca/ca.pem'));
  t.is(shown.code, 0);
  t.regex(shown.out, /^for +the authority CN=Acme$/m);
  t.regex(shown.out, /^issued by +itself$/m);
  t.regex(shown.out, /\((9|10) days left\)/);
  const { certificates } = JSON.parse((await type('cert', 'show', at('ca/ca.pem'), '--json')).out) as {
    readonly certificates: readonly unknown[];
  };
  t.is(certificates.length, 1);
  t.like(certificates[0], { kind: 'authority', node_id: null, fingerprint: null, subject: 'CN=Acme' });

  await writeFile(at('two.pem'), (await readFile(at('ca/ca.pem'), 'utf8')).repeat(2));
  t.is((await type('cert', 'show', at('two.pem'))).out.match(/^serial/gm)?.length, 2);
  await writeFile(at('text'), 'no certificate');
  for (const file of ['text', 'absent.pem']) {
    const failed = await type('cert', 'show', at(file));
    t.is(failed.code, 1);
    t.regex(failed.err, new RegExp(`^error: .*${file}`));
    t.notRegex(failed.err, /\n {4}at /, 'no stack');
  }
});

test('nothing is replaced unless told to, and then all of it', async (t) => {
  const { at, type } = await openDesk(t);
  const init = ['cert', 'init-ca', '--out', at('ca')];
  await type(...init);
  const first = await readFile(at('ca/ca.key'), 'utf8');
  const refused = await type(...init);
  t.is(refused.code, 1);
  t.regex(refused.err, /ca\.key and .*ca\.pem: there already; .*--force$/m);
  t.is(await readFile(at('ca/ca.key'), 'utf8'), first);
  t.is((await type(...init, '--force')).code, 0);
  t.not(await readFile(at('ca/ca.key'), 'utf8'), first);
  t.is(await modeOf(at('ca/ca.key')), 0o600);

  const { publicKey } = source.crypto.keyPair(new Uint8Array(32).fill(1));
  const issue = ['cert', 'issue', '--ca', at('ca'), '--name', 'a', '--key', fingerprintOf(publicKey)];
  t.is((await type(...issue, '--out', at('a.pem'))).code, 0);
  t.is((await type(...issue, '--out', at('a.pem'))).code, 1);
  t.is((await type(...issue, '--out', at('a.pem'), '--force')).code, 0);
  t.is((await type(...issue, '--out', at('absent/a.pem'))).code, 1);
});

test('what cannot be issued is refused with what to do', async (t) => {
  const { at, type } = await openDesk(t);
  await type('cert', 'init-ca', '--out', at('ca'));
  const { publicKey } = source.crypto.keyPair(new Uint8Array(32).fill(1));
  const key = fingerprintOf(publicKey);
  const issue = ['cert', 'issue', '--ca', at('ca'), '--out', at('x.pem')];
  const cases: readonly (readonly [argv: readonly string[], code: number, said: RegExp])[] = [
    [[...issue, '--name', 'alice'], 2, /either --key <fingerprint> or --data-dir <folder>/],
    [[...issue, '--name', 'alice', '--key', key, '--data-dir', at('data')], 2, /either --key/],
    [[...issue, '--name', 'alice', '--key', 'short'], 2, /fingerprint of 43 characters, got "short"/],
    [[...issue, '--name', 'alice', '--key', key, '--days', '0'], 2, /--days: expected a whole number/],
    [[...issue, '--name', 'a b', '--key', key], 1, /expected the name of a node, got "a b"/],
    [[...issue, '--name', 'alice', '--key', `AQ${'A'.repeat(41)}`], 1, /this one is nobody/],
    [[...issue, '--name', 'alice', '--data-dir', at('data')], 1, /no node key; start the node once/],
    [['cert', 'issue', '--name', 'alice', '--key', key], 2, /--ca <folder>/],
    [['cert', 'issue', '--ca', at('no'), '--name', 'a', '--key', key, '--out', at('x')], 1, /no\/ca\.pem/],
    [['cert', 'init-ca', '--out', at('other'), '--name', 'a"b'], 1, /expected a name of letters/],
    [['cert', 'init-ca', '--out', at('other'), '--days', '1.5'], 2, /--days/],
  ];
  for (const [argv, code, said] of cases) {
    const outcome = await type(...argv);
    t.is(outcome.code, code, argv.join(' '));
    t.regex(outcome.err, said);
    t.notRegex(outcome.err, /\n {4}at /, 'no stack');
    await t.throwsAsync(stat(at('x.pem')), undefined, 'nothing was written');
  }
  await chmod(at('ca/ca.key'), 0o644);
  const open = await type(...issue, '--name', 'alice', '--key', key);
  t.is(open.code, 1);
  t.regex(open.err, /other users can reach this key; run: chmod 600 /);
});

test('what the command makes verifies strictly in OpenSSL', async (t) => {
  const { at, type } = await openDesk(t);
  const openssl = promisify(execFile);
  const version = await openssl('openssl', ['version']).catch(() => ({ stdout: '' }));
  if (!/^OpenSSL [3-9]/.test(version.stdout)) {
    t.log('NOT TESTED: there is no OpenSSL 3 on this machine');
    t.pass();
    return;
  }
  await loadOrCreateNodeKey(at('data/node.key'), source);
  await type('cert', 'init-ca', '--out', at('ca'));
  await type(
    'cert',
    'issue',
    '--ca',
    at('ca'),
    '--name',
    'alice',
    '--data-dir',
    at('data'),
    '--out',
    at('a.pem'),
  );
  const { stdout } = await openssl('openssl', [
    'verify',
    '-x509_strict',
    '-CAfile',
    at('ca/ca.pem'),
    at('a.pem'),
  ]);
  t.regex(stdout, /a\.pem: OK/);
});

test('a data directory is known by its keys, encrypted or not, former ones too', async (t) => {
  const { at } = await openDesk(t);
  const path = at('data/node.key');
  const show = (...more: readonly string[]): Promise<Outcome> =>
    logline(NOBODY, ['id', 'show', ...more], { env: { FEDERATION_DATA_DIR: at('data') } });
  const none = await show();
  t.is(none.code, 1);
  t.regex(none.err, /there is no node key; name the data directory with --data-dir, or start the node once/);

  const first = fingerprintOf((await loadOrCreateNodeKey(path, source)).publicKey);
  const plain = await show();
  t.is(plain.code, 0);
  t.regex(plain.out, /^node +logline-id:\/\/node\/local-node$/m);
  t.true(plain.out.includes(first));
  t.regex(plain.out, /^encrypted +no \(FEDERATION_KEY_PASSPHRASE_FILE encrypts it\)$/m);

  const options = { passphrase: 'x', cost: { passes: 1, memoryBytes: 8192 } };
  const { newKeyPair } = await beginRotation(path, source, options);
  const second = fingerprintOf(newKeyPair.publicKey);
  t.regex((await show()).out, new RegExp(`^former +${first} +replaced; its rotation is published at`, 'm'));
  await finishRotation(path, source, options);
  const after = await show('--name', 'alice', '--json');
  t.like(JSON.parse(after.out), {
    node_id: 'logline-id://node/alice',
    fingerprint: second,
    encrypted: true,
    keys: [
      { role: 'current', fingerprint: second, file: path, encrypted: true },
      { role: 'retired', fingerprint: first, file: `${path}.retired`, encrypted: null },
    ],
  });
  t.false(after.out.includes('seed'));

  await chmod(path, 0o640);
  const open = await show();
  t.is(open.code, 1);
  t.regex(open.err, /chmod 600/);
});

test('the program itself makes and shows certificates, without a warning', async (t) => {
  const { at } = await openDesk(t);
  const made = await outcomeOf(startBin(['federation', 'cert', 'init-ca', '--out', at('ca'), '--json']));
  t.is(made.code, 0, made.err);
  t.is(made.err, '');
  const shown = await outcomeOf(startBin(['federation', 'cert', 'show', at('ca/ca.pem')]));
  t.is(shown.code, 0, shown.err);
  t.regex(shown.out, /the authority CN=LogLine Federation/);
});
