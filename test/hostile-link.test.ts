/** F1, T1–T3, T13: whatever a stranger or a traitor says first closes its own link with a code, and an honest peer goes on. */

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fingerprintOf } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { WebSocketServer } from 'ws';
import { firstFramesCloseIt, firstMessagesCloseIt, laterFramesCloseIt } from './support/first-words.js';
import { CLOSE_MS, CODES, endsWith } from './support/link-ends.js';
import { figure, TENANT, trust } from './support/rest.js';
import { openFortress, Siege, type Fortress } from './support/siege.js';
import { openCaller, openTcp, within } from './support/strangers.js';

/** Of growth: what collecting garbage late may cost, and half of what the bomb among the frames would. */
const MEMORY_MAX = 128 * 1024 * 1024;

const endings: (() => unknown)[] = [];
/** One for all tests of this file: each looks at what it does to the exchange of alice and bob. */
let fortress: Fortress | undefined;
test.before(async () => {
  fortress = await openFortress({ teardown: (end) => void endings.unshift(end) });
});
test.after.always(async () => {
  for (const end of endings) await end();
});

test.serial('each hostile frame as the first message of a WebSocket closes it with a code', async (t) => {
  const siege = await Siege.begin(t, fortress);
  await firstMessagesCloseIt(t, siege);
  await siege.end();
});

test.serial(
  'each hostile frame as the first one after an honest handshake closes the link as a fault',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    const before = await figure(siege.alice, 'process_resident_memory_bytes');
    await firstFramesCloseIt(t, siege);
    const grown = (await figure(siege.alice, 'process_resident_memory_bytes')) - before;
    t.log(`resident memory grew by ${Math.round(grown / 1024)} KiB`);
    t.true(grown < MEMORY_MAX, `resident memory grew by ${grown} bytes`);
    await siege.end();
  },
);

test.serial(
  'each hostile frame from a peer that is trusted closes its session as a fault, and it may come again',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    await laterFramesCloseIt(t, siege);
    await siege.end();
  },
);

test.serial('a message that comes too early, or twice, closes the link as a fault', async (t) => {
  const siege = await Siege.begin(t, fortress);
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
  const link = await traitor.dial(siege.url);
  await link.open();
  link.say(link.hello());
  await endsWith(t, link, CODES.fault, 'a second hello');
  await siege.end();
});

test.serial(
  'random bytes end what they came on: as TCP, as messages and as frames of a session',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    const seed = randomBytes(8).toString('hex');
    t.log(`seed ${seed}`);
    const mallory = siege.stranger();
    for (let i = 0; i < 30; i++) {
      // A byte or two may be the beginning of a request, of which the rest is waited for.
      const bytes = noise(`${seed} ${i}`, 16 + ((i * 397) % 8000));
      const tcp = openTcp(t, siege.url);
      tcp.socket.write(bytes);
      t.regex(await within(CLOSE_MS, `${i}: TCP`, tcp.ended), /^(HTTP\/1\.1 400 |$)/);

      const { socket, closed } = await openCaller(t, siege.url);
      socket.send(bytes);
      t.is(await within(CLOSE_MS, `${i}: message`, closed), CODES.handshakeFailed);

      const link = await mallory.dial(siege.url);
      link.send(bytes);
      await endsWith(t, link, CODES.fault, `${i}: frame`);
    }
    await siege.end();
  },
);

test.serial(
  'a stock automerge-repo client gets nowhere, at our address or with our subprotocol put in front of it',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    const direct = runStockClient(t, siege.url);
    await within(CLOSE_MS, 'the client is refused', direct.ended);
    t.true(direct.said().includes('Unexpected server response: 426'), direct.said());

    const relay = await relayTo(t, siege.url);
    const relayed = runStockClient(t, relay.url);
    await eventually('the node closes it, as often as it comes', () => relay.codes.length >= 3);
    t.deepEqual([...new Set(relay.codes)], [CODES.handshakeFailed]);
    for (const client of [direct, relayed]) t.false(client.said().includes('peer '), 'nobody answered');
    await siege.end();
  },
);

test.serial(
  'a peer with another network key is refused before it has learnt anything, whoever dialled',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    const mallory = siege.stranger({ networkKey: 'another network' });
    const dialled = await mallory.dial(siege.url);
    dialled.say(dialled.hello());
    await endsWith(t, dialled, CODES.refused, 'as the one who dials');
    t.deepEqual(
      dialled.messages.map(({ kind }) => kind),
      ['bye'],
      'not even a hello',
    );

    const fingerprint = fingerprintOf(mallory.publicKey);
    await trust(siege.alice, { address: await mallory.listen(), fingerprint });
    const taken = await eventually('alice dials', () => mallory.taken[0]);
    await taken.heard('hello');
    taken.say(taken.hello());
    await endsWith(t, taken, CODES.refused, 'as the one who is dialled');
    t.deepEqual(
      taken.messages.map(({ kind }) => kind),
      ['hello', 'bye'],
    );

    const again = await eventually('alice dials again', () => mallory.taken[1]);
    await again.heard('hello');
    again.send(again.frames[0] ?? Buffer.alloc(0));
    await endsWith(t, again, CODES.refused, 'with alice’s own hello played back to her');
    await siege.end();
  },
);

test.serial('a peer that is not trusted learns that it is not, and nothing else', async (t) => {
  const siege = await Siege.begin(t, fortress);
  const mallory = siege.stranger();
  const traitor = await siege.traitor();
  for (const [peer, verify] of [
    [mallory, true] as const,
    [mallory, false] as const,
    [traitor, false] as const,
  ]) {
    const link = await peer.dial(siege.url);
    link.say(link.hello({ verify }));
    // As if all were well: it may ask, but it is not answered.
    link.say({ kind: 'holdings', scopes: '*', ranges: [], round: 1 });
    link.say({
      kind: 'holdings',
      scopes: [{ scope: `timeline/${TENANT}`, read: true, write: true }],
      ranges: [],
      round: 2,
    });
    await endsWith(t, link, CODES.pending, 'a peer without mutual trust');
    t.deepEqual(
      link.messages.map(({ kind }) => kind),
      ['hello', 'bye'],
    );
    const heard = Buffer.concat(link.frames);
    for (const word of [TENANT, 'timeline', t.title]) t.false(heard.includes(word), word);
  }
  await siege.end();
});

test.serial(
  'a trusted peer under the name of another one is turned away, and the real one stays',
  async (t) => {
    const siege = await Siege.begin(t, fortress);
    const impostor = await siege.traitor({ name: 'bob' });
    const link = await impostor.dial(siege.url);
    link.say(link.hello());
    await endsWith(t, link, CODES.nameTaken, 'a second bob');
    await siege.end();
  },
);

/** As many bytes as asked for, the same for the same seed. */
function noise(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}

/** The stock client as a process, since it throws where nobody can catch it; `said` is all that it wrote. */
function runStockClient(
  t: ExecutionContext,
  url: string,
): { readonly ended: Promise<unknown>; readonly said: () => string } {
  const program = join(import.meta.dirname, 'support', 'stock-client.js');
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { ended, said: () => said };
}

/** Takes WebSockets of any kind and passes their messages on to a node, with the subprotocol that the node wants. */
async function relayTo(
  t: ExecutionContext,
  url: string,
): Promise<{ readonly url: string; readonly codes: readonly number[] }> {
  const codes: number[] = [];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.teardown(() => server.close());
  server.on('connection', (client) => {
    t.teardown(() => client.terminate());
    const early: Buffer[] = [];
    client.on('message', (bytes: Buffer) => early.push(bytes));
    void openCaller(t, url).then(({ socket, closed }) => {
      for (const bytes of early) socket.send(bytes);
      client.on('message', (bytes: Buffer) => socket.send(bytes));
      void closed.then((code) => {
        codes.push(code);
        client.close();
      });
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no port');
  return { url: `ws://127.0.0.1:${address.port}`, codes };
}
