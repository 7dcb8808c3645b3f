/** Strangers who show rotations in their hello, and what a node tells them: nothing comes of it but an error that says what to do. */

import test, { type ExecutionContext } from 'ava';
import { sealStatements } from '../dist/statement.js';
import { splitFeedKey } from '../dist/feed.js';
import { writeHello } from '../dist/handshake.js';
import { fingerprintOf, TRUST_SCOPE } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { decodeMessage, encodeMessage, type Message } from '../dist/message.js';
import type { KeyPair, Link } from '../dist/ports.js';
import { rotate as rotationTo, cutAt } from '../dist/testing/trust-script.js';
import { epoch, person, tools, Writer } from './forge.js';
import { House, TOOLS, Town } from './town.js';

const NIGHT_MS = 40_000;
const mallory = person('mallory');

/** One who answers, or calls, by hand. */
class Stranger {
  readonly heard: Message[] = [];
  readonly #key: KeyPair;
  readonly #rotations: readonly Uint8Array[];

  constructor(key: KeyPair, rotations: readonly Uint8Array[]) {
    this.#key = key;
    this.#rotations = rotations;
  }

  /** Says hello as the rules want it, whoever speaks first. */
  meet(link: Link): void {
    const greeter = {
      name: 'alice',
      publicKey: this.#key.publicKey,
      certificates: [],
      rotations: this.#rotations,
      networkKey: TOOLS.crypto.stretch('ours'),
      sign: (bytes: Uint8Array) => tools.crypto.sign(bytes, this.#key.secretKey),
    };
    const channel = {
      initiator: link.initiator,
      handshakeHash: link.handshakeHash,
      remoteKey: link.remoteKey,
    };
    const say = (): void =>
      link.send(
        encodeMessage(
          writeHello(greeter, channel, { verify: true, atMs: 0, tools: TOOLS }),
          tools.compression,
        ),
      );
    link.receive({
      frame: (bytes) => {
        const message = decodeMessage(bytes, tools.compression);
        if (message !== undefined) this.heard.push(message);
        if (message?.kind === 'hello' && !link.initiator) say();
      },
      drained: () => undefined,
      closed: () => undefined,
    });
    if (link.initiator) say();
  }

  get ends(): readonly string[] {
    return this.heard.flatMap((message) => (message.kind === 'bye' ? [message.code] : []));
  }
}

/** Alice and bob know each other; then alice rotated while bob was away. */
async function neighbours(t: ExecutionContext): Promise<{
  readonly town: Town;
  readonly alice: House;
  readonly bob: House;
  /** Alice's first key. */
  readonly old: KeyPair;
  /** The entry by which she left it. */
  readonly rotation: Uint8Array;
}> {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob'] });
  const bob = await town.start(t, 'bob', { peers: ['alice'] });
  await town.time.advance(NIGHT_MS);
  const old = alice.key;
  await bob.stop();
  await alice.stop();
  alice.rotate();
  await alice.start();
  const link = await dialling(town, 'somebody', 'alice');
  const curious = new Stranger(person('somebody'), []);
  curious.meet(link);
  await town.time.advance(1_000);
  const [hello] = curious.heard;
  if (hello?.kind !== 'hello') throw new Error('alice says hello to whoever proves the network key');
  const [rotation] = hello.rotations;
  if (rotation === undefined) throw new Error('and shows what became of her key');
  await alice.stop();
  await bob.start();
  await town.time.advance(1_000);
  return { town, alice, bob, old, rotation };
}

async function dialling(town: Town, from: string, to: string): Promise<Link> {
  const transport = town.network.transport({ address: from, keyPair: person(from) });
  const link = transport.dial(to, { timeoutMs: 1_000 });
  await town.time.advance(100);
  return link;
}

/** What a node holds of what nodes say of each other, by feed and length. */
function held({ storage }: House): readonly string[] {
  return [...storage.feeds()]
    .filter(({ key }) => splitFeedKey(key)?.scope === TRUST_SCOPE)
    .map(({ key, ranges }) => `${Buffer.from(key, 'latin1').toString('hex')} ${ranges.at(-1)?.to}`)
    .sort();
}

/** A proof that nobody gave. */
const UNSAID = new Uint8Array(64);

/** The entry of a rotation; `signer` and `proof` as they should be unless they are given. */
function stated(by: KeyPair, to: KeyPair, signer = by, proof?: Uint8Array): Uint8Array {
  const statement = { ...rotationTo(by, to, [cutAt(1, 1)], tools), ...(proof && { proof }) };
  const writer = new Writer(by, { scope: TRUST_SCOPE, epoch: epoch(77) });
  return writer.draft({ spans: [], header: { count: 1 }, value: sealStatements([statement]), signer }).bytes;
}

test('a stranger who shows the rotation of another gains nothing by it, and nothing of it is kept', async (t) => {
  const { town, alice, bob, rotation } = await neighbours(t);
  const before = held(bob);
  const link = await dialling(town, 'mallory', 'bob');
  const stranger = new Stranger(mallory, [rotation]);
  stranger.meet(link);
  await town.time.advance(2_000);
  t.deepEqual(stranger.ends, ['fault'], 'the last rotation has to lead to the key of the link');
  t.deepEqual(
    stranger.heard.map(({ kind }) => kind),
    ['bye'],
  );
  t.deepEqual(held(bob), before);
  await alice.start();
  await town.time.advance(NIGHT_MS);
  t.true(bob.isConnectedTo(alice), 'whom bob follows as if nothing had been');
  t.not(bob.node.peers()[0]?.fingerprint, fingerprintOf(mallory.publicKey));
});

const FORGED: Readonly<Record<string, (old: KeyPair) => readonly Uint8Array[]>> = {
  'a rotation from a trusted key that this key has not signed': (old) => [stated(old, mallory, mallory)],
  'a rotation from a key that nobody trusts': () => [stated(person('nobody'), mallory)],
  'a rotation from a trusted key to one that has not agreed': (old) => [stated(old, mallory, old, UNSAID)],
  'a chain that begins with a forged rotation': (old) => [
    stated(old, person('nobody'), mallory),
    stated(person('nobody'), mallory),
  ],
};

for (const [what, rotations] of Object.entries(FORGED)) {
  test(`${what} is kept by nobody and lifts nobody`, async (t) => {
    const { town, bob, old } = await neighbours(t);
    const before = held(bob);
    const link = await dialling(town, 'mallory', 'bob');
    const stranger = new Stranger(mallory, rotations(old));
    stranger.meet(link);
    await town.time.advance(2_000);
    t.deepEqual(stranger.ends, ['pending']);
    const [hello] = stranger.heard;
    t.true(hello?.kind === 'hello' && !hello.verify);
    t.deepEqual(held(bob), before);
    t.is(bob.node.peers()[0]?.fingerprint, fingerprintOf(old.publicKey));
  });
}

test('whoever answers at the address of another hears what any stranger hears, and the operator what to do', async (t) => {
  const { town, bob, old } = await neighbours(t);
  const before = held(bob);
  const stranger = new Stranger(mallory, []);
  town.network.transport({ address: 'alice', keyPair: mallory }).accept((link) => stranger.meet(link));
  await town.time.advance(NIGHT_MS);
  t.deepEqual(new Set(stranger.ends), new Set(['pending']));
  for (const message of stranger.heard) {
    t.true(message.kind === 'bye' || (message.kind === 'hello' && !message.verify));
  }
  const [expected, found] = [old, mallory].map((key) => fingerprintOf(key.publicKey));
  const [listed] = bob.node.peers();
  t.is(
    listed?.lastError,
    `expected key ${expected} at this address, found ${found}: if the peer was set up anew, establish trust again with #${found}`,
  );
  t.is(listed?.fingerprint, expected);
  t.is(
    bob.events.filter(({ kind }) => kind === 'dial_failed').length,
    2,
    'told once: absent at first, then another',
  );
  t.deepEqual(held(bob), before);
});

test('whoever answers in place of another and shows a forged rotation is not taken for it', async (t) => {
  const { town, bob, old } = await neighbours(t);
  const stranger = new Stranger(mallory, [stated(old, mallory, mallory)]);
  town.network.transport({ address: 'alice', keyPair: mallory }).accept((link) => stranger.meet(link));
  await town.time.advance(NIGHT_MS);
  t.deepEqual(new Set(stranger.ends), new Set(['pending']));
  t.regex(bob.node.peers()[0]?.lastError ?? '', /^expected key /);
  t.true(bob.events.some((event) => event.kind === 'entry_refused' && event.check === 'signature'));
  t.is(bob.levelOf(new House('alice', town, {})), 'verified');
});

test('a hello shows as many rotations as it has room for, the newest', async (t) => {
  const town = new Town();
  const alice = await town.start(t, 'alice');
  const first = alice.node.fingerprint;
  for (let i = 0; i < LIMITS.rotations + 2; i++) {
    await alice.stop();
    alice.rotate();
    await alice.start();
  }
  const curious = new Stranger(person('somebody'), []);
  curious.meet(await dialling(town, 'somebody', 'alice'));
  await town.time.advance(1_000);
  const [hello] = curious.heard;
  const shown = hello?.kind === 'hello' ? hello.rotations : [];
  t.is(shown.length, LIMITS.rotations);
  t.true(shown.reduce((sum, { length }) => sum + length, 0) <= LIMITS.rotationBytes);
  t.not(alice.node.fingerprint, first);
});
