/** What a simulation of trust remembers of earlier times, to hold what comes later against it. */

import type { TenantId } from '../identity.js';
import { createTools } from '../node/system.js';
import type { FollowEvent } from '../shell/timeline.js';
import type { SimNode } from './sim-node.js';
import type { VirtualTime } from './virtual-time.js';

const TOOLS = createTools();
const LISTEN_MS = 400;

/** A node of the simulation. */
interface Followed {
  readonly machine: SimNode;
}

interface Watching {
  readonly time: VirtualTime;
  saw(kind: string): void;
}

/** What somebody who follows a timeline knows by what he was told, and where he is. */
export class Listener {
  readonly told = new Map<string, Set<string>>();
  cursor = 'start';
  /** A body that he was told of as new though he knew it. */
  twice: string | undefined;
  readonly #world: Pick<Watching, 'saw'>;

  constructor(world: Pick<Watching, 'saw'>) {
    this.#world = world;
  }

  /** Listens until it is over, or the node is. */
  async listen({ machine }: Followed, tenant: TenantId, signal: AbortSignal): Promise<void> {
    const events = machine.node?.timeline(tenant).follow({ after: this.cursor, signal }) ?? [];
    for await (const event of events) this.#hear(event);
  }

  #hear(event: FollowEvent): void {
    this.cursor = event.cursor;
    if (event.kind === 'annotated' || event.kind === 'conflict') return;
    if (event.kind === 'reset') return this.told.clear();
    if (event.kind === 'withdrawn') {
      this.told.delete(event.id);
      return this.#world.saw('withdrawn');
    }
    if (event.kind === 'restored') this.#world.saw('restored');
    const body = TOOLS.text.decode(event.span) ?? '';
    const known = this.told.get(event.id) ?? new Set();
    if (event.kind === 'span' && known.has(body)) this.twice ??= body;
    this.told.set(event.id, known.add(body));
  }
}

export class Past {
  /** By name of a node and tenant, somebody who followed in the middle of the seed and has not looked since. */
  readonly listeners = new Map<string, Listener>();
  /** By tenant, the names of nodes that its configured primary has ever granted to write. */
  readonly #writers = new Map<TenantId, Set<string>>();
  readonly #stops = new Map<string, number>();

  /** Follows a timeline for a moment, while the time of the world goes on. */
  follow(world: Watching, citizen: Followed, tenant: TenantId): void {
    const listener = new Listener(world);
    const over = new AbortController();
    this.listeners.set(`${citizen.machine.name} ${tenant}`, listener);
    // Who is cut off by the end of the node knows as much as he was told.
    void listener.listen(citizen, tenant, over.signal).catch(() => undefined);
    world.time.after(LISTEN_MS, () => over.abort());
  }

  noteWriter(tenant: TenantId, name: string): void {
    const known = this.#writers.get(tenant);
    if (known === undefined) this.#writers.set(tenant, new Set([name]));
    else known.add(name);
  }

  mayEverWrite(tenant: TenantId, name: string): boolean {
    return this.#writers.get(tenant)?.has(name) === true;
  }

  /** A bar that stands for want of a word stays where it was first seen: where it was, if that is elsewhere. */
  wandered(node: string, feed: string, from: number | undefined): number | undefined {
    const id = `${node} ${feed}`;
    const known = this.#stops.get(id);
    if (from === undefined) this.#stops.delete(id);
    else this.#stops.set(id, from);
    return known === from || from === undefined ? undefined : known;
  }
}
