/** The simulation grown by trust: operators verify, revoke, release and grant by chance amid faults, and all must add up. */

import { createTools } from '../node/system.js';
import { LoglineError } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { MemoryNetwork } from './memory-link.js';
import { SeededRandom } from './seeded-random.js';
import type { PlantedBug, SimNode } from './sim-node.js';
import type { SimulationReport } from './simulation.js';
import { operate } from './trust-sim-acts.js';
import { checkAll, describeCitizen } from './trust-sim-checks.js';
import { strike, type FaultWorld } from './trust-sim-faults.js';
import { Past } from './trust-sim-past.js';
import { settle, TENANTS, underTightLimits, type Citizen } from './trust-sim-world.js';
import { VirtualTime } from './virtual-time.js';

export interface TrustSimulationOptions {
  readonly seed: number;
  readonly bug?: PlantedBug;
  /** Random steps before the heal. */
  readonly steps?: number;
  /** Told of everything that happens, one line each: for replaying a seed by eye. */
  readonly onTrace?: (line: string) => void;
}

const STEPS = 45;
/** Peers that could not be reached are dialled again within 30 s. */
const HEAL_MS = 35_000;
const PATIENCE_MS = 200_000;
const LOOK_MS = 5_000;
const QUIET_MS = 40_000;
/** Heartbeats and dials of those who are not let in; measured, times two. */
const QUIET_FRAMES = 1_000;

/** Runs one seed, most of them under tight bounds. Never throws for what it finds: the report says it. One at a time. */
export async function simulateTrust(options: TrustSimulationOptions): Promise<SimulationReport> {
  const run = (): Promise<SimulationReport> => new TrustSimulation(options).run();
  return options.seed % 4 === 0 ? run() : underTightLimits(run);
}

class TrustSimulation implements FaultWorld {
  readonly random: SeededRandom;
  readonly time = new VirtualTime();
  readonly network: MemoryNetwork;
  readonly citizens: readonly Citizen[];
  readonly links: FaultWorld['links'];
  readonly outsider: Citizen | undefined;
  readonly past = new Past();
  readonly #options: TrustSimulationOptions;
  readonly #fired: Record<string, number> = {};
  readonly #trace: string[] = [];
  #failure: string | undefined;
  #spans = 0;
  #frames = 0;

  constructor(options: TrustSimulationOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    const clock = this.time.clock({ skewMs: () => 0, isAlive: () => true });
    this.network = new MemoryNetwork({ clock, random: this.random });
    this.slowTo(40);
    const settled = settle({
      random: this.random,
      time: this.time,
      network: this.network,
      seed: options.seed,
      bug: options.bug ?? {},
      onEvent: (who, event) => this.#onEvent(who, event),
    });
    this.citizens = settled.citizens;
    this.links = settled.links;
    this.outsider = settled.outsider;
  }

  async run(): Promise<SimulationReport> {
    await this.guard(async () => {
      for (const { machine } of this.citizens) await this.#inTime(this.#start(machine));
      this.#listAll();
      await this.time.advance(5_000);
      const steps = this.#options.steps ?? STEPS;
      for (let step = 0; step < steps; step++) {
        if (step === Math.floor(steps / 2)) this.#followSome();
        this.#act();
        await this.time.advance(this.random.below(1_500));
      }
      await this.#heal();
      await this.#rest();
      await this.#comeBack();
    });
    const { crypto, text } = createTools();
    const hash = crypto.sha256(...this.#trace.map((line) => text.encode(`${line}\n`)));
    this.#countPortFaults();
    const traceHash = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { seed: this.#options.seed, traceHash, fired: this.#fired, failure: this.#failure };
  }

  note(kind: string, detail: string): void {
    this.#fired[kind] = (this.#fired[kind] ?? 0) + 1;
    this.#record(`${kind} ${detail}`);
  }

  saw(kind: string): void {
    this.#fired[`saw_${kind}`] = (this.#fired[`saw_${kind}`] ?? 0) + 1;
  }

  fail(reason: string): void {
    this.#failure ??= reason;
    this.#record(`failure ${reason.split('\n')[0]}`);
  }

  /** Peers that the configuration does not name are listed by hand. */
  #listAll(): void {
    for (const { machine, configured } of this.citizens) {
      for (const link of this.links) {
        const other = link.find((name) => name !== machine.name);
        if (other === undefined || !link.includes(machine.name) || configured.includes(other)) continue;
        machine.node?.trust({ address: other }).catch((error: unknown) => this.fail(String(error)));
      }
    }
  }

  /** At each node somebody follows one tenant for a moment. */
  #followSome(): void {
    for (const [i, citizen] of this.citizens.entries()) {
      const tenant = TENANTS[(i + this.#options.seed) % TENANTS.length];
      if (tenant !== undefined) this.past.follow(this, citizen, tenant);
    }
  }

  #act(): void {
    const { random } = this;
    const citizen = random.pick(this.citizens);
    const dice = random.below(100);
    if (dice < 34) return this.#append(citizen);
    if (dice < 70) return operate(this, citizen);
    strike(this, citizen, () => {
      this.#append(citizen);
      operate(this, citizen);
    });
  }

  #append(citizen: Citizen): void {
    const { machine, promised } = citizen;
    const running = machine.node;
    if (running === undefined) return;
    const { random } = this;
    const tenant = random.pick(TENANTS);
    const count = random.chance(15) ? 12 : 1 + random.below(3);
    const spans = Array.from({ length: count }, () => this.#span(tenant));
    this.note('append', machine.name);
    running.append(spans).then(
      ({ outcomes }) => {
        for (const [i, { id }] of spans.entries()) {
          const outcome = outcomes[i]?.outcome ?? 'none';
          this.note(outcome, machine.name);
          if (outcome === 'rejected') this.fail(`a good span was rejected: ${outcomes[i]?.error}`);
          else promised.set(id, { tenant, atMs: this.time.nowMs });
        }
      },
      () => this.note('append_failed', machine.name),
    );
  }

  /** Mostly a new one; now and then one that was sent before, somewhere, with the same body or another. */
  #span(tenant: string): { readonly id: string; readonly [member: string]: unknown } {
    const { random } = this;
    const isOld = this.#spans > 0 && random.chance(8);
    const number = isOld ? random.below(this.#spans) : this.#spans++;
    return {
      // A tenant's ids are its own: the same number is another span in another one.
      id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
      timestamp: `2025-10-0${1 + (number % 3)}T0${number % 7}:00:00Z`,
      logline_id: 'logline-id://app/sim',
      title: isOld && random.chance(40) ? `another ${this.#spans} of ${number}` : `span ${number}`,
      tenant_id: tenant,
    };
  }

  /** From now on a message is under way for so long at most; all are counted. */
  slowTo(most: number): void {
    this.network.delay(() => {
      this.#frames++;
      return 1 + this.random.below(most);
    });
  }

  startLater(machine: SimNode, delayMs: number): void {
    this.time.after(delayMs, () => {
      if (!machine.isUp) void this.guard(() => this.#start(machine));
    });
  }

  async #start(machine: SimNode): Promise<void> {
    try {
      if (await machine.start()) this.#record(`start ${machine.name}`);
    } catch (error) {
      if (!(error instanceof LoglineError && error.code === 'disk_failed')) throw error;
      this.note('start_failed', machine.name);
      this.startLater(machine, 2_000);
    }
  }

  /** Faults end; in time everything that may flow has, and everything that must not has not. */
  async #heal(): Promise<void> {
    this.#record('end of faults');
    for (const { machine } of this.citizens) machine.skewMs = 0;
    this.network.heal();
    this.slowTo(20);
    await this.time.advance(HEAL_MS);
    await this.#until('no agreement', () => checkAll(this));
    for (const citizen of this.citizens)
      this.#record(
        `${citizen.machine.name} ${await this.#inTime(describeCitizen(citizen, { brief: true }))}`,
      );
  }

  /** Once all has flowed, nobody has anything to do. */
  async #rest(): Promise<void> {
    if (this.#failure !== undefined) return;
    const bytes = (): readonly number[] =>
      this.citizens.map(({ machine }) => machine.storage?.figures().logBytes ?? 0);
    const before = bytes();
    this.#frames = 0;
    await this.time.advance(QUIET_MS);
    const grown = this.citizens.filter((_, i) => bytes()[i] !== before[i]).map(({ machine }) => machine.name);
    if (grown.length > 0) this.fail(`${grown.join(', ')} still wrote to the log when all was quiet`);
    if (this.#frames > QUIET_FRAMES)
      this.fail(`${this.#frames} frames in ${QUIET_MS / 1000} s of quiet, at most ${QUIET_FRAMES}`);
  }

  /** What a node says is the same after a restart, and when its index is built anew. */
  async #comeBack(): Promise<void> {
    if (this.#failure !== undefined) return;
    const describe = (): Promise<readonly string[]> =>
      Promise.all(this.citizens.map((citizen) => describeCitizen(citizen, { brief: false })));
    const before = await this.#inTime(describe());
    for (const { machine } of this.citizens) {
      await this.#inTime(machine.stop());
      const isRebuilt = this.random.chance(50);
      if (isRebuilt) machine.index.restore(new Map());
      this.note(isRebuilt ? 'rebuild' : 'restart', machine.name);
      await this.#inTime(this.#start(machine));
    }
    await this.time.advance(HEAL_MS);
    await this.#until('another answer after a restart', async () => {
      const after = await describe();
      const i = after.findIndex((text, at) => text !== before[at]);
      return i < 0
        ? undefined
        : `${this.citizens[i]?.machine.name}: ${firstDifference(before[i] ?? '', after[i] ?? '')}`;
    });
    await this.#until('after a restart', () => checkAll(this));
  }

  async #until(what: string, wrong: () => Promise<string | undefined>): Promise<void> {
    const deadline = this.time.nowMs + PATIENCE_MS;
    while (this.#failure === undefined) {
      const found = await this.#inTime(wrong());
      if (found === undefined) return;
      if (this.time.nowMs > deadline) this.fail(`${what}, ${PATIENCE_MS / 1000} s later: ${found}`);
      await this.time.advance(LOOK_MS);
    }
  }

  async guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  /** Reading takes simulated time too. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    void work.catch(() => undefined).then(() => (isOver = true));
    for (let i = 0; i < 100_000 && !isOver; i++) await this.time.advance(5);
    return work;
  }

  #onEvent(name: string, event: NodeEvent): void {
    if (event.kind === 'entry_gated') return;
    this.#record(`${name} ${event.kind}`);
    if (event.kind === 'feed_forked') this.fail(`${name} saw an honest feed fork at ${event.seq}`);
    if (event.kind === 'entry_refused')
      this.fail(`${name} refused an honest entry: ${event.check}: ${event.reason}`);
  }

  #record(line: string): void {
    const stamped = `${this.time.nowMs} ${line}`;
    this.#trace.push(stamped);
    this.#options.onTrace?.(stamped);
  }

  #countPortFaults(): void {
    Object.assign(this.#fired, this.network.faults);
    for (const { machine } of this.citizens) {
      for (const [name, count] of Object.entries({ ...machine.disk.faults, ...machine.index.faults }))
        this.#fired[name] = (this.#fired[name] ?? 0) + count;
    }
  }
}

/** The lines around the first place where two descriptions part. */
function firstDifference(before: string, after: string): string {
  const [was, is] = [before.split('\n'), after.split('\n')];
  const at = was.findIndex((line, i) => line !== is[i]);
  return at < 0 ? `more: ${is[was.length]}` : `was ${was[at]} / is ${is[at]}`;
}
