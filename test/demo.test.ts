// The demo as a user runs it, on the bundled history and three real servers; and the comparison that it ends with.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseInstant } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import {
  disagreements,
  type Reading,
  type ReadSpan,
} from '@logline/federation-examples/dist/demo/compare.js';

const EXAMPLES = dirname(createRequire(import.meta.url).resolve('@logline/federation-examples/package.json'));
const DEMO = join(EXAMPLES, 'dist', 'demo.js');
const WRITES = 24;

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly ended: Promise<Run>;
  out(): string;
  interrupt(): void;
}

function startDemo(t: ExecutionContext, args: readonly string[], temporary = scratch(t)): Running {
  const child = spawn(process.execPath, [DEMO, '--writes', String(WRITES), ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  t.teardown(() => {
    // SIGTERM, so that it ends its servers too.
    if (child.exitCode === null) child.kill();
  });
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, out, err }));
  });
  return { ended, out: () => out, interrupt: () => void child.kill('SIGINT') };
}

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The figures of the last row with this name, one for each node. */
function figures(out: string, row: string): readonly string[] {
  const lines = out.split('\n').filter((line) => line.trim().startsWith(row));
  return lines.at(-1)?.trim().slice(row.length).trim().split(/\s+/) ?? [];
}

const isAnswering = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

test.serial(
  'three nodes are torn apart and show one history again, and the folder of the run goes away',
  async (t) => {
    const temporary = scratch(t);
    const { code, out, err } = await startDemo(t, [], temporary).ended;
    t.is(code, 0, `${out}\n${err}`);
    t.is(err, '');
    const all = String(600 + 3 * WRITES);
    t.deepEqual(figures(out, 'spans of live'), [String(3 * WRITES), String(3 * WRITES), String(3 * WRITES)]);
    t.deepEqual(figures(out, 'spans in all'), [all, all, all]);
    t.is(new Set(figures(out, 'SHA-256')).size, 1);
    t.true(out.includes(`Digests equal: ${all} spans in the same order on all three, `));
    t.true(out.includes(`All ${all} acknowledged spans are there.`));
    t.regex(out, /alpha is killed \(kill -9 \d+\) after \d+ acknowledged spans/);
    t.regex(out, /✗ alpha +● beta ─+╳─+ ● gamma/);
    t.deepEqual(readdirSync(temporary), []);
  },
);

test.serial('a second run on the same data directories writes nothing and sends nothing', async (t) => {
  const dir = join(scratch(t), 'nodes');
  const first = await startDemo(t, ['--dir', dir]).ended;
  t.is(first.code, 0, `${first.out}\n${first.err}`);
  t.regex(first.out, /Uploaded 3 files in [\d.]+ s: [1-9]\d* entries written\./);

  const second = await startDemo(t, ['--dir', dir]).ended;
  t.is(second.code, 0, `${second.out}\n${second.err}`);
  t.regex(second.out, /Uploaded 3 files in [\d.]+ s: 0 entries written\./);
  t.true(second.out.includes('Synced again: 0 entries sent.'));
  t.is(figures(second.out, 'in all').at(-1), '0');
  t.deepEqual(figures(second.out, 'SHA-256'), figures(first.out, 'SHA-256'));
  t.deepEqual(figures(second.out, 'entries'), figures(first.out, 'entries'));

  const note = join(dir, 'demo.json');
  const { live, ports } = JSON.parse(readFileSync(note, 'utf8')) as {
    readonly live: readonly object[];
    readonly ports: object;
  };
  t.is(live.length, 3 * WRITES);
  const lost = { tenant: 'live', id: '00000000-0000-4000-8000-000000000000' };
  writeFileSync(note, JSON.stringify({ ports, live: [...live, lost] }));
  const third = await startDemo(t, ['--dir', dir]).ended;
  t.is(third.code, 1, 'one acknowledged span is on no node');
  for (const node of ['alpha', 'beta', 'gamma']) {
    t.true(third.err.includes(`${node} lacks 1 acknowledged spans of live, such as ${lost.id}`));
  }
});

test.serial('an interrupted demo ends its servers and removes its folder', async (t) => {
  const temporary = scratch(t);
  const demo = startDemo(t, [], temporary);
  const urls = await eventually(
    'the servers serve',
    () => {
      const found = [...demo.out().matchAll(/http:\/\/127\.0\.0\.1:\d+/g)].map(([url]) => url);
      return found.length >= 3 && found;
    },
    { timeoutMs: 60_000 },
  );
  t.deepEqual(await Promise.all(urls.map(isAnswering)), [true, true, true]);
  demo.interrupt();
  const { code, err } = await demo.ended;
  t.is(code, 130);
  t.true(err.includes('Interrupted; the servers have ended.'), err);
  t.deepEqual(await Promise.all(urls.map(isAnswering)), [false, false, false]);
  t.deepEqual(readdirSync(temporary), []);
});

test.serial('the demo says which of its arguments it cannot use', async (t) => {
  const temporary = scratch(t);
  const empty = await startDemo(t, ['--data', temporary], temporary).ended;
  t.is(empty.code, 1);
  t.true(empty.err.includes(`no *.ndjson or *.ndjson.gz file is in ${temporary}`), empty.err);

  writeFileSync(
    join(temporary, 'a.ndjson'),
    '{"id":"6e55faa2-f54f-55a4-82c0-3239ddc3726d","tenant_id":"x"}\n{}\n',
  );
  const nameless = await startDemo(t, ['--data', temporary], temporary).ended;
  t.is(nameless.code, 1);
  t.true(
    nameless.err.includes('a.ndjson, line 2: expected a span as JSON with id and tenant_id'),
    nameless.err,
  );

  const foreign = await startDemo(t, ['--dir', temporary], temporary).ended;
  t.is(foreign.code, 1);
  t.true(foreign.err.includes('holds something else'), foreign.err);
  t.deepEqual(readdirSync(temporary), ['a.ndjson']);

  const unknown = await startDemo(t, ['--date', 'x'], temporary).ended;
  t.is(unknown.code, 1);
  t.true(unknown.err.includes('--date'), unknown.err);
});

test('the bundled history has late arrivals, many offsets, causes and names from everywhere', (t) => {
  const data = join(EXAMPLES, 'data');
  const files = readdirSync(data).sort();
  t.deepEqual(files, ['alpha.ndjson', 'beta.ndjson', 'gamma.ndjson']);
  t.true(files.reduce((sum, file) => sum + statSync(join(data, file)).size, 0) < 300_000);
  const tenants = new Set<string>();
  for (const file of files) {
    const lines = readFileSync(join(data, file), 'utf8').trimEnd().split('\n');
    const spans = lines.map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
    t.true(spans.length >= 150 && spans.length <= 300);
    t.is(new Set(spans.map((span) => span['id'])).size, spans.length);
    const instants = spans.map((span) => parseInstant(span['timestamp'] ?? ''));
    t.false(instants.includes(undefined));
    const late = instants.filter((instant, i) => (instant ?? '') < (instants[i - 1] ?? ''));
    t.true(late.length > 20, `${late.length} arrive late`);
    const offsets = new Set(spans.map((span) => /(Z|[+-]\d\d:\d\d)$/.exec(span['timestamp'] ?? '')?.[0]));
    t.true(offsets.size >= 8, [...offsets].join());
    const ids = new Set(spans.map((span) => span['id']));
    const caused = spans.filter((span) => span['caused_by'] !== undefined);
    t.true(caused.length > 100 && caused.every((span) => ids.has(span['caused_by'])));
    t.regex(spans.map((span) => span['title']).join(), /[^\p{Script=Latin}\p{Script=Common}]/u);
    for (const span of spans) tenants.add(span['tenant_id'] ?? '');
  }
  t.is(tenants.size, 3);
  t.true(existsSync(DEMO));
});

const span = (id: string, sum = `sum of ${id}`): ReadSpan => ({ id, sum });

function reading(node: string, spans: readonly ReadSpan[], digest = 'd1'): Reading {
  return { node, tenants: new Map([['acme', spans]]), digest };
}

const HISTORY = [span('a'), span('b'), span('c')];
const ACKNOWLEDGED = new Map([['acme', new Set(['a', 'b', 'c'])]]);

/** What is said when gamma reads this while alpha and beta read the history. */
function withGamma(spans: readonly ReadSpan[], digest = 'd2'): readonly string[] {
  const readings = [reading('alpha', HISTORY), reading('beta', HISTORY), reading('gamma', spans, digest)];
  return disagreements(readings, ACKNOWLEDGED);
}

test('equal readings that hold every acknowledged span agree', (t) => {
  t.deepEqual(withGamma(HISTORY, 'd1'), []);
});

test('two spans in another order are a disagreement', (t) => {
  t.deepEqual(withGamma([span('a'), span('c'), span('b')]), [
    'acme, span 2: alpha shows b (sum of b) where gamma shows c (sum of c); they show 3 and 3 spans',
  ]);
});

test('a span of other content is a disagreement', (t) => {
  t.deepEqual(withGamma([span('a'), span('b', 'another sum'), span('c')]), [
    'acme, span 2: alpha shows b (sum of b) where gamma shows b (another sum); they show 3 and 3 spans',
  ]);
});

test('a missing span is a loss and a disagreement', (t) => {
  t.deepEqual(withGamma([span('a'), span('b')]), [
    'gamma lacks 1 acknowledged spans of acme, such as c',
    'acme, span 3: alpha shows c (sum of c) where gamma shows the end; they show 3 and 2 spans',
  ]);
});

test('a span that only one node shows is a disagreement', (t) => {
  t.deepEqual(withGamma([...HISTORY, span('d')]), [
    'acme, span 4: alpha shows the end where gamma shows d (sum of d); they show 3 and 4 spans',
  ]);
});

test('a span shown twice is named, even where all nodes show it twice', (t) => {
  const twice = [...HISTORY, span('c')];
  const problems = disagreements([reading('alpha', twice), reading('beta', twice)], ACKNOWLEDGED);
  t.deepEqual(problems, [
    'alpha shows 1 spans of acme twice, such as c',
    'beta shows 1 spans of acme twice, such as c',
  ]);
});

test('a loss is named even where all nodes have lost the same span', (t) => {
  const lost = [span('a'), span('b')];
  const problems = disagreements([reading('alpha', lost), reading('beta', lost)], ACKNOWLEDGED);
  t.deepEqual(problems, [
    'alpha lacks 1 acknowledged spans of acme, such as c',
    'beta lacks 1 acknowledged spans of acme, such as c',
  ]);
});

test('a tenant that one node does not show at all is a disagreement', (t) => {
  const other: Reading = { node: 'beta', tenants: new Map(), digest: 'd2' };
  t.is(disagreements([reading('alpha', HISTORY), other], new Map()).length, 1);
});

test('digests that differ over equal spans are a disagreement', (t) => {
  t.deepEqual(withGamma(HISTORY), ['alpha and gamma show the same ids, but their digests differ: d1 and d2']);
});

test('no reading at all is no agreement', (t) => {
  t.deepEqual(disagreements([], new Map()), ['no node was read']);
});
