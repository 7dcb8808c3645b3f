/** The trust fold against a slow reference, on random graphs and in random orders of arrival. */

import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import {
  agree,
  answersOf,
  graphOf,
  nameOf,
  PEOPLE,
  pickPerson,
  referenceOf,
  sayings,
  settings,
  writeSayings,
} from './trust-graphs.js';
import { SeededRandom } from '../dist/testing/seeded-random.js';
import { gatherCrowd } from '../dist/testing/trust-crowd.js';
import { TrustGraph } from '../dist/trust.js';
import { person, tools } from './forge.js';

const alice = person('alice');

testProp(
  'whatever order statements come in, the levels and bars are those of the reference',
  [sayings, settings, fc.array(fc.nat(), { minLength: 25, maxLength: 25 })],
  (t, list, given, chance) => {
    const { placed } = writeSayings(list);
    const keyed = [...placed, ...placed.slice(0, 3)].map((one, n) => ({ one, at: chance[n] ?? 0 }));
    const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ one }) => one);
    agree(t, graphOf(alice, shuffled, given), referenceOf(alice, placed, given));
  },
  { numRuns: 3000 },
);

testProp(
  'asking in between changes no later answer',
  [sayings, settings],
  (t, list, given) => {
    const { placed } = writeSayings(list);
    const graph = new TrustGraph({ root: alice.publicKey, crypto: tools.crypto, settings: given });
    for (const one of placed) {
      const before = graph.version;
      const answers = answersOf(graph, PEOPLE);
      graph.add(one);
      graph.roomFor(pickPerson(5).publicKey, 100);
      if (graph.version === before) t.deepEqual(answersOf(graph, PEOPLE), answers);
    }
    agree(t, graph, referenceOf(alice, placed, given));
  },
  { numRuns: 1500 },
);

for (const seed of [1, 2, 3]) {
  test(`a graph of 10,000 statements has the levels and bars of the reference, seed ${seed}`, (t) => {
    const { root, people, script } = gatherCrowd({ seed, people: 400, statements: 10_000 }, tools);
    const given = { depth: seed, vouchers: 2, follow: true };
    const random = new SeededRandom(seed);
    const keyed = script.placed.map((one) => ({ one, at: random.below(1_000_000) }));
    const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ one }) => one);
    const graph = graphOf(root, shuffled, given);
    const reference = referenceOf(root, script.placed, given);
    const levels = people.map((key) => graph.levelOf(nameOf(key)));
    t.true(new Set(levels).size > 2, 'the graph is worth looking at');
    t.deepEqual(answersOf(graph, people), answersOf(reference, people));
  });
}
