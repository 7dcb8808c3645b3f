/** Connections that get no further than their first bytes: what they send and how they end. */

import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';

const SUBPROTOCOL = 'logline-federation.v1';

/** A WebSocket that offered our subprotocol and was let in. */
export interface Caller {
  readonly socket: WebSocket;
  /** Resolves to the close code. */
  readonly closed: Promise<number>;
}

export async function openCaller(t: ExecutionContext, url: string): Promise<Caller> {
  const socket = new WebSocket(url, [SUBPROTOCOL], { perMessageDeflate: false });
  t.teardown(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  // A connection that the other side cuts while we still send is no failure of the test.
  socket.on('error', () => {});
  return { socket, closed };
}

/** A TCP connection, and what came back on it when the other side has ended it. */
export function openTcp(
  t: ExecutionContext,
  url: string,
): { readonly socket: Socket; readonly ended: Promise<string> } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  socket.on('error', () => {});
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(answer))) };
}

/** The promise, or a failure that names what did not happen in time. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
