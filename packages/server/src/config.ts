/** What the operator configures: the only place that reads the environment. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  isNodeName,
  keyOfFingerprint,
  LoglineError,
  parseAddress,
  parseNodeId,
  type TrustedPeer,
} from '@logline/federation-core';
import { z } from 'zod';
import { bindsLoopback } from './addresses.js';
import { DEFAULT_TRUST, TRUST_VARIABLES, trustOf, type TrustConfig } from './config-trust.js';
import {
  DEFAULT_DISCOVERY,
  DISCOVERY_VARIABLES,
  discoveryOf,
  gapsIn,
  type DiscoveryConfig,
} from './config-discovery.js';
import {
  CONFLICT_VARIABLES,
  conflictsOf,
  DEFAULT_CONFLICTS,
  type ConflictConfig,
} from './config-conflicts.js';
import {
  ACCESS_VARIABLES,
  accessOf,
  conflictsIn,
  DEFAULT_ACCESS,
  SECRET_VARIABLES,
  type AccessConfig,
} from './config-access.js';
import {
  DEFAULT_TELEMETRY,
  TELEMETRY_VARIABLES,
  telemetryOf,
  type TelemetryConfig,
} from './config-telemetry.js';
import {
  expected,
  list,
  ok,
  onOrOff,
  optional,
  problem,
  readOnOrOff,
  seconds,
  text,
  wholeNumber,
  type Read,
} from './config-values.js';
import { SERVER_LIMITS } from './limits.js';

/** Everything a server is started with, checked. */
export interface ServerConfig extends TrustConfig, ConflictConfig, TelemetryConfig {
  readonly name: string;
  /** The network's secret; never printed. */
  readonly networkKey: string;
  readonly trustedPeers: readonly TrustedPeer[];
  readonly bindHost: string;
  /** 0 takes any free port. */
  readonly bindPort: number;
  readonly dataDir: string;
  /** Authorities whose certificates prove a peer's name, and this node's own certificate; PEM. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  /** Holds what the node's key is encrypted with. */
  readonly keyPassphraseFile: string | undefined;
  /** Whether peers may be at loopback, private and such addresses. */
  readonly allowPrivatePeers: boolean;
  readonly discovery: DiscoveryConfig;
  readonly discoveryIntervalMs: number;
  readonly syncIntervalMs: number;
  readonly access: AccessConfig;
  /** Whether programs of this machine that run as the node's user, or root, may do everything while no secret is configured. */
  readonly localOperator: boolean;
  /** How long a client may take; not set by variables. */
  readonly deadlines: Deadlines;
}

export interface Deadlines {
  /** For the headers of a request. */
  readonly headersMs: number;
  /** For a JSON body, and for each line of an upload. */
  readonly bodyMs: number;
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
  ...DEFAULT_TRUST,
  ...DEFAULT_CONFLICTS,
  caFile: undefined,
  certFile: undefined,
  keyPassphraseFile: undefined,
  allowPrivatePeers: true,
  discovery: DEFAULT_DISCOVERY,
  discoveryIntervalMs: 300_000,
  syncIntervalMs: 60_000,
  ...DEFAULT_TELEMETRY,
  access: DEFAULT_ACCESS,
  localOperator: true,
  deadlines: { headersMs: SERVER_LIMITS.headersMs, bodyMs: SERVER_LIMITS.bodyMs },
};

const DATA_DIR = './data';
const PORT_MAX = 65_535;
const NETWORK_KEY_CHARS_MAX = 1024;
const SECRET_FILE_BYTES_MAX = 64 * 1024;
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

const dataDir = text(DATA_DIR, (value) =>
  value.includes('\0') ? expected('a path', value) : ok(resolve(value)),
);

const path = optional((value) => (value.includes('\0') ? expected('a path', value) : ok(resolve(value))));

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
  ...TRUST_VARIABLES,
  ...CONFLICT_VARIABLES,
  FEDERATION_CA_FILE: path,
  FEDERATION_CERT_FILE: path,
  FEDERATION_KEY_PASSPHRASE_FILE: path,
  FEDERATION_ALLOW_PRIVATE_PEERS: onOrOff('on'),
  FEDERATION_LOCAL_OPERATOR: optional(readOnOrOff),
  ...DISCOVERY_VARIABLES,
  FEDERATION_DISCOVERY_INTERVAL: seconds(DEFAULT_CONFIG.discoveryIntervalMs),
  FEDERATION_SYNC_INTERVAL: seconds(DEFAULT_CONFIG.syncIntervalMs),
  ...TELEMETRY_VARIABLES,
  ...ACCESS_VARIABLES,
});

/** Every variable that is read here, those that name a file with a secret included. */
export const VARIABLE_NAMES: readonly string[] = [
  ...Object.keys(VARIABLES.shape),
  ...SECRET_VARIABLES.map(fileVariable),
];

/**
 * Reads the configuration from environment variables; an empty one counts as absent.
 * Throws one `bad_configuration` whose message lists every problem, a line each, without showing a secret.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ProcessConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const { settings, problems } = withSecretFiles(given);
  const parsed = VARIABLES.safeParse(settings);
  for (const issue of parsed.error?.issues ?? []) problems.push(`${issue.path.join('.')}: ${issue.message}`);
  if (parsed.data !== undefined) problems.push(...conflictsIn(accessOf(parsed.data)), ...gapsIn(parsed.data));
  if (parsed.data === undefined || problems.length > 0) {
    const head = `${problems.length} ${problems.length === 1 ? 'setting is' : 'settings are'} not usable; correct and start again:`;
    throw new LoglineError('bad_configuration', [head, ...problems.map((one) => `  ${one}`)].join('\n'));
  }
  const values = parsed.data;
  const byHand = env['npm_lifecycle_event'] === 'start';
  return {
    name: values.FEDERATION_NODE_NAME,
    networkKey: values.FEDERATION_NETWORK_KEY,
    trustedPeers: values.FEDERATION_TRUSTED_PEERS,
    bindHost: values.FEDERATION_BIND_HOST,
    bindPort: values.FEDERATION_BIND_PORT,
    dataDir: values.FEDERATION_DATA_DIR,
    ...trustOf(values),
    ...conflictsOf(values),
    caFile: values.FEDERATION_CA_FILE,
    certFile: values.FEDERATION_CERT_FILE,
    keyPassphraseFile: values.FEDERATION_KEY_PASSPHRASE_FILE,
    allowPrivatePeers: values.FEDERATION_ALLOW_PRIVATE_PEERS,
    discovery: discoveryOf(values),
    discoveryIntervalMs: values.FEDERATION_DISCOVERY_INTERVAL * 1000,
    syncIntervalMs: values.FEDERATION_SYNC_INTERVAL * 1000,
    ...telemetryOf(values),
    access: accessOf(values),
    // A service that others reach, and that nobody gave a secret, may have a proxy in front that nobody thought of.
    localOperator: values.FEDERATION_LOCAL_OPERATOR ?? (byHand || bindsLoopback(values.FEDERATION_BIND_HOST)),
    deadlines: DEFAULT_CONFIG.deadlines,
    byHand,
    unknownVariables: Object.keys(given).filter(
      (name) => name.startsWith('FEDERATION_') && !VARIABLE_NAMES.includes(name),
    ),
  };
}

function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** The settings with those secrets filled in that files hold, as operators mount them. */
function withSecretFiles(given: Readonly<Record<string, string | undefined>>): {
  readonly settings: Record<string, string | undefined>;
  readonly problems: string[];
} {
  const settings = { ...given };
  const problems: string[] = [];
  for (const name of SECRET_VARIABLES) {
    const path = given[fileVariable(name)]?.trim();
    if (path === undefined) continue;
    if (given[name] !== undefined) {
      problems.push(`${fileVariable(name)}: ${name} is set too: keep one of them`);
      continue;
    }
    const read = readSecretFile(path);
    if ('value' in read) settings[name] = read.value;
    else problems.push(`${fileVariable(name)}: ${read.problem}`);
  }
  return { settings, problems };
}

function readSecretFile(path: string): Read<string> {
  try {
    const content = readFileSync(path);
    const secret = content.toString('utf8').trim();
    if (content.length <= SECRET_FILE_BYTES_MAX && secret !== '') return ok(secret);
    return expected(`a file with one secret, this one has ${content.length} bytes:`, path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return expected(`a file that can be read (${code})`, path);
  }
}

/** Reads `address`, `address#fingerprint` or `name#fingerprint` into canonical form. */
export function readPeer(text: string): Read<TrustedPeer> {
  const [addressText = '', ...rest] = text.split('#');
  // A name alone is no address: with a key, discovery finds out where that node is.
  const address =
    parseAddress(addressText)?.url ?? (rest.length === 0 ? undefined : parseNodeId(addressText));
  if (address === undefined) {
    return expected(
      'https://host, http://host:port, ws(s)://host:port or host:port, with #fingerprint behind it or not, or name#fingerprint',
      withoutPassword(text),
    );
  }
  if (rest.length === 0) return ok({ address });
  const key = keyOfFingerprint(rest.join('#'));
  if (key === undefined) {
    return expected(
      'the fingerprint behind # to be the 43 characters that the peer prints at its start',
      text,
    );
  }
  return ok({ address, key });
}

function withoutPassword(address: string): string {
  return address.replace(/^([a-z+.-]*:?\/\/)?[^/@]*@/i, '$1…@');
}
