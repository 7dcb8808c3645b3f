/** How nodes find each other without an operator: the settings of discovery. */

import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { parseDnsServer, parseTsigKey, type DnsServer, type TsigKey } from '@logline/federation-core/node';
import { bindsLoopback } from './addresses.js';
import { expected, ok, onOrOff, optional, problem, type Read } from './config-values.js';

export interface DiscoveryConfig {
  /** Whether this node announces itself on the local network, and listens for others there. */
  readonly broadcast: boolean;
  /** Where multicast DNS happens, if not on all interfaces and its own port; not set by variables. */
  readonly broadcastOn?: { readonly interfaces: readonly string[]; readonly port: number } | undefined;
  /** The name under which nodes are found by DNS. */
  readonly dnsName: string | undefined;
  /** The system's unless given; not set by variables. */
  readonly dnsServers?: readonly DnsServer[] | undefined;
  /** Where this node registers itself. */
  readonly dnsUpdate: { readonly server: DnsServer; readonly key: TsigKey } | undefined;
  /** Whether verified peers are told of each other, and listened to when they tell. */
  readonly exchange: boolean;
}

/** A service that is started by a program says itself what it wants. */
export const DEFAULT_DISCOVERY: DiscoveryConfig = {
  broadcast: false,
  dnsName: undefined,
  dnsUpdate: undefined,
  exchange: true,
};

const DNS_NAME =
  /^(?=.{1,200}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)+\.?$/;
const WILDCARDS = ['0.0.0.0', '::'];

const broadcast = optional((value): Read<'auto' | 'on' | 'off'> => {
  const word = (['auto', 'on', 'off'] as const).find((one) => one === value.toLowerCase());
  return word === undefined ? expected('auto, on or off', value) : ok(word);
});

const dnsName = optional((value) =>
  DNS_NAME.test(value) && !/^_[^.]+\._[^.]+\.?$/.test(value)
    ? ok(value.replace(/\.$/, ''))
    : expected('a domain such as fed.example.org', value),
);

const dnsServer = optional((value): Read<DnsServer> => {
  const server = parseDnsServer(value);
  return server === undefined ? expected('a name server as host or host:port', value) : ok(server);
});

const tsigKey = optional((value): Read<TsigKey> => {
  const key = parseTsigKey(value);
  return key === undefined
    ? problem(
        'expected a key as tsig-keygen prints it, with hmac-sha256, hmac-sha384 or hmac-sha512 (not shown)',
      )
    : ok(key);
});

export const DISCOVERY_VARIABLES = {
  FEDERATION_BROADCAST: broadcast,
  FEDERATION_DNS_NAME: dnsName,
  FEDERATION_DNS_UPDATE_SERVER: dnsServer,
  FEDERATION_DNS_UPDATE_KEY: tsigKey,
  FEDERATION_PEER_EXCHANGE: onOrOff('on'),
};

interface DiscoveryValues {
  readonly FEDERATION_BROADCAST: 'auto' | 'on' | 'off' | undefined;
  readonly FEDERATION_DNS_NAME: string | undefined;
  readonly FEDERATION_DNS_UPDATE_SERVER: DnsServer | undefined;
  readonly FEDERATION_DNS_UPDATE_KEY: TsigKey | undefined;
  readonly FEDERATION_PEER_EXCHANGE: boolean;
  readonly FEDERATION_NETWORK_KEY: string;
  readonly FEDERATION_BIND_HOST: string;
}

export function discoveryOf(values: DiscoveryValues): DiscoveryConfig {
  const server = values.FEDERATION_DNS_UPDATE_SERVER;
  const key = values.FEDERATION_DNS_UPDATE_KEY;
  return {
    broadcast: broadcasts(values),
    dnsName: values.FEDERATION_DNS_NAME,
    dnsUpdate: server === undefined || key === undefined ? undefined : { server, key },
    exchange: values.FEDERATION_PEER_EXCHANGE,
  };
}

/** What each setting needs of the others, a line each. */
export function gapsIn(values: DiscoveryValues): readonly string[] {
  const server = values.FEDERATION_DNS_UPDATE_SERVER;
  const key = values.FEDERATION_DNS_UPDATE_KEY;
  const gaps: string[] = [];
  if (server !== undefined && key === undefined)
    gaps.push(
      'FEDERATION_DNS_UPDATE_SERVER: set FEDERATION_DNS_UPDATE_KEY_FILE too: updates have to be signed',
    );
  if (server === undefined && key !== undefined)
    gaps.push('FEDERATION_DNS_UPDATE_KEY: set FEDERATION_DNS_UPDATE_SERVER too, or leave both out');
  if (server !== undefined && values.FEDERATION_DNS_NAME === undefined)
    gaps.push('FEDERATION_DNS_UPDATE_SERVER: set FEDERATION_DNS_NAME too: that is where the node registers');
  return gaps;
}

/** A node without a network key would invite everybody, and one that is bound to loopback nobody. */
function broadcasts({ FEDERATION_BROADCAST: wish = 'auto', ...values }: DiscoveryValues): boolean {
  if (wish !== 'auto') return wish === 'on';
  return values.FEDERATION_NETWORK_KEY !== '' && !bindsLoopback(values.FEDERATION_BIND_HOST);
}

/** The IPv4 interface that multicast DNS is kept to, where the service listens on one alone. */
export function interfacesOf(bindHost: string): readonly string[] | undefined {
  return isIP(bindHost) === 4 && !WILDCARDS.includes(bindHost) ? [bindHost] : undefined;
}

/** The IP addresses at which others reach a service that is bound there. */
export function reachableAt(bindHost: string): readonly string[] {
  if (isIP(bindHost) !== 0 && !WILDCARDS.includes(bindHost)) return [bindHost];
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .filter(({ family }) => family === 'IPv4' || bindHost !== '0.0.0.0')
    .map(({ address }) => address);
}
