/** What a revocation or a release does to a node's feeds, as a table. */

import type { RevocationReport } from 'logline-federation-client';
import type { Output } from './output.js';
import { counted, grouped, safe } from './text.js';

export async function showReport(out: Output, report: RevocationReport): Promise<void> {
  const { feeds, entries, spans } = report;
  if (feeds.length > 0) {
    await out.table(
      ['FEED', 'HELD TO', 'STAYS TO', 'ENTRIES CUT', 'SPANS CUT'],
      feeds.map((feed) => [
        safe(feed.feed),
        grouped(feed.held_to),
        `${grouped(feed.cut_at)}${feed.provisional ? ' (for now)' : ''}`,
        grouped(feed.entries),
        grouped(feed.spans),
      ]),
    );
  }
  const who = safe(report.peer_id ?? report.fingerprint);
  const total = `${counted(entries, 'entry', 'entries')} with ${counted(spans, 'span')}`;
  await out.line(feeds.length === 0 ? `nothing of ${who} is held` : `${who}: ${total} in quarantine`);
}
