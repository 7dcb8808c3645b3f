/** Helpers of the tests of annotations: three people, and what one of them reads. */

import type { ExecutionContext } from 'ava';
import { disputedFields, isOpen } from '../dist/annotation.js';
import { formatRef } from '../dist/assertion.js';
import type { Why } from '../dist/claims.js';
import type { ConflictPolicy } from '../dist/statement.js';
import { Town, type Citizen, type TownRules } from './annotation-town.js';

type Three = readonly [Citizen, Citizen, Citizen];

export function town(rules: TownRules = {}): { readonly town: Town; readonly people: Three } {
  const here = new Town(3, rules);
  return { town: here, people: here.people as unknown as Three };
}

/** Alice says executed and then bob, who has not heard of it, reverted. */
export function disagree(policy: ConflictPolicy): { readonly town: Town; readonly people: Three } {
  const all = town({ otherwise: policy });
  const [alice, bob] = all.people;
  alice.say({ status: 'executed' });
  all.town.pass(1000);
  bob.say({ status: 'reverted' });
  all.town.meet();
  return all;
}

export function whys(one: Citizen, field = 'status'): readonly Why[] {
  const found = one.read().fields.find((reading) => reading.field === field);
  return found?.judgement.verdicts.map(({ why }) => why) ?? [];
}

export function openFields(one: Citizen): readonly string[] {
  return disputedFields(one.read())
    .filter((field) => isOpen(field))
    .map(({ field }) => field);
}

export function candidates(one: Citizen): readonly string[] {
  const found = disputedFields(one.read())[0]?.judgement.dispute?.candidates ?? [];
  return found.map(({ ref }) => formatRef(ref));
}

export function say(t: ExecutionContext, one: Citizen, patch: Parameters<Citizen['say']>[0]): void {
  const plan = one.say(patch);
  t.is(plan.kind, 'say', JSON.stringify(plan));
}
