/** Nodes that are at odds about a span: under each policy all read the same, and people decide where they have to. */

import test, { type ExecutionContext } from 'ava';
import type { AnnotatedSpan, Conflict } from '../dist/index.js';
import { fingerprintOf } from '../dist/identity.js';
import type { JsonObject } from '../dist/json.js';
import { alice, bob, span, spanText, tools, uuid } from './forge.js';
import { Town, type House, type Settings } from './town.js';

const ID = uuid(1);

interface Street {
  readonly town: Town;
  readonly houses: readonly [House, House];
}

/** Alice and bob, who share acme and are connected. */
async function pair(t: ExecutionContext, settings: Settings): Promise<Street> {
  const town = new Town();
  const a = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const b = await town.start(t, 'bob', { peers: ['alice'], ...settings });
  await town.time.advance(5_000);
  await a.append('acme', 1);
  await town.time.advance(1_000);
  return { town, houses: [a, b] };
}

function say(house: House, patch: JsonObject): Promise<AnnotatedSpan> {
  return house.does((node) => node.timeline('acme').annotate(ID, patch));
}

/** Alice says the one and bob, before he hears of it, the other. */
async function fallOut(
  { town, houses: [a, b] }: Street,
  patches: readonly [JsonObject, JsonObject],
): Promise<void> {
  await say(a, patches[0]);
  await say(b, patches[1]);
  await town.time.advance(1_000);
}

async function readOn(house: House): Promise<Record<string, unknown>> {
  const found = await house.node.timeline('acme').read(ID);
  return JSON.parse(tools.text.decode(found?.span ?? new Uint8Array(0)) ?? '') as Record<string, unknown>;
}

async function conflictOn(t: ExecutionContext, house: House): Promise<Conflict> {
  const { conflicts } = await house.node.timeline('acme').conflicts();
  t.is(conflicts.length, 1);
  return conflicts[0] ?? t.fail();
}

/** What both show, which has to be the same. */
async function agreed(t: ExecutionContext, { houses: [a, b] }: Street): Promise<Record<string, unknown>> {
  const [read, other] = [await readOn(a), await readOn(b)];
  t.deepEqual(read, other);
  t.is((await a.node.timeline('acme').read(ID))?.version, (await b.node.timeline('acme').read(ID))?.version);
  t.deepEqual(await a.node.timeline('acme').conflicts(), await b.node.timeline('acme').conflicts());
  t.is(a.node.status().openConflicts, b.node.status().openConflicts);
  return read;
}

const AT_ODDS = [{ status: 'reverted' }, { status: 'simulated' }] as const;

test('by timestamp the latest word is read, and the conflict is listed as settled', async (t) => {
  const street = await pair(t, {});
  await fallOut(street, AT_ODDS);
  t.is((await agreed(t, street))['status'], 'simulated');
  const conflict = await conflictOn(t, street.houses[0]);
  t.like(conflict, { state: 'resolved', kind: 'concurrent', field: 'status', resolution: { by: 'policy' } });
  t.deepEqual(
    conflict.candidates.map(({ value, node }) => [value, node]),
    [
      ['reverted', fingerprintOf(alice.publicKey)],
      ['simulated', fingerprintOf(bob.publicKey)],
    ],
  );
  t.is(street.houses[0].node.status().openConflicts, 0);
  // Whoever says something now has seen both: nothing is at odds any more, and what was is still told.
  await say(street.houses[0], { status: 'executed' });
  await street.town.time.advance(1_000);
  t.is((await agreed(t, street))['status'], 'executed');
});

test('by priority the word of the highest node is read, however late the other came', async (t) => {
  const street = await pair(t, { conflictPolicy: 'priority', primaryNodes: ['alice', 'bob'] });
  await fallOut(street, AT_ODDS);
  t.is((await agreed(t, street))['status'], 'reverted');
  t.like(await conflictOn(t, street.houses[1]), { state: 'resolved', policy: 'priority' });
});

test('by hand a conflict stays open until somebody decides, once, for all nodes and after a restart', async (t) => {
  const street = await pair(t, { conflictPolicy: 'manual' });
  const [a, b] = street.houses;
  await fallOut(street, AT_ODDS);
  t.deepEqual((await agreed(t, street))['conflicted'], ['status']);
  t.is(a.node.status().openConflicts, 1);
  const { id, candidates } = await conflictOn(t, a);
  t.like(await conflictOn(t, b), { state: 'open', resolvedAtMs: undefined });
  await t.throwsAsync(say(b, { status: 'ghost' }), { code: 'conflict_open' } as never);
  t.like(await say(b, { processed: true }), { conflicted: ['status'] }, 'other members are not in the way');
  await b.restart();
  await street.town.time.advance(20_000);
  t.is(b.node.status().openConflicts, 1);
  const choose = candidates[0]?.ref ?? t.fail();
  const decide = (house: House, ref: string): Promise<Conflict> =>
    house.does((node) => node.timeline('acme').resolve(id, { choose: ref, note: 'alice saw it' }));
  await t.throwsAsync(decide(a, `${choose}1`), { code: 'bad_request' } as never);
  const decided = await decide(b, choose);
  t.like(decided, { state: 'resolved', resolution: { by: 'node', value: 'reverted', note: 'alice saw it' } });
  await street.town.time.advance(1_000);
  t.is((await agreed(t, street))['status'], 'reverted');
  t.deepEqual(await decide(a, choose), decided, 'the same again');
  await t.throwsAsync(decide(a, candidates[1]?.ref ?? ''), { code: 'conflict_closed' } as never);
  t.is(a.node.status().openConflicts, 0);
  await a.restart();
  await street.town.time.advance(20_000);
  t.is((await readOn(a))['status'], 'reverted');
  await say(a, { status: 'ghost' });
  await street.town.time.advance(1_000);
  t.is((await agreed(t, street))['status'], 'ghost');
});

test('two nodes that bring other content under one id are at odds about which is meant', async (t) => {
  const town = new Town();
  const settings = { conflictPolicy: 'manual' } as const;
  const a = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const b = await town.start(t, 'bob', { peers: ['alice'], ...settings });
  await town.time.advance(5_000);
  for (const [house, title] of [
    [a, 'one'],
    [b, 'other'],
  ] as const)
    await house.does((node) => node.timeline('acme').append([tools.text.encode(spanText(1, { title }))]));
  await town.time.advance(1_000);
  const street = { town, houses: [a, b] } as const;
  t.like(await agreed(t, street), { title: 'other', conflicted: ['identity'] });
  t.is(b.node.status().openConflicts, 1);
  const { id } = await conflictOn(t, a);
  const { candidates, kind } = (await a.node.timeline('acme').conflict(id)) ?? t.fail();
  t.is(kind, 'identity');
  const titles = candidates.map(
    ({ span }) => JSON.parse(tools.text.decode(span ?? new Uint8Array(0)) ?? '') as { title: string },
  );
  t.deepEqual(
    titles.map(({ title }) => title),
    ['one', 'other'],
  );
  await a.does((node) => node.timeline('acme').resolve(id, { choose: candidates[0]?.ref ?? '' }));
  await town.time.advance(1_000);
  t.is((await agreed(t, street))['title'], 'one');
  t.is(a.node.status().openConflicts, 0);
});

test('what a revoked node said falls with the cut, uncovers what it had replaced, and can be released', async (t) => {
  const street = await pair(t, { conflictPolicy: 'manual' });
  const [a, b] = street.houses;
  await say(a, { status: 'executed', metadata: { k: 'alice' } });
  await street.town.time.advance(1_000);
  await say(b, { status: 'reverted', tags: ['bob'], notes: 'bob was here' });
  await fallOut(street, [{ metadata: { k: 'a2' } }, { metadata: { k: 'b2' } }]);
  t.like(await readOn(a), { status: 'reverted', tags: ['bob'], conflicted: ['metadata.k'] });
  t.is(a.node.status().openConflicts, 1);
  const report = await a.operate((desk) => desk.revoke({ key: bob.publicKey, from: 'all' }));
  t.deepEqual(
    report.feeds.map(({ feed }) => feed.split('/')[0]).filter((name) => name !== 'trust'),
    ['annotations'],
  );
  await street.town.time.advance(1_000);
  const left = await readOn(a);
  t.like(left, { status: 'executed', metadata: { k: 'a2' } });
  t.deepEqual([left['tags'], left['notes'], left['conflicted']], [undefined, undefined, undefined]);
  t.is(a.node.status().openConflicts, 0);
  t.deepEqual((await a.node.timeline('acme').conflicts({ state: 'open' })).conflicts, []);
  await a.operate((desk) => desk.release({ key: bob.publicKey }));
  await street.town.time.advance(1_000);
  t.like(await readOn(a), { status: 'reverted', tags: ['bob'], conflicted: ['metadata.k'] });
  t.is(a.node.status().openConflicts, 1);
});

test('who follows hears what is said of spans, of conflicts as they come and go, and of what a cut takes back', async (t) => {
  const street = await pair(t, { conflictPolicy: 'manual' });
  const [a, b] = street.houses;
  const { node } = a;
  const hear = async (
    after: string,
  ): Promise<{ readonly heard: readonly string[]; readonly cursor: string }> => {
    const heard: string[] = [];
    let cursor = after;
    const { signal, abort } = ending();
    const listening = (async () => {
      for await (const event of node.timeline('acme').follow({ after, signal })) {
        cursor = event.cursor;
        if (event.kind === 'annotated') heard.push(`annotated ${event.conflicted.join()}`);
        else
          heard.push(
            event.kind === 'conflict' ? `${event.conflict.field} ${event.conflict.state}` : event.kind,
          );
      }
    })();
    await street.town.time.advance(1_000);
    abort();
    await street.town.time.advance(10);
    await listening;
    return { heard, cursor };
  };
  const start = await hear('start');
  t.deepEqual(start.heard, ['span']);
  await fallOut(street, AT_ODDS);
  const odds = await hear(start.cursor);
  t.deepEqual(odds.heard, ['annotated status', 'status open', 'annotated status', 'status open']);
  const { id, candidates } = await conflictOn(t, b);
  await b.does((other) => other.timeline('acme').resolve(id, { choose: candidates[0]?.ref ?? '' }));
  await street.town.time.advance(1_000);
  const decided = await hear(odds.cursor);
  t.deepEqual(decided.heard, ['annotated ', 'status resolved']);
  await a.operate((desk) => desk.revoke({ key: bob.publicKey, from: 'all' }));
  await street.town.time.advance(1_000);
  const cut = await hear(decided.cursor);
  t.deepEqual(cut.heard, ['annotated ', 'annotated ']);
  t.like(await readOn(a), { status: 'reverted' });
});

test('who follows is told at a late span what was said of it before', async (t) => {
  const street = await pair(t, {});
  const [a, b] = street.houses;
  await b.does((node) => node.timeline('acme').annotate(uuid(2), { processed: true }));
  await street.town.time.advance(1_000);
  await a.append('acme', 2);
  const events = a.node.timeline('acme').follow({ after: 'start' });
  const kinds: string[] = [];
  for await (const event of events) {
    kinds.push(event.kind);
    if (kinds.length === 4) break;
  }
  t.deepEqual(kinds, ['span', 'annotated', 'span', 'annotated']);
});

test('conflicts are listed in pages, by state, field and span', async (t) => {
  const street = await pair(t, { conflictPolicy: 'manual' });
  const {
    town,
    houses: [a, b],
  } = street;
  const spans = Array.from({ length: 9 }, (_, n) => uuid(n + 1));
  for (const [house, by] of [
    [a, 'alice'],
    [b, 'bob'],
  ] as const) {
    const { length } = spans;
    const said = Array.from({ length }, (_, n) =>
      house.node.timeline('acme').annotate(spans[n] ?? '', { processed: by === 'bob', metadata: { by } }),
    );
    await town.time.advance(3);
    await Promise.all(said);
  }
  await town.time.advance(1_000);
  const timeline = b.node.timeline('acme');
  t.is(b.node.status().openConflicts, 18);
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await timeline.conflicts({ limit: 4, cursor });
    t.true(page.conflicts.length <= 4);
    seen.push(...page.conflicts.map(({ id }) => id));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  t.is(new Set(seen).size, 18);
  t.is((await timeline.conflicts({ field: 'processed' })).conflicts.length, 9);
  const { conflicts: ofOne } = await timeline.conflicts({ span: span(1).id });
  t.deepEqual(
    ofOne.map(({ spanId }) => spanId),
    [ID, ID],
  );
  await b.does((node) =>
    node.timeline('acme').resolve(ofOne[0]?.id ?? '', { choose: ofOne[0]?.candidates[0]?.ref ?? '' }),
  );
  t.is((await timeline.conflicts({ state: 'open' })).conflicts.length, 17);
  t.deepEqual(
    (await timeline.conflicts({ state: 'resolved' })).conflicts.map(({ id }) => id),
    [ofOne[0]?.id],
  );
  await t.throwsAsync(timeline.conflicts({ cursor: 'x' }), { code: 'bad_cursor' } as never);
  await t.throwsAsync(timeline.resolve(`${ID}-0000000000000000`, { value: 1 }), {
    code: 'unknown_conflict',
  } as never);
  t.is(await timeline.conflict('x'), undefined);
});

function ending(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
