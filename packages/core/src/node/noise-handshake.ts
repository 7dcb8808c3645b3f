/** The Noise handshake over an open WebSocket: from two sockets to a link whose ends have proven their keys. */

import SecretStream from '@hyperswarm/secret-stream';
import type { WebSocket } from 'ws';
import { messageOf } from '../errors.js';
import type { KeyPair } from '../ports.js';
import { closeSocket, guarded, LinkFault } from './close-codes.js';
import { NoiseLink } from './noise-link.js';
import { isSafePublicKey } from './sodium.js';
import { WebSocketStream } from './websocket-stream.js';

export interface HandshakeOptions {
  readonly initiator: boolean;
  readonly keyPair: KeyPair;
  readonly address: string;
  readonly timeoutMs: number;
  readonly onFault: (fault: LinkFault) => void;
}

/** A handshake that may still be given up from outside. */
export interface Handshake {
  /** Rejects with a `LinkFault`, once the socket is being closed with its code. */
  readonly link: Promise<NoiseLink>;
  abort(fault: LinkFault): void;
}

/** Starts at once: the caller has opened the socket and looked at none of its messages. */
export function shakeHands(socket: WebSocket, options: HandshakeOptions): Handshake {
  const stream = new WebSocketStream(socket);
  const keyPair = {
    publicKey: Buffer.from(options.keyPair.publicKey),
    secretKey: Buffer.from(options.keyPair.secretKey),
  };
  const noise = new SecretStream(options.initiator, stream, { keyPair, enableSend: false });
  let abort: Handshake['abort'] = () => {};

  const link = new Promise<NoiseLink>((resolve, reject) => {
    let isOver = false;
    const fail = (fault: LinkFault): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      stream.discard();
      closeSocket(socket, { code: fault.closeCode, reason: fault.reason });
      noise.destroy();
      reject(fault);
    };
    const onThrow = (cause: unknown): void =>
      fail(new LinkFault('handshake_failed', messageOf(cause), { cause }));
    const timer = setTimeout(() => {
      fail(new LinkFault('handshake_timeout', `the handshake took longer than ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    abort = fail;

    // Before the keys are proven a damaged piece and a failed handshake are the same thing.
    noise.on(
      'error',
      guarded((error: unknown) => {
        const isOurs = error instanceof LinkFault && error.reason !== 'damaged';
        fail(isOurs ? error : new LinkFault('handshake_failed', messageOf(error), { cause: error }));
      }, onThrow),
    );
    socket.on(
      'close',
      guarded((code: number, reason: Buffer) => {
        const why = `the other side closed during the handshake: ${code} ${reason.toString()}`;
        fail(new LinkFault('handshake_failed', why));
      }, onThrow),
    );
    noise.once(
      'connect',
      guarded(() => {
        if (isOver) return;
        const remoteKey = Uint8Array.from(noise.remotePublicKey ?? []);
        if (!isSafePublicKey(remoteKey)) throw new Error('the other side proved a key that is not safe');
        const handshakeHash = Uint8Array.from(noise.handshakeHash ?? []);
        isOver = true;
        clearTimeout(timer);
        const { initiator, address, onFault } = options;
        resolve(
          new NoiseLink({ socket, stream, noise, remoteKey, handshakeHash, initiator, address, onFault }),
        );
      }, onThrow),
    );
  });
  return { link, abort: (fault) => abort(fault) };
}
