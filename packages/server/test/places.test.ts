// What one caller can take of what all share, and what a text of others may do to a terminal that shows the log.
import test from 'ava';
import { LoglineError, parseTenant } from '@logline/federation-core';
import type { Caller } from '../dist/caller.js';
import { short } from '../dist/logging.js';
import { Places } from '../dist/places.js';
import { ACCESS, operator, user } from './callers.js';
import { get, serve } from './helpers.js';

const caller = (kind: Caller['kind'], name: string, tenant?: string): Caller => ({
  kind,
  name,
  roles: new Set(),
  tenant: tenant === undefined ? undefined : parseTenant(tenant),
  expiresAtMs: undefined,
});

test('a user takes no more than its share of places, by whichever way it comes, and gives each back once', (t) => {
  const places = new Places({ all: 6, perCaller: 2 });
  const alice = caller('bearer', 'alice', 'acme');
  const first = places.take(alice);
  places.take(caller('gateway', 'alice', 'acme'));
  t.throws(() => places.take(alice), { instanceOf: LoglineError, code: 'overloaded' });
  places.take(caller('bearer', 'alice', 'globex'));
  places.take(caller('bearer', 'bob', 'acme'));
  first();
  first();
  places.take(alice);
  t.throws(() => places.take(alice), { code: 'overloaded' });
  // The operator and this machine are held by the number of all alone.
  places.take(caller('operator', 'operator'));
  places.take(caller('operator', 'operator'));
  t.throws(() => places.take(caller('local', '127.0.0.1')), { code: 'overloaded' });
});

test('a reader of one tenant who opens stream after stream leaves room for others', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  // An answer that nobody holds is collected, and its stream with it.
  const streams: Response[] = [];
  const follow = async (headers: Record<string, string>): Promise<number> => {
    const stream = await fetch(`${url}/v1/timeline/stream?tenant_id=acme`, { headers, signal: stop.signal });
    streams.push(stream);
    return stream.status;
  };
  const alice = user({ tenant: 'acme' });
  for (let n = 0; n < 100; n++) t.is(await follow(alice), 200);
  t.is(await follow(alice), 503);
  t.is(await follow(user({ tenant: 'acme', sub: 'bob' })), 200);
  t.is(await follow(operator), 200);
  t.is((await get(`${url}/v1/timeline/spans`, alice)).status, 200, 'and what is no stream is answered');
  t.is(streams.length, 103);
});

test('nothing that others wrote moves the cursor or turns the direction of a terminal that shows the log', (t) => {
  const hostile = ['\u009b31m', '\u0085', '\u007f', '\u202egpj.exe', '\u2066', '\u2028', '\u061c'];
  for (const text of hostile) {
    const line = JSON.stringify(short(`a${text}b`));
    t.notRegex(line, /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/, JSON.stringify(text));
  }
  t.is(short('söme pläin 日本語 😀 text'), 'söme pläin 日本語 😀 text');
});
