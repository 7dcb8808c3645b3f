/** `npm run bench:trust [-- --statements N --people K]`: what a statement costs in a small and in a large graph, and against evaluating from scratch. */

import { parseArgs } from 'node:util';
import { fingerprintOf } from '../identity.js';
import { createTools } from '../node/system.js';
import type { Placed, TrustStatement } from '../statement.js';
import { TrustGraph } from '../trust.js';
import { gatherCrowd } from './trust-crowd.js';
import { TrustReference } from './trust-reference.js';

const { values } = parseArgs({
  options: { statements: { type: 'string', default: '10000' }, people: { type: 'string', default: '1000' } },
});

const SETTINGS = { depth: 2, vouchers: 2, follow: true };
const PORTION = 1_000;

interface Cost {
  readonly ms: number;
  readonly steps: number;
}

/** Adds statements, asking for a level after each. */
function addAll(graph: TrustGraph, said: readonly Placed<TrustStatement>[]): Cost {
  const stepsBefore = graph.steps;
  const began = performance.now();
  for (const one of said) {
    graph.add(one);
    graph.levelOf(fingerprintOf(one.statement.key));
  }
  return { ms: performance.now() - began, steps: graph.steps - stepsBefore };
}

function timed(run: () => void): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}

function print(what: string, cost: string): void {
  console.log(`${what.padEnd(62)} ${cost}`);
}

const tools = createTools();
const count = Number(values.statements);
const { root, people, script } = gatherCrowd(
  { seed: 1, people: Number(values.people), statements: count },
  tools,
);
const said = script.placed;
const key = root.publicKey;

const graph = new TrustGraph({ root: key, crypto: tools.crypto, settings: SETTINGS });
const first = addAll(graph, said.slice(0, PORTION));
for (const one of said.slice(PORTION, -PORTION)) graph.add(one);
graph.levelOf(graph.root);
const last = addAll(graph, said.slice(-PORTION));

const fresh = new TrustGraph({ root: key, crypto: tools.crypto, settings: SETTINGS });
const atOnce = timed(() => {
  for (const one of said) fresh.add(one);
  for (const one of people) fresh.levelOf(fingerprintOf(one.publicKey));
});
const slow = timed(() => {
  const reference = new TrustReference(said, { root: key, crypto: tools.crypto, settings: SETTINGS });
  for (const one of people) reference.levelOf(fingerprintOf(one.publicKey));
});

const perStatement = last.ms / PORTION;
print(
  `first ${PORTION} of ${count} statements, a level asked after each`,
  `${first.ms.toFixed(1)} ms, ${first.steps} steps`,
);
print(`last ${PORTION}`, `${last.ms.toFixed(1)} ms, ${last.steps} steps`);
print(
  'ratio last to first',
  `${(last.ms / first.ms).toFixed(1)} in time, ${(last.steps / first.steps).toFixed(1)} in steps`,
);
print(`all ${count} statements, then all levels once`, `${atOnce.toFixed(1)} ms`);
print('the same by the slow reference', `${slow.toFixed(0)} ms, ${(slow / atOnce).toFixed(0)} times as long`);
print('one more statement and a level against the reference', `1 to ${(slow / perStatement).toFixed(0)}`);
