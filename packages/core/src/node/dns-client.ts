/** Records of a name, with how long they count. Asks name servers itself, since the system's resolver tells no lifetimes. */

import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { decode, encode, RECURSION_DESIRED, type Answer, type DecodedPacket } from 'dns-packet';
import { LoglineError, messageOf } from '../errors.js';
import { askByTcp, askByUdp, parseDnsServer, UDP_BYTES, type DnsServer } from './dns-exchange.js';
import { isSameName } from './service-records.js';

export type Asked = 'A' | 'AAAA' | 'SRV' | 'TXT' | 'SOA';

export interface DnsClientOptions {
  /** The system's name servers unless given. */
  readonly servers?: readonly DnsServer[] | undefined;
  /** Over TCP alone, for servers that are asked about more than a datagram holds. */
  readonly tcp?: boolean;
}

const SERVERS_MAX = 3;
const RECORDS_MAX = 256;
const ALIASES_MAX = 8;
const TRY_MS = 1_500;
/** With less time left there is no use in asking. */
const LEAST_MS = 20;
const RCODE_MASK = 0x0f;
const NO_ERROR = 0;
const NO_SUCH_NAME = 3;
const RCODES: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
  9: 'NOTAUTH',
};

/** The records of one type that a name has, and the authority section, which names the zone. */
export interface Lookup {
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
}

export class DnsClient {
  readonly #options: DnsClientOptions;

  constructor(options: DnsClientOptions = {}) {
    this.#options = options;
  }

  /** No records is no error; rejects with `unreachable` where no server says anything of the name by then. */
  async lookup(name: string, type: Asked, deadlineMs: number): Promise<Lookup> {
    const servers = (this.#options.servers ?? systemServers()).slice(0, SERVERS_MAX);
    if (servers.length === 0)
      throw new LoglineError('unreachable', 'this machine has no name server: see /etc/resolv.conf');
    let why: unknown;
    // Twice, since datagrams get lost.
    for (const server of [...servers, ...servers]) {
      const timeoutMs = Math.floor(Math.min(TRY_MS, deadlineMs - performance.now()));
      if (timeoutMs < LEAST_MS) break;
      try {
        return readLookup(await this.#ask(server, { name, type, timeoutMs }), { name, type });
      } catch (error) {
        why = error;
      }
    }
    throw new LoglineError('unreachable', messageOf(why ?? 'no time is left to ask'), { cause: why });
  }

  async #ask(
    server: DnsServer,
    { name, type, timeoutMs }: { readonly name: string; readonly type: Asked; readonly timeoutMs: number },
  ): Promise<DecodedPacket> {
    const id = randomInt(65_536);
    const question = encode({
      type: 'query',
      id,
      flags: RECURSION_DESIRED,
      questions: [{ type, name }],
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: UDP_BYTES,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    });
    const isAnswer = (bytes: Buffer): boolean => {
      const packet = tryDecode(bytes);
      const [asked] = packet?.questions ?? [];
      const isSame = asked !== undefined && asked.type === type && isSameName(asked.name, name);
      return packet?.type === 'response' && packet.id === id && isSame;
    };
    const options = { timeoutMs, isAnswer };
    const first = this.#options.tcp === true ? undefined : decode(await askByUdp(server, question, options));
    return first !== undefined && !first.flag_tc ? first : decode(await askByTcp(server, question, options));
  }
}

/** Only what the name itself has, or what it is an alias of: an answer may hold anything. */
function readLookup(
  packet: DecodedPacket,
  { name, type }: { readonly name: string; readonly type: Asked },
): Lookup {
  const rcode = (packet.flags ?? 0) & RCODE_MASK;
  if (rcode !== NO_ERROR && rcode !== NO_SUCH_NAME)
    throw new LoglineError('unreachable', `the name server answers ${RCODES[rcode] ?? rcode} for ${name}`);
  const answers = (packet.answers ?? []).slice(0, RECORDS_MAX);
  const names = [name];
  for (let n = 0; n < ALIASES_MAX; n++) {
    const alias = answers.find((one) => one.type === 'CNAME' && isSameName(one.name, names.at(-1) ?? ''));
    if (alias?.type !== 'CNAME') break;
    names.push(alias.data);
  }
  return {
    answers: answers.filter((one) => one.type === type && names.some((own) => isSameName(own, one.name))),
    authorities: (packet.authorities ?? []).slice(0, RECORDS_MAX),
  };
}

function tryDecode(bytes: Buffer): DecodedPacket | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

function systemServers(): readonly DnsServer[] {
  return getServers().flatMap((text) => parseDnsServer(text) ?? []);
}
