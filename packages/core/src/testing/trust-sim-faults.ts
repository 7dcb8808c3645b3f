/** What befalls the nodes of a simulation of trust: cut links, lost power, old backups, slow networks and new keys. */

import type { SimNode } from './sim-node.js';
import { NAMES, type Citizen, type TrustWorld } from './trust-sim-world.js';

export interface FaultWorld extends TrustWorld {
  startLater(machine: SimNode, delayMs: number): void;
  /** What it throws is a failure of the simulation. */
  guard(work: () => Promise<void>): Promise<void>;
  slowTo(most: number): void;
}

/** One fault by chance. `beBusy` gives the node something to do that it may be interrupted in. */
export function strike(world: FaultWorld, citizen: Citizen, beBusy: () => void): void {
  const { random, network } = world;
  const { machine } = citizen;
  const dice = random.below(30);
  if (dice < 6) partition(world);
  else if (dice < 12) happen(world, 'heal', '', () => network.heal());
  else if (dice < 15) happen(world, 'cut', machine.name, () => network.cutLinks(machine.name));
  else if (dice < 19) crash(world, citizen, beBusy);
  else if (dice < 21)
    happen(world, 'jump', machine.name, () => (machine.skewMs = random.below(120_000) - 60_000));
  else if (dice < 24) slow(world);
  else if (dice < 26) backUp(world, citizen);
  else if (dice < 28) restore(world);
  else if (random.chance(60)) stop(world, citizen);
  else rotate(world, citizen);
}

function partition(world: FaultWorld): void {
  const one = NAMES.filter(() => world.random.chance(50));
  happen(world, 'partition', one.join(','), () => world.network.partition([one]));
}

function slow(world: FaultWorld): void {
  const most = world.random.pick([5, 40, 400, 2_000]);
  happen(world, 'delay', String(most), () => world.slowTo(most));
}

/** Often in the middle of what it was just told to do. */
function crash(world: FaultWorld, { machine }: Citizen, beBusy: () => void): void {
  if (!machine.isUp) return;
  const isBusy = world.random.chance(70);
  if (isBusy) beBusy();
  world.time.after(isBusy ? world.random.below(20) : 0, () => {
    if (!machine.isUp) return;
    happen(world, 'crash', machine.name, () => machine.crash());
    world.startLater(machine, world.random.below(6_000));
  });
}

function stop(world: FaultWorld, { machine }: Citizen): void {
  if (!machine.isUp) return;
  happen(world, 'stop', machine.name, () => void world.guard(() => machine.stop()));
  world.startLater(machine, 8_000 + world.random.below(6_000));
}

/** Stops the machine, and starts it again under a new key. */
function rotate(world: FaultWorld, { machine, keys }: Citizen): void {
  if (!machine.isUp) return;
  happen(world, 'rotate', machine.name, () => {
    void world.guard(async () => {
      await machine.stop();
      machine.rotate();
      keys.push(machine.keyPair.publicKey);
      world.startLater(machine, 1_000 + world.random.below(6_000));
    });
  });
}

function backUp(world: FaultWorld, citizen: Citizen): void {
  happen(world, 'backup', citizen.machine.name, () => citizen.machine.backUp());
  citizen.backedUpAtMs = world.time.nowMs;
}

/** An old copy of the data directory: what the node has promised since is not to be had of it. */
function restore(world: FaultWorld): void {
  const restorable = world.citizens.filter(({ machine }) => machine.isUp && machine.hasBackup);
  if (restorable.length === 0) return;
  const { machine, promised, backedUpAtMs } = world.random.pick(restorable);
  happen(world, 'restore', machine.name, () => {
    for (const [id, { atMs }] of promised) if (atMs >= backedUpAtMs) promised.delete(id);
    machine.crash();
    machine.restore();
  });
  world.startLater(machine, world.random.below(2_000));
}

function happen(world: FaultWorld, kind: string, detail: string, run: () => void): void {
  world.note(kind, detail);
  run();
}
