/** What every `Storage` must do, as cases for any test runner. */

import { toHex } from '../bytes.js';
import type { AcceptedEntry, Shift, Storage, StoreRecord } from '../storage.js';
import { bytes, casesOf, same, sameBytes } from './disk-contract.js';
import type { ContractCase } from './disk-contract.js';
import {
  asRecord,
  barRecord,
  DAY_MS,
  fail,
  Feed,
  forkRecord,
  idOf,
  numberOf,
  rowKey,
  tenant,
} from './storage-feeds.js';

/** An empty storage, and how to come back to it after it was closed. */
export interface StorageUnderTest {
  readonly storage: Storage;
  readonly reopen: () => Promise<Storage>;
  dispose(): Promise<void>;
}

type Body = (under: StorageUnderTest) => Promise<void>;

const PROMISES: Readonly<Record<string, Body>> = {
  async 'an empty store holds nothing, and a commit of nothing is none'({ storage }) {
    same(await storage.commit([]), [], 'the positions');
    same([storage.feeds(), [...storage.facts()], [...storage.counts()]], [[], [], []], 'what it holds');
    same(await storage.rows(tenant('acme'), { from: '', to: '', limit: 9 }), [], 'the rows');
    same((await storage.arrivals(0, 1000)).entries, [], 'the arrivals');
    same(storage.variants(tenant('acme'), idOf(1)), [], 'the variants');
  },

  async 'what was committed is readable at once, and after a restart'({ storage, reopen }) {
    const feed = new Feed('acme', 1);
    const entries = [feed.next([1, 2]), feed.next([3])];
    const [position = -1, second = -1] = await storage.commit(entries.map(asRecord));
    const look = async (store: Storage): Promise<void> => {
      same(store.feeds().length, 1, 'the number of feeds');
      same(
        store.feeds()[0]?.ranges.map(({ from, to }) => [from, to]),
        [[1, 2]],
        'the ranges',
      );
      sameBytes(store.feeds()[0]?.ranges[0]?.head.hash, entries[1]?.hash ?? bytes(''));
      same([...store.counts()], [['acme', 3]], 'the counts');
      same(await idsIn(store, 'acme'), [1, 2, 3], 'the rows');
      const stored = await store.entries(feed.key, { from: 1, to: 9, bytesMost: 1_000_000 });
      same(
        stored.map((one) => one.position),
        [position, second],
        'the positions',
      );
      for (const [i, one] of stored.entries()) sameBytes(one.bytes, entries[i]?.bytes ?? bytes(''));
      const span = await store.span({ position, index: 1 });
      sameBytes(span.bytes, entries[0]?.spans[1]?.bytes ?? bytes(''));
      same(
        store.variants(tenant('acme'), idOf(3)).map((one) => one.arrival),
        [{ position: second, index: 0 }],
        'a variant',
      );
    };
    await look(storage);
    await storage.close();
    const again = await reopen();
    await look(again);
    await again.close();
  },

  async 'entries come in order, up to about so many bytes and to the first that is absent'({ storage }) {
    const feed = new Feed('acme', 1);
    const entries = [1, 2, 3, 4, 5].map((n) => feed.next([n], { doc: n }));
    const at = (seq: number): AcceptedEntry => entries[seq - 1] ?? fail();
    await storage.commit([at(1), at(2), at(4), at(5)].map(asRecord));
    const seqs = async (from: number, to: number, bytesMost: number): Promise<readonly number[]> =>
      (await storage.entries(feed.key, { from, to, bytesMost })).map(
        ({ bytes: found }) => 1 + entries.findIndex((entry) => toHex(entry.bytes) === toHex(found)),
      );
    same(await seqs(1, 5, 1_000_000), [1, 2], 'up to the absent one');
    same(await seqs(3, 5, 1_000_000), [], 'from the absent one');
    same(await seqs(4, 4, 1_000_000), [4], 'one');
    same(await seqs(4, 9, 1_000_000), [4, 5], 'to the end');
    same(await seqs(1, 5, 1), [1], 'at least one');
    same(await seqs(1, 5, 0), [], 'none for no bytes');
    same(await seqs(6, Number.MAX_SAFE_INTEGER, 1_000_000), [], 'beyond');
    await storage.commit([asRecord(at(3))]);
    same(await seqs(1, 5, 1_000_000), [1, 2, 3, 4, 5], 'after the gap was closed');
    same(storage.feeds()[0]?.ranges.length, 1, 'the number of ranges');
  },

  async 'rows ascend by instant and then id, whatever came first, within their bounds'({ storage }) {
    const feed = new Feed('acme', 1);
    await storage.commit([feed.next([7, 3]), feed.next([5, 9]), feed.next([1])].map(asRecord));
    same(await idsIn(storage, 'acme'), [1, 3, 5, 7, 9], 'the rows');
    const page = await storage.rows(tenant('acme'), { from: '', to: '', limit: 2 });
    same(page.length, 2, 'the length of a page');
    const [third] = await storage.rows(tenant('acme'), { from: `${rowKey(page[1])}\0`, to: '', limit: 1 });
    same(numberOf(third?.id), 5, 'the row after the page');
    const until = await storage.rows(tenant('acme'), { from: '', to: rowKey(third), limit: 9 });
    same(
      until.map(({ id }) => numberOf(id)),
      [1, 3],
      'the rows below a bound',
    );
  },

  async 'arrivals come in the order of the commits, each entry once, from any record on'({
    storage,
    reopen,
  }) {
    const [one, other] = [new Feed('acme', 1), new Feed('globex', 2)];
    const entries = [one.next([1]), other.next([2]), one.next([3]), other.next([4]), one.next([5])];
    const positions: number[] = [];
    for (const entry of entries) positions.push(...(await storage.commit([asRecord(entry)])));
    same(
      [...positions].sort((a, b) => a - b),
      positions,
      'ascending positions',
    );
    const look = async (store: Storage): Promise<void> => {
      for (const bytesMost of [1, 700, 1_000_000]) {
        same(
          await arrivalsFrom(store, 0, bytesMost),
          positions,
          `the arrivals, ${bytesMost} bytes at a time`,
        );
      }
      const late = await arrivalsFrom(store, positions[3] ?? 0, 1_000_000);
      same(late, positions.slice(3), 'the arrivals from the fourth on');
    };
    await look(storage);
    await storage.close();
    const again = await reopen();
    await look(again);
    await again.close();
  },

  async 'of several bodies under one id the latest stamp comes first, and the span counts once'({
    storage,
    reopen,
  }) {
    const feeds = [1, 2, 3].map((n) => new Feed('acme', n));
    const stamps = [20, 30, 10];
    for (const [i, feed] of feeds.entries())
      await storage.commit([asRecord(feed.next([7], { ms: stamps[i] ?? 0, title: `from ${i}` }))]);
    const look = (store: Storage): void => {
      const order = store
        .variants(tenant('acme'), idOf(7))
        .map((variant) => variant.header.stamp.ms % DAY_MS);
      same(order, [30, 20, 10], 'the stamps');
      same(store.counts().get(tenant('acme')), 1, 'the count');
    };
    look(storage);
    await storage.close();
    const again = await reopen();
    look(again);
    await again.close();
  },

  async 'tenants are apart'({ storage }) {
    const [one, other] = [new Feed('acme', 1), new Feed('acme2', 2)];
    await storage.commit([asRecord(one.next([1])), asRecord(other.next([1, 2]))]);
    same(await idsIn(storage, 'acme'), [1], 'the rows of the one');
    same(await idsIn(storage, 'acme2'), [1, 2], 'the rows of the other');
    same(storage.variants(tenant('acme'), idOf(2)), [], 'variants of a span of the other');
    same(await idsIn(storage, 'nobody'), [], 'the rows of nobody');
  },

  async 'the latest value of a fact counts, before and after a restart'({ storage, reopen }) {
    const fact = (name: string, value: string): StoreRecord => ({ kind: 'fact', name, value: bytes(value) });
    await storage.commit([fact('a', '1'), fact('b', '1'), fact('a', '2')]);
    await storage.commit([fact('b', ''), fact('ключ', '3')]);
    const facts = (store: Storage): unknown =>
      [...store.facts()]
        .map(([name, value]) => [name, toHex(value)])
        .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    const expected = [
      ['a', '32'],
      ['b', ''],
      ['ключ', '33'],
    ];
    same(facts(storage), expected, 'the facts');
    await storage.close();
    const again = await reopen();
    same(facts(again), expected, 'the facts after a restart');
    await again.close();
  },

  async 'a fork is remembered at its lowest place'({ storage, reopen }) {
    const feed = new Feed('acme', 1);
    const entry = feed.next([1]);
    const fork = (seq: number): StoreRecord => forkRecord(feed.key, seq, [entry.bytes]);
    await storage.commit([asRecord(entry), fork(9), fork(4)]);
    await storage.commit([fork(6)]);
    same(storage.feeds()[0]?.forkedAt, 4, 'where the feed forked');
    same(await storage.forkProof(new Feed('acme', 2).key), [], 'the proof of no fork');
    await storage.close();
    const again = await reopen();
    same(again.feeds()[0]?.forkedAt, 4, 'where the feed forked, after a restart');
    same(again.feeds()[0]?.ranges.length, 1, 'the ranges');
    same((await again.forkProof(feed.key)).map(toHex), [toHex(entry.bytes)], 'the proof');
    await again.close();
  },

  async 'a bar leaves out what lies at or above it, until it is moved, and its record is where that changed'({
    storage,
    reopen,
  }) {
    const [feed, other] = [new Feed('acme', 1), new Feed('acme', 2)];
    const entries = [
      feed.next([1]),
      feed.next([2, 3]),
      other.next([3], { title: 'another' }),
      feed.next([4]),
    ];
    await storage.commit(entries.map(asRecord));
    const clip = entries[0]?.hash;
    const [barred = 0] = await storage.commit([barRecord(feed.key, 2, { clip, entries: 2, spans: 3 })]);
    const look = async (store: Storage): Promise<void> => {
      const [held] = store.feeds();
      same(held?.bar?.from, 2, 'the bar');
      same(
        held?.ranges.map(({ to }) => to),
        [3],
        'what is held',
      );
      sameBytes(held?.clip, clip ?? bytes(''));
      const found = [1, 2, 3, 4].map((n) => store.variants(tenant('acme'), idOf(n)).length);
      same(found, [1, 0, 1, 0], 'the variants');
      same(await store.tally(feed.key, 2), { entries: 2, spans: 3 }, 'the tally');
      same(
        (await store.quarantined()).map(({ from, to, entries: n, spans }) => [from, to, n, spans]),
        [[2, 3, 2, 3]],
        'what is listed',
      );
      const raw = await store.entries(feed.key, { from: 1, to: 9, bytesMost: 1_000_000 });
      same(raw.length, 3, 'the entries that are kept');
      same(
        await shiftsIn(store),
        [{ position: barred, key: feed.key, was: Number.POSITIVE_INFINITY, now: 2 }],
        'the shifts',
      );
    };
    await look(storage);
    await storage.close();
    const again = await reopen();
    await look(again);
    await again.commit([barRecord(feed.key, undefined, { clip: undefined, entries: 0, spans: 0 })]);
    same([await again.quarantined(), again.feeds()[0]?.bar], [[], undefined], 'what is quarantined');
    same([...again.counts()], [['acme', 4]], 'the counts');
    same(again.variants(tenant('acme'), idOf(3)).length, 2, 'the variants once it is lifted');
    same((await shiftsIn(again)).length, 2, 'the number of shifts');
    await again.close();
  },

  async 'every start is a run of its own, and knows the cursors of the runs before it'({ storage, reopen }) {
    const [position = 0] = await storage.commit([asRecord(new Feed('acme', 1).next([1, 2]))]);
    const [start, end] = [storage.cursorAt({ position, index: 1 }), storage.end()];
    sameBytes(start.run, storage.run);
    const runs = [toHex(storage.run)];
    await storage.close();
    const again = await reopen();
    runs.push(toHex(again.run));
    same(new Set(runs).size, 2, 'the number of runs');
    await again.commit([asRecord(new Feed('acme', 2).next([3]))]);
    same(
      await Promise.all([start, end, again.end()].map((cursor) => again.knowsCursor(cursor))),
      [true, true, true],
      'known cursors',
    );
    const foreign = { ...start, run: new Uint8Array(8).fill(1) };
    const inside = { ...start, position: position + 1 };
    const beyond = { ...again.end(), position: again.end().position + 1 };
    same(
      await Promise.all([foreign, beyond, inside].map((cursor) => again.knowsCursor(cursor))),
      [false, false, false],
      'unknown cursors',
    );
    await again.close();
  },

  async 'many spans are all there, before and after a restart'({ storage, reopen }) {
    const feed = new Feed('acme', 1);
    const numbers = Array.from({ length: 6000 }, (_, i) => (i * 7919) % 6000);
    for (let at = 0; at < numbers.length; at += 300)
      await storage.commit([asRecord(feed.next(numbers.slice(at, at + 300), { doc: feed.seq + 1 }))]);
    const all = Array.from({ length: 6000 }, (_, i) => i);
    same(await idsIn(storage, 'acme'), all, 'the rows');
    await storage.close();
    const again = await reopen();
    same(await idsIn(again, 'acme'), all, 'the rows after a restart');
    same(again.counts().get(tenant('acme')), 6000, 'the count');
    same(again.figures().entries, 20, 'the entries');
    await again.close();
  },
};

/** The cases, each run on a storage of its own that `make` provides. */
export function storageContract(make: () => Promise<StorageUnderTest>): readonly ContractCase[] {
  return casesOf(PROMISES, make);
}

/** The numbers of all spans in reading order, page by page. */
async function idsIn(storage: Storage, name: string): Promise<readonly (number | undefined)[]> {
  const found: (number | undefined)[] = [];
  let from = '';
  for (;;) {
    const page = await storage.rows(tenant(name), { from, to: '', limit: 500 });
    found.push(...page.map(({ id }) => numberOf(id)));
    const last = page.at(-1);
    if (last === undefined || page.length < 500) return found;
    from = `${rowKey(last)}\0`;
  }
}

async function shiftsIn(storage: Storage): Promise<readonly Shift[]> {
  const found: Shift[] = [];
  for (let position = 0; ;) {
    const { shifts, next } = await storage.arrivals(position, 1000);
    found.push(...shifts);
    if (next === position) return found;
    position = next;
  }
}

async function arrivalsFrom(storage: Storage, from: number, bytesMost: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let position = from; ;) {
    const { entries, next } = await storage.arrivals(position, bytesMost);
    found.push(...entries.map((entry) => entry.position));
    if (next === position) return found;
    position = next;
  }
}
