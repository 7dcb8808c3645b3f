/** T13: what each event does to a key of each level. Every pair has an outcome, and this is the whole table. */

import test from 'ava';
import type { KeyPair } from '../dist/ports.js';
import { introduce, revoke, rotate, type StatementScript, verify } from '../dist/testing/trust-script.js';
import { alice, bob, carol, person, tools } from './forge.js';
import { graphOf, nameOf, startScript } from './trust-graphs.js';

const dave = person('dave');
const erin = person('erin');

/** Alice looks at bob. She follows carol, and does not know dave; erin is the key that bob may rotate to. */
const STARTS: Readonly<Record<string, (script: StatementScript) => void>> = {
  unknown: () => undefined,
  pending: (script) => void script.say(alice, verify(bob)),
  verified: (script) => {
    script.say(alice, verify(bob));
    script.say(bob, verify(alice));
  },
  'revoked here': (script) => {
    script.say(alice, verify(bob));
    script.say(bob, verify(alice));
    script.say(alice, revoke(bob, []));
  },
  'revoked by carol': (script) => {
    script.say(alice, verify(bob));
    script.say(bob, verify(alice));
    script.say(carol, revoke(bob, []));
  },
  rotated: (script) => {
    script.say(alice, verify(bob));
    script.say(bob, verify(alice));
    script.say(bob, rotate(bob, erin, [], tools));
  },
};

const revocationsOf = (script: StatementScript, key: KeyPair): readonly Uint8Array[] =>
  script.placed
    .filter(({ statement }) => statement.kind === 'revoke' && statement.key === key.publicKey)
    .map((one) => one.hash);

const EVENTS: Readonly<Record<string, (script: StatementScript) => void>> = {
  nothing: () => undefined,
  'carol introduces it': (script) => void script.say(carol, introduce(bob)),
  'alice verifies it': (script) => void script.say(alice, verify(bob)),
  'alice verifies it, naming what revoked it': (script) =>
    void script.say(alice, verify(bob, revocationsOf(script, bob))),
  'it verifies alice': (script) => void script.say(bob, verify(alice), { epoch: 2 }),
  'it verifies itself': (script) => void script.say(bob, verify(bob), { epoch: 2 }),
  'carol verifies it': (script) => void script.say(carol, verify(bob)),
  'a stranger verifies it': (script) => void script.say(dave, verify(bob)),
  'alice revokes it': (script) => void script.say(alice, revoke(bob)),
  'carol revokes it': (script) => void script.say(carol, revoke(bob)),
  'a stranger revokes it': (script) => void script.say(dave, revoke(bob)),
  'it revokes itself': (script) => void script.say(bob, revoke(bob), { epoch: 2 }),
  'it revokes alice': (script) => void script.say(bob, revoke(alice), { epoch: 2 }),
  'it rotates': (script) => void script.say(bob, rotate(bob, erin, [], tools), { epoch: 2 }),
  'it rotates to another key too': (script) =>
    void script.say(bob, rotate(bob, dave, [], tools), { epoch: 2 }),
  'alice revokes carol': (script) => void script.say(alice, revoke(carol)),
  'it revokes carol': (script) => void script.say(bob, revoke(carol), { epoch: 2 }),
};

const ORDER = ['unknown', 'pending', 'verified', 'revoked here', 'revoked by carol', 'rotated'];

/** Bob's level after the event, in the order of ORDER: unknown, pending, verified, revoked. */
const OUTCOMES: Readonly<Record<string, string>> = {
  nothing: 'u p v r r r',
  'carol introduces it': 'u p v r r r',
  'alice verifies it': 'p p v r r r',
  // Cut at nothing, what bob said before is out: he says again that he trusts alice, in hello or in a new feed.
  'alice verifies it, naming what revoked it': 'p p v p p r',
  'it verifies alice': 'u v v r r r',
  'it verifies itself': 'u p v r r r',
  'carol verifies it': 'u p v r r r',
  'a stranger verifies it': 'u p v r r r',
  'alice revokes it': 'r r r r r r',
  'carol revokes it': 'r r r r r r',
  'a stranger revokes it': 'u p v r r r',
  'it revokes itself': 'r r r r r r',
  // Its own word that it does not trust alice: she goes on trusting it, and waits.
  'it revokes alice': 'u p p r r r',
  'it rotates': 'r r r r r r',
  'it rotates to another key too': 'r r r r r r',
  // Carol said it before she was cut at nothing, which alice's revocation of her does to it.
  'alice revokes carol': 'u p v r v r',
  // Bob and carol revoke one another in the last but one: both stand.
  'it revokes carol': 'u p v r r r',
};

for (const event of Object.keys(EVENTS)) {
  test(`T13: ${event}, at each level`, (t) => {
    const expected = OUTCOMES[event]?.split(' ');
    const levels = ORDER.map((start) => {
      const script = startScript();
      script.say(alice, verify(carol));
      STARTS[start]?.(script);
      EVENTS[event]?.(script);
      return graphOf(alice, script.placed).levelOf(nameOf(bob)).slice(0, 1);
    });
    t.deepEqual(levels, expected);
  });
}

test('T13: the table has a row for each event and a column for each start', (t) => {
  t.deepEqual(Object.keys(OUTCOMES), Object.keys(EVENTS));
  t.deepEqual(ORDER, Object.keys(STARTS));
});
