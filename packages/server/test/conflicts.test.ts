// Conflicts over REST: two nodes that were cut off disagree, and somebody decides.
import test, { type ExecutionContext } from 'ava';
import { eventually } from '@logline/federation-core/testing';
import type { RunningServer } from '../dist/index.js';
import * as shapes from '../dist/schemas-annotation.js';
import { get, patch, post, spanOf, textOf, uuid, type Answer, type Body, type Json } from './helpers.js';
import { ACME, befriend, join, listOf } from './meeting.js';

const span = (url: string, n: number): string => `${url}/v1/timeline/spans/${uuid(n)}?tenant_id=acme`;
const conflicts = (url: string, more = ''): Promise<Answer> =>
  get(`${url}/v1/conflicts?tenant_id=acme${more}`);
const conflictAt = (url: string, id: string): string => `${url}/v1/conflicts/${id}?tenant_id=acme`;
const resolve = (
  url: string,
  id: string,
  body: Body,
  headers: Record<string, string> = {},
): Promise<Answer> => post(`${url}/v1/conflicts/${id}/resolve?tenant_id=acme`, body, headers);

type Two = readonly [RunningServer, RunningServer];

/** Alice and bob say different things of two spans that both have, and then meet. The third has two bodies. */
async function apart(t: ExecutionContext): Promise<Two> {
  const options = { conflictPolicy: 'manual' } as const;
  const both = await Promise.all([join(t, 'alice', options), join(t, 'bob', options)]);
  for (const [i, { url }] of both.entries()) {
    await post(url + ACME, spanOf(1));
    await post(url + ACME, spanOf(2));
    await post(url + ACME, spanOf(3, { title: `by ${['alice', 'bob'][i] ?? ''}` }));
    await patch(span(url, 1), { status: ['executed', 'reverted'][i] ?? '', tags: [`tag ${i}`] });
    await patch(span(url, 2), { metadata: { cost: i } });
  }
  await befriend(...both);
  for (const { url } of both)
    await eventually(
      'three conflicts are known',
      async () => listOf(await conflicts(url), 'conflicts').length === 3,
    );
  return both;
}

test('what two nodes are at odds about is told alike by both, and decided once for both', async (t) => {
  const [alice, bob] = await apart(t);
  const page = await conflicts(alice.url);
  t.true(shapes.conflictPage.safeParse(page.body).success, page.text);
  const idsOf = async (url: string): Promise<readonly Json[]> =>
    listOf(await conflicts(url), 'conflicts').map(({ id, field, kind, state, opened_at: opened }) => [
      id ?? null,
      field ?? null,
      kind ?? null,
      state ?? null,
      opened ?? null,
    ]);
  t.deepEqual(await idsOf(alice.url), await idsOf(bob.url));
  const of = (field: string): string =>
    textOf(listOf(page, 'conflicts').find((one) => one['field'] === field)?.['id']);
  for (const { url } of [alice, bob]) {
    await eventually(
      'they are counted',
      async () => (await get(`${url}/v1/sync/status`)).body['sync_conflicts'] === 3,
    );
    t.deepEqual((await get(span(url, 1))).body['conflicted'], ['status']);
    t.deepEqual((await get(span(url, 1))).body['tags'], ['tag 0', 'tag 1']);
  }
  const refused = await patch(span(bob.url, 1), { status: 'ghost', processed: true });
  t.deepEqual([refused.status, refused.body['error']], [409, 'conflict_open']);
  t.is((await get(span(bob.url, 1))).body['processed'], undefined, 'nothing of the request was said');

  const one = await get(conflictAt(bob.url, of('status')));
  t.true(shapes.conflict.safeParse(one.body).success, one.text);
  const [first, second] = listOf(one, 'candidates');
  t.deepEqual(
    [first, second].map((each) => [each?.['value'], each?.['node_id']]),
    [
      ['executed', 'logline-id://node/alice'],
      ['reverted', 'logline-id://node/bob'],
    ],
  );
  const decision = { choose: textOf(first?.['ref']), note: 'it did run' };
  const decided = await resolve(bob.url, of('status'), decision);
  t.is(decided.status, 200, decided.text);
  t.like(decided.body, {
    state: 'resolved',
    resolution: { by: 'node', node_id: 'logline-id://node/bob', value: 'executed', note: 'it did run' },
  });
  t.deepEqual((await resolve(bob.url, of('status'), decision)).body, decided.body, 'the same again');
  await eventually(
    'alice hears of it',
    async () => (await get(span(alice.url, 1))).body['conflicted'] === undefined,
  );
  t.is((await get(span(alice.url, 1))).body['status'], 'executed');
  t.is(
    (await resolve(alice.url, of('status'), { value: 'executed' })).status,
    200,
    'the same at the other node',
  );
  const other = await resolve(alice.url, of('status'), { value: 'ghost' });
  t.deepEqual([other.status, other.body['error']], [409, 'conflict_closed']);
  t.is((await patch(span(alice.url, 1), { status: 'ghost' })).status, 200, 'and it is annotated as before');

  const identity = await get(conflictAt(alice.url, of('identity')));
  const bodies = listOf(identity, 'candidates');
  t.deepEqual(
    bodies.map((each) => (each['span'] as { title: string }).title),
    ['by alice', 'by bob'],
  );
  t.is((await resolve(alice.url, of('identity'), { choose: textOf(bodies[0]?.['ref']) })).status, 200);
  await eventually(
    'bob reads what was chosen',
    async () => (await get(span(bob.url, 3))).body['title'] === 'by alice',
  );

  const state = (wanted: string): Promise<readonly { readonly [member: string]: Json }[]> =>
    conflicts(alice.url, `&state=${wanted}`).then((answer) => listOf(answer, 'conflicts'));
  t.deepEqual(
    [(await state('open')).map(({ field }) => field), (await state('resolved')).length],
    [['metadata.cost'], 2],
  );
  t.is(listOf(await conflicts(alice.url, `&span_id=${uuid(1)}`), 'conflicts').length, 1);
  t.is(listOf(await conflicts(alice.url, '&field=metadata.cost'), 'conflicts').length, 1);
  const pages: string[] = [];
  for (let cursor = ''; ;) {
    const { body } = await conflicts(alice.url, `&limit=1${cursor}`);
    pages.push(...((body['conflicts'] as { id: string }[] | undefined) ?? []).map(({ id }) => id));
    if (body['next_cursor'] === null) break;
    cursor = `&cursor=${encodeURIComponent(textOf(body['next_cursor']))}`;
  }
  t.is(new Set(pages).size, 3);

  await refusals(t, alice.url, of('metadata.cost'));
});

async function refusals(t: ExecutionContext, url: string, id: string): Promise<void> {
  const before = (await get(conflictAt(url, id))).text;
  const refused: readonly (readonly [Body, number, RegExp])[] = [
    [{}, 400, /either choose/],
    [{ choose: `${'0'.repeat(64)}.0`, value: 1 }, 400, /either choose/],
    [{ choose: `${'0'.repeat(64)}.0` }, 400, /not one of the 2 candidates/],
    [{ choose: 'nonsense' }, 400, /not one of the 2 candidates/],
    [{ value: 'x'.repeat(5000) }, 400, /^metadata\.cost: /],
    [{ value: 1, note: 'x'.repeat(5000) }, 400, /note/],
    [{ value: 1, node: 'logline-id://node/bob' }, 400, /[Uu]nrecognized/],
  ];
  for (const [body, status, why] of refused) {
    const answer = await resolve(url, id, body);
    t.is(answer.status, status, JSON.stringify(body).slice(0, 100));
    t.regex(textOf(answer.body['detail']), why);
  }
  const missing = await resolve(url, `${uuid(9)}-0011223344556677`, { value: 1 });
  t.is(missing.status, 404);
  for (const nowhere of [`${uuid(2)}-0011223344556677`, 'nonsense', '%00'])
    t.is((await get(conflictAt(url, nowhere))).status, 404, nowhere);
  const foreign = await get(`${url}/v1/conflicts/${id}?tenant_id=other`);
  t.is(foreign.status, 404, "another tenant's conflict");
  t.is((await conflicts(url, '&cursor=nonsense')).status, 400);
  t.is((await conflicts(url, '&span_id=nonsense')).status, 400);
  t.is((await conflicts(url, '&state=half')).status, 400);
  t.is((await get(`${url}/v1/conflicts`)).body['error'], 'tenant_required');
  t.is((await get(conflictAt(url, id))).text, before, 'nothing of all that changed anything');
  const taken = await resolve(url, id, { value: null });
  t.is(taken.status, 200, 'null takes a member away');
  t.is((await get(span(url, 2))).body['metadata'], undefined);
}
