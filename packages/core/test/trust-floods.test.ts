/** What peers who are trusted, and mean harm, may make a node keep and state: each of them so much, and no key escapes its end. */

import test, { type ExecutionContext } from 'ava';
import { AccessRules } from '../dist/access.js';
import { parseTenant, TRUST_SCOPE, type TenantId } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import type { KeyPair } from '../dist/ports.js';
import { Committer } from '../dist/shell/committer.js';
import { planCuts } from '../dist/shell/cutting.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { openStatements, sealStatements, type AccessStatement } from '../dist/statement.js';
import { LogStore } from '../dist/store/store.js';
import { introduce, StatementScript, verify } from '../dist/testing/trust-script.js';
import { MemoryDisk, MemoryIndex } from '../dist/testing/index.js';
import {
  acceptedEntry,
  acme,
  alice,
  bob,
  carol,
  NOON_MS,
  person,
  seeded,
  span,
  tools,
  Writer,
} from './forge.js';
import { graphOf, nameOf } from './trust-graphs.js';

function tenantNumber(n: number): TenantId {
  return parseTenant(`tenant-${n}`) ?? acme;
}

function grantTo(key: KeyPair): AccessStatement {
  return { kind: 'grant', key: key.publicKey, read: true, write: true };
}

/** Alice's rules; she trusts bob. */
function rulesOfAlice(): AccessRules {
  const trust = new StatementScript(tools);
  trust.say(alice, verify(bob));
  return new AccessRules({ trust: graphOf(alice, trust.placed), settings: { tenants: '*' } });
}

test('asking about tenants that do not exist leaves nothing behind', (t) => {
  const rules = rulesOfAlice();
  for (let n = 0; n < 1_000; n++) {
    t.true(rules.mayWrite(tenantNumber(n), nameOf(carol)));
    t.true(rules.rightsOf(tenantNumber(n), nameOf(bob)).read);
    t.true(rules.roomFor(tenantNumber(n), bob.publicKey, 0));
  }
  t.is(rules.tenantsKept, 0);
  rules.add(acme, new StatementScript<AccessStatement>(tools, 'access').say(alice, grantTo(bob)));
  t.true(rules.rightsOf(acme, nameOf(bob)).write);
  t.is(rules.tenantsKept, 1);
});

test('the room of an origin is one for all tenants, and strangers share theirs', (t) => {
  const rules = rulesOfAlice();
  const script = new StatementScript<AccessStatement>(tools, 'access');
  for (let n = 0; n < LIMITS.trustStatements; n++)
    rules.add(tenantNumber(n), script.say(bob, grantTo(carol)));
  t.false(rules.roomFor(acme, bob.publicKey, 0), 'bob has named ten thousand tenants');
  t.true(rules.roomFor(acme, carol.publicKey, 0));
  const crowd = Array.from({ length: 4 }, (_, n) => person(`stranger ${n}`));
  for (const stranger of crowd)
    for (let n = 0; n < LIMITS.trustStatements; n++) rules.add(acme, script.say(stranger, grantTo(carol)));
  t.false(rules.roomFor(acme, carol.publicKey, 0), 'another key is another stranger');
  t.true(rules.roomFor(acme, alice.publicKey, 0));
});

async function openStore(t: ExecutionContext): Promise<LogStore> {
  const { index } = new MemoryIndex().reopen();
  const store = await LogStore.open({ disk: new MemoryDisk(), index, tools, random: seeded(1) });
  t.teardown(() => store.close());
  return store;
}

function committerOn(storage: LogStore): { readonly committer: Committer; readonly table: HoldingsTable } {
  const table = new HoldingsTable(storage.feeds());
  const clock = { now: () => NOON_MS, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
  const committer = new Committer({
    storage,
    table,
    tools,
    clock,
    keyPair: alice,
    onCommit: () => undefined,
  });
  return { committer, table };
}

test('a key that began any number of feeds is still cut by one statement that everybody can read', async (t) => {
  const storage = await openStore(t);
  const value = sealStatements([introduce(carol)]);
  const many = 2 * LIMITS.cutsPerStatement + 300;
  for (let n = 1; n <= many; n++) {
    const epoch = Uint8Array.of(n >> 8, n & 255, 1, 1, 1, 1, 1, 1);
    const pen = new Writer(bob, { scope: TRUST_SCOPE, epoch });
    // Those begun later come first in the order of keys.
    const stamp = { ms: NOON_MS - n, count: 0 };
    await storage.commit([
      { kind: 'entry', entry: acceptedEntry(pen.write({ spans: [], value, stamp, header: { count: 1 } })) },
    ]);
  }
  const world = { feeds: () => storage.feeds(), storage, crypto: tools.crypto };
  const planned = await planCuts(bob.publicKey, 'heads', world);
  t.is(planned.length, many);
  const named = planned.map(({ cut }) => cut).filter(({ seq }) => seq > 0);
  t.is(named.length, 2 * LIMITS.cutsPerStatement);
  t.true(
    named.every(({ epoch: [high = 0, low = 0] }) => high * 256 + low <= named.length),
    'the newest stay',
  );
});

test('statements that nobody could read are not written, and take nothing else with them', async (t) => {
  const { committer, table } = committerOn(await openStore(t));
  const hashes = Array.from({ length: LIMITS.overriddenRevocations }, () => new Uint8Array(32));
  const long = Array.from({ length: 100 }, () => verify(bob, hashes));
  t.false(openStatements(sealStatements(long), TRUST_SCOPE).ok);
  const [appended, written, after] = await Promise.allSettled([
    committer.append(acme, [span(1)]),
    committer.write((pen) => pen.seal(TRUST_SCOPE, long)),
    committer.append(acme, [span(2)]),
  ]);
  t.deepEqual(
    [appended.status, written.status, after.status],
    ['fulfilled', 'rejected', 'fulfilled'],
    'what fails fails alone',
  );
  t.is([...table.feeds()].length, 1);
  await committer.close();
});
