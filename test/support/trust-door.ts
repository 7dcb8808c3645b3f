/** A way to a server by an address that outlives its processes, and that can be shut: what separates nodes. */

import { TcpProxy } from '@logline/federation-core/testing';
import type { Lifetime } from './server-process.js';

export class Door {
  /** Where it is, for as long as the test lasts. */
  readonly port: number;
  #proxy: TcpProxy;
  #isShut = false;

  private constructor(proxy: TcpProxy) {
    this.#proxy = proxy;
    this.port = proxy.port;
  }

  static async open(t: Lifetime, server: { readonly url: string }): Promise<Door> {
    const door = new Door(await TcpProxy.open({ port: portOf(server) }));
    t.teardown(() => door.#proxy.close());
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on it leads to another process, and is as open or shut as before. */
  async leadTo(server: { readonly url: string }): Promise<void> {
    await this.#proxy.close();
    this.#proxy = await TcpProxy.open({ port: portOf(server) }, { port: this.port });
    this.#proxy.refuse(this.#isShut);
  }

  /** Breaks what passes, and lets nothing through. */
  shut(): void {
    this.#isShut = true;
    this.#proxy.refuse(true);
    this.#proxy.cut();
  }

  unlock(): void {
    this.#isShut = false;
    this.#proxy.refuse(false);
  }
}

function portOf({ url }: { readonly url: string }): number {
  return Number(new URL(url).port);
}
