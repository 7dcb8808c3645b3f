/** Saying something of spans: on several nodes, cut off from each other, under each policy. */

import test, { type ExecutionContext } from 'ava';
import type { JsonObject } from '../dist/json.js';
import type { AnnotatedSpan } from '../dist/index.js';
import { tools, uuid } from './forge.js';
import { Town, type House, type Settings } from './town.js';

const ID = uuid(1);

/** Alice and bob, who share acme and are connected. */
async function pair(
  t: ExecutionContext,
  settings: Settings = {},
): Promise<{
  readonly town: Town;
  readonly a: House;
  readonly b: House;
}> {
  const town = new Town();
  const a = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const b = await town.start(t, 'bob', { peers: ['alice'], ...settings });
  await town.time.advance(5_000);
  return { town, a, b };
}

function say(house: House, patch: JsonObject, ifVersion?: string): Promise<AnnotatedSpan> {
  return house.does((node) => node.timeline('acme').annotate(ID, patch, { ifVersion }));
}

async function readOn(resident: House): Promise<Record<string, unknown>> {
  const found = await resident.node.timeline('acme').read(ID);
  const text = tools.text.decode(found?.span ?? new Uint8Array(0)) ?? '';
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

test('what one node says of a span is read on the other, and the span itself stays as it was', async (t) => {
  const { town, a, b } = await pair(t);
  await a.append('acme', 1);
  await town.time.advance(1_000);
  const said = await say(b, { status: 'reverted', metadata: { by: 'bob' }, tags: ['x'], notes: 'why' });
  await town.time.advance(1_000);
  for (const resident of [a, b]) {
    t.like(await readOn(resident), {
      title: 'span 1',
      status: 'reverted',
      metadata: { by: 'bob' },
      tags: ['x'],
    });
    t.is((await resident.node.timeline('acme').read(ID))?.version, said.version);
    const raw = await resident.node.timeline('acme').get(ID);
    t.false((tools.text.decode(raw ?? new Uint8Array(0)) ?? '').includes('reverted'));
    const page = await resident.node
      .timeline('acme')
      .query({ filter: { status: 'reverted' }, annotated: true });
    t.is(page.spans.length, 1);
    t.is((await resident.node.timeline('acme').query({ filter: { status: 'reverted' } })).spans.length, 0);
  }
});

test('what was said before the span came is read with it, and outlives a restart', async (t) => {
  const { town, a, b } = await pair(t);
  t.is(await b.node.timeline('acme').read(ID), undefined);
  t.is((await say(b, { processed: true })).span, undefined);
  await town.time.advance(1_000);
  await b.restart();
  await a.append('acme', 1);
  await town.time.advance(20_000);
  for (const house of [a, b]) t.like(await readOn(house), { title: 'span 1', processed: true });
});

test('whoever has read another version than there is says nothing, and is told so', async (t) => {
  const { a } = await pair(t);
  await a.append('acme', 1);
  const { version } = await say(a, { status: 'executed' });
  const later = await say(a, { status: 'reverted' }, version);
  await t.throwsAsync(say(a, { status: 'ghost' }, version), { message: /the span has changed/ });
  t.is((await a.node.timeline('acme').read(ID))?.version, later.version);
  t.is((await say(a, { status: 'reverted' }, later.version)).version, later.version, 'it says so already');
});

test('many at once say something of one span, one after the other, and none of it is lost', async (t) => {
  const { town, a, b } = await pair(t);
  await a.append('acme', 1);
  const said = Array.from({ length: 20 }, (_, n) =>
    a.node.timeline('acme').annotate(ID, { metadata: { [`m${n}`]: n }, tags: [`t${n}`] }),
  );
  await town.time.advance(1_000);
  await Promise.all(said);
  const last = await readOn(b);
  t.is(Object.keys(last['metadata'] ?? {}).length, 20);
  t.deepEqual(last['tags'], ['t19'], 'each said what all the tags are to be');
});
