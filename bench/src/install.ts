/** Brings what the other systems need, once; what cannot be had is said loudly, and the benchmark goes on without. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresPrograms } from './drivers/postgres-cluster.js';
import type { System } from './samples.js';

const ROOT = join(import.meta.dirname, '..');
const STAMP = join(ROOT, 'node_modules', '.installed.stamp');
const PROGRESS_MS = 5000;

type Say = (text: string) => void;

/** The systems of those wanted that can run here. */
export async function installPeers(wanted: readonly System[], say: Say): Promise<readonly System[]> {
  const needsPackages = wanted.includes('hypercore') || wanted.includes('postgres');
  const hasPackages = needsPackages && (await installPackages(say));
  const hasPostgres = wanted.includes('postgres') && hasPackages && (await installPostgres(say));
  return wanted.filter((system) => {
    if (system === 'hypercore') return hasPackages;
    if (system === 'postgres') return hasPostgres;
    return true;
  });
}

async function installPackages(say: Say): Promise<boolean> {
  const digest = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return true;
  const code = await run('npm', ['ci', '--ignore-scripts', '--loglevel=error', '--no-progress'], {
    what: 'installing hypercore and the client of PostgreSQL (once)',
    say,
  });
  if (code === 0) {
    writeFileSync(STAMP, digest);
    return true;
  }
  say(
    `SKIPPED: hypercore and PostgreSQL, since npm ci in bench/ ended with ${code}; budgets that need them are missed`,
  );
  return false;
}

async function installPostgres(say: Say): Promise<boolean> {
  if (postgresPrograms() !== undefined) return true;
  if (process.getuid?.() !== 0) {
    say('SKIPPED: PostgreSQL is not installed, and only root can: apt-get install postgresql');
    return false;
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = { what: 'installing PostgreSQL (once)', say, env };
  // Without a refreshed list the package may name files that are gone.
  await run('apt-get', ['update', '-q'], options);
  const code = await run(
    'apt-get',
    ['install', '-q', '-y', '--no-install-recommends', 'postgresql'],
    options,
  );
  if (code === 0 && postgresPrograms() !== undefined) return true;
  say(`SKIPPED: PostgreSQL, since apt-get ended with ${code}; budgets that need it are missed`);
  return false;
}

/** Runs a program in the benchmark's folder to its end, and says every few seconds that it still runs. */
function run(
  program: string,
  args: readonly string[],
  { what, say, env = {} }: { readonly what: string; readonly say: Say; readonly env?: NodeJS.ProcessEnv },
): Promise<number> {
  const sinceMs = performance.now();
  say(`${what} …`);
  const progress = setInterval(() => {
    say(`${what}: ${Math.round((performance.now() - sinceMs) / 1000)} s …`);
  }, PROGRESS_MS);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ...env },
    });
    child.on('error', () => resolve(127)).on('close', (code) => resolve(code ?? 1));
  }).then((code) => {
    clearInterval(progress);
    return code as number;
  });
}
