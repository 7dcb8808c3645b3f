/**
 * A service that holds a node itself: no server, no HTTP. It appends spans, reads them and follows them.
 *
 *     node examples/dist/embedded.js [directory]
 */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalNode } from '@logline/federation-core/node';

const dataDir = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'logline-embedded-')));
const local = await openLocalNode({ dataDir, name: 'shop' });
const { node } = local;
const timeline = node.timeline('acme');
const text = new TextDecoder();

try {
  console.log(`${node.id} with the key ${node.fingerprint} keeps its log in ${dataDir}`);

  // Resolves when the spans are on disk for good.
  const { outcomes } = await timeline.append(
    ['ordered', 'paid', 'shipped'].map((title) => ({ logline_id: 'logline-id://app/shop', title })),
  );
  console.log(`appended: ${outcomes.map(({ outcome }) => outcome).join(', ')}`);

  // Spans are kept, and handed out, as the bytes they came with.
  let cursor: string | null = null;
  do {
    const page = await timeline.query({ limit: 2, ...(cursor !== null && { cursor }) });
    for (const span of page.spans) console.log(`read: ${text.decode(span)}`);
    cursor = page.nextCursor;
  } while (cursor !== null);

  let left = outcomes.length;
  for await (const event of timeline.follow({ after: 'start' })) {
    if (event.kind !== 'span') continue;
    console.log(`followed: ${event.id}`);
    left -= 1;
    if (left === 0) break;
  }
} finally {
  await local.close();
}
