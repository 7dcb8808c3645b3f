/** A TCP proxy that records what passes, and on demand delays, alters, stalls or cuts it: the network as an attacker. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { concatBytes } from '../bytes.js';

/** `up` is from the one who connects to the proxy, `down` is towards it. */
export type Direction = 'up' | 'down';

/** What becomes of a chunk: the bytes to pass on instead. It may be altered in place; an empty result passes nothing. */
export type Alteration = (
  chunk: Uint8Array,
  where: { readonly direction: Direction; readonly offset: number },
) => Uint8Array;

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
}

export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #recorded: Record<Direction, Uint8Array[]> = { up: [], down: [] };
  readonly #bytes: Record<Direction, number> = { up: 0, down: 0 };
  #alteration: Alteration = (chunk) => chunk;
  #latencyMs = 0;
  #isStalled = false;
  #isRefusing = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((outer) => this.#join(outer));
  }

  /** Listens on 127.0.0.1, on a free port or on the one asked for, so that an address can outlive the proxy. */
  static async open(
    target: { readonly port: number; readonly host?: string },
    listen: { readonly port?: number } = {},
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host: '127.0.0.1', ...target });
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen({ host: '127.0.0.1', port: listen.port ?? 0 }, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Everything that came to the proxy so far, of all connections, before alteration. */
  recorded(direction: Direction): Uint8Array {
    return concatBytes(this.#recorded[direction]);
  }

  /** How many bytes came so far. */
  bytes(direction: Direction): number {
    return this.#bytes[direction];
  }

  /** Alters every chunk from now on. */
  alter(alteration: Alteration): void {
    this.#alteration = alteration;
  }

  /** Inverts one bit of the next chunk that goes in `direction`: of its last byte, which is payload in every protocol. */
  flipOneBit(direction: Direction): void {
    let isDone = false;
    this.alter((chunk, where) => {
      const last = chunk.length - 1;
      if (isDone || where.direction !== direction || last < 0) return chunk;
      isDone = true;
      chunk[last] = (chunk[last] ?? 0) ^ 1;
      return chunk;
    });
  }

  /** Delays every chunk from now on by so many milliseconds, in order. */
  delay(latencyMs: number): void {
    this.#latencyMs = latencyMs;
  }

  /** Silently swallows everything in both directions while true: a half-open connection. Bytes are lost. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled;
  }

  /** Breaks every connection that is open. */
  cut(): void {
    for (const { inner, outer } of this.#pairs) {
      inner.destroy();
      outer.destroy();
    }
  }

  /** Closes new connections at once while true. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #join(outer: Socket): void {
    if (this.#isRefusing) {
      outer.on('error', () => {}).destroy();
      return;
    }
    const inner = connect(this.#target);
    const pair = { inner, outer };
    this.#pairs.add(pair);
    for (const socket of [inner, outer]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        inner.destroySoon();
        outer.destroySoon();
      });
    }
    this.#pipe(outer, inner, 'up');
    this.#pipe(inner, outer, 'down');
  }

  #pipe(from: Socket, to: Socket, direction: Direction): void {
    let offset = 0;
    const later = (run: () => void): void => {
      // Timers of one length fire in the order in which they were set, so bytes keep theirs.
      if (this.#latencyMs > 0) setTimeout(run, this.#latencyMs);
      else run();
    };
    from.on('data', (chunk: Buffer) => {
      this.#recorded[direction].push(Uint8Array.from(chunk));
      this.#bytes[direction] += chunk.length;
      const altered = this.#alteration(Uint8Array.from(chunk), { direction, offset });
      offset += chunk.length;
      later(() => {
        if (this.#isStalled || to.destroyed || altered.length === 0) return;
        // A slow receiver must be felt by the sender through the proxy too.
        if (!to.write(altered)) from.pause();
      });
    });
    to.on('drain', () => from.resume());
    from.on('end', () => later(() => to.end()));
  }
}
