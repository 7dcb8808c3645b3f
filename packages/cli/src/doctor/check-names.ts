/** Whether names resolve on this machine: those of peers, and the one under which nodes are found by DNS. */

import { lookup, Resolver } from 'node:dns/promises';
import { counted } from '../text.js';
import { nameIn } from './addresses.js';
import { orWell, problem, well, type Finding } from './finding.js';

const SHOWN = 20;
const LOOKUP_MS = 3_000;
const SERVICE = '_logline-fed._tcp';

/** Whether the names of peers resolve on this machine. */
export async function checkNames(
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const names = [...new Set(addresses.flatMap((address) => nameIn(address) ?? []))].slice(0, SHOWN);
  if (names.length === 0) return [well('dns', 'no peer is listed by a name')];
  const found = await Promise.all(names.map((name) => checkName(name, signal)));
  return orWell(found.flat(), 'dns', `${counted(names.length, 'name')} of peers resolve on this machine`);
}

async function checkName(name: string, signal: AbortSignal): Promise<readonly Finding[]> {
  const code = await Promise.race([lookup(name).then(() => undefined, codeOf), silence(signal)]);
  if (code === undefined) return [];
  return [
    problem(
      'dns',
      `the name ${name} of a peer does not resolve on this machine (${code})`,
      `getent hosts ${name}   # then correct the peer's address, or the resolver in /etc/resolv.conf`,
    ),
  ];
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

function silence(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LOOKUP_MS, 'no answer');
    timer.unref();
    signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
}

/** Whether `FEDERATION_DNS_NAME` leads to anybody: by SRV records, or by plain addresses. */
export async function checkDnsName(
  name: string,
  servers: readonly string[] = [],
): Promise<readonly Finding[]> {
  const resolver = new Resolver({ timeout: LOOKUP_MS, tries: 1 });
  if (servers.length > 0) resolver.setServers([...servers]);
  const service = name.startsWith('_') ? name : `${SERVICE}.${name}`;
  const asked = await Promise.allSettled([
    resolver.resolveSrv(service),
    resolver.resolve4(name),
    resolver.resolve6(name),
  ]);
  const count = asked.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value.length : 0), 0);
  if (count > 0) return [well('dns', `${name} leads to ${counted(count, 'record')}`)];
  const codes = asked.map((one) => (one.status === 'rejected' ? codeOf(one.reason) : 'empty'));
  const isSilent = codes.every((code) => code === 'ETIMEOUT' || code === 'ECONNREFUSED');
  return [
    problem(
      'dns',
      isSilent
        ? `no DNS server answers for FEDERATION_DNS_NAME (${codes[0] ?? ''})`
        : `nobody is found under FEDERATION_DNS_NAME ${name}: neither SRV records of ${service} nor addresses of ${name}`,
      isSilent
        ? 'cat /etc/resolv.conf   # the server there has to run, and to be reachable'
        : `dig SRV ${service}   # correct the name, or have nodes register: FEDERATION_DNS_UPDATE_SERVER`,
    ),
  ];
}
