/** A handshake by hand with a static key of small order: the caller needs no secret for it, so it must never become a link. */

import { createRequire } from 'node:module';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../dist/node/dial.js';
import { NoiseWebSocketTransport } from '../dist/node/noise-websocket.js';
import { createCrypto } from '../dist/node/sodium.js';
import type { Link } from '../dist/ports.js';
import { encodings, IDENTITY, TORSION } from './edwards.js';

/** One side of Noise, as the link's own library has it; the curve can be another. */
interface Noise {
  initialise(prologue: Uint8Array): void;
  send(): Uint8Array;
  recv(message: Uint8Array): Uint8Array;
  readonly complete: boolean;
}
interface NoiseKeys {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}
interface Curve {
  dh(publicKey: Uint8Array, keys: NoiseKeys): Uint8Array;
}

// The encryption's own dependencies, found from where it is.
const inside = createRequire(createRequire(import.meta.url).resolve('@hyperswarm/secret-stream'));
const NoiseState = inside('noise-handshake') as new (
  pattern: string,
  isInitiator: boolean,
  keys: NoiseKeys,
  options: { readonly curve: Curve },
) => Noise;
const CURVE = inside('noise-curve-ed') as Curve;

const crypto = createCrypto();
const bob = crypto.keyPair(new Uint8Array(32).fill(2));
const mallory = crypto.keyPair(new Uint8Array(32).fill(3));
const IDENTITY_KEY = encodings(IDENTITY)[0] ?? new Uint8Array(0);

async function openBob(t: ExecutionContext): Promise<{ url: string; links: Link[]; faults: string[] }> {
  const links: Link[] = [];
  const faults: string[] = [];
  const transport = NoiseWebSocketTransport.create({
    keyPair: bob,
    onFault: (fault) => faults.push(fault.reason),
  });
  t.teardown(() => transport.close());
  transport.accept((link) => links.push(link));
  const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
  return { url: `ws://127.0.0.1:${port}/v1/federation`, links, faults };
}

/** Noise messages travel with their length before them. */
function framed(message: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(message.length & 255, message.length >> 8, 0), message]);
}

/**
 * Shakes hands as a caller whose static key is `publicKey`. Where that has small order, every product with it is
 * taken to be `product`, which is what a lax responder would compute as well. Resolves to the close code, or to
 * `undefined` once there is a link.
 */
async function callAs(
  bob: { readonly url: string; readonly links: readonly Link[] },
  keys: NoiseKeys,
  product?: Uint8Array,
): Promise<number | undefined> {
  const curve: Curve = {
    ...CURVE,
    dh: (theirs, ours) =>
      product !== undefined && ours.publicKey === keys.publicKey ? product : CURVE.dh(theirs, ours),
  };
  const noise = new NoiseState('XX', true, keys, { curve });
  noise.initialise(new Uint8Array(0));
  const socket = new WebSocket(bob.url, [SUBPROTOCOL]);
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await once(socket, 'open');
  socket.send(framed(noise.send()));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  noise.recv(Buffer.from(answer.subarray(3)));
  const before = bob.links.length;
  socket.send(framed(noise.send()));
  const linked = (async (): Promise<undefined> => {
    while (bob.links.length === before && socket.readyState === socket.OPEN)
      await new Promise((resolve) => setImmediate(resolve));
    return bob.links.length > before ? undefined : new Promise(() => {});
  })();
  return Promise.race([closed, linked]);
}

test.serial('a handshake by hand with an honest key makes a link', async (t) => {
  const world = await openBob(t);
  const keys = { publicKey: Buffer.from(mallory.publicKey), secretKey: Buffer.from(mallory.secretKey) };
  t.is(await callAs(world, keys), undefined);
  t.deepEqual(world.links[0]?.remoteKey, mallory.publicKey);
});

test.serial('a static key of small order, however it is written, never makes a link', async (t) => {
  const world = await openBob(t);
  const keys = TORSION.flatMap((point) => encodings(point));
  t.true(keys.length >= 12);
  for (const key of keys) {
    const publicKey = Buffer.from(key);
    const said = await callAs(world, { publicKey, secretKey: Buffer.from(mallory.secretKey) }, IDENTITY_KEY);
    t.is(said, 4400, publicKey.toString('hex'));
  }
  t.deepEqual(world.links, []);
  t.deepEqual([...new Set(world.faults)], ['handshake_failed']);
});

test.serial('where the curve itself would take a key of small order, the link still does not', async (t) => {
  const world = await openBob(t);
  const small = TORSION.flatMap((point) => encodings(point)).map((key) => Buffer.from(key));
  const strict = CURVE.dh.bind(CURVE);
  // Secrets are multiples of eight, so that all products are the identity.
  CURVE.dh = (theirs, ours) =>
    small.some((key) => key.equals(theirs)) ? IDENTITY_KEY : strict(theirs, ours);
  t.teardown(() => (CURVE.dh = strict));
  for (const publicKey of small) {
    const keys = { publicKey, secretKey: Buffer.from(mallory.secretKey) };
    t.is(await callAs(world, keys, IDENTITY_KEY), 4400, publicKey.toString('hex'));
  }
  t.deepEqual(world.links, []);
});

test.serial('a static key that is not canonical or not on the curve never makes a link', async (t) => {
  const world = await openBob(t);
  const strange = [
    Buffer.alloc(32, 0xff),
    Buffer.from([2, ...Buffer.alloc(31)]),
    Buffer.concat([Buffer.from([0xf0]), Buffer.alloc(30, 0xff), Buffer.from([0x7f])]),
  ];
  for (const publicKey of strange)
    t.is(await callAs(world, { publicKey, secretKey: Buffer.from(mallory.secretKey) }), 4400);
  t.deepEqual(world.links, []);
});
