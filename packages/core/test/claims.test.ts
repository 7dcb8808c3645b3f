/** Registers: the same claims under the same rule are read the same, and as people expect. */

import test from 'ava';
import fc from 'fast-check';
import { judge, type Claim, type Judgement, type Rule } from '../dist/claims.js';
import { referenceReading } from '../dist/testing/claims-reference.js';

const POLICIES = ['timestamp', 'priority', 'manual'] as const;
const ORIGINS = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

/** Claims that name any claims at all, as only a hostile author would: in circles, of their own, of later ones. */
const wild: fc.Arbitrary<readonly Claim[]> = fc
  .array(
    fc.record({
      origin: fc.constantFrom(...ORIGINS),
      ms: fc.nat(12),
      kind: fc.constantFrom('body' as const, 'set' as const, 'set' as const, 'resolve' as const),
      value: fc.constantFrom('1', '2', '3'),
      names: fc.array(fc.nat(20), { maxLength: 5 }),
    }),
    { maxLength: 14 },
  )
  .map((list) =>
    list.map(({ origin, ms, kind, value, names }, i) => ({
      id: `c${i}`,
      origin,
      stamp: { ms, count: 0 },
      place: String(i).padStart(3, '0'),
      kind,
      value,
      supersedes: kind === 'body' ? [] : names.map((name) => `c${name}`),
    })),
  );
const rule: fc.Arbitrary<Rule> = fc
  .record({
    policy: fc.constantFrom(...POLICIES),
    ranked: fc.shuffledSubarray([...ORIGINS]),
    horizonMs: fc.constantFrom(5, 9, 100),
  })
  .map(({ policy, ranked, horizonMs }) => ({
    policy,
    horizonMs,
    rankOf: (origin) => {
      const at = ranked.findIndex((one) => one === origin);
      return at < 0 ? Infinity : at;
    },
  }));

function summary(judgement: Judgement<Claim>): ReturnType<typeof referenceReading> {
  const { shown, standing, dispute } = judgement;
  return {
    shown: shown?.id,
    standing: standing.map(({ id }) => id),
    dispute:
      dispute === undefined
        ? undefined
        : {
            candidates: dispute.candidates.map(({ id }) => id),
            settledBy: dispute.settled?.claim.id,
            openedMs: dispute.opened.ms,
          },
  };
}

test('R8: claims are read as the slow reference reads them, in whatever order they come', (t) => {
  fc.assert(
    fc.property(wild, rule, fc.nat(), (claims, how, turn) => {
      const expected = referenceReading(claims, how);
      t.deepEqual(summary(judge(claims, how)), expected);
      const cut = claims.length === 0 ? 0 : turn % claims.length;
      const turned = [...claims.slice(cut), ...claims.slice(0, cut)].toReversed();
      t.deepEqual(summary(judge(turned, how)), expected);
    }),
    { numRuns: 1500 },
  );
});
