// Spans in bulk: what goes in comes out, what is refused is named, and what is watched shows how far it is.
import test from 'ava';
import { access, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { eventually, HostilePeer } from '@logline/federation-core/testing';
import { leftText } from '../dist/progress.js';
import { deadUrl, fakeNode, lineOf, logline, startNode, story, temporaryDirectory } from './harness.js';

const idOf = (n: number): string => String((JSON.parse(lineOf(n)) as { readonly id: unknown }).id);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

test('a compressed file that is imported comes out of an export again, byte for byte', async (t) => {
  const node = await startNode(t);
  const folder = await temporaryDirectory(t);
  const lines = story(2500);
  const file = join(folder, 'story.ndjson.gz');
  await writeFile(file, gzipSync(text(lines.toReversed())));
  const first = await logline(node, ['spans', 'import', file, '--tenant', 'acme']);
  t.is(first.code, 0, first.err);
  t.regex(first.out, /2,500 spans in .*: 2,500 new, 0 already there/);
  const again = await logline(node, ['spans', 'import', file, '--tenant', 'acme', '--json']);
  t.is(again.code, 0);
  t.like(JSON.parse(again.out), { files: [{ file, accepted: 0, duplicates: 2500 }] });

  t.is((await logline(node, ['spans', 'export', '--tenant', 'acme'])).out, text(lines));
  const plain = join(folder, 'out.ndjson');
  t.is((await logline(node, ['spans', 'export', '--tenant', 'acme', '--output', plain])).code, 0);
  t.is(await readFile(plain, 'utf8'), text(lines));
  const packed = join(folder, 'out.ndjson.gz');
  const exported = await logline(node, ['spans', 'export', '--tenant', 'acme', '--output', packed, '--json']);
  t.like(JSON.parse(exported.out), { file: packed, spans: 2500 });
  t.is(gunzipSync(await readFile(packed)).toString('utf8'), text(lines));
});

test('spans come from stdin too, plain or compressed, in whatever pieces', async (t) => {
  const node = await startNode(t);
  const packed = gzipSync(text(story(4)));
  const pieces = [packed.subarray(0, 1), packed.subarray(1, 20), packed.subarray(20)];
  const import_ = ['spans', 'import', '-', '--tenant', 'acme', '--json'];
  t.like(JSON.parse((await logline(node, import_, { stdin: pieces })).out), { files: [{ accepted: 4 }] });
  const plain = [Buffer.from(text(story(5)))];
  t.like(JSON.parse((await logline(node, import_, { stdin: plain })).out), {
    files: [{ file: 'stdin', accepted: 1, duplicates: 4 }],
  });
  t.like(JSON.parse((await logline(node, import_)).out), { files: [{ accepted: 0 }] });
});

test('an export holds what its options ask for', async (t) => {
  const node = await startNode(t);
  const lines = [
    lineOf(0, { status: 'ghost', tags: ['red'] }),
    lineOf(1, { author: 'ann', tags: ['red', 'blue'] }),
    lineOf(2, { author: 'ann' }),
  ];
  await logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(text(lines))] });
  const exported = async (...options: string[]): Promise<string> =>
    (await logline(node, ['spans', 'export', '--tenant', 'acme', ...options])).out;
  t.is(await exported('--author', 'ann'), text(lines.slice(1)));
  t.is(await exported('--tag', 'red'), text(lines.slice(0, 2)));
  t.is(await exported('--status', 'ghost'), text(lines.slice(0, 1)));
  t.is(
    await exported('--since', '2025-01-01T00:00:01Z', '--until', '2025-01-01T00:00:02Z'),
    text(lines.slice(1, 2)),
  );
  t.is(await exported('--limit', '2'), text(lines.slice(0, 2)));
  t.is(await exported('--tag', 'green'), '');
});

test('lines that are refused are named, the others are stored, and the exit code says so', async (t) => {
  const node = await startNode(t);
  const lines = [lineOf(0), '', lineOf(1, { timestamp: 'soon' }), lineOf(2)];
  const file = join(await temporaryDirectory(t), 'mixed.ndjson');
  await writeFile(file, text(lines));
  const { code, out } = await logline(node, ['spans', 'import', file, '--tenant', 'acme']);
  t.is(code, 4);
  t.regex(out, /3 spans .*2 new.*1 rejected/);
  t.true(out.includes(`${file}:3: timestamp: expected RFC 3339`), out);

  const stdin = [Buffer.from(text(['nothing', '[]']))];
  t.is((await logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin })).code, 1);
});

test('a file that cannot be read fails before anything is sent', async (t) => {
  let asked = 0;
  const node = await fakeNode(t, (_request, response) => void response.writeHead(500).end(String(++asked)));
  const folder = await temporaryDirectory(t);
  const good = join(folder, 'good.ndjson');
  await writeFile(good, text(story(1)));
  for (const [path, message] of [
    [join(folder, 'none.ndjson'), /there is no such file/],
    [folder, /is a directory/],
  ] as const) {
    const { code, err } = await logline(node, ['spans', 'import', good, path]);
    t.is(code, 1);
    t.regex(err, message);
  }
  t.is(asked, 0);
});

test('a compressed file that breaks off is an error, not a short import', async (t) => {
  const node = await startNode(t);
  const file = join(await temporaryDirectory(t), 'cut.ndjson.gz');
  const packed = gzipSync(text(story(100)));
  await writeFile(file, packed.subarray(0, packed.length / 2));
  const { code, err } = await logline(node, ['spans', 'import', file, '--tenant', 'acme']);
  t.is(code, 1);
  t.true(err.includes(`${file}: the compressed data breaks off`), err);
});

test('an export that fails leaves no file that looks whole, and an earlier one as it was', async (t) => {
  const folder = await temporaryDirectory(t);
  const file = join(folder, 'out.ndjson');
  const page = `{"spans":[${lineOf(1)}],"next_cursor":"p1"}`;
  const node = await fakeNode(t, (request, response) => {
    const isFirst = request.url?.includes('cursor') === false;
    response
      .writeHead(isFirst ? 200 : 500, { 'content-type': 'application/json' })
      .end(isFirst ? page : '{}');
  });
  t.is((await logline(node, ['spans', 'export', '--tenant', 'acme', '--output', file])).code, 1);
  await t.throwsAsync(access(file));
  t.deepEqual((await readdir(folder)).toSorted(), ['out.ndjson.part', 'out.ndjson.part.json']);

  await writeFile(file, 'from yesterday');
  t.is((await logline(node, ['spans', 'export', '--tenant', 'acme', '--output', file])).code, 1);
  t.is(await readFile(file, 'utf8'), 'from yesterday');

  const nowhere = join(folder, 'no', 'such', 'out.ndjson');
  const { code, err } = await logline(node, ['spans', 'export', '--tenant', 'acme', '--output', nowhere]);
  t.is(code, 1);
  t.regex(err, /cannot be written/);
  await t.throwsAsync(access(nowhere));
});

test('who watches sees how far an import is and how fast; a pipe gets none of it', async (t) => {
  const node = await startNode(t);
  const file = join(await temporaryDirectory(t), 'story.ndjson');
  await writeFile(file, text(story(5000)));
  const argv = ['spans', 'import', file, '--tenant', 'acme'];
  const watched = await logline(node, argv, { isTTY: true });
  t.regex(watched.err, /[█░].*\d+ %.*spans.*\/s {2}\d+ s left/);
  const exported = ['spans', 'export', '--tenant', 'acme', '--output', `${file}.gz`];
  t.regex(
    (await logline(node, exported, { isTTY: true })).err,
    /[█░].* \d+ % {2}[\d,]+ spans {2}[\d,]+\/s {2}\d+ s left/,
  );
  t.is((await logline(node, argv)).err, '');
  t.is((await logline(node, [...argv, '--json'], { isTTY: true })).err, '');
});

test('the time that is left is told as people tell it, and not where nobody knows', (t) => {
  t.is(leftText(1000, 1), '1 s left');
  t.is(leftText(250_000, 1), '4 min 10 s left');
  t.is(leftText(7_380_000, 1), '2 h 3 min left');
  t.is(leftText(10, 0), '');
  t.is(leftText(0, Number.NaN), '');
});

test('a follower prints what comes until it is interrupted, and says where to go on', async (t) => {
  const node = await startNode(t);
  const abort = new AbortController();
  const begin = (lines: readonly string[]): Promise<unknown> =>
    logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(text(lines))] });
  await begin([lineOf(1)]);
  let seen = '';
  const tail = logline(node, ['tail', '--tenant', 'acme', '--after', 'start', '--json'], {
    signal: abort.signal,
    onOut: (out) => (seen = out),
  });
  await eventually('the first span is shown', () => seen.includes('order 1'));
  await begin([lineOf(2)]);
  await eventually('the second span is shown', () => seen.includes('order 2'));
  abort.abort();
  const { code, out } = await tail;
  t.is(code, 130);
  t.is(out, text([lineOf(1), lineOf(2)]));

  const again = new AbortController();
  const human = await logline(node, ['tail', '--tenant', 'acme', '--after', 'start'], {
    signal: again.signal,
    onOut: (shown) => shown.includes('order 2') && again.abort(),
  });
  t.regex(human.out, /^2025-01-01T00:00:01.000Z +- +logline-id:\/\/app\/shop +order 1$/m);
  const cursor = /--after (\S+)/.exec(human.err)?.[1] ?? t.fail();
  await begin([lineOf(3)]);
  const later = new AbortController();
  const rest = await logline(node, ['tail', '--tenant', 'acme', '--after', String(cursor), '--json'], {
    signal: later.signal,
    onOut: () => later.abort(),
  });
  t.is(rest.out, text([lineOf(3)]));
});

test('a follower prints what is withdrawn, and what stands in its place', async (t) => {
  const node = await startNode(t, { tenants: '*' });
  await logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(lineOf(1))] });
  const carol = new HostilePeer({ name: 'carol', networkKey: 'a network of tests' });
  t.teardown(() => carol.close());
  // Nobody answers there: carol is the one who dials.
  await node.node.trust({ address: 'ws://127.0.0.1:9/v1/federation', key: carol.publicKey });
  const feed = carol.feed('timeline/acme');
  const link = await (await carol.dial(`${node.url.replace('http', 'ws')}/v1/federation`)).join();
  const bodies = [1, 2].map((n) => JSON.parse(lineOf(n, { title: `carol ${n}` })) as Record<string, unknown>);
  link.bring(feed.write({ spans: bodies }));
  await eventually('both ids are there', () => [...node.node.status().spans.values()].join() === '2');
  const abort = new AbortController();
  let seen = '';
  const tail = logline(node, ['tail', '--tenant', 'acme', '--after', 'start'], {
    signal: abort.signal,
    onOut: (out) => (seen = out),
  });
  await eventually('they are shown', () => seen.includes('carol 2'));
  link.bring(feed.branch(0).write());
  await eventually('the second is withdrawn', () => seen.includes(`withdrawn: ${idOf(2)}`));
  abort.abort();
  const { out } = await tail;
  // What is at odds, or no more, is told in between.
  const told = out.split('\n').filter((one) => !one.startsWith('conflict '));
  const [, , , withdrawn, restored] = told;
  t.is(withdrawn, `withdrawn: ${idOf(1)}`);
  t.regex(restored ?? '', /order 1 {2}\(restored\)$/);
});

test('what strangers write cannot steer the terminal', async (t) => {
  const node = await startNode(t);
  const evil = lineOf(1, { title: '\u001b]0;owned\u0007\u202eabc\r\nfake', author: '\u009b2J' });
  await logline(node, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(evil)] });
  const abort = new AbortController();
  const { out } = await logline(node, ['tail', '--tenant', 'acme', '--after', 'start'], {
    signal: abort.signal,
    onOut: () => abort.abort(),
  });
  t.true(out.includes('owned'));
  t.is(out.split('\n').length, 2);
  t.notRegex(out.slice(0, -1), /[\p{Cc}\u202e]/u);
});

test('a node that does not listen is told apart from one that refuses', async (t) => {
  const url = await deadUrl();
  const plain = await logline({ url }, ['nodes']);
  t.is(plain.code, 3);
  t.true(plain.err.includes(`is the node running at ${url}?`), plain.err);
  t.regex(plain.err, /--url or LOGLINE_FEDERATION_URL/);
  const json = await logline({ url }, ['nodes', '--json']);
  t.is(json.code, 3);
  t.like(JSON.parse(json.err), { error: 'unreachable' });
});
