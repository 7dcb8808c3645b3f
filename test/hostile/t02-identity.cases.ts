/** T2, T3, T13, T21–T23: who is not trusted learns nothing, nobody passes for another, and weak keys are nobody's. */

import { randomBytes } from 'node:crypto';
import { fingerprintOf } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import {
  eventually,
  HostileFeed,
  HostileWire,
  newSpan,
  type HostileLink,
} from '@logline/federation-core/testing';
import { TENANT, trust } from '../support/rest.js';
import { within } from '../support/strangers.js';
import { CLOSE_MS, CODES, endsWith } from '../support/link-ends.js';
import { appendTo, feedOfAlice, hostileGround, stillServed } from './ground.js';

const hostile = hostileGround();
const SCOPE = `timeline/${TENANT}`;
const HIDDEN = 'hidden';

type Message = HostileLink['messages'][number];
const nothing: Message = { kind: 'bye', code: 'fault', reason: '' };

const newKeyPair = () => createCrypto().keyPair(randomBytes(32));

hostile(
  'T2 a feed that is not shared is answered byte for byte like one that does not exist, in want and in holdings',
  async (t, siege) => {
    const canary = randomBytes(16).toString('hex');
    await appendTo(siege, HIDDEN, [newSpan({ title: canary })]);
    const traitor = await siege.traitor();
    const answers: Buffer[] = [];
    const link = await (await traitor.dial(siege.url)).join();
    const real = await feedOfAlice(siege, link, `timeline/${HIDDEN}`);
    const unknown = new HostileFeed({ keyPair: real.keyPair, scope: real.scope, epoch: randomBytes(8) });
    const missing = new HostileFeed({ keyPair: real.keyPair, scope: 'timeline/nobody', epoch: real.epoch });
    for (const feed of [real, unknown, missing]) {
      const asking = await (await traitor.dial(siege.url)).join();
      const since = asking.frames.length;
      asking.ask(
        { key: feed.key, from: 1, to: 2 ** 40, aligned: true },
        { key: feed.key, from: 1, to: 1, aligned: false },
      );
      asking.say({ kind: 'ping', nonce: 1 });
      await asking.heard('pong');
      const { frames, messages } = asking;
      const answer = frames.filter((_, i) => i >= since && !isNews(messages[i] ?? nothing));
      answers.push(Buffer.concat(answer));
      await stillServed(t, asking, 'asking is no fault');
      const entries = asking.all('entries').flatMap((message) => message.entries);
      t.false(Buffer.concat([...asking.frames, ...entries]).includes(canary));
      const told = JSON.stringify(asking.all('holdings'));
      t.false(told.includes(HIDDEN), 'not even the tenant’s name is told');
      asking.drop();
    }
    for (const answer of answers) t.deepEqual(answer, answers[0]);
    t.true((answers[0]?.length ?? 0) > 0);
  },
);

hostile(
  'T2 a stranger that knows a feed by name gets the same few bytes as one that invents it',
  async (t, siege) => {
    const canary = randomBytes(16).toString('hex');
    await appendTo(siege, TENANT, [newSpan({ title: canary })]);
    const traitor = await siege.traitor();
    const known = await feedOfAlice(siege, await (await traitor.dial(siege.url)).join(), SCOPE);
    const invented = new HostileFeed({ keyPair: known.keyPair, scope: SCOPE, epoch: randomBytes(8) });
    const heard: (readonly string[])[] = [];
    for (const feed of [known, invented]) {
      const link = await siege.stranger().dial(siege.url);
      link.say(link.hello());
      link.say({ kind: 'holdings', scopes: '*', ranges: [], round: 1 });
      link.ask({ key: feed.key, from: 1, to: 100, aligned: true });
      await endsWith(t, link, CODES.pending, 'a stranger');
      heard.push(link.messages.map(({ kind }, i) => `${kind} of ${link.frames[i]?.length} bytes`));
      t.false(Buffer.concat(link.frames).includes(canary));
      t.false(Buffer.concat(link.frames).includes(TENANT));
    }
    t.deepEqual(heard[0], heard[1]);
    t.deepEqual(heard[0]?.length, 2, 'a hello and a goodbye');
  },
);

hostile('T3 a hello signed by any other key than the link’s is refused', async (t, siege) => {
  const traitor = await siege.traitor();
  for (const signer of [newKeyPair(), siege.stranger().keyPair]) {
    const link = await traitor.dial(siege.url);
    link.say(link.hello({ signer }));
    await endsWith(t, link, CODES.refused, 'signed by somebody else');
    t.deepEqual(
      link.messages.map(({ kind }) => kind),
      ['bye'],
    );
  }
});

hostile(
  'T3 a trusted peer under the name of bob, or of the node itself, is turned away and bob stays',
  async (t, siege) => {
    for (const name of ['bob', 'alice']) {
      const impostor = await siege.traitor({ name });
      const link = await impostor.dial(siege.url);
      link.say(link.hello());
      await endsWith(t, link, CODES.nameTaken, name);
    }
  },
);

hostile('T3 a receipt that somebody else signed ends the session as a fault', async (t, siege) => {
  const traitor = await siege.traitor();
  const link = await (await traitor.dial(siege.url)).join();
  link.confirm([traitor.feed(SCOPE).holdings()], newKeyPair());
  await endsWith(t, link, CODES.fault, 'a forged receipt');
});

hostile('T3 of two links under one key only one stays, and no other peer is touched', async (t, siege) => {
  const traitor = await siege.traitor();
  const first = await (await traitor.dial(siege.url)).join();
  const second = await (await traitor.dial(siege.url)).join();
  const ended = await eventually('one of them ends', () =>
    first.isClosed ? first : second.isClosed ? second : undefined,
  );
  t.is((await ended.closed).code, 4310);
  await stillServed(t, ended === first ? second : first, 'the other one');
});

hostile(
  'T13 entries, holdings and wants of a peer that is pending change nothing and are not answered',
  async (t, siege) => {
    const stranger = siege.stranger();
    const traitor = await siege.traitor();
    const span = newSpan();
    for (const [peer, verify] of [
      [stranger, true],
      [stranger, false],
      [traitor, false],
    ] as const) {
      const link = await peer.dial(siege.url);
      link.say(link.hello({ verify }));
      link.say({ kind: 'holdings', scopes: '*', ranges: [], round: 1 });
      link.bring(peer.feed(SCOPE).draft({ spans: [span] }));
      link.claim(peer.feed(SCOPE).holdings());
      await endsWith(t, link, CODES.pending, 'a pending peer');
      t.deepEqual(
        link.messages.map(({ kind }) => kind),
        ['hello', 'bye'],
      );
    }
    const response = await fetch(
      `${siege.alice.url}/v1/timeline/spans/${String(span['id'])}?tenant_id=${TENANT}`,
    );
    t.is(response.status, 404);
  },
);

hostile('T13 what a pending peer sends before its hello ends the link unread', async (t, siege) => {
  const stranger = siege.stranger();
  const link = await stranger.dial(siege.url);
  link.bring(...stranger.feed(SCOPE).writeMany(10));
  link.say(link.hello());
  await endsWith(t, link, CODES.fault, 'entries first');
  t.deepEqual(
    link.messages.map(({ kind }) => kind),
    ['bye'],
  );
});

hostile(
  'T21 a hello of another link, of the other role or of another network is refused without an answer',
  async (t, siege) => {
    const traitor = await siege.traitor();
    const other = await traitor.dial(siege.url);
    const deviations = {
      'recorded on another link': { handshakeHash: other.link.handshakeHash },
      'in the role of the one who is called': { asInitiator: false },
      'of another network': { networkKey: 'another network' },
      'of a network without a key': { networkKey: '' },
    };
    for (const [what, deviation] of Object.entries(deviations)) {
      const link = await traitor.dial(siege.url);
      link.say(link.hello(deviation));
      await endsWith(t, link, CODES.refused, what);
      t.deepEqual(
        link.messages.map(({ kind }) => kind),
        ['bye'],
        what,
      );
    }
    other.drop();
  },
);

hostile(
  'T21 a version is part of what is signed: altered it is refused, another major one is told so',
  async (t, siege) => {
    const traitor = await siege.traitor();
    const altered = await traitor.dial(siege.url);
    altered.say({ ...altered.hello(), version: '0.0.1' });
    await endsWith(t, altered, CODES.refused, 'altered on its way');
    for (const version of ['1.0.0', '9999.0.0']) {
      const link = await traitor.dial(siege.url);
      link.say(link.hello({ version }));
      await endsWith(t, link, CODES.version, version);
    }
  },
);

hostile('T21 a node’s own hello reflected to it opens nothing, whoever dialled', async (t, siege) => {
  const mallory = siege.stranger();
  const fingerprint = fingerprintOf(mallory.publicKey);
  await trust(siege.alice, { address: await mallory.listen(), fingerprint });
  const taken = await eventually('alice dials', () => mallory.taken[0]);
  await taken.heard('hello');
  taken.send(taken.frames[0] ?? Buffer.alloc(0));
  await endsWith(t, taken, CODES.refused, 'alice’s own hello');
  const own = await mallory.dial(siege.url);
  own.send(taken.frames[0] ?? Buffer.alloc(0));
  await endsWith(t, own, CODES.refused, 'alice’s hello on a link of our own');
});

hostile(
  'T21 a hello relayed by one in the middle is refused: it is bound to the link it was made for',
  async (t, siege) => {
    // Carol, whom alice trusts, dials mallory, who passes her hello on to alice.
    const carol = await siege.traitor({ name: `carol-${randomBytes(3).toString('hex')}` });
    const mallory = siege.stranger();
    const carols = await carol.dial(await mallory.listen());
    carols.say(carols.hello());
    const taken = await eventually('carol calls', () => mallory.taken[0]);
    await taken.heard('hello');
    const relayed = await mallory.dial(siege.url);
    relayed.send(taken.frames[0] ?? Buffer.alloc(0));
    await endsWith(t, relayed, CODES.refused, 'carol’s hello');
    t.deepEqual(
      relayed.messages.map(({ kind }) => kind),
      ['bye'],
    );
  },
);

hostile(
  'T22 whoever holds one’s own secret key cannot pose as another to one: keys are proven both ways',
  async (t, siege) => {
    const carol = newKeyPair();
    const stolen = newKeyPair();
    const mixed = { publicKey: carol.publicKey, secretKey: stolen.secretKey };
    const dialling = await HostileWire.dial(siege.url, { keyPair: mixed });
    t.is(
      await within(CLOSE_MS, 'carol’s key without her secret', dialling.wire.closed),
      CODES.handshakeFailed,
    );

    const listening = siege.stranger({ keyPair: mixed });
    const address = await listening.listen();
    await trust(siege.alice, { address, fingerprint: fingerprintOf(carol.publicKey) });
    await eventually('alice dials and does not believe it', () =>
      siege.alice.told('dial_failed').some((line) => String(line['address']).includes(new URL(address).port)),
    );
    t.is(listening.taken.length, 0, 'no link came of it');
  },
);

hostile(
  'T22 another key at a trusted address is not taken for the one that is expected',
  async (t, siege) => {
    const carol = newKeyPair();
    const mallory = siege.stranger();
    const address = await mallory.listen();
    await trust(siege.alice, { address, fingerprint: fingerprintOf(carol.publicKey) });
    const taken = await eventually('alice dials', () => mallory.taken[0]);
    const { verify } = await taken.heard('hello');
    t.false(verify, 'she greets whom she finds there as any stranger');
    taken.say(taken.hello());
    await within(CLOSE_MS, 'and hangs up', taken.closed);
    t.deepEqual(
      taken.messages.map(({ kind }) => kind),
      ['hello', 'bye'],
      'without having said another word',
    );
    await eventually('and says whom she expected', () =>
      siege.alice
        .told('dial_failed')
        .some((line) => String(line['reason']).startsWith(`expected key ${fingerprintOf(carol.publicKey)}`)),
    );
  },
);

/** Points of small order, canonically encoded or not (RFC 8032; the list in libsodium names the same). */
const WEAK_KEYS: Readonly<Record<string, string>> = {
  'the identity': `01${'00'.repeat(31)}`,
  'the identity with a sign': `01${'00'.repeat(30)}80`,
  'order 2': `ec${'ff'.repeat(30)}7f`,
  'order 4': '00'.repeat(32),
  'order 4 with a sign': `${'00'.repeat(31)}80`,
  'order 8': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'order 8, the other': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'zero, not canonical': `ed${'ff'.repeat(30)}7f`,
  'the identity, not canonical': `ee${'ff'.repeat(30)}7f`,
  'no point at all': 'ff'.repeat(32),
};

hostile(
  'T23 no handshake succeeds with a key of small order or one not canonically encoded',
  async (t, siege) => {
    for (const [what, digits] of Object.entries(WEAK_KEYS)) {
      const keyPair = { publicKey: Buffer.from(digits, 'hex'), secretKey: newKeyPair().secretKey };
      const { wire } = await HostileWire.dial(siege.url, { keyPair });
      const code = await within(CLOSE_MS, what, wire.closed);
      t.true(([CODES.handshakeFailed, 1000, 1005, 1006] as number[]).includes(code), `${what}: ${code}`);
    }
  },
);

hostile('T23 no such key can be trusted over REST', async (t, siege) => {
  for (const [what, digits] of Object.entries(WEAK_KEYS)) {
    const response = await fetch(`${siege.alice.url}/v1/trust/establish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        peer_address: 'ws://127.0.0.1:9/v1/federation',
        fingerprint: Buffer.from(digits, 'hex').toString('base64url'),
      }),
    });
    await response.arrayBuffer();
    t.is(response.status, 400, what);
  }
});

/** What the node tells and sends of its own accord while honest spans are exchanged: all of it is of the shared tenant. */
function isNews(message: Message): boolean {
  const isShared = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes(`${SCOPE}`);
  if (message.kind === 'entries') return message.entries.every(isShared);
  if (message.kind === 'holdings')
    return message.ranges.every(({ lower, feeds = [] }) =>
      [lower, ...feeds.map(({ key }) => key)].every((key) => key.startsWith(`${SCOPE}\0`)),
    );
  return message.kind === 'want' || message.kind === 'receipt';
}
