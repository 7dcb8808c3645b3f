/** Certificates of nodes: whether a peer's chain proves its key and its name under an authority that this node trusts. */

import { X509Certificate, type KeyObject } from 'node:crypto';
import { equalBytes } from '../bytes.js';
import { isNodeName, nodeIdOf } from '../identity.js';
import type { Credentials } from '../ports.js';
import {
  hasKeyUsage,
  KEY_USAGE,
  OID,
  readBasicConstraints,
  readCertificate,
  readOids,
  readUris,
  type CertificateFields,
} from './certificate-der.js';

/** A chain is at most this long, the leaf included. */
export const CHAIN_CERTIFICATES_MAX = 4;
export const CHAIN_BYTES_MAX = 16 * 1024;

/** Who a chain has to speak for. */
export interface CertificateSubject {
  readonly key: Uint8Array;
  readonly name: string;
}

/** When a chain holds: inside the lifetimes of all its certificates, the authority's too. */
export interface Lifetime {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type ChainVerdict =
  | ({ readonly ok: true } & Lifetime)
  | { readonly ok: false; readonly reason: string };

/** A certificate that can be read, and what is in it. */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  readonly fields: CertificateFields;
}

/** Ed25519, ECDSA and RSA (PKCS #1) with SHA-2. */
const SIGNATURE_ALGORITHMS: readonly string[] = [
  '2b6570',
  '2a8648ce3d040302',
  '2a8648ce3d040303',
  '2a8648ce3d040304',
  '2a864886f70d01010b',
  '2a864886f70d01010c',
  '2a864886f70d01010d',
];
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const WEAK = 'has a key that is too weak, or of a kind that is not accepted';
/** What of an extension we act on; another one that is critical refuses the certificate. */
const UNDERSTOOD: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAltName,
  OID.authorityKeyId,
  OID.subjectKeyId,
];
/** What stands before the key in a subject's public key info (RFC 8410). */
const ED25519_INFO = Buffer.from('302a300506032b6570032100', 'hex');

/** Checks chains under `roots`; shows `own`. Both are certificates in DER. */
export function createCredentials(options: {
  readonly roots: readonly ParsedCertificate[];
  readonly own: readonly Uint8Array[];
}): Credentials {
  const { roots, own } = options;
  return {
    own,
    check(chain, { nowMs, ...subject }) {
      if (roots.length === 0) return refused('this node trusts no authority: set FEDERATION_CA_FILE here');
      const verdict = checkChain(chain, roots, subject);
      if (!verdict.ok) return verdict;
      const { notBeforeMs, notAfterMs } = verdict;
      if (nowMs < notBeforeMs) return refused(`the certificate is valid from ${timeOf(notBeforeMs)} on`);
      if (nowMs > notAfterMs) return refused(`the certificate expired at ${timeOf(notAfterMs)}`);
      return { ok: true, notAfterMs };
    },
  };
}

/** Whether a chain leads from one of `roots` to a certificate of `subject`, at whatever time. */
export function checkChain(
  chain: readonly Uint8Array[],
  roots: readonly ParsedCertificate[],
  subject: CertificateSubject,
): ChainVerdict {
  const bytes = chain.reduce((sum, der) => sum + der.length, 0);
  if (chain.length === 0) return refused('no certificate was shown');
  if (chain.length > CHAIN_CERTIFICATES_MAX || bytes > CHAIN_BYTES_MAX)
    return refused(`the chain has ${chain.length} certificates of ${bytes} bytes, which is too much`);
  const certificates = chain.map(parseCertificate);
  const parsed = certificates.filter((certificate) => certificate !== undefined);
  const [leaf, ...authorities] = parsed;
  if (leaf === undefined || parsed.length < certificates.length)
    return refused('a certificate of the chain cannot be read');
  // Before any signature is verified under them: an outlandish key could make that slow.
  if (authorities.some(({ publicKey }) => !isStrong(publicKey)))
    return refused(`an authority of the chain ${WEAK}`);
  const problem = problemOfLeaf(leaf, subject);
  if (problem !== undefined) return refused(problem);

  const path = [leaf];
  for (let current = leaf; ;) {
    // An authority may be shown along with the chain; a node's own certificate is never one.
    const isRoot = ({ der }: ParsedCertificate): boolean => current !== leaf && equalBytes(der, current.der);
    const root = roots.find(isRoot) ?? issuerOf(current, roots);
    if (root !== undefined) return judgePath(equalBytes(root.der, current.der) ? path : [...path, root]);
    const next = authorities.shift();
    if (next === undefined) return refused('the chain does not lead to an authority that is trusted here');
    if (issuerOf(current, [next]) === undefined)
      return refused('a certificate of the chain was not issued by the next one');
    path.push(next);
    current = next;
  }
}

/** `undefined` for bytes that are no certificate, or one whose encoding or key we would rather not interpret. */
export function parseCertificate(der: Uint8Array): ParsedCertificate | undefined {
  const fields = der.length <= CHAIN_BYTES_MAX ? readCertificate(der) : undefined;
  if (fields === undefined) return undefined;
  try {
    const x509 = new X509Certificate(der);
    return { der, x509, publicKey: x509.publicKey, fields };
  } catch {
    return undefined;
  }
}

/** Why a certificate may not sign others; `undefined` where it may. */
export function problemOfAuthority(authority: ParsedCertificate): string | undefined {
  const { fields, publicKey } = authority;
  const constraints = fields.extensions.get(OID.basicConstraints);
  const usage = fields.extensions.get(OID.keyUsage);
  if (constraints === undefined || readBasicConstraints(constraints.value)?.isAuthority !== true)
    return 'is no authority (CA:TRUE is missing)';
  if (usage !== undefined && hasKeyUsage(usage.value, KEY_USAGE.keyCertSign) !== true)
    return 'may not sign certificates (key usage)';
  if (!isStrong(publicKey)) return WEAK;
  return problemOfAny(authority);
}

/** The one node id in a certificate's alternative names; `undefined` where there is none or more than one URI. */
export function nodeIdIn({ fields }: ParsedCertificate): string | undefined {
  const names = fields.extensions.get(OID.subjectAltName);
  const [uri, ...more] = (names && readUris(names.value)) ?? [];
  return more.length > 0 ? undefined : uri;
}

/** The Ed25519 key that a certificate is about; `undefined` for a key of another kind. */
export function nodeKeyIn({ publicKey }: ParsedCertificate): Uint8Array | undefined {
  if (publicKey.asymmetricKeyType !== 'ed25519') return undefined;
  const info = publicKey.export({ type: 'spki', format: 'der' });
  const isPlain = info.length === ED25519_INFO.length + 32 && info.subarray(0, 12).equals(ED25519_INFO);
  return isPlain ? new Uint8Array(info.subarray(12)) : undefined;
}

/** Why a certificate does not speak for a node; `undefined` where it does. */
export function problemOfLeaf(leaf: ParsedCertificate, subject: CertificateSubject): string | undefined {
  const { extensions } = leaf.fields;
  const constraints = extensions.get(OID.basicConstraints);
  const usage = extensions.get(OID.keyUsage);
  const purposes = extensions.get(OID.extendedKeyUsage);
  if (constraints !== undefined && readBasicConstraints(constraints.value)?.isAuthority !== false)
    return 'the certificate is one of an authority, not of a node';
  if (usage !== undefined && hasKeyUsage(usage.value, KEY_USAGE.digitalSignature) !== true)
    return "the certificate's key may not sign (key usage)";
  if (purposes !== undefined && !speaksForPeers(readOids(purposes.value)))
    return 'the certificate is for another purpose (extended key usage)';
  const key = nodeKeyIn(leaf);
  if (key === undefined || !equalBytes(key, subject.key)) return 'the certificate is for another key';
  const named = nodeIdIn(leaf);
  if (named === undefined) return 'the certificate has to have exactly one URI among its alternative names';
  if (!isNodeName(subject.name) || named !== nodeIdOf(subject.name))
    return `the certificate names ${named.slice(0, 100)}, not ${nodeIdOf(subject.name)}`;
  const problem = problemOfAny(leaf);
  return problem === undefined ? undefined : `the certificate ${problem}`;
}

function problemOfAny({ fields }: ParsedCertificate): string | undefined {
  const { version, signatureAlgorithm, extensions } = fields;
  if (version !== 3) return `is of version ${version}, not 3`;
  if (!SIGNATURE_ALGORITHMS.includes(signatureAlgorithm)) return 'is signed in a way that is not accepted';
  // Never ignored, whether marked critical or not: it says what an authority may not vouch for.
  if (extensions.has(OID.nameConstraints)) return 'has name constraints, which are not supported';
  const strange = [...extensions].some(([oid, { isCritical }]) => isCritical && !UNDERSTOOD.includes(oid));
  return strange ? 'has a critical extension that is not known here' : undefined;
}

/** From the leaf to the root: each may vouch for those before it, and all hold at the same time. */
function judgePath(path: readonly ParsedCertificate[]): ChainVerdict {
  let below = 0;
  for (const authority of path.slice(1)) {
    const problem = problemOfAuthority(authority);
    if (problem !== undefined) return refused(`an authority of the chain ${problem}`);
    const constraints = authority.fields.extensions.get(OID.basicConstraints);
    const { pathLength = Infinity } = (constraints && readBasicConstraints(constraints.value)) ?? {};
    if (below > pathLength) return refused('the chain is longer than one of its authorities allows');
    if (!authority.fields.isSelfIssued) below++;
  }
  return {
    ok: true,
    notBeforeMs: Math.max(...path.map(({ fields }) => fields.notBeforeMs)),
    notAfterMs: Math.min(...path.map(({ fields }) => fields.notAfterMs)),
  };
}

/** Which of `candidates` has issued a certificate: by name and key identifier, and by its signature. */
function issuerOf(
  certificate: ParsedCertificate,
  candidates: readonly ParsedCertificate[],
): ParsedCertificate | undefined {
  return candidates.find((candidate) => {
    try {
      return certificate.x509.checkIssued(candidate.x509) && certificate.x509.verify(candidate.publicKey);
    } catch {
      return false;
    }
  });
}

function speaksForPeers(purposes: readonly string[] | undefined): boolean {
  const fitting: readonly string[] = [OID.clientAuth, OID.serverAuth, OID.anyExtendedKeyUsage];
  return purposes?.some((purpose) => fitting.includes(purpose)) === true;
}

function isStrong(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return true;
    case 'ec':
      return CURVES.includes(namedCurve);
    case 'rsa':
      return modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX;
    default:
      return false;
  }
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
