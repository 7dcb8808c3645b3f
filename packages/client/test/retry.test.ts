// Calls to a node that fails for a while, or for good: what is tried again, how often, and what is said at the end.
import test, { type ExecutionContext } from 'ava';
import { LoglineFederationClient, LoglineFederationError } from '../dist/index.js';
import { answer, deadUrl, HEALTH, NOTHING_APPENDED, serve, type TestServer } from './http-server.js';

const QUICK = { firstDelayMs: 1 };
const SPAN = { logline_id: 'logline-id://app/shop', title: 'paid' };

const quickClient = (server: TestServer): LoglineFederationClient =>
  new LoglineFederationClient({ baseUrl: server.url, retry: QUICK });

function failure(t: ExecutionContext, call: Promise<unknown>): Promise<LoglineFederationError> {
  return t.throwsAsync(call, { instanceOf: LoglineFederationError });
}

for (const status of [429, 502, 503, 504]) {
  test(`a node that answers ${status} twice is asked a third time`, async (t) => {
    const server = await serve(t, (_request, response, count) =>
      answer(response, count < 3 ? status : 200, count < 3 ? {} : HEALTH),
    );
    t.deepEqual(await quickClient(server).health(), { ...HEALTH, status: 'healthy' });
    t.is(server.requests.length, 3);
  });
}

for (const status of [400, 401, 404, 409, 500]) {
  test(`an answer of ${status} is not asked for again`, async (t) => {
    const server = await serve(t, (_request, response) => answer(response, status, { error: 'some_code' }));
    const error = await failure(t, quickClient(server).health());
    t.is(error.status, status);
    t.is(error.code, 'some_code');
    t.is(server.requests.length, 1);
  });
}

test('the tries are bounded, and the last answer is the error', async (t) => {
  const server = await serve(t, (_request, response, count) =>
    answer(response, 503, { error: 'overloaded', detail: `try ${count}: come back later` }),
  );
  const client = new LoglineFederationClient({ baseUrl: server.url, retry: { ...QUICK, tries: 3 } });
  const error = await failure(t, client.health());
  t.is(error.detail, 'try 3: come back later');
  t.is(server.requests.length, 3);
});

test('the wait that a node asks for is kept', async (t) => {
  const server = await serve(t, (_request, response, count) =>
    count === 1 ? answer(response, 429, {}, { 'retry-after': '1' }) : answer(response, 200, HEALTH),
  );
  await quickClient(server).health();
  const [first = 0, second = 0] = server.atMs;
  t.true(second - first >= 990, `waited ${second - first} ms`);
});

test('a wait that is too long is left to the caller', async (t) => {
  const server = await serve(t, (_request, response) =>
    answer(response, 503, { error: 'overloaded' }, { 'retry-after': '3600' }),
  );
  const error = await failure(t, quickClient(server).health());
  t.is(error.retryAfterMs, 3_600_000);
  t.is(server.requests.length, 1);
});

test('an answer that breaks off in the middle is asked for again', async (t) => {
  const server = await serve(t, (_request, response, count) => {
    if (count > 1) return answer(response, 200, HEALTH);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"status":', () => response.destroy());
  });
  t.is((await quickClient(server).health()).node_id, HEALTH.node_id);
  t.is(server.requests.length, 2);
});

test('every try of a POST carries the same key, and the next POST another', async (t) => {
  const server = await serve(t, (request, response, count) => {
    request.resume();
    answer(response, count === 1 ? 503 : 201, NOTHING_APPENDED);
  });
  const client = quickClient(server);
  await client.append(SPAN);
  await client.append(SPAN);
  const [first, again, other] = server.requests.map((request) => request.headers['idempotency-key']);
  t.regex(String(first), /^[0-9a-f-]{36}$/);
  t.is(again, first);
  t.not(other, first);
});

test('a streamed upload is sent once: its source is consumed', async (t) => {
  const server = await serve(t, (request, response) => {
    request.resume().on('end', () => answer(response, 503, { error: 'overloaded' }));
  });
  const error = await failure(t, quickClient(server).upload([SPAN]));
  t.is(error.code, 'overloaded');
  t.is(server.requests.length, 1);
});

test('an upload in parts sends a failed part again', async (t) => {
  const server = await serve(t, (request, response, count) => {
    request
      .resume()
      .on('end', () => answer(response, count === 2 ? 503 : 201, { ...NOTHING_APPENDED, accepted: 1 }));
  });
  const bulky = { ...SPAN, data: 'x'.repeat(70_000) };
  const result = await quickClient(server).upload([bulky, bulky], { partBytes: 1000 });
  t.is(result.accepted, 2);
  t.is(server.requests.length, 3);
  const keys = server.requests.map((request) => request.headers['idempotency-key']);
  t.is(keys[1], keys[2]);
  t.not(keys[0], keys[1]);
});

test('a node that does not listen is named, with what to check', async (t) => {
  const baseUrl = await deadUrl();
  const client = new LoglineFederationClient({ baseUrl, retry: QUICK });
  const error = await failure(t, client.health());
  t.is(error.code, 'unreachable');
  t.is(error.status, undefined);
  t.is(error.detail, `no answer from ${baseUrl} (ECONNREFUSED): is the node running at ${baseUrl}?`);
  t.deepEqual(error.request, { method: 'GET', url: `${baseUrl}/health` });
});

test('a node that never answers runs into the deadline, which holds for all tries together', async (t) => {
  const server = await serve(t, (_request, response, count) => {
    if (count === 1) answer(response, 503, {});
  });
  const client = new LoglineFederationClient({ baseUrl: server.url, retry: QUICK });
  const error = await failure(t, client.health({ timeoutMs: 1000 }));
  t.is(error.code, 'timeout');
  t.is(server.requests.length, 2);
});

test('where time runs out between two tries, the last answer is the error', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 503, { error: 'overloaded' }));
  const client = new LoglineFederationClient({
    baseUrl: server.url,
    timeoutMs: 1000,
    retry: { firstDelayMs: 60_000, mostDelayMs: 60_000 },
  });
  t.is((await failure(t, client.health())).code, 'overloaded');
});

test('an abort ends a wait between tries at once, with its own reason', async (t) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const server = await serve(t, (_request, response) => {
    answer(response, 503, {});
    response.on('close', () => abort.abort(reason));
  });
  const client = new LoglineFederationClient({
    baseUrl: server.url,
    retry: { firstDelayMs: 60_000, mostDelayMs: 60_000 },
  });
  t.is(await t.throwsAsync(client.health({ signal: abort.signal })), reason);
});

test('an answer of something that is no LogLine service says where to look', async (t) => {
  const server = await serve(t, (_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
  });
  const error = await failure(t, quickClient(server).health());
  t.is(error.code, 'http_404');
  t.regex(error.detail, /does baseUrl lead to a LogLine federation service/);
});

test('the token goes with each try, and into no error', async (t) => {
  const server = await serve(t, (_request, response, count) => answer(response, count === 1 ? 503 : 401, {}));
  let asked = 0;
  const token = (): string => `secret-${++asked}`;
  const client = new LoglineFederationClient({ baseUrl: server.url, token, retry: QUICK });
  const error = await failure(t, client.health());
  t.deepEqual(
    server.requests.map((request) => request.headers.authorization),
    ['Bearer secret-1', 'Bearer secret-1'],
  );
  t.notRegex(`${error.stack}${JSON.stringify(error)}`, /secret/);
});

test('an address that is none is refused before anything is sent', (t) => {
  for (const baseUrl of ['', 'localhost:8080', 'ftp://localhost', '/v1']) {
    t.throws(() => new LoglineFederationClient({ baseUrl }), { message: /expected an address such as/ });
  }
});
