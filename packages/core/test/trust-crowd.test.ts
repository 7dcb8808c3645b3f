/** The trust fold against the slow reference on large graphs. */

import test from 'ava';
import { SeededRandom } from '../dist/testing/seeded-random.js';
import { gatherCrowd } from '../dist/testing/trust-crowd.js';
import { tools } from './forge.js';
import { answersOf, graphOf, nameOf, referenceOf } from './trust-graphs.js';

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
