/** T6: what inflates is refused by its bound, before it has. */

import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants } from 'node:zlib';
import { LIMITS } from '@logline/federation-core';
import { newSpan } from '@logline/federation-core/testing';
import { WebSocket } from 'ws';
import { compressed, eachIsRefused } from './forgeries.js';
import { CODES, endsWith } from '../support/link-ends.js';
import { hostileGround } from './ground.js';

const hostile = hostileGround();
const MIB = 1024 * 1024;

hostile('T6 batches that inflate beyond their bound are refused before they have', (t, siege) => {
  const crowd = Array.from({ length: 500 }, () => newSpan({ padding: 'x'.repeat(1000) }));
  const bomb = (bytes: Buffer) => () => ({ value: Buffer.concat([Buffer.of(1), brotli(bytes)]) });
  return eachIsRefused(t, siege, 'content', {
    'zeros of one byte too many': bomb(Buffer.alloc(LIMITS.batchBytes + 1)),
    '16 MiB of zeros': bomb(Buffer.alloc(16 * MIB)),
    '256 MiB of zeros': bomb(Buffer.alloc(256 * MIB)),
    '64 MiB of line breaks': bomb(Buffer.alloc(64 * MIB, '\n')),
    // Each of them is a span as it should be.
    'five hundred spans of a kilobyte': () => ({
      spans: crowd,
      value: Buffer.concat([
        Buffer.of(1),
        brotli(Buffer.from(crowd.map((span) => JSON.stringify(span)).join('\n'))),
      ]),
    }),
    'half a million empty lines': bomb(Buffer.alloc(LIMITS.batchBytes, '\n')),
    'bad Brotli': () => ({ value: Buffer.concat([Buffer.of(1), randomBytes(64)]) }),
    'bytes after the end of Brotli': () => ({
      value: Buffer.concat([Buffer.of(1), brotli(Buffer.from(JSON.stringify(newSpan()))), Buffer.of(0)]),
    }),
    'an unknown coding': () => ({ value: Buffer.of(9, 1, 2, 3) }),
    'nothing at all': () => ({ value: new Uint8Array(0) }),
  });
});

hostile('T6 a compressed Automerge change is refused as it came, whatever it would inflate to', (t, siege) =>
  eachIsRefused(t, siege, 'change_shape', {
    'a small one': () => ({ changeBytes: compressed }),
    '50 MiB in one': () => ({
      changeBytes: (change) => compressed(Buffer.concat([change, Buffer.alloc(50 * MIB)])),
    }),
  }),
);

hostile('T6 an entry, a header and a frame larger than they may be are refused', async (t, siege) => {
  const noise = randomBytes(LIMITS.entryBytes);
  await eachIsRefused(t, siege, 'size', {
    'an entry of one byte too many': () => ({ changeBytes: () => noise }),
  });
  await eachIsRefused(t, siege, 'header_size', {
    'a header of 2 KiB': () => ({ headerBytes: (header) => Buffer.concat([header, Buffer.alloc(2048)]) }),
  });
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  link.send(Buffer.concat([Buffer.of(1), brotli(Buffer.alloc(300 * MIB))]));
  await endsWith(t, link, CODES.fault, 'a frame that inflates to 300 MiB');
});

hostile(
  'T6 no link inflates on the WebSocket: compression is not agreed to, and a compressed message is refused',
  async (t, siege) => {
    const socket = new WebSocket(siege.url, ['logline-federation.v1'], { perMessageDeflate: true });
    t.teardown(() => socket.terminate());
    socket.on('error', () => {});
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('open', resolve));
    t.is(socket.extensions, '');
    // RSV1 says "compressed": a masked binary frame of one byte.
    (socket as unknown as { readonly _socket: NodeJS.WritableStream })._socket.write(
      Buffer.from('c281000000006b', 'hex'),
    );
    t.true([1002, 1006].includes(await closed));
  },
);

function brotli(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
}
