/** What an operator cuts and releases at one node: reports, gaps, and whose word counts. */

import test from 'ava';
import { LIMITS } from '../dist/limits.js';
import { toKey } from '../dist/bytes.js';
import { feedKeyOf } from '../dist/feed.js';
import { accessScope, fingerprintOf, TRUST_SCOPE } from '../dist/identity.js';
import { acceptedRanges } from '../dist/holdings.js';
import { sealStatements } from '../dist/statement.js';
import { introduce, revoke, verify } from '../dist/testing/trust-script.js';
import { acme, bob, carol, epoch, NOON_MS, person, Writer } from './forge.js';
import { KeepingNode } from './keeping-node.js';

const HEADS = { from: 'heads' } as const;

test('what is cut right behind a gap is released like anything else', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  const [gapped, whole] = [new Writer(bob), new Writer(bob, { epoch: epoch(2) })];
  for (let seq = 1; seq <= 8; seq++) gapped.write({ doc: seq < 5 ? 1 : 5 });
  await node.take(...gapped.written.slice(0, 2), ...gapped.written.slice(4), whole.write(), whole.write());
  const key = feedKeyOf(gapped.written[0]?.header ?? t.fail());
  // Somebody who holds entry 4 cuts there; so does this node's own word.
  await node.write(async (pen) => {
    const { hash } = await pen.seal(TRUST_SCOPE, [revoke(bob)]);
    const cuts = [{ part: 't' as const, epoch: gapped.epoch, seq: 4, hash: gapped.written[3]?.hash ?? hash }];
    await pen.seal(accessScope(acme), [{ kind: 'cut', key: bob.publicKey, revocation: hash, cuts }]);
  });
  t.is(node.feed(key).bar?.from, 5);
  const other = (await node.operator.quarantine()).find(({ entries }) => entries === 2);
  await node.operator.release({ key: bob.publicKey, feed: other?.feed });
  t.deepEqual(
    (await node.operator.quarantine()).map(({ from, to }) => [from, to]),
    [[5, 8]],
    'the feed with the gap stays cut where it was',
  );
  const report = await node.operator.release({ key: bob.publicKey, to: 6 });
  t.deepEqual([report.entries, node.feed(key).bar?.from], [2, 7]);
  await node.operator.release({ key: bob.publicKey });
  t.deepEqual(
    acceptedRanges(node.feed(key)).map(({ from, to }) => [from, to]),
    [
      [1, 2],
      [5, 8],
    ],
  );
  await node.close();
});

test('a report counts what falls into quarantine, and no statements', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  const spans = new Writer(bob);
  const words = new Writer(bob, { scope: TRUST_SCOPE });
  const value = sealStatements([introduce(carol)]);
  await node.take(spans.write(), spans.write(), words.write({ spans: [], value, header: { count: 1 } }));
  const report = await node.operator.revoke({ key: bob.publicKey, from: 'all' });
  t.deepEqual([report.entries, report.spans], [2, 2]);
  t.deepEqual(
    report.feeds.map(({ feed, heldTo, entries }) => `${feed.split('/')[0]} ${heldTo} ${entries}`).sort(),
    ['timeline 2 2', 'trust 1 0'],
  );
  await node.close();
});

test('who is followed does not cut lower under our own revocation, but by one of his own', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob), verify(carol)]));
  const spans = new Writer(bob);
  await node.take(spans.write(), spans.write(), spans.write());
  const key = feedKeyOf(spans.written[0]?.header ?? t.fail());
  await node.operator.revoke({ key: bob.publicKey, ...HEADS });
  const [end] = node.keeper.graph.endsOf(fingerprintOf(bob.publicKey)).revocations;
  const cut = {
    kind: 'cut' as const,
    key: bob.publicKey,
    revocation: end?.facts[0].hash ?? t.fail(),
    cuts: [],
  };
  const ofCarol = new Writer(carol, { scope: accessScope(acme) });
  const stamp = { ms: NOON_MS + 1000, count: 0 };
  await node.take(ofCarol.write({ spans: [], stamp, value: sealStatements([cut]), header: { count: 1 } }));
  await node.keeper.settled();
  t.is(node.feed(key).bar?.from, 4, 'she changes nothing under a revocation that is not hers');
  const word = new Writer(carol, { scope: TRUST_SCOPE });
  const revocation = word.write({
    spans: [],
    stamp,
    value: sealStatements([revoke(bob)]),
    header: { count: 1 },
  });
  const under = { ...cut, revocation: revocation.hash };
  await node.take(
    revocation,
    ofCarol.write({ spans: [], stamp, value: sealStatements([under]), header: { count: 1 } }),
  );
  await node.keeper.settled();
  t.is(node.feed(key).bar?.from, 1, 'the lowest of several binding cuts counts');
  await node.close();
});

test('whom this node verified itself it lets in only while he is listed, at any depth', async (t) => {
  const dave = person('dave');
  for (const depth of [1, 2]) {
    const node = await KeepingNode.start({ trust: { depth, vouchers: 1 } });
    await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
    const word = new Writer(bob, { scope: TRUST_SCOPE });
    await node.take(word.write({ spans: [], value: sealStatements([verify(dave)]), header: { count: 1 } }));
    t.is(node.keeper.trusts(dave.publicKey), depth === 2, 'who is vouched for need not be listed');
    t.false(node.keeper.trusts(bob.publicKey), `nobody lists him, depth ${depth}`);
    node.book.list('bob', { key: bob.publicKey, method: 'signature', source: 'configured' });
    t.true(node.keeper.trusts(bob.publicKey));
    await node.close();
  }
});

test('operators hear of the first claim to be a primary, and of rivals whom a trusted key names', async (t) => {
  const node = await KeepingNode.start({ access: { tenants: [acme] } });
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  const designate = async (pen: Writer, key: Uint8Array): Promise<void> => {
    const value = sealStatements([{ kind: 'designate', key }]);
    await node.take(pen.write({ spans: [], value, header: { count: 1 } }));
    await node.keeper.settled();
  };
  const [ofBob, ofStranger] = [bob, carol].map((by) => new Writer(by, { scope: accessScope(acme) }));
  if (ofBob === undefined || ofStranger === undefined) return t.fail();
  await designate(ofStranger, carol.publicKey);
  t.deepEqual(node.events, [], 'anybody could say so');
  await designate(ofBob, bob.publicKey);
  const primary = fingerprintOf(bob.publicKey);
  t.deepEqual(node.events.splice(0), [{ kind: 'primary_accepted', tenant: acme, primary }]);
  await designate(ofStranger, carol.publicKey);
  await designate(ofBob, new Uint8Array(32));
  t.deepEqual(node.events.splice(0), [], 'a stranger names no rival, and nobody is none');
  await designate(ofBob, carol.publicKey);
  const claimed = fingerprintOf(carol.publicKey);
  await designate(ofBob, carol.publicKey);
  t.deepEqual(node.events, [{ kind: 'primary_refused', tenant: acme, claimed, by: primary, primary }]);
  await node.close();
});

test('what is granted or designated already is not stated again', async (t) => {
  const node = await KeepingNode.start({ access: { tenants: [] } });
  const grant = (read: boolean): ReturnType<typeof node.operator.grant> =>
    node.operator.grant(acme, bob.publicKey, { read, write: true });
  const answer = await grant(true);
  const { entries } = node;
  t.deepEqual(await grant(true), answer);
  t.is(node.entries, entries);
  await grant(false);
  await grant(true);
  t.is(node.entries, entries + 2, 'a change, and one back, are news');
  const designated = await node.operator.designate(acme, bob.publicKey);
  t.deepEqual(await node.operator.designate(acme, bob.publicKey), designated);
  t.is(node.entries, entries + 3);
  await node.operator.designate(acme, carol.publicKey);
  t.is(node.entries, entries + 4);
  await node.close();
});

test('a rotation of a node that was started very often names its newest feeds', async (t) => {
  const node = await KeepingNode.start();
  const many = LIMITS.cutsPerRotation + 20;
  const value = sealStatements([introduce(bob)]);
  const begun = Array.from({ length: many }, (_, n) => {
    const pen = new Writer(carol, {
      scope: TRUST_SCOPE,
      epoch: Uint8Array.of(n >> 8, n & 255, 1, 1, 1, 1, 1, 1),
    });
    // In the order of keys the newest stand in the middle.
    const ms = NOON_MS - Math.abs(n - many / 2);
    return pen.write({ spans: [], value, stamp: { ms, count: 0 }, header: { count: 1 } });
  });
  for (let from = 0; from < many; from += 100) await node.take(...begun.slice(from, from + 100));
  await node.rotateFrom(carol);
  const [end] = node.keeper.graph.endsOf(fingerprintOf(carol.publicKey)).rotations;
  const named = begun.filter(({ header }) => end?.cuts.has(toKey(header.epoch)));
  t.is(named.length, LIMITS.cutsPerRotation - 1);
  t.deepEqual([begun.indexOf(named[0] ?? t.fail()), begun.indexOf(named.at(-1) ?? t.fail())], [11, 521]);
  await node.close();
});

test('of a key that was taken back it is told once that we verified it', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  for (let times = 0; times < 2; times++) {
    await node.operator.revoke({ key: bob.publicKey, ...HEADS });
    await node.operator.readmit(bob.publicKey);
  }
  const kinds = node.keeper.graph.why(fingerprintOf(bob.publicKey)).map(({ kind }) => kind);
  t.deepEqual(kinds, ['verified_by_us', 'overridden', 'overridden', 'awaits_their_word']);
  await node.close();
});

test('every edge of the graph leads from and to one of its nodes, and who was revoked is one of them', async (t) => {
  const node = await KeepingNode.start();
  const dave = person('dave');
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob), revoke(dave)]));
  const word = new Writer(bob, { scope: TRUST_SCOPE });
  const stranger = person('stranger');
  const value = sealStatements([introduce(carol), revoke(stranger)]);
  const ofCarol = new Writer(carol, { scope: TRUST_SCOPE });
  await node.take(
    word.write({ spans: [], value, header: { count: 2 } }),
    ofCarol.write({ spans: [], value: sealStatements([verify(person('unheard of'))]), header: { count: 1 } }),
  );
  const { nodes, edges } = node.operator.trustGraph();
  const shown = new Map(nodes.map(({ fingerprint, level }) => [fingerprint, level]));
  for (const { from, to } of edges) t.true(shown.has(from) && shown.has(to), `${from} to ${to}`);
  t.is(edges.length, 4);
  for (const key of [dave, stranger]) t.is(shown.get(fingerprintOf(key.publicKey)), 'revoked');
  await node.close();
});
