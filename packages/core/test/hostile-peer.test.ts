/** The scripted hostile peer is itself under test: where nothing is forged it passes for an honest node, on every kind of link. */

import test, { type ExecutionContext } from 'ava';
import { toHex } from '../dist/bytes.js';
import { LIMITS } from '../dist/limits.js';
import { writeHello } from '../dist/handshake.js';
import { FederationNode } from '../dist/node.js';
import { NoiseWebSocketTransport } from '../dist/node/noise-websocket.js';
import { createClock, createRandom, createTools } from '../dist/node/system.js';
import type { Transport } from '../dist/ports.js';
import { LogStore } from '../dist/store/store.js';
import { eventually } from '../dist/testing/eventually.js';
import { HostilePeer } from '../dist/testing/hostile-peer.js';
import { newSpan } from '../dist/testing/hostile-peer-feed.js';
import { HostileWire } from '../dist/testing/hostile-peer-wire.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { MemoryNetwork } from '../dist/testing/memory-link.js';
import { alice, person, tenant } from './forge.js';

const tools = createTools();
const mallory = person('mallory');
const NETWORK_KEY = 'a network with a traitor';
const SCOPE = 'timeline/acme';

/** A node of alice's that trusts mallory, and mallory, who dials `address`. */
async function meet(
  t: ExecutionContext,
  over: { readonly alices: Transport; readonly mallorys?: Transport; readonly address: string },
): Promise<{ readonly node: FederationNode; readonly peer: HostilePeer }> {
  const random = createRandom();
  const storage = await LogStore.open({ disk: new MemoryDisk(), index: new MemoryIndex(), tools, random });
  const node = await FederationNode.open({
    name: 'alice',
    keyPair: alice,
    storage,
    transport: over.alices,
    clock: createClock(),
    random,
    tools,
    networkKey: NETWORK_KEY,
    tenants: [tenant('acme')],
    trustedPeers: [{ address: 'ws://127.0.0.1:9/v1/federation', key: mallory.publicKey }],
  });
  t.teardown(() => node.close());
  const peer = new HostilePeer({
    keyPair: mallory,
    networkKey: NETWORK_KEY,
    ...(over.mallorys && { transport: over.mallorys }),
  });
  t.teardown(() => peer.close());
  return { node, peer };
}

async function meetOnSockets(
  t: ExecutionContext,
): Promise<{ readonly node: FederationNode; readonly peer: HostilePeer; readonly address: string }> {
  const alices = NoiseWebSocketTransport.create({ keyPair: alice });
  const { port } = await alices.listen({ host: '127.0.0.1', port: 0 });
  const address = `ws://127.0.0.1:${port}/v1/federation`;
  return { ...(await meet(t, { alices, address })), address };
}

async function meetInMemory(
  t: ExecutionContext,
): Promise<{ readonly node: FederationNode; readonly peer: HostilePeer; readonly address: string }> {
  const network = new MemoryNetwork({ clock: createClock(), random: createRandom() });
  const alices = network.transport({ address: 'alice', keyPair: alice });
  const mallorys = network.transport({ address: 'mallory', keyPair: mallory });
  return { ...(await meet(t, { alices, mallorys, address: 'alice' })), address: 'alice' };
}

for (const [where, open] of [
  ['real sockets', meetOnSockets],
  ['the memory link', meetInMemory],
] as const) {
  test(`over ${where}, what nothing is forged in is taken: a span of the hostile peer can be read at the node`, async (t) => {
    const { node, peer, address } = await open(t);
    const link = await (await peer.dial(address)).join();
    const feed = peer.feed(SCOPE);
    const span = newSpan();
    feed.write({ spans: [span, newSpan()] });
    feed.write();
    link.bring(...feed.written);
    await eventually('the node has it', () => node.timeline('acme').has(String(span['id'])));
    const receipt = await link.heard('receipt');
    t.deepEqual(
      receipt.feeds.map(({ key }) => key),
      [feed.key],
    );
    t.false(link.isClosed);
  });

  test(`over ${where}, one forged signature is all it takes to be closed as a fault`, async (t) => {
    const { node, peer, address } = await open(t);
    const link = await (await peer.dial(address)).join();
    link.bring(peer.feed(SCOPE).draft({ signer: person('somebody else') }));
    t.is((await link.closed).code, 4300);
    t.is(node.status().spans.size, 0);
  });

  test(`over ${where}, a claim is followed by a want, which the script answers as it likes`, async (t) => {
    const { node, peer, address } = await open(t);
    const link = await (await peer.dial(address)).join();
    const feed = peer.feed(SCOPE);
    feed.writeMany(5);
    link.on('want', ({ ranges }) => {
      for (const { key, from, to } of ranges)
        if (key === feed.key) link.bring(...feed.written.slice(from - 1, to));
    });
    link.claim(feed.holdings());
    await eventually('all five arrive', () => [...node.status().spans.values()].join() === '5');
    t.false(link.isClosed);
  });
}

test('a hello in which nothing deviates is the honest one, byte for byte', async (t) => {
  const { peer, address } = await meetOnSockets(t);
  const link = await peer.dial(address);
  const greeter = {
    name: 'mallory',
    publicKey: mallory.publicKey,
    certificates: [],
    rotations: [],
    networkKey: tools.crypto.stretch(NETWORK_KEY, 'logline-federation/network-key/1'),
    sign: (bytes: Uint8Array) => tools.crypto.sign(bytes, mallory.secretKey),
  };
  const atMs = 1_759_528_800_000;
  const honest = writeHello(greeter, link.link, { verify: true, atMs, tools });
  t.deepEqual(link.hello({ atMs }), honest);
  t.notDeepEqual(link.hello({ atMs, version: '0.99.0' }), honest);
  t.notDeepEqual(toHex(link.hello({ atMs, asInitiator: false }).proof), toHex(honest.proof));
});

test('below the frames, a frame may come in pieces of one byte each, and a lie about its length ends the link', async (t) => {
  const { address } = await meetOnSockets(t);
  const { wire, shaken } = await HostileWire.dial(address, { keyPair: mallory });
  await shaken;
  for (const byte of [0, 0, 0, 1, 0xf6]) wire.write(Uint8Array.of(byte));
  t.is(await wire.closed, 4300, 'a frame whose one byte is no message');

  const lying = await HostileWire.dial(address, { keyPair: mallory });
  await lying.shaken;
  const claim = new Uint8Array(4);
  new DataView(claim.buffer).setUint32(0, LIMITS.frameBytes + 1);
  lying.wire.write(claim);
  t.is(await lying.wire.closed, 4413);
});
