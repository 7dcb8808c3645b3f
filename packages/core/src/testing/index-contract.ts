/** What every `KeyValue` must do, as cases for any test runner. */

import { toKey } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { Key, KeyValue } from '../ports.js';
import { bytes, casesOf, refused, same, sameBytes } from './disk-contract.js';
import type { ContractCase } from './disk-contract.js';

/** An empty store, and how to come back to it after it was closed. */
export interface KeyValueUnderTest {
  readonly index: KeyValue;
  readonly reopen: () => Promise<KeyValue>;
  dispose(): Promise<void>;
}

type Body = (under: KeyValueUnderTest) => Promise<void>;
type Range = Parameters<KeyValue['scan']>[0];

/** Whatever confuses order or encoding shows on one of these. */
const EVERY_BYTE: readonly Key[] = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
const ALL: Range = { from: '', to: '\xff\xff\xff', limit: Infinity };

const PROMISES: Readonly<Record<string, Body>> = {
  async 'an absent key is undefined'({ index }) {
    same(index.get('absent'), undefined, 'the value');
    same(index.get(''), undefined, 'the value of the empty key');
  },

  async 'a row that was written is read at once'({ index }) {
    await index.write(new Map([['key', bytes('value')]]));
    sameBytes(index.get('key'), bytes('value'));
    same(index.get('ke'), undefined, 'a shorter key');
    same(index.get('key\0'), undefined, 'a longer key');
  },

  async 'many keys are read at once, in their order, and absent ones are undefined'({ index }) {
    await index.write(new Map(EVERY_BYTE.map((key) => [key, bytes(`value of ${key.charCodeAt(0)}`)])));
    const wanted = ['absent', ...EVERY_BYTE.toReversed(), '\0\0', '\x07'];
    const found = await index.getMany(wanted);
    same(found.length, wanted.length, 'the number of values');
    for (const [i, key] of wanted.entries())
      same(found[i], index.get(key), `the value of ${JSON.stringify(key)}`);
    same(await index.getMany([]), [], 'the values of no keys');
  },

  async 'empty keys and empty values are rows like any other'({ index }) {
    await index.write(
      new Map([
        ['', bytes('a')],
        ['b', bytes('')],
      ]),
    );
    sameBytes(index.get(''), bytes('a'));
    sameBytes(index.get('b'), bytes(''));
    same(keysOf(await index.scan(ALL)), ['', 'b'], 'the keys');
  },

  async 'a later batch overwrites and deletes'({ index }) {
    await index.write(
      new Map([
        ['a', bytes('1')],
        ['b', bytes('1')],
      ]),
    );
    await index.write(
      new Map([
        ['a', bytes('2')],
        ['b', undefined],
        ['absent', undefined],
      ]),
    );
    sameBytes(index.get('a'), bytes('2'));
    same(index.get('b'), undefined, 'a deleted row');
    same(keysOf(await index.scan(ALL)), ['a'], 'the keys');
  },

  async 'a deleted key may come back'({ index }) {
    for (const value of [bytes('1'), undefined, bytes('2')]) {
      await index.write(new Map([['a', value]]));
      await index.scan(ALL);
    }
    await index.write(new Map([['a', undefined]]));
    await index.write(new Map([['a', bytes('3')]]));
    same(keysOf(await index.scan(ALL)), ['a'], 'the keys');
    sameBytes(index.get('a'), bytes('3'));
  },

  async 'batches that were not waited for apply in the order of the calls'({ index }) {
    // Each smaller than the one before, so that it would overtake where nothing keeps the order.
    const batches = [5000, 500, 50, 5, 1].map((size) => {
      const names = Array.from({ length: size }, (_, i) => [`row ${i}`, Uint8Array.of(size & 255)] as const);
      return new Map([...names, ['key', Uint8Array.of(size & 255)] as const]);
    });
    await Promise.all(batches.map((batch) => index.write(batch)));
    sameBytes(index.get('key'), Uint8Array.of(1));
    sameBytes(index.get('row 0'), Uint8Array.of(1));
    sameBytes(index.get('row 4'), Uint8Array.of(5));
  },

  async 'an empty batch is no error'({ index }) {
    await index.write(new Map());
    same(await index.scan(ALL), [], 'the rows');
  },

  async 'keys order as bytes, whatever the bytes'({ index }) {
    const keys = EVERY_BYTE.flatMap((byte) => [byte, `${byte}\0`, `${byte}\xff`, `a${byte}z`]);
    const distinct = [...new Set(keys)];
    await index.write(new Map(distinct.map((key) => [key, bytes(`<${key.length}>`)])));
    for (const key of distinct) sameBytes(index.get(key), bytes(`<${key.length}>`));
    same(keysOf(await index.scan(ALL)), distinct.sort(), 'the keys');
  },

  async 'a range takes its first key and leaves out its last'({ index }) {
    await fill(index, ['a', 'b', 'c', 'd']);
    same(await keys(index, { from: 'b', to: 'd' }), ['b', 'c'], 'keys of a range');
    same(await keys(index, { from: 'b', to: 'b' }), [], 'keys of an empty range');
    same(await keys(index, { from: 'd', to: 'a' }), [], 'keys of a range the wrong way round');
    same(await keys(index, { from: 'aa', to: 'c\0' }), ['b', 'c'], 'keys between keys');
  },

  async 'a limit counts from the end that the scan begins at'({ index }) {
    await fill(index, ['a', 'b', 'c', 'd']);
    same(await keys(index, { from: 'a', to: 'd', limit: 2 }), ['a', 'b'], 'the first two');
    const backwards = { from: 'a', to: 'd', reverse: true };
    same(await keys(index, { ...backwards, limit: 2 }), ['c', 'b'], 'the last two');
    same(await keys(index, backwards), ['c', 'b', 'a'], 'all, backwards');
    same(await keys(index, { from: 'a', to: 'd', limit: 0 }), [], 'none');
  },

  async 'a scan sees the rows as they were when it was called'({ index }) {
    await fill(index, ['a', 'c']);
    const scan = index.scan(ALL);
    await fill(index, ['b']);
    same(keysOf(await scan), ['a', 'c'], 'the keys');
    same(keysOf(await index.scan(ALL)), ['a', 'b', 'c'], 'the keys afterwards');
  },

  async 'large batches and long scans arrive whole'({ index }) {
    const rows = new Map<Key, Uint8Array>();
    for (let i = 0; i < 5000; i++)
      rows.set(toKey(Uint8Array.of(i >> 8, i & 255)), new Uint8Array(100).fill(i));
    await index.write(rows);
    const found = await index.scan(ALL);
    same(found.length, 5000, 'the count');
    for (const [key, value] of found) sameBytes(value, rows.get(key) ?? bytes(''));
  },

  async 'rows belong to the store, and what was read to the reader'({ index }) {
    const value = bytes('abc');
    await index.write(new Map([['key', value]]));
    value.fill(0);
    index.get('key')?.fill(0);
    for (const [, read] of await index.scan(ALL)) read.fill(0);
    sameBytes(index.get('key'), bytes('abc'));
  },

  async 'clearing leaves an empty store that can be filled again'({ index, reopen }) {
    await fill(index, ['a', 'b']);
    await index.clear();
    same(index.get('a'), undefined, 'a cleared row');
    same(await index.scan(ALL), [], 'the rows');
    await fill(index, ['b', 'c']);
    same(keysOf(await index.scan(ALL)), ['b', 'c'], 'the keys');
    await index.close();
    same(keysOf(await (await reopen()).scan(ALL)), ['b', 'c'], 'the keys after a restart');
  },

  async 'an orderly restart loses nothing'({ index, reopen }) {
    await fill(index, ['a']);
    await fill(index, ['b']);
    const last = fill(index, ['c']);
    await index.close();
    await last;
    same(keysOf(await (await reopen()).scan(ALL)), ['a', 'b', 'c'], 'the keys');
  },

  async 'a closed store refuses everything, and closing it again is no error'({ index }) {
    await index.close();
    await index.close();
    await refused(index.write(new Map([['a', bytes('1')]])), 'closed');
    await refused(index.scan(ALL), 'closed');
    await refused(index.clear(), 'closed');
    try {
      index.get('a');
    } catch (error) {
      if (error instanceof LoglineError && error.code === 'closed') return;
    }
    throw new Error('expected a closed store to refuse to read');
  },
};

/** The cases, each run on a store of its own that `make` provides. */
export function keyValueContract(make: () => Promise<KeyValueUnderTest>): readonly ContractCase[] {
  return casesOf(PROMISES, make);
}

async function fill(index: KeyValue, names: readonly Key[]): Promise<void> {
  await index.write(new Map(names.map((key) => [key, bytes(`of ${key}`)])));
}

async function keys(
  index: KeyValue,
  range: Omit<Range, 'limit'> & { readonly limit?: number },
): Promise<Key[]> {
  return keysOf(await index.scan({ limit: Infinity, ...range }));
}

function keysOf(rows: readonly (readonly [Key, Uint8Array])[]): Key[] {
  return rows.map(([key]) => key);
}
