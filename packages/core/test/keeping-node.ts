/** Alice's node without its peers: what it is brought passes the gate, and its own word decides what stays out. */

import type { AccessSettings } from '../dist/access.js';
import type { NodeEvent } from '../dist/events.js';
import type { Feed, FeedKey } from '../dist/feed.js';
import type { GateOutcome } from '../dist/gate.js';
import { Committer } from '../dist/shell/committer.js';
import type { Pen } from '../dist/shell/jobs.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { Operator } from '../dist/shell/operator.js';
import type { KeyPair } from '../dist/ports.js';
import { PeerBook } from '../dist/shell/peer-book.js';
import { publishRotation } from '../dist/shell/rotation.js';
import { TrustKeeper } from '../dist/shell/trust-keeper.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import type { TrustSettings } from '../dist/trust-reading.js';
import { alice, NOON_MS, seeded, tools } from './forge.js';

export class KeepingNode {
  readonly keeper: TrustKeeper;
  readonly operator: Operator;
  readonly book: PeerBook;
  readonly events: NodeEvent[];
  readonly #store: LogStore;
  readonly #table: HoldingsTable;
  readonly #committer: Committer;

  private constructor(parts: {
    readonly store: LogStore;
    readonly table: HoldingsTable;
    readonly keeper: TrustKeeper;
    readonly book: PeerBook;
    readonly events: NodeEvent[];
  }) {
    const { store, table, keeper, book, events } = parts;
    this.#store = store;
    this.#table = table;
    this.keeper = keeper;
    this.events = events;
    this.book = book;
    const clock = { now: () => NOON_MS, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
    this.#committer = new Committer({
      storage: store,
      table,
      tools,
      clock,
      keyPair: alice,
      refuses: (header, feed) => keeper.refuses(header, feed),
      onCommit: (committed) => keeper.observe(committed),
    });
    keeper.start(this.#committer);
    this.operator = new Operator({
      ownKey: alice.publicKey,
      keeper,
      book,
      committer: this.#committer,
      storage: store,
      table,
      tools,
      idOf: () => undefined,
    });
  }

  static async start(
    settings: { readonly trust?: Partial<TrustSettings>; readonly access?: AccessSettings } = {},
  ): Promise<KeepingNode> {
    const { index } = new MemoryIndex().reopen();
    const random = seeded(1);
    const store = await LogStore.open({ disk: new MemoryDisk(), index, tools, random });
    const table = new HoldingsTable(store.feeds());
    const book = new PeerBook(store.facts(), random);
    const events: NodeEvent[] = [];
    const keeper = await TrustKeeper.open({
      ownKey: alice.publicKey,
      tools,
      storage: store,
      table,
      book,
      trust: settings.trust,
      access: settings.access ?? { tenants: '*' },
      onChange: () => undefined,
      onEvent: (event) => events.push(event),
    });
    return new KeepingNode({ store, table, keeper, book, events });
  }

  /** Entries that its log holds. */
  get entries(): number {
    return this.#store.figures().entries;
  }

  /** States that alice goes on where this key ends. */
  rotateFrom(oldKey: KeyPair): Promise<void> {
    const [committer, storage, table] = [this.#committer, this.#store, this.#table];
    return publishRotation(oldKey, alice, { keeper: this.keeper, committer, storage, table, tools });
  }

  feed(key: FeedKey): Feed {
    return this.#table.feed(key);
  }

  /** Has the gate judge entries in one frame. */
  async take(...entries: readonly { readonly bytes: Uint8Array }[]): Promise<readonly GateOutcome['kind'][]> {
    const bytes = entries.map((entry) => entry.bytes);
    const { outcomes } = await this.#committer.gate(bytes, () => true);
    return outcomes.map((outcome) => outcome.kind);
  }

  /** What its operator says, in force when it resolves. */
  async write(work: (pen: Pen) => Promise<unknown>): Promise<void> {
    await this.#committer.write(work);
    await this.keeper.settled();
  }

  async close(): Promise<void> {
    await this.keeper.settled();
    await this.#committer.close();
    await this.#store.close();
  }
}
