/** R7, T9: two nodes that were given two histories of one feed find out when they meet, and go on with everything else. */

import test, { type ExecutionContext } from 'ava';
import { toHex } from '../dist/bytes.js';
import type { NodeEvent } from '../dist/events.js';
import { FederationNode } from '../dist/node.js';
import type { KeyPair } from '../dist/ports.js';
import type { SyncReport } from '../dist/shell/sync.js';
import type { Storage } from '../dist/storage.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { acceptedEntry, alice, bob, carol, person, span, tools, Writer, type Forged } from './forge.js';

const TOOLS = {
  ...tools,
  crypto: { ...tools.crypto, stretch: (secret: string) => tools.crypto.sha256(tools.text.encode(secret)) },
};

const dave = person('dave');

interface Started {
  readonly node: FederationNode;
  readonly storage: Storage;
  readonly events: readonly NodeEvent[];
}

/** Alice's and bob's nodes, which meet with what carol gave to each of them. */
class Meeting {
  readonly #time = new VirtualTime();
  readonly #clock = this.#time.clock({ skewMs: () => 0, isAlive: () => true });
  readonly #random = new SeededRandom(7);
  readonly #network = new MemoryNetwork({ clock: this.#clock, random: this.#random, delayMs: () => 5 });

  async start(
    t: ExecutionContext,
    at: {
      readonly name: string;
      readonly key: KeyPair;
      readonly peers: readonly string[];
      readonly holds: readonly Forged[];
    },
  ): Promise<Started> {
    const disk = new MemoryDisk();
    const storage = await LogStore.open({
      disk,
      index: new MemoryIndex(),
      tools: TOOLS,
      random: this.#random,
    });
    await storage.commit(at.holds.map((forged) => ({ kind: 'entry', entry: acceptedEntry(forged) })));
    const events: NodeEvent[] = [];
    const node = await FederationNode.open({
      name: at.name,
      keyPair: at.key,
      storage,
      transport: this.#network.transport({ address: at.name, keyPair: at.key }),
      clock: this.#clock,
      random: this.#random,
      tools: TOOLS,
      networkKey: 'ours',
      trustedPeers: at.peers.map((address) => ({ address })),
      tenants: '*',
      onEvent: (event) => events.push(event),
    });
    t.teardown(async () => {
      const closed = node.close();
      await this.#time.advance(5_000);
      await closed;
    });
    return { node, storage, events };
  }

  async pass(ms: number): Promise<void> {
    await this.#time.advance(ms);
  }

  async sync(node: FederationNode): Promise<SyncReport> {
    const report = node.sync({ timeoutMs: 10_000 });
    await this.#time.advance(11_000);
    return report;
  }
}

async function meet(
  t: ExecutionContext,
  histories: readonly [readonly Forged[], readonly Forged[]],
  bobsPeers: readonly string[] = ['alice'],
): Promise<{ readonly meeting: Meeting; readonly alices: Started; readonly bobs: Started }> {
  const meeting = new Meeting();
  const alices = await meeting.start(t, { name: 'alice', key: alice, peers: ['bob'], holds: histories[0] });
  const bobs = await meeting.start(t, {
    name: 'bob',
    key: bob,
    peers: bobsPeers,
    holds: histories[1],
  });
  await meeting.pass(10_000);
  return { meeting, alices, bobs };
}

/** Carol's two histories, the same up to and with entry `same`. */
function histories(
  same: number,
  left: number,
  right: number,
): readonly [readonly Forged[], readonly Forged[]] {
  const one = new Writer(carol);
  while (one.written.length < left) one.write();
  const other = new Writer(carol, { history: one.written.slice(0, same) });
  while (other.written.length < right) other.write({ spans: [span(1000 + other.written.length)] });
  return [one.written, other.written];
}

const forkedAt = ({ storage }: Started): readonly (number | undefined)[] =>
  [...storage.feeds()]
    .filter((feed) => feed.key.startsWith('timeline/') && feed.ranges.length > 0)
    .map((feed) => feed.forkedAt);
const forksTold = ({ events }: Started): readonly number[] =>
  events.flatMap((event) => (event.kind === 'feed_forked' ? [event.seq] : []));
const numbers = (to: number): readonly number[] => Array.from({ length: to }, (_, i) => i + 1);

/** The numbers of the spans that a reader finds. */
async function reading({ node }: Started): Promise<readonly number[]> {
  const { spans } = await node.timeline('acme').query({});
  return spans.map((bytes) => {
    const { id } = JSON.parse(tools.text.decode(bytes) ?? '') as { readonly id: string };
    return Number.parseInt(id.slice(-12), 16);
  });
}

const outcomes = (report: SyncReport): readonly string[] => report.peers.map((peer) => peer.outcome);

for (const [title, same, left, right] of [
  ['of equal length', 1, 3, 3],
  ['of equal length that part far back', 5, 40, 40],
  ['that differ in every entry', 0, 4, 4],
  ['of which the first node holds the longer one', 5, 30, 20],
  ['of which the second node holds the longer one', 5, 20, 30],
] as const) {
  test(`two histories ${title} are found by both nodes, with the entry where they part`, async (t) => {
    const { meeting, alices, bobs } = await meet(t, histories(same, left, right));
    for (const started of [alices, bobs]) {
      t.deepEqual(forkedAt(started), [same + 1], started.node.id);
      t.is(Math.min(...forksTold(started)), same + 1);
      t.deepEqual(
        await reading(started),
        numbers(same),
        'what lies before the fork is read, and nothing else',
      );
    }
    t.deepEqual(outcomes(await meeting.sync(alices.node)), ['in_sync'], 'nothing is waited for in vain');
    t.deepEqual(outcomes(await meeting.sync(bobs.node)), ['in_sync']);
    t.true(alices.node.peers()[0]?.inSync);
    t.true(bobs.node.peers()[0]?.inSync);
  });
}

test('a node that holds one history only is in sync with a node that holds the same', async (t) => {
  const [history] = histories(3, 3, 3);
  const { meeting, alices, bobs } = await meet(t, [history, history]);
  t.deepEqual([forkedAt(alices), forkedAt(bobs)], [[undefined], [undefined]]);
  t.deepEqual(outcomes(await meeting.sync(alices.node)), ['in_sync']);
});

for (const [who, holds] of [
  ['that holds one branch', 9],
  ['that holds what lies before the fork', 5],
  ['that holds a part of that', 2],
  ['that holds nothing', 0],
] as const) {
  test(`a node ${who} learns of the fork from one that knows both, and reads the same`, async (t) => {
    const [left, right] = histories(5, 12, 12);
    const { meeting, bobs } = await meet(t, [left, right], ['alice', 'dave']);
    t.deepEqual(forkedAt(bobs), [6]);
    const holding = { key: dave, holds: left.slice(0, holds) };
    const daves = await meeting.start(t, { name: 'dave', peers: ['bob'], ...holding });
    await meeting.pass(10_000);
    t.deepEqual(forkedAt(daves), [6]);
    t.deepEqual(await reading(daves), numbers(5));
    t.deepEqual(outcomes(await meeting.sync(daves.node)), ['in_sync']);
    const [proof, told] = await Promise.all([bobs, daves].map(async ({ storage }) => proofOf(storage)));
    t.is(proof?.length, 2);
    t.deepEqual(proof, told, 'it holds the same proof');
  });
}

async function proofOf(storage: Storage): Promise<readonly string[]> {
  const proofs = await Promise.all(storage.feeds().map(({ key }) => storage.forkProof(key)));
  return proofs
    .flat()
    .map((entry) => toHex(entry))
    .sort();
}
