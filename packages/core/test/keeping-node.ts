/** Alice's node without its peers: what it is brought passes the gate, and its own word decides what stays out. */

import type { Feed, FeedKey } from '../dist/feed.js';
import type { GateOutcome } from '../dist/gate.js';
import { Committer, type Pen } from '../dist/shell/committer.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { PeerBook } from '../dist/shell/peer-book.js';
import { TrustKeeper } from '../dist/shell/trust-keeper.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { alice, NOON_MS, seeded, tools } from './forge.js';

export class KeepingNode {
  readonly keeper: TrustKeeper;
  readonly #store: LogStore;
  readonly #table: HoldingsTable;
  readonly #committer: Committer;

  private constructor(store: LogStore, table: HoldingsTable, keeper: TrustKeeper) {
    this.#store = store;
    this.#table = table;
    this.keeper = keeper;
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
  }

  static async start(): Promise<KeepingNode> {
    const { index } = new MemoryIndex().reopen();
    const random = seeded(1);
    const storage = await LogStore.open({ disk: new MemoryDisk(), index, tools, random });
    const table = new HoldingsTable(storage.feeds());
    const keeper = await TrustKeeper.open({
      ownKey: alice.publicKey,
      tools,
      storage,
      table,
      book: new PeerBook(storage.facts(), random),
      access: { tenants: '*' },
      onChange: () => undefined,
      onEvent: () => undefined,
    });
    return new KeepingNode(storage, table, keeper);
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
