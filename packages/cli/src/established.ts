/** What establishing trust came to, for people and for programs. */

import type { EstablishResult } from 'logline-federation-client';
import type { OfflineContext } from './shell.js';
import { levelText } from './levels.js';
import { safe } from './text.js';

export async function showEstablished({ out }: OfflineContext, result: EstablishResult): Promise<void> {
  if (out.isJson) return out.json(result);
  const { fingerprint, unconfirmed_fingerprint: unconfirmed, detail } = result;
  await out.facts([
    ['peer', safe(result.peer_id ?? '(name not known yet)')],
    ['address', safe(result.peer_address)],
    ['fingerprint', safe(fingerprint ?? '(no key proven yet)')],
    ...(unconfirmed === null ? [] : [['seen there', safe(unconfirmed)] as const]),
    ['trust', levelText(out, result.trust_level)],
    ...(detail === null ? [] : [['', safe(detail)] as const]),
  ]);
}
