/** What went over the links: a node counts per session and a lost link starts at nothing again, so this adds up. */

import type { Node as PeerNode } from 'logline-federation-client';

export const NODES = ['alpha', 'beta', 'gamma'] as const;
export type NodeName = (typeof NODES)[number];

/** Both links have beta at one end; it counts their bytes, since it lives through the whole demo. */
export const LINKS = ['alpha', 'gamma'] as const;
export type LinkName = (typeof LINKS)[number];

export interface LinkTraffic {
  /** Both ways. */
  readonly bytes: number;
  /** By both ends together. */
  readonly entriesSent: number;
}

export type Traffic = Readonly<Record<LinkName, LinkTraffic>>;

/** Adds up a counter that falls to nothing whenever its session ends. What was counted after the last look is lost. */
class Sum {
  #before = 0;
  #last = 0;

  see(value: number): void {
    if (value < this.#last) this.#before += this.#last;
    this.#last = value;
  }

  get total(): number {
    return this.#before + this.#last;
  }
}

export class Meter {
  readonly #bytes = { alpha: new Sum(), gamma: new Sum() };
  readonly #sent = {
    alpha: { near: new Sum(), far: new Sum() },
    gamma: { near: new Sum(), far: new Sum() },
  };

  /** Takes in what a node says of its peers. */
  see(node: NodeName, peers: readonly PeerNode[]): void {
    for (const link of LINKS) {
      if (node !== 'beta' && node !== link) continue;
      const row = rowOf(peers, node === 'beta' ? link : 'beta');
      if (row === undefined) continue;
      const { entries_sent: sent = 0, bytes_sent: bytesOut = 0, bytes_received: bytesIn = 0 } = row;
      this.#sent[link][node === 'beta' ? 'near' : 'far'].see(sent);
      if (node === 'beta') this.#bytes[link].see(bytesOut + bytesIn);
    }
  }

  get totals(): Traffic {
    return { alpha: this.#totalOf('alpha'), gamma: this.#totalOf('gamma') };
  }

  #totalOf(link: LinkName): LinkTraffic {
    const { near, far } = this.#sent[link];
    return { bytes: this.#bytes[link].total, entriesSent: near.total + far.total };
  }
}

/** What a node says of a peer, once it knows the peer's name. */
export function rowOf(peers: readonly PeerNode[], peer: NodeName): PeerNode | undefined {
  return peers.find((row) => row.id === `logline-id://node/${peer}`);
}

export function difference(later: Traffic, earlier: Traffic): Traffic {
  const of = (link: LinkName): LinkTraffic => ({
    bytes: later[link].bytes - earlier[link].bytes,
    entriesSent: later[link].entriesSent - earlier[link].entriesSent,
  });
  return { alpha: of('alpha'), gamma: of('gamma') };
}
