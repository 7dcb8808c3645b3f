/** `id rotate`: gives a stopped node a new key, which its next start makes known to its peers. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-code.js';
import { failed } from '../secret-files.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface RotateOptions {
  readonly dataDir?: string;
  readonly keyPassphraseFile?: string;
}

export function addIdRotate(parent: Command, shell: Shell): void {
  const command = parent
    .command('rotate')
    .description('give a stopped node a new key; its peers follow once it has started again')
    .option('--data-dir <folder>', 'its data directory (default: $FEDERATION_DATA_DIR, then ./data)')
    .option(
      '--key-passphrase-file <file>',
      'the passphrase that encrypts its keys (default: $FEDERATION_KEY_PASSPHRASE_FILE)',
    );
  const examples = [
    'logline federation id rotate --data-dir data',
    'logline federation id rotate --data-dir data --key-passphrase-file passphrase.txt',
  ];
  shell.defineOffline<RotateOptions>(command, examples, async ({ out, io }, options) => {
    const dataDir = options.dataDir ?? (io.env['FEDERATION_DATA_DIR'] || './data');
    const secret = options.keyPassphraseFile ?? (io.env['FEDERATION_KEY_PASSPHRASE_FILE'] || undefined);
    const rotated = await rotate(dataDir, secret).catch((error: unknown) => {
      throw failed('cannot be written', error);
    });
    const { fingerprint, earlier, wasBegun } = rotated;
    if (out.isJson) {
      await out.json({ fingerprint, earlier, already_begun: wasBegun });
      return EXIT.ok;
    }
    await out.facts([
      ['fingerprint', fingerprint],
      ['earlier', `${earlier}${wasBegun ? '  (this rotation had begun before)' : ''}`],
      ['file', safe(rotated.path)],
    ]);
    await out.note(
      'next: start the node. It then states under both keys that the new one follows, ends all that the old one may sign, and forgets the old secret.\n' +
        'Peers follow by themselves, at the latest when they meet it again; those that lack a pinned or confirmed key see the new fingerprint.\n' +
        'A certificate is for one key: where the node has one, issue another before the start, with logline federation cert issue.',
    );
    return EXIT.ok;
  });
}

async function rotate(
  dataDir: string,
  passphraseFile: string | undefined,
): Promise<{
  readonly fingerprint: string;
  readonly earlier: string;
  readonly path: string;
  readonly wasBegun: boolean;
}> {
  const core = await import('@logline/federation-core/node');
  const { fingerprintOf } = await import('@logline/federation-core');
  const path = join(dataDir, core.KEY_FILE);
  const source = { crypto: core.createCrypto(), random: core.createRandom() };
  // First: to lock a directory makes it.
  if ((await core.describeKeys(path, source)).length === 0)
    throw new CliError(
      `${path}: there is no node key; name the data directory with --data-dir, or start the node once`,
    );
  const keys = passphraseFile === undefined ? {} : { passphrase: await core.readPassphrase(passphraseFile) };
  const lock = await core.lockDirectory(dataDir);
  try {
    const wasBegun = (await core.pendingRotation(path, source, keys)) !== undefined;
    const { oldKeyPair, newKeyPair } = await core.beginRotation(path, source, keys);
    const [fingerprint, earlier] = [newKeyPair, oldKeyPair].map(({ publicKey }) => fingerprintOf(publicKey));
    return { fingerprint: fingerprint ?? '', earlier: earlier ?? '', path, wasBegun };
  } finally {
    await lock.release();
  }
}
