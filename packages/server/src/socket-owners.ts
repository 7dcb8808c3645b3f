/** Which user of this machine holds the other end of a loopback connection: a proxy runs as another one than the node does. */

import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';

/** The ends of a connection as this process sees it. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

export interface SocketOwners {
  /** The user's number; `undefined` where no living program holds the other end. Rejects where the system cannot be asked now. */
  find(ends: Ends): Promise<number | undefined>;
}

/** The kernel's tables of connections (proc(5)). A program may reach an IPv4 address through an IPv6 socket. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const LOCAL = 1;
const REMOTE = 2;
const UID = 7;
const INODE = 9;

/** `undefined` where the system keeps no such tables, as other systems than Linux do not. */
export async function openSocketOwners(): Promise<SocketOwners | undefined> {
  try {
    await readTables();
  } catch {
    return undefined;
  }
  const tables = new Latest(readTables);
  return {
    async find(ends) {
      for (const table of await tables.read()) {
        const uid = ownerIn(table, ends);
        if (uid !== undefined) return uid;
      }
      return undefined;
    },
  };
}

function readTables(): Promise<readonly string[]> {
  return Promise.all(TABLES.map((path) => readFile(path, 'latin1')));
}

/** The owner of the far end in a table. One that its program has closed has no inode, and says 0 for its user. */
export function ownerIn(table: string, ends: Ends): number | undefined {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = ends;
  for (const wrapped of [false, true]) {
    const far = entryOf(remoteAddress, remotePort, wrapped);
    const near = entryOf(localAddress, localPort, wrapped);
    const at = table.indexOf(` ${far} ${near} `);
    if (at < 0) continue;
    const line = table.slice(table.lastIndexOf('\n', at) + 1, table.indexOf('\n', at + 1));
    const columns = line.trim().split(/\s+/);
    if (columns[LOCAL] === far && columns[REMOTE] === near && columns[INODE] !== '0')
      return Number(columns[UID]);
  }
  return undefined;
}

/** A loopback address and a port as the kernel prints them: words of 32 bits in the machine's own order. */
function entryOf(address: string, port: number, wrapped: boolean): string {
  const bytes = bytesOf(address, wrapped);
  const words = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    words.push(word.toString(16).padStart(8, '0'));
  }
  return `${words.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** Four bytes of an IPv4 address, sixteen where IPv6 shall wrap it; the one other loopback address is `::1`. */
function bytesOf(address: string, wrapped: boolean): Buffer {
  const four = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(address);
  if (four === null) return Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);
  const plain = Buffer.from(four.slice(1).map(Number));
  return wrapped ? Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), plain]) : plain;
}

/** One reading at a time, for all who wait: each gets one that began after it asked. */
export class Latest<T> {
  readonly #take: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(take: () => Promise<T>) {
    this.#take = take;
  }

  read(): Promise<T> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const running = this.#take();
    this.#running = running;
    const end = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(end, end);
    return running;
  }
}
