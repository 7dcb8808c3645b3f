/** Counts the bytes of every TCP connection of this process. */

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Traffic } from './driver.js';

export class TrafficMeter {
  readonly #open = new Set<Socket>();
  readonly #closed = { inBytes: 0, outBytes: 0 };

  /** Begins with the sockets that are made from now on. */
  start(): void {
    const onSocket = (message: unknown): void => this.#add((message as { readonly socket: Socket }).socket);
    subscribe('net.server.socket', onSocket);
    subscribe('net.client.socket', onSocket);
  }

  read(): Traffic {
    let { inBytes, outBytes } = this.#closed;
    for (const socket of this.#open) {
      inBytes += socket.bytesRead;
      outBytes += socket.bytesWritten;
    }
    return { inBytes, outBytes };
  }

  /** Breaks every connection that is open. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #add(socket: Socket): void {
    if (this.#open.has(socket)) return;
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#closed.inBytes += socket.bytesRead;
      this.#closed.outBytes += socket.bytesWritten;
    });
  }
}
