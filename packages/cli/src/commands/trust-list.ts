/** `trust list`: every key that the node has to do with, and how far it trusts it. */

import type { Command } from 'commander';
import type { Relationship } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import { levelText } from '../levels.js';
import type { Shell } from '../shell.js';
import { counted, safe, whenText } from '../text.js';
import { NO_PEERS } from './nodes.js';

export function addTrustList(parent: Command, shell: Shell): void {
  const command = parent
    .command('list')
    .description('list whom the node trusts, and why it does not trust the others');
  const examples = [
    'logline federation trust list',
    `logline federation trust list --json | jq '.relationships[] | select(.trust_level == "revoked")'`,
  ];
  shell.define(command, examples, async ({ client, out, signal }) => {
    const relationships = await client.trustRelationships({ signal });
    if (out.isJson) {
      await out.json({ relationships });
      return EXIT.ok;
    }
    if (relationships.length === 0) {
      await out.line(NO_PEERS);
      return EXIT.ok;
    }
    const now = Date.now();
    await out.table(
      ['PEER', 'TRUST', 'METHOD', 'SINCE', 'FINGERPRINT'],
      relationships.map((one) => [
        labelOf(one),
        levelText(out, one.trust_level),
        one.method ?? '-',
        whenText(one.established_at, now),
        keyText(one),
      ]),
    );
    for (const one of relationships.filter((other) => other.trust_level !== 'verified')) {
      for (const reason of one.why) await out.line(`${labelOf(one)}: ${safe(reason)}`);
      if (one.cut !== null) await out.line(`${labelOf(one)}: ${cutText(one.cut)}`);
    }
    return EXIT.ok;
  });
}

function labelOf({ peer_id: id, address, fingerprint }: Relationship): string {
  return safe(id ?? address ?? fingerprint ?? '(unknown)');
}

function keyText({ fingerprint, unconfirmed_fingerprint: unconfirmed }: Relationship): string {
  if (fingerprint === null && unconfirmed !== null) return `${safe(unconfirmed)} (not confirmed)`;
  return safe(fingerprint ?? '(not seen yet)');
}

function cutText(cut: NonNullable<Relationship['cut']>): string {
  const what =
    cut.feeds === undefined || cut.entries === undefined
      ? 'its feeds are cut'
      : `${counted(cut.feeds, 'feed')} cut, ${counted(cut.entries, 'entry', 'entries')} in quarantine`;
  return `${what}${cut.provisional ? ', for now: who may say where it ends has not spoken' : ''}`;
}
