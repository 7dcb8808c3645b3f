/** Signatures and keys of the classes that implementations get wrong: what the crypto port, the gate, certificates and the link say of them. */

import test from 'ava';
import { concatBytes, toHex } from '../dist/bytes.js';
import { issueCertificate, makeAuthority } from '../dist/node/certificate-authority.js';
import { parseCertificate } from '../dist/node/certificates.js';
import { decode, lenientlyVerifies, ORDER, times, TORSION } from './edwards.js';
import { alice, Keeper, NOON_MS, tools, withSignature, Writer, type Forged } from './forge.js';
import { verdict } from './gate-checks.js';
import { makeVectors, type Vector } from './vectors-ed25519.js';

const { crypto, text } = tools;
const DOMAIN = text.encode('logline-federation/entry/1\0');

const messageOf = (_key: Uint8Array, attempt: number): Uint8Array => text.encode(`message ${attempt}`);
const VECTORS = makeVectors(messageOf);

/** How many vectors there are of each kind, so that none gets lost. */
function tally(vectors: readonly Vector[]): Readonly<Record<Vector['verdict'], number>> {
  const count = (kind: Vector['verdict']): number =>
    vectors.filter(({ verdict: said }) => said === kind).length;
  return { good: count('good'), key: count('key'), signature: count('signature') };
}

test('there are vectors of every class, and titles tell them apart', (t) => {
  const { good, key, signature } = tally(VECTORS);
  t.log(`${VECTORS.length} vectors: ${good} good, ${key} with a bad key, ${signature} with a bad signature`);
  t.true(good >= 6 && key >= 60 && signature >= 50);
  t.is(new Set(VECTORS.map(({ title }) => title)).size, VECTORS.length);
});

test('a lenient verifier would take the forgeries that matter, so the vectors bite', (t) => {
  const taken = VECTORS.filter(({ key, signature, attempt }) =>
    lenientlyVerifies(key, messageOf(key, attempt), signature),
  );
  const count = tally(taken);
  t.is(count.good, tally(VECTORS).good);
  t.log(`a lenient verifier takes ${count.key} of bad keys and ${count.signature} bad signatures`);
  // Every encoding of small and mixed orders, S + nL, and what trails.
  t.true(count.key >= 25 && count.signature >= 25, JSON.stringify(count));
});

test('the points of small order are all eight, and nothing else is', (t) => {
  t.is(new Set(TORSION.map(({ x, y }) => `${x} ${y}`)).size, 8);
  for (const point of TORSION) t.deepEqual(times(8n, point), { x: 0n, y: 1n });
  for (const { key } of VECTORS.filter(({ verdict: said }) => said === 'good'))
    t.deepEqual(times(ORDER, decode(key) ?? { x: 0n, y: 0n }), { x: 0n, y: 1n });
});

test('the crypto port answers every vector right', (t) => {
  for (const { title, key, signature, attempt, verdict: expected } of VECTORS) {
    const isSafe = crypto.isSafePublicKey(key);
    const isVerified = crypto.verify(signature, messageOf(key, attempt), key);
    t.is(isSafe, expected !== 'key', title);
    t.is(isSafe && isVerified, expected === 'good', title);
    // Under a key of mixed order only the key's own check can tell: everything else is refused by the signature too.
    const isHidden = title.startsWith('a key of mixed order') && title.endsWith('true');
    t.is(isVerified, expected === 'good' || isHidden, title);
  }
});

test('our arithmetic and the crypto port sign alike', (t) => {
  const [vector] = VECTORS;
  if (vector === undefined) return t.fail();
  const { publicKey, secretKey } = crypto.keyPair(new Uint8Array(32).fill(1));
  t.deepEqual(publicKey, vector.key);
  const message = messageOf(publicKey, 0);
  t.true(lenientlyVerifies(publicKey, message, crypto.sign(message, secretKey)));
  t.true(crypto.verify(vector.signature, message, publicKey));
});

/** An entry that `key` claims to have written; only its stamp differs from one attempt to the next. */
function entryOf(key: Uint8Array, attempt: number): Forged {
  const writer = new Writer({ publicKey: key, secretKey: alice.secretKey });
  return writer.draft({ stamp: { ms: NOON_MS + attempt, count: 0 } });
}

test('the gate accepts the good ones among entries signed in every such way, and names what is wrong with the others', (t) => {
  const vectors = makeVectors((key, attempt) => concatBytes([DOMAIN, entryOf(key, attempt).hash]));
  t.is(vectors.length, VECTORS.length);
  for (const { title, key, signature, attempt, verdict: expected } of vectors) {
    const bytes = withSignature(entryOf(key, attempt).bytes, () => signature);
    const said = verdict(new Keeper().judge(bytes));
    const isWhole = signature.length === 64;
    const wanted = expected === 'good' ? 'accepted' : isWhole ? expected : 'framing';
    t.is(said, wanted, title);
  }
});

test('a signature with more or fewer bytes does not even come through the framing of an entry', (t) => {
  const { bytes } = entryOf(alice.publicKey, 0);
  t.is(verdict(new Keeper().judge(bytes)), 'accepted');
  for (const length of [0, 63, 65, 128]) {
    const cut = withSignature(bytes, (signature) =>
      Uint8Array.from({ length }, (_, at) => signature[at] ?? 0),
    );
    t.is(verdict(new Keeper().judge(cut)), 'framing', `${length} bytes`);
  }
});

test('no certificate is issued for a key that nobody can have', async (t) => {
  const { certificatePem, keyPem } = await makeAuthority({ name: 'Acme', days: 10, nowMs: NOON_MS });
  const der = Buffer.from(certificatePem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
  const certificate = parseCertificate(new Uint8Array(der));
  if (certificate === undefined) return t.fail();
  const keys = new Map(VECTORS.map(({ key, verdict: said }) => [toHex(key), { key, isBad: said === 'key' }]));
  t.true(keys.size > 60);
  for (const { key, isBad } of keys.values()) {
    const issuing = issueCertificate({
      authority: { certificate, keyPem },
      node: { name: 'mallory', key },
      days: 1,
      nowMs: NOON_MS,
    });
    if (isBad) await t.throwsAsync(issuing, { code: 'bad_request', message: /nobody/ });
    else await t.notThrowsAsync(issuing);
  }
});
