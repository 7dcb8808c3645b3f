/** Whether the node answers, lets us in, and is well: what can be seen over its interface alone. */

import type { LoglineFederationError } from 'logline-federation-client';
import { counted } from '../text.js';
import { isLoopback } from './addresses.js';
import { problem, warning, well, type Finding } from './finding.js';
import type { NodeAnswers } from './node-answers.js';

const SKEW_WARNED_MS = 5_000;
/** From here on the stamps of a node do not count at its peers. */
const SKEW_MOST_MS = 60_000;
const SET_CLOCK = 'timedatectl set-ntp true   # or: chronyc makestep';

export function checkNode(answers: NodeAnswers): readonly Finding[] {
  const { url, health, failure } = answers;
  if (failure !== undefined) return [unreachable(url, failure)];
  if (health === undefined) return [];
  return [
    well('connectivity', `${health.node_id} answers at ${url.origin}`),
    ...checkAccess(answers),
    ...checkHealth(answers),
    ...checkClock(answers),
    ...checkOpenness(answers),
  ];
}

function unreachable(url: URL, error: LoglineFederationError): Finding {
  const code = systemCode(error);
  const at = url.origin;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return problem(
      'dns',
      `the name ${url.hostname} of LOGLINE_FEDERATION_URL does not resolve (${code})`,
      `getent hosts ${url.hostname}   # then correct LOGLINE_FEDERATION_URL, or the resolver in /etc/resolv.conf`,
    );
  if (code === 'ECONNREFUSED')
    return problem(
      'connectivity',
      `nothing listens at ${at}`,
      `FEDERATION_BIND_PORT=${url.port || (url.protocol === 'https:' ? '443' : '80')} npm start   # or: export LOGLINE_FEDERATION_URL=<where the node is>`,
    );
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(code))
    return problem(
      'connectivity',
      `the certificate of ${at} is not believed (${code})`,
      'export NODE_EXTRA_CA_CERTS=<the PEM file of its authority>',
    );
  if (/SSL|EPROTO|HPE_/.test(code))
    return problem(
      'connectivity',
      `${at} does not speak ${url.protocol.slice(0, -1)} (${code})`,
      `export LOGLINE_FEDERATION_URL=${url.protocol === 'https:' ? 'http' : 'https'}://${url.host}`,
    );
  if (error.status !== undefined)
    return problem(
      'connectivity',
      `${at} answers ${error.status} to /health: that is no LogLine node, or a proxy before one`,
      'export LOGLINE_FEDERATION_URL=<the address of the node itself, or its place behind the gateway>',
    );
  return problem(
    'connectivity',
    `no answer from ${at} (${code || error.code})`,
    `nc -vz ${url.hostname} ${url.port || (url.protocol === 'https:' ? '443' : '80')}   # and let the port through the firewall`,
  );
}

/** `ECONNREFUSED` and the like, wherever the platform hides it. */
function systemCode(error: Error): string {
  for (let at: unknown = error.cause, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as { readonly code?: unknown };
    if (typeof code === 'string') return code;
  }
  return '';
}

function checkAccess({ refusal }: NodeAnswers): readonly Finding[] {
  if (refusal === undefined) return [well('access', 'the node tells us how it is')];
  const fix =
    refusal.status === 401
      ? "export LOGLINE_FEDERATION_TOKEN_FILE=<a file with the node's FEDERATION_ADMIN_TOKEN>"
      : 'export LOGLINE_FEDERATION_TOKEN_FILE=<a file with a token whose scope has federation:read>';
  return [
    problem('access', `the node refuses us (${refusal.status ?? refusal.code}): ${refusal.detail}`, fix),
  ];
}

function checkHealth({ health, sync }: NodeAnswers): readonly Finding[] {
  if (health === undefined) return [];
  const readOnly = sync?.read_only ?? null;
  const found: Finding[] = [];
  if (readOnly !== null)
    found.push(
      problem(
        'disk',
        `the store is read-only until the node is restarted: ${readOnly}`,
        'df -h <data directory>   # make room or replace the disk, then restart the node',
      ),
    );
  const open = sync?.sync_conflicts ?? 0;
  if (open > 0)
    found.push(
      warning(
        'conflicts',
        `${counted(open, 'conflict')} open`,
        'logline federation conflicts --tenant <name>',
      ),
    );
  if (health.status === 'healthy') return [...found, well('health', 'healthy')];
  const told = health.reasons.filter((reason) => readOnly === null || !reason.includes('read-only'));
  const say = health.status === 'unhealthy' ? problem : warning;
  return [...found, ...told.map((reason) => say('health', reason, fixFor(reason)))];
}

/** The reasons that a node gives, and what helps with each. */
const REASONS: readonly (readonly [about: RegExp, fix: string])[] = [
  [/read-only/, 'df -h <data directory>   # make room or replace the disk, then restart the node'],
  [
    /certificate/,
    'logline federation cert issue --ca <folder> --name <node> --key <fingerprint> --out <its file> --force',
  ],
  [/not connected/, 'logline federation nodes'],
  [/clock/, SET_CLOCK],
  [/stopping/, 'logline federation status   # once it has started again'],
];

function fixFor(reason: string): string {
  return REASONS.find(([about]) => about.test(reason))?.[1] ?? 'logline federation status';
}

function checkClock({ aheadMs, sync }: NodeAnswers): readonly Finding[] {
  const found: Finding[] = [];
  if (aheadMs !== undefined && Math.abs(aheadMs) > SKEW_WARNED_MS)
    found.push(skew(aheadMs, "the node's clock", 'that of this machine'));
  for (const peer of sync?.peers ?? []) {
    const ms = peer.clock_skew_ms ?? 0;
    if (Math.abs(ms) > SKEW_WARNED_MS)
      found.push(skew(ms, `the clock of ${peer.id ?? peer.address}`, 'that of the node'));
  }
  if (found.length > 0 || (aheadMs === undefined && sync === undefined)) return found;
  return [well('clock', 'the clocks of this machine, the node and its peers agree')];
}

function skew(ms: number, whose: string, than: string): Finding {
  const amount =
    Math.abs(ms) < 120_000
      ? `${Math.round(Math.abs(ms) / 1000)} s`
      : `${Math.round(Math.abs(ms) / 60_000)} min`;
  const what = `${whose} is ${amount} ${ms > 0 ? 'ahead of' : 'behind'} ${than}`;
  return (Math.abs(ms) > SKEW_MOST_MS ? problem : warning)('clock', what, `${SET_CLOCK}, where it is wrong`);
}

function checkOpenness({ url, isOpen }: NodeAnswers): readonly Finding[] {
  const found: Finding[] = [];
  const isHere = isLoopback(url.hostname);
  if (isOpen === true && !isHere)
    found.push(
      warning(
        'security',
        `${url.origin} answers without a token: everyone with a private address may look at nodes, trust and sync status`,
        'FEDERATION_ADMIN_TOKEN=$(openssl rand -base64 32)   # in the environment of the node',
      ),
    );
  if (url.protocol === 'http:' && !isHere)
    found.push(
      warning(
        'security',
        `${url.origin} is asked without TLS: tokens and answers can be read on the way`,
        'export LOGLINE_FEDERATION_URL=https://<a TLS proxy before the node>',
      ),
    );
  return found;
}
