/** T15, T19, T26: what callers and peers write in odd ways is refused or escaped, stored nowhere else, and grows nothing without bound. */

import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { fingerprintOf } from '@logline/federation-core';
import { eventually, newSpan } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { figure, has, TENANT } from '../support/rest.js';
import type { Siege } from '../support/siege.js';
import { openTcp, within } from '../support/strangers.js';
import { SCOPE } from './forgeries.js';
import { CLOSE_MS } from '../support/link-ends.js';
import { appendTo, feedOfAlice, hostileGround, stillServed } from './ground.js';

const hostile = hostileGround();
const MIB = 1024 * 1024;
const SPANS = `/v1/timeline/spans?tenant_id=${TENANT}`;
/** Of a log: what is longer than any line of ours has to be. */
const LINE_CHARS_MAX = 4_096;

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(
  siege: Siege,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(siege.alice.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : Buffer.from(body),
  });
  return { status: response.status, text: await response.text() };
}

/** Each body is refused with a problem that says what is wrong, as a whole or span by span. */
async function eachIsRefused(
  t: ExecutionContext,
  siege: Siege,
  bodies: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const before = await figure(siege.alice, 'federation_log_bytes');
  for (const [what, body] of Object.entries(bodies)) {
    const { status, text } = await post(siege, SPANS, body);
    if (status === 201) {
      // An array is answered span by span.
      const { accepted } = JSON.parse(text) as { readonly accepted?: unknown };
      t.is(accepted, 0, `${what}: ${text.slice(0, 300)}`);
    } else {
      t.is(status, 400, `${what}: ${text.slice(0, 300)}`);
      t.is(typeof (JSON.parse(text) as { readonly error?: unknown }).error, 'string', what);
    }
  }
  t.true((await figure(siege.alice, 'federation_log_bytes')) - before < MIB);
}

const spanText = (more: string): string =>
  `{"id":"${randomUUID()}","logline_id":"logline-id://person/mallory","title":"x"${more}}`;

hostile(
  'T15 a peer that shares one tenant sees no byte of another while both are written',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const canary = randomBytes(20).toString('hex');
    const hidden = await feedOfAlice(siege, link, 'timeline/hidden');
    for (let i = 0; i < 10; i++) {
      await appendTo(siege, 'hidden', [newSpan({ title: canary })]);
      await appendTo(siege, TENANT, [newSpan()]);
      link.claim(hidden.holdings({ seq: i + 1 }));
      link.confirm([hidden.holdings({ seq: i + 1 })]);
      link.ask({ key: hidden.key, from: 1, to: 1000, aligned: true });
      link.say({ kind: 'holdings', scopes: '*', ranges: [], round: 2 * i + 3 });
    }
    await stillServed(t, link, 'asking for another tenant');
    const entries = link.all('entries').flatMap((message) => message.entries);
    const seen =
      Buffer.concat([...link.frames, ...entries]).toString('latin1') + JSON.stringify(link.all('holdings'));
    t.false(seen.includes(canary));
    t.false(seen.includes('timeline/hidden'));
    t.true(seen.includes(SCOPE), 'the look sees what is shared');
  },
);

hostile('T15 an id, a cursor or a filter of one tenant finds nothing in another', async (t, siege) => {
  const canary = randomBytes(20).toString('hex');
  const span = newSpan({ title: canary, author: canary });
  await appendTo(siege, 'hidden', [span, newSpan({ title: canary })]);
  const page = (await (
    await fetch(`${siege.alice.url}/v1/timeline/spans?tenant_id=hidden&limit=1`)
  ).json()) as {
    readonly next_cursor: string | null;
  };
  t.truthy(page.next_cursor);
  const answers: string[] = [];
  for (const path of [
    `/v1/timeline/spans/${String(span['id'])}?tenant_id=${TENANT}`,
    `/v1/timeline/spans?tenant_id=${TENANT}&limit=1000&author=${canary}`,
    `/v1/timeline/spans?tenant_id=${TENANT}&limit=1000&cursor=${encodeURIComponent(page.next_cursor ?? '')}`,
    `/v1/timeline/spans/${String(span['id'])}?tenant_id=nobody`,
  ]) {
    const response = await fetch(siege.alice.url + path);
    const text = await response.text();
    t.true(response.status < 500, path);
    t.false(text.includes(canary), path);
    answers.push(
      `${response.status} ${text.replaceAll(String(span['id']), '').replaceAll(/"request_id":"[^"]*"/g, '')}`,
    );
  }
  t.is(answers[0], answers[3], 'forbidden, absent and unheard of are answered alike');
});

hostile(
  'T19 JSON that is none, too deep or ambiguous is refused with 400, and never with a fault of the server',
  (t, siege) =>
    eachIsRefused(t, siege, {
      'a million arrays': '['.repeat(1_000_000),
      'a million objects': '{"a":'.repeat(1_000_000),
      'half an object': '{"id":',
      'a trailing comma': '[1,]',
      'a comment': '/* */[]',
      'a byte order mark': '\ufeff[]',
      NaN: '[NaN]',
      infinity: '[1e999999999999, Infinity]',
      'single quotes': "{'id':1}",
      'two values': '{} {}',
      'an open string': '"',
      'a control character in a string': '["\u0001"]',
      'bad UTF-8': Buffer.from([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]),
      'overlong UTF-8': Buffer.from([0x5b, 0x22, 0xc0, 0xaf, 0x22, 0x5d]),
      'UTF-16': Buffer.from('[]', 'utf16le'),
      nothing: new Uint8Array(0),
      zeros: new Uint8Array(1000),
      null: 'null',
      'a number': '7',
      'a text': '"span"',
    }),
);

hostile(
  'T19 spans with keys twice, lone surrogates, prototype keys or depth are refused one by one',
  async (t, siege) => {
    const bodies: Readonly<Record<string, string>> = {
      'an id twice': spanText(`,"id":"${randomUUID()}"`),
      'a title twice, once escaped': spanText(',"\\u0074itle":"y"'),
      'a lone surrogate': spanText(',"payload":"\\ud800"'),
      'a depth of a thousand': spanText(`,"payload":${'['.repeat(1000)}${']'.repeat(1000)}`),
      'a tenant of its own': spanText(',"tenant_id":"hidden"'),
      'a status that does not exist': spanText(',"status":"verified"'),
      'tags that are none': spanText(',"tags":{"__proto__":[]}'),
      'an id that is no UUID': `{"id":"../../etc/passwd","logline_id":"x","title":"x"}`,
    };
    for (const [what, body] of Object.entries(bodies)) {
      const { status, text } = await post(siege, SPANS, body);
      t.true(status >= 200 && status < 500, `${what}: ${status}`);
      if (status === 201)
        t.is((JSON.parse(text) as { readonly accepted?: unknown }).accepted, 0, `${what}: ${text}`);
    }
    const polluted = newSpan();
    const { status } = await post(
      siege,
      SPANS,
      JSON.stringify(polluted).replace(
        '{',
        '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}},',
      ),
    );
    t.true(status < 500);
    t.is(
      ((await (await fetch(`${siege.alice.url}/livez`)).json()) as { readonly isAdmin?: unknown }).isAdmin,
      undefined,
    );
  },
);

hostile('T19 members that nobody asked for do not make a peer verified', async (t, siege) => {
  const fingerprint = fingerprintOf(siege.stranger().publicKey);
  const wish = {
    peer_address: `ws://127.0.0.1:9/${randomBytes(4).toString('hex')}/v1/federation`,
    fingerprint,
  };
  for (const member of [
    { trust_level: 'verified' },
    { verified: true },
    { level: 'verified' },
    { source: 'configured' },
    { __proto__: null, established_at: '2020-01-01T00:00:00Z' },
  ]) {
    const { status, text } = await post(siege, '/v1/trust/establish', JSON.stringify({ ...wish, ...member }));
    t.true(status === 400 || !/"trust_level":"verified"/.test(text), `${status} ${text}`);
  }
  const list = await (await fetch(`${siege.alice.url}/v1/trust/relationships`)).text();
  const { relationships } = JSON.parse(list) as {
    readonly relationships: readonly { readonly fingerprint: string; readonly trust_level: string }[];
  };
  t.false(relationships.some((peer) => peer.fingerprint === fingerprint && peer.trust_level === 'verified'));
});

hostile(
  'T19 bodies that are too large, compressed or of another type are refused before they are read',
  async (t, siege) => {
    const large = await post(siege, SPANS, Buffer.alloc(20 * MIB, 0x20)).catch(() => ({
      status: 413,
      text: '',
    }));
    t.is(large.status, 413);
    const bomb = gzipSync(Buffer.alloc(100 * MIB));
    const inflated = await post(siege, SPANS, bomb, { 'content-encoding': 'gzip' });
    t.true([400, 413, 415].includes(inflated.status), `${inflated.status} ${inflated.text.slice(0, 300)}`);
    t.is((await post(siege, SPANS, '[]', { 'content-type': 'text/html' })).status, 415);
    t.is(
      (await post(siege, '/v1/trust/establish', Buffer.alloc(MIB, 0x20)).catch(() => ({ status: 413 })))
        .status,
      413,
    );
    const headers = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y'.repeat(1000)]));
    const status = await new Promise<number>((resolve) => {
      const { hostname, port } = new URL(siege.alice.url);
      request({ hostname, port, path: '/livez', headers }, (response) =>
        resolve(response.resume().statusCode ?? 0),
      )
        .on('error', () => resolve(431))
        .end();
    });
    t.is(status, 431);
  },
);

hostile('T19 requests whose length is disputed are refused, and hide no second one', async (t, siege) => {
  const inner = `GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`;
  const head = `POST ${SPANS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  for (const [what, lengths] of Object.entries({
    'a length and chunks': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n',
    'a negative length': 'Content-Length: -1\r\n',
    'a coding that does not exist': 'Transfer-Encoding: xchunked\r\n',
    'a space before the colon': 'Transfer-Encoding : chunked\r\n',
  })) {
    const { socket, ended } = openTcp(t, siege.url);
    socket.write(`${head}${lengths}\r\n0\r\n\r\n${inner}`);
    const answer = await within(4 * CLOSE_MS, what, ended);
    t.regex(answer, /^HTTP\/1\.1 (400|501|411|413) /, `${what}: ${answer.slice(0, 100)}`);
    t.false(answer.includes('process_resident_memory_bytes'), what);
  }
});

hostile(
  'T26 what peers and callers write reaches the log as one line of JSON each, bounded and escaped',
  async (t, siege) => {
    const poison = `\u001b[2J\nFATAL {"event":"fake"}\r\n${'A'.repeat(400)}\u2028\u0000`;
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    link.say({ kind: 'bye', code: 'fault', reason: poison });
    await link.closed;
    for (const name of ['x-request-id', 'user-agent', 'x-tenant-id'])
      await fetch(`${siege.alice.url}/v1/nodes`, { headers: { [name]: 'a'.repeat(4000) } }).then((response) =>
        response.arrayBuffer(),
      );
    await fetch(`${siege.alice.url}/${encodeURIComponent(poison)}`).then((response) =>
      response.arrayBuffer(),
    );
    await eventually('the goodbye is logged', () =>
      siege.alice
        .told('peer_disconnected')
        .some(({ fingerprint }) => fingerprint === fingerprintOf(peer.publicKey)),
    );
    t.deepEqual(siege.alice.told('fake'), []);
    t.false(siege.alice.said.includes('FATAL'), 'nothing came outside a line of JSON');
    t.false(siege.alice.said.includes('\u001b'));
    for (const line of siege.alice.lines) t.true(JSON.stringify(line).length < LINE_CHARS_MAX);
  },
);

hostile(
  'T26 paths, methods, tenants and peers by the hundred make no more series than there were',
  async (t, siege) => {
    const series = async (): Promise<number> => {
      const text = await (await fetch(`${siege.alice.url}/metrics`)).text();
      return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    };
    const visit = async (i: number): Promise<void> => {
      const mark = randomBytes(6).toString('hex');
      const { url } = siege.alice;
      await fetch(`${url}/${mark}`).then((response) => response.arrayBuffer());
      await fetch(`${url}/v1/timeline/spans/${mark}?tenant_id=${mark}`).then((response) =>
        response.arrayBuffer(),
      );
      await fetch(`${url}/v1/nodes`, { method: ['PUT', 'DELETE', 'PATCH'][i % 3] ?? 'PUT' }).then(
        (response) => response.arrayBuffer(),
      );
      const stranger = siege.stranger({ name: `node-${mark}` });
      const link = await stranger.dial(siege.url);
      link.say(link.hello());
      await link.closed;
    };
    // The first of each kind may make a series.
    for (let i = 0; i < 3; i++) await visit(i);
    const before = await series();
    for (let i = 0; i < 60; i++) await visit(i);
    const after = await series();
    t.true(after - before <= 30, `${before} series became ${after}`);
    t.true(after < 1000);
  },
);

hostile('T26 a span of every odd text comes back as it was sent, and harms no reader', async (t, siege) => {
  const titles = [
    '\u202eevil',
    '${jndi:ldap://x}',
    '<script>alert(1)</script>',
    "'; DROP TABLE spans; --",
    '\u0000',
    '％００',
    '{{7*7}}',
    '\ud83d\ude00'.repeat(100),
    '../'.repeat(50),
    'ﷺ',
    '\u001b[31m',
  ];
  for (const title of titles) {
    const id = randomUUID();
    const { status } = await post(
      siege,
      SPANS,
      JSON.stringify({ id, logline_id: 'logline-id://person/mallory', title }),
    );
    t.is(status, 201, JSON.stringify(title));
    t.true(await has(siege.alice, id));
    const read = (await (
      await fetch(`${siege.alice.url}/v1/timeline/spans/${id}?tenant_id=${TENANT}`)
    ).json()) as { readonly title?: string };
    t.is(read.title, title);
    t.false(siege.alice.said.includes(title));
  }
});
