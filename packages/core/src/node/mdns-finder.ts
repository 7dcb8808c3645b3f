/** Finding nodes on the local network: DNS-SD over multicast DNS (RFC 6762, 6763). */

import { networkInterfaces } from 'node:os';
import type { RemoteInfo } from 'node:dgram';
import { AUTHORITATIVE_ANSWER, type Answer, type DecodedPacket, type Packet } from 'dns-packet';
import type { Found } from '../discovery.js';
import { messageOf } from '../errors.js';
import type { Advert, Finder, FindReport } from '../finder.js';
import { MDNS_PORT, MdnsSocket, type Heard, type MdnsOptions } from './mdns-socket.js';
import {
  findingsOf,
  isAddress,
  isPtr,
  isSameName,
  isSrv,
  isTxt,
  readServiceText,
  SERVICE,
  serviceText,
  type ServiceText,
} from './service-records.js';

const TYPE = `${SERVICE}.local`;
const TYPES = '_services._dns-sd._udp.local';
const TTL_S = 120;
/** For those who ask from another port: they are no part of the cache that goodbyes reach (RFC 6762 §6.7). */
const LEGACY_TTL_S = 10;
/** An answer to everybody is not repeated sooner (RFC 6762 §6). */
const ANSWER_GAP_MS = 1_000;
const LEGACY_PER_SECOND = 10;
const ANNOUNCE_AGAIN_MS = 1_000;
/** Answers come within a few hundredths of a second; who has just told everybody else answers the second question only. */
const FIND_MS = 1_800;
const ASK_AGAIN_MS = ANSWER_GAP_MS + 200;
const INSTANCES_MAX = 128;
/** Of one packet. */
const RECORDS_MAX = 256;
/** Instances that were named without saying where they are, and are asked in turn. */
const QUESTIONS_MAX = 16;

/** A service of our type, as its own packets tell. */
interface Instance {
  port: number | undefined;
  addresses: readonly string[];
  text: ServiceText | undefined;
  ttlMs: number;
  untilMs: number;
}

export class MdnsFinder implements Finder {
  readonly method = 'broadcast';
  readonly #options: MdnsOptions;
  /** By lower-case name; the oldest goes first where there are too many. */
  readonly #instances = new Map<string, Instance>();
  #socket: MdnsSocket | undefined;
  #opening: Promise<MdnsSocket> | undefined;
  #advert: Advert | undefined;
  #onFound: (found: readonly Found[]) => void = () => undefined;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #legacyAtMs: readonly number[] = [];
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: MdnsOptions = {}) {
    this.#options = options;
  }

  /** The UDP port in use, once there is one. */
  get port(): number | undefined {
    return this.#socket?.port;
  }

  watch(onFound: (found: readonly Found[]) => void): void {
    this.#onFound = onFound;
  }

  async find({ timeoutMs }: Parameters<Finder['find']>[0]): Promise<FindReport> {
    try {
      const socket = await this.#open();
      const windowMs = Math.min(timeoutMs, FIND_MS);
      await socket.send(() => ({ type: 'query', questions: [{ type: 'PTR', name: TYPE }] }));
      await pause(Math.min(windowMs, ASK_AGAIN_MS));
      if (this.#closed) return { found: [], errors: [] };
      await socket.send(() => ({ type: 'query', questions: [{ type: 'PTR', name: TYPE }] }));
      await pause(windowMs - Math.min(windowMs, ASK_AGAIN_MS));
      this.#expire();
      return { found: [...this.#instances.values()].flatMap((one) => foundAt(one)), errors: [] };
    } catch (error) {
      return { found: [], errors: [messageOf(error)] };
    }
  }

  async announce(advert: Advert): Promise<void> {
    const socket = await this.#open();
    this.#advert = advert;
    await socket.send((address) => this.#announcement(advert, address, TTL_S));
    clearTimeout(this.#again);
    // Said twice, since nobody confirms it (RFC 6762 §8.3). Nobody else can claim a label with our key in it.
    this.#again = setTimeout(() => {
      if (this.#advert === advert) void this.#socket?.send((own) => this.#announcement(advert, own, TTL_S));
    }, ANNOUNCE_AGAIN_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    const socket = await this.#opening?.catch(() => undefined);
    const advert = this.#advert;
    if (advert !== undefined) await socket?.send((address) => this.#announcement(advert, address, 0));
    await socket?.close();
  }

  /** The interfaces of a machine may change: what is said goes out on those that there are now. */
  async #open(): Promise<MdnsSocket> {
    if (this.#socket?.isCurrent(this.#options) === false) {
      const stale = this.#socket;
      this.#opening = undefined;
      this.#socket = undefined;
      await stale.close();
    }
    const port = this.#options.port ?? MDNS_PORT;
    this.#opening ??= MdnsSocket.open({ ...this.#options, port }, (heard) => this.#hear(heard));
    try {
      return (this.#socket = await this.#opening);
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  #hear({ packet, from }: Heard): void {
    if (this.#closed) return;
    if (packet.type === 'query') this.#answer(packet, from);
    // Who answers from another port is no responder of the link (RFC 6762 §6).
    else if (from.port === this.#socket?.port) this.#learn(packet, from);
  }

  #answer(packet: DecodedPacket, from: RemoteInfo): void {
    const advert = this.#advert;
    const questions = (packet.questions ?? []).slice(0, RECORDS_MAX);
    if (advert === undefined || !questions.some(({ name }) => this.#isOurs(name, advert))) return;
    const now = performance.now();
    if (from.port !== this.#socket?.port) {
      this.#legacyAtMs = this.#legacyAtMs.filter((atMs) => now - atMs < 1_000);
      if (this.#legacyAtMs.length >= LEGACY_PER_SECOND) return;
      this.#legacyAtMs = [...this.#legacyAtMs, now];
      this.#socket?.reply(from, (own) => ({
        ...this.#announcement(advert, own, LEGACY_TTL_S),
        id: packet.id ?? 0,
        questions: [...questions],
      }));
      return;
    }
    if (now - this.#answeredAtMs < ANSWER_GAP_MS) return;
    this.#answeredAtMs = now;
    void this.#socket?.send((own) => this.#announcement(advert, own, TTL_S));
  }

  #isOurs(name: string, { label }: Advert): boolean {
    return [TYPE, TYPES, `${label}.${TYPE}`, `${label}.local`].some((own) => isSameName(own, name));
  }

  /** All there is to say of this node, as its interface with that address sees it. */
  #announcement({ port, label, ...said }: Advert, ownAddress: string, ttl: number): Packet {
    const instance = `${label}.${TYPE}`;
    const host = `${label}.local`;
    const text = serviceText({ port, label, ...said });
    // The bit that empties caches is for those who have one.
    const flush = ttl !== LEGACY_TTL_S;
    const addresses: Answer[] = this.#addressesAt(ownAddress).map((data) => ({
      type: data.includes(':') ? 'AAAA' : 'A',
      name: host,
      ttl,
      flush,
      data,
    }));
    return {
      type: 'response',
      flags: AUTHORITATIVE_ANSWER,
      answers: [
        { type: 'PTR', name: TYPES, ttl, data: TYPE },
        { type: 'PTR', name: TYPE, ttl, data: instance },
        { type: 'SRV', name: instance, ttl, flush, data: { port, target: host } },
        { type: 'TXT', name: instance, ttl, flush, data: [...text] },
        ...addresses,
      ],
    };
  }

  #addressesAt(ownAddress: string): readonly string[] {
    return [ownAddress, ...(this.#options.ipv6 === true ? ipv6Beside(ownAddress) : [])];
  }

  #learn(packet: DecodedPacket, from: RemoteInfo): void {
    const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, RECORDS_MAX);
    const touched = new Set<string>();
    for (const record of records) {
      const name = isPtr(record) && isSameName(record.name, TYPE) ? record.data : record.name;
      if (name.length > TYPE.length && isSameName(name.slice(-TYPE.length - 1), `.${TYPE}`))
        touched.add(name.toLowerCase());
    }
    const own = this.#advert === undefined ? undefined : `${this.#advert.label}.${TYPE}`;
    const found = [...touched]
      .filter((name) => own === undefined || !isSameName(name, own))
      .flatMap((name) => this.#learnOf(name, records, from));
    if (found.length > 0) this.#onFound(found);
    const unknown = [...touched].filter((name) => this.#instances.get(name)?.port === undefined);
    if (unknown.length > 0 && touched.size <= QUESTIONS_MAX) this.#ask(unknown);
  }

  #learnOf(name: string, records: readonly Answer[], from: RemoteInfo): readonly Found[] {
    const ofName = records.filter((record) => isSameName(record.name, name));
    const srv = ofName.find(isSrv);
    const txt = ofName.find(isTxt);
    const ptr = records.filter(isPtr).find((record) => isSameName(record.data, name));
    const known = this.#instances.get(name);
    if (ptr?.ttl === 0 || srv?.ttl === 0) {
      this.#instances.delete(name);
      return known === undefined ? [] : foundAt({ ...known, ttlMs: 0 });
    }
    const target = srv?.data.target;
    const addresses = records
      .filter(isAddress)
      .filter((record) => target !== undefined && isSameName(record.name, target))
      .map(({ data }) => data);
    const ttlMs = 1_000 * Math.min(srv?.ttl ?? TTL_S, ptr?.ttl ?? srv?.ttl ?? TTL_S);
    const instance: Instance = {
      port: srv?.data.port ?? known?.port,
      // One that does not say where its host is, is where its packet came from.
      addresses: addresses.length > 0 ? addresses : (known?.addresses ?? [from.address]),
      text: txt === undefined ? known?.text : readServiceText(txt.data),
      ttlMs,
      untilMs: performance.now() + ttlMs,
    };
    this.#remember(name, instance);
    return foundAt(instance);
  }

  #remember(name: string, instance: Instance): void {
    this.#instances.delete(name);
    this.#instances.set(name, instance);
    for (const [oldest] of this.#instances) {
      if (this.#instances.size <= INSTANCES_MAX) break;
      this.#instances.delete(oldest);
    }
  }

  /** Not more often than we would answer, whatever others make us curious of. */
  #ask(names: readonly string[]): void {
    const now = performance.now();
    if (now - this.#askedAtMs < ANSWER_GAP_MS) return;
    this.#askedAtMs = now;
    const questions = names.flatMap((name) => (['SRV', 'TXT'] as const).map((type) => ({ type, name })));
    void this.#socket?.send(() => ({ type: 'query', questions }));
  }

  #expire(): void {
    const now = performance.now();
    for (const [name, { untilMs }] of this.#instances) if (untilMs <= now) this.#instances.delete(name);
  }
}

/** Nothing before both the port and the text are known: the text says whose network it is. */
function foundAt({ port, addresses, text, ttlMs }: Instance): readonly Found[] {
  if (port === undefined || text === undefined) return [];
  return findingsOf({ method: 'broadcast', port, addresses, text, ttlMs });
}

/** The IPv6 addresses of the interface that has this IPv4 one, those of the link alone left out. */
function ipv6Beside(ownAddress: string): readonly string[] {
  const beside = Object.values(networkInterfaces()).find((list) =>
    list?.some(({ address }) => address === ownAddress),
  );
  return (beside ?? [])
    .filter(({ family, address }) => family === 'IPv6' && !address.startsWith('fe80:'))
    .map(({ address }) => address)
    .slice(0, 3);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
