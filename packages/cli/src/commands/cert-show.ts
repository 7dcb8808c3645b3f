/** `cert show`: what is in a file of certificates, and how long they hold. */

import type { Command } from 'commander';
import { describeFacts, factsOf } from '../certificates.js';
import { EXIT } from '../exit-code.js';
import { failed } from '../secret-files.js';
import type { Shell } from '../shell.js';

export function addCertShow(parent: Command, shell: Shell): void {
  const command = parent
    .command('show')
    .description('tell what is in a file of certificates')
    .argument('<file>', 'certificates in PEM');
  const examples = [
    'logline federation cert show alice.pem',
    'logline federation cert show ca/ca.pem --json',
  ];
  shell.defineOffline(command, examples, async ({ out }, _options, [file = '']) => {
    const { readCertificates } = await import('@logline/federation-core/node');
    const certificates = await readCertificates(file).catch((error: unknown) => {
      throw failed('cannot be read', error);
    });
    const all = await Promise.all(certificates.map(factsOf));
    if (out.isJson) {
      await out.json({ file, certificates: all });
      return EXIT.ok;
    }
    const options = { nowMs: Date.now(), colors: out.colors };
    for (const [index, facts] of all.entries()) {
      if (index > 0) await out.line();
      await out.facts(describeFacts(facts, options));
    }
    return EXIT.ok;
  });
}
