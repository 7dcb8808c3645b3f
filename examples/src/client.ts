/**
 * A service that talks to a node over HTTP: it appends a span and follows the timeline until that span comes by.
 *
 *     npm start                                          in one terminal
 *     node examples/dist/client.js http://localhost:8080    in another
 */

import { LoglineFederationClient, LoglineFederationError } from 'logline-federation-client';

const [baseUrl = 'http://localhost:8080', tenant = 'acme'] = process.argv.slice(2);
const client = new LoglineFederationClient({ baseUrl, tenant });

try {
  const { node_id: nodeId, status } = await client.health();
  console.log(`${nodeId} is ${status}`);

  // Spans with ids of their own may be sent again and again: each is stored once.
  const order = {
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    logline_id: 'logline-id://app/shop',
    title: 'order paid',
    data: { amount: '12.50', currency: 'EUR' },
  };
  const first = await client.append(order);
  const again = await client.append(order);
  console.log(`appended: ${first.accepted} new, then ${again.duplicates} already there`);

  for await (const span of client.spans({ since: '1 hour ago', logline_id: order.logline_id })) {
    console.log(`written by the shop in the last hour: ${span.title}`);
  }

  // From the beginning; a service that remembers `event.cursor` goes on where it was.
  const stop = AbortSignal.timeout(30_000);
  for await (const event of client.tail({ after: 'start', signal: stop })) {
    if (event.kind !== 'span' || event.span.id !== order.id) continue;
    console.log(`followed: ${event.span.title} at ${event.cursor}`);
    break;
  }
} catch (error) {
  if (!(error instanceof LoglineFederationError)) throw error;
  console.error(`${error.code}: ${error.detail}`);
  process.exitCode = 1;
}
