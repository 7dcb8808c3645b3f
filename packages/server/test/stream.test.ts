// Following a timeline over server-sent events: live, resumed, and across a restart of the service.
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { eventually, HostilePeer } from '@logline/federation-core/testing';
import {
  get,
  lineOf,
  postLines,
  serve,
  spanOf,
  temporaryDirectory,
  type Json,
  textOf,
  uuid,
} from './helpers.js';

const ACME = '/v1/timeline/spans?tenant_id=acme';
const STREAM = '/v1/timeline/stream?tenant_id=acme';

interface SentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

class Follower {
  readonly events: SentEvent[] = [];
  comments = 0;
  ended = false;
  readonly response: IncomingMessage;
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.on('end', () => (this.ended = true));
    response.on('error', () => undefined);
  }

  get titles(): readonly string[] {
    return this.events.map((event) => (JSON.parse(event.data) as { title: string }).title);
  }

  #take(text: string): void {
    const blocks = (this.#text + text).split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.has('event')) {
        const { id = '', event = '', data = '' } = Object.fromEntries(fields) as Partial<SentEvent>;
        this.events.push({ id, event, data });
      } else this.comments++;
    }
  }
}

function follow(t: ExecutionContext, url: string, headers: Record<string, string> = {}): Promise<Follower> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { headers }, (response) => resolve(new Follower(response)));
    request.on('error', reject);
    t.teardown(() => request.destroy());
  });
}

test('a follower is told what comes, as it was sent, and not what was there', async (t) => {
  const { url } = await serve(t);
  await postLines(url + ACME, [lineOf(1)]);
  const follower = await follow(t, url + STREAM);
  t.is(follower.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  t.is(follower.response.headers['x-content-type-options'], 'nosniff');
  await eventually('the stream has begun', () => follower.comments > 0);
  await postLines(url + ACME, [lineOf(3), lineOf(2)]);
  await postLines(`${url}/v1/timeline/spans?tenant_id=globex`, [lineOf(4)]);
  await postLines(url + ACME, [lineOf(5)]);
  await eventually('three spans have come', () => follower.events.length === 3);
  t.deepEqual(follower.titles, ['span 3', 'span 2', 'span 5']);
  t.is(follower.events[0]?.data, lineOf(3));
});

test('a follower from the start gets everything once, then what comes', async (t) => {
  const { url } = await serve(t);
  await postLines(url + ACME, [lineOf(1), lineOf(2), lineOf(1)]);
  const follower = await follow(t, `${url}${STREAM}&from=start`);
  await postLines(url + ACME, [lineOf(3)]);
  await eventually('three spans have come', () => follower.events.length >= 3);
  t.deepEqual(follower.titles, ['span 1', 'span 2', 'span 3']);
});

test('the cursor of an append is where a follower of it begins', async (t) => {
  const { url } = await serve(t);
  const { body } = await postLines(url + ACME, [lineOf(1)]);
  await postLines(url + ACME, [lineOf(2)]);
  const follower = await follow(t, `${url}${STREAM}&after=${textOf(body['cursor'])}`);
  await eventually('the later span has come', () => follower.events.length === 1);
  t.deepEqual(follower.titles, ['span 2']);
});

test('after a restart of the service a follower goes on where it was, and misses nothing', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const before = await serve(t, { dataDir });
  await postLines(before.url + ACME, [lineOf(1), lineOf(2), lineOf(3)]);
  const first = await follow(t, `${before.url}${STREAM}&from=start`);
  await eventually('three spans have come', () => first.events.length === 3);
  const seen = first.events[1]?.id ?? '';
  await before.close();
  await eventually('the stream has ended', () => first.ended);

  const after = await serve(t, { dataDir });
  await postLines(after.url + ACME, [lineOf(4)]);
  // As a browser reconnects: the old address, and the header that goes before it.
  const second = await follow(t, `${after.url}${STREAM}&from=start`, { 'last-event-id': seen });
  await eventually('the rest has come', () => second.events.length === 2);
  t.deepEqual(second.titles, ['span 3', 'span 4']);
});

test('a cursor of another store is told by a reset, and everything follows', async (t) => {
  const one = await serve(t);
  const other = await serve(t);
  const { body } = await postLines(one.url + ACME, [lineOf(1)]);
  await postLines(other.url + ACME, [lineOf(2)]);
  const follower = await follow(t, other.url + STREAM, { 'last-event-id': textOf(body['cursor']) });
  await eventually('reset and span have come', () => follower.events.length === 2);
  t.deepEqual(
    follower.events.map((event) => event.event),
    ['reset', 'span'],
  );
});

test('a cursor tells nothing of the log, and one that was changed is told by a reset', async (t) => {
  const { url, node } = await serve(t);
  const { body } = await postLines(url + ACME, [lineOf(1), lineOf(2)]);
  const cursor = textOf(body['cursor']);
  const place = node.timeline('acme').end();
  t.false(cursor.includes(place.slice(1, 8)));
  t.is((await get(`${url}${STREAM}&after=${place}`)).status, 400, 'the place itself is none');
  const crafted = cursor.slice(0, -4) + (cursor.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  const follower = await follow(t, url + STREAM, { 'last-event-id': crafted });
  await eventually('reset and spans have come', () => follower.events.length === 3);
  t.deepEqual(
    follower.events.map((event) => event.event),
    ['reset', 'span', 'span'],
  );
  t.true(follower.events.every((event) => event.id?.startsWith('c') === true));
});

test('what is no cursor is refused before the stream begins', async (t) => {
  const { url } = await serve(t);
  const refused = async (query: string, headers: Record<string, string> = {}): Promise<readonly Json[]> => {
    const answer = await get(url + STREAM + query, headers);
    return [answer.status, answer.body['error'] ?? ''];
  };
  t.deepEqual(await refused('&after=x'), [400, 'bad_cursor']);
  t.deepEqual(await refused('', { 'last-event-id': 'x' }), [400, 'bad_cursor']);
  t.deepEqual(await refused('&after=x&from=start'), [400, 'bad_request']);
  t.deepEqual(await refused('&from=end'), [400, 'bad_request']);
  t.is((await fetch(url + STREAM, { method: 'HEAD' })).status, 200);
});

test('a follower that does not read holds nothing up and is let go when it leaves', async (t) => {
  const { url, node } = await serve(t);
  const follower = await follow(t, `${url}${STREAM}&from=start`);
  follower.response.pause();
  const data = 'x'.repeat(100_000);
  for (let from = 0; from < 400; from += 50)
    await postLines(
      url + ACME,
      Array.from({ length: 50 }, (_, i) => lineOf(from + i, { data })),
    );
  t.is(node.status().entries > 0, true);
  follower.response.resume();
  await eventually('all spans have come', () => follower.events.length === 400, { timeoutMs: 20_000 });
  t.deepEqual(
    follower.titles,
    Array.from({ length: 400 }, (_, n) => `span ${n}`),
  );
});

test('a follower is told what is withdrawn, and what stands in its place', async (t) => {
  const { url, node } = await serve(t, { tenants: '*' });
  await postLines(url + ACME, [lineOf(2)]);
  const carol = new HostilePeer({ name: 'carol' });
  t.teardown(() => carol.close());
  // Nobody answers there: carol is the one who dials.
  await node.trust({ address: 'ws://127.0.0.1:9/v1/federation', key: carol.publicKey });
  const feed = carol.feed('timeline/acme');
  const link = await (await carol.dial(`${url.replace('http', 'ws')}/v1/federation`)).join();
  const other = spanOf(2, { title: 'what carol says of it' });
  link.bring(feed.write({ spans: [spanOf(1)] }), feed.write({ spans: [other, spanOf(3)] }));
  // What nodes are at odds about is told in between.
  const bodies = ({ events }: Follower): Follower['events'] =>
    events.filter(({ event }) => event !== 'conflict');
  const follower = await follow(t, `${url}${STREAM}&from=start`);
  await eventually('all bodies have come', () => bodies(follower).length === 4);
  const [last] = bodies(follower).slice(-1);

  link.bring(feed.branch(1).write({ spans: [spanOf(4)] }));
  await eventually('the second entry is withdrawn', () => bodies(follower).length === 7);
  const told = bodies(follower).slice(4);
  t.deepEqual(
    told.map(({ event, data }) => [event, JSON.parse(data) as Json]),
    [
      ['withdrawn', { id: uuid(2) }],
      ['restored', JSON.parse(lineOf(2)) as Json],
      ['withdrawn', { id: uuid(3) }],
    ],
  );
  const { text } = await get(url + ACME);
  t.deepEqual(
    (JSON.parse(text) as { spans: { title: string }[] }).spans.map(({ title }) => title),
    ['span 1', 'span 2'],
  );

  const resumed = await follow(t, url + STREAM, { 'Last-Event-ID': last?.id ?? '' });
  await eventually('it is told again', () => bodies(resumed).length === 3);
  t.deepEqual(bodies(resumed), told);
});
