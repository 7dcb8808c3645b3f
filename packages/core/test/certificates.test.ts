/** Which chains of certificates prove a node's key and name, and which do not. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { LoglineError } from '../dist/errors.js';
import { issueCertificate, makeAuthority } from '../dist/node/certificate-authority.js';
import { loadAuthorities, loadCredentials, pemOf, readCertificates } from '../dist/node/certificate-files.js';
import { checkChain, createCredentials, nodeIdIn, parseCertificate } from '../dist/node/certificates.js';
import {
  authority,
  basics,
  CERT_SIGN,
  crypto,
  DAY_MS,
  forge,
  names,
  NOON_MS,
  otherNames,
  purposes,
  SIGN,
  strange,
  usage,
  type CertificateDraft,
  type Issuer,
} from './certificate-forge.js';
import { directoryFor } from './key-crash.js';

const alice = crypto.keyPair(new Uint8Array(32).fill(1)).publicKey;
const bob = crypto.keyPair(new Uint8Array(32).fill(2)).publicKey;
const ALICE = { key: alice, name: 'alice' };
const HER_NAME = names('logline-id://node/alice');
const LEAF = [basics(false), usage(SIGN), HER_NAME];

/** What is said of a chain that ends in a certificate for alice, at noon. */
async function verdictOn(
  draft: Partial<CertificateDraft>,
  options: { readonly root?: Issuer; readonly between?: readonly Issuer[] } = {},
): Promise<string> {
  const root = options.root ?? (await authority());
  const between = options.between ?? [];
  const leaf = await forge({
    subject: 'CN=alice',
    key: alice,
    issuer: between[0] ?? root,
    extensions: LEAF,
    ...draft,
  });
  const credentials = createCredentials({ roots: [root.certificate], own: [] });
  const verdict = credentials.check(
    [leaf, ...between].map(({ certificate }) => certificate.der),
    { ...ALICE, nowMs: NOON_MS },
  );
  return verdict.ok ? 'ok' : verdict.reason;
}

test('an authority of our own vouches for a node, for its key and its name, and for a time', async (t) => {
  const made = await makeAuthority({ name: 'Acme LogLine', days: 3650, nowMs: NOON_MS });
  const directory = directoryFor(t);
  const path = join(directory, 'ca.pem');
  writeFileSync(path, made.certificatePem);
  const [certificate] = await loadAuthorities(path);
  if (certificate === undefined) return t.fail();
  const der = await issueCertificate({
    authority: { certificate, keyPem: made.keyPem },
    node: ALICE,
    days: 365,
    nowMs: NOON_MS,
  });
  const credentials = createCredentials({ roots: [certificate], own: [der] });
  const notAfterMs = NOON_MS + 365 * DAY_MS;
  const at = (nowMs: number, peer = ALICE): unknown => {
    const verdict = credentials.check([der], { ...peer, nowMs });
    return verdict.ok ? verdict.notAfterMs : verdict.reason;
  };
  t.is(at(NOON_MS), notAfterMs);
  t.is(at(NOON_MS - 300_000), notAfterMs);
  t.is(at(NOON_MS - 300_001), 'the certificate is valid from 2031-05-01T11:55:00.000Z on');
  t.is(at(notAfterMs), notAfterMs);
  t.is(at(notAfterMs + 1), 'the certificate expired at 2032-04-30T12:00:00.000Z');
  t.is(at(NOON_MS, { ...ALICE, key: bob }), 'the certificate is for another key');
  t.is(
    at(NOON_MS, { ...ALICE, name: 'bob' }),
    'the certificate names logline-id://node/alice, not logline-id://node/bob',
  );
});

test('no bit of a certificate may be another', async (t) => {
  const root = await authority();
  const { certificate } = await forge({ key: alice, issuer: root, extensions: LEAF });
  const credentials = createCredentials({ roots: [root.certificate], own: [] });
  const isProof = (der: Uint8Array): boolean => credentials.check([der], { ...ALICE, nowMs: NOON_MS }).ok;
  t.true(isProof(certificate.der));
  for (let bit = 0; bit < certificate.der.length * 8; bit++) {
    const altered = certificate.der.slice();
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (isProof(altered)) t.fail(`bit ${bit}`);
  }
  for (let length = 0; length < certificate.der.length; length++)
    if (isProof(certificate.der.subarray(0, length))) t.fail(`${length} bytes`);
  t.false(isProof(new Uint8Array([...certificate.der, 0])));
});

test('a chain is bounded before it is read', async (t) => {
  const root = await authority();
  const { certificate } = await forge({ key: alice, issuer: root, extensions: LEAF });
  const check = (chain: readonly Uint8Array[]): string => {
    const verdict = checkChain(chain, [root.certificate], ALICE);
    return verdict.ok ? 'ok' : verdict.reason;
  };
  const { der } = certificate;
  t.is(check([]), 'no certificate was shown');
  t.is(check([der, der, der, der]), 'ok');
  t.regex(check([der, der, der, der, der]), /^the chain has 5 certificates of \d+ bytes, which is too much$/);
  t.regex(check([der, new Uint8Array(16_384 - der.length)]), /cannot be read$/);
  t.regex(check([der, new Uint8Array(16_385 - der.length)]), /too much$/);
  for (const rubbish of [
    new Uint8Array(0),
    new Uint8Array(16_000).fill(0x30),
    Uint8Array.of(0x30, 0x80, 0, 0),
    Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
    Buffer.from('-----BEGIN CERTIFICATE-----\n'),
    Buffer.from(pemOf(der)),
  ]) {
    t.is(check([rubbish]), 'a certificate of the chain cannot be read');
    t.is(check([der, rubbish]), 'a certificate of the chain cannot be read');
  }
});

test('a certificate names one node by one URI', async (t) => {
  const none = 'the certificate has to have exactly one URI among its alternative names';
  const id = 'logline-id://node/alice';
  t.is(await verdictOn({ extensions: [basics(false), names(id)] }), 'ok');
  const dns = { type: 'dns', value: 'alice.example' } as const;
  t.is(await verdictOn({ extensions: [otherNames([dns, { type: 'url', value: id }])] }), 'ok');
  t.is(await verdictOn({ extensions: [] }), none);
  t.is(await verdictOn({ extensions: [otherNames([dns])] }), none);
  t.is(await verdictOn({ extensions: [names(id, id)] }), none);
  t.is(await verdictOn({ extensions: [names(id, 'logline-id://node/bob')] }), none);
  t.is(await verdictOn({ extensions: [names(id, 'https://alice.example')] }), none);
  for (const other of [
    'logline-id://node/alic',
    'logline-id://node/alice/',
    'logline-id://node/Alice',
    'logline-id://person/alice',
    'LOGLINE-ID://node/alice',
    'logline-id://node/alice?x',
    'https://node/alice',
    'alice',
  ]) {
    const said = await verdictOn({ extensions: [names(other)] });
    t.is(said, `the certificate names ${other}, not ${id}`);
  }
});

test('a certificate is for a node, and for proving who it is', async (t) => {
  t.regex(await verdictOn({ extensions: [basics(true), usage(SIGN), HER_NAME] }), /one of an authority/);
  t.regex(await verdictOn({ extensions: [usage(CERT_SIGN), HER_NAME] }), /may not sign \(key usage\)/);
  t.is(await verdictOn({ extensions: [purposes('1.3.6.1.5.5.7.3.2'), HER_NAME] }), 'ok');
  t.is(await verdictOn({ extensions: [purposes('1.3.6.1.5.5.7.3.1'), HER_NAME] }), 'ok');
  t.is(await verdictOn({ extensions: [purposes('2.5.29.37.0'), HER_NAME] }), 'ok');
  t.regex(await verdictOn({ extensions: [purposes('1.3.6.1.5.5.7.3.3'), HER_NAME] }), /another purpose/);
});

test('what is critical and not understood refuses a certificate, and name constraints always do', async (t) => {
  const more = (isCritical: boolean, oid = '1.2.3.4'): Partial<CertificateDraft> => ({
    extensions: [...LEAF, strange(oid, { isCritical })],
  });
  t.is(await verdictOn(more(false)), 'ok');
  t.is(await verdictOn(more(true)), 'the certificate has a critical extension that is not known here');
  for (const isCritical of [false, true]) {
    // Only URIs of the host "node" are permitted.
    const constraints = strange('2.5.29.30', { isCritical, value: '300aa008300686046e6f6465' });
    const extensions = [basics(true), usage(CERT_SIGN), constraints];
    const root = await authority();
    const bound = await authority({ subject: 'CN=between', issuer: root, extensions });
    t.is(
      await verdictOn({}, { root, between: [bound] }),
      'an authority of the chain has name constraints, which are not supported',
    );
  }
});

test('only keys that last are accepted, of nodes and of authorities', async (t) => {
  for (const kind of ['Ed25519', 'P-256', 'P-384', 'RSA-2048'] as const)
    t.is(await verdictOn({}, { root: await authority({ kind }) }), 'ok', kind);
  t.regex(await verdictOn({}, { root: await authority({ kind: 'RSA-1024' }) }), /too weak/);
  const between = [await authority({ kind: 'RSA-1024', subject: 'CN=between' })];
  t.regex(await verdictOn({}, { between }), /too weak/, 'before it is found that nobody vouches for it');
  const sha1 = await authority({ kind: 'RSA-2048', hash: 'SHA-1' });
  t.regex(await verdictOn({ hash: 'SHA-1' }, { root: sha1 }), /signed in a way that is not accepted/);
  const root = await authority();
  const ec = await forge({ kind: 'P-256', issuer: root, extensions: LEAF });
  const verdict = checkChain([ec.certificate.der], [root.certificate], ALICE);
  t.false(verdict.ok);
});

test('an authority may stand between, as far as the one above it allows', async (t) => {
  const withLength = async (length?: number): Promise<string> => {
    const root = await authority({ extensions: [basics(true, length), usage(CERT_SIGN)] });
    const one = await authority({ subject: 'CN=one', issuer: root });
    const two = await authority({ subject: 'CN=two', issuer: one });
    return verdictOn({}, { root, between: [two, one] });
  };
  t.is(await withLength(), 'ok');
  t.is(await withLength(2), 'ok');
  t.is(await withLength(1), 'the chain is longer than one of its authorities allows');
  t.is(await withLength(0), 'the chain is longer than one of its authorities allows');

  const root = await authority();
  const one = await authority({ subject: 'CN=one', issuer: root });
  t.is(await verdictOn({}, { root, between: [one] }), 'ok');
  t.is(await verdictOn({}, { root, between: [one, root] }), 'ok', 'the root may be shown along');
  const short = await authority({ subject: 'CN=one', issuer: root, untilMs: NOON_MS - 1000 });
  t.regex(await verdictOn({}, { root, between: [short] }), /expired/);
});

test('nobody but an authority vouches for others', async (t) => {
  const root = await authority();
  for (const extensions of [
    [basics(false), usage(CERT_SIGN)],
    [usage(CERT_SIGN)],
    [basics(true), usage(SIGN)],
    [basics(false), usage(SIGN), names('logline-id://node/mallory')],
  ]) {
    const mallory = await authority({ subject: 'CN=mallory', issuer: root, extensions });
    t.regex(await verdictOn({}, { root, between: [mallory] }), /an authority of the chain|was not issued by/);
  }
  const stranger = await authority();
  const leads = 'the chain does not lead to an authority that is trusted here';
  const forged = await forge({ key: alice, issuer: stranger, extensions: LEAF });
  const chain = [forged.certificate.der];
  t.like(
    checkChain(chain, [root.certificate], ALICE),
    { ok: false, reason: leads },
    'the same name, another key',
  );
  t.like(checkChain(chain, [], ALICE), { ok: false, reason: leads });
  const self = await forge({ subject: 'CN=alice', key: alice, extensions: LEAF });
  t.like(checkChain([self.certificate.der], [self.certificate], ALICE), { ok: false });
  const one = await authority({ subject: 'CN=one', issuer: root });
  const leaf = await forge({ key: alice, issuer: one, extensions: LEAF });
  t.like(checkChain([leaf.certificate.der], [root.certificate], ALICE), { ok: false, reason: leads });
  t.like(checkChain([one.certificate.der, leaf.certificate.der], [root.certificate], ALICE), { ok: false });
});

test('a chain holds as long as the shortest-lived of its certificates', async (t) => {
  const root = await authority({ untilMs: NOON_MS + 5000, fromMs: NOON_MS - 5000 });
  const { certificate } = await forge({ key: alice, issuer: root, extensions: LEAF });
  const credentials = createCredentials({ roots: [root.certificate], own: [] });
  const at = (nowMs: number): boolean => credentials.check([certificate.der], { ...ALICE, nowMs }).ok;
  t.deepEqual(
    [-5001, -5000, 5000, 5001].map((ms) => at(NOON_MS + ms)),
    [false, true, true, false],
  );
});

test('an authority issues only what it may, and nothing beyond its own end', async (t) => {
  const made = await makeAuthority({ name: 'Acme', days: 10, nowMs: NOON_MS });
  const other = await makeAuthority({ name: 'Acme', days: 10, nowMs: NOON_MS });
  const path = join(directoryFor(t), 'ca.pem');
  writeFileSync(path, made.certificatePem);
  const [certificate] = await readCertificates(path);
  if (certificate === undefined) return t.fail();
  const issue = (
    changes: { keyPem?: string; name?: string; key?: Uint8Array; days?: number; nowMs?: number } = {},
  ): Promise<Uint8Array> => {
    const { keyPem = made.keyPem, name = 'alice', key = alice, days = 365, nowMs = NOON_MS } = changes;
    return issueCertificate({ authority: { certificate, keyPem }, node: { name, key }, days, nowMs });
  };
  const issued = parseCertificate(await issue());
  t.is(issued?.fields.notAfterMs, NOON_MS + 10 * DAY_MS);
  t.is(issued && nodeIdIn(issued), 'logline-id://node/alice');
  const request = { instanceOf: LoglineError, code: 'bad_request' };
  for (const name of ['', '../x', 'a b', 'a'.repeat(65)]) await t.throwsAsync(issue({ name }), request);
  const identity = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
  for (const key of [identity, new Uint8Array(31), new Uint8Array(32).fill(255)])
    await t.throwsAsync(issue({ key }), request);
  for (const days of [0, -1, Number.NaN, 36_501]) await t.throwsAsync(issue({ days }), request);
  const setting = { instanceOf: LoglineError, code: 'bad_configuration' };
  await t.throwsAsync(issue({ keyPem: other.keyPem }), { ...setting, message: /do not belong together/ });
  await t.throwsAsync(issue({ keyPem: 'rubbish' }), { ...setting, message: /key cannot be read/ });
  await t.throwsAsync(issue({ nowMs: NOON_MS + 11 * DAY_MS }), { ...setting, message: /expired at/ });
  for (const name of ['', 'a"b', 'a,CN=b', ' a', 'x'.repeat(65)])
    await t.throwsAsync(makeAuthority({ name, days: 1, nowMs: NOON_MS }), request);
});

test('credentials come from files, and a wrong file says what to do', async (t) => {
  const directory = directoryFor(t);
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const nowMs = NOON_MS;
  const made = await makeAuthority({ name: 'Acme', days: 100, nowMs });
  const other = await makeAuthority({ name: 'Other', days: 100, nowMs });
  const caFile = write('ca.pem', `Both of them:\n${other.certificatePem}\n${made.certificatePem}`);
  const roots = await loadAuthorities(caFile);
  t.is(roots.length, 2);
  const [, certificate] = roots;
  if (certificate === undefined) return t.fail();
  const issue = async (node: { key: Uint8Array; name: string }): Promise<string> =>
    pemOf(await issueCertificate({ authority: { certificate, keyPem: made.keyPem }, node, days: 10, nowMs }));
  const certFile = write('alice.pem', await issue(ALICE));

  const nothing = await loadCredentials({ node: ALICE });
  t.deepEqual([nothing.own, nothing.ownNotAfterMs], [[], undefined]);
  const noAuthority = 'this node trusts no authority: set FEDERATION_CA_FILE here';
  t.like(nothing.check([certificate.der], { ...ALICE, nowMs }), { ok: false, reason: noAuthority });
  const hers = await loadCredentials({ caFile, certFile, node: ALICE });
  t.is(hers.ownNotAfterMs, NOON_MS + 10 * DAY_MS);
  t.like(hers.check(hers.own, { ...ALICE, nowMs }), { ok: true, notAfterMs: NOON_MS + 10 * DAY_MS });
  const alone = await loadCredentials({ certFile, node: ALICE });
  t.is(alone.own.length, 1);

  const setting = { instanceOf: LoglineError, code: 'bad_configuration' };
  const BOB = { key: bob, name: 'bob' };
  await t.throwsAsync(loadCredentials({ caFile, certFile, node: BOB }), {
    ...setting,
    message:
      /alice\.pem: the certificate is for another key \(it is for logline-id:\/\/node\/alice\); make one for this node with: logline federation cert issue --ca <folder> --name bob --key \S+ --out \S+alice\.pem$/,
  });
  const onlyOther = write('other.pem', other.certificatePem);
  await t.throwsAsync(loadCredentials({ caFile: onlyOther, certFile, node: ALICE }), {
    ...setting,
    message: /does not lead to an authority that is trusted here/,
  });
  await t.throwsAsync(loadAuthorities(certFile), { ...setting, message: /certificate 1 is no authority/ });
  await t.throwsAsync(loadAuthorities(write('empty.pem', '')), { ...setting, message: /BEGIN CERTIFICATE/ });
  await t.throwsAsync(loadAuthorities(write('key.pem', made.keyPem)), setting);
  const torn = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  await t.throwsAsync(loadAuthorities(write('torn.pem', torn)), { ...setting, message: /1 cannot be read/ });
  await t.throwsAsync(loadAuthorities(write('many.pem', made.certificatePem.repeat(65))), setting);
  await t.throwsAsync(loadAuthorities(write('huge.pem', 'x'.repeat((1 << 20) + 1))), setting);
  await t.throwsAsync(loadAuthorities(join(directory, 'absent.pem')), { code: 'disk_failed' });
  const long = write('long.pem', (await issue(ALICE)).repeat(5));
  await t.throwsAsync(loadCredentials({ certFile: long, node: ALICE }), {
    ...setting,
    message: /more than 4/,
  });
});
