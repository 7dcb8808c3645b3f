/** What a node on this machine is opened with: an encrypted key, its certificate, and a policy on addresses. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fingerprintOf } from '../dist/identity.js';
import { issueCertificate, makeAuthority } from '../dist/node/certificate-authority.js';
import { pemOf, readCertificates } from '../dist/node/certificate-files.js';
import { describeKeys } from '../dist/node/key-rotation.js';
import { openLocalNode } from '../dist/node/open-node.js';
import { directoryFor, source } from './key-crash.js';

test('a node opens with an encrypted key and its certificate, and refuses what is not its own', async (t) => {
  const directory = directoryFor(t);
  const at = (name: string): string => join(directory, name);
  const dataDir = at('data');
  const first = await openLocalNode({ dataDir, name: 'alice' });
  await first.close();
  t.deepEqual([first.credentials.own, first.credentials.ownNotAfterMs], [[], undefined]);

  writeFileSync(at('passphrase'), 'correct horse\n');
  const nowMs = Date.now();
  const made = await makeAuthority({ name: 'Acme', days: 10, nowMs });
  writeFileSync(at('ca.pem'), made.certificatePem);
  const [certificate] = await readCertificates(at('ca.pem'));
  if (certificate === undefined) return t.fail();
  const { publicKey: key } = first.keyPair;
  const authority = { certificate, keyPem: made.keyPem };
  const der = await issueCertificate({ authority, node: { name: 'alice', key }, days: 5, nowMs });
  writeFileSync(at('alice.pem'), pemOf(der));

  const options = {
    dataDir,
    keyPassphraseFile: at('passphrase'),
    caFile: at('ca.pem'),
    certFile: at('alice.pem'),
  };
  const second = await openLocalNode({ ...options, name: 'alice' });
  await second.close();
  t.deepEqual(second.keyPair, first.keyPair);
  t.deepEqual(second.credentials.own, [der]);
  t.true(second.credentials.check([der], { key, name: 'alice', nowMs }).ok);
  t.regex(readFileSync(join(dataDir, 'node.key'), 'latin1'), /^logline-node-key v2\n/);
  t.like(await describeKeys(join(dataDir, 'node.key'), source), [
    { role: 'current', fingerprint: fingerprintOf(key), isEncrypted: true },
  ]);

  const setting = { code: 'bad_configuration' };
  await t.throwsAsync(openLocalNode({ ...options, name: 'bob' }), { ...setting, message: /not .*node\/bob/ });
  await t.throwsAsync(openLocalNode({ dataDir, name: 'alice' }), { ...setting, message: /is encrypted/ });
  writeFileSync(at('passphrase'), 'wrong');
  await t.throwsAsync(openLocalNode({ ...options, name: 'alice' }), { ...setting, message: /does not open/ });
});

test('a node that may not dial private peers says so of a peer at a private address', async (t) => {
  const node = await openLocalNode({
    dataDir: directoryFor(t),
    name: 'alice',
    allowPrivatePeers: false,
    resolve: (name) => Promise.resolve(name === 'inner.example' ? [{ address: '10.0.0.7', family: 4 }] : []),
  });
  t.teardown(() => node.close());
  for (const address of ['inner.example:1', '127.0.0.1:1'])
    await t.throwsAsync(node.transport.dial(address, { timeoutMs: 1000 }), {
      code: 'unreachable',
      message: /may not connect to (10\.0\.0\.7|127\.0\.0\.1): only addresses of the public internet/,
    });
});

test('a rotation that was begun before the machine stopped is published and finished at the next start', async (t) => {
  const options = { dataDir: directoryFor(t), name: 'alice' };
  const first = await openLocalNode(options);
  t.is(await first.keyFiles.pendingRotation(), undefined);
  const rotation = await first.keyFiles.beginRotation();
  t.deepEqual(rotation.oldKeyPair, first.keyPair);
  await first.close();
  const second = await openLocalNode(options);
  t.deepEqual(second.keyPair, rotation.newKeyPair);
  t.is(await second.keyFiles.pendingRotation(), undefined, 'the old secret is gone');
  const { root, edges } = second.node.operator.trustGraph();
  t.deepEqual(
    edges.map(({ from, to, kind, isEffective }) => [from, to, kind, isEffective]),
    [[first.node.fingerprint, root, 'rotate', true]],
  );
  await second.close();
});
