// A certificate that ends soon is told in time: in the health, as figures, and in the log.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { issueCertificate, makeAuthority } from '@logline/federation-core/authority';
import { openLocalNode, pemOf, readCertificates } from '@logline/federation-core/node';
import { expiryWarning } from '../dist/certificate-expiry.js';
import { startServer, type ServerOptions } from '../dist/index.js';
import { get, serve, temporaryDirectory } from './helpers.js';

const DAY_MS = 24 * 60 * 60_000;
const NOW = Date.UTC(2026, 0, 1);

test('an expiry is told from 30 days before on, with what to do', (t) => {
  t.is(expiryWarning(undefined, NOW), undefined);
  t.is(expiryWarning(NOW + 30 * DAY_MS + 1, NOW), undefined);
  t.regex(
    expiryWarning(NOW + 30 * DAY_MS, NOW) ?? '',
    /expires at 2026-01-31T00:00:00.000Z, in 30 days: issue another/,
  );
  t.regex(expiryWarning(NOW + DAY_MS + 5, NOW) ?? '', /in 1 day:/);
  t.regex(expiryWarning(NOW - 1, NOW) ?? '', /expired at 2025-12-31/);
});

test('a node tells when its certificate ends, and that this is soon', async (t) => {
  const folder = await temporaryDirectory(t);
  const dataDir = join(folder, 'alice');
  const before = await openLocalNode({ dataDir, name: 'alice' });
  await before.close();
  const authority = await makeAuthority({ name: 'ours', days: 400, nowMs: Date.now() });
  const [caFile, certFile] = [join(folder, 'ca.pem'), join(folder, 'alice.pem')];
  await writeFile(caFile, authority.certificatePem);
  const [certificate] = await readCertificates(caFile);
  if (certificate === undefined) return t.fail();
  const issue = async (days: number): Promise<void> => {
    const der = await issueCertificate({
      authority: { certificate, keyPem: authority.keyPem },
      node: { name: 'alice', key: before.keyPair.publicKey },
      days,
      nowMs: Date.now(),
    });
    await writeFile(certFile, pemOf(der));
  };
  const told = async (): Promise<{
    readonly texts: readonly string[];
    readonly warnings: readonly string[];
  }> => {
    const warnings: string[] = [];
    const note = (line: { readonly event: string }): void => void warnings.push(line.event);
    const log = { trace() {}, debug() {}, info() {}, warn: note, error: note, fatal: note };
    const options: ServerOptions = {
      dataDir,
      name: 'alice',
      bindHost: '127.0.0.1',
      bindPort: 0,
      caFile,
      certFile,
    };
    await using server = await startServer(options, log);
    const [health, metrics] = await Promise.all([get(`${server.url}/health`), get(`${server.url}/metrics`)]);
    return { texts: [health.text, metrics.text], warnings };
  };
  await issue(20);
  const soon = await told();
  t.regex(soon.texts[0] ?? '', /"status":"degraded".*expires at .*, in (19|20) days: issue another/);
  t.regex(soon.texts[0] ?? '', /"certificate":\{"status":"expiring","expires_at":"20/);
  t.regex(soon.texts[1] ?? '', /^federation_certificate_expires_soon 1$/m);
  t.regex(soon.texts[1] ?? '', /^federation_certificate_expiry_timestamp_seconds 1\d{9}$/m);
  t.true(soon.warnings.includes('certificate_expiring'));
  await issue(300);
  const later = await told();
  t.regex(later.texts[0] ?? '', /"status":"healthy".*"certificate":\{"status":"ok","expires_at":"20/);
  t.regex(later.texts[1] ?? '', /^federation_certificate_expires_soon 0$/m);
  t.false(later.warnings.includes('certificate_expiring'));
});

test('a node without a certificate says that it has none', async (t) => {
  const { url } = await serve(t);
  t.like((await get(`${url}/health`)).body, { certificate: { status: 'none', expires_at: null } });
  t.false((await get(`${url}/metrics`)).text.includes('certificate'));
});
