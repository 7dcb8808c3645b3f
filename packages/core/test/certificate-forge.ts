/** Certificates as authorities write them, and as they must not: every field may be another than it should. */

// Before @peculiar/x509, which wants it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { parseCertificate, type ParsedCertificate } from '../dist/node/certificates.js';
import { createCrypto } from '../dist/node/sodium.js';

export const crypto = createCrypto();
export const DAY_MS = 86_400_000;
/** Noon of some day, when the certificates of these tests hold. */
export const NOON_MS = Date.UTC(2031, 4, 1, 12);

export type KeyKind = 'Ed25519' | 'P-256' | 'P-384' | 'RSA-1024' | 'RSA-2048';

export interface Issuer {
  readonly certificate: ParsedCertificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly subject: string;
}

export interface CertificateDraft {
  readonly subject?: string;
  /** Who signs; itself by default. */
  readonly issuer?: Issuer;
  /** An Ed25519 key, raw, in place of one that is made. */
  readonly key?: Uint8Array;
  readonly kind?: KeyKind;
  readonly hash?: 'SHA-1' | 'SHA-256';
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly extensions: readonly x509.Extension[];
}

const INFO = Buffer.from('302a300506032b6570032100', 'hex');
const ALGORITHMS = {
  Ed25519: { name: 'Ed25519' },
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  'RSA-1024': { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
  'RSA-2048': { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
} as const satisfies Record<KeyKind, unknown>;

/** Writes and signs a certificate, whatever it says. */
export async function forge(draft: CertificateDraft): Promise<Issuer> {
  const { subject = 'CN=some', issuer, key, kind = 'Ed25519', hash = 'SHA-256' } = draft;
  const generated: unknown = await webcrypto.subtle.generateKey({ ...ALGORITHMS[kind], hash }, true, [
    'sign',
    'verify',
  ]);
  const keys = generated as webcrypto.CryptoKeyPair;
  const own = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  const publicKey = key === undefined ? own : Buffer.concat([INFO, key]);
  const signer = issuer?.keys ?? keys;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    notBefore: new Date(draft.fromMs ?? NOON_MS - DAY_MS),
    notAfter: new Date(draft.untilMs ?? NOON_MS + DAY_MS),
    publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { name: signer.privateKey.algorithm.name, hash },
    extensions: [...draft.extensions],
  });
  const parsed = parseCertificate(new Uint8Array(certificate.rawData));
  if (parsed === undefined) throw new Error('the forged certificate cannot be read');
  return { certificate: parsed, keys, subject };
}

/** CA:TRUE or not, with a length of the path below or not. */
export function basics(isAuthority: boolean, pathLength?: number): x509.Extension {
  return new x509.BasicConstraintsExtension(isAuthority, pathLength, true);
}

export function usage(flags: x509.KeyUsageFlags): x509.Extension {
  return new x509.KeyUsagesExtension(flags, true);
}

export function names(...uris: readonly string[]): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url', value })));
}

/** Names of any kind. */
export function otherNames(list: x509.JsonGeneralNames): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(list);
}

export function purposes(...oids: string[]): x509.Extension {
  return new x509.ExtendedKeyUsageExtension(oids);
}

/** An extension with whatever value; NULL by default. */
export function strange(
  oid: string,
  options: { readonly isCritical: boolean; readonly value?: string },
): x509.Extension {
  return new x509.Extension(oid, options.isCritical, Buffer.from(options.value ?? '0500', 'hex'));
}

export const SIGN = x509.KeyUsageFlags.digitalSignature;
export const CERT_SIGN = x509.KeyUsageFlags.keyCertSign;

export function authority(draft: Partial<CertificateDraft> = {}): Promise<Issuer> {
  return forge({ subject: 'CN=root', extensions: [basics(true), usage(CERT_SIGN)], ...draft });
}
