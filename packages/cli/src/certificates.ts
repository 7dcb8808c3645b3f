/** What the commands about certificates share: the files of an authority, lifetimes, and how a certificate is told. */

import { join } from 'node:path';
import type { ParsedCertificate } from '@logline/federation-core/node';
import { UsageError } from './exit-code.js';
import type { Colors } from './output.js';
import { counted, safe } from './text.js';

const DAY_MS = 86_400_000;
/** From then on an end is near: the same as where a node warns. */
const SOON_DAYS = 30;

/** Where an authority's certificate and its key are in its folder. */
export function authorityFiles(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'ca.pem'), key: join(folder, 'ca.key') };
}

export function readDays(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 36_500)
    throw new UsageError(`--days: expected a whole number from 1 to 36500, got ${JSON.stringify(text)}`);
  return Number(text);
}

/** A certificate as programs read it. */
export interface CertificateFacts {
  readonly kind: 'authority' | 'node' | 'other';
  readonly node_id: string | null;
  readonly fingerprint: string | null;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly sha256: string;
  readonly not_before: string;
  readonly not_after: string;
}

/** Loaded only where it is needed: the core takes a moment. */
export async function factsOf(certificate: ParsedCertificate): Promise<CertificateFacts> {
  const { nodeIdIn, nodeKeyIn, problemOfAuthority } = await import('@logline/federation-core/node');
  const { fingerprintOf } = await import('@logline/federation-core');
  const { x509, fields } = certificate;
  const isAuthority = problemOfAuthority(certificate) === undefined;
  const nodeId = isAuthority ? undefined : nodeIdIn(certificate);
  const key = isAuthority ? undefined : nodeKeyIn(certificate);
  const isNode = nodeId !== undefined && key !== undefined;
  return {
    kind: isAuthority ? 'authority' : isNode ? 'node' : 'other',
    node_id: nodeId ?? null,
    fingerprint: key === undefined ? null : fingerprintOf(key),
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    serial: x509.serialNumber,
    sha256: x509.fingerprint256,
    not_before: new Date(fields.notBeforeMs).toISOString(),
    not_after: new Date(fields.notAfterMs).toISOString(),
  };
}

/** Name and value, for people. */
export function describeFacts(
  facts: CertificateFacts,
  options: { readonly nowMs: number; readonly colors: Colors },
): readonly (readonly [string, string])[] {
  const { kind, node_id, fingerprint, subject, issuer, serial, sha256, not_before, not_after } = facts;
  return [
    ['for', kind === 'authority' ? `the authority ${safe(subject)}` : safe(node_id ?? subject)],
    ...(fingerprint === null ? [] : [['fingerprint', fingerprint] as const]),
    ['issued by', subject === issuer ? 'itself' : safe(issuer)],
    ['valid from', not_before],
    ['valid until', `${not_after} (${remaining(facts, options)})`],
    ['serial', serial],
    ['sha-256', sha256],
  ];
}

function remaining(
  { not_before, not_after }: CertificateFacts,
  { nowMs, colors }: { readonly nowMs: number; readonly colors: Colors },
): string {
  if (nowMs < Date.parse(not_before)) return colors.yellow('not yet valid');
  const days = Math.floor((Date.parse(not_after) - nowMs) / DAY_MS);
  if (nowMs > Date.parse(not_after)) return colors.red('expired');
  const text = `${counted(days, 'day')} left`;
  return days < SOON_DAYS ? colors.yellow(text) : text;
}

/** Node tells a name line by line. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').filter(Boolean).join(', ');
}
