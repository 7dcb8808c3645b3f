/** What every `Disk` must do, as cases for any test runner. */

import { concatBytes, equalBytes, toHex } from '../bytes.js';
import { LoglineError, messageOf } from '../errors.js';
import type { Disk, DiskFile } from '../ports.js';

/** One promise of a contract. `run` rejects where it is broken. */
export interface ContractCase {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** An empty disk, and how to come back to it as after a restart of the process. */
export interface DiskUnderTest {
  readonly disk: Disk;
  readonly reopen: () => Promise<Disk>;
  dispose(): Promise<void>;
}

type Body = (under: DiskUnderTest) => Promise<void>;

const NAME = 'log-0000000000000000';

const PROMISES: Readonly<Record<string, Body>> = {
  async 'an empty disk lists no files'({ disk }) {
    same(await disk.list(), [], 'the list');
  },

  async 'a created file is listed, empty, and there after a restart'({ disk, reopen }) {
    const file = await disk.open(NAME, { create: true });
    same(file.sizeBytes, 0, 'the size of a new file');
    same(await disk.list(), [NAME], 'the list');
    await file.close();
    same(await (await reopen()).list(), [NAME], 'the list after a restart');
  },

  async 'creating a file that is there keeps its content'({ disk }) {
    await withFile(disk, (file) => file.append([bytes('kept')]));
    await withFile(disk, async (file) => {
      same(file.sizeBytes, 4, 'the size');
      sameBytes(await file.read(0, 4), bytes('kept'));
    });
  },

  async 'a file that is absent and not to be created is refused'({ disk }) {
    await refused(disk.open('absent', { create: false }), 'disk_failed');
    same(await disk.list(), [], 'the list');
  },

  async 'parts are appended in order, empty ones included, and the size follows'({ disk }) {
    await withFile(disk, async (file) => {
      await file.append([bytes('one'), bytes(''), bytes('two')]);
      await file.append([]);
      await file.append([bytes('')]);
      await file.append([bytes('three')]);
      same(file.sizeBytes, 11, 'the size');
      sameBytes(await file.read(0, 100), bytes('onetwothree'));
    });
  },

  async 'appends that were not waited for land in the order of the calls'({ disk }) {
    await withFile(disk, async (file) => {
      const parts = Array.from({ length: 100 }, (_, i) => Uint8Array.of(i, i, i));
      await Promise.all(parts.map((part) => file.append([part])));
      sameBytes(await file.read(0, 300), concatBytes(parts));
    });
  },

  async 'a sync may overlap with appends, and all is there after a restart'({ disk, reopen }) {
    await withFile(disk, async (file) => {
      const first = file.append([bytes('first')]);
      const synced = file.sync();
      const second = file.append([bytes('second')]);
      await Promise.all([first, synced, second]);
      await file.sync();
    });
    await withFile(await reopen(), async (file) => {
      sameBytes(await file.read(0, 100), bytes('firstsecond'));
    });
  },

  async 'a large append of many parts arrives whole'({ disk }) {
    await withFile(disk, async (file) => {
      const parts = Array.from({ length: 5000 }, (_, i) => new Uint8Array(300 + (i % 7)).fill(i));
      await file.append(parts);
      await file.sync();
      sameBytes(await file.read(0, file.sizeBytes), concatBytes(parts));
    });
  },

  async 'a read ends at the end of the file'({ disk }) {
    await withFile(disk, async (file) => {
      await file.append([bytes('0123456789')]);
      sameBytes(await file.read(8, 100), bytes('89'));
      sameBytes(await file.read(10, 1), bytes(''));
      sameBytes(await file.read(1000, 1), bytes(''));
      sameBytes(await file.read(3, 0), bytes(''));
      sameBytes(await file.read(3, 2), bytes('34'));
    });
  },

  async 'what was read belongs to the reader'({ disk }) {
    await withFile(disk, async (file) => {
      await file.append([bytes('abc')]);
      (await file.read(0, 3)).fill(0);
      sameBytes(await file.read(0, 3), bytes('abc'));
    });
  },

  async 'a cut shortens the file for good, and appends go on from there'({ disk, reopen }) {
    await withFile(disk, async (file) => {
      await file.append([bytes('whole torn')]);
      await file.truncate(5);
      same(file.sizeBytes, 5, 'the size after the cut');
      await file.append([bytes('again')]);
      await file.sync();
    });
    await withFile(await reopen(), async (file) => {
      sameBytes(await file.read(0, 100), bytes('wholeagain'));
    });
  },

  async 'a removed file is gone, and removing an absent one is no error'({ disk, reopen }) {
    await withFile(disk, (file) => file.append([bytes('x')]));
    await disk.remove(NAME);
    await disk.remove(NAME);
    same(await disk.list(), [], 'the list');
    same(await (await reopen()).list(), [], 'the list after a restart');
  },

  async 'a file created anew after its removal is empty'({ disk }) {
    await withFile(disk, (file) => file.append([bytes('old')]));
    await disk.remove(NAME);
    await withFile(disk, async (file) => same(file.sizeBytes, 0, 'the size'));
  },

  async 'files do not share their content'({ disk }) {
    await withFile(disk, (file) => file.append([bytes('one')]), 'a');
    await withFile(disk, (file) => file.append([bytes('two')]), 'b');
    await withFile(disk, async (file) => sameBytes(await file.read(0, 9), bytes('one')), 'a');
    same([...(await disk.list())].sort(), ['a', 'b'], 'the list');
  },

  async 'a closed file refuses everything, and closing it again is no error'({ disk }) {
    const file = await disk.open(NAME, { create: true });
    const last = file.append([bytes('last')]);
    await file.close();
    await last;
    await file.close();
    await refused(file.append([bytes('x')]), 'closed');
    await refused(file.sync(), 'closed');
    await refused(file.read(0, 1), 'closed');
    await refused(file.truncate(0), 'closed');
  },
};

/** The cases, each run on a disk of its own that `make` provides. */
export function diskContract(make: () => Promise<DiskUnderTest>): readonly ContractCase[] {
  return casesOf(PROMISES, make);
}

/** Makes cases of named bodies that share nothing but the maker of what they test. */
export function casesOf<T extends { dispose(): Promise<void> }>(
  bodies: Readonly<Record<string, (under: T) => Promise<void>>>,
  make: () => Promise<T>,
): readonly ContractCase[] {
  return Object.entries(bodies).map(([title, body]) => ({
    title,
    async run() {
      const under = await make();
      try {
        await body(under);
      } finally {
        await under.dispose();
      }
    },
  }));
}

async function withFile(
  disk: Disk,
  use: (file: DiskFile) => Promise<void> | void,
  name = NAME,
): Promise<void> {
  const file = await disk.open(name, { create: true });
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** The bytes of a text of ASCII characters. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Compares as JSON does, which is enough for what contracts look at. */
export function same(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} should be ${b}, but is ${a}`);
}

export function sameBytes(found: Uint8Array | undefined, expected: Uint8Array): void {
  if (found !== undefined && equalBytes(found, expected)) return;
  const shown = found === undefined ? 'nothing' : `${found.length} bytes ${toHex(found.subarray(0, 32))}`;
  throw new Error(`expected ${expected.length} bytes ${toHex(expected.subarray(0, 32))}, but got ${shown}`);
}

/** Passes if `work` rejects with a `LoglineError` of that code. */
export async function refused(work: Promise<unknown>, code: LoglineError['code']): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LoglineError && error.code === code) return;
  throw new Error(
    `expected a LoglineError "${code}", but got ${error === undefined ? 'success' : messageOf(error)}`,
  );
}
