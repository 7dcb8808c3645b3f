/** Statements: what is written can be read back, and nothing else can be read. */

import test from 'ava';
import fc from 'fast-check';
import { decodeCbor, encodeCbor, type Cbor } from '../dist/cbor.js';
import { LIMITS } from '../dist/limits.js';
import {
  openStatements,
  sealStatements,
  type CutPart,
  type EpochCut,
  type Statement,
} from '../dist/statement.js';

const SCOPES = { trust: 'trust', access: 'access/acme', acts: 'acts' } as const;
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hash = key;
const name = fc.stringMatching(/^[a-z]{1,20}$/);
const text = fc.string({ maxLength: 80 });
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function cuts(...parts: readonly CutPart[]): fc.Arbitrary<readonly EpochCut[]> {
  const epoch = fc.uint8Array({ minLength: 8, maxLength: 8 });
  return fc.uniqueArray(fc.record({ part: fc.constantFrom(...parts), epoch, seq, hash }), {
    maxLength: 5,
    selector: (cut) => `${cut.part}${cut.epoch.join()}`,
  });
}

const KINDS: Readonly<Record<keyof typeof SCOPES, readonly fc.Arbitrary<Statement>[]>> = {
  trust: [
    fc.record({ kind: fc.constant('introduce' as const), key, name, address: text }),
    fc.record({
      kind: fc.constant('verify' as const),
      key,
      name,
      method: fc.constantFrom('signature' as const, 'certificate' as const),
      over: fc.array(hash, { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('revoke' as const), key, cuts: cuts('-'), reason: text }),
    fc.record({
      kind: fc.constant('rotate' as const),
      key,
      cuts: cuts('-'),
      proof: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    }),
  ],
  access: [
    fc.record({ kind: fc.constant('designate' as const), key }),
    fc.record({ kind: fc.constant('grant' as const), key, read: fc.boolean(), write: fc.boolean() }),
    fc.record({ kind: fc.constant('prioritise' as const), keys: fc.array(key, { maxLength: 4 }) }),
    fc.record({
      kind: fc.constant('policy' as const),
      field: text,
      policy: fc.constantFrom('timestamp' as const, 'priority' as const, 'manual' as const),
    }),
    fc.record({ kind: fc.constant('cut' as const), key, revocation: hash, cuts: cuts('t', 'n', 'a') }),
    fc.record({
      kind: fc.constant('rule' as const),
      part: fc.constantFrom('t' as const, 'a' as const),
      epoch: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      seq: fc.integer({ min: 1, max: 1000 }),
      hash,
    }),
  ],
  acts: [
    fc.record({ kind: fc.constant('act' as const), caller: text, action: text, detail: text, outcome: text }),
  ],
};

for (const [family, kinds] of Object.entries(KINDS)) {
  const scope = SCOPES[family as keyof typeof SCOPES];

  test(`statements of ${family} are read back as they were written, and only in their scope`, (t) => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 6 }), (statements) => {
        const value = sealStatements(statements);
        const opened = openStatements(value, scope);
        t.deepEqual(opened, { ok: true, statements });
        for (const other of Object.values(SCOPES))
          if (other !== scope) t.false(openStatements(value, other).ok);
        t.false(openStatements(value, 'timeline/acme').ok);
      }),
      { numRuns: 300 },
    );
  });

  test(`a statement of ${family} with a member too many, too few, or of another type is refused`, (t) => {
    fc.assert(
      fc.property(fc.oneof(...kinds), fc.nat(), (statement, chance) => {
        const [list] = decodeCbor(sealStatements([statement])) as readonly (readonly Cbor[])[];
        const members = list ?? [];
        const at = 1 + (chance % (members.length - 1));
        // A number where none is expected, and below zero where one is.
        const broken: readonly (readonly Cbor[])[] = [
          [...members, 1],
          members.slice(0, -1),
          members.with(at, -1),
          members.with(0, 'unheard_of'),
        ];
        for (const one of broken) t.false(openStatements(encodeCbor([one]), scope).ok);
      }),
      { numRuns: 300 },
    );
  });
}

test('a value that is not deterministic CBOR, too long or of too many statements is refused', (t) => {
  const act = (detail: string): Statement => ({
    kind: 'act',
    caller: 'operator',
    action: 'revoke',
    detail,
    outcome: 'done',
  });
  const many = (count: number): Uint8Array => sealStatements(Array.from({ length: count }, () => act('x')));
  t.true(openStatements(many(LIMITS.statementsPerEntry), 'acts').ok);
  t.false(openStatements(many(LIMITS.statementsPerEntry + 1), 'acts').ok);
  t.true(openStatements(sealStatements([act('x'.repeat(LIMITS.actChars))]), 'acts').ok);
  t.false(openStatements(sealStatements([act('x'.repeat(LIMITS.actChars + 1))]), 'acts').ok);
  t.false(openStatements(new Uint8Array(LIMITS.statementsBytes + 1), 'acts').ok);
  // The same list with its length in one byte more than needed.
  const value = sealStatements([act('x')]);
  t.false(openStatements(Uint8Array.of(0x98, 1, ...value.subarray(1)), 'acts').ok);
  t.false(openStatements(encodeCbor('acts'), 'acts').ok);
});

test('a feed that is cut twice in one statement is refused, for which of the two would count', (t) => {
  const cut: EpochCut = { part: '-', epoch: new Uint8Array(8), seq: 1, hash: new Uint8Array(32) };
  const revoke = (list: readonly EpochCut[]): Uint8Array =>
    sealStatements([{ kind: 'revoke', key: new Uint8Array(32), cuts: list, reason: '' }]);
  t.true(openStatements(revoke([cut]), 'trust').ok);
  t.false(openStatements(revoke([cut, { ...cut, seq: 2 }]), 'trust').ok);
  t.false(openStatements(revoke([{ ...cut, part: 't' }]), 'trust').ok, 'a tenant feed is not named in trust');
});
