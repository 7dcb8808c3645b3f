/** R8: whatever people say while they are cut off from each other, those who know the same read the same. */

import test from 'ava';
import fc from 'fast-check';
import { isOpen, readAnnotations, type AnnotationReading, type SpanSayings } from '../dist/annotation.js';
import { formatRef, type PlacedAssertion } from '../dist/assertion.js';
import type { JsonObject } from '../dist/json.js';
import type { ConflictPolicy } from '../dist/statement.js';
import { referenceAnnotations } from '../dist/testing/annotation-reference.js';
import { Town, nameOf, type Citizen } from './annotation-town.js';

/** What one of the people does: `who` and `other` are taken modulo the size of the town. */
type Act =
  | { readonly kind: 'say'; readonly who: number; readonly patch: JsonObject }
  | { readonly kind: 'resolve'; readonly who: number; readonly pick: number }
  | { readonly kind: 'hear'; readonly who: number; readonly other: number }
  | { readonly kind: 'part'; readonly who: number; readonly other: number; readonly pick: number }
  | { readonly kind: 'bring'; readonly who: number; readonly content: number }
  | { readonly kind: 'restart'; readonly who: number }
  | { readonly kind: 'skew'; readonly who: number; readonly ms: number }
  | { readonly kind: 'pass'; readonly ms: number };

const who = fc.nat(4);
const patch: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ status: fc.constantFrom('executed', 'reverted', 'ghost') }),
  fc.record({ status: fc.constantFrom('executed', 'reverted', 'ghost') }),
  fc.record({ metadata: fc.record({ a: fc.constantFrom(1, 2, null) }) }),
  fc.record({ tags: fc.subarray(['x', 'old']) }),
  fc.record({ notes: fc.constantFrom('hm', 'oh') }),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('say' as const), who, patch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resolve' as const), who, pick: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hear' as const), who, other: who }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('part' as const), who, other: who, pick: fc.nat(9) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bring' as const), who, content: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skew' as const), who, ms: fc.nat(20_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(5_000) }) },
);
const policy = fc.constantFrom<ConflictPolicy>('timestamp', 'priority', 'manual');
const story = fc.record({
  size: fc.integer({ min: 2, max: 5 }),
  acts: fc.array(act, { maxLength: 30 }),
  status: policy,
  otherwise: policy,
});

/** Who had heard of what when he said something: kept beside the fold, from what really reached him. */
type Seen = ReadonlyMap<string, ReadonlySet<string>>;

function play({
  size,
  acts,
  status,
  otherwise,
}: {
  readonly size: number;
  readonly acts: readonly Act[];
  readonly status: ConflictPolicy;
  readonly otherwise: ConflictPolicy;
}): { readonly town: Town; readonly seen: Seen } {
  const town = new Town(size, { policies: { status }, otherwise, members: { tags: ['old'] } });
  town.rules = { ...town.rules, priorities: town.people.slice(1, 3) };
  const seen = new Map<string, ReadonlySet<string>>();
  const person = (at: number): Citizen => town.people[at % size] as Citizen;
  for (const one of acts) {
    if (one.kind === 'pass') town.pass(one.ms);
    else {
      const self = person(one.who);
      const before = new Set(self.known.keys());
      perform(self, one, person);
      for (const [id, { origin }] of self.known)
        if (!before.has(id) && origin === self.key) seen.set(id, before);
    }
  }
  return { town, seen };
}

function perform(self: Citizen, one: Exclude<Act, { kind: 'pass' }>, person: (at: number) => Citizen): void {
  switch (one.kind) {
    case 'say':
      self.say(one.patch);
      break;
    case 'resolve': {
      const { fields, identity } = self.read();
      const all = [...fields, ...(identity === undefined ? [] : [identity])].filter(isOpen);
      const field = all[one.pick % Math.max(1, all.length)];
      const candidates = field?.judgement.dispute?.candidates ?? [];
      const chosen = candidates[one.pick % Math.max(1, candidates.length)];
      if (field !== undefined && chosen !== undefined)
        self.resolve(field.field, { choose: formatRef(chosen.ref) });
      break;
    }
    case 'hear':
      self.hear(person(one.other));
      break;
    case 'part': {
      // Feeds arrive from their beginnings, and not all of them at once.
      const { known } = person(one.other);
      const from = [...known.values()].find((_, i) => i === one.pick % Math.max(1, known.size));
      for (const [id, each] of known)
        if (from !== undefined && each.origin === from.origin && isUpTo(each, from)) self.take(id, each);
      break;
    }
    case 'bring':
      self.bring(one.content);
      break;
    case 'restart':
      self.restart();
      break;
    case 'skew':
      self.skewMs = one.ms;
      break;
    default:
      one satisfies never;
  }
}

function isUpTo(each: PlacedAssertion, last: PlacedAssertion): boolean {
  const [epoch, lastEpoch] = [each.epoch[0] ?? 0, last.epoch[0] ?? 0];
  return epoch < lastEpoch || (epoch === lastEpoch && each.seq <= last.seq);
}

/** What fold and reference both tell. */
function summary(reading: AnnotationReading): unknown {
  const all = [...reading.fields, ...(reading.identity === undefined ? [] : [reading.identity])];
  return {
    values: Object.fromEntries(
      reading.fields.flatMap(({ field, judgement: { shown } }) =>
        shown === undefined ? [] : [[field, shown.value]],
      ),
    ),
    open: all
      .filter(isOpen)
      .map(({ field }) => field)
      .sort(),
    tags: reading.tags.filter(({ present }) => present).map(({ tag }) => tag),
    untagged: reading.tags.filter(({ present }) => !present).map(({ tag }) => tag),
    notes: reading.notes.map(({ assertion }) => assertion?.value),
    body: reading.body?.hash,
  };
}

function expected(said: SpanSayings, town: Town, nowMs: number): unknown {
  const { values, open, tags, untagged, notes, body } = referenceAnnotations(said, town.rulesAt(nowMs));
  const members = [...values].filter(([field]) => field !== 'identity');
  return { values: Object.fromEntries(members), open, tags, untagged, notes, body };
}

function allSaid(town: Town): SpanSayings {
  const assertions = new Map(town.people.flatMap(({ known }) => [...known]));
  const bodies = new Map(town.people.flatMap((one) => [...one.bodies]));
  return { assertions: [...assertions.values()], bodies: [...bodies.values()] };
}

test('those who know the same read the same, and as the slow reference does, in whatever order it came', (t) => {
  fc.assert(
    fc.property(story, fc.infiniteStream(fc.nat(1000)), (told, chance) => {
      const { town } = play(told);
      for (const one of town.people) {
        const said = { bodies: [...one.bodies.values()], assertions: [...one.known.values()] };
        t.deepEqual(summary(one.read()), expected(said, town, one.nowMs));
      }
      const said = allSaid(town);
      const rules = town.rulesAt(town.nowMs);
      const shuffled = {
        ...said,
        assertions: shuffle(said.assertions, chance),
        bodies: shuffle(said.bodies, chance),
      };
      t.deepEqual(readAnnotations(shuffled, rules), readAnnotations(said, rules));
      t.deepEqual(summary(readAnnotations(shuffled, rules)), expected(said, town, town.nowMs));
    }),
    { numRuns: 250 },
  );
});

test('what falls with a cut reads as if it had never been said, and the rest as the reference says', (t) => {
  fc.assert(
    fc.property(story, who, fc.nat(4), (told, ended, seq) => {
      const { town } = play(told);
      const { key } = town.people[ended % told.size] as Citizen;
      const said = allSaid(town);
      const stays = (one: { readonly origin: Uint8Array; readonly seq: number }): boolean =>
        one.origin !== key || one.seq <= seq;
      const left = { assertions: said.assertions.filter(stays), bodies: said.bodies.filter(stays) };
      t.deepEqual(summary(readAnnotations(left, town.rulesAt(town.nowMs))), expected(left, town, town.nowMs));
    }),
    { numRuns: 200 },
  );
});

test('nothing stands that somebody replaced knowingly, and nothing is lost that nobody had seen', (t) => {
  fc.assert(
    fc.property(story, (told) => {
      const { town, seen } = play({ ...told, status: 'timestamp', otherwise: 'timestamp' });
      // So late that nobody's wrong clock lies ahead any more.
      town.pass(100_000);
      const said = allSaid(town);
      const { fields } = readAnnotations(said, town.rulesAt(town.nowMs));
      for (const { field, judgement } of fields) {
        const about = said.assertions.filter(({ assertion }) => assertion.field === field);
        const unanswered = about.filter(
          (one) => !about.some((other) => seen.get(nameOf(other))?.has(nameOf(one)) === true),
        );
        const standing = judgement.standing.map(({ ref }) => nameOf({ ref })).sort();
        t.deepEqual(standing, unanswered.map(nameOf).sort());
      }
    }),
    { numRuns: 200 },
  );
});

test('manual: once all have met, one decision each closes all conflicts for everybody, until new ones come', (t) => {
  fc.assert(
    fc.property(story, fc.nat(5), (told, pick) => {
      const { town } = play({ ...told, status: 'manual', otherwise: 'manual' });
      for (const one of town.people) one.skewMs = 0;
      town.pass(100_000);
      town.meet();
      const [judge] = town.people;
      const open = (one: Citizen | undefined): number => {
        const reading = one?.read();
        const identity = reading?.identity === undefined ? [] : [reading.identity];
        return [...(reading?.fields ?? []), ...identity].filter(isOpen).length;
      };
      for (let left = open(judge); left > 0; left--) {
        if (judge === undefined) break;
        perform(judge, { kind: 'resolve', who: 0, pick }, () => judge);
        t.is(open(judge), left - 1);
      }
      town.meet();
      for (const one of town.people) t.is(open(one), 0);
      town.people.at(-1)?.say({ status: 'simulated' });
      town.meet();
      t.is(open(judge), 0);
      t.is(judge?.sees()['status'], 'simulated');
    }),
    { numRuns: 200 },
  );
});

function shuffle<T>(list: readonly T[], chance: fc.Stream<number>): readonly T[] {
  const keys = [...chance.take(list.length)];
  return list
    .map((one, i) => ({ one, key: keys[i] ?? 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ one }) => one);
}
