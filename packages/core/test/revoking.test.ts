/** What an operator cuts and releases at one node: reports, gaps, and whose word counts. */

import test from 'ava';
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
