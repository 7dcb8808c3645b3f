/** Trust that ends on one side of a partition, while the other side begins to trust: real processes, and the same answers after it. */

import { eventually } from '@logline/federation-core/testing';
import type { Quarantine } from 'logline-federation-client';
import test from 'ava';
import type { LogLine } from './support/server-process.js';
import { Door } from './support/trust-door.js';
import { acquaint, dated, nowhere, Site, together } from './support/trust-site.js';

const ACME = 'acme';
/** When the story takes place, and the date that carol writes on what she writes after the revocation. */
const [NOW, BEFORE] = [2025, 2001];

test('a node that is revoked on one side of a partition and verified on the other is cut at one place on both after it, and re-admitted writes on', async (t) => {
  t.timeout(120_000);
  const [alice, bob, carol] = await Promise.all([
    Site.open(t, { name: 'alice' }),
    Site.open(t, { name: 'bob' }),
    Site.open(t, { name: 'carol' }),
  ]);
  const cable = await Door.open(t, bob);
  const [toAlice, toBob] = [await Door.open(t, alice), await Door.open(t, bob)];
  await acquaint(alice, bob, cable);
  await acquaint(carol, alice, toAlice);

  // Bob has the first ones through alice; the cable is cut; alice alone has the next ones.
  const [early, apart] = [
    [dated(1, NOW), dated(2, NOW)],
    [dated(3, NOW), dated(4, NOW)],
  ];
  await carol.write(ACME, ...early);
  await alice.comesToShow(ACME, early);
  await bob.comesToShow(ACME, early);
  cable.shut();
  await eventually('the partition is noticed', async () => !(await alice.isConnectedTo(bob)));
  await carol.write(ACME, ...apart);
  await alice.comesToShow(ACME, [...early, ...apart]);

  const wish = { peer_id: carol.fingerprint, from: 'heads' } as const;
  const foreseen = await alice.client.trust.revoke({ ...wish, dry_run: true });
  t.true(await alice.isConnectedTo(carol), 'a dry run ends nothing');
  const [report] = await Promise.all([
    alice.client.trust.revoke({ ...wish, reason: 'its key was stolen' }),
    acquaint(carol, bob, toBob),
  ]);
  t.deepEqual({ ...report, revocation: null }, foreseen, 'what was foreseen is what was done');
  t.deepEqual(
    alice.lines.flatMap(endOrAnswer).slice(-2),
    [`the session with ${carol.fingerprint} ended: revoked`, 'the revocation was answered'],
    'nothing of hers comes in any more when the operator has the answer',
  );

  // She writes on under her old dates: in the feed that was cut, and in one that nobody who cut has seen.
  const backdated = [dated(11, BEFORE), dated(12, BEFORE)];
  await carol.write(ACME, ...backdated);
  await bob.comesToShow(ACME, [...backdated, ...early, ...apart]);
  await carol.crash();
  await together(bob, carol);
  const unseen = [dated(13, BEFORE), dated(14, BEFORE), dated(15, BEFORE)];
  await carol.write(ACME, ...unseen);
  await bob.comesToShow(ACME, [...backdated, ...unseen, ...early, ...apart]);
  const own = { alice: dated(21, NOW), bob: dated(22, NOW) };
  await alice.write(ACME, own.alice);
  await bob.write(ACME, own.bob);
  t.is(await bob.levelOf(carol), 'verified');
  t.is(await alice.levelOf(carol), 'revoked');

  cable.unlock();
  await alice.client.discover();
  const agreed = [...early, ...apart, own.alice, own.bob];
  await alice.comesToShow(ACME, agreed);
  await bob.comesToShow(ACME, agreed);
  await eventually('bob follows alice', async () => (await bob.levelOf(carol)) === 'revoked');
  t.false(await bob.isConnectedTo(carol));
  t.is(bob.lines.flatMap(endOrAnswer).at(-1), `the session with ${carol.fingerprint} ended: revoked`);
  const story = await alice.exported(ACME);
  t.is(story.split('\n').length - 1, agreed.length);
  t.is(await bob.exported(ACME), story, 'byte for byte');

  const quarantine = await bob.client.quarantine.list();
  t.deepEqual(summaryOf(quarantine), [
    { fingerprint: carol.fingerprint, entries: 2, spans: 2, from: 5, reason: 'revoked', provisional: false },
    { fingerprint: carol.fingerprint, entries: 3, spans: 3, from: 1, reason: 'revoked', provisional: false },
  ]);
  t.deepEqual((await alice.client.quarantine.list()).feeds, [], 'bob does not pass it on');

  await Promise.all([alice.crash(), bob.crash()]);
  await Promise.all([toAlice.leadTo(alice), toBob.leadTo(bob), cable.leadTo(bob)]);
  await alice.client.discover();
  await together(alice, bob);
  for (const node of [alice, bob]) {
    t.is(await node.exported(ACME), story, `${node.name} shows the same after a crash`);
    t.is(await node.levelOf(carol), 'revoked');
    t.false(await node.isConnectedTo(carol));
  }
  t.deepEqual(await bob.client.quarantine.list(), quarantine, 'and keeps the same out');

  // Each takes her back by its own word. She starts anew, and what was cut stays out.
  for (const node of [alice, bob])
    await node.client.establishTrust({
      peer_address: nowhere(carol),
      fingerprint: carol.fingerprint,
      readmit: true,
    });
  await carol.crash();
  await together(alice, carol);
  await together(bob, carol);
  const fresh = dated(31, NOW);
  await carol.write(ACME, fresh);
  for (const node of [alice, bob]) await node.comesToShow(ACME, [...agreed, fresh]);
  t.is(await alice.exported(ACME), await bob.exported(ACME));
  t.deepEqual(summaryOf(await bob.client.quarantine.list()), summaryOf(quarantine));
  t.deepEqual((await alice.client.quarantine.list()).feeds, [], 'alice was never given it');
});

/** What the log says of ends of sessions and of revocations that were more than a dry run. */
function endOrAnswer(line: LogLine): readonly string[] {
  const { event, fingerprint, code, path, summary } = line;
  if (event === 'peer_disconnected')
    return [`the session with ${String(fingerprint)} ended: ${String(code)}`];
  const isAnswer = path === '/v1/trust/revoke' && String(summary).startsWith('revoke ');
  return event === 'admin_act' && isAnswer ? ['the revocation was answered'] : [];
}

function summaryOf({ feeds }: Quarantine): readonly object[] {
  return feeds
    .filter(({ tenant_id: tenant }) => tenant === ACME)
    .map(({ fingerprint, entries, spans, from, reason, provisional }) => ({
      fingerprint,
      entries,
      spans,
      from,
      reason,
      provisional,
    }))
    .toSorted((a, b) => a.entries - b.entries);
}
