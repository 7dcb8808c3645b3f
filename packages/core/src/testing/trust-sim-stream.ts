/** A follower, from the beginning or from the middle of the seed, ends up with what the reading shows, by what is withdrawn and restored. */

import type { TenantId } from '../identity.js';
import { Listener } from './trust-sim-past.js';
import type { Citizen, TrustWorld } from './trust-sim-world.js';

const STEP_MS = 50;
const STEPS_MOST = 200;

interface Expected {
  readonly tenant: TenantId;
  /** By id, the bodies that accepted entries hold. */
  readonly bodies: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Must run while the time of the world goes on. */
export async function checkStream(
  world: TrustWorld,
  citizen: Citizen,
  expected: Expected,
): Promise<string | undefined> {
  const { tenant } = expected;
  if (citizen.machine.node === undefined) return undefined;
  const anew = await catchUp(world, citizen, { expected, listener: new Listener(world) });
  if (anew !== undefined) return anew;
  const earlier = world.past.listeners.get(`${citizen.machine.name} ${tenant}`);
  if (earlier === undefined) return undefined;
  if (earlier.cursor !== 'start') world.saw('late_follower');
  const late = await catchUp(world, citizen, { expected, listener: earlier });
  return late === undefined ? undefined : `from the middle on ${late}`;
}

async function catchUp(
  world: TrustWorld,
  citizen: Citizen,
  { expected, listener }: { readonly expected: Expected; readonly listener: Listener },
): Promise<string | undefined> {
  const { tenant, bodies } = expected;
  const signal = new AbortController();
  const listening = listener.listen(citizen, tenant, signal.signal);
  const pause = (): Promise<void> => new Promise((resolve) => void world.time.after(STEP_MS, resolve));
  let wrong: string | undefined = 'nothing was told';
  for (let i = 0; i < STEPS_MOST && wrong !== undefined; i++) {
    await pause();
    wrong = difference(listener.told, bodies);
  }
  // More may follow what looks complete.
  await pause();
  wrong ??= difference(listener.told, bodies);
  signal.abort();
  await listening;
  const { twice } = listener;
  return wrong ?? (twice === undefined ? undefined : `a follower is told twice: ${twice}`);
}

function difference(
  told: ReadonlyMap<string, ReadonlySet<string>>,
  bodies: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  for (const [id, known] of told) {
    for (const body of known)
      if (bodies.get(id)?.has(body) !== true) return `a follower keeps what is not accepted: ${body}`;
  }
  for (const [id, wanted] of bodies) {
    for (const body of wanted)
      if (told.get(id)?.has(body) !== true) return `a follower is not told of ${id}: ${body}`;
  }
  return undefined;
}
