/** T1: whatever comes first, malformed or mistimed, closes its own link with a code and is counted. */

import { createHash, randomBytes } from 'node:crypto';
import { fingerprintOf, LIMITS } from '@logline/federation-core';
import { HostileWire } from '@logline/federation-core/testing';
import { firstFramesCloseIt, firstMessagesCloseIt, laterFramesCloseIt } from '../support/first-words.js';
import { figure } from '../support/rest.js';
import { openCaller, openTcp, within } from '../support/strangers.js';
import { CLOSE_MS, CODES, endsWith } from '../support/link-ends.js';
import { hostileGround } from './ground.js';

const hostile = hostileGround();

const MUTATIONS = 300;
const AT_ONCE = 60;
const MIB = 1024 * 1024;
/** The frames before the handshake are small: what remains of them is late garbage collection. */
const GROWTH_MAX = 48 * MIB;

hostile(
  'T1 each kind of CBOR as the first message of a WebSocket closes it with a code',
  firstMessagesCloseIt,
);

hostile(
  'T1 three hundred random first messages of a WebSocket close it each, and memory stays',
  async (t, siege) => {
    const seed = randomBytes(8).toString('hex');
    t.log(`seed ${seed}`);
    const before = await figure(siege.alice, 'process_resident_memory_bytes');
    const ends: number[] = [];
    const send = async (i: number): Promise<void> => {
      const { socket, closed } = await openCaller(t, siege.url);
      // The last ones look like the first piece of a handshake.
      const bytes = noise(`${seed} ${i}`, 16 + ((i * 397) % 4000));
      const piece = Buffer.concat([Buffer.of(bytes.length & 255, bytes.length >> 8, 0), bytes]);
      socket.send(i < MUTATIONS - AT_ONCE ? bytes : piece);
      ends.push(await within(CLOSE_MS, `message ${i}`, closed));
    };
    // Few enough at a time that none is turned away for want of room.
    for (let i = 0; i < MUTATIONS; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => send(i + k)));
    t.is(ends.length, MUTATIONS);
    // One in sixteen random keys is a point that a handshake may begin with: that one is waited for.
    const codes: readonly number[] = [CODES.handshakeFailed, CODES.handshakeTimeout];
    t.deepEqual(
      ends.filter((code) => !codes.includes(code)),
      [],
    );
    t.true(ends.filter((code) => code === CODES.handshakeFailed).length > MUTATIONS - AT_ONCE / 2);
    const grown = (await figure(siege.alice, 'process_resident_memory_bytes')) - before;
    t.log(`resident memory grew by ${(grown / MIB).toFixed(1)} MiB`);
    t.true(grown < GROWTH_MAX);
    const since = performance.now();
    const friend = await siege.traitor();
    await (await friend.dial(siege.url)).open();
    t.log(`an honest peer then joined in ${Math.round(performance.now() - since)} ms`);
  },
);

hostile(
  'T1 an empty message, one of two pieces and one that claims too much close the WebSocket',
  async (t, siege) => {
    const piece = Buffer.concat([Buffer.of(32, 0, 0), randomBytes(32)]);
    const cases = [
      ['nothing', Buffer.alloc(0), CODES.handshakeFailed],
      ['two pieces', Buffer.concat([piece, piece]), CODES.handshakeFailed],
      ['a length of 16 MiB', Buffer.from('ffffff', 'hex'), CODES.handshakeFailed],
    ] as const;
    for (const [what, message, code] of cases) {
      const { socket, closed } = await openCaller(t, siege.url);
      socket.send(message);
      t.is(await within(CLOSE_MS, what, closed), code, what);
    }
  },
);

hostile('T1 bytes that are no HTTP are answered with 400 or nothing', async (t, siege) => {
  for (let i = 0; i < 40; i++) {
    const { socket, ended } = openTcp(t, siege.url);
    socket.write(noise(`TCP ${i}`, 1 + i * 101));
    t.regex(await within(CLOSE_MS, `bytes ${i}`, ended), /^(HTTP\/1\.1 400 |$)/);
  }
});

hostile(
  'T1 each malformed frame of a stranger after the handshake closes the link as a fault and is counted',
  firstFramesCloseIt,
);

hostile('T1 each malformed frame of a trusted peer closes its session as a fault', laterFramesCloseIt);

hostile(
  'T1 an honest message with any one byte altered closes the session or changes nothing',
  async (t, siege) => {
    const traitor = await siege.traitor();
    const entries = await figure(siege.alice, 'federation_entries');
    const seed = randomBytes(8).toString('hex');
    t.log(`seed ${seed}`);
    const honest = await (await traitor.dial(siege.url)).join();
    const samples = honest.frames.map((frame) => Buffer.from(frame));
    honest.drop();
    t.true(samples.length >= 2);
    let faults = 0;
    for (let i = 0; i < 60; i++) {
      const link = await (await traitor.dial(siege.url)).join();
      const frame = Buffer.from(samples[i % samples.length] ?? []);
      const at = (noise(`${seed} ${i}`, 4).readUInt32LE() % frame.length) >>> 0;
      frame[at] = (frame[at] ?? 0) ^ (1 + (i % 255));
      link.send(frame);
      link.say({ kind: 'ping', nonce: i });
      const end = await Promise.race([link.closed, link.heard('pong')]);
      if ('code' in end) {
        t.true(([CODES.fault, CODES.goingAway] as number[]).includes(end.code), `byte ${at}: ${end.code}`);
        faults++;
      } else link.drop();
    }
    t.log(`${faults} of 60 were closed`);
    t.true(faults > 30);
    t.is(siege.alice.told('entry_refused').length, 0, 'none of it reached the gate');
    t.true((await figure(siege.alice, 'federation_entries')) >= entries);
  },
);

hostile('T1 a message before its time, or a second hello, closes the link as a fault', async (t, siege) => {
  const mallory = siege.stranger();
  const early = [
    { kind: 'ping', nonce: 1 },
    { kind: 'pong', nonce: 1 },
    { kind: 'want', ranges: [], creditBytes: 0 },
    { kind: 'entries', entries: [Buffer.of(1)] },
    { kind: 'holdings', scopes: '*', ranges: [], round: 1 },
  ] as const;
  for (const message of early) {
    const link = await mallory.dial(siege.url);
    link.say(message);
    await endsWith(t, link, CODES.fault, message.kind);
  }
  const traitor = await siege.traitor();
  const link = await (await traitor.dial(siege.url)).open();
  link.say(link.hello());
  await endsWith(t, link, CODES.fault, 'a second hello');
});

hostile(
  'T1 a frame that claims more than there may be is refused before any of it has come',
  async (t, siege) => {
    const mallory = siege.stranger();
    const before = await figure(siege.alice, 'process_resident_memory_bytes');
    for (const claim of [LIMITS.frameBytes + 1, 2 ** 24, 2 ** 31, 2 ** 32 - 1]) {
      const { wire, shaken } = await HostileWire.dial(siege.url, { keyPair: mallory.keyPair });
      await shaken;
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(claim);
      wire.write(prefix);
      t.is(await within(CLOSE_MS, `a claim of ${claim} bytes`, wire.closed), CODES.frameTooLarge);
    }
    const grown = (await figure(siege.alice, 'process_resident_memory_bytes')) - before;
    t.true(grown < GROWTH_MAX, `resident memory grew by ${grown} bytes`);
  },
);

hostile('T1 a hello of odd contents closes the link before anything is said', async (t, siege) => {
  const mallory = siege.stranger();
  const { hello } = await mallory.dial(siege.url).then((link) => {
    const said = link.hello();
    link.drop();
    return { hello: said };
  });
  const odd = {
    'a name of a thousand characters': { name: 'x'.repeat(1000) },
    'a name with a line break': { name: 'bob\nFATAL' },
    'an empty name': { name: '' },
    'a version that is none': { version: '0.1' },
    'a proof of 31 bytes': { proof: new Uint8Array(31) },
    'a signature of 65 bytes': { signature: new Uint8Array(65) },
    'a time before 1970': { atMs: -1 },
  };
  for (const [what, members] of Object.entries(odd)) {
    const link = await mallory.dial(siege.url);
    link.say({ ...hello, ...members });
    await endsWith(t, link, CODES.fault, what);
    t.deepEqual(
      link.messages.map(({ kind }) => kind),
      ['bye'],
      what,
    );
  }
  t.false(
    siege.alice
      .told('peer_connected')
      .some(({ fingerprint }) => fingerprint === fingerprintOf(mallory.publicKey)),
  );
});

/** As many bytes as asked for, the same for the same seed. */
function noise(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}
