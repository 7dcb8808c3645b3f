/** Certificates in files: the authorities that a node trusts, and the chain that it shows. */

import { readFile } from 'node:fs/promises';
import { LoglineError } from '../errors.js';
import { fingerprintOf } from '../identity.js';
import type { Credentials } from '../ports.js';
import {
  CHAIN_BYTES_MAX,
  CHAIN_CERTIFICATES_MAX,
  checkChain,
  createCredentials,
  nodeIdIn,
  parseCertificate,
  problemOfAuthority,
  problemOfLeaf,
  type CertificateSubject,
  type ParsedCertificate,
} from './certificates.js';
import { diskError } from './directory-disk.js';

const FILE_BYTES_MAX = 1 << 20;
const AUTHORITIES_MAX = 64;
const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;

/** Credentials from files, and how long our own last. */
export interface FileCredentials extends Credentials {
  /** When the first certificate of our own chain expires; undefined without one. */
  readonly ownNotAfterMs: number | undefined;
}

/**
 * Reads the authorities of `caFile` and the chain of `certFile`; either may be absent. Rejects with `bad_configuration`
 * for an authority that is none and for a chain that is not this node's, with `disk_failed` for files that cannot be
 * read. A chain that has expired is no error: peers that know this node already need none.
 */
export async function loadCredentials(options: {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly node: CertificateSubject;
}): Promise<FileCredentials> {
  const { caFile, certFile, node } = options;
  const roots = caFile === undefined ? [] : await loadAuthorities(caFile);
  if (certFile === undefined) return { ...createCredentials({ roots, own: [] }), ownNotAfterMs: undefined };
  const own = await readCertificates(certFile);
  const problem = problemOfOwn(own, roots, node);
  if (problem !== undefined) {
    const line = `logline federation cert issue --ca <folder> --name ${node.name} --key ${fingerprintOf(node.key)} --out ${certFile}`;
    throw badFile(certFile, `${problem}; make one for this node with: ${line}`);
  }
  const ownNotAfterMs = Math.min(...own.map(({ fields }) => fields.notAfterMs));
  return { ...createCredentials({ roots, own: own.map(({ der }) => der) }), ownNotAfterMs };
}

/** The authorities in a PEM file, at least one. */
export async function loadAuthorities(path: string): Promise<readonly ParsedCertificate[]> {
  const authorities = await readCertificates(path);
  if (authorities.length > AUTHORITIES_MAX)
    throw badFile(path, `has ${authorities.length} certificates, at most ${AUTHORITIES_MAX}`);
  for (const [index, authority] of authorities.entries()) {
    const problem = problemOfAuthority(authority);
    if (problem !== undefined) throw badFile(path, `certificate ${index + 1} ${problem}`);
  }
  return authorities;
}

/** The certificates in a PEM file, at least one, in their order; other text between them is passed over. */
export async function readCertificates(path: string): Promise<readonly ParsedCertificate[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw diskError({ doing: 'read the certificates in', path }, error);
  });
  if (bytes.length > FILE_BYTES_MAX)
    throw badFile(path, `has ${bytes.length} bytes, at most ${FILE_BYTES_MAX}`);
  const blocks = [...bytes.toString('latin1').matchAll(BLOCK)].map(([, block = '']) => block);
  if (blocks.length === 0)
    throw badFile(path, 'has no certificate: expected -----BEGIN CERTIFICATE----- and what follows it');
  return blocks.map((block, index) => {
    const parsed = parseCertificate(new Uint8Array(Buffer.from(block, 'base64')));
    if (parsed === undefined) throw badFile(path, `certificate ${index + 1} cannot be read`);
    return parsed;
  });
}

/** A certificate in PEM. */
export function pemOf(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${(lines ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

function problemOfOwn(
  own: readonly ParsedCertificate[],
  roots: readonly ParsedCertificate[],
  node: CertificateSubject,
): string | undefined {
  const bytes = own.reduce((sum, { der }) => sum + der.length, 0);
  if (own.length > CHAIN_CERTIFICATES_MAX || bytes > CHAIN_BYTES_MAX)
    return `${own.length} certificates of ${bytes} bytes are more than ${CHAIN_CERTIFICATES_MAX} of ${CHAIN_BYTES_MAX}`;
  const [leaf] = own;
  const problem = leaf && problemOfLeaf(leaf, node);
  if (leaf !== undefined && problem !== undefined)
    return `${problem} (it is for ${nodeIdIn(leaf) ?? 'no node'})`;
  // Peers may trust other authorities than this node does; if they are the same, a mistake is told at once.
  if (roots.length === 0) return undefined;
  const verdict = checkChain(
    own.map(({ der }) => der),
    roots,
    node,
  );
  return verdict.ok ? undefined : verdict.reason;
}

function badFile(path: string, why: string): LoglineError {
  return new LoglineError('bad_configuration', `${path}: ${why}`);
}
