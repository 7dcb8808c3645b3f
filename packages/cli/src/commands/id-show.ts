/** `id show`: which node a data directory belongs to, by its keys; needs no passphrase and no running node. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-code.js';
import { failed } from '../secret-files.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface IdOptions {
  readonly dataDir?: string;
  readonly name?: string;
}

const ROLES = {
  current: 'in use',
  previous: 'replaced; its rotation is published at the next start',
  retired: 'replaced; its secret is gone',
} as const;

export function addIdShow(parent: Command, shell: Shell): void {
  const command = parent
    .command('show')
    .description("show a node's name and the fingerprints of its keys, former ones too")
    .option('--data-dir <folder>', 'its data directory (default: $FEDERATION_DATA_DIR, then ./data)')
    .option('--name <name>', 'its name (default: $FEDERATION_NODE_NAME, then local-node)');
  const examples = [
    'logline federation id show --data-dir data',
    'logline federation id show --json | jq -r .fingerprint',
  ];
  shell.defineOffline<IdOptions>(command, examples, async ({ out, io }, options) => {
    const dataDir = options.dataDir ?? (io.env['FEDERATION_DATA_DIR'] || './data');
    const name = options.name ?? (io.env['FEDERATION_NODE_NAME'] || 'local-node');
    const { createCrypto, createRandom, describeKeys, KEY_FILE } =
      await import('@logline/federation-core/node');
    const path = join(dataDir, KEY_FILE);
    const keys = await describeKeys(path, { crypto: createCrypto(), random: createRandom() }).catch(
      (error: unknown) => {
        throw failed('cannot be read', error);
      },
    );
    const [current] = keys;
    if (current === undefined)
      throw new CliError(
        `${path}: there is no node key; name the data directory with --data-dir, or start the node once`,
      );
    const id = `logline-id://node/${name}`;
    if (out.isJson) {
      const { fingerprint, isEncrypted } = current;
      const all = keys.map((key) => ({
        role: key.role,
        fingerprint: key.fingerprint,
        file: key.file,
        encrypted: key.isEncrypted ?? null,
      }));
      await out.json({ node_id: id, fingerprint, encrypted: isEncrypted, keys: all });
      return EXIT.ok;
    }
    await out.facts([
      ['node', safe(id)],
      ['fingerprint', current.fingerprint],
      ['file', safe(current.file)],
      ['encrypted', current.isEncrypted === true ? 'yes' : 'no (FEDERATION_KEY_PASSPHRASE_FILE encrypts it)'],
    ]);
    for (const { role, fingerprint } of keys.slice(1))
      await out.facts([['former', `${fingerprint}  ${ROLES[role]}`]]);
    return EXIT.ok;
  });
}
