// Makes the checkout ready to run: installs what the lock names and compiles what changed, or finds within
// milliseconds that there is nothing to do. Safe to run many times at once; a killed run is done again.
// Needs nothing but Node, since it runs before the first install.
//
//   node scripts/ensure.mjs              install and build
//   node scripts/ensure.mjs --install    install only
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
const nodeFits = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installStamp = join(root, 'node_modules', '.installed.stamp');
const buildStamp = join(root, 'node_modules', '.built.stamp');
const lockPath = join(root, '.ensure.lock');

const say = (text) => process.stderr.write(`logline: ${text}\n`);
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const lockDigest = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
const isInstalled = () => readStamp(installStamp) === lockDigest();

async function isBuilt() {
  const { missingOutputs, sourceDigest } = await import('./projects.mjs');
  return readStamp(buildStamp) === sourceDigest() && missingOutputs().length === 0;
}

/** Runs a command to its end, with its output on our stderr; the lock stays in force while it lives. */
function run(command, args, { lock, env = process.env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', 2, 2],
      shell: command === 'npm.cmd',
    });
    if (child.pid) lock.noteChild(child.pid);
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : 15));
    });
  });
}

/** npm keeps a cache in the home folder; where there is none to write to, it goes to the temporary folder. */
function npmEnv() {
  if (process.env.npm_config_cache && canWriteTo(process.env.npm_config_cache)) return process.env;
  const home = homedir();
  if (home && canWriteTo(join(home, '.npm'))) return process.env;
  const cache = join(tmpdir(), `logline-npm-cache-${process.getuid?.() ?? 'user'}`);
  mkdirSync(cache, { recursive: true });
  return { ...process.env, HOME: cache, npm_config_cache: cache };
}

/** Tries rather than asks: some file systems promise what they do not do. */
function canWriteTo(folder) {
  try {
    if (!existsSync(folder)) mkdirSync(folder);
    rmSync(mkdtempSync(join(folder, 'probe-')), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

async function install(lock) {
  const since = performance.now();
  const digest = lockDigest();
  say('installing dependencies (only the first time, or after they change; up to a minute) …');
  rmSync(installStamp, { force: true });
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--prefer-offline',
    '--loglevel=error',
    '--no-progress',
  ];
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js')
    ? [process.execPath, npm]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  const code = await run(command, [...first, ...args], { lock, env: npmEnv() });
  if (code !== 0)
    throw new Error(`npm ci ended with ${code}; its message is above. Run the command again to retry.`);
  writeFileSync(installStamp, digest);
  say(`dependencies installed in ${seconds(since)}`);
}

/** Compiles what changed in these projects and what they need; without folders, in all. */
async function compile(folders, lock) {
  const { missingOutputs, removeStaleOutputs } = await import('./projects.mjs');
  const tsc = (...args) =>
    run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...args], { lock });
  removeStaleOutputs();
  let code = await tsc('-b', ...folders);
  if (code === 0 && missingOutputs(folders).length > 0) code = await tsc('-b', '--force', ...folders);
  if (code !== 0) throw new Error('the sources do not compile; the messages are above');
}

async function build(lock) {
  const { sourceDigest } = await import('./projects.mjs');
  const since = performance.now();
  say('compiling what changed …');
  rmSync(buildStamp, { force: true });
  const digest = sourceDigest();
  await compile([], lock);
  writeFileSync(buildStamp, digest);
  say(`compiled in ${seconds(since)}`);
}

/**
 * Brings the checkout up to date; throws with a message for people if it cannot.
 * `only: 'install'` leaves the build out; `folders` builds just these projects and what they need.
 */
export async function ensure({ only = 'all', folders = [] } = {}) {
  if (!nodeFits) {
    throw new Error(
      `Node ${NODE_MIN.join('.')} or newer is needed; this is ${process.version}. See https://nodejs.org`,
    );
  }
  const isReady = async () => isInstalled() && (only === 'install' || (await isBuilt()));
  if (await isReady()) return;
  const { takeLock } = await import('./lock-file.mjs');
  const lock = await takeLock(lockPath, (holder) => {
    const pid = /"pid":(\d+)/.exec(holder)?.[1] ?? 'unknown';
    say(`process ${pid} is installing or building here; waiting for it (lock file ${lockPath}) …`);
  });
  try {
    if (!isInstalled()) await install(lock);
    if (await isReady()) return;
    if (folders.length > 0) await compile(folders, lock);
    else await build(lock);
  } finally {
    lock.release();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await ensure({ only: process.argv.includes('--install') ? 'install' : 'all' });
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
