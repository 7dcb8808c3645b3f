/** Below the frames of a link: an honest Noise handshake, and then any bytes inside the encryption, in any pieces. */

import SecretStream from '@hyperswarm/secret-stream';
import { WebSocket } from 'ws';
import { SOCKET_OPTIONS, SUBPROTOCOL } from '../node/dial.js';
import { WebSocketStream } from '../node/websocket-stream.js';
import type { KeyPair } from '../ports.js';

export interface HostileWireOptions {
  readonly keyPair: KeyPair;
}

export class HostileWire {
  /** The WebSocket itself: what is sent here goes out as it is, encrypted or not. */
  readonly socket: WebSocket;
  /** Resolves to the close code. */
  readonly closed: Promise<number>;
  readonly #noise: SecretStream;

  private constructor(socket: WebSocket, noise: SecretStream) {
    this.socket = socket;
    this.#noise = noise;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    noise.on('error', () => {});
  }

  /**
   * Resolves once the socket is open; `shaken` tells when the handshake is done, which it may never be.
   * The key pair may be one that no node would use.
   */
  static async dial(
    url: string,
    options: HostileWireOptions,
  ): Promise<{ readonly wire: HostileWire; readonly shaken: Promise<void> }> {
    const socket = new WebSocket(url, [SUBPROTOCOL], SOCKET_OPTIONS);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const keyPair = {
      publicKey: Buffer.from(options.keyPair.publicKey),
      secretKey: Buffer.from(options.keyPair.secretKey),
    };
    const noise = new SecretStream(true, new WebSocketStream(socket), { keyPair, enableSend: false });
    const shaken = new Promise<void>((resolve) => noise.once('connect', () => resolve()));
    return { wire: new HostileWire(socket, noise), shaken };
  }

  /** Sends bytes as one encrypted piece: a frame is four bytes of length and itself, and need not end with the piece. */
  write(piece: Uint8Array): void {
    this.#noise.write(Buffer.from(piece));
  }

  /** Reads nothing from now on, so that all that the node sends piles up on its side. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Vanishes without a word. */
  drop(): void {
    this.socket.terminate();
  }
}
