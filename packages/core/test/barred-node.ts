/** Carol's node without its peers: what it is brought passes the gate, feeds are barred by hand, and timelines are read. */

import { feedKeyOf, type Bar, type Feed, type FeedKey } from '../dist/feed.js';
import type { GateOutcome } from '../dist/gate.js';
import { Committer } from '../dist/shell/committer.js';
import { ConflictBook } from '../dist/shell/conflict-book.js';
import { ConflictJudge } from '../dist/shell/conflict-judge.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { SpanReadings, type StandingRules } from '../dist/shell/span-readings.js';
import { Timeline, type FollowEvent } from '../dist/shell/timeline.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acme, carol, NOON_MS, seeded, tools, type Forged } from './forge.js';

export const keyOf = (entry: Pick<Forged, 'header'>): FeedKey => feedKeyOf(entry.header);

export const titleOf = (bytes: Uint8Array): string =>
  (JSON.parse(tools.text.decode(bytes) ?? '') as { readonly title: string }).title;

/** What is counted behind the commits is tested elsewhere. */
const NOTHING_OPEN = { openCount: () => 0 };
const BY_TIME: StandingRules = { policyOf: () => 'timestamp', priorities: [] };

interface Running {
  readonly store: LogStore;
  readonly table: HoldingsTable;
  readonly committer: Committer;
}

export class BarredNode {
  readonly #disk = new MemoryDisk();
  readonly #index = new MemoryIndex();
  #starts = 0;
  #commits = 0;
  #run: Running | undefined;

  static async start(): Promise<BarredNode> {
    const node = new BarredNode();
    await node.restart();
    return node;
  }

  /** Starts again on the same disk; `rebuilt`: with its index gone. */
  async restart(options: { readonly rebuilt?: boolean } = {}): Promise<void> {
    await this.close();
    if (options.rebuilt === true) this.#index.restore(new Map());
    const { index } = this.#index.reopen();
    const random = seeded(++this.#starts);
    const store = await LogStore.open({ disk: this.#disk, index, tools, random });
    const table = new HoldingsTable(store.feeds());
    const clock = { now: () => NOON_MS, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
    const onCommit = (): void => void this.#commits++;
    const committer = new Committer({ storage: store, table, tools, clock, keyPair: carol, onCommit });
    this.#run = { store, table, committer };
  }

  async close(): Promise<void> {
    await this.#run?.committer.close();
    await this.#run?.store.close();
    this.#run = undefined;
  }

  get store(): LogStore {
    return this.#running.store;
  }

  feed(key: FeedKey): Feed {
    return this.#running.table.feed(key);
  }

  get feeds(): readonly Feed[] {
    return [...this.#running.table.feeds()];
  }

  /** What peers are told. */
  told(): ReturnType<ReturnType<HoldingsTable['view']>['within']> {
    return this.#running.table.view(() => true).within('', '');
  }

  /** Has the gate judge entries in one frame. */
  async take(...entries: readonly { readonly bytes: Uint8Array }[]): Promise<readonly GateOutcome['kind'][]> {
    const bytes = entries.map((entry) => entry.bytes);
    const { outcomes } = await this.#running.committer.gate(bytes, () => true);
    return outcomes.map((outcome) => outcome.kind);
  }

  async append(...spans: Parameters<Committer['append']>[1]): Promise<readonly string[]> {
    return (await this.#running.committer.append(acme, spans)).outcomes;
  }

  /** Bars a feed from a seq on, or, without one, no more. */
  async bar(key: FeedKey, from: number | undefined, more: Partial<Bar> = {}): Promise<void> {
    const bar =
      from === undefined ? undefined : { from, reason: 'revoked' as const, provisional: false, ...more };
    const { committer, store } = this.#running;
    await committer.write(async ({ draft }) => draft.bar(key, bar, store));
  }

  /** The titles of all spans in reading order, `limit` to a page. */
  async reading(limit = 1000): Promise<readonly string[]> {
    const titles: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.timeline().query({ limit, cursor });
      titles.push(...page.spans.map(titleOf));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return titles;
  }

  get count(): number {
    return this.store.counts().get(acme) ?? 0;
  }

  /** Everything behind a cursor that there is by now, at most so many events. */
  async events(after: string, most = Number.POSITIVE_INFINITY): Promise<readonly FollowEvent[]> {
    const end = new AbortController();
    const events: FollowEvent[] = [];
    for await (const event of this.timeline(() => end.abort()).follow({ after, signal: end.signal })) {
      events.push(event);
      if (events.length >= most) break;
    }
    return events;
  }

  timeline(onIdle: () => void = () => undefined): Timeline {
    const { store, table, committer } = this.#running;
    const clock = { now: () => NOON_MS };
    const readings = new SpanReadings({ storage: store, tools, clock, rulesOf: () => BY_TIME });
    const rules = { digest: () => new Uint8Array(32) };
    const judge = new ConflictJudge({ tools, clock, readings, rules });
    const conflicts = new ConflictBook({ storage: store, tools, judge });
    const digestOf = (): never => {
      throw new Error('nobody compares it');
    };
    return new Timeline(acme, {
      storage: store,
      table,
      append: () => Promise.reject(new Error('appended to the committer')),
      commits: () => this.#commits,
      nextCommit: () => Promise.resolve(onIdle()),
      isClosed: () => this.#run === undefined,
      annotations: {
        ownKey: carol.publicKey,
        tools,
        committer,
        readings,
        judge,
        conflicts,
        digestOf,
        count: NOTHING_OPEN,
      },
    });
  }

  get #running(): Running {
    if (this.#run === undefined) throw new Error('the node is not running');
    return this.#run;
  }
}

/** Events in short: `+` came, `-` withdrawn by id, `*` restored. */
export function inShort(events: readonly FollowEvent[]): readonly string[] {
  return events.map((event) => {
    switch (event.kind) {
      case 'span':
        return `+${titleOf(event.span)}`;
      case 'restored':
        return `*${titleOf(event.span)}`;
      case 'withdrawn':
        return `-${Number.parseInt(event.id.slice(-12), 16)}`;
      case 'annotated':
        return `~${Number.parseInt(event.id.slice(-12), 16)}`;
      case 'conflict':
        return `!${event.conflict.field} ${event.conflict.state}`;
      case 'reset':
        return 'reset';
      default:
        return event satisfies never;
    }
  });
}
