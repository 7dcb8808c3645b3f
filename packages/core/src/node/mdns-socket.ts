/** Multicast DNS on the network interfaces of this machine: packets in, within a budget, and packets out. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { decode, encode, type DecodedPacket, type Packet } from 'dns-packet';
import { LoglineError, messageOf } from '../errors.js';

export const MDNS_PORT = 5353;
const GROUP = '224.0.0.251';
const INTERFACES_MAX = 8;
const PACKET_BYTES_MAX = 9_000;
/** Packets looked at within a second; the rest of a flood is dropped unread. */
const PACKETS_PER_SECOND = 200;

export interface MdnsOptions {
  /** IPv4 addresses of the interfaces to use; all that are not loopback unless given. */
  readonly interfaces?: readonly string[] | undefined;
  readonly port?: number | undefined;
  /** Whether the node listens on IPv6 too, and says so. */
  readonly ipv6?: boolean | undefined;
}

/** What came, from whom; an `answer` to somebody who asks from another port goes to them alone. */
export interface Heard {
  readonly packet: DecodedPacket;
  readonly from: RemoteInfo;
}

export class MdnsSocket {
  readonly port: number;
  /** IPv4 addresses of the interfaces in use. */
  readonly interfaces: readonly string[];
  readonly #sockets: ReadonlyMap<string, Socket>;
  readonly #onLink: BlockList;
  #secondAtMs = 0;
  #inSecond = 0;
  #closing: Promise<unknown> | undefined;

  private constructor(sockets: ReadonlyMap<string, Socket>, port: number) {
    this.#sockets = sockets;
    this.port = port;
    this.interfaces = [...sockets.keys()];
    this.#onLink = networksOf(this.interfaces);
  }

  /** Rejects with what to check where no interface can be used. */
  static async open(options: MdnsOptions, onHeard: (heard: Heard) => void): Promise<MdnsSocket> {
    const wanted = usableInterfaces(options.interfaces);
    if (wanted.length === 0) {
      throw new LoglineError(
        'bad_configuration',
        'no network interface has an IPv4 address: check the network, or use another discovery method',
      );
    }
    const sockets = new Map<string, Socket>();
    const faults: string[] = [];
    let port = options.port ?? MDNS_PORT;
    for (const address of wanted) {
      try {
        const socket = await join(address, port);
        sockets.set(address, socket);
        port = socket.address().port;
      } catch (error) {
        faults.push(`${address}: ${messageOf(error)}`);
      }
    }
    const [ear] = sockets.values();
    if (ear === undefined) {
      throw new LoglineError(
        'bad_configuration',
        `multicast DNS is not possible on port ${port}/udp (${faults.join('; ')}): check that the network allows multicast and that the port is not blocked`,
      );
    }
    const mdns = new MdnsSocket(sockets, port);
    // Each socket of the port hears everything: one of them listens.
    ear.on('message', (bytes, from) => mdns.#hear(bytes, from, onHeard));
    return mdns;
  }

  /** Sends to the whole link of each interface; resolves when it is on its way. Failures are those of a network that comes and goes. */
  async send(packetFor: (ownAddress: string) => Packet): Promise<void> {
    if (this.#closing !== undefined) return;
    const sent = [...this.#sockets].map(
      ([address, socket]) =>
        new Promise<void>((done) => socket.send(encode(packetFor(address)), this.port, GROUP, () => done())),
    );
    await Promise.all(sent);
  }

  /** Answers one who is no multicast resolver. */
  reply(to: RemoteInfo, packetFor: (ownAddress: string) => Packet): void {
    const [first] = this.#sockets;
    if (first === undefined || this.#closing !== undefined) return;
    const [address, socket] = first;
    socket.send(encode(packetFor(address)), to.port, to.address, () => undefined);
  }

  /** Whether the interfaces are still those of the machine. */
  isCurrent(options: MdnsOptions): boolean {
    const now = usableInterfaces(options.interfaces);
    return now.length === this.interfaces.length && now.every((one) => this.interfaces.includes(one));
  }

  async close(): Promise<void> {
    const sockets = [...this.#sockets.values()];
    this.#closing ??= Promise.all(
      sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))),
    );
    await this.#closing;
  }

  #hear(bytes: Buffer, from: RemoteInfo, onHeard: (heard: Heard) => void): void {
    const now = performance.now();
    if (now - this.#secondAtMs >= 1_000) {
      this.#secondAtMs = now;
      this.#inSecond = 0;
    }
    if (++this.#inSecond > PACKETS_PER_SECOND || bytes.length > PACKET_BYTES_MAX) return;
    // Others than those on the link have no business here (RFC 6762 §11).
    if (!this.#onLink.check(from.address)) return;
    try {
      onHeard({ packet: decode(bytes), from });
    } catch {
      // Whatever it was, it was no packet of anybody who means us.
    }
  }
}

function usableInterfaces(given: readonly string[] | undefined): readonly string[] {
  if (given !== undefined) return given.slice(0, INTERFACES_MAX);
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .slice(0, INTERFACES_MAX);
}

function networksOf(interfaces: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const { address, cidr } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (!interfaces.includes(address) || cidr === null) continue;
    networks.addSubnet(address, Number(cidr.split('/')[1]), 'ipv4');
  }
  return networks;
}

function join(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      socket.close();
      reject(error instanceof Error ? error : new Error(messageOf(error)));
    };
    socket.once('error', fail);
    // Bound to the interface itself a socket would hear no multicast.
    socket.bind(port, '0.0.0.0', () => {
      try {
        socket.addMembership(GROUP, address);
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(255);
        socket.setMulticastLoopback(true);
      } catch (error) {
        return fail(error);
      }
      socket.off('error', fail);
      // Stays for good: an interface that goes away must not end the process.
      socket.on('error', () => undefined);
      return resolve(socket);
    });
  });
}
