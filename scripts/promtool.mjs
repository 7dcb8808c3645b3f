// Asks Prometheus' own tool what it thinks of the alert rules, and of what two connected nodes say of themselves.
//
//   npm run promtool
//
// Takes promtool from the path, or out of Debian's package `prometheus`, which is fetched and not installed.
// Says so loudly where there is neither, and exits with 0 then.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../packages/server/dist/index.js';
import { root } from './projects.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'logline-promtool-'));
let failures = 0;

function run(program, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...options });
  return { isDone: status === 0, said: `${stdout ?? ''}${stderr ?? ''}`.trim() };
}

/** Path of promtool; `undefined` where there is none and none can be had. */
function findTool() {
  if (run('promtool', ['--version']).isDone) return 'promtool';
  for (const [program, ...args] of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'download', '-qq', 'prometheus'],
  ])
    run(program, args, { cwd: scratch });
  const archive = readdirSync(scratch).find((name) => name.endsWith('.deb'));
  if (archive === undefined) return undefined;
  run('dpkg-deb', ['-x', join(scratch, archive), join(scratch, 'package')]);
  const tool = join(scratch, 'package', 'usr', 'bin', 'promtool');
  return run(tool, ['--version']).isDone ? tool : undefined;
}

function report(what, isFine, said) {
  if (!isFine) failures++;
  console.log(`${isFine ? '✔' : '✘'} ${what}${isFine || said === '' ? '' : `\n${said}`}`);
}

function checkMetrics(tool, text) {
  const { said } = run(tool, ['check', 'metrics'], { input: text });
  return said.split('\n').filter((line) => line.trim() !== '');
}

/** Two nodes that have met and written something, so that as much as possible has happened. */
async function scrape() {
  const network = {
    networkKey: 'promtool',
    tenants: '*',
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
  };
  const start = (name, peers) =>
    startServer({ ...network, name, dataDir: join(scratch, name), trustedPeers: peers });
  const bob = await start('bob', []);
  const alice = await start('alice', []);
  try {
    const post = async (at, path, body) => {
      const answer = await fetch(at.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    };
    await post(alice, '/v1/trust/establish', { peer_address: bob.url });
    await post(bob, '/v1/trust/establish', { peer_address: alice.url });
    await post(alice, '/v1/timeline/spans?tenant_id=acme', {
      logline_id: 'logline-id://person/ada',
      title: 'x',
    });
    await post(alice, '/v1/sync/timeline', {});
    return await (await fetch(`${alice.url}/metrics`)).text();
  } finally {
    await alice.close();
    await bob.close();
  }
}

try {
  const tool = findTool();
  if (tool === undefined) {
    console.log('SKIPPED: there is no promtool, and Debian’s package `prometheus` cannot be had here');
  } else {
    const rules = run(tool, ['check', 'rules', join(root, 'deploy', 'alerts.yml')]);
    report('promtool check rules deploy/alerts.yml', rules.isDone, rules.said);
    const text = await scrape();
    report('the scrape has series by peer and by tenant', text.includes('tenant="acme",peer='), text);
    const found = checkMetrics(tool, text);
    report('promtool check metrics', found.length === 0, found.join('\n'));
    // A check that cannot fail is none.
    const planted = '# TYPE federation_planted_total gauge\nfederation_planted_total 1\n';
    report('promtool sees what is wrong', checkMetrics(tool, planted).length > 0, 'it found nothing');
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${failures === 0 ? 'everything is fine' : `${failures} failed`}`);
process.exitCode = failures === 0 ? 0 : 1;
