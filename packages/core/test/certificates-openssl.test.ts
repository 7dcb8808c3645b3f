/** Our certificates and OpenSSL's, each checked by the other. */

import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { issueCertificate, makeAuthority } from '../dist/node/certificate-authority.js';
import { loadCredentials, pemOf, readCertificates } from '../dist/node/certificate-files.js';
import { createCrypto } from '../dist/node/sodium.js';
import { directoryFor } from './key-crash.js';

const run = promisify(execFile);
const { publicKey: alice } = createCrypto().keyPair(new Uint8Array(32).fill(1));
const ALICE = { key: alice, name: 'alice' };
const ALL_STRICT = ['verify', '-x509_strict', '-policy_check', '-check_ss_sig'];

/** Kinds of authorities and how OpenSSL makes their keys. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  Ed25519: ['-algorithm', 'ed25519'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  RSA: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => /^OpenSSL [3-9]/.test(stdout),
  () => false,
);

/** A test that needs OpenSSL 3 on the machine, in a directory of its own. */
function interop(title: string, body: (t: ExecutionContext, shell: Shell) => Promise<void>): void {
  test(title, async (t) => {
    if (hasOpenssl) return body(t, shellIn(directoryFor(t)));
    t.log('NOT TESTED: there is no OpenSSL 3 on this machine');
    t.pass();
  });
}

type Shell = ReturnType<typeof shellIn>;

function shellIn(directory: string) {
  const at = (name: string): string => join(directory, name);
  return {
    at,
    write: (name: string, text: string): void => writeFileSync(at(name), text),
    /** What it printed on both streams; rejects where it fails. */
    openssl: async (...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await run('openssl', args, { cwd: directory });
      return stdout + stderr;
    },
  };
}

/** An authority as OpenSSL makes it. */
async function makeRoot({ openssl }: Shell, kind: string): Promise<void> {
  await openssl('genpkey', ...(KINDS[kind] ?? []), '-out', 'ca.key');
  const more = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-subj',
    '/O=Acme/CN=Ünited Nodes',
    '-utf8',
    '-days',
    '30',
    '-out',
    'ca.pem',
    ...more,
  );
}

/** A certificate for a public key as OpenSSL makes it. */
async function issueByOpenssl(
  { openssl, write, at }: Shell,
  options: {
    readonly ca: string;
    readonly out: string;
    readonly publicKeyPem: string;
    readonly extensions: readonly string[];
  },
): Promise<void> {
  const { ca, out, publicKeyPem, extensions } = options;
  write(`${out}.pub`, publicKeyPem);
  write(`${out}.ext`, extensions.join('\n'));
  const signer = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-extfile', at(`${out}.ext`)];
  await openssl(
    'x509',
    '-new',
    '-force_pubkey',
    `${out}.pub`,
    '-subj',
    `/CN=${out}`,
    '-days',
    '10',
    ...signer,
    '-out',
    `${out}.pem`,
  );
}

function nodeKeyPem(): string {
  const x = Buffer.from(alice).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
}

const NODE_EXTENSIONS = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'subjectAltName=URI:logline-id://node/alice',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
];

async function isProof({ at }: Shell, certificate: string, name = 'alice'): Promise<boolean> {
  const credentials = await loadCredentials({ caFile: at('ca.pem'), node: ALICE });
  const chain = (await readCertificates(at(certificate))).map(({ der }) => der);
  return credentials.check(chain, { key: alice, name, nowMs: Date.now() }).ok;
}

interop('what we make verifies strictly in OpenSSL', async (t, shell) => {
  const { openssl, write, at } = shell;
  const nowMs = Date.now();
  const made = await makeAuthority({ name: 'Acme LogLine', days: 3650, nowMs });
  write('ca.pem', made.certificatePem);
  const [certificate] = await readCertificates(at('ca.pem'));
  if (certificate === undefined) return t.fail();
  const authority = { certificate, keyPem: made.keyPem };
  const issue = (days: number): Promise<Uint8Array> =>
    issueCertificate({ authority, node: ALICE, days, nowMs });
  write('alice.pem', pemOf(await issue(365)));
  t.regex(await openssl(...ALL_STRICT, '-CAfile', 'ca.pem', 'alice.pem'), /alice\.pem: OK/);
  t.regex(await openssl(...ALL_STRICT, '-CAfile', 'ca.pem', 'ca.pem'), /ca\.pem: OK/);
  const text = await openssl('x509', '-in', 'alice.pem', '-noout', '-text');
  t.regex(text, /Issuer: CN = Acme LogLine/);
  t.regex(text, /Subject: CN = alice/);
  t.regex(text, /URI:logline-id:\/\/node\/alice/);
  t.regex(text, /CA:FALSE/);

  write('other.pem', (await makeAuthority({ name: 'Acme LogLine', days: 1, nowMs })).certificatePem);
  await t.throwsAsync(openssl(...ALL_STRICT, '-CAfile', 'other.pem', 'alice.pem'));
});

for (const kind of Object.keys(KINDS)) {
  interop(
    `an authority that OpenSSL made with an ${kind} key vouches here, and signs with our command`,
    async (t, shell) => {
      const { openssl, write, at } = shell;
      await makeRoot(shell, kind);
      await issueByOpenssl(shell, {
        ca: 'ca',
        out: 'alice',
        publicKeyPem: nodeKeyPem(),
        extensions: NODE_EXTENSIONS,
      });
      t.regex(await openssl(...ALL_STRICT, '-CAfile', 'ca.pem', 'alice.pem'), /OK/);
      t.true(await isProof(shell, 'alice.pem'));
      t.false(await isProof(shell, 'alice.pem', 'bob'));

      const [certificate] = await readCertificates(at('ca.pem'));
      if (certificate === undefined) return t.fail();
      const keyPem = await openssl('pkey', '-in', 'ca.key');
      const nowMs = Date.now();
      const der = await issueCertificate({
        authority: { certificate, keyPem },
        node: ALICE,
        days: 365,
        nowMs,
      });
      write('ours.pem', pemOf(der));
      t.regex(await openssl(...ALL_STRICT, '-CAfile', 'ca.pem', 'ours.pem'), /OK/);
      t.true(await isProof(shell, 'ours.pem'));
      await makeRoot(shell, kind);
      t.false(await isProof(shell, 'ours.pem'), 'another authority of the same name');
    },
  );
}

interop('OpenSSL and we agree on chains, and on those that are none', async (t, shell) => {
  const { openssl, write } = shell;
  await makeRoot(shell, 'P-256');
  const between = async (out: string, ca: string, extensions: readonly string[]): Promise<void> => {
    await openssl('genpkey', ...(KINDS['Ed25519'] ?? []), '-out', `${out}.key`);
    const publicKeyPem = await openssl('pkey', '-in', `${out}.key`, '-pubout');
    const ids = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid'];
    await issueByOpenssl(shell, { ca, out, publicKeyPem, extensions: [...extensions, ...ids] });
  };
  const CA = 'basicConstraints=critical,CA:TRUE';
  const SIGNS = 'keyUsage=critical,keyCertSign';
  await between('plain', 'ca', [CA, SIGNS]);
  await between('last', 'ca', [`${CA},pathlen:0`, SIGNS]);
  await between('below', 'last', [CA, SIGNS]);
  await between('deep', 'plain', [CA, SIGNS]);
  await between('nosign', 'ca', [CA, 'keyUsage=critical,digitalSignature']);
  await between('noca', 'ca', ['basicConstraints=critical,CA:FALSE', SIGNS]);
  await between('strange', 'ca', [CA, SIGNS, '1.2.3.4=critical,DER:0500']);
  const above: Readonly<Record<string, readonly string[]>> = { below: ['last'], deep: ['plain'] };
  const outcomes: Record<string, boolean> = {};
  for (const ca of ['ca', 'plain', 'last', 'below', 'deep', 'nosign', 'noca', 'strange']) {
    await issueByOpenssl(shell, {
      ca,
      out: 'alice',
      publicKeyPem: nodeKeyPem(),
      extensions: NODE_EXTENSIONS,
    });
    const files = ca === 'ca' ? [] : [ca, ...(above[ca] ?? [])];
    const pems = await Promise.all(files.map((name) => openssl('x509', '-in', `${name}.pem`)));
    write('untrusted.pem', pems.join(''));
    write('chain.pem', (await openssl('x509', '-in', 'alice.pem')) + pems.join(''));
    const untrusted = pems.length > 0 ? ['-untrusted', 'untrusted.pem'] : [];
    const theirs = await openssl(...ALL_STRICT, '-CAfile', 'ca.pem', ...untrusted, 'alice.pem').then(
      () => true,
      () => false,
    );
    const ours = await isProof(shell, 'chain.pem');
    t.is(ours, theirs, ca);
    outcomes[ca] = ours;
  }
  t.deepEqual(outcomes, {
    ca: true,
    plain: true,
    last: true,
    below: false,
    deep: true,
    nosign: false,
    noca: false,
    strange: false,
  });
});
