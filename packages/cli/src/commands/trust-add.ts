/** `trust add`: lets the node trust a peer, and on request waits until the peer trusts it too. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { EstablishRequest, EstablishResult } from 'logline-federation-client';
import { EXIT, UsageError } from '../exit-code.js';
import type { Context, Shell } from '../shell.js';
import { safe } from '../text.js';
import { showEstablished } from '../established.js';

interface TrustOptions {
  readonly peer: string;
  readonly peerId?: string;
  readonly fingerprint?: string;
  readonly method?: 'signature' | 'certificate';
  readonly readmit?: boolean;
  readonly wait?: string | true;
}

const WAIT_SECONDS = 60;
const ASK_EVERY_MS = 1_000;

export function addTrustAdd(parent: Command, shell: Shell): void {
  const command = parent
    .command('add')
    .description('trust the node at an address; trust holds as soon as that node trusts this one too')
    .requiredOption(
      '--peer <address>',
      'http(s)://, ws(s):// or host:port, with #fingerprint behind it or not',
    )
    .option('--peer-id <id>', 'refuse the peer if it has another id')
    .option(
      '--fingerprint <text>',
      "the peer's key; without it the first key that proves itself there is pinned",
    )
    .addOption(
      new Option('--method <method>', 'certificate: accept only a node that shows a valid one').choices([
        'signature',
        'certificate',
      ]),
    )
    .option(
      '--readmit',
      'trust a revoked node again; what its revocation cut off stays out until it is released',
    )
    .option('--wait [seconds]', `wait until both sides trust each other (default: ${WAIT_SECONDS} s)`);
  const examples = [
    'logline federation trust add --peer https://peer.logline.network',
    'logline federation trust add --peer 10.0.0.5:8084 --fingerprint Xn3k… --wait 120',
    'logline federation trust add --peer 10.0.0.5:8084 --method certificate',
  ];
  shell.define<TrustOptions>(command, examples, async (context, options) => {
    const waitMs = options.wait === undefined ? 0 : readSeconds(options.wait) * 1000;
    const request: EstablishRequest = {
      peer_address: options.peer,
      ...(options.peerId !== undefined && { peer_id: options.peerId }),
      ...(options.fingerprint !== undefined && { fingerprint: options.fingerprint }),
      ...(options.method !== undefined && { verification_method: options.method }),
      ...(options.readmit === true && { readmit: true }),
    };
    const result = await establish(context, request, waitMs);
    const isVerified = result.trust_level === 'verified';
    await showEstablished(context, result);
    if (options.readmit === true)
      await context.out.note(
        'What it wrote beyond its cuts stays out until it is released; what it writes after its next start counts.',
      );
    return isVerified || options.wait === undefined ? EXIT.ok : EXIT.failed;
  });
}

/** Asks again until trust is mutual or time is up: each time the node dials the peer at once. */
async function establish(
  { client, out, signal }: Context,
  request: EstablishRequest,
  waitMs: number,
): Promise<EstablishResult> {
  const deadlineMs = performance.now() + waitMs;
  for (let isFirst = true; ; isFirst = false) {
    const result = await client.establishTrust(request, { signal });
    if (result.trust_level === 'verified' || waitMs === 0) return result;
    if (isFirst)
      await out.note(`waiting for ${safe(result.peer_address)}: ${safe(result.detail ?? 'pending')}`);
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) return result;
    await sleep(Math.min(ASK_EVERY_MS, leftMs), undefined, { signal });
  }
}

function readSeconds(wait: string | true): number {
  if (wait === true) return WAIT_SECONDS;
  const seconds = Number(wait);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new UsageError(`--wait: expected seconds from 1 to 86400, got ${JSON.stringify(wait)}`);
  return seconds;
}
