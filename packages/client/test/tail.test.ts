// Following a timeline: in order, without a gap or a repetition, across connections that break and a node that restarts.
import test from 'ava';
import type { ServerResponse } from 'node:http';
import { LoglineFederationClient, LoglineFederationError, type TailEvent } from '../dist/index.js';
import { retryPolicy } from '../dist/retry.js';
import { tailEvents } from '../dist/tail.js';
import { answer, deadUrl, serve, type TestServer } from './http-server.js';
import { spanOf, startService } from './service.js';

const QUICK = { firstDelayMs: 5, mostDelayMs: 50 };

const tailClient = (server: TestServer): LoglineFederationClient =>
  new LoglineFederationClient({ baseUrl: server.url, tenant: 'acme', retry: QUICK });

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
}

function sendSpan(response: ServerResponse, n: number): void {
  response.write(`id: a${n}\nevent: span\ndata: ${JSON.stringify(spanOf(n))}\n\n`);
}

/** The next so many events. */
async function take(events: AsyncGenerator<TailEvent, void, void>, count: number): Promise<TailEvent[]> {
  const taken: TailEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

const cursors = (events: readonly TailEvent[]): string[] => events.map((event) => event.cursor);
const titles = (events: readonly TailEvent[]): string[] =>
  events.map((event) => (event.kind === 'span' ? event.span.title : event.kind));

test('a follower sees what is there, then what comes, and goes on behind a cursor later', async (t) => {
  const { client } = await startService(t);
  await client.append([spanOf(1), spanOf(2)]);
  const events = client.tail({ after: 'start' });
  t.deepEqual(titles(await take(events, 2)), ['order 1', 'order 2']);
  // An old timestamp that arrives late is not missed.
  await client.append(spanOf(0));
  const [late] = await take(events, 1);
  await events.return();
  t.deepEqual(late?.kind === 'span' && JSON.parse(late.json), spanOf(0));

  await client.append(spanOf(3));
  const later = client.tail({ after: late?.cursor });
  t.deepEqual(titles(await take(later, 1)), ['order 3']);
  await later.return();
});

test('a follower goes on where it was when its node restarts on the same data', async (t) => {
  const before = await startService(t);
  const lost: string[] = [];
  const events = before.client.tail({
    after: 'start',
    onReconnect: ({ reason }) => void lost.push(reason.message),
  });
  await before.client.append([spanOf(1), spanOf(2)]);
  t.deepEqual(titles(await take(events, 2)), ['order 1', 'order 2']);
  const next = take(events, 2);
  await before.server.close();

  const after = await startService(t, { dataDir: before.dataDir, bindPort: before.server.port });
  await after.client.append([spanOf(3), spanOf(4)]);
  t.deepEqual(titles(await next), ['order 3', 'order 4']);
  t.not(lost.length, 0);
  await events.return();
});

test('a cursor of another store starts again, and says so', async (t) => {
  const one = await startService(t);
  const other = await startService(t);
  const { cursor } = await one.client.append(spanOf(1));
  await other.client.append(spanOf(2));
  const events = other.client.tail({ after: cursor ?? t.fail() ?? '' });
  t.deepEqual(titles(await take(events, 2)), ['reset', 'order 2']);
  await events.return();
});

test('a connection that breaks is made again behind the last event, and nothing comes twice', async (t) => {
  const server = await serve(t, (_request, response, count) => {
    openStream(response);
    sendSpan(response, count * 2);
    sendSpan(response, count * 2 + 1);
    // In the middle of an event, which is told again then.
    response.write('id: a99\nevent: span\ndata: {"ti', () => response.destroy());
  });
  const events = tailClient(server).tail({ after: 'a1' });
  t.deepEqual(cursors(await take(events, 6)), ['a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  await events.return();
  t.deepEqual(
    server.requests.slice(0, 3).map(({ headers }) => headers['last-event-id']),
    ['a1', 'a3', 'a5'],
  );
  t.deepEqual(
    new Set(server.requests.map(({ url }) => url)),
    new Set(['/v1/timeline/stream?tenant_id=acme']),
  );
});

test('events of a kind that is not known move the cursor and are not handed out', async (t) => {
  const server = await serve(t, (_request, response, count) => {
    openStream(response);
    if (count === 1) response.write('id: a5\nevent: ready\ndata: {}\n\n', () => response.end());
    else sendSpan(response, 6);
  });
  const events = tailClient(server).tail();
  t.deepEqual(cursors(await take(events, 1)), ['a6']);
  await events.return();
  t.deepEqual(
    server.requests.map(({ headers }) => headers['last-event-id']),
    [undefined, 'a5'],
  );
});

test('an answer that would not change ends it', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 400, { error: 'bad_cursor' }));
  const error = await t.throwsAsync(take(tailClient(server).tail({ after: 'x' }), 1), {
    instanceOf: LoglineFederationError,
  });
  t.is(error.code, 'bad_cursor');
  t.is(server.requests.length, 1);
});

test('a node that was never reached ends it after a few tries', async (t) => {
  const client = new LoglineFederationClient({ baseUrl: await deadUrl(), retry: QUICK });
  const error = await t.throwsAsync(take(client.tail({ tenant: 'acme' }), 1), {
    instanceOf: LoglineFederationError,
  });
  t.is(error.code, 'unreachable');
});

test('an abort ends it quietly, while it waits for an event and while it waits to reconnect', async (t) => {
  for (const status of [200, 503]) {
    const abort = new AbortController();
    const server = await serve(t, (_request, response) => {
      if (status === 200) openStream(response);
      else answer(response, status, {});
      abort.abort();
    });
    const events = tailClient(server).tail({ signal: abort.signal });
    t.deepEqual(await take(events, 1), []);
  }
});

test('a follower that has seen enough closes its connection', async (t) => {
  let isClosed: Promise<void> | undefined;
  const server = await serve(t, (_request, response) => {
    isClosed = new Promise((resolve) => response.once('close', resolve));
    openStream(response);
    sendSpan(response, 1);
    sendSpan(response, 2);
  });
  for await (const event of tailClient(server).tail()) if (event.cursor === 'a1') break;
  await isClosed;
  t.is(server.requests.length, 1);
});

test('a connection that falls silent is taken for dead and made again', async (t) => {
  const server = await serve(t, (_request, response, count) => {
    openStream(response);
    sendSpan(response, count);
  });
  const reasons: string[] = [];
  const events = tailEvents(
    { onReconnect: ({ reason }) => void reasons.push(reason.message) },
    {
      policy: retryPolicy(QUICK),
      silenceMs: 50,
      connect: (_lastEventId, signal) => fetch(server.url, { signal }),
    },
  );
  t.deepEqual(cursors(await take(events, 2)), ['a1', 'a2']);
  t.deepEqual(reasons, ['nothing was heard for 50 ms']);
  await events.return();
});

test('a follower is told of what is withdrawn and restored, and goes on behind it', async (t) => {
  const asked: (string | string[] | undefined)[] = [];
  const server = await serve(t, (request, response) => {
    asked.push(request.headers['last-event-id']);
    openStream(response);
    if (asked.length > 1) return sendSpan(response, 9);
    sendSpan(response, 1);
    response.write(`id: b1\nevent: withdrawn\ndata: {"id":"${spanOf(1).id}"}\n\n`);
    response.write(`id: b2\nevent: restored\ndata: ${JSON.stringify(spanOf(2))}\n\n`);
    response.end();
  });
  const events = tailClient(server).tail({ after: 'start' });
  const [, withdrawn, restored, next] = await take(events, 4);
  t.deepEqual(withdrawn, { kind: 'withdrawn', id: spanOf(1).id, cursor: 'b1' });
  t.deepEqual(restored, {
    kind: 'restored',
    span: spanOf(2),
    json: JSON.stringify(spanOf(2)),
    cursor: 'b2',
  });
  t.is(next?.kind, 'span');
  t.is(asked[1], 'b2');
  await events.return();
});
