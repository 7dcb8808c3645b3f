/** What the operator configures: the only place that reads the environment. */

import { resolve } from 'node:path';
import {
  isNodeName,
  keyOfFingerprint,
  LoglineError,
  parseAddress,
  parseTenant,
  type TenantId,
  type TrustedPeer,
} from '@logline/federation-core';
import { z } from 'zod';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything a server is started with, checked. */
export interface ServerConfig {
  readonly name: string;
  /** The network's secret; never printed. */
  readonly networkKey: string;
  readonly trustedPeers: readonly TrustedPeer[];
  readonly bindHost: string;
  /** 0 takes any free port. */
  readonly bindPort: number;
  readonly dataDir: string;
  readonly tenants: readonly TenantId[] | '*';
  readonly discoveryIntervalMs: number;
  readonly syncIntervalMs: number;
  readonly logLevel: LogLevel;
}

/** The configuration of a process: the server's, and how the process was started. */
export interface ProcessConfig extends ServerConfig {
  /** Started by a person with `npm start`. */
  readonly byHand: boolean;
  /** Variables that look meant for this service and are not known. */
  readonly unknownVariables: readonly string[];
}

export const DEFAULT_CONFIG: Omit<ServerConfig, 'dataDir'> = {
  name: 'local-node',
  networkKey: '',
  trustedPeers: [],
  bindHost: '0.0.0.0',
  bindPort: 8080,
  tenants: [],
  discoveryIntervalMs: 300_000,
  syncIntervalMs: 60_000,
  logLevel: 'info',
};

const DATA_DIR = './data';
const PORT_MAX = 65_535;
const SECONDS_MAX = 86_400;
const NETWORK_KEY_CHARS_MAX = 1024;
const HOST = /^[A-Za-z0-9.:_%-]{1,253}$/;

const nodeName = text(DEFAULT_CONFIG.name, (value) =>
  isNodeName(value)
    ? ok(value)
    : expected('up to 64 letters, digits, dots, dashes or underscores, the first and last not a mark', value),
);

const networkKey = text(DEFAULT_CONFIG.networkKey, (value) =>
  value.length <= NETWORK_KEY_CHARS_MAX
    ? ok(value)
    : problem(`expected at most ${NETWORK_KEY_CHARS_MAX} characters, got ${value.length} (not shown)`),
);

const bindHost = text(DEFAULT_CONFIG.bindHost, (value) =>
  HOST.test(value) ? ok(value) : expected('an IP address or a host name to listen on', value),
);

const logLevel = text(DEFAULT_CONFIG.logLevel, (value) => {
  const level = LOG_LEVELS.find((one) => one === value.toLowerCase());
  return level === undefined ? expected(`one of ${LOG_LEVELS.join(', ')}`, value) : ok(level);
});

const dataDir = text(DATA_DIR, (value) =>
  value.includes('\0') ? expected('a path', value) : ok(resolve(value)),
);

const VARIABLES = z.object({
  FEDERATION_NODE_NAME: nodeName,
  FEDERATION_NETWORK_KEY: networkKey,
  FEDERATION_TRUSTED_PEERS: list(readPeer, (peers) => {
    const addresses = peers.map((peer) => peer.address);
    return addresses.find((address, i) => addresses.indexOf(address) !== i);
  }),
  FEDERATION_BIND_HOST: bindHost,
  FEDERATION_BIND_PORT: wholeNumber(String(DEFAULT_CONFIG.bindPort), { least: 0, most: PORT_MAX }),
  FEDERATION_DATA_DIR: dataDir,
  FEDERATION_TENANTS: list(readTenant, () => undefined),
  FEDERATION_DISCOVERY_INTERVAL: seconds(DEFAULT_CONFIG.discoveryIntervalMs),
  FEDERATION_SYNC_INTERVAL: seconds(DEFAULT_CONFIG.syncIntervalMs),
  LOG_LEVEL: logLevel,
});

/**
 * Reads the configuration from environment variables; an empty one counts as absent.
 * Throws one `bad_configuration` whose message lists every problem, a line each, without showing a secret.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ProcessConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const parsed = VARIABLES.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    const head = `${lines.length} ${lines.length === 1 ? 'setting is' : 'settings are'} not usable; correct and start again:`;
    throw new LoglineError('bad_configuration', [head, ...lines].join('\n'));
  }
  const values = parsed.data;
  const tenants = values.FEDERATION_TENANTS;
  const known = new Set(Object.keys(VARIABLES.shape));
  return {
    name: values.FEDERATION_NODE_NAME,
    networkKey: values.FEDERATION_NETWORK_KEY,
    trustedPeers: values.FEDERATION_TRUSTED_PEERS,
    bindHost: values.FEDERATION_BIND_HOST,
    bindPort: values.FEDERATION_BIND_PORT,
    dataDir: values.FEDERATION_DATA_DIR,
    tenants: tenants.includes('*') ? '*' : tenants.flatMap((tenant) => (tenant === '*' ? [] : [tenant])),
    discoveryIntervalMs: values.FEDERATION_DISCOVERY_INTERVAL * 1000,
    syncIntervalMs: values.FEDERATION_SYNC_INTERVAL * 1000,
    logLevel: values.LOG_LEVEL,
    byHand: env['npm_lifecycle_event'] === 'start',
    unknownVariables: Object.keys(given).filter((name) => name.startsWith('FEDERATION_') && !known.has(name)),
  };
}

type Read<T> = { readonly value: T } | { readonly problem: string };

/** Reads `address` or `address#fingerprint` into canonical form. */
export function readPeer(text: string): Read<TrustedPeer> {
  const [addressText = '', ...rest] = text.split('#');
  const address = parseAddress(addressText);
  if (address === undefined) {
    return expected(
      'https://host, http://host:port, ws(s)://host:port or host:port, with #fingerprint behind it or not',
      withoutPassword(text),
    );
  }
  if (rest.length === 0) return ok({ address: address.url });
  const key = keyOfFingerprint(rest.join('#'));
  if (key === undefined) {
    return expected(
      'the fingerprint behind # to be the 43 characters that the peer prints at its start',
      text,
    );
  }
  return ok({ address: address.url, key });
}

function readTenant(text: string): Read<TenantId | '*'> {
  const tenant = text === '*' ? text : parseTenant(text);
  return tenant === undefined
    ? expected('tenant names of up to 128 printable characters without spaces or / * # ? % & = " \\', text)
    : ok(tenant);
}

function text<T>(byDefault: string, read: (value: string) => Read<T>) {
  return z
    .string()
    .default(byDefault)
    .transform((value, ctx): T => {
      const result = read(value.trim());
      if ('value' in result) return result.value;
      ctx.addIssue({ code: 'custom', message: result.problem });
      return z.NEVER;
    });
}

/** A comma list. Every bad part is a problem of its own. */
function list<T>(read: (part: string) => Read<T>, repeated: (values: readonly T[]) => string | undefined) {
  return z
    .string()
    .default('')
    .transform((value, ctx): T[] => {
      const parts = value.split(',').map((part) => part.trim());
      const values: T[] = [];
      for (const part of parts.filter((one) => one !== '')) {
        const result = read(part);
        if ('value' in result) values.push(result.value);
        else ctx.addIssue({ code: 'custom', message: result.problem });
      }
      const twice = repeated(values);
      if (twice !== undefined)
        ctx.addIssue({ code: 'custom', message: `names ${twice} twice: keep one of them` });
      return values;
    });
}

function wholeNumber(byDefault: string, range: { readonly least: number; readonly most: number }) {
  return text(byDefault, (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= range.least && number <= range.most
      ? ok(number)
      : expected(`a whole number from ${range.least} to ${range.most}`, value);
  });
}

function seconds(byDefaultMs: number) {
  return wholeNumber(String(byDefaultMs / 1000), { least: 1, most: SECONDS_MAX });
}

function ok<T>(value: T): Read<T> {
  return { value };
}

function problem(message: string): { readonly problem: string } {
  return { problem: message };
}

function expected(what: string, got: string): { readonly problem: string } {
  return problem(`expected ${what}, got ${JSON.stringify(got.slice(0, 200))}`);
}

function withoutPassword(address: string): string {
  return address.replace(/^([a-z+.-]*:?\/\/)?[^/@]*@/i, '$1…@');
}
