/**
 * The yardstick: a file of JSON lines for each origin, synced at every append, and a plain WebSocket with an offset as
 * cursor. It checks nothing, finds nothing and hides nothing; what it costs is what disk and socket cost.
 */

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import type { BenchSpan, Driver, DriverOptions, Role } from '../driver.js';

const NEWLINE = 0x0a;
const READ_BYTES = 256 * 1024;

/** `signed`: each span is signed by its writer, and verified by the other side. */
export function openFloor({ role, dir }: DriverOptions, options: { readonly signed: boolean }): Driver {
  const other: Role = role === 'A' ? 'B' : 'A';
  const files = new Map<Role, LineFile>();
  const senders = new Set<Sender>();
  const keys = options.signed ? demoKeys() : undefined;
  let server: { readonly http: Server; readonly ws: WebSocketServer } | undefined;
  let dialled: WebSocket | undefined;
  let seen: ((id: string) => void) | undefined;
  const fileOf = (of: Role): LineFile => {
    const file = files.get(of);
    if (file === undefined) throw new Error('not open');
    return file;
  };

  function take(lines: Buffer): void {
    const ids: string[] = [];
    let count = 0;
    for (const line of linesOf(lines)) {
      count++;
      if (keys === undefined && seen === undefined) continue;
      const span = JSON.parse(line.toString()) as BenchSpan;
      if (keys !== undefined) checkSignature(span, keys.publicKey);
      ids.push(span.id);
    }
    fileOf(other).append(lines, count);
    if (seen !== undefined) for (const id of ids) seen(id);
  }

  function adopt(socket: WebSocket): void {
    let sender: Sender | undefined;
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return take(data);
      const { have } = JSON.parse(data.toString()) as { readonly have: number };
      sender = new Sender(socket, fileOf(role), have);
      senders.add(sender);
      void sender.pump();
    });
    socket.on('close', () => sender !== undefined && senders.delete(sender));
    socket.on('error', () => {});
    socket.send(JSON.stringify({ have: fileOf(other).bytes }));
  }

  return {
    fillBatch: 1000,
    pollMs: 2,
    async open() {
      for (const of of [role, other]) files.set(of, new LineFile(join(dir, `${of}.jsonl`)));
    },
    async append(spans) {
      const lines = spans.map(
        (span) => `${JSON.stringify(keys === undefined ? span : signed(span, keys))}\n`,
      );
      fileOf(role).append(Buffer.from(lines.join('')), spans.length);
      for (const sender of senders) void sender.pump();
    },
    count: () => fileOf('A').lines + fileOf('B').lines,
    identity: () => role,
    async meet() {},
    async listen() {
      const http = createServer();
      const ws = new WebSocketServer({ server: http, perMessageDeflate: false });
      ws.on('connection', adopt);
      server = { http, ws };
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    },
    async connect(address) {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      socket.on('open', () => adopt(socket));
      socket.on('error', () => {});
      dialled = socket;
    },
    async disconnect() {
      dialled?.terminate();
      dialled = undefined;
      for (const client of server?.ws.clients ?? []) client.terminate();
      server?.http.close();
      server = undefined;
    },
    async onSpan(callback) {
      seen = callback;
    },
    async close() {
      for (const file of files.values()) file.close();
    },
  };
}

/** An append-only file of lines. */
class LineFile {
  readonly #file: number;
  bytes = 0;
  lines = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
    const all = Buffer.alloc(fstatSync(this.#file).size);
    this.read(all, 0);
    this.bytes = all.length;
    for (const _ of linesOf(all)) this.lines++;
  }

  append(bytes: Buffer, lines: number): void {
    writeSync(this.#file, bytes);
    fdatasyncSync(this.#file);
    this.bytes += bytes.length;
    this.lines += lines;
  }

  read(into: Buffer, position: number): number {
    let filled = 0;
    while (filled < into.length) {
      const count = readSync(this.#file, into, filled, into.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Sends a file from an offset on, and what is appended to it later. */
class Sender {
  readonly #socket: WebSocket;
  readonly #file: LineFile;
  #position: number;
  #isBusy = false;

  constructor(socket: WebSocket, file: LineFile, position: number) {
    this.#socket = socket;
    this.#file = file;
    this.#position = position;
  }

  async pump(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#position < this.#file.bytes && this.#socket.readyState === WebSocket.OPEN) {
      const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#file.bytes - this.#position));
      const whole = bytes.lastIndexOf(NEWLINE, this.#file.read(bytes, this.#position) - 1) + 1;
      if (whole === 0) break;
      await new Promise((sent) => this.#socket.send(bytes.subarray(0, whole), sent));
      this.#position += whole;
    }
    this.#isBusy = false;
  }
}

type Keys = ReturnType<typeof demoKeys>;

/** One fixed key for both sides, which is enough for what it costs. */
function demoKeys(): {
  readonly privateKey: ReturnType<typeof createPrivateKey>;
  readonly publicKey: ReturnType<typeof createPublicKey>;
} {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = Buffer.concat([prefix, Buffer.alloc(32, 7)]);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function signed(span: BenchSpan, { privateKey }: Keys): BenchSpan {
  const { sig: _, ...unsigned } = span;
  return {
    ...unsigned,
    sig: sign(null, Buffer.from(JSON.stringify(unsigned)), privateKey).toString('base64'),
  };
}

function checkSignature(span: BenchSpan, publicKey: Keys['publicKey']): void {
  const { sig, ...unsigned } = span;
  const bytes = Buffer.from(JSON.stringify(unsigned));
  if (!verify(null, bytes, publicKey, Buffer.from(String(sig), 'base64'))) throw new Error('a bad signature');
}

function* linesOf(bytes: Buffer): Generator<Buffer, void, void> {
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}
