/** A follower from the beginning: with what is withdrawn and restored it ends up with what the reading shows. */

import type { TenantId } from '../identity.js';
import { createTools } from '../node/system.js';
import type { Citizen, TrustWorld } from './trust-sim-world.js';

const TOOLS = createTools();
const STEP_MS = 50;
const STEPS_MOST = 200;

/** Must run while the time of the world goes on. */
export async function checkStream(
  world: TrustWorld,
  { machine }: Citizen,
  expected: {
    readonly tenant: TenantId;
    /** By id, the bodies that accepted entries hold. */
    readonly bodies: ReadonlyMap<string, ReadonlySet<string>>;
  },
): Promise<string | undefined> {
  const { tenant, bodies } = expected;
  const timeline = machine.node?.timeline(tenant);
  if (timeline === undefined) return undefined;
  const told = new Map<string, Set<string>>();
  const signal = new AbortController();
  let twice: string | undefined;
  const listen = async (): Promise<void> => {
    for await (const event of timeline.follow({ after: 'start', signal: signal.signal })) {
      if (event.kind === 'reset' || event.kind === 'annotated' || event.kind === 'conflict') continue;
      if (event.kind === 'withdrawn') {
        told.delete(event.id);
        world.saw('withdrawn');
        continue;
      }
      if (event.kind === 'restored') world.saw('restored');
      const body = TOOLS.text.decode(event.span) ?? '';
      const known = told.get(event.id) ?? new Set();
      if (event.kind === 'span' && known.has(body)) twice ??= body;
      told.set(event.id, known.add(body));
    }
  };
  const listening = listen();
  const pause = (): Promise<void> => new Promise((resolve) => void world.time.after(STEP_MS, resolve));
  let wrong: string | undefined = 'nothing was told';
  for (let i = 0; i < STEPS_MOST && wrong !== undefined; i++) {
    await pause();
    wrong = difference(told, bodies);
  }
  // More may follow what looks complete.
  await pause();
  wrong ??= difference(told, bodies);
  signal.abort();
  await listening;
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
