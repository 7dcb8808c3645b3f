/** On-demand sync over links that are lost, late, or say nothing: no report claims what nobody knows. */

import test, { type ExecutionContext } from 'ava';
import { writeHello } from '../dist/handshake.js';
import { decodeMessage, encodeMessage, type Message } from '../dist/message.js';
import { FederationNode } from '../dist/node.js';
import type { Clock, Link } from '../dist/ports.js';
import type { PeerSync } from '../dist/shell/sync.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { alice, bob, tools } from './forge.js';
import { greeter, NETWORK } from './session-ends.js';

const TOOLS = { ...tools, crypto: { ...tools.crypto, stretch: () => NETWORK } };

/** What the bob of a test does with a link once both have greeted. */
type Manner = (say: (message: Message) => void, link: Link, clock: Clock) => void;

const LOSES: Manner = (_say, link, clock) => void clock.after(500, () => link.close(4000, 'lost'));
const SAYS_NOTHING: Manner = () => undefined;
const SHARES: Manner = (say) => say({ kind: 'holdings', scopes: '*', ranges: [], round: 0 });
const SHARES_NOTHING: Manner = (say) => say({ kind: 'holdings', scopes: [], ranges: [], round: 0 });

/** Alice's node syncs with bob, who behaves on one link after the other as told, and then as on the last. */
async function syncWith(t: ExecutionContext, manners: readonly Manner[]): Promise<PeerSync | undefined> {
  const time = new VirtualTime();
  const clock = time.clock({ skewMs: () => 0, isAlive: () => true });
  const random = new SeededRandom(7);
  const network = new MemoryNetwork({ clock, random, delayMs: () => 5 });
  let links = 0;
  network.transport({ address: 'bob', keyPair: bob }).accept((link) => {
    const manner = manners[Math.min(links++, manners.length - 1)];
    const say = (message: Message): void => link.send(encodeMessage(message, tools.compression));
    link.receive({
      frame: (bytes) => {
        const message = decodeMessage(bytes, tools.compression);
        if (message?.kind === 'hello') {
          say(writeHello(greeter(bob, 'bob'), link, { verify: true, atMs: clock.now(), tools }));
          manner?.(say, link, clock);
        } else if (message?.kind === 'holdings') {
          // Holding the same is said by the same digest.
          const ranges = message.ranges.map((range) => ({ ...range, feeds: undefined, reply: false }));
          say({ kind: 'holdings', scopes: undefined, ranges, round: message.round });
        } else if (message?.kind === 'ping') say({ kind: 'pong', nonce: message.nonce });
      },
      drained: () => undefined,
      closed: () => undefined,
    });
  });
  const storage = await LogStore.open({
    disk: new MemoryDisk(),
    index: new MemoryIndex(),
    tools: TOOLS,
    random,
  });
  const node = await FederationNode.open({
    name: 'alice',
    keyPair: alice,
    storage,
    transport: network.transport({ address: 'alice', keyPair: alice }),
    clock,
    random,
    tools: TOOLS,
    networkKey: 'ours',
    trustedPeers: [{ address: 'bob' }],
    tenants: '*',
  });
  t.teardown(async () => {
    const closed = node.close();
    await time.advance(5_000);
    await closed;
  });
  const report = node.sync({ timeoutMs: 8_000 });
  await time.advance(9_000);
  return (await report).peers[0];
}

test('a link that is lost before the peer has named its scopes is waited for anew', async (t) => {
  t.is((await syncWith(t, [LOSES, SHARES]))?.outcome, 'in_sync');
});

test('a peer whose links are lost again and again is unreachable, and not one that shares nothing', async (t) => {
  t.is((await syncWith(t, [LOSES]))?.outcome, 'unreachable');
});

test('a peer that does not say what it shares leaves a sync incomplete', async (t) => {
  const synced = await syncWith(t, [SAYS_NOTHING]);
  t.is(synced?.outcome, 'incomplete');
  t.regex(synced?.detail ?? '', /not said yet/);
});

test('a peer that says that it shares nothing is told apart from one that is away', async (t) => {
  t.is((await syncWith(t, [SHARES_NOTHING]))?.outcome, 'nothing_shared');
});
