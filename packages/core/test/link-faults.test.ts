/** What the transport refuses is told to the host of a node, which logs and counts it. */

import test from 'ava';
import { WebSocket } from 'ws';
import type { NodeEvent } from '../dist/events.js';
import { SUBPROTOCOL } from '../dist/node/dial.js';
import { openLocalNode } from '../dist/node/open-node.js';
import { eventually } from '../dist/testing/eventually.js';
import { directoryFor } from './key-crash.js';

test('a caller that does not speak the link is an event, with where it came from', async (t) => {
  const events: NodeEvent[] = [];
  const dataDir = directoryFor(t);
  const alice = await openLocalNode({
    dataDir,
    name: 'alice',
    onEvent: (event) => events.push(event),
  });
  t.teardown(() => alice.close());
  const { port } = await alice.transport.listen({ host: '127.0.0.1', port: 0 });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/federation`, SUBPROTOCOL);
  socket.on('open', () => socket.send('hello?'));
  socket.on('error', () => undefined);
  t.teardown(() => socket.terminate());
  const fault = await eventually('the fault is told', () => events.find(({ kind }) => kind === 'link_fault'));
  t.like(fault, { kind: 'link_fault', code: 'not_binary' });
  t.regex(fault.kind === 'link_fault' ? fault.address : '', /^127\.0\.0\.1:\d+$/);
});
