/** What a node does with frames that are none, wherever a link has got to: the same for the tests of every day and for a siege. */

import { LIMITS } from '@logline/federation-core';
import type { ExecutionContext } from 'ava';
import { HOSTILE_CBOR, HOSTILE_FRAMES } from './hostile-frames.js';
import { CLOSE_MS, CODES, endsWith } from './link-ends.js';
import { figure } from './rest.js';
import type { Siege } from './siege.js';
import { openCaller, within } from './strangers.js';

/** Each kind of CBOR as the first message of a WebSocket closes it with a code, and so does a text. */
export async function firstMessagesCloseIt(t: ExecutionContext, siege: Siege): Promise<void> {
  const frames = Object.entries(HOSTILE_CBOR);
  t.true(frames.length >= 40);
  for (const [name, bytes] of frames) {
    const { socket, closed } = await openCaller(t, siege.url);
    socket.send(bytes);
    const code = await within(CLOSE_MS, name, closed);
    t.is(code, bytes.length > LIMITS.writeBytes ? CODES.tooBig : CODES.handshakeFailed, name);
  }
  const { socket, closed } = await openCaller(t, siege.url);
  socket.send('{"type":"join"}');
  t.is(await within(CLOSE_MS, 'a text', closed), CODES.notBinary);
}

/** Each malformed frame of a stranger after the handshake closes the link as a fault, with one word, and is counted. */
export async function firstFramesCloseIt(t: ExecutionContext, siege: Siege): Promise<void> {
  const mallory = siege.stranger();
  const frames = Object.entries(HOSTILE_FRAMES);
  // Bob's first call was one to learn that alice is alice.
  const before = await figure(siege.alice, 'federation_links_refused_total');
  for (const [name, bytes] of frames) {
    const link = await mallory.dial(siege.url);
    link.send(bytes);
    await endsWith(t, link, CODES.fault, name);
    t.deepEqual(
      link.messages.map(({ kind }) => kind),
      ['bye'],
      name,
    );
  }
  const counted = (await figure(siege.alice, 'federation_links_refused_total')) - before;
  t.is(counted, frames.length, 'each was counted');
}

/** Each malformed frame of a trusted peer closes its session as a fault, and it may come again. */
export async function laterFramesCloseIt(t: ExecutionContext, siege: Siege): Promise<void> {
  const traitor = await siege.traitor();
  for (const [name, bytes] of Object.entries(HOSTILE_FRAMES)) {
    const link = await (await traitor.dial(siege.url)).join();
    link.send(bytes);
    await endsWith(t, link, CODES.fault, name);
  }
}
