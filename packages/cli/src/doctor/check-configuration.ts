/** Whether the environment of a node says what its operator means: spelled right, free of contradictions, and safe. */

import { readFile } from 'node:fs/promises';
import type { ServerConfig } from '@logline/federation-server';
import { CliError } from '../exit-code.js';
import type { Io } from '../output.js';
import { isLoopback } from './addresses.js';
import { problem, skipped, warning, well, type Finding } from './finding.js';
import type { NodeAnswers } from './node-answers.js';

type Environment = Io['env'];

const OWN_VARIABLES = ['LOGLINE_FEDERATION_URL', 'LOGLINE_FEDERATION_TOKEN', 'LOGLINE_FEDERATION_TOKEN_FILE'];
const SECRET = 'openssl rand -base64 32';

export interface Configured {
  readonly findings: readonly Finding[];
  /** Where the environment can be read as a whole. */
  readonly config: ServerConfig | undefined;
}

/** Reads it as the server would, with the server's own reader. */
export async function checkConfiguration(env: Environment, answers: NodeAnswers): Promise<Configured> {
  const own = misspelt(env, 'LOGLINE_FEDERATION_', OWN_VARIABLES);
  if (!Object.keys(env).some((name) => name.startsWith('FEDERATION_')))
    return {
      findings: [
        ...own,
        skipped(
          'configuration',
          "no FEDERATION_ variable is set here: run it with the node's environment, or name --env-file",
        ),
      ],
      config: undefined,
    };
  const server = await import('@logline/federation-server').catch(() => undefined);
  if (server === undefined)
    return {
      findings: [
        ...own,
        skipped(
          'configuration',
          'the package of the server, which knows the variables, is not installed here',
        ),
      ],
      config: undefined,
    };
  const unknown = [...own, ...misspelt(env, 'FEDERATION_', server.VARIABLE_NAMES)];
  try {
    const config = server.readConfig(env);
    const hasCallers = server.hasCallers(config.access);
    const found = [...unknown, ...contradictions(config, answers), ...insecurities(config, hasCallers)];
    const isFine = !found.some(({ subject }) => subject === 'configuration');
    return {
      findings: isFine ? [...found, well('configuration', 'every variable is known and usable')] : found,
      config,
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [, ...lines] = error.message.split('\n');
    return { findings: [...unknown, ...lines.map((line) => unusable(line.trim()))], config: undefined };
  }
}

/** `NAME: what is wrong`, as the server says it. */
function unusable(line: string): Finding {
  const name = /^[A-Z_]+/.exec(line)?.[0] ?? 'the environment';
  return problem('configuration', line, `unset ${name}   # or correct it as said, then start the node again`);
}

function misspelt(env: Environment, prefix: string, known: readonly string[]): readonly Finding[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map((name) => {
      const [nearest] = known.toSorted((a, b) => distance(a, name) - distance(b, name));
      const isNear = nearest !== undefined && distance(nearest, name) <= 3;
      const meant = isNear ? `: ${nearest} is meant?` : '';
      const fix = isNear ? `${nearest}=…   # in place of ${name}` : `unset ${name}`;
      return problem('configuration', `nobody reads ${name}${meant}`, fix);
    });
}

/** Edits between two words (Levenshtein 1966), by the row. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function contradictions(config: ServerConfig, { health, url }: NodeAnswers): readonly Finding[] {
  const found: Finding[] = [];
  const id = `logline-id://node/${config.name}`;
  if (health !== undefined && health.node_id !== id)
    found.push(
      warning(
        'configuration',
        `FEDERATION_NODE_NAME says ${id}, and ${health.node_id} answers at ${url.origin}`,
        'export LOGLINE_FEDERATION_URL=<where this node is>   # or restart the node with this environment',
      ),
    );
  if (config.certFile !== undefined && config.caFile === undefined)
    found.push(
      warning(
        'configuration',
        'FEDERATION_CERT_FILE is set without FEDERATION_CA_FILE: the node shows a certificate and believes none',
        'FEDERATION_CA_FILE=<the ca.pem of the authority>',
      ),
    );
  const isShared = config.tenants === '*' || config.tenants.length > 0;
  if (config.trustedPeers.length > 0 && !isShared)
    found.push(
      warning(
        'configuration',
        'FEDERATION_TRUSTED_PEERS is set and FEDERATION_TENANTS is not: unless tenants are granted one by one, nothing flows',
        'FEDERATION_TENANTS=<tenant,tenant>   # or: logline federation tenants grant <tenant> <peer>',
      ),
    );
  return found;
}

function insecurities(config: ServerConfig, hasCallers: boolean): readonly Finding[] {
  const found: Finding[] = [];
  const unpinned = config.trustedPeers.filter((peer) => peer.key === undefined);
  if (config.networkKey === '' && config.caFile === undefined && unpinned.length > 0)
    found.push(
      warning(
        'first contact',
        `nothing proves the first contact with ${unpinned.map(({ address }) => address).join(', ')}: there is no FEDERATION_NETWORK_KEY, no certificate, and no fingerprint`,
        `FEDERATION_NETWORK_KEY=$(${SECRET})   # the same at all nodes; or append #<fingerprint> to the address`,
      ),
    );
  else if (unpinned.length < config.trustedPeers.length || config.networkKey !== '')
    found.push(well('first contact', 'a key, a certificate or a fingerprint proves first contacts'));
  if (!hasCallers && !isLoopback(config.bindHost))
    found.push(
      warning(
        'security',
        `the node listens on ${config.bindHost}, and no caller is configured: everyone with a private address may look at nodes, trust and sync status`,
        `FEDERATION_ADMIN_TOKEN=$(${SECRET})   # or FEDERATION_BIND_HOST=127.0.0.1`,
      ),
    );
  else found.push(well('security', hasCallers ? 'callers need a token' : 'only this machine can ask'));
  return found;
}

/** The variables of a file as Docker and systemd read it: NAME=value, `#` before comments. Rejects with a `CliError`. */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`--env-file ${path}: cannot be read (${error.code ?? error.message})`, {
      cause: error,
    });
  });
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) found[name] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return found;
}
