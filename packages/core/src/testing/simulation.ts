/** The seeded simulation: real nodes on memory ports, random work and faults, then a heal after which all must agree. */

import { createTools } from '../node/system.js';
import { LoglineError } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { LIMITS } from '../limits.js';
import { MemoryNetwork } from './memory-link.js';
import { SeededRandom } from './seeded-random.js';
import { SimAnnotations } from './sim-annotations.js';
import { checkAgreement, describeState, type Issued } from './sim-checks.js';
import { SimNode, type PlantedBug } from './sim-node.js';
import { SimSpans } from './sim-spans.js';
import { VirtualTime } from './virtual-time.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly bug?: PlantedBug;
  /** Random steps before the heal. */
  readonly steps?: number;
  /** Told of everything that happens, one line each: for replaying a seed by eye. */
  readonly onTrace?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  /** SHA-256 over the trace, in hex: the same seed gives the same one. */
  readonly traceHash: string;
  /** How often each fault fired, and each kind of work was done. */
  readonly fired: Readonly<Record<string, number>>;
  /** What was broken; `undefined` if nothing was. */
  readonly failure: string | undefined;
}

const NAMES = ['alice', 'bob', 'carol', 'dave'];
const TENANTS = ['acme', 'globex'];
const STEPS = 60;
const HEAL_MS = 180_000;
const LOOK_MS = 2_000;

/** Bounds so low that small histories reach them: segments end, files roll over, batches of rows leave memory. */
const TIGHT = {
  segmentSpans: 8,
  batchSpans: 4,
  entriesPerWant: 8,
  entriesFrameBytes: 2048,
  indexRows: 100,
  logFileBytes: 16 * 1024,
  batchCacheBytes: 64 * 1024,
  feedsListed: 4,
  compareFanout: 3,
  pageSpans: 100,
};

/** Runs one seed, most of them under tight bounds. Never throws for what it finds: the report says it. One at a time. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const limits: Record<string, number> = LIMITS;
  const usual = { ...limits };
  if (options.seed % 4 !== 0) Object.assign(limits, TIGHT);
  try {
    return await new Simulation(options).run();
  } finally {
    // A planted bug may have changed other bounds, which stay as they are.
    for (const name of Object.keys(TIGHT)) limits[name] = usual[name] ?? 0;
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #time = new VirtualTime();
  readonly #network: MemoryNetwork;
  readonly #nodes: SimNode[];
  readonly #spans: SimSpans;
  readonly #fired: Record<string, number> = {};
  readonly #trace: string[] = [];
  readonly #annotations: SimAnnotations;
  #failure: string | undefined;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#spans = new SimSpans(this.#random);
    const clock = this.#time.clock({ skewMs: () => 0, isAlive: () => true });
    this.#network = new MemoryNetwork({
      clock,
      random: this.#random,
      delayMs: () => 1 + this.#random.below(40),
    });
    this.#annotations = new SimAnnotations({
      random: this.#random,
      count: (name) => this.#count(name),
      record: (line) => this.#record(line),
      fail: (reason) => this.#fail(reason),
    });
    const { policy, priorities } = this.#annotations;
    const names = NAMES.slice(0, 3 + this.#random.below(2));
    // A line or a full mesh: in a line, what the ends write is relayed.
    const isLine = this.#random.chance(50);
    this.#nodes = names.map((name, i) => {
      const peers = names.filter((_, j) => i !== j && (!isLine || Math.abs(i - j) === 1));
      const seed = options.seed * 101 + i;
      return new SimNode({
        name,
        peers,
        seed,
        time: this.#time,
        network: this.#network,
        bug: options.bug ?? {},
        settings: { conflictPolicy: policy, primaryNodes: priorities },
        onEvent: (who, event) => this.#onEvent(who, event),
      });
    });
    this.#annotations.rank(this.#nodes);
  }

  async run(): Promise<SimulationReport> {
    await this.#guard(async () => {
      for (const node of this.#nodes) await this.#inTime(this.#start(node));
      await this.#time.advance(3_000);
      for (let step = 0; step < (this.#options.steps ?? STEPS); step++) {
        this.#act();
        await this.#time.advance(this.#random.below(1_500));
      }
      await this.#heal();
    });
    const { crypto, text } = createTools();
    const hash = crypto.sha256(...this.#trace.map((line) => text.encode(`${line}\n`)));
    this.#countPortFaults();
    const traceHash = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { seed: this.#options.seed, traceHash, fired: this.#fired, failure: this.#failure };
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  #act(): void {
    const random = this.#random;
    const node = random.pick(this.#nodes);
    const dice = random.below(100);
    if (dice < 40) return this.#append(node);
    if (dice < 52) return this.#annotate();
    if (dice < 58) return this.#partition();
    if (dice < 65) return this.#note('heal', '', () => this.#network.heal());
    if (dice < 70) return this.#note('cut', node.name, () => this.#network.cutLinks(node.name));
    if (dice < 77) return this.#crash(node);
    if (dice < 80)
      return this.#note('jump', node.name, () => (node.skewMs = random.below(240_000) - 120_000));
    if (dice < 84) return this.#slow();
    if (dice < 88) return this.#note('backup', node.name, () => node.backUp());
    if (dice < 94) return this.#restore(node);
    if (dice < 97) return this.#stop(node);
    return this.#failDisk(node);
  }

  #annotate(): void {
    const tenant = this.#random.pick(TENANTS);
    const ids = this.#spans.ofTenant(tenant).map(({ id }) => id);
    // A few are spoken of again and again, and some before they are there.
    const later = this.#spans.idToCome();
    this.#annotations.act(this.#nodes, tenant, [...ids.slice(0, 2), ...ids.slice(-1), later]);
  }

  #append(node: SimNode): void {
    const running = node.node;
    if (running === undefined) return;
    const random = this.#random;
    const tenant = random.pick(TENANTS);
    const size = random.chance(6) ? 120 : random.chance(25) ? 20 : 1 + random.below(3);
    const spans: Issued[] = [];
    for (let i = 0; i < size; i++) spans.push(this.#spans.next(tenant));
    const count = (name: string): void => this.#count(name);
    count('append');
    running.append(spans.map((span) => ({ ...span.bodies.at(-1), tenant_id: tenant }))).then(
      (report) => {
        this.#record(`ack ${node.name} ${report.outcomes.map((outcome) => outcome.outcome[0]).join('')}`);
        for (const [i, span] of spans.entries()) {
          const outcome = report.outcomes[i]?.outcome;
          if (outcome === 'rejected') this.#fail(`a good span was rejected: ${report.outcomes[i]?.error}`);
          else span.acknowledged.add(node.name);
          if (outcome !== undefined) count(outcome);
        }
      },
      () => count('append_failed'),
    );
  }

  #partition(): void {
    const names = this.#nodes.map((node) => node.name);
    const one = names.filter(() => this.#random.chance(50));
    this.#note('partition', one.join(','), () => this.#network.partition([one]));
  }

  #slow(): void {
    const most = this.#random.pick([5, 40, 400, 2_000]);
    this.#note('delay', String(most), () => this.#network.delay(() => 1 + this.#random.below(most)));
  }

  #crash(node: SimNode): void {
    if (!node.isUp) return;
    this.#note('crash', node.name, () => node.crash());
    this.#startLater(node, this.#random.below(6_000));
  }

  #stop(node: SimNode): void {
    if (!node.isUp) return;
    this.#note('stop', node.name, () => void this.#guard(() => node.stop()));
    this.#startLater(node, 8_000 + this.#random.below(6_000));
  }

  /** An old copy of the data directory: what only this node held is lost, and nobody could have kept it. */
  #restore(node: SimNode): void {
    if (!node.isUp || !node.hasBackup) return;
    this.#note('restore', node.name, () => {
      for (const span of this.#spans.issued.values()) if (!this.#isElsewhere(span, node)) span.excused = true;
      this.#annotations.excuse(node);
      node.crash();
      node.restore();
    });
    this.#startLater(node, this.#random.below(2_000));
  }

  #failDisk(node: SimNode): void {
    if (!node.isUp) return;
    const operation = this.#random.pick(['append', 'sync'] as const);
    this.#note('disk_error', `${node.name} ${operation}`, () =>
      node.disk.failNext(operation, new LoglineError('disk_failed', 'EIO')),
    );
    this.#time.after(4_000, () => {
      if (node.storage?.figures().readOnly !== undefined) this.#crash(node);
    });
  }

  #startLater(node: SimNode, delayMs: number): void {
    this.#time.after(delayMs, () => {
      if (!node.isUp) void this.#guard(() => this.#start(node));
    });
  }

  async #start(node: SimNode): Promise<void> {
    try {
      if (await node.start()) this.#record(`start ${node.name}`);
    } catch (error) {
      // A failure of the disk that nobody had met yet: the operator tries again.
      if (!(error instanceof LoglineError && error.code === 'disk_failed')) throw error;
      this.#note('start_failed', node.name, () => this.#startLater(node, 2_000));
    }
  }

  async #heal(): Promise<void> {
    this.#record('end of faults');
    // Bodies signed ahead of a slow clock are read once it gets there, which must not take longer than the heal may.
    for (const node of this.#nodes) node.skewMs = 0;
    this.#network.heal();
    this.#network.delay(() => 1 + this.#random.below(20));
    const deadline = this.#time.nowMs + HEAL_MS;
    let disagreement: string | undefined = 'not looked at yet';
    while (disagreement !== undefined && this.#time.nowMs < deadline && this.#failure === undefined) {
      for (const node of this.#nodes) if (node.storage?.figures().readOnly !== undefined) this.#crash(node);
      await this.#time.advance(LOOK_MS);
      disagreement = await this.#look();
    }
    if (disagreement !== undefined)
      this.#fail(`no agreement after ${HEAL_MS / 1000} s of quiet: ${disagreement}`);
    for (const node of this.#nodes) {
      if (node.storage !== undefined)
        this.#record(`${node.name} ${await this.#inTime(describeState(node, TENANTS))}`);
    }
  }

  async #look(): Promise<string | undefined> {
    const wrong = await this.#inTime(checkAgreement(this.#nodes, this.#spans.issued, TENANTS));
    return wrong ?? this.#inTime(this.#annotations.check(this.#nodes, TENANTS, this.#time.wallMs));
  }

  /** Reading takes simulated time too. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    void work.catch(() => undefined).then(() => (isOver = true));
    for (let i = 0; i < 100_000 && !isOver; i++) await this.#time.advance(5);
    return work;
  }

  #isElsewhere(span: Issued, node: SimNode): boolean {
    return this.#nodes.some(
      (other) => other !== node && other.isUp && other.node?.timeline(span.tenant).has(span.id) === true,
    );
  }

  #onEvent(name: string, event: NodeEvent): void {
    if (event.kind === 'entry_gated') return;
    this.#record(`${name} ${event.kind}`);
    if (event.kind === 'feed_forked') this.#fail(`${name} saw an honest feed fork at ${event.seq}`);
    if (event.kind === 'entry_refused')
      this.#fail(`${name} refused an honest entry: ${event.check}: ${event.reason}`);
  }

  #count(name: string): void {
    this.#fired[name] = (this.#fired[name] ?? 0) + 1;
  }

  #note(kind: string, detail: string, run: () => void): void {
    this.#count(kind);
    this.#record(`${kind} ${detail}`);
    run();
  }

  #record(line: string): void {
    const stamped = `${this.#time.nowMs} ${line}`;
    this.#trace.push(stamped);
    this.#options.onTrace?.(stamped);
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#record(`failure ${reason.split('\n')[0]}`);
  }

  #countPortFaults(): void {
    Object.assign(this.#fired, this.#network.faults);
    for (const node of this.#nodes) {
      for (const [name, count] of Object.entries({ ...node.disk.faults, ...node.index.faults })) {
        this.#fired[name] = (this.#fired[name] ?? 0) + count;
      }
    }
  }
}
