/** Two real nodes without a network key that meet for the first time: certificates prove who they are, or nothing does. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { issueCertificate, makeAuthority, type Authority } from '../dist/node/certificate-authority.js';
import { pemOf, readCertificates } from '../dist/node/certificate-files.js';
import { openLocalNode, type LocalNode } from '../dist/node/open-node.js';
import { eventually } from '../dist/testing/eventually.js';
import { directoryFor } from './key-crash.js';

const DAY_MS = 86_400_000;

interface Meeting {
  readonly alice: LocalNode;
  readonly bob: LocalNode;
}

/** Opens a node with a certificate for some name and of some authority, trusting `root`. */
async function openWith(
  t: ExecutionContext,
  options: {
    readonly name: string;
    readonly issuer: Authority;
    readonly root: Authority;
    readonly nowMs?: number;
  },
): Promise<{ readonly node: LocalNode; readonly address: string }> {
  const { name, issuer, root, nowMs = Date.now() } = options;
  const directory = directoryFor(t);
  const at = (file: string): string => join(directory, file);
  const dataDir = at('data');
  const before = await openLocalNode({ dataDir, name });
  await before.close();
  writeFileSync(at('root.pem'), root.certificatePem);
  writeFileSync(at('issuer.pem'), issuer.certificatePem);
  const [certificate] = await readCertificates(at('issuer.pem'));
  if (certificate === undefined) throw new Error('the authority has no certificate');
  const der = await issueCertificate({
    authority: { certificate, keyPem: issuer.keyPem },
    node: { name, key: before.keyPair.publicKey },
    days: 1,
    nowMs,
  });
  writeFileSync(at('own.pem'), pemOf(der));
  // A node that trusted the same authorities as its own issuer would be told of its mistake at the start.
  const caFile = issuer === root ? at('root.pem') : at('both.pem');
  writeFileSync(at('both.pem'), root.certificatePem + issuer.certificatePem);
  const node = await openLocalNode({ dataDir, name, caFile, certFile: at('own.pem') });
  t.teardown(() => node.close());
  t.teardown(() => node.transport.close());
  const { port } = await node.transport.listen({ host: '127.0.0.1', port: 0 });
  return { node, address: `127.0.0.1:${port}` };
}

/** Alice and bob list each other by address alone; bob's certificate is of another authority, or of another day, if told. */
async function meet(
  t: ExecutionContext,
  options: { readonly otherIssuer?: boolean; readonly issuedAtMs?: number } = {},
): Promise<Meeting> {
  const nowMs = Date.now();
  const make = (): Promise<Authority> => makeAuthority({ name: 'Acme', days: 10, nowMs: nowMs - 5 * DAY_MS });
  const root = await make();
  const issuer = options.otherIssuer === true ? await make() : root;
  const alice = await openWith(t, { name: 'alice', issuer: root, root });
  const bob = await openWith(t, { name: 'bob', issuer, root, nowMs: options.issuedAtMs ?? nowMs });
  await alice.node.node.trust({ address: bob.address });
  await bob.node.node.trust({ address: alice.address });
  return { alice: alice.node, bob: bob.node };
}

const levelAt = ({ node }: LocalNode): string | undefined => node.peers()[0]?.trustLevel;
const troubleAt = ({ node }: LocalNode): string => node.peers()[0]?.lastError ?? '';

test('nodes whose certificates are of one authority verify each other at once', async (t) => {
  const { alice, bob } = await meet(t);
  await eventually('both are verified', () => levelAt(alice) === 'verified' && levelAt(bob) === 'verified');
  t.like(alice.node.peers()[0], { id: 'logline-id://node/bob', trustLevel: 'verified' });
});

test('a certificate of another authority of the same name proves nothing', async (t) => {
  const { alice } = await meet(t, { otherIssuer: true });
  await eventually('alice has seen it', () => /not authenticated/.test(troubleAt(alice)));
  t.is(levelAt(alice), 'pending');
});

test('a certificate that has expired proves nothing', async (t) => {
  const { alice } = await meet(t, { issuedAtMs: Date.now() - 3 * DAY_MS });
  await eventually('alice has seen it', () => /not authenticated/.test(troubleAt(alice)));
  t.is(levelAt(alice), 'pending');
});
