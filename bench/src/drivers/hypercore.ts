/** Hypercore 11 in a Corestore: one core for each writer, replicated over Noise on TCP. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { load } from '../dependency.js';
import type { BenchSpan, Driver, DriverOptions } from '../driver.js';

/** As much of it as is used here. */
interface Core {
  readonly key: Buffer;
  readonly length: number;
  readonly contiguousLength: number;
  ready(): Promise<void>;
  get(index: number): Promise<BenchSpan>;
  append(blocks: BenchSpan | readonly BenchSpan[]): Promise<unknown>;
  download(range: { readonly start: number; readonly end: number; readonly linear: boolean }): unknown;
}

interface Store {
  get(options: { readonly name?: string; readonly key?: Buffer; readonly valueEncoding: 'json' }): Core;
  replicate(isInitiator: boolean): Duplex;
  close(): Promise<void>;
}

type StoreClass = new (path: string) => Store;

export function openHypercore({ dir }: DriverOptions): Driver {
  const sockets = new Set<Socket>();
  let store: Store;
  let own: Core;
  let peer: Core | undefined;
  let server: Server | undefined;

  function attach(socket: Socket, isInitiator: boolean): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    const stream = store.replicate(isInitiator);
    for (const end of [stream, socket]) end.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(stream).pipe(socket);
  }

  return {
    fillBatch: 1000,
    pollMs: 2,
    async open() {
      const Corestore = await load<StoreClass>('corestore');
      store = new Corestore(join(dir, 'store'));
      own = store.get({ name: 'spans', valueEncoding: 'json' });
      await own.ready();
      if (own.length > 0) await own.get(own.length - 1);
    },
    async append(spans) {
      const [only] = spans;
      await own.append(spans.length === 1 && only !== undefined ? only : spans);
    },
    count: () => own.length + (peer?.contiguousLength ?? 0),
    identity: () => own.key.toString('hex'),
    async meet(identity) {
      peer = store.get({ key: Buffer.from(identity, 'hex'), valueEncoding: 'json' });
      await peer.ready();
      peer.download({ start: 0, end: -1, linear: false });
    },
    async listen() {
      const listening = createServer((socket) => attach(socket, false));
      await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
      server = listening;
      return String((listening.address() as AddressInfo).port);
    },
    async connect(port) {
      attach(connect(Number(port), '127.0.0.1'), true);
    },
    async disconnect() {
      for (const socket of sockets) socket.destroy();
      server?.close();
      server = undefined;
    },
    async onSpan(seen) {
      const core = peer;
      if (core === undefined) throw new Error('nobody was met');
      const follow = async (): Promise<void> => {
        for (let i = core.length; ; i++) seen((await core.get(i)).id);
      };
      // It ends with the store.
      void follow().catch(() => {});
    },
    close: () => store.close(),
  };
}
