// T15: every route × every place where a tenant can be named × every kind of caller: nothing of another tenant
// comes out, and what does come out is what would come if the other tenant were not there.
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import { startServer, type RunningServer } from '../dist/index.js';
import { ACCESS, operator, user } from './callers.js';
import { get, lineOf, post, postLines, spanCount, spanOf, textOf, uuid, type Json } from './helpers.js';
import {
  BODIES,
  CANARIES,
  CANARY,
  canarySpan,
  FOREIGN_SPAN,
  MISSING_SPAN,
  NOBODYS,
  QUIET,
  RIGHTFUL,
  STRANGERS,
  THEIRS,
} from './tenancy-callers.js';
import { routes, unclassified, type Kind, type Place, type RoutePlaces } from './tenancy-places.js';

let server: RunningServer;
let directory: string;
let cases = 0;
/** What belongs to the other tenant, by how it is named; and the same of nobody. */
const theirs: Record<Kind, string> = none(THEIRS);
const nobodys: Record<Kind, string> = none(NOBODYS);

function none(tenant: string): Record<Kind, string> {
  return {
    tenant,
    feed: `timeline/${tenant}/0011223344556677`,
    span: MISSING_SPAN,
    conflict: `${MISSING_SPAN}-0011223344556677`,
    job: MISSING_SPAN,
    page: '',
    arrival: '',
    filter: '',
    plain: '',
  };
}

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logline-tenancy-'));
  server = await startServer({
    dataDir: directory,
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
    access: ACCESS,
    tenants: '*',
  });
  const spans = `${server.url}/v1/timeline/spans`;
  const [first = '', ...more] = [0, 1, 2].map((n) => JSON.stringify(canarySpan(n)));
  const stored = await postLines(`${spans}?tenant_id=${THEIRS}`, [first], operator);
  theirs.arrival = textOf(stored.body['cursor']);
  await postLines(`${spans}?tenant_id=${THEIRS}`, more, operator);
  await postLines(`${spans}?tenant_id=${QUIET}`, [JSON.stringify(canarySpan(9))], operator);
  await postLines(`${spans}?tenant_id=acme`, [lineOf(1)], operator);
  const page = await get(`${spans}?tenant_id=${THEIRS}&limit=1`, operator);
  theirs.page = textOf(page.body['next_cursor']);
  theirs.span = FOREIGN_SPAN;
  theirs.conflict = `${FOREIGN_SPAN}-0011223344556677`;
  nobodys.span = MISSING_SPAN;
  // Cursors of nobody would be refused as none: theirs stand for both.
  [nobodys.page, nobodys.arrival] = [theirs.page, theirs.arrival];
});

test.after.always(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | readonly string[]>;
  readonly body: string | undefined;
}

/** A request that names something at each of some places, and is otherwise the least that the route takes. */
function requestFor(
  route: RoutePlaces,
  places: readonly Place[],
  values: Record<Kind, string>,
  caller: Record<string, string>,
): Request {
  const query = new URLSearchParams();
  const headers: Record<string, string | readonly string[]> = { ...caller };
  const body = { ...BODIES[`${route.method} ${route.path}`] };
  let path = route.path.replaceAll(/\{\w+\}/g, MISSING_SPAN);
  for (const { where, name, kind } of places) {
    const value = kind === 'filter' ? filterOf(name, values) : values[kind];
    if (where === 'query') query.set(name, value);
    else if (where === 'header') headers[name.toLowerCase()] = beside(caller[name.toLowerCase()], value);
    else if (where === 'body') body[name] = value;
    else path = route.path.replace(`{${name}}`, encodeURIComponent(value));
  }
  if (path.endsWith('/stream')) query.set('after', query.get('after') ?? theirs.arrival);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  const hasBody = route.method !== 'GET';
  if (hasBody) headers['content-type'] = 'application/json';
  return {
    method: route.method,
    url: server.url + path + search,
    headers,
    body: hasBody ? JSON.stringify(body) : undefined,
  };
}

/** A client cannot take back what the gateway says: it can only say something else beside. */
function beside(said: string | undefined, value: string): string | readonly string[] {
  return said === undefined || said === value || said === THEIRS ? value : [said, value];
}

function filterOf(name: string, values: Record<Kind, string>): string {
  const member = canarySpan(0)[name === 'tag' ? 'tags' : name];
  const value = textOf(Array.isArray(member) ? member[0] : member);
  return values === theirs ? value : value.replace(/.$/, '~');
}

interface Seen {
  readonly status: number;
  /** Names and values as they came, without those that differ each time. */
  readonly headers: readonly string[];
  readonly text: string;
}

/** All that comes back. A stream is read until its follower has seen what is written now for others and for itself. */
function send({ method, url, headers, body }: Request): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: headers as OutgoingHttpHeaders, agent: false };
    const sent = httpRequest(url, options, (response) => {
      let text = '';
      const shown = response.rawHeaders.flatMap((name, i) => {
        const isName = i % 2 === 0 && !['date', 'x-request-id'].includes(name.toLowerCase());
        return isName ? [`${name}: ${response.rawHeaders[i + 1] ?? ''}`] : [];
      });
      const end = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          headers: shown,
          text: text.replace(/"request_id":"[^"]*"/, ''),
        });
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', end).on('error', reject);
      if ((response.headers['content-type'] ?? '').startsWith('text/event-stream'))
        liveOn(() => text)
          .then(end, reject)
          .finally(() => sent.destroy());
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

let probes = 0;

/** Writes for the other tenant, then for acme, and waits until a follower of either has seen its own. */
async function liveOn(seen: () => string): Promise<void> {
  const n = 100 + probes++;
  await eventually('the stream has begun', () => seen().includes(':\n\n'));
  const spans = `${server.url}/v1/timeline/spans`;
  await post(`${spans}?tenant_id=${THEIRS}`, canarySpan(n), operator);
  await post(`${spans}?tenant_id=acme`, spanOf(n, { title: `live ${n}` }), operator);
  await eventually(
    'what was written has come',
    () => seen().includes(`live ${n}`) || seen().includes(uuid(0xca9b00 + n)),
  );
}

/** What the caller itself has said may come back; nothing else of the other tenant. */
function leaksIn({ headers, text }: Seen, { url, body, headers: said }: Request): readonly string[] {
  const own = `${decodeURIComponent(url)} ${body ?? ''} ${JSON.stringify(said)}`;
  const out = `${headers.join('\n')}\n${text}`;
  return CANARIES.filter((canary) => out.includes(canary) && !own.includes(canary));
}

/** The answer as it would be, had the request named the tenant of nobody. */
function asNobodys({ status, headers, text }: Seen): unknown {
  const plain = (part: string): string =>
    part.replaceAll(THEIRS, NOBODYS).replaceAll(FOREIGN_SPAN, MISSING_SPAN);
  // Figures of the process count these very requests: which there are has to be the same.
  const isFigures = text.startsWith('# HELP');
  const names = [...new Set(text.match(/^# TYPE .*$/gm))].join();
  const kept = headers.filter((line) => !isFigures || !line.startsWith('Content-Length'));
  return [status, kept.map(plain), isFigures ? names : plain(text)];
}

/** Everywhere: also where no route documents it. */
const ANYWHERE: readonly Place[] = [
  { where: 'query', name: 'tenant_id', kind: 'tenant' },
  { where: 'header', name: 'X-Tenant-ID', kind: 'tenant' },
];

/** Sets of places to name the other tenant at: each alone, each together with the tenant, and none. */
function placesOf(route: RoutePlaces): readonly (readonly Place[])[] {
  const known = route.places.filter((place) => place.kind !== 'plain');
  const tenant = route.places.find((place) => place.kind === 'tenant');
  const extra = ANYWHERE.filter((place) => !known.some((one) => one.name === place.name));
  const body: Place = { where: 'body', name: 'tenant_id', kind: 'tenant' };
  const inBody =
    route.method === 'POST' && !known.some((one) => one.name === 'tenant_id' && one.where === 'body');
  return [
    [],
    ...[...known, ...extra, ...(inBody ? [body] : [])].map((place) => [place]),
    ...known.flatMap((place) => (tenant === undefined || place === tenant ? [] : [[place, tenant]])),
  ];
}

test('somebody has thought about each place where a tenant could be named, and each body', (t) => {
  t.deepEqual(unclassified, [], 'say in tenancy-places.ts what each of these names');
  for (const { method, path, hasBody } of routes)
    if (hasBody) t.truthy(BODIES[`${method} ${path}`], `give ${method} ${path} the least body it takes`);
});

for (const route of routes) {
  for (const [who, headersOf] of Object.entries(STRANGERS)) {
    test.serial(`${route.method} ${route.path} tells ${who} nothing of another tenant`, async (t) => {
      // Who writes a span of this id holds one: readers are of another tenant than writers.
      const own = route.method === 'POST' ? 'initech' : 'acme';
      for (const places of placesOf(route)) {
        const at = places.map(({ where, name }) => `${where} ${name}`).join(' and ') || 'nowhere';
        const asked = requestFor(route, places, theirs, headersOf(own));
        const seen = await send(asked);
        t.deepEqual(leaksIn(seen, asked), [], `named at ${at}: ${seen.text.slice(0, 300)}`);
        t.true(seen.status < 500, `named at ${at}: ${seen.status}`);
        const isLive = seen.headers.some((header) => header.includes('event-stream'));
        // A new span or job has an id of its own, each time another.
        const isNew = route.method === 'POST' && seen.status < 300;
        if (!isLive && !isNew) {
          const missing = await send(requestFor(route, places, nobodys, headersOf(own)));
          t.deepEqual(asNobodys(seen), asNobodys(missing), `named at ${at}`);
        }
        cases++;
      }
    });
  }
}

for (const [who, headersOf] of Object.entries(RIGHTFUL)) {
  test.serial(`${who} sees in the same run what the others do not`, async (t) => {
    for (const route of routes.filter(
      ({ path, method }) => path.startsWith('/v1/timeline') && method === 'GET',
    )) {
      const [tenant] = route.places.filter((place) => place.kind === 'tenant');
      t.truthy(tenant);
      for (const places of placesOf(route)) {
        const named = [...places, ...(tenant === undefined || places.includes(tenant) ? [] : [tenant])];
        // A span that was not named is not there.
        if (route.path.includes('{id}') && !named.some((place) => place.where === 'path')) continue;
        const seen = await send(requestFor(route, named, theirs, headersOf()));
        t.is(seen.status, 200, seen.text);
        // The story of a span tells where it is, and nothing that stands in it.
        const told = route.path.endsWith('/explain') ? THEIRS : CANARY;
        t.true(seen.text.includes(told), `${route.path} ${named.map((place) => place.name).join()}`);
        cases++;
      }
    }
    const status = await get(`${server.url}/v1/sync/status`, headersOf());
    t.true(status.text.includes(THEIRS));
    const isBound = who.startsWith('a user');
    t.is(status.text.includes(QUIET), !isBound);
    t.is('log_bytes' in status.body, !isBound);
  });
}

test.serial(
  'a span of another tenant can be neither overwritten, nor found by writing over it',
  async (t) => {
    const spans = `${server.url}/v1/timeline/spans`;
    const before = (await get(`${spans}/${FOREIGN_SPAN}?tenant_id=${THEIRS}`, operator)).text;
    const over = await post(
      spans,
      spanOf(0, { id: FOREIGN_SPAN }),
      user({ tenant: 'hooli', sub: 'mallory' }),
    );
    const fresh = await post(
      spans,
      spanOf(0, { id: uuid(0xca9a43) }),
      user({ tenant: 'hooli', sub: 'mallory' }),
    );
    const counts = ({
      accepted,
      duplicates,
      conflicts_total: conflicts,
    }: Record<string, Json>): readonly Json[] => [accepted ?? null, duplicates ?? null, conflicts ?? null];
    t.deepEqual(counts(over.body), counts(fresh.body));
    t.is((await get(`${spans}/${FOREIGN_SPAN}?tenant_id=${THEIRS}`, operator)).text, before);
    const smuggled = [lineOf(200), lineOf(201, { tenant_id: THEIRS }), lineOf(202, { tenant_id: 'acme' })];
    const upload = await postLines(spans, smuggled, user({ tenant: 'acme' }));
    t.like(upload.body, { accepted: 2, rejected_total: 1 });
    t.false((await get(`${spans}?tenant_id=${THEIRS}&limit=1000`, operator)).text.includes('span 201'));
    t.false((await get(`${spans}?tenant_id=${THEIRS}&limit=1000`, operator)).text.includes('probe'));
  },
);

test.serial('a span in another tenant answers as one that is missing from the own', async (t) => {
  const headers = user({ tenant: 'acme' });
  const ask = (path: string): Promise<Seen> =>
    send({ method: 'GET', url: `${server.url}/v1/timeline/spans/${path}`, headers, body: undefined });
  const missing = await ask(MISSING_SPAN);
  t.is(missing.status, 404);
  for (const path of [
    FOREIGN_SPAN,
    `${FOREIGN_SPAN}?tenant_id=${THEIRS}`,
    `${MISSING_SPAN}?tenant_id=${NOBODYS}`,
  ])
    t.deepEqual(await ask(path), missing, path);
});

test('a job of another tenant, or of all, is none', async (t) => {
  const { Syncs } = await import('../dist/syncs.js');
  const { Metrics } = await import('../dist/metrics.js');
  const stop = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) =>
    stop.signal.addEventListener('abort', () => reject(new Error('stopped'))),
  );
  const syncs = new Syncs({ peers: () => [], sync: () => stopped }, new Metrics(), stop.signal);
  t.teardown(() => stop.abort());
  const [acme, globex] = ['acme', THEIRS] as unknown as readonly NonNullable<
    Parameters<typeof syncs.job>[1]
  >[];
  const start = async (tenant: typeof acme): Promise<string> => {
    const started = await syncs.run({ tenant }, 1);
    return 'jobId' in started ? started.jobId : '';
  };
  const [ofAcme, ofAll] = [await start(acme), await start(undefined)];
  t.is(syncs.job(ofAcme, acme)?.status, 'running');
  t.is(syncs.job(ofAcme, undefined)?.status, 'running');
  t.is(syncs.job(ofAcme, globex), undefined);
  t.is(syncs.job(ofAll, acme), undefined);
  t.is(syncs.job(ofAll, undefined)?.status, 'running');
});

test.after('the matrix has at least 300 cases', (t) => {
  t.log(`${cases} cases`);
  t.true(cases >= 300, `${cases} cases`);
  t.true(spanCount(server.node) > 0);
});
