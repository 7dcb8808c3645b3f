/** One question to one name server: over UDP, or over TCP where more fits, each within a deadline. */

import { createSocket } from 'node:dgram';
import { createConnection, isIPv6 } from 'node:net';
import { LoglineError, messageOf } from '../errors.js';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

export const DNS_PORT = 53;
/** The largest datagram that passes everywhere (DNS flag day 2020). */
export const UDP_BYTES = 1232;
const TCP_BYTES_MAX = 65_535;
/** Datagrams that are no answer to the question, before the server counts as unusable. */
const STRAYS_MAX = 32;

export interface ExchangeOptions {
  readonly timeoutMs: number;
  /** Whether bytes answer the question; others are passed over. */
  readonly isAnswer: (bytes: Buffer) => boolean;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; also a bare IPv6 address. */
export function parseDnsServer(text: string): DnsServer | undefined {
  if (isIPv6(text)) return { host: text, port: DNS_PORT };
  const [, v6, name, portText] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = portText === undefined ? DNS_PORT : Number(portText);
  if (host === undefined || (v6 !== undefined && !isIPv6(v6)) || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/** Resolves to the first datagram that answers. The socket is connected: the system drops those of others. */
export function askByUdp(server: DnsServer, question: Buffer, options: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    let strays = 0;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      settle();
    };
    const fail = (why: string): void => end(() => reject(unusable(server, why)));
    const timer = setTimeout(() => fail(`no answer within ${options.timeoutMs} ms`), options.timeoutMs);
    socket.on('error', (error) => fail(messageOf(error)));
    socket.on('message', (bytes) => {
      if (options.isAnswer(bytes)) return end(() => resolve(bytes));
      if (++strays > STRAYS_MAX) return fail('it sends what is no answer');
      return undefined;
    });
    socket.connect(server.port, server.host, () => socket.send(question));
  });
}

/** Resolves to the one message that comes back on a connection of its own. */
export function askByTcp(server: DnsServer, question: Buffer, options: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: server.host, port: server.port });
    let received = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (why: string): void => end(() => reject(unusable(server, why)));
    const timer = setTimeout(() => fail(`no answer within ${options.timeoutMs} ms`), options.timeoutMs);
    socket.on('error', (error) => fail(messageOf(error)));
    socket.on('close', () => fail('it closed the connection'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > TCP_BYTES_MAX + 2) return fail('it sends more than one answer');
      const length = received.length < 2 ? Number.POSITIVE_INFINITY : received.readUInt16BE(0);
      if (received.length < length + 2) return undefined;
      const bytes = received.subarray(2, length + 2);
      return options.isAnswer(bytes) ? end(() => resolve(bytes)) : fail('it sends what is no answer');
    });
    socket.on('connect', () => {
      const head = Buffer.alloc(2);
      head.writeUInt16BE(question.length);
      socket.write(Buffer.concat([head, question]));
    });
  });
}

function unusable({ host, port }: DnsServer, why: string): LoglineError {
  return new LoglineError('unreachable', `name server ${host}, port ${port}: ${why}`);
}
