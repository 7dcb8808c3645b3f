/** Tenants: who shares them, who may read and write them, and where ended keys' feeds of them stop. */

import test from 'ava';
import { AccessRules, type AccessSettings } from '../dist/access.js';
import { LIFTED_SEQ } from '../dist/access-cuts.js';
import { barOf, type FeedBar } from '../dist/cuts.js';
import { LIMITS } from '../dist/limits.js';
import { accessScope, annotationsScope, timelineScope, TRUST_SCOPE, type Scope } from '../dist/identity.js';
import type { KeyPair } from '../dist/ports.js';
import type { AccessStatement } from '../dist/statement.js';
import { cutAt, epochOf, revoke, rotate, StatementScript, verify } from '../dist/testing/trust-script.js';
import { acme, alice, bob, carol, person, tenant, tools } from './forge.js';
import { graphOf, nameOf, startScript } from './trust-graphs.js';

const dave = person('dave');
const erin = person('erin');
const other = tenant('other');
const NONE = { read: false, write: false };
const ALL = { read: true, write: true };
const READ = { read: true, write: false };

function accessScript(): StatementScript<AccessStatement> {
  return new StatementScript<AccessStatement>(tools, 'access');
}

function grant(key: KeyPair, rights: { readonly read: boolean; readonly write: boolean }): AccessStatement {
  return { kind: 'grant', key: key.publicKey, ...rights };
}

/** What alice makes of these statements. */
function rulesOf(
  trust: StatementScript,
  access: StatementScript<AccessStatement>,
  settings: AccessSettings = { tenants: [acme] },
  root = alice,
): AccessRules {
  const rules = new AccessRules({ trust: graphOf(root, trust.placed), settings });
  for (const one of access.placed) rules.add(acme, one);
  return rules;
}

/** The bar of one of carol's timelines, held up to 9, as alice sees it. */
function barOfCarol(
  trust: StatementScript,
  access: StatementScript<AccessStatement>,
  more: {
    readonly epoch?: number;
    readonly kept?: number;
    readonly firstMs?: number;
    readonly settings?: AccessSettings;
  } = {},
): FeedBar | undefined {
  const { epoch = 1, kept, firstMs = 1, settings } = more;
  const graph = graphOf(alice, trust.placed);
  const rules = rulesOf(trust, access, settings);
  const feed = { scope: timelineScope(acme), origin: carol.publicKey, epoch: epochOf(epoch) };
  return barOf(
    { ...feed, firstStamp: { ms: firstMs, count: 0 }, nextSeq: 10, kept },
    { trust: graph, access: rules },
  );
}

test('without a primary a configured tenant is open to those we trust, and our own grants refine that', (t) => {
  const access = accessScript();
  const rules = (): AccessRules => rulesOf(startScript(), access);
  t.deepEqual(rules().rightsOf(acme, nameOf(bob)), ALL);
  access.say(alice, grant(bob, READ));
  t.deepEqual(rules().rightsOf(acme, nameOf(bob)), READ);
  access.say(alice, grant(bob, NONE), { ms: 9 });
  t.deepEqual(rules().rightsOf(acme, nameOf(bob)), NONE);
  access.say(bob, grant(bob, ALL), { ms: 10 });
  t.deepEqual(rules().rightsOf(acme, nameOf(bob)), NONE, 'nobody grants himself anything');
  t.true(rules().mayWrite(acme, nameOf(dave)), 'sharing on is allowed');
});

test('a tenant that is not configured is shared only where we grant something', (t) => {
  const access = accessScript();
  const rules = (): AccessRules => rulesOf(startScript(), access, { tenants: [other] });
  t.false(rules().federates(acme));
  t.true(rules().federates(other));
  access.say(alice, grant(bob, READ));
  t.true(rules().federates(acme));
  t.deepEqual(
    [bob, carol].map((key) => rules().rightsOf(acme, nameOf(key))),
    [READ, NONE],
  );
  access.say(alice, grant(bob, NONE));
  t.false(rules().federates(acme), 'what is withdrawn opens nothing');
});

test('with a primary only its grants count, on every node on the way', (t) => {
  const access = accessScript();
  access.say(bob, grant(carol, READ));
  access.say(alice, grant(dave, ALL));
  const settings = { tenants: [acme], primaries: new Map([[acme, bob.publicKey]]) };
  for (const root of [alice, dave]) {
    const rules = rulesOf(startScript(), access, settings, root);
    t.deepEqual(
      [bob, carol, dave].map((key) => rules.rightsOf(acme, nameOf(key))),
      [ALL, READ, NONE],
    );
    t.deepEqual(
      [bob, carol, dave].map((key) => rules.mayWrite(acme, nameOf(key))),
      [true, false, false],
    );
  }
});

test('the configured primary comes before the designated, that before the first claim; rivals change nothing', (t) => {
  const trust = startScript();
  for (const key of [bob, carol]) trust.say(alice, verify(key));
  const access = accessScript();
  const designate = (by: KeyPair, key: Uint8Array): unknown => access.say(by, { kind: 'designate', key });
  designate(bob, bob.publicKey);
  designate(carol, carol.publicKey);
  designate(dave, dave.publicKey);
  const rules = rulesOf(trust, access);
  t.is(rules.primaryOf(acme), undefined);
  t.deepEqual(rules.claimsOf(acme), [bob, carol].map(nameOf), 'claims of strangers are none');
  rules.setClaim(acme, bob.publicKey);
  t.is(rules.primaryOf(acme), nameOf(bob));
  t.deepEqual(rules.rivals(acme), [nameOf(carol)]);
  rules.add(acme, accessScript().say(alice, { kind: 'designate', key: carol.publicKey }, { ms: 50 }));
  t.is(rules.primaryOf(acme), nameOf(carol));
  rules.add(
    acme,
    new StatementScript<AccessStatement>(tools, 'later').say(
      alice,
      { kind: 'designate', key: new Uint8Array(32) },
      { ms: 60 },
    ),
  );
  t.is(rules.primaryOf(acme), nameOf(bob), 'a designation can be withdrawn');
  const pinned = rulesOf(trust, access, { tenants: [acme], primaries: new Map([[acme, dave.publicKey]]) });
  t.is(pinned.primaryOf(acme), nameOf(dave));
});

test('rights, and the part of the primary, pass to the key that goes on', (t) => {
  const trust = startScript();
  for (const key of [bob, carol]) trust.say(alice, verify(key));
  const access = accessScript();
  access.say(bob, grant(carol, READ));
  trust.say(bob, rotate(bob, erin, [], tools));
  trust.say(carol, rotate(carol, dave, [], tools));
  const rules = rulesOf(trust, access, { tenants: [acme], primaries: new Map([[acme, bob.publicKey]]) });
  t.is(rules.primaryOf(acme), nameOf(erin));
  t.deepEqual(rules.rightsOf(acme, nameOf(dave)), READ);
  t.deepEqual(rules.rightsOf(acme, nameOf(erin)), ALL);
});

test('until somebody who may says where a revoked key ends, its feeds stop where they are', (t) => {
  const trust = startScript();
  for (const key of [bob, carol]) trust.say(alice, verify(key));
  const access = accessScript();
  t.is(barOfCarol(trust, access), undefined);
  const { hash } = trust.say(bob, revoke(carol));
  t.deepEqual(barOfCarol(trust, access), {
    from: 10,
    reason: 'revoked',
    provisional: true,
    by: [nameOf(bob)],
    revocations: [hash],
  });
  t.is(barOfCarol(trust, access, { kept: 4 })?.from, 4);
  const cuts = (seq: number): AccessStatement => ({
    kind: 'cut',
    key: carol.publicKey,
    revocation: hash,
    cuts: [cutAt(1, seq, 't')],
  });
  access.say(dave, cuts(1));
  t.true(barOfCarol(trust, access)?.provisional, 'nobody follows dave');
  access.say(carol, cuts(LIFTED_SEQ));
  t.true(barOfCarol(trust, access)?.provisional, 'carol has no say in it');
  access.say(bob, cuts(6));
  t.like(barOfCarol(trust, access), { from: 7, provisional: false });
  t.is(barOfCarol(trust, access, { epoch: 2 })?.from, 1, 'a feed that is not named is cut at nothing');
  access.say(alice, cuts(5));
  t.is(barOfCarol(trust, access)?.from, 6, 'of several the lowest');
  access.say(alice, cuts(8));
  t.is(barOfCarol(trust, access)?.from, 7, 'alice releases what she had cut off, and bob does not');
  access.say(bob, cuts(LIFTED_SEQ));
  access.say(alice, cuts(LIFTED_SEQ));
  t.is(barOfCarol(trust, access), undefined);
});

test('a primary cuts the feeds of its tenant alone, and not once it is revoked itself', (t) => {
  const trust = startScript();
  for (const key of [bob, carol]) trust.say(alice, verify(key));
  const { hash } = trust.say(alice, revoke(carol));
  const access = accessScript();
  const settings = { tenants: [acme], primaries: new Map([[acme, bob.publicKey]]) };
  const cuts = (seq: number): AccessStatement => ({
    kind: 'cut',
    key: carol.publicKey,
    revocation: hash,
    cuts: [cutAt(1, seq, 't')],
  });
  access.say(alice, cuts(3));
  t.like(barOfCarol(trust, access, { settings }), { from: 10, provisional: true });
  access.say(bob, cuts(5));
  t.like(barOfCarol(trust, access, { settings }), { from: 6, provisional: false });
  trust.say(alice, revoke(bob));
  t.like(barOfCarol(trust, access, { settings }), { from: 4, provisional: false });
});

test('what a readmitted key had been cut off from stays out, and what it begins afterwards flows', (t) => {
  const trust = startScript();
  trust.say(alice, verify(carol));
  const { hash } = trust.say(alice, revoke(carol));
  const access = accessScript();
  access.say(alice, { kind: 'cut', key: carol.publicKey, revocation: hash, cuts: [cutAt(1, 6, 't')] });
  const { stamp } = trust.say(alice, verify(carol, [hash]), { ms: 100 });
  t.like(barOfCarol(trust, access), { from: 7, provisional: false });
  t.is(barOfCarol(trust, access, { epoch: 2, firstMs: stamp.ms - 1 })?.from, 1, 'begun while it was out');
  t.is(barOfCarol(trust, access, { epoch: 3, firstMs: stamp.ms }), undefined);
});

test('where an honest key went on as another, nobody whom we follow takes away what it wrote', (t) => {
  const trust = startScript();
  for (const key of [bob, carol]) trust.say(alice, verify(key));
  const access = accessScript();
  const { hash } = trust.say(carol, rotate(carol, dave, [cutAt(1, 1)], tools));
  const cut = { kind: 'cut', key: carol.publicKey, revocation: hash } as const;
  access.say(dave, { ...cut, cuts: [cutAt(1, 9, 't')] });
  access.say(bob, { ...cut, cuts: [] });
  t.like(barOfCarol(trust, access), { from: 10, reason: 'rotated', provisional: false });
  access.say(alice, { ...cut, cuts: [cutAt(1, 5, 't')] });
  t.like(barOfCarol(trust, access), { from: 6, reason: 'rotated', provisional: false }, 'but we may');
});

test('after a rotation the new key says where the feeds of the old one end', (t) => {
  const trust = startScript();
  trust.say(alice, verify(carol));
  const { hash } = trust.say(carol, rotate(carol, dave, [cutAt(1, 1)], tools));
  const access = accessScript();
  const cuts: AccessStatement = {
    kind: 'cut',
    key: carol.publicKey,
    revocation: hash,
    cuts: [cutAt(1, 6, 't')],
  };
  access.say(carol, cuts);
  t.like(barOfCarol(trust, access), { from: 10, reason: 'rotated', provisional: true });
  access.say(dave, cuts);
  t.like(barOfCarol(trust, access), { from: 7, reason: 'rotated', provisional: false });
});

test('the feeds of trust are barred by the cuts of the revocation itself; one that nobody ended is not', (t) => {
  const trust = startScript();
  trust.say(alice, verify(carol));
  trust.say(alice, revoke(carol, [cutAt(1, 3)]));
  const world = { trust: graphOf(alice, trust.placed), access: rulesOf(trust, accessScript()) };
  const feed = { origin: carol.publicKey, firstStamp: undefined, nextSeq: 9, kept: undefined };
  const from = (epoch: number): number | undefined =>
    barOf({ ...feed, scope: TRUST_SCOPE, epoch: epochOf(epoch) }, world)?.from;
  t.deepEqual([1, 2].map(from), [4, 1]);
  t.is(barOf({ ...feed, scope: accessScope(acme), epoch: epochOf(1) }, world)?.from, 9);
  t.is(
    barOf({ ...feed, scope: accessScope(acme), epoch: epochOf(1), origin: bob.publicKey }, world),
    undefined,
  );
});

test('a cut names timeline and annotations of a key apart, and what it does not name of either falls whole', (t) => {
  const trust = startScript();
  trust.say(alice, verify(carol));
  const revocation = trust.say(alice, revoke(carol)).hash;
  const access = accessScript();
  access.say(alice, {
    kind: 'cut',
    key: carol.publicKey,
    revocation,
    cuts: [cutAt(1, 6, 't'), cutAt(1, 2, 'n'), cutAt(2, 4, 't')],
  });
  const world = { trust: graphOf(alice, trust.placed), access: rulesOf(trust, access) };
  const feed = { origin: carol.publicKey, firstStamp: undefined, nextSeq: 9, kept: undefined };
  const from = (scope: Scope, epoch: number): number | undefined =>
    barOf({ ...feed, scope, epoch: epochOf(epoch) }, world)?.from;
  t.deepEqual(
    [1, 2].map((epoch) => from(timelineScope(acme), epoch)),
    [7, 5],
  );
  t.deepEqual(
    [1, 2].map((epoch) => from(annotationsScope(acme), epoch)),
    [3, 1],
  );
});

test('priorities, policies and rulings are the latest of those who may say so', (t) => {
  const access = accessScript();
  access.say(bob, { kind: 'policy', field: 'title', policy: 'manual' });
  access.say(alice, { kind: 'policy', field: 'title', policy: 'priority' }, { ms: 9 });
  access.say(alice, { kind: 'policy', field: 'title', policy: 'timestamp' }, { ms: 8 });
  access.say(alice, { kind: 'prioritise', keys: [carol.publicKey, bob.publicKey] });
  const rule = (hash: number): AccessStatement => ({
    kind: 'rule',
    part: 't',
    epoch: epochOf(1),
    seq: 4,
    hash: new Uint8Array(32).fill(hash),
  });
  access.say(carol, rule(1));
  access.say(bob, rule(2));
  access.say(carol, rule(3));
  const rules = rulesOf(startScript(), access);
  t.deepEqual([...rules.policies(acme)], [['title', 'priority']]);
  t.deepEqual(rules.priorities(acme), [carol, bob].map(nameOf));
  const feed = { part: 't', origin: carol.publicKey, epoch: epochOf(1) } as const;
  t.is(rules.rulingOf(acme, { ...feed, seq: 4 })?.[0], 3);
  t.is(rules.rulingOf(acme, { ...feed, seq: 5 }), undefined);
  t.false(rules.roomFor(acme, carol.publicKey, LIMITS.trustBytes + 1));
  t.true(rules.roomFor(acme, alice.publicKey, LIMITS.trustBytes + 1));
});
