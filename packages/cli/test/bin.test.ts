// The real program: its exit codes, its signals and its pipes.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BIN,
  deadUrl,
  lineOf,
  outcomeOf,
  startBin,
  startNode,
  story,
  temporaryDirectory,
} from './harness.js';

test('the program may be executed as it is', async (t) => {
  await t.notThrowsAsync(access(BIN, constants.X_OK));
});

test('every exit code is what the help says', async (t) => {
  const node = await startNode(t);
  const env = { LOGLINE_FEDERATION_URL: node.url };
  const import_ = ['federation', 'spans', 'import', '--tenant', 'acme'];
  const piped = async (input: string): Promise<number | null> => {
    const child = startBin(import_, env);
    child.stdin.end(input);
    return (await outcomeOf(child)).code;
  };
  t.is(await piped(`${lineOf(1)}\n`), 0);
  t.is(await piped(`${lineOf(1)}\nnothing\n`), 4);
  t.is(await piped('nothing\n'), 1);
  t.is((await outcomeOf(startBin(['federation', 'status'], env))).code, 0);
  t.is((await outcomeOf(startBin(['federation', 'statsu'], env))).code, 2);
  const unreachable = { LOGLINE_FEDERATION_URL: await deadUrl() };
  t.is((await outcomeOf(startBin(['federation', 'status'], unreachable))).code, 3);
});

test('an import that cannot begin does not wait for the end of its pipe', async (t) => {
  const env = { LOGLINE_FEDERATION_URL: await deadUrl() };
  const child = startBin(['federation', 'spans', 'import', '--tenant', 'acme'], env);
  child.stdin.write(`${lineOf(1)}\n`);
  child.stdin.on('error', () => undefined);
  t.is((await outcomeOf(child)).code, 3);
});

test('a reader that has seen enough, as head has, is no failure', async (t) => {
  const node = await startNode(t);
  const env = { LOGLINE_FEDERATION_URL: node.url };
  const loading = startBin(['federation', 'spans', 'import', '--tenant', 'acme'], env);
  loading.stdin.end(story(20_000).join('\n'));
  t.is((await outcomeOf(loading)).code, 0);
  const child = startBin(['federation', 'spans', 'export', '--tenant', 'acme'], env);
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => (err += String(chunk)));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = (await once(child, 'close')) as [number | null];
  t.is(code, 0);
  t.is(err, '');
});

test('Ctrl-C ends a follower cleanly', async (t) => {
  const node = await startNode(t);
  const env = { LOGLINE_FEDERATION_URL: node.url };
  const loading = startBin(['federation', 'spans', 'import', '--tenant', 'acme'], env);
  loading.stdin.end(lineOf(1));
  await outcomeOf(loading);
  const child = startBin(['federation', 'tail', '--tenant', 'acme', '--after', 'start'], env);
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { code, out, err } = await outcomeOf(child);
  t.is(code, 130);
  t.regex(out, /order 1/);
  t.regex(err, /^to go on from here: --after \S+\n$/);
});

test('a program that is not compiled yet says how to compile it', async (t) => {
  const folder = join(await temporaryDirectory(t), 'bin');
  await mkdir(folder);
  const copy = join(folder, 'logline.mjs');
  await copyFile(BIN, copy);
  const { status, stderr } = spawnSync(process.execPath, [copy, 'status'], { encoding: 'utf8' });
  t.is(status, 1);
  t.regex(stderr, /npm run build/);
});
