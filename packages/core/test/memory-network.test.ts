/** The faults of the in-memory network: what is lost is lost, and who is not told does not know. */

import test from 'ava';
import { createCrypto } from '../dist/node/sodium.js';
import { createClock, createRandom } from '../dist/node/system.js';
import type { Clock, Link } from '../dist/ports.js';
import { eventually } from '../dist/testing/eventually.js';
import { RecordingReceiver } from '../dist/testing/link-contract.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../dist/testing/memory-link.js';

const crypto = createCrypto();
const keyPair = (seed: number) => crypto.keyPair(new Uint8Array(32).fill(seed));
const DIAL = { timeoutMs: 100 };

async function connected(options: Partial<MemoryNetworkOptions> = {}) {
  const network = new MemoryNetwork({ clock: createClock(), random: createRandom(), ...options });
  const alice = network.transport({ address: 'alice', keyPair: keyPair(1) });
  const bob = network.transport({ address: 'bob', keyPair: keyPair(2) });
  const taken = new Promise<Link>((resolve) => bob.accept(resolve));
  const link = await alice.dial('bob', DIAL);
  const receivers = { alice: new RecordingReceiver(), bob: new RecordingReceiver() };
  const bobsLink = await taken;
  link.receive(receivers.alice);
  bobsLink.receive(receivers.bob);
  return { network, alice, bob, link, bobsLink, receivers };
}

test('a partition loses what is under way and tells neither end', async (t) => {
  const { network, alice, link, bobsLink, receivers } = await connected();
  link.send(Uint8Array.of(1));
  network.partition([['alice'], ['bob']]);
  link.send(Uint8Array.of(2));
  bobsLink.send(Uint8Array.of(3));
  await t.throwsAsync(alice.dial('bob', DIAL), { code: 'unreachable' });
  t.is(receivers.alice.frames.length + receivers.bob.frames.length, 0);
  t.is(receivers.alice.endings.length + receivers.bob.endings.length, 0);
  t.deepEqual(network.faults, { framesLost: 3, linksBroken: 1, linksCut: 0, dialsLost: 1, dialsRefused: 0 });
});

test('after the partition a broken link is reset by the first frame on it, and a new dial succeeds', async (t) => {
  const { network, alice, bob, link, receivers } = await connected();
  network.partition([['alice'], ['bob']]);
  network.heal();
  link.send(Uint8Array.of(1));
  await eventually('the sender is reset', () => receivers.alice.endings.length === 1);
  t.is(receivers.alice.endings[0]?.code, 1006);
  t.is(receivers.bob.endings.length, 0);
  bob.accept(() => {});
  await t.notThrowsAsync(alice.dial('bob', DIAL));
});

test('a closed half-open link ends for the one who closed it and not for the other', async (t) => {
  const { network, link, receivers } = await connected();
  network.partition([['alice']]);
  link.close(4000, 'silence');
  await eventually('the closer is done', () => receivers.alice.endings.length === 1);
  t.is(receivers.alice.endings[0]?.code, 4000);
  t.is(receivers.bob.endings.length, 0);
});

test('cut links end abruptly for both ends', async (t) => {
  const { network, link, receivers } = await connected();
  link.send(Uint8Array.of(1));
  network.cutLinks('bob');
  await eventually(
    'both ends are told',
    () => receivers.alice.endings.length + receivers.bob.endings.length === 2,
  );
  t.is(receivers.alice.endings[0]?.code, 1006);
  t.is(receivers.bob.endings[0]?.code, 1006);
  t.is(receivers.bob.frames.length, 0);
  t.is(network.faults.linksCut, 1);
});

test('messages keep their order when a later one is faster, and none arrives before its time', async (t) => {
  const { clock, step } = steppedClock();
  const { network, link, receivers } = await step(connected({ clock }));
  const delays = [20, 0, 30];
  network.delay(() => delays.shift() ?? 0);
  const arrivals: unknown[] = [];
  const sinceMs = clock.monotonic();
  receivers.bob.onFrame = (frame) => arrivals.push([frame[0], clock.monotonic() - sinceMs]);
  for (let index = 0; index < 3; index++) link.send(Uint8Array.of(index));
  await step(eventually('all arrive', () => arrivals.length === 3));
  t.deepEqual(arrivals, [
    [0, 20],
    [1, 20],
    [2, 30],
  ]);
});

test('with a stepped clock and seeded chance the same run happens again', async (t) => {
  const runOnce = async (): Promise<unknown> => {
    const { clock, step } = steppedClock();
    let seed = 7;
    const random = {
      bytes: (length: number) =>
        Uint8Array.from({ length }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >>> 16),
    };
    const opening = connected({ clock, random, delayMs: ({ bytes }) => 1 + (bytes % 7) });
    const { link, bobsLink, receivers } = await step(opening);
    const trace: unknown[] = [bobsLink.handshakeHash];
    receivers.bob.onFrame = (frame) => trace.push([clock.monotonic(), frame.length]);
    for (let index = 0; index < 20; index++) link.send(new Uint8Array(index * 1000));
    link.close(4000, 'done');
    await step(eventually('closed', () => receivers.bob.endings.length === 1));
    return [...trace, receivers.bob.endings];
  };
  t.deepEqual(await runOnce(), await runOnce());
});

/** A clock that jumps to the next timer whenever nothing else is left to do. */
function steppedClock(): { clock: Clock; step: <T>(until: Promise<T>) => Promise<T> } {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly run: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return { cancel: () => (timers = timers.filter((other) => other !== timer)) };
    },
  };
  const step = async <T>(until: Promise<T>): Promise<T> => {
    const settled = { isDone: false };
    const watched = until.finally(() => (settled.isDone = true));
    while (!settled.isDone) {
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next !== undefined) {
        timers = timers.filter((timer) => timer !== next);
        nowMs = next.atMs;
        next.run();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return watched;
  };
  return { clock, step };
}
