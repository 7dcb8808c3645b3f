// Completion: what may come next follows from the commands themselves, and real shells show it.
import test from 'ava';
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseTenant } from '@logline/federation-core';
import { run } from '../dist/index.js';
import { Writable } from 'node:stream';
import { BIN, fakeNode, lineOf, logline, startNode, temporaryDirectory } from './harness.js';

const exec = promisify(execFile);

/** The candidates for a command line, whose last word is being typed. */
async function offered(line: string, url = 'http://127.0.0.1:9'): Promise<readonly string[]> {
  let text = '';
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const io = { stdin: process.stdin, stdout, stderr: stdout, signal: new AbortController().signal };
  await run(['__complete', ...line.split(' ')], { ...io, env: { LOGLINE_FEDERATION_URL: url } });
  return text
    .trimEnd()
    .split('\n')
    .map((one) => one.split('\t', 1).join(''));
}

test('commands, options and closed lists are offered where they may stand', async (t) => {
  t.deepEqual(await offered('fed'), [':words', 'federation']);
  t.deepEqual(await offered('federation tenants g'), [':words', 'grant']);
  t.deepEqual(await offered('federation sync --s'), [':words', '--since']);
  t.deepEqual(await offered('federation trust add --peer x --method '), [
    ':words',
    'signature',
    'certificate',
  ]);
  t.deepEqual(await offered('federation completions '), [':words', 'bash', 'zsh', 'fish']);
  t.deepEqual(await offered('federation sync --since '), [':words']);
  t.deepEqual(await offered('federation spans import '), [':files']);
  t.deepEqual(await offered('federation spans import one.ndjson '), [':files']);
  t.deepEqual(await offered('federation doctor --data-dir '), [':folders']);
  t.deepEqual(await offered('nonsense and more '), [':words', 'federation']);
});

test('peers and tenants of the node are offered, and nothing when it is silent', async (t) => {
  const tenants = ['acme'].flatMap((name) => parseTenant(name) ?? []);
  const node = await startNode(t, { name: 'alice', tenants });
  await logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(lineOf(1))] });
  await logline(node, ['trust', 'add', '--peer', '127.0.0.1:9']);
  t.deepEqual(await offered('federation tail --tenant ', node.url), [':words', 'acme']);
  const peer = 'ws://127.0.0.1:9/v1/federation';
  t.deepEqual(await offered('federation trust revoke ', node.url), [':words', peer]);
  t.deepEqual(await offered('federation sync --peer ws:', node.url), [':words', peer]);
  t.deepEqual(await offered('federation tail --tenant '), [':words']);
});

test('a name that a shell would take for more than a word is not offered', async (t) => {
  const nodes = ['$(touch owned)', '`id`', 'a b', "';x", 'logline-id://node/bob'].map((id) => ({
    id,
    address: id,
  }));
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ nodes }));
  });
  t.deepEqual(await offered('federation trust revoke ', node.url), [':words', 'logline-id://node/bob']);
});

test('bash completes with the script', async (t) => {
  const nodes = [{ id: 'logline-id://node/bob', address: 'x' }];
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ nodes }));
  });
  const folder = await temporaryDirectory(t);
  await mkdir(join(folder, 'bin'));
  await symlink(BIN, join(folder, 'bin', 'logline'));
  await writeFile(join(folder, 'story.ndjson'), '');
  const script = (await logline(node, ['completions', 'bash'])).out;
  const asked = [
    'logline fed',
    'logline federation id r',
    'logline federation trust revoke logline-id://n',
    'logline federation spans import st',
  ];
  const ask = asked.map(
    (line) => `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _logline; echo "\${COMPREPLY[*]}"`,
  );
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    LOGLINE_FEDERATION_URL: node.url,
  };
  // Outside of a completion bash has no options of one to set.
  const text = `${script}\ncompopt() { :; }\n${ask.join('\n')}`;
  const { stdout } = await exec('bash', ['--norc', '-c', text], { env, cwd: folder });
  t.deepEqual(stdout.trimEnd().split('\n'), ['federation', 'rotate', '//node/bob', 'story.ndjson']);
});

for (const shell of ['zsh', 'fish']) {
  test(`${shell} accepts its script`, async (t) => {
    const script = (await logline({ url: 'http://127.0.0.1:9' }, ['completions', shell])).out;
    t.regex(script, /__complete/);
    if (!isThere(shell)) {
      t.log(`SKIPPED: ${shell} is not installed here, so that its script was not parsed by it`);
      return;
    }
    const file = join(await temporaryDirectory(t), `script.${shell}`);
    await writeFile(file, script);
    await t.notThrowsAsync(exec(shell, ['-n', file]));
  });
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
}
