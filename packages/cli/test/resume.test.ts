// Transfers that break: what another run does, and that nothing is lost or stored twice.
import test, { type ExecutionContext } from 'ava';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { eventually } from '@logline/federation-core/testing';
import type { RunningServer } from '@logline/federation-server';
import { lineOf, logline, startNode, temporaryDirectory } from './harness.js';
import { proxyTo, type Trouble } from './proxy.js';

const POST = 'POST /v1/timeline/spans';
/** So long that some twenty fill a part. */
const BULK = 'x'.repeat(100_000);

const bulky = (count: number, members: Readonly<Record<string, unknown>> = {}): string =>
  Array.from({ length: count }, (_, n) => `${lineOf(n, { bulk: BULK, ...members })}\n`).join('');

/** The second upload fails, before or after it reached the node. */
function secondFails(when: 'before' | 'after'): Trouble {
  let uploads = 0;
  return { fails: ({ method }) => (method === 'POST' && ++uploads === 2 ? when : undefined) };
}

/** One node for all, each with a tenant of its own: to start one takes longer than most of these. */
let node: RunningServer;
const ends: (() => unknown)[] = [];
test.before(async () => {
  node = await startNode({ teardown: (end) => void ends.push(end) });
});
test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

function importTo(tenant: string): readonly string[] {
  return ['spans', 'import', '--tenant', tenant];
}

interface Files {
  readonly story: string;
  readonly env: Readonly<Record<string, string>>;
}

async function filesWith(t: ExecutionContext, content: string | Uint8Array): Promise<Files> {
  const folder = await temporaryDirectory(t);
  const story = join(folder, 'story.ndjson');
  await writeFile(story, content);
  return { story, env: { XDG_STATE_HOME: join(folder, 'state') } };
}

test('an import that broke goes on where it stopped, also in a compressed file', async (t) => {
  for (const [tenant, content] of [
    ['plain', bulky(45)],
    ['packed', gzipSync(bulky(45), { level: 1 })],
  ] as const) {
    const import_ = importTo(tenant);
    const { story, env } = await filesWith(t, content);
    const broken = await logline(await proxyTo(t, node, secondFails('before')), [...import_, story], { env });
    t.is(broken.code, 1);
    t.regex(broken.err, /21 spans of 21 lines were stored before it broke off/);
    t.regex(broken.err, /Run the same command again: it goes on where this one stopped/);

    const proxy = await proxyTo(t, node, { fails: () => undefined });
    const { code, out } = await logline(proxy, [...import_, story, '--json'], { env });
    t.is(code, 0);
    t.like(JSON.parse(out), { files: [{ accepted: 45, duplicates: 0, lines: 45, resumed_after_line: 21 }] });
    t.is(proxy.passed.filter((one) => one === POST).length, 2);

    const again = await logline(node, [...import_, story, '--json'], { env });
    t.like(JSON.parse(again.out), { files: [{ accepted: 0, duplicates: 45, resumed_after_line: 0 }] });
  }
});

test('an import that somebody stopped goes on too', async (t) => {
  const import_ = importTo('stopped');
  const { story, env } = await filesWith(t, bulky(45));
  const abort = new AbortController();
  let uploads = 0;
  const proxy = await proxyTo(t, node, {
    fails: ({ method }) => {
      if (method === 'POST' && ++uploads === 2) abort.abort();
      return undefined;
    },
  });
  const stopped = await logline(proxy, [...import_, story], { env, signal: abort.signal });
  t.is(stopped.code, 130);
  t.regex(stopped.err, /21 spans of 21 lines were stored[^]*goes on where this one stopped/);
  const { out } = await logline(node, [...import_, story, '--json'], { env });
  t.like(JSON.parse(out), { files: [{ lines: 45, resumed_after_line: 21, rejected_total: 0 }] });
  t.is([...node.node.status().spans].join().includes('stopped,45'), true);
});

test('spans without an id are not stored twice by an import that is done again', async (t) => {
  const import_ = importTo('nameless');
  const { story, env } = await filesWith(t, bulky(45, { id: undefined, timestamp: undefined }));
  t.is((await logline(await proxyTo(t, node, secondFails('after')), [...import_, story], { env })).code, 1);
  const { out } = await logline(node, [...import_, story, '--json'], { env });
  t.like(JSON.parse(out), { files: [{ accepted: 3, duplicates: 42, rejected_total: 0 }] });
});

test('a file that was changed is imported from its beginning', async (t) => {
  const import_ = importTo('changed');
  const { story, env } = await filesWith(t, bulky(45));
  await logline(await proxyTo(t, node, secondFails('before')), [...import_, story], { env });
  // As long as before, line by line.
  await writeFile(story, bulky(45).replaceAll('-4000-8000-', '-4000-9000-'));
  const { out } = await logline(node, [...import_, story, '--json'], { env });
  t.like(JSON.parse(out), { files: [{ accepted: 45, duplicates: 0, resumed_after_line: 0 }] });
});

test('a node that lost what it had is given everything again', async (t) => {
  const import_ = importTo('lost');
  const { story, env } = await filesWith(t, bulky(45));
  await logline(await proxyTo(t, node, secondFails('before')), [...import_, story], { env });
  // Of the same name, as after a disk was lost.
  const empty = await startNode(t);
  const { out } = await logline(empty, [...import_, story, '--json'], { env });
  t.like(JSON.parse(out), { files: [{ accepted: 45, resumed_after_line: 0 }] });
});

test('an import of stdin says how many lines to skip, and skips them', async (t) => {
  const import_ = importTo('skipped');
  const stdin = (): Buffer[] => [Buffer.from(bulky(30))];
  const broken = await logline(await proxyTo(t, node, secondFails('before')), import_, { stdin: stdin() });
  t.is(broken.code, 1);
  t.regex(broken.err, /with --skip 21, and it goes on behind those lines/);
  const { out } = await logline(node, [...import_, '--skip', '21', '--json'], { stdin: stdin() });
  t.like(JSON.parse(out), { files: [{ accepted: 9, duplicates: 0, lines: 30, resumed_after_line: 21 }] });
  const few = await logline(node, [...import_, '--skip', '29', '--json'], { stdin: stdin() });
  t.like(JSON.parse(few.out), { files: [{ accepted: 0, duplicates: 1, resumed_after_line: 29 }] });
});

test('a line that comes through a pipe is stored while the pipe stays open', async (t) => {
  const import_ = importTo('piped');
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const importing = logline(node, import_, {
    stdin: (async function* () {
      yield Buffer.from(`${lineOf(1)}\n${lineOf(2).slice(0, 20)}`);
      await ended;
      yield Buffer.from(lineOf(2).slice(20));
    })(),
  });
  await eventually('the first line is there', () => [...node.node.status().spans].join().includes('piped,1'));
  end();
  t.regex((await importing).out, /stdin: 2 spans .*2 new/);
});

/** The third page cannot be had. */
function thirdPageFails(): Trouble {
  let pages = 0;
  return {
    fails: ({ method, url }) =>
      method === 'GET' && url.includes('spans') && ++pages === 3 ? 'before' : undefined,
  };
}

for (const name of ['acme.ndjson', 'acme.ndjson.gz']) {
  test(`an export to ${name} that broke goes on where it stopped`, async (t) => {
    const tenant = name.replaceAll('.', '-');
    const lines = Array.from({ length: 3500 }, (_, n) => `${lineOf(n)}\n`).join('');
    await logline(node, importTo(tenant), { stdin: [Buffer.from(lines)] });
    const folder = await temporaryDirectory(t);
    const whole = join(folder, `whole-${name}`);
    const broken = join(folder, name);
    const argv = ['spans', 'export', '--tenant', tenant, '--output'];
    await logline(node, [...argv, whole]);
    const first = await logline(await proxyTo(t, node, thirdPageFails()), [...argv, broken]);
    t.is(first.code, 1);
    t.regex(first.err, /2,000 spans were written before it broke off/);
    t.regex(first.err, /Run the same command again: it goes on where this one stopped/);
    t.deepEqual((await readdir(folder)).toSorted(), [`${name}.part`, `${name}.part.json`, `whole-${name}`]);
    // What came after the last checkpoint, such as before a power cut, is no part of it.
    await appendFile(`${broken}.part`, 'torn'.repeat(100_000));

    const proxy = await proxyTo(t, node, { fails: () => undefined });
    const { code, out } = await logline(proxy, [...argv, broken, '--json']);
    t.is(code, 0);
    t.like(JSON.parse(out), { file: broken, spans: 3500, resumed_after: 2000 });
    t.is(proxy.passed.filter((one) => one === 'GET /v1/timeline/spans').length, 2);
    // No deepEqual: nobody reads the difference of two such texts.
    t.true((await unpacked(broken)) === (await unpacked(whole)));
    t.true((await unpacked(whole)) === lines);
    t.deepEqual((await readdir(folder)).toSorted(), [name, `whole-${name}`]);
  });
}

test('an export that asks for something else does not go on with what another left', async (t) => {
  const lines = Array.from({ length: 2500 }, (_, n) => `${lineOf(n)}\n`).join('');
  await logline(node, importTo('other'), { stdin: [Buffer.from(lines)] });
  const file = join(await temporaryDirectory(t), 'out.ndjson');
  const argv = ['spans', 'export', '--tenant', 'other', '--output', file];
  await logline(await proxyTo(t, node, thirdPageFails()), argv);
  const other = await logline(node, [...argv, '--limit', '10', '--json']);
  t.like(JSON.parse(other.out), { spans: 10, resumed_after: 0 });
  t.is((await readFile(file, 'utf8')).split('\n').length, 11);
  await rm(file);
});

async function unpacked(file: string): Promise<string> {
  const bytes = await readFile(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}
