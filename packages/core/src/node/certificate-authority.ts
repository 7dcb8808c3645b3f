/** Making certificates: an authority of one's own, and certificates of nodes that it vouches for. */

// Before @peculiar/x509, which wants it.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from '@peculiar/x509';
import { createPrivateKey, generateKeyPairSync, webcrypto, type KeyObject } from 'node:crypto';
import { LoglineError } from '../errors.js';
import { isNodeName, nodeIdOf } from '../identity.js';
import { pemOf } from './certificate-files.js';
import { problemOfAuthority, type ParsedCertificate } from './certificates.js';
import { isSafePublicKey } from './sodium.js';

/** Certificates begin a little earlier, so that they hold at once where a clock is behind. */
const BACKDATED_MS = 5 * 60_000;
const DAY_MS = 86_400_000;
/** The last instant that a certificate may name in the short form, which all software reads (RFC 5280 §4.1.2.5). */
const LATEST_MS = Date.UTC(2049, 11, 31, 23, 59, 59);
/** SubjectPublicKeyInfo of an Ed25519 key, before the key (RFC 8410). */
const ED25519_INFO = Buffer.from('302a300506032b6570032100', 'hex');
/** Letters, digits and what cannot be mistaken for the syntax of names. */
const AUTHORITY_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,62}[\p{L}\p{N}._-])?$/u;

export interface Authority {
  readonly certificatePem: string;
  /** PKCS #8, not encrypted. */
  readonly keyPem: string;
}

/** Makes an authority with an Ed25519 key of its own. Rejects with `bad_request` for a name or a lifetime that cannot be. */
export async function makeAuthority(options: {
  readonly name: string;
  readonly days: number;
  readonly nowMs: number;
}): Promise<Authority> {
  const { name, days, nowMs } = options;
  if (!AUTHORITY_NAME.test(name))
    throw bad(`expected a name of letters, digits, spaces, ".", "_" and "-", got ${JSON.stringify(name)}`);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const extensions = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(infoOf(publicKey)),
  ];
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: [{ CN: [name] }],
    ...lifetime(nowMs, days, LATEST_MS),
    publicKey: infoOf(publicKey),
    ...(await signWith(privateKey)),
    extensions,
  });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificatePem: pemOf(new Uint8Array(certificate.rawData)), keyPem };
}

/**
 * A certificate for a node's public key, in DER: it ends with the authority's at the latest. Rejects with `bad_request`
 * for a name or a key that no node has, with `bad_configuration` for an authority that cannot sign it.
 */
export async function issueCertificate(options: {
  readonly authority: { readonly certificate: ParsedCertificate; readonly keyPem: string };
  readonly node: { readonly name: string; readonly key: Uint8Array };
  readonly days: number;
  readonly nowMs: number;
}): Promise<Uint8Array> {
  const { authority, node, days, nowMs } = options;
  const { x509, fields } = authority.certificate;
  if (!isNodeName(node.name)) throw bad(`expected the name of a node, got ${JSON.stringify(node.name)}`);
  if (!isSafePublicKey(node.key)) throw bad('expected the key of a node: this one is nobody’s');
  const privateKey = readPrivateKey(authority.keyPem);
  const problem = !x509.checkPrivateKey(privateKey)
    ? 'and its key do not belong together'
    : fields.notAfterMs <= nowMs
      ? `expired at ${new Date(fields.notAfterMs).toISOString()}`
      : problemOfAuthority(authority.certificate);
  if (problem !== undefined)
    throw new LoglineError('bad_configuration', `the authority's certificate ${problem}`);
  const publicKey = Buffer.concat([ED25519_INFO, node.key]);
  const issuer = new X509Certificate(authority.certificate.der);
  const identified = issuer.getExtension(SubjectKeyIdentifierExtension);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    await SubjectKeyIdentifierExtension.create(publicKey),
    identified === null
      ? await AuthorityKeyIdentifierExtension.create(infoOf(authority.certificate.publicKey))
      : new AuthorityKeyIdentifierExtension(identified.keyId),
    new SubjectAlternativeNameExtension([{ type: 'url', value: nodeIdOf(node.name) }]),
  ];
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [node.name] }],
    // The same bytes, whatever kinds of strings it is made of.
    issuer: issuer.subjectName,
    ...lifetime(nowMs, days, fields.notAfterMs),
    publicKey,
    ...(await signWith(privateKey)),
    extensions,
  });
  return new Uint8Array(certificate.rawData);
}

function lifetime(nowMs: number, days: number, latestMs: number): { notBefore: Date; notAfter: Date } {
  if (!(Number.isFinite(days) && days > 0 && days <= 36_500))
    throw bad(`expected days from 1 to 36500, got ${days}`);
  const seconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
  return {
    notBefore: seconds(nowMs - BACKDATED_MS),
    notAfter: seconds(Math.min(nowMs + days * DAY_MS, latestMs)),
  };
}

function infoOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const why = "the authority's key cannot be read: expected an unencrypted private key in PEM";
    throw new LoglineError('bad_configuration', why, { cause });
  }
}

/** The key as WebCrypto has it, which the library signs with. */
async function signWith(key: KeyObject): Promise<{ readonly signingKey: webcrypto.CryptoKey }> {
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) {
    const why =
      "the authority's key is of a kind that cannot sign here: expected Ed25519, P-256, P-384, P-521 or RSA";
    throw new LoglineError('bad_configuration', why);
  }
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return { signingKey: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']) };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  if (asymmetricKeyType === 'ed25519') return { name: 'Ed25519' };
  if (asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curves: Readonly<Record<string, string>> = {
    prime256v1: 'P-256',
    secp384r1: 'P-384',
    secp521r1: 'P-521',
  };
  const namedCurve = curves[asymmetricKeyDetails?.namedCurve ?? ''];
  return namedCurve === undefined ? undefined : { name: 'ECDSA', namedCurve };
}

function bad(why: string): LoglineError {
  return new LoglineError('bad_request', why);
}
