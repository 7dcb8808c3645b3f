/** What operators do by chance in a simulation of trust: each act through the same face that routes and commands use. */

import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import { lastRange, splitFeedKey } from '../feed.js';
import { tenantOfAccess, TRUST_SCOPE, type TenantId } from '../identity.js';
import type { FederationNode } from '../node.js';
import { ACME, GLOBEX, INITECH, keyOf, type Citizen, type TrustWorld } from './trust-sim-world.js';
import type { RevokeFrom } from '../shell/operator-view.js';

/** Errors that tell an operator why nothing was done, and those of a machine that stops meanwhile. */
const CLEAR: ReadonlySet<string> = new Set([
  'bad_request',
  'unknown_peer',
  'revoked',
  'disk_failed',
  'read_only',
  'closed',
]);

/** A key that was revoked is cut off within this time. */
const CUT_OFF_MS = 1_000;

/** One act of an operator at this node, begun and not waited for. */
export function operate(world: TrustWorld, citizen: Citizen): void {
  const { random } = world;
  const { node } = citizen.machine;
  if (node === undefined) return;
  const other = random.pick(world.citizens.filter((one) => one !== citizen));
  const dice = random.below(100);
  if (dice < 12) list(world, { citizen, node, other });
  else if (dice < 24) readmit(world, { citizen, node, other });
  else if (dice < 28) unlist(world, { citizen, node, other });
  else if (dice < 44) revoke(world, { citizen, node, other });
  else if (dice < 50) quarrel(world, { citizen, node, other });
  else if (dice < 64) release(world, { citizen, node, other });
  else if (dice < 80) grant(world, { citizen, node, other });
  else if (dice < 90) ungrant(world, { citizen, node, other });
  else designate(world, { citizen, node, other });
}

interface Scene {
  readonly citizen: Citizen;
  readonly node: FederationNode;
  readonly other: Citizen;
}

function list(world: TrustWorld, { citizen, node, other }: Scene): void {
  carryOut(world, citizen, ['list', other.machine.name], () => node.trust({ address: other.machine.name }));
}

function unlist(world: TrustWorld, { citizen, node, other }: Scene): void {
  const { name } = other.machine;
  // One that is configured is back after a restart, which is no question of trust.
  if (citizen.configured.includes(name)) return;
  carryOut(world, citizen, ['unlist', name], () => node.unlist(name));
}

function readmit(world: TrustWorld, { citizen, node, other }: Scene): void {
  const revoked = world.citizens.filter(
    (one) => one !== citizen && relationTo(node, one)?.level === 'revoked',
  );
  const chosen = revoked.length > 0 ? world.random.pick(revoked) : other;
  carryOut(world, citizen, ['readmit', chosen.machine.name], () =>
    node.operator.readmit(chosen.machine.keyPair.publicKey),
  );
}

function revoke(world: TrustWorld, scene: Scene): void {
  const { citizen, node, other } = scene;
  const key = other.machine.keyPair.publicKey;
  const dice = world.random.below(3);
  if (dice === 2) {
    revokeSomewhere(world, scene);
    return;
  }
  const from = dice === 0 ? 'heads' : 'all';
  carryOut(
    world,
    citizen,
    [`revoke_${from}`, other.machine.name],
    () => node.operator.revoke({ key, from }),
    {
      after: () => watchCutOff(world, { citizen, node, other }),
    },
  );
}

/** At any entry of each feed, as a dry run lists them. */
function revokeSomewhere(world: TrustWorld, scene: Scene): void {
  const { citizen, node, other } = scene;
  const key = other.machine.keyPair.publicKey;
  const act = async (): Promise<void> => {
    const { feeds } = await node.operator.revoke({ key, from: 'heads', dryRun: true });
    const from: RevokeFrom = new Map(
      feeds.map(({ feed, heldTo }) => [feed, world.random.below(heldTo + 1)] as const),
    );
    await node.operator.revoke({ key, from, reason: 'by chance' });
  };
  carryOut(world, citizen, ['revoke_seq', other.machine.name], act, {
    after: () => watchCutOff(world, scene),
  });
}

/** Two nodes that are cut off from each other and revoke each other at once. */
function quarrel(world: TrustWorld, { citizen, node, other }: Scene): void {
  const theirs = other.machine.node;
  if (theirs === undefined) return;
  world.network.partition([[citizen.machine.name]]);
  const from = world.random.pick(['heads', 'all'] as const);
  carryOut(world, citizen, ['quarrel', other.machine.name], () =>
    node.operator.revoke({ key: other.machine.keyPair.publicKey, from }),
  );
  carryOut(world, other, ['quarrel', citizen.machine.name], () =>
    theirs.operator.revoke({ key: citizen.machine.keyPair.publicKey, from: 'heads' }),
  );
}

function release(world: TrustWorld, { citizen, node }: Scene): void {
  const { random } = world;
  const act = async (): Promise<void> => {
    const listed = (await node.operator.quarantine()).filter(({ reason }) => reason === 'revoked');
    if (listed.length === 0) {
      world.note('release_nothing', '');
      return;
    }
    const { fingerprint, feed, from, to } = random.pick(listed);
    const key = node.operator.keyOf(fingerprint);
    if (key === undefined) {
      world.fail(`a quarantined key is not known by its fingerprint ${fingerprint}`);
      return;
    }
    const upTo = random.chance(50) ? undefined : from - 1 + random.below(to - from + 2);
    const before = standOf(citizen, key);
    await node.operator.release({ key, ...(random.chance(60) && { feed, to: upTo }) });
    const lowered = whatFell(before, standOf(citizen, key));
    if (lowered !== undefined)
      world.fail(`${citizen.machine.name} released something of ${fingerprint}, and ${lowered}`);
    world.saw('release_watched');
    world.note('released', citizen.machine.name);
  };
  carryOut(world, citizen, ['release', ''], act);
}

function grant(world: TrustWorld, { citizen, node, other }: Scene): void {
  const tenant = tenantFor(world, other);
  const rights = world.random.pick([
    { read: true, write: true },
    { read: true, write: true },
    { read: true, write: false },
    { read: false, write: true },
  ]);
  if (rights.write && isPrimary(citizen, tenant)) world.past.noteWriter(tenant, other.machine.name);
  const detail = `${other.machine.name} ${tenant} ${rights.read ? 'r' : ''}${rights.write ? 'w' : ''}`;
  carryOut(world, citizen, ['grant', detail], () =>
    node.operator.grant(tenant, other.machine.keyPair.publicKey, rights),
  );
}

function ungrant(world: TrustWorld, { citizen, node, other }: Scene): void {
  const tenant = world.random.pick([ACME, GLOBEX, INITECH]);
  carryOut(world, citizen, ['ungrant', `${other.machine.name} ${tenant}`], () =>
    node.operator.grant(tenant, other.machine.keyPair.publicKey, { read: false, write: false }),
  );
}

function designate(world: TrustWorld, { citizen, node }: Scene): void {
  const { random } = world;
  const tenant = random.pick([ACME, GLOBEX]);
  const primary = random.pick(world.citizens);
  carryOut(world, citizen, ['designate', `${primary.machine.name} ${tenant}`], () =>
    node.operator.designate(tenant, primary.machine.keyPair.publicKey),
  );
}

/** Whether the configuration of all names this node as a tenant's primary. */
export function isPrimary({ settings, keys }: Citizen, tenant: TenantId): boolean {
  const primary = settings.primaries?.get(tenant);
  return primary !== undefined && keys.some((key) => equalBytes(key, primary));
}

/** Nobody ever grants the outsider anything of the tenant whose primary is configured. */
function tenantFor(world: TrustWorld, other: Citizen): TenantId {
  return world.random.pick(other === world.outsider ? [ACME, GLOBEX] : [ACME, GLOBEX, INITECH]);
}

function relationTo(node: FederationNode, other: Citizen): { readonly level: string } | undefined {
  return node.operator.relationships().find(({ fingerprint }) => fingerprint === keyOf(other));
}

/** No session outlives the revocation of its key for long. */
function watchCutOff(world: TrustWorld, { citizen, node, other }: Scene): void {
  const key = keyOf(other);
  world.time.after(CUT_OFF_MS, () => {
    if (citizen.machine.node !== node || relationTo(node, other)?.level !== 'revoked') return;
    const peer = node.peers().find(({ fingerprint }) => fingerprint === key);
    if (peer?.status === 'connected')
      world.fail(`${citizen.machine.name} is connected to ${other.machine.name}, whom it revoked`);
  });
}

function carryOut(
  world: TrustWorld,
  citizen: Citizen,
  [kind, detail]: readonly [string, string],
  act: () => Promise<unknown>,
  { after }: { readonly after?: () => void } = {},
): void {
  const { name } = citizen.machine;
  world.note(kind, `${name} ${detail}`);
  act().then(
    () => {
      world.note('act_done', `${name} ${kind}`);
      after?.();
    },
    (error: unknown) => {
      if (error instanceof LoglineError && CLEAR.has(error.code))
        world.note('act_refused', `${name} ${kind}: ${error.code}`);
      else
        world.fail(
          `${name} could not ${kind} ${detail}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
        );
    },
  );
}

interface Stand {
  /** By feed of one key, the first number that trust bars. */
  readonly bars: ReadonlyMap<string, number>;
  /** How many statements of others are held, and how many revocations of this node's own: they may bar something too. */
  readonly others: number;
}

function standOf({ machine, keys }: Citizen, key: Uint8Array): Stand {
  const bars = new Map<string, number>();
  let others = 0;
  for (const feed of machine.storage?.feeds() ?? []) {
    const parts = splitFeedKey(feed.key);
    if (parts === undefined) continue;
    const isOwn = keys.some((one) => equalBytes(one, parts.origin));
    const isAccess = tenantOfAccess(parts.scope) !== undefined;
    if (parts.scope === TRUST_SCOPE || (isAccess && !isOwn)) others += lastRange(feed)?.to ?? 0;
    // A bar behind all that is held takes nothing away.
    const endsAt = (lastRange(feed)?.to ?? 0) + 1;
    if (!isAccess && equalBytes(parts.origin, key) && feed.ranges.length > 0)
      bars.set(feed.key, Math.min(feed.bar?.from ?? endsAt, endsAt));
  }
  return { bars, others };
}

/** A feed of which less counts than before; `undefined` where that may have other reasons than the release. */
function whatFell(before: Stand, after: Stand): string | undefined {
  if (before.others !== after.others) return undefined;
  const [fell] = [...before.bars].filter(([feed, from]) => (after.bars.get(feed) ?? from) < from);
  return fell && `a feed that was barred from ${fell[1]} on is barred from ${after.bars.get(fell[0])}`;
}
