/** Peers whose operators change their minds: real sessions, stores and links, and a standing that the test sets key by key. */

import type { ExecutionContext } from 'ava';
import type { NodeEvent } from '../dist/events.js';
import { scopeOfFeed } from '../dist/feed.js';
import { NodeFigures } from '../dist/figures.js';
import { fingerprintOf, timelineScope, type Scope, type TrustLevel } from '../dist/identity.js';
import { decodeMessage, encodeMessage, type Message } from '../dist/message.js';
import { ALL_RIGHTS, NO_RIGHTS, type Rights, type Scopes } from '../dist/offer.js';
import type { KeyPair, Link, Tools, Transport } from '../dist/ports.js';
import { Committer } from '../dist/shell/committer.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { PeerBook } from '../dist/shell/peer-book.js';
import { Peering } from '../dist/shell/peering.js';
import type { SessionRunner } from '../dist/shell/session-runner.js';
import type { Standing } from '../dist/shell/standing.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { acceptedEntry, acme, span, tools as real, type Forged } from './forge.js';
import { greeter } from './session-ends.js';

/** Frames as they are, so that a test can look for bytes in them. */
export const tools: Tools = { ...real, compression: { ...real.compression, compress: (bytes) => bytes } };

/** What an operator thinks of one key. */
export interface Opinion {
  readonly level: TrustLevel;
  readonly rights: ReadonlyMap<Scope, Rights>;
}

const NONE: Opinion = { level: 'unknown', rights: new Map() };

export class Opinions implements Standing {
  version = 0;
  readonly #of = new Map<string, Opinion>();

  set(key: Uint8Array, level: TrustLevel, rights: readonly (readonly [Scope, Rights])[]): void {
    this.version++;
    this.#of.set(fingerprintOf(key), { level, rights: new Map(rights) });
  }

  levelOf(key: Uint8Array): TrustLevel {
    return this.#opinion(key).level;
  }

  trusts(key: Uint8Array): boolean {
    return this.levelOf(key) === 'verified';
  }

  hasVouched(key: Uint8Array): boolean {
    return this.trusts(key);
  }

  rightsOf(key: Uint8Array, scope: Scope): Rights {
    if (!this.trusts(key)) return NO_RIGHTS;
    return scope === 'trust' ? ALL_RIGHTS : (this.#opinion(key).rights.get(scope) ?? NO_RIGHTS);
  }

  offerTo(key: Uint8Array): Scopes {
    return [...this.#opinion(key).rights].map(([scope, rights]) => ({ scope, ...rights }));
  }

  refuses(): undefined {
    return undefined;
  }

  #opinion(key: Uint8Array): Opinion {
    return this.#of.get(fingerprintOf(key)) ?? NONE;
  }
}

/** One network in virtual time. */
export class Street {
  readonly time = new VirtualTime();
  readonly clock = this.time.clock({ skewMs: () => 0, isAlive: () => true });
  readonly random = new SeededRandom(7);
  readonly network = new MemoryNetwork({ clock: this.clock, random: this.random, delayMs: () => 5 });
}

export class Party {
  readonly keyPair: KeyPair;
  readonly opinions = new Opinions();
  readonly events: NodeEvent[] = [];
  /** What peers said to it, in order. */
  readonly heard: Uint8Array[] = [];
  /** Called whenever entries have been read from the log. */
  onRead: () => void = () => undefined;
  readonly table: HoldingsTable;
  readonly committer: Committer;
  readonly book: PeerBook;
  readonly peering: Peering;

  private constructor(
    street: Street,
    storage: LogStore,
    at: { readonly name: string; readonly key: KeyPair },
  ) {
    const { clock, random, network } = street;
    this.keyPair = at.key;
    this.table = new HoldingsTable(storage.feeds());
    const { table } = this;
    this.committer = new Committer({
      storage,
      table,
      tools,
      clock,
      keyPair: at.key,
      onCommit: (committed) => this.peering.publish(committed),
    });
    this.book = new PeerBook(new Map(), random);
    const { committer, book, opinions } = this;
    this.peering = new Peering({
      name: at.name,
      book,
      transport: this.#tapped(network.transport({ address: at.name, keyPair: at.key })),
      clock,
      host: {
        tools,
        clock,
        storage: replacing(storage, {
          entries: async (key, range) => {
            const found = await storage.entries(key, range);
            this.onRead();
            return found;
          },
        }),
        table,
        committer,
        greeter: greeter(at.key, at.name),
        standing: opinions,
        claimed: () => undefined,
        figures: new NodeFigures(),
        credentials: undefined,
        isClosedNetwork: true,
        vouch: () => Promise.resolve(),
        awaitsRotation: () => false,
        isContested: () => false,
      },
      onEvent: (event) => this.events.push(event),
    });
  }

  static async open(
    t: ExecutionContext,
    street: Street,
    at: { readonly name: string; readonly key: KeyPair; readonly holds?: readonly Forged[] },
  ): Promise<Party> {
    const { random, clock } = street;
    const storage = await LogStore.open({
      disk: new MemoryDisk(),
      index: new MemoryIndex(),
      tools,
      random,
      clock,
    });
    const { holds = [] } = at;
    await storage.commit(holds.map((forged) => ({ kind: 'entry', entry: acceptedEntry(forged) })));
    const party = new Party(street, storage, at);
    t.teardown(async () => {
      const closed = party.peering.close().then(() => party.committer.close());
      await street.time.advance(5_000);
      await closed;
      await storage.close();
    });
    return party;
  }

  /** Its operator changes their mind about a key. */
  thinks(key: KeyPair, level: TrustLevel, ...rights: readonly (readonly [Scope, Rights])[]): void {
    this.opinions.set(key.publicKey, level, rights);
    this.peering.standingChanged();
  }

  /** Lists a peer, and begins to dial. */
  meets(name: string, key: KeyPair): void {
    this.book.list(name, { key: key.publicKey, source: 'configured' });
    this.peering.start();
  }

  async writes(n: number, tenant = acme): Promise<void> {
    await this.committer.append(tenant, [span(n)]);
  }

  /** How many entries it holds that a key has written to a timeline. */
  holdsOf(key: KeyPair, tenant = acme): number {
    const feeds = this.table.under(`${timelineScope(tenant)}\0`);
    const own = feeds.filter((feed) => feed.key.includes(String.fromCharCode(...key.publicKey)));
    return own.flatMap((feed) => feed.ranges).reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  session(key: KeyPair): SessionRunner | undefined {
    return this.peering.session(key.publicKey);
  }

  isInSyncWith(key: KeyPair): boolean {
    return this.session(key)?.isInSync === true;
  }

  /** Scopes of feeds that peers have told it anything of: holdings, receipts, entries. */
  scopesHeard(): ReadonlySet<string> {
    const scopes = this.messagesHeard().flatMap((message) => {
      if (message.kind === 'receipt') return message.feeds.map((feed) => scopeOfFeed(feed.key));
      if (message.kind !== 'holdings') return [];
      return message.ranges.flatMap((range) => (range.feeds ?? []).map((feed) => scopeOfFeed(feed.key)));
    });
    return new Set(scopes);
  }

  messagesHeard(): readonly Message[] {
    return this.heard.flatMap((frame) => decodeMessage(frame, tools.compression) ?? []);
  }

  #tapped(transport: Transport): Transport {
    return {
      dial: async (address, options) => this.#tap(await transport.dial(address, options)),
      accept: (onLink) => transport.accept((link) => onLink(this.#tap(link))),
      close: () => transport.close(),
    };
  }

  #tap(link: Link): Link {
    const { heard } = this;
    return replacing(link, {
      receive: (receiver) =>
        link.receive({
          frame: (bytes) => {
            heard.push(Uint8Array.from(bytes));
            receiver.frame(bytes);
          },
          drained: () => receiver.drained(),
          closed: (why) => receiver.closed(why),
        }),
    });
  }
}

/** The same object but for some of its methods. */
function replacing<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(real, name) {
      const value: unknown = Reflect.get(name in methods ? methods : real, name);
      return typeof value === 'function' ? (value.bind(real) as unknown) : value;
    },
  });
}

export function say(link: Link, message: Message): void {
  link.send(encodeMessage(message, tools.compression));
}
