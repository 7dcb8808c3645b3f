/** A PostgreSQL cluster of its own in a directory: made, started and stopped with the programs of the system's package. */

import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

const PACKAGES_DIR = '/usr/lib/postgresql';

/** Where the newest installed server's programs are; `undefined` where there is none. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(PACKAGES_DIR)) return undefined;
  const versions = readdirSync(PACKAGES_DIR).sort((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => join(PACKAGES_DIR, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}

export class PostgresCluster {
  readonly dataDir: string;
  readonly #dir: string;
  port = 0;

  constructor(dir: string) {
    this.#dir = dir;
    this.dataDir = join(dir, 'pg');
  }

  /** True where it had to be made first. */
  async start(): Promise<boolean> {
    const isNew = !existsSync(this.dataDir);
    if (isNew) await this.#make();
    else this.port = Number(/^port=(\d+)$/m.exec(readFileSync(this.#conf, 'utf8'))?.[1]);
    this.#run('pg_ctl', '-D', this.dataDir, '-w', '-l', join(this.#dir, 'log'), 'start');
    return isNew;
  }

  stop(): void {
    this.#run('pg_ctl', '-D', this.dataDir, '-m', 'fast', 'stop');
  }

  async #make(): Promise<void> {
    // The server refuses to run as root, so its own user must reach the directory.
    chmodSync(dirname(this.#dir), 0o755);
    chmodSync(this.#dir, 0o777);
    this.#run('initdb', '-D', this.dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
    this.port = await freePort();
    const settings = [
      `port=${this.port}`,
      `listen_addresses='127.0.0.1'`,
      `unix_socket_directories='${this.#dir}'`,
      'wal_level=logical',
      'max_wal_senders=10',
      'wal_receiver_status_interval=1s',
      // A subscription that is taken up again soon after a cut would otherwise wait for the rest of five seconds.
      'wal_retrieve_retry_interval=100ms',
    ];
    appendFileSync(this.#conf, `\n${settings.join('\n')}\n`);
  }

  get #conf(): string {
    return join(this.dataDir, 'postgresql.conf');
  }

  #run(program: string, ...args: readonly string[]): void {
    const path = join(postgresPrograms() ?? '', program);
    const command = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', path] : [path];
    const [first = path, ...rest] = [...command, ...args];
    execFileSync(first, rest, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
