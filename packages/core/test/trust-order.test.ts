/** The trust fold against a slow reference, on random graphs and in random orders of arrival. */

import { testProp } from '@fast-check/ava';
import fc from 'fast-check';
import {
  agree,
  answersOf,
  graphOf,
  PEOPLE,
  pickPerson,
  referenceOf,
  sayings,
  settings,
  writeSayings,
} from './trust-graphs.js';
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

testProp(
  'what people are shown depends on no order, nor on being asked for in between',
  [sayings, settings, fc.array(fc.nat(), { minLength: 25, maxLength: 25 })],
  (t, list, given, chance) => {
    const { placed } = writeSayings(list);
    const keyed = placed.map((one, n) => ({ one, at: chance[n] ?? 0 })).sort((a, b) => a.at - b.at);
    const straight = graphOf(alice, placed, given);
    const asked = graphOf(alice, [], given);
    for (const { one } of keyed) {
      asked.add(one);
      for (const node of asked.nodes()) t.is(asked.levelOf(node.fingerprint), node.level);
    }
    t.deepEqual([...asked.nodes()], [...straight.nodes()]);
    t.deepEqual([...asked.edges()], [...straight.edges()]);
  },
  { numRuns: 500 },
);
