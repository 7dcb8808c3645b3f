/** Registering this node with a name server, and taking that back. */

import { randomInt } from 'node:crypto';
import { LoglineError } from '../errors.js';
import type { Advert } from '../finder.js';
import { DnsClient } from './dns-client.js';
import { askByTcp, type DnsServer } from './dns-exchange.js';
import { readUpdateAnswer, writeUpdate, type Change, type TsigKey } from './dns-update-message.js';
import { isSameName, isSrv, SERVICE, serviceText } from './service-records.js';

export interface RegistrationOptions {
  /** The domain, such as `fed.example.org`. */
  readonly base: string;
  /** The zone's primary. */
  readonly server: DnsServer;
  readonly key: TsigKey;
  /** The IP addresses at which others reach this node, as they are at the moment. */
  readonly addresses: () => readonly string[];
}

const TTL_S = 120;
const DEADLINE_MS = 5_000;
/** A node that stops does not wait long for a name server. */
const FAREWELL_MS = 2_000;
const ADDRESSES_MAX = 8;

export class DnsRegistration {
  readonly #options: RegistrationOptions;
  readonly #client: DnsClient;
  #zone: string | undefined;
  #registered: Pick<Advert, 'label' | 'port'> | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#client = new DnsClient({ servers: [options.server], tcp: true });
  }

  /** Puts what the node says of itself in the place of whatever stood there. Rejects with what to check. */
  async register(advert: Advert): Promise<void> {
    const { base, addresses } = this.#options;
    const { label, port } = advert;
    const host = `${label}.${base}`;
    const reachable = addresses().slice(0, ADDRESSES_MAX);
    if (reachable.length === 0)
      throw new LoglineError(
        'bad_configuration',
        'this node has no address that others could reach: see FEDERATION_BIND_HOST',
      );
    const stale = await this.#formerPorts(host, port);
    const service = `${SERVICE}.${base}`;
    const add = (name: string, data: Extract<Change, { kind: 'add' }>['data']): Change => ({
      kind: 'add',
      name,
      ttl: TTL_S,
      data,
    });
    await this.#update(
      [
        { kind: 'clear', name: host },
        ...stale.map((former): Change => ({
          kind: 'remove',
          name: service,
          data: { type: 'srv', port: former, target: host },
        })),
        add(service, { type: 'srv', port, target: host }),
        add(host, { type: 'txt', strings: serviceText(advert) }),
        ...reachable.map((address) => add(host, { type: 'address', address })),
      ],
      DEADLINE_MS,
    );
    this.#registered = { label, port };
  }

  /** Best effort: what is left behind leads nowhere, and the next start replaces it. */
  async withdraw(): Promise<void> {
    if (this.#registered === undefined) return;
    const { label, port } = this.#registered;
    this.#registered = undefined;
    const { base } = this.#options;
    const host = `${label}.${base}`;
    const changes: readonly Change[] = [
      { kind: 'clear', name: host },
      { kind: 'remove', name: `${SERVICE}.${base}`, data: { type: 'srv', port, target: host } },
    ];
    await this.#update(changes, FAREWELL_MS).catch(() => undefined);
  }

  /** Ports under which an earlier start has registered. */
  async #formerPorts(host: string, port: number): Promise<readonly number[]> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    const { answers } = await this.#client.lookup(`${SERVICE}.${this.#options.base}`, 'SRV', deadlineMs);
    return answers
      .filter(isSrv)
      .filter(({ data }) => isSameName(data.target, host) && data.port !== port)
      .map(({ data }) => data.port);
  }

  async #update(changes: readonly Change[], timeoutMs: number): Promise<void> {
    const { server, key } = this.#options;
    const zone = await this.#zoneOf(timeoutMs);
    const id = randomInt(65_536);
    const request = writeUpdate({ id, zone, changes }, key, Math.floor(Date.now() / 1_000));
    const isAnswer = (bytes: Buffer): boolean => bytes.length >= 12 && bytes.readUInt16BE(0) === id;
    const answer = readUpdateAnswer(
      await askByTcp(server, request.bytes, { timeoutMs, isAnswer }),
      request,
      key,
    );
    if (answer.rcode !== 0 || answer.tsigError !== 0)
      throw new LoglineError('bad_configuration', refusalOf(answer, { zone, key: key.name }));
    if (!answer.isSigned)
      throw new LoglineError(
        'bad_configuration',
        `the answer of name server ${server.host} is not signed by the key ${key.name}: it does not count`,
      );
  }

  /** The zone that the base is in: the server says so with the SOA record that it shows. */
  async #zoneOf(timeoutMs: number): Promise<string> {
    const { base, server } = this.#options;
    const deadlineMs = performance.now() + timeoutMs;
    if (this.#zone === undefined) {
      const { answers, authorities } = await this.#client.lookup(base, 'SOA', deadlineMs);
      const isAbove = (name: string): boolean =>
        isSameName(base, name) || isSameName(base.slice(-name.length - 1), `.${name}`);
      this.#zone = [...answers, ...authorities].find((one) => one.type === 'SOA' && isAbove(one.name))?.name;
    }
    if (this.#zone !== undefined) return this.#zone;
    throw new LoglineError(
      'bad_configuration',
      `name server ${server.host} has no zone that ${base} is in: FEDERATION_DNS_UPDATE_SERVER has to be the primary of that zone`,
    );
  }
}

const TSIG_ERRORS: Readonly<Record<number, string>> = {
  16: 'it does not know the key by this secret',
  17: 'it does not know the key',
  18: 'its clock differs from ours by more than five minutes',
};
const REFUSALS: Readonly<Record<number, string>> = {
  2: 'it cannot write the zone: see its log',
  4: 'it does not take updates',
  5: 'it does not allow this key to change these names: see update-policy or allow-update there',
  9: 'it is not the primary of the zone, or does not accept the key',
  10: 'the name is outside of the zone',
};

function refusalOf(
  { rcode, tsigError }: { readonly rcode: number; readonly tsigError: number },
  { zone, key }: { readonly zone: string; readonly key: string },
): string {
  const why = TSIG_ERRORS[tsigError] ?? REFUSALS[rcode] ?? `it answers with code ${rcode}`;
  return `the name server refuses to change zone ${zone} for key ${key}: ${why}`;
}
