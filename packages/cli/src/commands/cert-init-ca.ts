/** `cert init-ca`: makes an authority whose certificates prove the names of nodes. */

import { mkdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { authorityFiles, readDays } from '../certificates.js';
import { EXIT } from '../exit-code.js';
import { failed, writeFiles } from '../secret-files.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface InitOptions {
  readonly out: string;
  readonly name: string;
  readonly days: string;
  readonly force?: boolean;
}

export function addCertInitCa(parent: Command, shell: Shell): void {
  const command = parent
    .command('init-ca')
    .description('make an authority: a key that stays with you, and a certificate for every node')
    .requiredOption('--out <folder>', 'where to put ca.key and ca.pem')
    .option('--name <text>', 'what the authority is called', 'LogLine Federation')
    .option('--days <count>', 'how long its certificate holds', '3650')
    .option(
      '--force',
      'replace an authority that is there: certificates of the old one are then worth nothing',
    );
  const examples = ['logline federation cert init-ca --out ca --name "Acme LogLine"'];
  shell.defineOffline<InitOptions>(command, examples, async ({ out }, options) => {
    const days = readDays(options.days);
    const files = authorityFiles(options.out);
    const { makeAuthority } = await import('@logline/federation-core/authority');
    const nowMs = Date.now();
    try {
      const made = await makeAuthority({ name: options.name, days, nowMs });
      await mkdir(options.out, { recursive: true, mode: 0o700 });
      await writeFiles(
        [
          { path: files.key, text: made.keyPem, mode: 0o600 },
          { path: files.certificate, text: made.certificatePem, mode: 0o644 },
        ],
        { mayReplace: options.force === true },
      );
    } catch (error) {
      throw failed('cannot be made', error);
    }
    if (out.isJson) await out.json({ certificate: files.certificate, key: files.key, name: options.name });
    else {
      await out.facts([
        ['authority', safe(options.name)],
        ['certificate', `${safe(files.certificate)}  (give it to every node as FEDERATION_CA_FILE)`],
        ['key', `${safe(files.key)}  (keep it to yourself: it can name any node)`],
      ]);
      await out.note(
        `next: logline federation cert issue --ca ${options.out} --name <node> --key <fingerprint> --out <node>.pem`,
      );
    }
    return EXIT.ok;
  });
}
