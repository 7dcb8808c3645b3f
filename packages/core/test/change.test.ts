/** R4: our changes are Automerge's own, byte for byte, and we read nothing else. */

import * as Automerge from '@automerge/automerge';
import test from 'ava';
import fc from 'fast-check';
import { compareBytes, concatBytes, equalBytes, toHex } from '../dist/bytes.js';
import { hashOfChange, readChange, writeChange, type Change } from '../dist/change.js';
import { seeded, tools, withChecksum } from './forge.js';

const NOTHING = new Uint8Array(0);

interface Put {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Automerge's own bytes for each put, made one after another by one actor. */
function byAutomerge(actor: Uint8Array, puts: readonly Put[]): readonly Uint8Array[] {
  let document = Automerge.init<Record<string, Uint8Array>>({ actor: toHex(actor) });
  return puts.map(({ key, value }) => {
    document = Automerge.change(document, { time: 0 }, (draft) => {
      draft[key] = value;
    });
    // The plain chunk: from 256 bytes up Automerge stores changes compressed, which we never do.
    const last = Automerge.getLastLocalChange(document);
    return last === undefined ? NOTHING : plainChunk(last);
  });
}

/** Ours for the same. */
function byUs(actor: Uint8Array, puts: readonly Put[]): readonly { bytes: Uint8Array; hash: Uint8Array }[] {
  const lastOn = new Map<string, number>();
  let dep: Uint8Array | undefined;
  return puts.map(({ key, value }, i) => {
    const number = i + 1;
    const change: Change = {
      actor,
      seq: number,
      startOp: number,
      dep,
      key,
      value,
      replaces: lastOn.get(key),
    };
    lastOn.set(key, number);
    const written = writeChange(change, tools);
    dep = written.hash;
    return written;
  });
}

function plainChunk(change: Uint8Array): Uint8Array {
  return change[8] === 2 ? Automerge.encodeChange(Automerge.decodeChange(change)) : change;
}

/** A change as `readChange` understood it, as bytes. */
function readAndWritten(bytes: Uint8Array): Uint8Array | undefined {
  const change = readChange(bytes, tools);
  return change === undefined ? undefined : writeChange(change, tools).bytes;
}

const actors = fc.uint8Array({ minLength: 40, maxLength: 40 });
const keys = fc.oneof(
  // What a JavaScript object cannot hold as an own member, Automerge's proxy cannot be asked to put.
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((key) => key !== '__proto__'),
  fc.constantFrom('a', 'b', 'ключ', '鍵', '🗝️', 'x'.repeat(200)),
);
const values = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.nat(100_000).map((length) => seeded(length + 1).bytes(length)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0, 7, 8, 127, 128, 1023, 1024, 16_383, 16_384)
      .map((length) => new Uint8Array(length)),
  },
);
const puts = fc
  .array(fc.record({ key: keys, value: values }), { minLength: 1, maxLength: 8 })
  .map(withoutEqual);

/** Automerge makes no change where a key gets the value it has. */
function withoutEqual(sequence: readonly Put[]): readonly Put[] {
  const held = new Map<string, Uint8Array>();
  return sequence.filter(({ key, value }) => {
    const before = held.get(key);
    held.set(key, value);
    return before === undefined || !equalBytes(before, value);
  });
}

/** Throws where a change of ours is not Automerge's own, or has another hash. */
function sameAsAutomerge(actor: Uint8Array, sequence: readonly Put[]): void {
  const theirs = byAutomerge(actor, sequence);
  for (const [i, { bytes, hash }] of byUs(actor, sequence).entries()) {
    const expected = theirs[i] ?? NOTHING;
    if (!equalBytes(bytes, expected))
      throw new Error(`change ${i + 1} is ${toHex(bytes)}, where Automerge writes ${toHex(expected)}`);
    const named = Automerge.decodeChange(bytes).hash;
    if (toHex(hash) !== named) throw new Error(`change ${i + 1}: ${toHex(hash)} is ${named} to Automerge`);
    if (!equalBytes(hashOfChange(bytes, tools.crypto), hash)) throw new Error(`change ${i + 1} hashed anew`);
  }
}

test('our changes are the bytes that Automerge writes for the same puts', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(actors, puts, (actor, sequence) => sameAsAutomerge(actor, sequence)),
      { numRuns: 200 },
    ),
  );
});

test('a long run of batches on descending keys is written as Automerge writes it', (t) => {
  const actor = seeded(3).bytes(40);
  const sequence = Array.from({ length: 300 }, (_, i) => ({
    key: (0xffff_ffff - i).toString(16),
    value: seeded(i + 1).bytes(i % 50),
  }));
  t.notThrows(() => sameAsAutomerge(actor, sequence));
});

test('an overwrite of a late operation carries its number as Automerge does', (t) => {
  // Signed LEB128 needs one more byte from 64 on: 63 and 64, 8191 and 8192 are where it may go wrong.
  const actor = seeded(4).bytes(40);
  const sequence: Put[] = Array.from({ length: 140 }, (_, i) => ({ key: `k${i}`, value: Uint8Array.of(i) }));
  for (const i of [0, 62, 63, 64, 126, 127, 128]) sequence.push({ key: `k${i}`, value: NOTHING });
  t.notThrows(() => sameAsAutomerge(actor, sequence));
});

test('what we write we read, with its hash', (t) => {
  const big = fc.oneof(
    fc.integer({ min: 1, max: 2 ** 31 }),
    fc.constantFrom(1, 127, 128, 2 ** 31, 2 ** 32 - 1),
  );
  fc.assert(
    fc.property(
      fc.record({
        actor: actors,
        seq: big,
        startOp: big,
        dep: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
        key: keys,
        value: values,
        replaces: fc.option(big, { nil: undefined }),
      }),
      (change) => {
        const { bytes, hash } = writeChange(change, tools);
        // An operation replaces an earlier one, or nothing.
        const isPossible = change.replaces === undefined || change.replaces < change.startOp;
        t.deepEqual(readChange(bytes, tools), isPossible ? { ...change, hash } : undefined);
      },
    ),
    { numRuns: 300 },
  );
});

test('no change with one other byte, and no part of one, is read', (t) => {
  const shapes: readonly Partial<Change>[] = [
    {},
    { dep: undefined },
    { startOp: 90, replaces: 70 },
    { value: NOTHING },
  ];
  for (const [i, shape] of shapes.entries()) {
    const change = { ...sample(), ...shape };
    const { bytes } = writeChange(change, tools);
    t.truthy(readChange(bytes, tools));
    for (let at = 0; at < bytes.length; at++) {
      // Every other byte for one shape, every other bit for the rest.
      for (let flip = 1; flip < 256; flip = i === 0 ? flip + 1 : flip * 2) {
        const changed = bytes.with(at, (bytes[at] ?? 0) ^ flip);
        if (readChange(changed, tools) !== undefined) t.fail(`byte ${at} flipped by ${flip} was read`);
      }
      if (readChange(bytes.subarray(0, at), tools) !== undefined) t.fail(`cut at ${at} was read`);
    }
    t.is(readChange(concatBytes([bytes, Uint8Array.of(0)]), tools), undefined, 'a byte over');
  }
});

test('a body with one other byte and the right checksum is read only as what we would write', (t) => {
  for (const shape of [{}, { startOp: 90, replaces: 70 }]) {
    const { bytes } = writeChange({ ...sample(), ...shape }, tools);
    let read = 0;
    for (let at = 8; at < bytes.length; at++) {
      for (let flip = 1; flip < 256; flip++) {
        const changed = withChecksum(bytes.with(at, (bytes[at] ?? 0) ^ flip));
        const again = readAndWritten(changed);
        if (again === undefined) continue;
        read++;
        if (compareBytes(again, changed) !== 0) t.fail(`byte ${at} flipped by ${flip} was read otherwise`);
        t.notThrows(() => Automerge.decodeChange(changed));
      }
    }
    t.true(read > 0, 'another value is another valid change');
  }
});

test('changes of every other shape are refused, however well Automerge knows them', (t) => {
  type Doc = Record<string, unknown>;
  const empty = (): Automerge.Doc<Doc> => Automerge.init<Doc>({ actor: toHex(sample().actor) });
  const made = (
    edit: (draft: Doc) => void,
    options: Automerge.ChangeOptions<Doc> = { time: 0 },
    from: Automerge.Doc<Doc> = empty(),
  ): Uint8Array =>
    Automerge.getLastLocalChange(Automerge.change(Automerge.clone(from), options, edit)) ?? NOTHING;
  const bytes = Uint8Array.of(1, 2, 3);
  const one = Automerge.change(empty(), { time: 0 }, (draft) => {
    draft['k'] = bytes;
    draft['list'] = [1, 2];
  });
  const foreign = Automerge.merge(
    empty(),
    Automerge.change(Automerge.init<Doc>({ actor: 'ff'.repeat(40) }), { time: 0 }, (draft) => {
      draft['k'] = bytes;
    }),
  );
  t.truthy(
    readChange(
      made((draft) => void (draft['k'] = bytes)),
      tools,
    ),
    'the one shape',
  );
  const others: Readonly<Record<string, Uint8Array>> = {
    'a time': made((draft) => void (draft['k'] = bytes), { time: 1 }),
    'a message': made((draft) => void (draft['k'] = bytes), { time: 0, message: 'hello' }),
    'two operations': made((draft) => {
      draft['k'] = bytes;
      draft['l'] = bytes;
    }),
    text: made((draft) => void (draft['k'] = 'text')),
    'a raw string': made((draft) => void (draft['k'] = new Automerge.ImmutableString('text'))),
    'a number': made((draft) => void (draft['k'] = 1)),
    null: made((draft) => void (draft['k'] = null)),
    'a date': made((draft) => void (draft['k'] = new Date(0))),
    'a map': made((draft) => void (draft['k'] = {})),
    'a list': made((draft) => void (draft['k'] = [])),
    'a counter': made((draft) => void (draft['k'] = new Automerge.Counter(1))),
    'a deletion': made((draft) => void delete draft['k'], { time: 0 }, one),
    'a list insertion': made((draft) => void (draft['list'] as number[]).push(3), { time: 0 }, one),
    'a foreign predecessor': made((draft) => void (draft['k'] = Uint8Array.of(9)), { time: 0 }, foreign),
    'no operation': Automerge.getLastLocalChange(Automerge.emptyChange(empty(), { time: 0 })) ?? NOTHING,
  };
  for (const [what, change] of Object.entries(others)) {
    t.true(change.length > 0, what);
    t.is(readChange(change, tools), undefined, what);
  }
});

test('a compressed change, as Automerge stores large ones, is refused', (t) => {
  const document = Automerge.change(Automerge.init<Record<string, Uint8Array>>(), { time: 0 }, (draft) => {
    draft['k'] = new Uint8Array(5000);
  });
  const [stored] = Automerge.getAllChanges(document);
  const all = [stored, Automerge.getLastLocalChange(document), Automerge.save(document)];
  const compressed = all.filter((bytes) => bytes?.[8] !== 1);
  t.true(compressed.length > 0);
  for (const bytes of compressed) t.is(readChange(bytes ?? NOTHING, tools), undefined);
});

test('numbers that are longer than they need be, or beyond what is exact, are refused', (t) => {
  const { bytes } = writeChange(sample(), tools);
  // Chunk head, length of two bytes, one dependency, actor; then seq and startOp of one byte each.
  const at = 9 + 2 + 33 + 41;
  const body = (parts: readonly Uint8Array[]): Uint8Array => {
    const content = concatBytes(parts);
    const length = content.length;
    const head = concatBytes([bytes.subarray(0, 9), Uint8Array.of((length & 127) | 128, length >> 7)]);
    return withChecksum(concatBytes([head, content]));
  };
  const before = bytes.subarray(11, at);
  t.deepEqual(body([before, bytes.subarray(at)]), bytes, 'the layout is as this test believes');
  for (const number of [
    [0x85, 0x00],
    [0x85, 0x80, 0x00],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  ]) {
    const changed = body([before, Uint8Array.from(number), bytes.subarray(at + 1)]);
    t.is(readChange(changed, tools), undefined, number.join());
  }
});

test('an operation number that inflates documents is read for what it is, for the gate to refuse by its place', (t) => {
  for (const startOp of [2 ** 25, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER]) {
    const { bytes } = writeChange({ ...sample(), startOp }, tools);
    t.is(readChange(bytes, tools)?.startOp, startOp);
  }
});

test('no bytes make the reader throw or take long', (t) => {
  const { bytes } = writeChange(sample(), tools);
  const random = seeded(11);
  for (let i = 0; i < 20_000; i++) {
    const length = (i * 7919) % 300;
    const noise = random.bytes(length);
    // Half of them begin as a change does, so that they get further.
    if (i % 2 === 0) noise.set(bytes.subarray(0, Math.min(length, i % 120)));
    if (readChange(noise, tools) !== undefined) t.fail(toHex(noise));
  }
  const endless = concatBytes([bytes.subarray(0, 9), new Uint8Array(500_000).fill(0xff)]);
  t.is(readChange(endless, tools), undefined);
  t.is(readChange(NOTHING, tools), undefined);
});

function sample(): Change {
  return {
    actor: Uint8Array.from({ length: 40 }, (_, i) => i),
    seq: 5,
    startOp: 5,
    dep: new Uint8Array(32).fill(9),
    key: 'key-1',
    value: Uint8Array.from({ length: 100 }, (_, i) => i),
    replaces: undefined,
  };
}
