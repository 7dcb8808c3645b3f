/** Multicast DNS between real sockets, on loopback: who announces itself is found, and hostile packets change nothing. */

import { createSocket, type Socket } from 'node:dgram';
import test, { type ExecutionContext } from 'ava';
import { decode, encode, type Answer, type DecodedPacket, type Packet } from 'dns-packet';
import type { Found } from '../dist/discovery.js';
import type { Advert } from '../dist/finder.js';
import { nodeIdOf } from '../dist/identity.js';
import { MdnsFinder } from '../dist/node/mdns-finder.js';
import { eventually } from '../dist/testing/eventually.js';

const GROUP = '224.0.0.251';
const LOOPBACK = ['127.0.0.1'];
const TYPE = '_logline-fed._tcp.local';
const FIND = { timeoutMs: 1_500, fresh: true };

function advertOf(name: string, port = 8080): Advert {
  return { label: `${name}-01020304`, id: nodeIdOf(name), version: '0.1.0', hint: `hint-of-${name}`, port };
}

async function openFinder(
  t: ExecutionContext,
  port = 0,
): Promise<{ finder: MdnsFinder; port: number; seen: Found[] }> {
  const finder = new MdnsFinder({ interfaces: LOOPBACK, port });
  t.teardown(() => finder.close());
  const seen: Found[] = [];
  finder.watch((found) => void seen.push(...found));
  const { errors } = await finder.find({ timeoutMs: 1, fresh: true });
  t.deepEqual(errors, []);
  return { finder, port: finder.port ?? 0, seen };
}

/** A program on the link that is no node: it hears everything, and says what it likes. */
async function openOther(
  t: ExecutionContext,
  port: number,
): Promise<{ say: (packet: Packet | Buffer) => void; heard: DecodedPacket[]; socket: Socket }> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const heard: DecodedPacket[] = [];
  socket.on('message', (bytes) => {
    try {
      heard.push(decode(bytes));
    } catch {
      // What it says itself need not be whole.
    }
  });
  await new Promise<void>((done) => socket.bind(port, '0.0.0.0', done));
  socket.addMembership(GROUP, '127.0.0.1');
  socket.setMulticastInterface('127.0.0.1');
  t.teardown(() => socket.close());
  const say = (packet: Packet | Buffer): void =>
    socket.send(
      Buffer.isBuffer(packet) ? packet : encode(packet),
      port === 0 ? socket.address().port : port,
      GROUP,
    );
  return { say, heard, socket };
}

function service(
  name: string,
  more: { readonly ttl?: number; readonly text?: string[]; readonly port?: number } = {},
): Answer[] {
  const { ttl = 120, text = ['txtvers=1', `id=${nodeIdOf(name)}`, 'v=0.1.0', 'net=abc'], port = 9 } = more;
  const instance = `${name}.${TYPE}`;
  return [
    { type: 'PTR', name: TYPE, ttl, data: instance },
    { type: 'SRV', name: instance, ttl, data: { port, target: `${name}.local` } },
    { type: 'TXT', name: instance, ttl, data: text },
    { type: 'A', name: `${name}.local`, ttl, data: '10.1.2.3' },
  ];
}

test('two nodes find each other, by asking and by being told, and miss who has gone', async (t) => {
  const a = await openFinder(t);
  const b = await openFinder(t, a.port);
  await a.finder.announce(advertOf('alice', 8081));
  const alice = {
    method: 'broadcast',
    address: 'ws://127.0.0.1:8081/v1/federation',
    name: 'alice',
    hint: 'hint-of-alice',
  };
  await eventually('bob has been told', () => b.seen.length > 0);
  t.like(b.seen[0], alice);
  const late = await openFinder(t, a.port);
  const { found } = await late.finder.find(FIND);
  t.like(found[0], alice);
  t.deepEqual(a.seen, [], 'nobody finds itself');
  await a.finder.close();
  await eventually('it said goodbye', () => late.seen.some(({ ttlMs }) => ttlMs === 0));
  t.deepEqual((await late.finder.find({ ...FIND, timeoutMs: 50 })).found, []);
});

test('an announcement has the records and the text that others expect', async (t) => {
  const { finder, port } = await openFinder(t);
  const other = await openOther(t, port);
  await finder.announce(advertOf('alice', 8081));
  await eventually('it is heard', () => other.heard.some(({ type }) => type === 'response'));
  const { answers = [] } = other.heard.find(({ type }) => type === 'response') ?? {};
  const instance = `alice-01020304.${TYPE}`;
  const text = answers.find(({ type }) => type === 'TXT');
  const strings = text?.type === 'TXT' && Array.isArray(text.data) ? text.data.map(String) : [];
  t.deepEqual(strings, ['txtvers=1', 'id=logline-id://node/alice', 'v=0.1.0', 'net=hint-of-alice']);
  t.like(
    answers.find(({ type }) => type === 'SRV'),
    { name: instance, data: { port: 8081, target: 'alice-01020304.local' } },
  );
  t.like(answers.filter(({ type }) => type === 'PTR')[1], { name: TYPE, data: instance });
  t.like(
    answers.find(({ type }) => type === 'A'),
    { name: 'alice-01020304.local', data: '127.0.0.1' },
  );
});

test('who asks from any port is answered there, and only so often', async (t) => {
  const { finder, port } = await openFinder(t);
  await finder.announce(advertOf('alice'));
  const asker = await openOther(t, 0);
  const question = encode({ type: 'query', id: 77, questions: [{ type: 'PTR', name: TYPE }] });
  for (let n = 0; n < 50; n++) asker.socket.send(question, port, GROUP);
  await eventually('an answer came', () => asker.heard.length > 0);
  t.like(asker.heard[0], { id: 77, type: 'response' });
  // Asked last, answered last: all the others are through by then.
  const later = await openOther(t, port);
  let looks = 0;
  await eventually('the rest is through', () => {
    // Now and then again: a datagram may get lost in such a crowd.
    if (looks++ % 50 === 0) later.say({ type: 'query', questions: [{ type: 'PTR', name: TYPE }] });
    return later.heard.some(({ type }) => type === 'response');
  });
  t.true(asker.heard.length <= 10, `${asker.heard.length} answers`);
});

test('another program’s service of our type is seen, also where its text comes later', async (t) => {
  const { port, seen } = await openFinder(t);
  const other = await openOther(t, port);
  const [ptr, srv, txt, a] = service('carol') as [Answer, Answer, Answer, Answer];
  other.say({ type: 'response', answers: [ptr] });
  await eventually('it is asked for the rest', () =>
    other.heard.some(
      ({ type, questions = [] }) => type === 'query' && questions.some((one) => one.type === 'TXT'),
    ),
  );
  other.say({ type: 'response', answers: [srv, txt], additionals: [a] });
  await eventually('it is seen', () => seen.length > 0);
  t.deepEqual(seen, [
    {
      method: 'broadcast',
      address: 'ws://10.1.2.3:9/v1/federation',
      name: 'carol',
      hint: 'abc',
      ttlMs: 120_000,
    },
  ]);
});

test('packets that are damaged, lie or come in a flood change nothing', async (t) => {
  const { finder, port, seen } = await openFinder(t);
  const other = await openOther(t, port);
  const whole = encode({ type: 'response', answers: service('mallory') });
  const hostile: readonly (Packet | Buffer)[] = [
    Buffer.alloc(0),
    Buffer.alloc(12, 0xff),
    whole.subarray(0, 40),
    Buffer.concat([whole.subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]),
    { type: 'response', answers: service('port-0', { port: 0 }) },
    { type: 'response', answers: service('later-version', { text: ['txtvers=2', 'net=abc'] }) },
    {
      type: 'response',
      answers: service('link-local')
        .slice(0, 3)
        .concat({ type: 'AAAA', name: 'link-local.local', ttl: 9, data: 'fe80::1' }),
    },
    { type: 'query', questions: [{ type: 'PTR', name: 'x'.repeat(60) }] },
  ];
  for (const packet of hostile) other.say(packet);
  other.say({ type: 'response', answers: service('marker') });
  await eventually('all of it is through', () => seen.some(({ name }) => name === 'marker'));
  t.deepEqual(
    seen.map(({ name }) => name),
    ['marker'],
  );
  for (let n = 0; n < 2_000; n++) other.say({ type: 'response', answers: service(`flood-${n}`) });
  const { found } = await finder.find(FIND);
  t.true(found.length <= 128 && seen.length < 1_000, `${found.length} kept, ${seen.length} looked at`);
});

test('who answers from another port than that of multicast DNS is not listened to', async (t) => {
  const { finder, port, seen } = await openFinder(t);
  const other = await openOther(t, 0);
  const answers = service('mallory');
  other.socket.send(encode({ type: 'response', answers }), port, GROUP);
  await finder.announce(advertOf('alice'));
  const honest = await openOther(t, port);
  honest.say({ type: 'response', answers: service('marker') });
  await eventually('the other is through', () => seen.length > 0);
  t.deepEqual(
    seen.map(({ name }) => name),
    ['marker'],
  );
});

test('an interface that there is not is a fault that says what to check', async (t) => {
  const finder = new MdnsFinder({ interfaces: ['203.0.113.9'], port: 0 });
  t.teardown(() => finder.close());
  const { found, errors } = await finder.find(FIND);
  t.deepEqual(found, []);
  t.regex(errors[0] ?? '', /multicast DNS is not possible on port 0\/udp \(203\.0\.113\.9: .*check/);
  await t.throwsAsync(finder.announce(advertOf('alice')), { code: 'bad_configuration' });
});
