/** What the trust graph costs under attack, how much it keeps, and how it is shown. */

import test from 'ava';
import { LIMITS } from '../dist/limits.js';
import { gatherCrowd } from '../dist/testing/trust-crowd.js';
import { cutAt, introduce, revoke, StatementScript, verify } from '../dist/testing/trust-script.js';
import { sentenceOf } from '../dist/trust-view.js';
import { alice, bob, carol, person, tools } from './forge.js';
import { graphOf, nameOf } from './trust-graphs.js';

const dave = person('dave');

test('T12: a hundred keys that vouch for one another in a circle lift nobody, and cost nothing', (t) => {
  const script = new StatementScript(tools);
  const sybils = Array.from({ length: 100 }, (_, n) => person(`sybil ${n}`));
  script.say(alice, verify(bob));
  const given = { depth: 5, vouchers: 1, follow: true };
  const graph = graphOf(alice, script.placed, given);
  t.is(graph.levelOf(nameOf(bob), true), 'verified');
  const before = graph.steps;
  const crowd = new StatementScript(tools, 'crowd');
  for (const [n, sybil] of sybils.entries()) {
    for (let next = 1; next <= 20; next++) crowd.say(sybil, verify(sybils[(n + next) % 100] ?? sybil));
    crowd.say(sybil, verify(alice));
    crowd.say(sybil, revoke(bob));
  }
  const { version } = graph;
  for (const one of crowd.placed) {
    graph.add(one);
    graph.levelOf(nameOf(bob), true);
  }
  t.is(graph.steps - before, crowd.placed.length, 'one step for each statement');
  t.true(graph.version - version <= 200, 'only what they say of us is worth another look');
  for (const sybil of sybils) t.is(graph.levelOf(nameOf(sybil), true), 'unknown');
  t.is(graph.levelOf(nameOf(bob), true), 'verified');
});

test('ten thousand revocations of a key with ten thousand of its own are settled in a bounded number of steps', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol]) script.say(alice, verify(key));
  for (let n = 0; n < 5_000; n++) {
    script.say(bob, revoke(carol, [cutAt(n % 250, 1)]), { epoch: n % 250 });
    script.say(carol, revoke(bob, [cutAt(n % 250, 1)]), { epoch: n % 250 });
  }
  const graph = graphOf(alice, script.placed);
  const before = graph.steps;
  t.deepEqual(
    [bob, carol].map((key) => graph.levelOf(nameOf(key), true)),
    ['revoked', 'revoked'],
  );
  t.true(graph.steps - before < 6 * script.placed.length, `${graph.steps - before} steps`);
});

test('a followed key makes none of its revocations of others cost an evaluation from scratch', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol]) script.say(alice, verify(key));
  for (let n = 0; n < 1_000; n++) script.say(alice, introduce(person(`known ${n}`)));
  const graph = graphOf(alice, script.placed);
  t.is(graph.levelOf(nameOf(carol), true), 'verified');
  const said = new StatementScript(tools, 'said');
  graph.add(said.say(bob, revoke(carol)));
  t.is(graph.levelOf(nameOf(carol), true), 'revoked');
  const before = graph.steps;
  for (let n = 0; n < 500; n++) {
    graph.add(said.say(bob, revoke(n % 2 === 0 ? person(`known ${n}`) : carol)));
    t.is(graph.levelOf(nameOf(n % 2 === 0 ? person(`known ${n}`) : carol), true), 'revoked');
  }
  t.true(graph.steps - before <= 3 * 500, `${graph.steps - before} steps`);
});

test('an origin, and strangers together, have so much room and no more', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  for (let n = 0; n < LIMITS.trustStatements; n++) script.say(bob, introduce(carol));
  const graph = graphOf(alice, script.placed.slice(0, -1));
  t.true(graph.roomFor(bob.publicKey, 100));
  for (const one of script.placed.slice(-1)) graph.add(one);
  t.false(graph.roomFor(bob.publicKey, 100));
  t.true(graph.roomFor(alice.publicKey, LIMITS.trustBytes + 1));
  t.false(graph.roomFor(dave.publicKey, LIMITS.trustBytes + 1));
  const crowd = new StatementScript(tools, 'crowd');
  for (let n = 0; n < LIMITS.trustStrangers; n++) crowd.say(person(`stranger ${n}`), introduce(alice));
  for (const one of crowd.placed) {
    t.true(graph.roomFor(one.origin, 100));
    graph.add(one);
  }
  t.false(graph.roomFor(dave.publicKey, 100), 'one stranger too many');
  t.true(graph.roomFor(carol.publicKey, 100), 'bob has introduced carol');
  graph.add(new StatementScript(tools, 'more').say(alice, introduce(person('stranger 1'))));
  t.true(graph.roomFor(dave.publicKey, 100), 'one of them is no stranger any more');
});

test('those whose word counts for nothing share one room, though a trusted key names them all', (t) => {
  const script = new StatementScript(tools);
  const crowd = Array.from({ length: 5 }, (_, n) => person(`sybil ${n}`));
  script.say(alice, verify(bob));
  for (const sybil of crowd) script.say(bob, introduce(sybil));
  const graph = graphOf(alice, script.placed);
  const said = new StatementScript(tools, 'crowd');
  for (const sybil of crowd.slice(0, 4)) {
    t.true(graph.roomFor(sybil.publicKey, LIMITS.trustBytes));
    graph.add(said.say(sybil, introduce(carol)), LIMITS.trustBytes);
    t.false(graph.roomFor(sybil.publicKey, 1));
  }
  for (const one of [...crowd, dave]) t.false(graph.roomFor(one.publicKey, 1), 'four times what one has');
  t.true(graph.roomFor(bob.publicKey, LIMITS.trustBytes / 2), 'bob is trusted, and has his own');
  graph.add(new StatementScript(tools, 'more').say(alice, verify(crowd[0] ?? bob)));
  t.true(graph.roomFor(dave.publicKey, LIMITS.trustBytes), 'one of them counts from now on, and makes room');
  graph.add(said.say(dave, introduce(carol)), LIMITS.trustBytes);
  t.false(graph.roomFor(carol.publicKey, 1), 'what comes in between is counted too');
});

test('every reason is a sentence, and an edge says whether anything rests on it', (t) => {
  const { root, script, people } = gatherCrowd({ seed: 5, people: 60, statements: 1500 }, tools);
  const graph = graphOf(root, script.placed, { depth: 3, vouchers: 2, follow: true });
  const kinds = new Set<string>();
  for (const node of graph.nodes()) {
    t.deepEqual(graph.why(node.fingerprint), node.why);
    for (const reason of node.why) {
      kinds.add(reason.kind);
      t.regex(
        sentenceOf(reason, (key) => key.slice(0, 6)),
        /^[A-Za-z0-9].{10,}$/,
      );
    }
  }
  t.true(kinds.size >= 9, [...kinds].join());
  const edges = [...graph.edges()];
  t.true(
    edges.length > 1000 && edges.some((edge) => edge.effective) && edges.some((edge) => !edge.effective),
  );
  const revoked = people.map(nameOf).filter((key) => graph.levelOf(key) === 'revoked');
  const ended = new Set(
    edges.filter((edge) => edge.effective && edge.kind === 'revoke').map((edge) => edge.to),
  );
  for (const key of ended) t.true(revoked.includes(key));
});
