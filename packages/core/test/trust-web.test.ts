/** The graph of what can void what: its components, and how few edges it needs. */

import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { fingerprintOf } from '../dist/identity.js';
import type { End } from '../dist/trust-bars.js';
import { componentsOf, weaveEdges } from '../dist/trust-web.js';
import { alice, bob } from './forge.js';

const edges = fc
  .integer({ min: 1, max: 9 })
  .chain((size) =>
    fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }),
  );

function reachable(graph: readonly (readonly number[])[], from: number): ReadonlySet<number> {
  const all = new Set([from]);
  for (const node of all) for (const next of graph[node] ?? []) all.add(next);
  return all;
}

testProp('components are what reach one another, each after all that it leads to', [edges], (t, graph) => {
  const components = componentsOf(graph);
  t.deepEqual(
    components.flat().sort((a, b) => a - b),
    graph.map((_, node) => node),
  );
  for (const [rank, component] of components.entries()) {
    for (const [other, members] of components.entries()) {
      const leads = component.some((node) => members.some((to) => reachable(graph, node).has(to)));
      const back = component.some((node) => members.some((to) => reachable(graph, to).has(node)));
      t.is(leads && back, rank === other);
      if (leads && rank !== other) t.true(other < rank);
    }
  }
});

test('a component of a hundred thousand nodes in a row takes no recursion', (t) => {
  const ring = Array.from({ length: 100_000 }, (_, node) => [(node + 1) % 100_000]);
  t.is(componentsOf(ring).length, 1);
});

test('four thousand ends that void four thousand others need few edges, not their product', (t) => {
  const endOf = (by: typeof alice, of: typeof alice, n: number): End => {
    const place = { by: fingerprintOf(by.publicKey), epoch: `epoch ${n % 500}`, seq: n };
    const end = { kind: 'revoke', by: place.by, of: fingerprintOf(of.publicKey), place, own: false } as const;
    const cuts = new Map([[`epoch ${(n * 7) % 500}`, n]]);
    return { ...end, cuts, overriddenAt: undefined, facts: [] as never };
  };
  const ends = Array.from({ length: 8_000 }, (_, n) =>
    n % 2 === 0 ? endOf(alice, bob, n) : endOf(bob, alice, n),
  );
  const count = weaveEdges(ends, () => undefined).reduce((sum, out) => sum + out.length, 0);
  t.true(count < ends.length * 24, `${count} edges`);
});
