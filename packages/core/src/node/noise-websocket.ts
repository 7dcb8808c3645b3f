/** The transport port over WebSockets: `ws` carries the bytes, Noise proves the keys and encrypts. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { FEDERATION_PATH, parseAddress } from '../address.js';
import { LoglineError, messageOf } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { KeyPair, Link, Transport } from '../ports.js';
import { CLOSE_CODES, LinkFault } from './close-codes.js';
import { openSocket, SOCKET_OPTIONS, SUBPROTOCOL, type DialPolicy } from './dial.js';
import { shakeHands, type Handshake } from './noise-handshake.js';
import type { NoiseLink } from './noise-link.js';
import { offersSubprotocol, refuseUpgrade, REFUSALS } from './upgrade.js';

/** A handshake this old gives way to a newcomer when there are too many; an honest one is long done. */
const GIVES_WAY_AFTER_MS = 1_000;
/** For `listen`: how long a client may take over its headers. */
const HEADERS_MS = 5_000;
/** How often Node looks for those that take longer; 30 s unless told. */
const HEADERS_CHECK_MS = 1_000;

export interface NoiseWebSocketOptions extends DialPolicy {
  /** The node's Ed25519 key pair, which is also its Noise static key. */
  readonly keyPair: KeyPair;
  /** Told of every link and handshake that ended by a fault, for counters and logs; never throws. */
  readonly onFault?: (fault: LinkFault, address: string) => void;
}

interface Greeting {
  readonly handshake: Handshake;
  readonly sinceMs: number;
}

export class NoiseWebSocketTransport implements Transport {
  readonly #options: NoiseWebSocketOptions;
  readonly #upgrades = new WebSocketServer({
    ...SOCKET_OPTIONS,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  readonly #servers = new Set<Server>();
  /** Handshakes of callers, oldest first. */
  readonly #greetings = new Set<Greeting>();
  readonly #dials = new Set<AbortController>();
  readonly #links = new Set<NoiseLink>();
  #onLink: ((link: Link) => void) | undefined;
  #isClosed = false;

  private constructor(options: NoiseWebSocketOptions) {
    this.#options = options;
  }

  static create(options: NoiseWebSocketOptions): NoiseWebSocketTransport {
    return new NoiseWebSocketTransport(options);
  }

  /** Links that are open, and calls that have not proven a key yet. */
  get counts(): { readonly links: number; readonly greetings: number } {
    return { links: this.#links.size, greetings: this.#greetings.size };
  }

  async dial(address: string, options: { readonly timeoutMs: number }): Promise<Link> {
    const parsed = parseAddress(address);
    if (parsed === undefined) {
      const expected = 'expected https://host, ws://host:port or host:port';
      throw new LoglineError('bad_address', `${expected}, got ${JSON.stringify(address.slice(0, 200))}`);
    }
    const timeoutMs = Math.min(options.timeoutMs, LIMITS.handshakeMs);
    const deadlineMs = performance.now() + timeoutMs;
    if (this.#isClosed) throw closedError();

    const dialling = new AbortController();
    this.#dials.add(dialling);
    let handshake: Handshake | undefined;
    const onSocket = (socket: WebSocket): void => {
      const started = shakeHands(socket, {
        initiator: true,
        keyPair: this.#options.keyPair,
        address: parsed.url,
        timeoutMs: Math.max(1, deadlineMs - performance.now()),
        onFault: (fault) => this.#report(fault, parsed.url),
      });
      dialling.signal.addEventListener('abort', () => {
        started.abort(new LinkFault('closing', 'the transport was closed'));
      });
      // Awaited below, a turn later.
      started.link.catch(() => {});
      handshake = started;
    };
    try {
      await openSocket(parsed, this.#options, { timeoutMs, onSocket, signal: dialling.signal });
      const link = await handshake?.link;
      if (link === undefined) throw new LinkFault('internal_error', 'an open socket did not shake hands');
      this.#adopt(link);
      return link;
    } catch (error) {
      if (this.#isClosed) throw closedError();
      if (!(error instanceof LinkFault)) throw error;
      this.#report(error, parsed.url);
      const message = `${parsed.display} did not shake hands: ${error.message}`;
      throw new LoglineError('handshake_failed', message, { cause: error });
    } finally {
      this.#dials.delete(dialling);
    }
  }

  accept(onLink: (link: Link) => void): void {
    this.#onLink = onLink;
  }

  /** For the 'upgrade' event of an HTTP server, when the path is the federation's. Answers every case itself. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      if (!offersSubprotocol(request)) return refuseUpgrade(socket, REFUSALS.subprotocol_required);
      if (this.#isClosed || !this.#hasRoom()) return refuseUpgrade(socket, REFUSALS.overloaded);
      this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        this.#greet(webSocket, callerOf(request.socket));
      });
    } catch (error) {
      socket.destroy();
      this.#report(
        new LinkFault('internal_error', messageOf(error), { cause: error }),
        callerOf(request.socket),
      );
    }
  }

  /** For those without an HTTP server of their own. Port 0 takes a free one. */
  async listen(where: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    if (this.#isClosed) throw closedError();
    const server = createServer(
      {
        headersTimeout: HEADERS_MS,
        requestTimeout: HEADERS_MS,
        connectionsCheckingInterval: HEADERS_CHECK_MS,
      },
      (request, response) => {
        refuseUpgrade(response.socket ?? request.socket, refusalFor(request));
      },
    );
    server.on('upgrade', (request, socket, head) => {
      if (isFederationPath(request)) this.handleUpgrade(request, socket, head);
      else
        refuseUpgrade(
          socket.on('error', () => socket.destroy()),
          REFUSALS.not_found,
        );
    });
    this.#servers.add(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
    server.on('error', () => {});
    return { port: (server.address() as AddressInfo).port };
  }

  /** Ends everything this transport has opened; every link's `closed` has been called when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const dialling of this.#dials) dialling.abort();
    for (const { handshake } of this.#greetings)
      handshake.abort(new LinkFault('closing', 'the transport was closed'));
    const links = [...this.#links];
    for (const link of links) link.close(CLOSE_CODES.closing, 'closing');
    await Promise.all(links.map((link) => link.ended));
    await Promise.all([...this.#servers].map(closeServer));
    this.#servers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether one more caller may start a handshake, if need be in the place of one that takes suspiciously long. */
  #hasRoom(): boolean {
    if (this.#greetings.size < LIMITS.greetingLinks) return true;
    const [oldest] = this.#greetings;
    if (oldest === undefined || performance.now() - oldest.sinceMs < GIVES_WAY_AFTER_MS) return false;
    this.#greetings.delete(oldest);
    oldest.handshake.abort(new LinkFault('too_many_links', 'gave way to a newer handshake'));
    return true;
  }

  #greet(socket: WebSocket, address: string): void {
    const handshake = shakeHands(socket, {
      initiator: false,
      keyPair: this.#options.keyPair,
      address,
      timeoutMs: LIMITS.handshakeMs,
      onFault: (fault) => this.#report(fault, address),
    });
    const greeting = { handshake, sinceMs: performance.now() };
    this.#greetings.add(greeting);
    handshake.link
      .finally(() => this.#greetings.delete(greeting))
      .then((link) => this.#welcome(link))
      .catch((error: unknown) => {
        const isFault = error instanceof LinkFault;
        this.#report(
          isFault ? error : new LinkFault('internal_error', messageOf(error), { cause: error }),
          address,
        );
      });
  }

  #welcome(link: NoiseLink): void {
    this.#adopt(link);
    if (this.#isClosed || this.#onLink === undefined)
      return link.close(CLOSE_CODES.closing, 'nobody takes links');
    try {
      this.#onLink(link);
    } catch (error) {
      link.close(CLOSE_CODES.internal_error, 'internal_error');
      throw error;
    }
  }

  #adopt(link: NoiseLink): void {
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
    if (this.#isClosed) link.close(CLOSE_CODES.closing, 'closing');
  }

  #report(fault: LinkFault, address: string): void {
    this.#options.onFault?.(fault, address);
  }
}

function closedError(): LoglineError {
  return new LoglineError('closed', 'the transport was closed');
}

function isFederationPath(request: IncomingMessage): boolean {
  return request.url?.split('?')[0] === FEDERATION_PATH;
}

function refusalFor(request: IncomingMessage): (typeof REFUSALS)['not_found' | 'subprotocol_required'] {
  return isFederationPath(request) ? REFUSALS.subprotocol_required : REFUSALS.not_found;
}

function callerOf(socket: Socket): string {
  const { remoteAddress = 'unknown', remotePort = 0 } = socket;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
