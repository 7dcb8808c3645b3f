/** A timeline as its readers see it: which body stands under an id, and what a follower is told. */

import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../dist/limits.js';
import { FederationNode } from '../dist/node.js';
import { readArrivalCursor, writeArrivalCursor } from '../dist/query.js';
import type { FollowEvent } from '../dist/shell/timeline.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import {
  acceptedEntry,
  alice,
  bob,
  carol,
  NOON_MS,
  span,
  spanText,
  tools,
  uuid,
  Writer,
  type Draft,
} from './forge.js';

const YEAR_9999_MS = 253_402_300_799_999;

/** Carol's node, on a clock that stands where it is set. */
class CarolsNode {
  nowMs = NOON_MS;
  readonly disk = new MemoryDisk();
  readonly #index = new MemoryIndex();
  readonly #random = new SeededRandom(1);
  #open: { readonly node: FederationNode; readonly storage: LogStore } | undefined;

  static async start(t: ExecutionContext): Promise<CarolsNode> {
    const carols = new CarolsNode();
    await carols.restart();
    t.teardown(() => carols.node.close());
    return carols;
  }

  async restart(): Promise<void> {
    await this.#open?.node.close();
    const random = this.#random;
    const { index } = this.#index.reopen();
    const storage = await LogStore.open({ disk: this.disk, index, tools, random });
    const clock = { now: () => this.nowMs, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
    const transport = new MemoryNetwork({ clock, random }).transport({ address: 'carol', keyPair: carol });
    const options = { name: 'carol', keyPair: carol, storage, transport, clock, random, tools };
    this.#open = { node: await FederationNode.open(options), storage };
  }

  get node(): FederationNode {
    return this.#running.node;
  }

  /** Has the store take entries as they came through the gate. */
  async take(...entries: readonly ReturnType<Writer['write']>[]): Promise<void> {
    await this.#running.storage.commit(entries.map((one) => ({ kind: 'entry', entry: acceptedEntry(one) })));
  }

  append(...numbers: readonly number[]): Promise<unknown> {
    return this.node.timeline('acme').append(numbers.map((n) => tools.text.encode(spanText(n))));
  }

  async title(n: number): Promise<string | undefined> {
    const bytes = await this.node.timeline('acme').get(uuid(n));
    return bytes === undefined ? undefined : titleOf(bytes);
  }

  async reading(): Promise<readonly string[]> {
    return (await this.node.timeline('acme').query({})).spans.map(titleOf);
  }

  get #running(): { readonly node: FederationNode; readonly storage: LogStore } {
    if (this.#open === undefined) throw new Error('not started');
    return this.#open;
  }
}

function titleOf(bytes: Uint8Array): string {
  return (JSON.parse(tools.text.decode(bytes) ?? '') as { readonly title: string }).title;
}

/** One body under the id of span 1, at an instant of its own, signed at a time. */
function body(title: string, at: { readonly signedMs: number; readonly timestamp?: string }): Draft {
  const { signedMs, timestamp = '2025-10-03T22:00:00Z' } = at;
  return { spans: [span(1, { title, timestamp })], stamp: { ms: signedMs, count: 0 } };
}

/** Lets everything happen that waits for nothing from outside. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Follows until so many events have come, or the stream has ended. */
async function firstOf(events: AsyncGenerator<FollowEvent>, count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(event.kind === 'span' ? titleOf(event.span) : event.kind);
    if (seen.length === count) break;
  }
  return seen;
}

test('of several bodies the latest signed one is shown, and one signed in the future waits for its time', async (t) => {
  const carols = await CarolsNode.start(t);
  const early = new Writer(alice).write(body('early', { signedMs: NOON_MS - 2000 }));
  const late = new Writer(alice, { epoch: new Uint8Array(8).fill(2) }).write(
    body('late', { signedMs: NOON_MS - 1000, timestamp: '2025-10-04T22:00:00Z' }),
  );
  const ahead = new Writer(bob).write(
    body('ahead', { signedMs: NOON_MS + LIMITS.clockSkewMs + 1, timestamp: '1990-01-01T00:00:00Z' }),
  );
  await carols.take(ahead, late, early);
  t.is(await carols.title(1), 'late');
  t.deepEqual(await carols.reading(), ['late']);
  carols.nowMs += 1;
  t.is(await carols.title(1), 'ahead');
  t.deepEqual(await carols.reading(), ['ahead']);
});

test('a body stamped with the end of time takes no span away from its readers', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.append(1, 2);
  await carols.take(
    new Writer(bob).write(body('captured', { signedMs: YEAR_9999_MS, timestamp: '1990-01-01T00:00:00Z' })),
  );
  t.is(await carols.title(1), 'span 1');
  t.deepEqual(await carols.reading(), ['span 1', 'span 2']);
});

test('a span of which every body is signed in the future is shown as the one whose time comes first', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.take(
    new Writer(alice).write(body('sooner', { signedMs: YEAR_9999_MS - 1 })),
    new Writer(bob).write(body('later', { signedMs: YEAR_9999_MS })),
  );
  t.is(await carols.title(1), 'sooner');
  t.deepEqual(await carols.reading(), ['sooner']);
});

test('a follower from the end of a restarted node sees what comes, and nothing twice', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.append(1, 2);
  await carols.restart();
  const cursor = carols.node.timeline('acme').end();
  await carols.append(3);
  t.deepEqual(await firstOf(carols.node.timeline('acme').follow({ after: cursor }), 1), ['span 3']);
});

test('a cursor that points into a record is told by a reset, and everything follows', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.append(1, 2);
  const timeline = carols.node.timeline('acme');
  const first = await timeline.follow({ after: 'start' }).next();
  const known = readArrivalCursor(first.value?.cursor ?? '');
  if (known === undefined) return t.fail('a follower is given cursors');
  const after = writeArrivalCursor({ ...known, position: known.position + 3 });
  t.deepEqual(await firstOf(timeline.follow({ after }), 3), ['reset', 'span 1', 'span 2']);
});

test('a follower in the middle of a page ends quietly when the node closes', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.append(1, 2, 3);
  const events = carols.node.timeline('acme').follow({ after: 'start' });
  t.false((await events.next()).done);
  await carols.node.close();
  t.deepEqual(await events.next(), { done: true, value: undefined });
});

test('a follower whose read is under way ends quietly when the node closes', async (t) => {
  const carols = await CarolsNode.start(t);
  await carols.append(1);
  await carols.append(2);
  // What was read or written before is not at hand any more.
  await carols.restart();
  const events = carols.node.timeline('acme').follow({ after: 'start' });
  t.false((await events.next()).done);
  carols.disk.stall();
  const next = events.next();
  await turns();
  const closed = carols.node.close();
  // The index closes while the follower waits for the disk.
  await turns();
  carols.disk.resume();
  t.true((await next).done);
  await closed;
});
