/** People and random trust graphs for tests, and the comparison of the fold with the slow reference. */

import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { fingerprintOf, type Fingerprint } from '../dist/identity.js';
import type { KeyPair } from '../dist/ports.js';
import type { Placed, TrustStatement } from '../dist/statement.js';
import { TrustReference } from '../dist/testing/trust-reference.js';
import {
  cutAt,
  epochOf,
  introduce,
  revoke,
  rotate,
  StatementScript,
  verify,
} from '../dist/testing/trust-script.js';
import { TrustGraph } from '../dist/trust.js';
import type { TrustSettings } from '../dist/trust-reading.js';
import { person, tools } from './forge.js';

export const PEOPLE: readonly KeyPair[] = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map(person);
export const PLAIN: TrustSettings = { depth: 1, vouchers: 2, follow: true };
const EPOCHS = [1, 2, 3];

export function pickPerson(n: number): KeyPair {
  const one = PEOPLE[n % PEOPLE.length];
  if (one === undefined) throw new RangeError('nobody');
  return one;
}

export function nameOf(key: KeyPair): Fingerprint {
  return fingerprintOf(key.publicKey);
}

const kinds = fc.constantFrom<TrustStatement['kind']>(
  'verify',
  'verify',
  'verify',
  'revoke',
  'revoke',
  'rotate',
  'introduce',
);

/** What somebody says: people, epochs and earlier entries by number, so that a failure shrinks well. */
const saying = fc.record({
  by: fc.nat(4),
  about: fc.nat(5),
  kind: kinds,
  epoch: fc.integer({ min: 1, max: 2 }),
  cuts: fc.array(fc.tuple(fc.constantFrom(...EPOCHS), fc.nat(4)), { maxLength: 2 }),
  over: fc.array(fc.nat(20), { maxLength: 3 }),
  ms: fc.nat(12),
});

export const sayings = fc.array(saying, { maxLength: 22 });
export type Saying = typeof saying extends fc.Arbitrary<infer T> ? T : never;

export const settings: fc.Arbitrary<TrustSettings> = fc.record({
  depth: fc.integer({ min: 1, max: 3 }),
  vouchers: fc.integer({ min: 1, max: 2 }),
  follow: fc.boolean(),
});

export function writeSayings(list: readonly Saying[]): StatementScript {
  const script = new StatementScript(tools);
  for (const { by, about, kind, epoch, cuts, over, ms } of list) {
    const signer = pickPerson(by);
    const key = pickPerson(about);
    const ends = [...new Map(cuts)].map(([cutEpoch, seq]) => cutAt(cutEpoch, seq));
    const hashes = over.flatMap((n) => script.placed[n]?.hash ?? []);
    const statements: Readonly<Record<TrustStatement['kind'], () => TrustStatement>> = {
      verify: () => verify(key, hashes),
      revoke: () => revoke(key, ends),
      rotate: () => rotate(signer, key, ends, tools),
      introduce: () => introduce(key),
    };
    script.say(signer, statements[kind](), { epoch, ms });
  }
  return script;
}

export function startScript(): StatementScript {
  return new StatementScript(tools);
}

export function graphOf(root: KeyPair, said: readonly Placed<TrustStatement>[], given = PLAIN): TrustGraph {
  const graph = new TrustGraph({ root: root.publicKey, crypto: tools.crypto, settings: given });
  for (const one of said) graph.add(one);
  return graph;
}

export function referenceOf(
  root: KeyPair,
  said: readonly Placed<TrustStatement>[],
  given = PLAIN,
): TrustReference {
  return new TrustReference(said, { root: root.publicKey, crypto: tools.crypto, settings: given });
}

/** Everything the fold says of these keys. */
export function answersOf(
  trust: {
    levelOf(key: Fingerprint): string;
    successorOf(key: Fingerprint): Fingerprint | undefined;
    barOf(key: Fingerprint, epoch: Uint8Array): { readonly from: number } | number | undefined;
  },
  keys: readonly KeyPair[],
): readonly unknown[] {
  return keys.map((key) => {
    const name = nameOf(key);
    const bars = EPOCHS.map((epoch) => {
      const bar = trust.barOf(name, epochOf(epoch));
      return typeof bar === 'object' ? bar.from : bar;
    });
    return { level: trust.levelOf(name), successor: trust.successorOf(name), bars };
  });
}

/** Fails with what the two say differently. */
export function agree(t: ExecutionContext, graph: TrustGraph, reference: TrustReference): void {
  t.deepEqual(answersOf(graph, PEOPLE), answersOf(reference, PEOPLE));
  const followed = [...reference.roots, ...reference.followed].sort();
  t.deepEqual(graph.followed(), followed);
  for (const key of PEOPLE.map(nameOf))
    t.is(graph.trusts(key), key === graph.root || reference.rings.has(key));
}

/** All orders of some items. */
export function orders<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

/** Levels of bob, carol and dave at a root, as if each of them had said hello and that it trusts the root. */
export function levels(
  root: KeyPair,
  said: readonly Placed<TrustStatement>[],
  given = PLAIN,
): readonly string[] {
  const graph = graphOf(root, said, given);
  return ['bob', 'carol', 'dave'].map((name) => graph.levelOf(nameOf(person(name)), true));
}
