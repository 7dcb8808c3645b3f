/** Who is dialled, pinned and named how, in virtual time over a memory network. */

import test, { type ExecutionContext } from 'ava';
import type { NodeEvent } from '../dist/events.js';
import { FederationNode } from '../dist/node.js';
import type { KeyPair } from '../dist/ports.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { person, tools } from './forge.js';

const TOOLS = {
  ...tools,
  crypto: { ...tools.crypto, stretch: (secret: string) => tools.crypto.sha256(tools.text.encode(secret)) },
};

interface Started {
  readonly node: FederationNode;
  readonly events: readonly NodeEvent[];
}

class Town {
  readonly time = new VirtualTime();
  readonly #clock = this.time.clock({ skewMs: () => 0, isAlive: () => true });
  readonly #random = new SeededRandom(7);
  readonly #network = new MemoryNetwork({ clock: this.#clock, random: this.#random, delayMs: () => 5 });

  async start(
    t: ExecutionContext,
    at: {
      readonly address: string;
      readonly name: string;
      readonly key: KeyPair;
      readonly peers: readonly string[];
      readonly networkKey?: string;
    },
  ): Promise<Started> {
    const storage = await LogStore.open({
      disk: new MemoryDisk(),
      index: new MemoryIndex(),
      tools: TOOLS,
      random: this.#random,
    });
    const events: NodeEvent[] = [];
    const node = await FederationNode.open({
      name: at.name,
      keyPair: at.key,
      storage,
      transport: this.#network.transport({ address: at.address, keyPair: at.key }),
      clock: this.#clock,
      random: this.#random,
      tools: TOOLS,
      networkKey: at.networkKey ?? 'ours',
      trustedPeers: at.peers.map((address) => ({ address })),
      tenants: '*',
      onEvent: (event) => events.push(event),
    });
    t.teardown(() => this.stop(node));
    return { node, events };
  }

  async stop(node: FederationNode): Promise<void> {
    const closed = node.close();
    await this.time.advance(5_000);
    await closed;
  }
}

const kinds = ({ events }: Started): readonly string[] => events.map((event) => event.kind);

test('the key of a node of another network is not pinned, and the right node at the address is welcome later', async (t) => {
  const town = new Town();
  const alice = await town.start(t, {
    address: 'here',
    name: 'alice',
    key: person('alice'),
    peers: ['there'],
  });
  const stranger = await town.start(t, {
    address: 'there',
    name: 'mallory',
    key: person('mallory'),
    peers: ['here'],
    networkKey: 'theirs',
  });
  await town.time.advance(10_000);
  t.false(kinds(alice).includes('key_pinned'));
  t.true(kinds(alice).includes('link_refused'));
  await town.stop(stranger.node);
  const bob = await town.start(t, { address: 'there', name: 'bob', key: person('bob'), peers: ['here'] });
  await town.time.advance(40_000);
  t.true(kinds(alice).includes('key_pinned'));
  t.is(alice.node.peers()[0]?.status, 'connected');
  t.is(bob.node.peers()[0]?.status, 'connected');
});

test('a peer that does not trust us yet is pinned all the same, since its hello proved the network key', async (t) => {
  const town = new Town();
  const alice = await town.start(t, {
    address: 'here',
    name: 'alice',
    key: person('alice'),
    peers: ['there'],
  });
  await town.start(t, { address: 'there', name: 'bob', key: person('bob'), peers: [] });
  await town.time.advance(3_000);
  t.true(kinds(alice).includes('key_pinned'));
  t.is(alice.node.peers()[0]?.trustLevel, 'pending');
});

test('a name that is taken is refused ever more rarely, not every second', async (t) => {
  const town = new Town();
  const alice = await town.start(t, {
    address: 'here',
    name: 'local-node',
    key: person('alice'),
    peers: ['there'],
  });
  await town.start(t, { address: 'there', name: 'local-node', key: person('bob'), peers: ['here'] });
  await town.time.advance(120_000);
  const closed = alice.events.filter(
    (event) => event.kind === 'link_refused' || event.kind === 'peer_disconnected',
  );
  t.true(closed.length >= 4 && closed.length <= 30, `${closed.length} closes in two minutes`);
  t.regex(alice.node.peers()[0]?.lastError ?? '', /name_taken.*FEDERATION_NODE_NAME/);
});

test('a key goes by one name until its operator is trusted again', async (t) => {
  const town = new Town();
  const alice = await town.start(t, {
    address: 'here',
    name: 'alice',
    key: person('alice'),
    peers: ['there'],
  });
  const bob = await town.start(t, { address: 'there', name: 'bob', key: person('bob'), peers: ['here'] });
  await town.time.advance(10_000);
  t.is(alice.node.peers()[0]?.status, 'connected');
  await town.stop(bob.node);
  await town.start(t, { address: 'there', name: 'robert', key: person('bob'), peers: ['here'] });
  await town.time.advance(40_000);
  t.not(alice.node.peers()[0]?.status, 'connected');
  t.regex(alice.node.peers()[0]?.lastError ?? '', /known here as bob/);
  const trusted = alice.node.trust({ address: 'there', key: person('bob').publicKey });
  await town.time.advance(40_000);
  await trusted;
  t.is(String(alice.node.peers()[0]?.id), 'logline-id://node/robert');
  t.is(alice.node.peers()[0]?.status, 'connected');
});

test('another key at an address is another node: nothing of the old one is said of it', async (t) => {
  const town = new Town();
  const alice = await town.start(t, {
    address: 'here',
    name: 'alice',
    key: person('alice'),
    peers: ['there'],
  });
  await town.start(t, { address: 'there', name: 'bob', key: person('bob'), peers: ['here'] });
  await town.time.advance(10_000);
  t.is(alice.node.peers()[0]?.trustLevel, 'verified');
  const trusted = alice.node.trust({ address: 'there', key: person('carol').publicKey });
  await town.time.advance(100);
  const carol = await trusted;
  t.is(carol.trustLevel, 'pending');
  t.is(carol.id, undefined);
});
