// So many requests a minute for each caller, and so many callers that are counted.
import test from 'ava';
import { HttpProblem } from '../dist/problem.js';
import { openRates } from '../dist/rates.js';
import { ACCESS, gateway, inSeconds, user } from './callers.js';
import { get, serve } from './helpers.js';

const SPANS = '/v1/timeline/spans';
const READ = 'federation:read';

test('a caller who has used up its minute is told when to come back, and others are not held up', async (t) => {
  const { url } = await serve(t, { access: { ...ACCESS, requestsPerMinute: 3 } });
  const alice = user({ tenant: 'acme' });
  for (let n = 0; n < 3; n++) t.is((await get(url + SPANS, alice)).status, 200);
  const refused = await get(url + SPANS, alice);
  t.is(refused.status, 429);
  t.is(refused.body['error'], 'rate_limited');
  t.is(refused.headers.get('content-type'), 'application/problem+json');
  const seconds = Number(refused.headers.get('retry-after'));
  t.true(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60);
  t.is((await get(url + SPANS, gateway('acme', READ))).status, 429, 'the same user, by way of the gateway');
  t.is((await get(url + SPANS, user({ tenant: 'acme', sub: 'bob' }))).status, 200);
  t.is((await get(url + SPANS, user({ tenant: 'globex' }))).status, 200, 'a namesake of another tenant');
  t.is((await get(`${url}/health`, alice)).status, 200);
  t.is((await get(url + SPANS, user({ tenant: 'acme', exp: inSeconds(-60) }))).status, 401);
});

test('more callers than are counted share one allowance, so that their number costs no memory', async (t) => {
  const rates = await openRates(1);
  const count = (name: string): Promise<void> =>
    rates.count({ kind: 'bearer', name, roles: new Set(), tenant: undefined, expiresAtMs: undefined });
  for (let n = 0; n < 10_000; n++) await count(`user ${n}`);
  await count('one more');
  await t.throwsAsync(() => count('yet another'), { message: /ask again in \d+ s/ });
  await t.throwsAsync(() => count('user 7'), { instanceOf: HttpProblem });
});
