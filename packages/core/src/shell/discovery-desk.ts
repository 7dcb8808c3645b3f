/** Discovery at work: the ways of finding nodes, what they found, and what is remembered of it over a restart. */

import type { Acquaintance } from '../acquaintance.js';
import { equalBytes } from '../bytes.js';
import { Candidates, type Candidate, type Found, type Moment } from '../discovery.js';
import { messageOf } from '../errors.js';
import {
  type Advert,
  type DiscoveryOptions,
  labelOf,
  readNotebook,
  writeNotebook,
  type Finder,
} from '../finder.js';
import { nodeIdOf } from '../identity.js';
import { LIMITS } from '../limits.js';
import { PROTOCOL_VERSION, type Hello } from '../message.js';
import { hintLeftMs, kinshipOf, networkHint, type HintWorld } from '../network-hint.js';
import type { Link, Timer, Tools } from '../ports.js';
import { Exchange, type Acquainted } from './exchange.js';
import type { Scouting } from './peering.js';
import { Scout, type ScoutOptions } from './scout.js';
import type { SessionEnd } from './session-host.js';

export interface DeskOptions extends DiscoveryOptions, Omit<ScoutOptions, 'candidates'> {
  /** The stretched network key. */
  readonly networkKey: Uint8Array;
  readonly tools: Tools;
  readonly sessions: () => readonly Acquainted[];
}

/** What one method found, now or lately. */
export interface LookReport {
  readonly method: Finder['method'];
  /** Addresses that may be of our network. */
  readonly addresses: readonly string[];
  /** How many announcements of other networks there were. */
  readonly others: number;
  readonly errors: readonly string[];
}

const TICK_MS = 1_000;
const SAVE_MS = LIMITS.acquaintGapMs + TICK_MS;

export class DiscoveryDesk implements Scouting {
  readonly candidates: Candidates;
  readonly #options: DeskOptions;
  readonly #scout: Scout;
  /** Where peers are told of peers, and listened to. */
  readonly #exchange: Exchange | undefined;
  /** The last thing that was wrong with each part, so that it is told once. */
  readonly #faults = new Map<string, string>();
  /** What kept a method from announcing this node; tried again at the next look. */
  readonly #unannounced = new Map<Finder['method'], string>();
  #advert: Advert | undefined;
  #timer: Timer | undefined;
  #advertTimer: Timer | undefined;
  #saved: Uint8Array | undefined;
  #saving: Promise<void> = Promise.resolve();
  #saveAtMs = 0;
  #closed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    const { standing } = options;
    this.candidates = new Candidates((key) => standing.trusts(key));
    this.#scout = new Scout({ ...options, candidates: this.candidates });
    const { own, exchange = false } = options;
    const placesOf = (key: Uint8Array): readonly string[] => this.placesOf(key);
    this.#exchange = exchange ? new Exchange({ ...options, ownKey: own.key, placesOf }) : undefined;
  }

  /** Reads what was remembered, and begins to look at what is found. A damaged notebook costs what was in it. */
  async start(): Promise<void> {
    const { finders, notebook } = this.#options;
    try {
      const bytes = await notebook?.read();
      const places = bytes === undefined ? [] : readNotebook(bytes);
      if (places === undefined) this.#fault('notebook', 'notebook', 'the file is damaged, and begun anew');
      for (const place of places ?? []) this.candidates.restore(place.address, place);
    } catch (error) {
      this.#fault('notebook', 'notebook', messageOf(error));
    }
    this.#saved = writeNotebook(this.candidates);
    for (const finder of finders) finder.watch((found) => void this.#take(found));
    if (!this.#closed) this.#tick();
  }

  /** Says by every method that this node listens on a port, and again whenever the network's hint changes. */
  async announce(port: number): Promise<void> {
    this.#advertTimer?.cancel();
    const { finders, own, clock } = this.#options;
    this.#advert = {
      label: labelOf(own.name, own.key),
      id: nodeIdOf(own.name),
      version: PROTOCOL_VERSION,
      hint: networkHint(this.#hintWorld()),
      port,
    };
    this.#advertTimer = clock.after(hintLeftMs(clock.now()), () => void this.announce(port));
    await Promise.all(finders.map((finder) => this.#announce(finder)));
  }

  /** Lets the methods look, for so long at most, and dials what they found. `fresh`: without what they remember. */
  async look(options: {
    readonly method?: Finder['method'] | undefined;
    readonly timeoutMs: number;
    readonly fresh: boolean;
  }): Promise<readonly LookReport[]> {
    const { finders, clock } = this.#options;
    const asked = finders.filter(({ method }) => method === (options.method ?? method));
    const reports = asked.map(async (finder): Promise<LookReport> => {
      const { method } = finder;
      const retried = this.#unannounced.has(method) ? this.#announce(finder) : undefined;
      const [{ found, errors }] = await Promise.all([finder.find(options), retried]);
      if (errors.length === 0) this.#faults.delete(method);
      for (const error of errors) this.#fault(method, method, error);
      const unannounced = this.#unannounced.get(method);
      const all = unannounced === undefined ? errors : [...errors, unannounced];
      return { method, errors: all, ...this.#take(found) };
    });
    const results = await Promise.all(reports);
    if (options.fresh) for (const { addresses } of results) this.#forgive(addresses);
    this.candidates.expire(momentOf(clock));
    this.#scout.dialDue();
    return results;
  }

  /** Whether somebody is being looked at right now. */
  get isBusy(): boolean {
    return this.#scout.isBusy;
  }

  acquainted(peers: readonly Acquaintance[]): void {
    if (this.#exchange !== undefined) this.#take(this.#exchange.hearsay(peers));
  }

  /** The address is dialled again without waiting for its backoff. */
  redial(candidate: Candidate): void {
    this.candidates.forgive(candidate);
    this.#scout.dialDue();
  }

  placesOf(key: Uint8Array): readonly string[] {
    return [...this.candidates]
      .filter((one) => one.key !== undefined && equalBytes(one.key, key))
      .toSorted((a, b) => (b.provenAtMs ?? 0) - (a.provenAtMs ?? 0))
      .map(({ address }) => address)
      .slice(0, LIMITS.placesTried);
  }

  greeted(link: Link, hello: Hello): void {
    this.#scout.greeted(link, hello);
  }

  closed(link: Link, end: SessionEnd & { readonly wasOpen: boolean }): void {
    this.#scout.closed(link, end);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#advertTimer?.cancel();
    await Promise.all(this.#options.finders.map((finder) => finder.close()));
    this.#save();
    await this.#saving;
  }

  #tick(): void {
    const { clock } = this.#options;
    this.candidates.expire(momentOf(clock));
    this.#scout.dialDue();
    if (clock.monotonic() >= this.#saveAtMs) {
      this.#save();
      // Not sooner than a peer would listen again.
      this.#exchange?.tell();
    }
    this.#timer = clock.after(TICK_MS, () => {
      if (!this.#closed) this.#tick();
    });
  }

  #take(found: readonly Found[]): Pick<LookReport, 'addresses' | 'others'> {
    const moment = momentOf(this.#options.clock);
    const world = this.#hintWorld();
    const addresses = new Set<string>();
    let others = 0;
    for (const one of found) {
      const kinship = kinshipOf(one.hint, world);
      if (kinship === 'other') others++;
      if (this.candidates.take(one, kinship, moment)) addresses.add(one.address);
    }
    return { addresses: [...addresses], others };
  }

  #forgive(addresses: readonly string[]): void {
    for (const address of addresses) {
      const candidate = this.candidates.at(address);
      if (candidate !== undefined) this.candidates.forgive(candidate);
    }
  }

  async #announce(finder: Finder): Promise<void> {
    const { method } = finder;
    try {
      if (!this.#closed && this.#advert !== undefined) await finder.announce(this.#advert);
      this.#unannounced.delete(method);
    } catch (error) {
      const reason = `this node is not announced: ${messageOf(error)}`;
      this.#unannounced.set(method, reason);
      this.#fault(`${method} announcement`, method, reason);
    }
  }

  #hintWorld(): HintWorld {
    const { networkKey, clock, tools } = this.#options;
    return { networkKey, nowMs: clock.now(), tools };
  }

  #fault(part: string, method: string, reason: string): void {
    if (this.#faults.get(part) === reason) return;
    this.#faults.set(part, reason);
    this.#options.onEvent({ kind: 'discovery_failed', method, reason });
  }

  /** Only what changed, and now and then: it is a convenience, no record. */
  #save(): void {
    const { notebook, clock } = this.#options;
    this.#saveAtMs = clock.monotonic() + SAVE_MS;
    const bytes = writeNotebook(this.candidates);
    if (notebook === undefined || (this.#saved !== undefined && equalBytes(bytes, this.#saved))) return;
    this.#saved = bytes;
    this.#saving = this.#saving
      .then(() => notebook.write(bytes))
      .catch((error: unknown) => this.#fault('notebook', 'notebook', messageOf(error)));
  }
}

function momentOf(clock: DeskOptions['clock']): Moment {
  return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
}
