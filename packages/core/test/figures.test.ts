// What a node counts, against what is known to have happened: in virtual time, with real sessions, stores and messages.
import test from 'ava';
import { Buckets, kindOfScope } from '../dist/figures.js';
import { acmeTown, type AcmeTown } from './figures-town.js';
import { spanText, tools } from './forge.js';

test('a value is counted at the first bound that it does not exceed', (t) => {
  const buckets = new Buckets([1, 10]);
  for (const value of [0, 1, 2, 10, 11, 1_000]) buckets.note(value);
  t.deepEqual(buckets.counts, [2, 2, 2]);
  t.is(buckets.count, 6);
  t.is(buckets.sum, 1_024);
});

test('every scope is of the kind that its name says, and an unknown one of none', (t) => {
  const kinds = [
    'timeline/acme',
    'annotations/acme',
    'access/acme',
    'trust',
    'acts',
    'timeline',
    'nonsense/acme',
    '',
  ];
  t.deepEqual(kinds.map(kindOfScope), [
    'timeline',
    'annotations',
    'access',
    'trust',
    'acts',
    undefined,
    undefined,
    undefined,
  ]);
});

/** Entries and spans of timelines, in all three directions. */
function moved({ figures }: AcmeTown['alice']['node']): unknown {
  const { written, received, sent } = figures.scopes.timeline;
  return [written, received, sent].map(({ entries, spans }) => [entries, spans]);
}

test('what is written here, pushed to one peer and fetched by another is counted once in each place', async (t) => {
  const { town, alice, bob } = await acmeTown(t);
  await alice.append('acme', 1, 2, 3);
  await alice.append('acme', 4);
  await town.time.advance(5_000);
  t.deepEqual(moved(alice.node), [
    [2, 4],
    [0, 0],
    [2, 4],
  ]);
  t.deepEqual(moved(bob.node), [
    [0, 0],
    [2, 4],
    [0, 0],
  ]);
  const before = { ...alice.node.figures.scopes.timeline.sent };
  const carol = await town.start(t, 'carol', { peers: ['alice'] });
  await alice.node.trust({ address: 'carol' });
  await town.time.advance(20_000);
  t.deepEqual(await carol.shows('acme'), [1, 2, 3, 4]);
  t.deepEqual(moved(carol.node), [
    [0, 0],
    [2, 4],
    [0, 0],
  ]);
  t.deepEqual(alice.node.figures.scopes.timeline.sent, {
    entries: before.entries + 2,
    spans: before.spans + 4,
  });
  t.is(alice.node.figures.scopes.trust.written.spans, 0);
  t.true(bob.node.figures.scopes.trust.received.entries > 0);
});

test('several entries of one commit that are pushed together are all counted', async (t) => {
  const { town, alice, bob } = await acmeTown(t);
  // One more than an entry holds.
  await alice.append('acme', ...Array.from({ length: 1_001 }, (_, n) => n));
  await town.time.advance(5_000);
  t.deepEqual(moved(alice.node), [
    [2, 1_001],
    [0, 0],
    [2, 1_001],
  ]);
  t.deepEqual(moved(bob.node), [
    [0, 0],
    [2, 1_001],
    [0, 0],
  ]);
});

test('of a link, what one side sent the other got, as it was and as it was packed', async (t) => {
  const { town, alice, bob } = await acmeTown(t);
  const wires = (): readonly (readonly number[])[] =>
    [
      alice.node.figures.wireOut,
      bob.node.figures.wireIn,
      alice.node.figures.wireIn,
      bob.node.figures.wireOut,
    ].map(({ plainBytes, packedBytes }) => [plainBytes, packedBytes]);
  /** A heartbeat may be on its way at any moment. */
  const arrived = async (): Promise<readonly (readonly number[])[]> => {
    for (let n = 0; n < 100; n++) {
      const [out, got, back, gotBack] = wires();
      if (String(out) === String(got) && String(back) === String(gotBack)) break;
      await town.time.advance(7);
    }
    return wires();
  };
  const before = await arrived();
  // Less than a batch that is compressed itself, and more than a frame that goes as it is.
  const some = Array.from({ length: 12 }, (_, n) => tools.text.encode(spanText(n)));
  const appended = alice.node.timeline('acme').append(some);
  await town.time.advance(700);
  await appended;
  const [out, got, back, gotBack] = (await arrived()).map((now, i) =>
    now.map((bytes, k) => bytes - (before[i]?.[k] ?? 0)),
  );
  t.deepEqual(out, got);
  t.deepEqual(back, gotBack);
  const [plainBytes = 0, packedBytes = 0] = out ?? [];
  t.true(plainBytes > 2 * packedBytes && packedBytes > 200, `${plainBytes} as ${packedBytes}`);
});

test('commits are counted with the jobs and spans that they held, and what came from peers with its age', async (t) => {
  const { town, alice, bob } = await acmeTown(t);
  const { commitSpans, commitJobs } = alice.node.figures;
  const before = { count: commitSpans.count, spans: commitSpans.sum, jobs: commitJobs.sum };
  const appends = [1, 2, 3].map((n) => alice.node.timeline('acme').append([tools.text.encode(spanText(n))]));
  await town.time.advance(5_000);
  await Promise.all(appends);
  t.is(commitSpans.sum - before.spans, 3);
  t.is(commitJobs.sum - before.jobs, 3);
  t.is(commitSpans.count - before.count, 1, 'group commit: they waited for each other');
  const { lagMs } = bob.node.figures;
  const received = Object.values(bob.node.figures.scopes).reduce(
    (sum, scope) => sum + scope.received.entries,
    0,
  );
  t.is(lagMs.count, received);
  t.true(lagMs.sum >= 5 && lagMs.sum / lagMs.count < 60_000, 'a link of 5 ms in virtual time');
});
