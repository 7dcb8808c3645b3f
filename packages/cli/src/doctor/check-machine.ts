/** Whether this machine gives a node what it needs: its key file, room on the disk, multicast. */

import { createSocket } from 'node:dgram';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { bytesText } from '../text.js';
import { problem, skipped, warning, well, type Finding } from './finding.js';

const FOR_GROUP_OR_WORLD = 0o077;
const ROOM_WARNED_BYTES = 1024 ** 3;
const ROOM_LEAST_BYTES = 64 * 1024 ** 2;
const ROOM_WARNED_SHARE = 0.05;
const MDNS = { port: 5353, group: '224.0.0.251' };

interface KeyOptions {
  /** Of the node that answers, where one does. */
  readonly fingerprint: string | undefined;
  /** Whether its environment names a file with a passphrase. */
  readonly hasPassphrase: boolean | undefined;
}

/** The key file in a data directory: there, for its owner alone, whole, and that of the node that answers. */
export async function checkKey(dataDir: string, options: KeyOptions): Promise<readonly Finding[]> {
  const { createCrypto, createRandom, describeKeys, KEY_FILE } =
    await import('@logline/federation-core/node');
  const path = join(dataDir, KEY_FILE);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error)
    return found.code === 'ENOENT'
      ? [skipped('key', `${path} is not there: name the data directory with --data-dir`)]
      : [problem('key', `${path} cannot be looked at (${found.code ?? found.message})`, `ls -l '${path}'`)];
  if ((found.mode & FOR_GROUP_OR_WORLD) !== 0)
    return [
      problem(
        'key',
        `other users can reach the node's key ${path}`,
        `chmod 600 '${path}'   # and rotate it, if somebody may have read it`,
      ),
    ];
  const keys = await describeKeys(path, { crypto: createCrypto(), random: createRandom() }).catch(
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  if (keys instanceof Error)
    return [
      problem(
        'key',
        keys.message,
        `cp <backup of node.key> '${path}'   # from the backup of the data directory`,
      ),
    ];
  const [current] = keys;
  if (current === undefined) return [skipped('key', `${path} is gone`)];
  const { fingerprint, hasPassphrase } = options;
  if (fingerprint !== undefined && fingerprint !== current.fingerprint)
    return [
      problem(
        'key',
        `${path} is the key ${current.fingerprint}, and the node that answers has ${fingerprint}`,
        'export LOGLINE_FEDERATION_URL=<the node of this data directory>   # or name its own with --data-dir',
      ),
    ];
  if (current.isEncrypted === true && hasPassphrase === false)
    return [
      problem(
        'key',
        `${path} is encrypted, and no passphrase is configured: the next start fails`,
        'FEDERATION_KEY_PASSPHRASE_FILE=<the file with its passphrase>',
      ),
    ];
  const match = fingerprint === undefined ? '' : ', and the node uses it';
  return [well('key', `${path} is whole, for its owner alone${match}`)];
}

/** Whether the data directory can be written, and for how long there is room. */
export async function checkDisk(dataDir: string): Promise<readonly Finding[]> {
  try {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bsize, bavail, blocks, ffree, files } = await statfs(dataDir);
    const free = bsize * bavail;
    const room = `${bytesText(free)} of ${bytesText(bsize * blocks)} are free for ${dataDir}`;
    if (files > 0 && ffree === 0)
      return [
        problem(
          'disk',
          `no file can be made in ${dataDir}: the file system has no inodes left`,
          `df -i '${dataDir}'`,
        ),
      ];
    if (free < ROOM_LEAST_BYTES)
      return [problem('disk', room, `df -h '${dataDir}'   # make room before the node stops`)];
    if (free < ROOM_WARNED_BYTES || free < ROOM_WARNED_SHARE * bsize * blocks)
      return [warning('disk', room, `df -h '${dataDir}'   # make room, or move the data directory`)];
    return [well('disk', room)];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return [skipped('disk', `${dataDir} is not there: name the data directory with --data-dir`)];
    return [
      problem(
        'disk',
        `${dataDir} cannot be written by this user (${code ?? message})`,
        code === 'EROFS' ? `mount -o remount,rw <device of ${dataDir}>` : `chown -R $(id -u) '${dataDir}'`,
      ),
    ];
  }
}

/** Whether multicast DNS can work on this machine. */
export async function checkMulticast(
  mdns: { readonly port: number; readonly group: string } = MDNS,
): Promise<readonly Finding[]> {
  const outside = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && one.family === 'IPv4');
  if (outside.length === 0)
    return [
      warning(
        'mdns',
        'this machine has no network but itself: nobody can be found by multicast DNS',
        'ip link   # bring up an interface, or list peers in FEDERATION_TRUSTED_PEERS',
      ),
    ];
  const code = await joinGroup(mdns);
  if (code === undefined) return [well('mdns', 'multicast DNS can be heard on this machine')];
  return [
    warning(
      'mdns',
      code === 'EADDRINUSE'
        ? `another program keeps UDP port ${mdns.port} to itself`
        : `multicast DNS cannot be heard (${code})`,
      code === 'EADDRINUSE'
        ? `ss -ulpn 'sport = :${mdns.port}'   # let it share the port, or stop it`
        : 'ip maddr   # the interface has to allow multicast',
    ),
  ];
}

function joinGroup({
  port,
  group,
}: {
  readonly port: number;
  readonly group: string;
}): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const end = (code: string | undefined): void => {
      socket.close();
      resolve(code);
    };
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.bind(port, () => {
      try {
        socket.addMembership(group);
        end(undefined);
      } catch (error) {
        end((error as NodeJS.ErrnoException).code ?? 'unknown');
      }
    });
  });
}
