/** Registration with a name server: what is sent is signed as RFC 8945 says, and an answer that is not signed does not count. */

import { createHmac } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { decode, type Answer } from 'dns-packet';
import { labelOf, type Advert } from '../dist/finder.js';
import { DnsRegistration } from '../dist/node/dns-registration.js';
import { parseTsigKey, type TsigKey } from '../dist/node/dns-update-message.js';
import { alice } from './forge.js';
import { openNameServer, type NameServer } from './name-server.js';

const BASE = 'fed.example.org';
const LABEL = labelOf('alice', alice.publicKey);
const SECRET = Buffer.from('a secret of thirty-two bytes ....');
const KEY: TsigKey = { name: 'logline-key', algorithm: 'hmac-sha256', secret: SECRET };
const ADVERT: Advert = {
  label: LABEL,
  id: 'logline-id://node/alice',
  version: '0.1.0',
  hint: 'abc',
  port: 8081,
};
const SOA: Answer = {
  type: 'SOA',
  name: 'example.org',
  ttl: 60,
  data: {
    mname: 'ns.example.org',
    rname: 'root.example.org',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  },
};

function u16(n: number): Buffer {
  return Buffer.from([n >> 8, n & 255]);
}

/** Written anew, and for one key: name, ANY, TTL, algorithm, time, fudge, error, other. */
function variables(time: Buffer, error = 0): Buffer {
  const names = [
    Buffer.from('\x0blogline-key\0'),
    Buffer.from([0, 255, 0, 0, 0, 0]),
    Buffer.from('\x0bhmac-sha256\0'),
  ];
  return Buffer.concat([...names, time, u16(300), u16(error), u16(0)]);
}

interface Update {
  readonly message: Buffer;
  readonly mac: Buffer;
  readonly isSigned: boolean;
  /** `class type name` of each record of the update section. */
  readonly changes: readonly string[];
}

/** Takes a signed update apart: its TSIG is the one additional record, and the last. */
function readUpdate(message: Buffer): Update {
  const data = message.subarray(message.lastIndexOf('\x0bhmac-sha256\0'));
  const time = data.subarray(13, 19);
  const mac = data.subarray(23, 55);
  const start = message.lastIndexOf('\x0blogline-key\0');
  const body = Buffer.from(message.subarray(0, start));
  body.writeUInt16BE(0, 10);
  const expected = createHmac('sha256', SECRET).update(body).update(variables(time)).digest();
  const { authorities = [] } = decode(body);
  const changes = authorities.map((one) => `${'class' in one ? one.class : ''} ${one.type} ${one.name}`);
  return { message, mac, isSigned: mac.equals(expected), changes };
}

function answerTo(
  { message, mac }: Update,
  options: { readonly rcode?: number; readonly secret?: Buffer; readonly error?: number } = {},
): Buffer {
  const { rcode = 0, secret = SECRET, error = 0 } = options;
  const head = Buffer.concat([message.subarray(0, 2), u16(0xa800 | rcode), Buffer.alloc(8)]);
  const time = Buffer.alloc(6);
  time.writeUIntBE(Math.floor(Date.now() / 1_000), 0, 6);
  const own = createHmac('sha256', secret)
    .update(u16(32))
    .update(mac)
    .update(head)
    .update(variables(time, error))
    .digest();
  const rdata = Buffer.concat([
    Buffer.from('\x0bhmac-sha256\0'),
    time,
    u16(300),
    u16(32),
    own,
    message.subarray(0, 2),
    u16(error),
    u16(0),
  ]);
  head.writeUInt16BE(1, 10);
  return Buffer.concat([
    head,
    Buffer.from('\x0blogline-key\0'),
    u16(250),
    u16(255),
    Buffer.alloc(4),
    u16(rdata.length),
    rdata,
  ]);
}

async function registered(
  t: ExecutionContext,
  answer: (update: Update) => Buffer | undefined = answerTo,
): Promise<{ names: NameServer; updates: Update[]; registration: DnsRegistration }> {
  const names = await openNameServer(t, [SOA]);
  const updates: Update[] = [];
  names.onUpdate = (message) => {
    const update = readUpdate(message);
    updates.push(update);
    return answer(update);
  };
  const registration = new DnsRegistration({
    base: BASE,
    server: names.server,
    key: KEY,
    addresses: () => ['10.0.0.1', 'fd00::1'],
  });
  return { names, updates, registration };
}

test('a node registers its service, its addresses and its text, and takes them back', async (t) => {
  const { names, updates, registration } = await registered(t);
  const host = `${LABEL}.${BASE}`;
  // Left behind by a start on another port, and of another node.
  names.records = [
    SOA,
    { type: 'SRV', name: `_logline-fed._tcp.${BASE}`, ttl: 9, data: { port: 7000, target: host } },
    { type: 'SRV', name: `_logline-fed._tcp.${BASE}`, ttl: 9, data: { port: 7000, target: `bob.${BASE}` } },
  ];
  await registration.register(ADVERT);
  t.true(updates[0]?.isSigned);
  t.deepEqual(updates[0]?.changes, [
    `ANY ANY ${host}`,
    `UNKNOWN_254 SRV _logline-fed._tcp.${BASE}`,
    `IN SRV _logline-fed._tcp.${BASE}`,
    `IN TXT ${host}`,
    `IN A ${host}`,
    `IN AAAA ${host}`,
  ]);
  await registration.withdraw();
  await registration.withdraw();
  t.deepEqual(updates[1]?.changes, [`ANY ANY ${host}`, `UNKNOWN_254 SRV _logline-fed._tcp.${BASE}`]);
  t.is(updates.length, 2);
});

test('a refusal says what to look at', async (t) => {
  const refusals: readonly (readonly [Parameters<typeof answerTo>[1], RegExp])[] = [
    [{ rcode: 5 }, /refuses to change zone example\.org for key logline-key: it does not allow this key/],
    [{ rcode: 9, error: 17 }, /does not know the key/],
    [{ rcode: 9, error: 18 }, /clock differs/],
    [{ rcode: 10 }, /outside of the zone/],
  ];
  for (const [options, message] of refusals) {
    const { registration } = await registered(t, (update) => answerTo(update, options));
    await t.throwsAsync(registration.register(ADVERT), { code: 'bad_configuration', message });
  }
});

test('an answer that the key has not signed over our update does not count', async (t) => {
  const forgeries: readonly ((update: Update) => Buffer)[] = [
    (update) => answerTo(update, { secret: Buffer.from('another secret of thirty-two bytes') }),
    (update) => answerTo({ ...update, mac: Buffer.alloc(32) }),
    ({ message }) => Buffer.concat([message.subarray(0, 2), u16(0xa800), Buffer.alloc(8)]),
  ];
  for (const forge of forgeries) {
    const { registration } = await registered(t, forge);
    await t.throwsAsync(registration.register(ADVERT), {
      code: 'bad_configuration',
      message: /not signed by the key/,
    });
  }
  const { registration } = await registered(t, ({ message }) => message.subarray(0, 13));
  await t.throwsAsync(registration.register(ADVERT), { message: /no DNS message/ });
});

test('a name that no zone is over, and a node without an address, are said to be so', async (t) => {
  const { names, registration } = await registered(t);
  names.records = [];
  await t.throwsAsync(registration.register(ADVERT), { message: /has no zone that fed\.example\.org is in/ });
  const nowhere = new DnsRegistration({ base: BASE, server: names.server, key: KEY, addresses: () => [] });
  await t.throwsAsync(nowhere.register(ADVERT), { message: /no address that others could reach/ });
});

test('a key file is read as BIND writes it, and nothing else is', (t) => {
  const secret = SECRET.toString('base64');
  const text = `key "logline-key" {\n\talgorithm hmac-sha256;\n\tsecret "${secret}";\n};\n`;
  t.deepEqual(parseTsigKey(text), KEY);
  for (const bad of [
    '',
    secret,
    text.replace('256', '1'),
    text.replace(secret, 'c2hvcnQ='),
    text.replace('key', 'zone'),
  ])
    t.is(parseTsigKey(bad), undefined, bad);
});
