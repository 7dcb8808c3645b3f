/** `cert issue`: makes a certificate for a node's name and public key; the node's secret key stays where it is. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { authorityFiles, describeFacts, factsOf, readDays } from '../certificates.js';
import { CliError, EXIT, UsageError } from '../exit-code.js';
import { failed, readSecret, writeFiles } from '../secret-files.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface IssueOptions {
  readonly ca: string;
  readonly name: string;
  readonly key?: string;
  readonly dataDir?: string;
  readonly out: string;
  readonly days: string;
  readonly force?: boolean;
}

export function addCertIssue(parent: Command, shell: Shell): void {
  const command = parent
    .command('issue')
    .description('make a certificate for a node: its name, and its public key, which is its fingerprint')
    .requiredOption('--ca <folder>', 'the folder with ca.key and ca.pem')
    .requiredOption('--name <name>', "the node's name (FEDERATION_NODE_NAME)")
    .option('--key <fingerprint>', "the node's fingerprint, as it prints it at its start and in its status")
    .option('--data-dir <folder>', 'or its data directory, where it is on this machine')
    .requiredOption('--out <file>', 'where to put the certificate')
    .option('--days <count>', 'how long it holds, at most as long as the authority', '365')
    .option('--force', 'replace a file that is there');
  const examples = [
    'logline federation cert issue --ca ca --name alice --key Xn3k… --out alice.pem',
    'logline federation cert issue --ca ca --name alice --data-dir data --out data/alice.pem',
  ];
  shell.defineOffline<IssueOptions>(command, examples, async ({ out }, options) => {
    const days = readDays(options.days);
    const name = options.name.replace(/^logline-id:\/\/node\//, '');
    const files = authorityFiles(options.ca);
    const { pemOf, readCertificates } = await import('@logline/federation-core/node');
    const { issueCertificate } = await import('@logline/federation-core/authority');
    const nowMs = Date.now();
    try {
      const key = await keyOf(options);
      const [certificate] = await readCertificates(files.certificate);
      if (certificate === undefined)
        throw new CliError(`${files.certificate}: there is no certificate in it`);
      const authority = { certificate, keyPem: await readSecret(files.key) };
      const der = await issueCertificate({ authority, node: { name, key }, days, nowMs });
      await writeFiles([{ path: options.out, text: pemOf(der), mode: 0o644 }], {
        mayReplace: options.force === true,
      });
    } catch (error) {
      throw failed('cannot be read', error);
    }
    const [issued] = await readCertificates(options.out);
    if (issued === undefined) throw new CliError(`${options.out}: vanished as soon as it was written`);
    const facts = await factsOf(issued);
    if (out.isJson) await out.json({ file: options.out, ...facts });
    else {
      await out.facts([
        ['certificate', safe(options.out)],
        ...describeFacts(facts, { nowMs, colors: out.colors }),
      ]);
      await out.note(
        `next: on the node set FEDERATION_CERT_FILE to this file, and on every node FEDERATION_CA_FILE to ${files.certificate}`,
      );
    }
    return EXIT.ok;
  });
}

/** The public key that was meant. */
async function keyOf({ key, dataDir }: IssueOptions): Promise<Uint8Array> {
  const { keyOfFingerprint } = await import('@logline/federation-core');
  if ((key === undefined) === (dataDir === undefined))
    throw new UsageError('expected either --key <fingerprint> or --data-dir <folder>');
  if (dataDir === undefined) {
    const bytes = keyOfFingerprint(key ?? '');
    if (bytes !== undefined) return bytes;
    throw new UsageError(`--key: expected a fingerprint of 43 characters, got ${JSON.stringify(key)}`);
  }
  const { createCrypto, createRandom, describeKeys, KEY_FILE } =
    await import('@logline/federation-core/node');
  const path = join(dataDir, KEY_FILE);
  const [current] = await describeKeys(path, { crypto: createCrypto(), random: createRandom() });
  const bytes = current && keyOfFingerprint(current.fingerprint);
  if (bytes !== undefined) return bytes;
  throw new CliError(
    `${path}: there is no node key; start the node once, or give its fingerprint with --key`,
  );
}
