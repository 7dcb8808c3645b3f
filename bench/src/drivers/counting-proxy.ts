/** A proxy that counts what passes, for systems whose sockets belong to another process. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Traffic } from '../driver.js';

export class CountingProxy {
  readonly #sockets = new Set<Socket>();
  readonly #traffic = { inBytes: 0, outBytes: 0 };
  #server: Server | undefined;

  get traffic(): Traffic {
    return { ...this.#traffic };
  }

  get isBusy(): boolean {
    return this.#sockets.size > 0;
  }

  /** Listens, if it does not yet, on a port that leads to another; resolves to it. */
  async open(targetPort: number): Promise<number> {
    if (this.#server === undefined) {
      const server = createServer((socket) => this.#join(socket, targetPort));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      server.unref();
      this.#server = server;
    }
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(outer: Socket, targetPort: number): void {
    const inner = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    outer.setNoDelay(true);
    this.#sockets.add(outer);
    outer.on('data', (bytes) => (this.#traffic.outBytes += bytes.length));
    inner.on('data', (bytes) => (this.#traffic.inBytes += bytes.length));
    outer.pipe(inner).pipe(outer);
    for (const socket of [outer, inner]) {
      socket.on('error', () => {
        outer.destroy();
        inner.destroy();
      });
    }
    outer.on('close', () => {
      this.#sockets.delete(outer);
      inner.destroy();
    });
  }
}
