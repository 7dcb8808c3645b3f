/** Finding nodes by DNS, against a name server that answers, is silent, lies, or sends damaged packets. */

import test, { type ExecutionContext } from 'ava';
import { encode, type Answer } from 'dns-packet';
import { parseDnsServer } from '../dist/node/dns-exchange.js';
import { DnsFinder } from '../dist/node/dns-finder.js';
import { openNameServer, type NameServer } from './name-server.js';

const NAME = 'fed.example.org';
const SERVICE = `_logline-fed._tcp.${NAME}`;
const FIND = { timeoutMs: 3_000, fresh: false };

function node(
  name: string,
  ip: string,
  more: { readonly ttl?: number; readonly port?: number } = {},
): Answer[] {
  const { ttl = 60, port = 8081 } = more;
  const host = `${name}.${NAME}`;
  return [
    { type: 'SRV', name: SERVICE, ttl, data: { port, target: host } },
    { type: ip.includes(':') ? 'AAAA' : 'A', name: host, ttl, data: ip },
    {
      type: 'TXT',
      name: host,
      ttl,
      data: ['txtvers=1', `id=logline-id://node/${name}`, 'v=0.1.0', `net=${name}-hint`],
    },
  ];
}

function finderAt({ server }: NameServer, name = NAME): DnsFinder {
  return new DnsFinder({ name, port: 8080, servers: [server] });
}

function found(name: string, ip: string, ttlMs = 60_000): object {
  return { method: 'dns', address: `ws://${ip}:8081/v1/federation`, name, hint: `${name}-hint`, ttlMs };
}

test('nodes are found by SRV records, each with its own addresses and text', async (t) => {
  const names = await openNameServer(t, [
    ...node('alice', '10.0.0.1'),
    ...node('bob', 'fd00::2', { ttl: 20 }),
  ]);
  const report = await finderAt(names).find(FIND);
  t.deepEqual(report, { found: [found('alice', '10.0.0.1'), found('bob', '[fd00::2]', 20_000)], errors: [] });
});

test('the records may stand at the name itself, behind an alias, or be too many for a datagram', async (t) => {
  const names = await openNameServer(t, node('alice', '10.0.0.1'));
  names.truncates = true;
  t.is((await finderAt(names, SERVICE).find(FIND)).found.length, 1);
  names.truncates = false;
  const [srv, ...rest] = node('alice', '10.0.0.1') as [Answer, Answer, Answer];
  names.records = [{ ...srv, name: NAME }, ...rest];
  t.is((await finderAt(names).find(FIND)).found.length, 1);
  names.records = [
    { type: 'CNAME', name: SERVICE, ttl: 9, data: `alias.${NAME}` },
    { ...srv, name: `alias.${NAME}` },
    ...rest,
  ];
  t.is((await finderAt(names).find(FIND)).found.length, 1);
});

test('a service that is plain addresses is found at our own port, as Kubernetes tells headless services', async (t) => {
  const names = await openNameServer(t, [
    { type: 'A', name: NAME, ttl: 30, data: '10.0.0.1' },
    { type: 'A', name: NAME, ttl: 30, data: '10.0.0.2' },
    { type: 'AAAA', name: NAME, ttl: 30, data: 'fd00::1' },
  ]);
  const { found: all } = await finderAt(names).find(FIND);
  t.deepEqual(
    all.map(({ address }) => address),
    [
      'ws://10.0.0.1:8080/v1/federation',
      'ws://10.0.0.2:8080/v1/federation',
      'ws://[fd00::1]:8080/v1/federation',
    ],
  );
  t.like(all[0], { name: undefined, hint: undefined, ttlMs: 30_000 });
});

test('records are asked for again when they have run out, and not before', async (t) => {
  const names = await openNameServer(t, node('alice', '10.0.0.1'));
  const finder = finderAt(names);
  await finder.find(FIND);
  const asked = names.asked.length;
  const again = await finder.find(FIND);
  t.is(names.asked.length, asked);
  t.true((again.found[0]?.ttlMs ?? 0) <= 60_000);
  await finder.find({ ...FIND, fresh: true });
  t.is(names.asked.length, 2 * asked, 'unless somebody wants to know');
  names.records = node('alice', '10.0.0.1', { ttl: 0 });
  await finder.find({ ...FIND, fresh: true });
  await finder.find(FIND);
  t.is(names.asked.length, 4 * asked, 'a lifetime of nothing is over at once');
});

test('nothing there, nobody there and no answer are faults that say what to check', async (t) => {
  const names = await openNameServer(t);
  const [nothing = ''] = (await finderAt(names).find(FIND)).errors;
  t.regex(
    nothing,
    /nobody is at fed\.example\.org: expected SRV records of _logline-fed\._tcp\.fed\.example\.org.*check/,
  );
  names.distort = () => undefined;
  const startedAtMs = performance.now();
  const { found: none, errors } = await finderAt(names).find({ timeoutMs: 300, fresh: true });
  t.deepEqual(none, []);
  t.regex(
    errors[0] ?? '',
    /name server 127\.0\.0\.1, port \d+: no answer within \d+ ms: check FEDERATION_DNS_NAME/,
  );
  t.true(performance.now() - startedAtMs < 10_000, 'its deadline is kept');
  const refused = new DnsFinder({ name: NAME, port: 1, servers: [] });
  t.regex((await refused.find(FIND)).errors[0] ?? '', /no name server/);
});

test('an answer to another question, of another name, or none at all is passed over', async (t) => {
  const target = 'evil.example.org';
  const evil: Answer = { type: 'SRV', name: SERVICE, ttl: 9, data: { port: 1, target } };
  const lies: Readonly<Record<string, NameServer['distort']>> = {
    'another id': (answer) => Buffer.concat([Buffer.from([answer.readUInt8(0) ^ 1]), answer.subarray(1)]),
    'another question': (_, { id = 0 }) =>
      encode({ type: 'response', id, questions: [{ type: 'SRV', name: 'x.example.org' }], answers: [evil] }),
    'a question': (_, { id = 0, questions }) =>
      encode({ type: 'query', id, ...(questions && { questions }), answers: [evil] }),
    'records of a name that nobody asked for': (_, { id = 0, questions = [] }) =>
      encode({ type: 'response', id, questions, answers: [{ ...evil, name: 'x.example.org' }] }),
    bytes: () => Buffer.from('what is this'),
    nothing: () => Buffer.alloc(0),
  };
  const asking = Object.entries(lies).map(async ([what, lie]) => {
    const names = await openNameServer(t, [
      ...node('alice', '10.0.0.1'),
      { type: 'A', name: target, ttl: 9, data: '10.6.6.6' },
    ]);
    // Whoever believed it would find somebody.
    names.distort = (answer, question) =>
      question.questions?.[0]?.type === 'SRV' ? lie(answer, question) : answer;
    const { found: none, errors } = await finderAt(names).find({ timeoutMs: 2_500, fresh: true });
    t.deepEqual([none.length, errors.length], [0, 1], what);
  });
  await Promise.all(asking);
});

test('what is no address of a node is no finding', async (t) => {
  const names = await openNameServer(t, [
    ...node('port-zero', '10.0.0.1', { port: 0 }),
    ...node('link-local', 'fe80::1'),
    ...node('carol', '10.0.0.3'),
    { type: 'SRV', name: SERVICE, ttl: 9, data: { port: 1, target: 'nowhere.example.org' } },
    { type: 'TXT', name: SERVICE, ttl: 9, data: ['v=spf1 -all'] },
  ]);
  t.deepEqual((await finderAt(names).find(FIND)).found, [found('carol', '10.0.0.3')]);
});

test('of hundreds of records only so many are looked at', async (t: ExecutionContext) => {
  const many = Array.from({ length: 600 }, (_, n) => node(`n${n}`, '10.0.0.9', { port: n + 1 }).slice(0, 1));
  const names = await openNameServer(
    t,
    many.flat().concat({ type: 'A', name: `n0.${NAME}`, ttl: 9, data: '10.0.0.9' }),
  );
  names.truncates = true;
  await finderAt(names).find(FIND);
  t.true(names.asked.length <= 2 * (2 + 64 * 3), `${names.asked.length} questions`);
});

test('a name server is written as people write them', (t) => {
  t.deepEqual(parseDnsServer('ns.example.org'), { host: 'ns.example.org', port: 53 });
  t.deepEqual(parseDnsServer('10.0.0.1:5353'), { host: '10.0.0.1', port: 5353 });
  t.deepEqual(parseDnsServer('[fd00::1]:53'), { host: 'fd00::1', port: 53 });
  t.deepEqual(parseDnsServer('fd00::1'), { host: 'fd00::1', port: 53 });
  for (const text of ['', ':53', 'a b', 'ns:0', 'ns:99999', '[ns]:53', 'http://ns'])
    t.is(parseDnsServer(text), undefined, text);
});
