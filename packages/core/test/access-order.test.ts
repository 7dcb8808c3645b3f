/** The access rules and the bars against a slow reference, on random statements in random orders of arrival. */

import { testProp } from '@fast-check/ava';
import fc from 'fast-check';
import { AccessRules } from '../dist/access.js';
import { barOf } from '../dist/cuts.js';
import { accessScope, annotationsScope, timelineScope } from '../dist/identity.js';
import type { AccessStatement } from '../dist/statement.js';
import { AccessReference } from '../dist/testing/trust-access-reference.js';
import { cutAt, epochOf, StatementScript } from '../dist/testing/trust-script.js';
import { acme, alice, tools } from './forge.js';
import {
  graphOf,
  nameOf,
  PEOPLE,
  pickPerson,
  referenceOf,
  sayings,
  settings,
  writeSayings,
} from './trust-graphs.js';

const LIFTED = Number.MAX_SAFE_INTEGER;
const saying = fc.record({
  by: fc.nat(4),
  about: fc.nat(4),
  kind: fc.constantFrom('cut', 'cut', 'cut', 'grant', 'grant', 'designate'),
  /** Of the revocations and rotations that there are, which one a cut is under. */
  end: fc.nat(30),
  cuts: fc.array(
    fc.tuple(
      fc.constantFrom('t' as const, 'n' as const, 'a' as const),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0, 1, 2, 3, LIFTED),
    ),
    {
      maxLength: 3,
    },
  ),
  read: fc.boolean(),
  write: fc.boolean(),
  epoch: fc.integer({ min: 1, max: 2 }),
  ms: fc.nat(12),
});

const world = fc.record({
  isConfigured: fc.boolean(),
  pin: fc.option(fc.nat(4), { nil: undefined, freq: 3 }),
  claim: fc.option(fc.nat(4), { nil: undefined }),
  provisional: fc.array(
    fc.record({ by: fc.nat(4), epoch: fc.integer({ min: 1, max: 2 }), from: fc.integer({ min: 1, max: 3 }) }),
    { maxLength: 2 },
  ),
  kept: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  firstMs: fc.option(fc.nat(12), { nil: undefined }),
});

testProp(
  'whatever order statements come in, rights and bars are those of the reference',
  [
    sayings,
    settings,
    fc.array(saying, { maxLength: 14 }),
    world,
    fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
  ],
  (t, trustSayings, given, list, { isConfigured, pin, claim, provisional, kept, firstMs }, chance) => {
    const trustScript = writeSayings(trustSayings);
    const ends = trustScript.placed.filter(
      ({ statement }) => statement.kind === 'revoke' || statement.kind === 'rotate',
    );
    const script = new StatementScript<AccessStatement>(tools, 'access');
    for (const { by, about, kind, end, cuts, read, write, epoch, ms } of list) {
      const under = ends[end % Math.max(1, ends.length)];
      const key = pickPerson(about).publicKey;
      const parts = [...new Map(cuts.map(([part, of, seq]) => [part + of, cutAt(of, seq, part)])).values()];
      const of = under?.statement.kind === 'rotate' ? under.origin : (under?.statement.key ?? key);
      if (kind === 'cut' && under !== undefined) {
        script.say(pickPerson(by), { kind, key: of, revocation: under.hash, cuts: parts }, { epoch, ms });
      } else if (kind === 'designate') script.say(pickPerson(by), { kind, key }, { epoch, ms });
      else script.say(pickPerson(by), { kind: 'grant', key, read, write }, { epoch, ms });
    }
    const trust = graphOf(alice, [], given);
    const primaries = new Map(pin === undefined ? [] : [[acme, pickPerson(pin).publicKey]]);
    const rules = new AccessRules({ trust, settings: { tenants: isConfigured ? [acme] : [], primaries } });
    if (claim !== undefined) rules.setClaim(acme, pickPerson(claim).publicKey);
    const stops = [...new Map(provisional.map((one) => [`${one.by}/${one.epoch}`, one])).values()];
    for (const one of stops)
      rules.setProvisional(acme, pickPerson(one.by).publicKey, epochOf(one.epoch), one.from);
    const arrivals = [
      ...trustScript.placed.map((one) => () => trust.add(one)),
      ...script.placed.map((one) => () => rules.add(acme, one)),
    ];
    const shuffled = arrivals.map((run, n) => ({ run, at: chance[n] ?? 0 })).sort((a, b) => a.at - b.at);
    for (const [n, { run }] of shuffled.entries()) {
      run();
      if (n % 5 === 0) rules.rightsOf(acme, nameOf(pickPerson(n)));
    }

    const reference = new AccessReference(script.placed, {
      trust: referenceOf(alice, trustScript.placed, given),
      settings: {
        isConfigured,
        pin: pin === undefined ? undefined : nameOf(pickPerson(pin)),
        claim: claim === undefined ? undefined : nameOf(pickPerson(claim)),
        provisional: stops.map(({ by, epoch, from }) => ({
          by: nameOf(pickPerson(by)),
          epoch: epochOf(epoch),
          from,
        })),
      },
    });
    t.is(rules.primaryOf(acme), reference.primary);
    for (const key of PEOPLE) {
      const name = nameOf(key);
      t.deepEqual(rules.rightsOf(acme, name), reference.rightsOf(name));
      t.is(rules.mayWrite(acme, name), reference.mayWrite(name));
      for (const part of ['t', 'n', 'a'] as const) {
        for (const epoch of [1, 2, 3].map(epochOf)) {
          const scope = { t: timelineScope, n: annotationsScope, a: accessScope }[part](acme);
          const firstStamp = firstMs === undefined ? undefined : { ms: firstMs, count: 0 };
          const bar = barOf(
            { scope, origin: key.publicKey, epoch, firstStamp, nextSeq: 5, kept },
            { trust, access: rules },
          );
          const expected = reference.barOf({ part, origin: name, epoch, firstMs, nextSeq: 5, kept });
          t.deepEqual(bar && { from: bar.from, provisional: bar.provisional }, expected);
        }
      }
    }
  },
  { numRuns: 3000 },
);
