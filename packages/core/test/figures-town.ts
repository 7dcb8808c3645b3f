/** Two nodes in virtual time that trust each other and share everything. */

import type { ExecutionContext } from 'ava';
import { Town, type House } from './town.js';

export interface AcmeTown {
  readonly town: Town;
  readonly alice: House;
  readonly bob: House;
}

export async function acmeTown(t: ExecutionContext): Promise<AcmeTown> {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob'] });
  const bob = await town.start(t, 'bob', { peers: ['alice'] });
  await town.time.advance(5_000);
  return { town, alice, bob };
}
