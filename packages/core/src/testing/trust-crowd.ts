/** A large random trust graph: some honest hubs, many keys, statements of all kinds. One seed is one graph. */

import type { KeyPair, Tools } from '../ports.js';
import type { TrustStatement } from '../statement.js';
import { SeededRandom } from './seeded-random.js';
import { cutAt, introduce, revoke, rotate, StatementScript, verify } from './trust-script.js';

export interface Crowd {
  readonly root: KeyPair;
  readonly people: readonly KeyPair[];
  readonly script: StatementScript;
}

/** `statements` by `people` keys; the root is the first of them and says more than others. */
export function gatherCrowd(
  options: { readonly seed: number; readonly people: number; readonly statements: number },
  tools: Tools,
): Crowd {
  const random = new SeededRandom(options.seed);
  const people = Array.from({ length: options.people }, () => tools.crypto.keyPair(random.bytes(32)));
  const root = random.pick(people.slice(0, 1));
  const script = new StatementScript(tools);
  while (script.placed.length < options.statements) {
    const by = random.chance(2) ? root : random.pick(random.chance(50) ? people.slice(0, 30) : people);
    const about = random.pick(people);
    const epoch = 1 + random.below(3);
    script.say(by, sayOf(by, about, random, script, tools), { epoch, ms: random.below(1000) });
  }
  return { root, people, script };
}

function sayOf(
  by: KeyPair,
  about: KeyPair,
  random: SeededRandom,
  script: StatementScript,
  tools: Tools,
): TrustStatement {
  const cuts = [1, 2, 3]
    .filter(() => random.chance(60))
    .map((epoch) => cutAt(epoch, random.below(1 + script.headOf(about, epoch))));
  const dice = random.below(100);
  if (dice < 70) {
    const over = random.chance(10) ? [random.bytes(32)] : [];
    const known = random.chance(10) ? script.placed.slice(-40).map((one) => one.hash) : [];
    return verify(about, [...over, ...known]);
  }
  if (dice < 88) return revoke(about, cuts);
  if (dice < 92) return rotate(by, about, cuts, tools);
  return introduce(about);
}
