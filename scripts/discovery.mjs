// Lets real nodes find each other between machines: network namespaces on a bridge, with Avahi and BIND beside them.
//
//   npm run discovery                      all cases; takes a minute or two
//   npm run discovery -- --match='*BIND*'  only cases with such a title
//
// Needs Linux and root. Debian packages that are missing are installed, and no service of theirs is started.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { root } from './projects.mjs';
import { readTap } from './tap.mjs';

/** Programs that the cases run, and the packages that have them. */
const PROGRAMS = {
  'avahi-daemon': 'avahi-daemon',
  'avahi-browse': 'avahi-utils',
  named: 'bind9',
  dig: 'bind9-dnsutils',
  'dbus-daemon': 'dbus',
  ip: 'iproute2',
};

const { values } = parseArgs({ options: { match: { type: 'string', multiple: true, default: [] } } });
process.env.PATH = [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);

function isThere(program) {
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Why the cases cannot run here; `undefined` where they can. */
function obstacle() {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid() !== 0)
    return 'network namespaces need root: run it as root, in a container for instance';
  const missing = Object.keys(PROGRAMS).filter((program) => !isThere(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((program) => PROGRAMS[program]))];
  console.log(`installing ${packages.join(', ')} …`);
  // In runlevel 1 packages start nothing.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  spawnSync('apt-get', ['update', '-q'], options);
  spawnSync('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], options);
  const still = missing.filter((program) => !isThere(program));
  return still.length === 0 ? undefined : `there is no ${still.join(', ')}: install ${packages.join(', ')}`;
}

const tally = { passed: 0, failed: 0 };
const failures = [];

function report({ outcome, title, detail }) {
  const name = title.split(' › ').at(-1);
  const passes = outcome === 'passed';
  tally[passes ? 'passed' : 'failed'] += 1;
  console.log(`${passes ? '✔' : '✘'} ${name}`);
  if (passes) return;
  failures.push(name);
  if (detail !== '') console.log(detail.trimEnd());
}

async function runCases() {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const config = join('test', 'discovery', 'ava.config.mjs');
  const args = [ava, '--tap', '--config', config, ...values.match.flatMap((pattern) => ['--match', pattern])];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((done) => {
    child.on('error', () => done(1)).on('close', (code) => done(code ?? 1));
  });
  await readTap(createInterface({ input: child.stdout }), {
    onTest: report,
    onNote: (line) => console.log(line),
  });
  const code = await closed;
  if (tally.passed + tally.failed === 0) failures.push('no case ran');
  else if (code !== 0 && tally.failed === 0) failures.push(`the test runner ended with ${code}`);
  tally.failed = Math.max(tally.failed, failures.length);
}

const why = obstacle();
if (why === undefined) await runCases();
else console.log(`\nSKIPPED, nothing was shown: ${why}`);
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ✘ ${name}`).join('\n')}`);
console.log(`\n${tally.passed} passed, ${tally.failed} failed${why === undefined ? '' : ', all skipped'}`);
process.exitCode = tally.failed > 0 ? 1 : 0;
