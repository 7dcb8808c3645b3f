/** How long the node's own certificate lasts, said in time: peers that meet the node first would refuse an expired one. */

import { formatMs } from '@logline/federation-core';

const DAY_MS = 24 * 60 * 60_000;
const WARNED_MS = 30 * DAY_MS;

/** What to do about a certificate that ends within 30 days, or has; `undefined` where there is none, or time enough. */
export function expiryWarning(notAfterMs: number | undefined, nowMs: number): string | undefined {
  if (notAfterMs === undefined || notAfterMs - nowMs > WARNED_MS) return undefined;
  const at = formatMs(notAfterMs);
  const days = Math.floor((notAfterMs - nowMs) / DAY_MS);
  const when = days < 0 ? `expired at ${at}` : `expires at ${at}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  return `the certificate of this node ${when}: issue another with logline federation cert issue, and start the node again`;
}
