// Requests that are sent again: they act once, and only for as long as they can be a retry.
import test from 'ava';
import type { Context } from 'koa';
import { HttpProblem } from '../dist/problem.js';
import { Repeats } from '../dist/repeats.js';

/** As much of a request as is looked at. */
function request(options: { key?: string; caller?: string; path?: string; tenant?: string } = {}): Context {
  const { key, caller = 'ann', path = '/v1/trust/revoke', tenant } = options;
  return {
    path,
    state: { caller: { kind: 'bearer', name: caller, tenant } },
    req: { headersDistinct: key === undefined ? {} : { 'idempotency-key': [key] } },
  } as unknown as Context;
}

function counter(): { readonly act: () => Promise<number>; readonly acts: () => number } {
  let count = 0;
  return { act: () => Promise.resolve(++count), acts: () => count };
}

test('the same key and content act once, for one caller and one route', async (t) => {
  const repeats = new Repeats();
  const { act, acts } = counter();
  t.is(await repeats.once(request({ key: 'k' }), { a: 1 }, act), 1);
  t.is(await repeats.once(request({ key: 'k' }), { a: 1 }, act), 1);
  t.is(await repeats.once(request({ key: 'l' }), { a: 1 }, act), 2);
  t.is(await repeats.once(request({ key: 'k', caller: 'bob' }), { a: 1 }, act), 3);
  t.is(await repeats.once(request({ key: 'k', path: '/v1/trust/release' }), { a: 1 }, act), 4);
  t.is(await repeats.once(request({ key: 'k', tenant: 'acme' }), { a: 1 }, act), 5);
  t.is(await repeats.once(request({ key: 'k', tenant: 'globex' }), { a: 1 }, act), 6);
  t.is(acts(), 6);
});

test('a key that comes with other content is refused, and nothing is done', async (t) => {
  const repeats = new Repeats();
  const { act, acts } = counter();
  await repeats.once(request({ key: 'k' }), { a: 1 }, act);
  const error = await t.throwsAsync(repeats.once(request({ key: 'k' }), { a: 2 }, act), {
    instanceOf: HttpProblem,
  });
  t.is(error.status, 400);
  t.is(acts(), 1);
});

test('without a key the same wish is one act while it is under way, and another one later', async (t) => {
  const repeats = new Repeats();
  const { act, acts } = counter();
  const both = await Promise.all([1, 2].map(() => repeats.once(request(), { a: 1 }, act)));
  t.deepEqual(both, [1, 1]);
  t.is(await repeats.once(request(), { a: 1 }, act), 2);
  t.is(acts(), 2);
});

test('what failed is done again', async (t) => {
  const repeats = new Repeats();
  const fail = (): Promise<number> => Promise.reject(new Error('the disk'));
  await t.throwsAsync(repeats.once(request({ key: 'k' }), 1, fail), { message: 'the disk' });
  t.is(await repeats.once(request({ key: 'k' }), 1, () => Promise.resolve(7)), 7);
});

test('only the latest thousand are kept', async (t) => {
  const repeats = new Repeats();
  const { act } = counter();
  for (let i = 0; i <= 1000; i++) await repeats.once(request({ key: `k${i}` }), i, act);
  t.is(await repeats.once(request({ key: 'k1000' }), 1000, act), 1001, 'kept');
  t.is(await repeats.once(request({ key: 'k0' }), 0, act), 1002, 'forgotten, so done again');
});
