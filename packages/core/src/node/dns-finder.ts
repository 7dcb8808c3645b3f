/** Finding nodes by DNS: SRV and TXT records under a name, or the plain addresses of a service such as Kubernetes makes. */

import type { Answer, SrvAnswer } from 'dns-packet';
import type { Found } from '../discovery.js';
import { messageOf } from '../errors.js';
import type { Advert, Finder, FindReport } from '../finder.js';
import { DnsClient } from './dns-client.js';
import type { DnsServer } from './dns-exchange.js';
import { DnsRegistration, type RegistrationOptions } from './dns-registration.js';
import {
  findingsOf,
  isAddress,
  isSrv,
  isTxt,
  readServiceText,
  SERVICE,
  type ServiceText,
} from './service-records.js';

export interface DnsFinderOptions {
  /** Such as `fed.example.org`; one that begins with an underscore is that of the SRV records itself. */
  readonly name: string;
  /** Of nodes that are told by addresses alone. */
  readonly port: number;
  /** The system's unless given. */
  readonly servers?: readonly DnsServer[] | undefined;
  /** Where this node registers itself; without it somebody else has to. */
  readonly registration?: Omit<RegistrationOptions, 'base'> | undefined;
}

const TARGETS_MAX = 64;
const AT_ONCE = 8;

export class DnsFinder implements Finder {
  readonly method = 'dns';
  readonly #options: DnsFinderOptions;
  readonly #client: DnsClient;
  readonly #registration: DnsRegistration | undefined;
  /** The last answer, until its time is over. */
  #known: { readonly found: readonly Found[]; readonly atMs: number } | undefined;

  constructor(options: DnsFinderOptions) {
    this.#options = options;
    this.#client = new DnsClient({ servers: options.servers });
    const { registration } = options;
    this.#registration =
      registration === undefined
        ? undefined
        : new DnsRegistration({ ...registration, base: baseOf(options.name) });
  }

  /** DNS tells nothing by itself. */
  watch(): void {}

  async find({ timeoutMs, fresh }: Parameters<Finder['find']>[0]): Promise<FindReport> {
    const known = fresh ? undefined : this.#remembered();
    if (known !== undefined) return { found: known, errors: [] };
    const deadlineMs = performance.now() + timeoutMs;
    try {
      const found = await this.#look(deadlineMs);
      this.#known = { found, atMs: performance.now() };
      return { found, errors: found.length === 0 ? [nothingAt(this.#options.name)] : [] };
    } catch (error) {
      return { found: [], errors: [`${messageOf(error)}: check FEDERATION_DNS_NAME and the name server`] };
    }
  }

  async announce(advert: Advert): Promise<void> {
    await this.#registration?.register(advert);
  }

  async close(): Promise<void> {
    await this.#registration?.withdraw();
  }

  /** Records are asked for again when the first of them has run out, and not before. */
  #remembered(): readonly Found[] | undefined {
    if (this.#known === undefined) return undefined;
    const { found, atMs } = this.#known;
    const ageMs = performance.now() - atMs;
    const isStale = found.length === 0 || found.some(({ ttlMs }) => ttlMs <= ageMs);
    return isStale ? undefined : found.map((one) => ({ ...one, ttlMs: one.ttlMs - ageMs }));
  }

  async #look(deadlineMs: number): Promise<readonly Found[]> {
    const { name, port } = this.#options;
    for (const owner of new Set([serviceOf(name), name])) {
      const { answers } = await this.#client.lookup(owner, 'SRV', deadlineMs);
      const targets = answers
        .filter(isSrv)
        .toSorted((a, b) => (a.data.priority ?? 0) - (b.data.priority ?? 0));
      if (targets.length > 0) return this.#ofTargets(targets.slice(0, TARGETS_MAX), owner, deadlineMs);
    }
    const addresses = await this.#addresses(name, deadlineMs);
    return addresses
      .slice(0, TARGETS_MAX)
      .flatMap(({ data, ttl = 0 }) =>
        findingsOf({ method: 'dns', port, addresses: [data], text: undefined, ttlMs: ttl * 1_000 }),
      );
  }

  /** Each target for itself: of one that cannot be resolved the others know nothing. */
  async #ofTargets(
    targets: readonly SrvAnswer[],
    owner: string,
    deadlineMs: number,
  ): Promise<readonly Found[]> {
    const shared = textOf(await this.#records(owner, 'TXT', deadlineMs));
    const found: Found[] = [];
    for (let at = 0; at < targets.length; at += AT_ONCE) {
      const some = targets.slice(at, at + AT_ONCE).map(async ({ data, ttl = 0 }) => {
        const [addresses, texts] = await Promise.all([
          this.#addresses(data.target, deadlineMs).catch(() => []),
          this.#records(data.target, 'TXT', deadlineMs),
        ]);
        const ttlMs = 1_000 * Math.min(ttl, ...[...addresses, ...texts].map((one) => ttlOf(one)));
        const text = textOf(texts) ?? shared;
        return findingsOf({
          method: 'dns',
          port: data.port,
          addresses: addresses.map((one) => one.data),
          text,
          ttlMs,
        });
      });
      found.push(...(await Promise.all(some)).flat());
    }
    return found;
  }

  /** One family may fail where the other has an answer. */
  async #addresses(name: string, deadlineMs: number) {
    const [v4, v6] = await Promise.allSettled([
      this.#client.lookup(name, 'A', deadlineMs),
      this.#client.lookup(name, 'AAAA', deadlineMs),
    ]);
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [v4, v6].flatMap((one) => (one.status === 'fulfilled' ? one.value.answers.filter(isAddress) : []));
  }

  /** What only adds to the rest: without it the rest still counts. */
  async #records(name: string, type: 'TXT', deadlineMs: number): Promise<readonly Answer[]> {
    const { answers } = await this.#client.lookup(name, type, deadlineMs).catch(() => ({ answers: [] }));
    return answers;
  }
}

/** Where the SRV records are. */
export function serviceOf(name: string): string {
  return name.startsWith('_') ? name : `${SERVICE}.${name}`;
}

/** The domain that the nodes' own names are in. */
function baseOf(name: string): string {
  const labels = name.split('.');
  return labels.slice(labels.findIndex((label) => !label.startsWith('_'))).join('.');
}

/** The one text that is of this version; other TXT records, such as those of mail, are none of ours. */
function textOf(answers: readonly Answer[]): ServiceText | undefined {
  const texts = answers
    .filter(isTxt)
    .flatMap(({ data }) => readServiceText(data) ?? [])
    .filter(({ name, hint }) => name !== undefined || hint !== undefined);
  return texts.length === 1 ? texts[0] : undefined;
}

function ttlOf(answer: Answer): number {
  return 'ttl' in answer ? (answer.ttl ?? 0) : 0;
}

function nothingAt(name: string): string {
  return `nobody is at ${name}: expected SRV records of ${serviceOf(name)}, or A or AAAA records of ${name}; check FEDERATION_DNS_NAME, and that nodes register there (FEDERATION_DNS_UPDATE_SERVER) or somebody does it for them`;
}
