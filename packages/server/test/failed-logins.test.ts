// Who guesses: so many wrong tokens a minute from one address, then no more are looked at.
import test from 'ava';
import { FailedLogins } from '../dist/failed-logins.js';
import { SERVER_LIMITS } from '../dist/limits.js';
import { ACCESS, bearer, gateway, operator, user } from './callers.js';
import { get, serve } from './helpers.js';

const MOST = SERVER_LIMITS.failedLogins;
const MALLORY = '203.0.113.9';

function logins(): { readonly logins: FailedLogins; readonly pass: (ms: number) => void } {
  let now = 0;
  return { logins: new FailedLogins(MOST, () => now), pass: (ms) => (now += ms) };
}

const fail = (at: FailedLogins, address: string, times: number = MOST): readonly boolean[] =>
  Array.from({ length: times }, () => at.failed(address));

test('an address that fails too often waits for the rest of its minute, others do not', (t) => {
  const { logins: at, pass } = logins();
  t.deepEqual(fail(at, MALLORY, MOST - 1).filter(Boolean), []);
  t.is(at.limitFor(MALLORY, 'x'), undefined);
  pass(50_000);
  t.true(at.failed(MALLORY), 'told once');
  t.false(at.failed(MALLORY));
  const limit = at.limitFor(MALLORY, 'x');
  t.is(limit?.status, 429);
  t.is(limit?.headers['Retry-After'], '10');
  t.is(at.limitFor('203.0.113.10', 'x'), undefined);
  pass(10_000);
  t.is(at.limitFor(MALLORY, 'x'), undefined);
  t.false(at.failed(MALLORY), 'a new minute');
});

test('what was right before is looked at nonetheless, and nothing else', (t) => {
  const { logins: at } = logins();
  at.succeeded('of alice');
  fail(at, MALLORY);
  t.is(at.limitFor(MALLORY, 'of alice'), undefined);
  t.truthy(at.limitFor(MALLORY, 'of alicf'));
});

test('a network of IPv6 is one address, and an IPv4 address is the same inside IPv6', (t) => {
  const { logins: at } = logins();
  fail(at, '2001:db8:0:7::1');
  for (const same of ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::', '2001:db8::7:9:9:9:9'])
    t.truthy(at.limitFor(same, 'x'));
  for (const other of ['2001:db8:0:8::1', '2001:db8::7', '::1'])
    t.is(at.limitFor(other, 'x'), undefined, other);
  fail(at, `::ffff:${MALLORY}`);
  t.truthy(at.limitFor(MALLORY, 'x'));
});

test('neither addresses nor credentials grow without bound, and the latest count', (t) => {
  const { logins: at } = logins();
  for (let n = 0; n < SERVER_LIMITS.failedLoginAddresses + 10; n++) at.failed(`10.${n >> 16}.${n >> 8}.${n}`);
  fail(at, MALLORY);
  t.truthy(at.limitFor(MALLORY, 'x'));
  at.succeeded('first');
  for (let n = 0; n < SERVER_LIMITS.rightCredentials; n++) at.succeeded(`${n}`);
  t.deepEqual(at.size, {
    addresses: SERVER_LIMITS.failedLoginAddresses,
    credentials: SERVER_LIMITS.rightCredentials,
  });
  t.truthy(at.limitFor(MALLORY, 'first'));
  t.is(at.limitFor(MALLORY, '0'), undefined);
});

test('a running service stops listening to who guesses, and goes on with everybody else', async (t) => {
  const { url } = await serve(t, { access: { ...ACCESS, failedLoginsPerMinute: MOST } });
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await get(`${url}/v1/nodes`, headers)).status;
  t.is(await ask(operator), 200);
  t.is(await ask(gateway('acme', 'federation:read')), 200);
  // Who shows nothing guesses nothing.
  for (let n = 0; n < MOST; n++) t.is(await ask({}), 401);
  const guesses = [bearer('guess'), user({ aud: 'others' }), { 'x-service-token': 'guess' }];
  for (let n = 0; n < MOST; n++) t.is(await ask(guesses[n % guesses.length] ?? {}), 401);
  const late = await get(`${url}/v1/nodes`, bearer('guess'));
  t.is(late.status, 429);
  t.is(late.body['error'], 'rate_limited');
  const seconds = Number(late.headers.get('retry-after'));
  t.true(seconds >= 1 && seconds <= 60, String(seconds));
  t.is(await ask({ 'x-service-token': 'guess' }), 429);
  t.is(await ask(user({ tenant: 'acme' })), 200, 'nobody guesses a signature');
  t.is(await ask({}), 401);
  t.is(await ask(operator), 200);
  t.is(await ask(gateway('globex', 'federation:read', user({ tenant: 'acme' }))), 401, 'the gateway goes on');
  t.is(await ask(gateway('acme', 'federation:read')), 200);
  t.is((await get(`${url}/health`)).status, 200);
});

test('a right guess comes too late', async (t) => {
  const { url } = await serve(t, { access: { ...ACCESS, failedLoginsPerMinute: 1 } });
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await get(`${url}/v1/nodes`, headers)).status;
  t.is(await ask(bearer('guess')), 401);
  t.is(await ask(operator), 429);
  t.is(await ask(gateway('acme', 'federation:read')), 429);
});
