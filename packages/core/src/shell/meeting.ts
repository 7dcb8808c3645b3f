/** What a node meets others with: its greeting, its links, and what discovery finds. */

import type { NodeFigures } from '../figures.js';
import { NETWORK_KEY_LABEL } from '../handshake.js';
import type { NodeOptions } from '../node-options.js';
import type { Committer } from './committer.js';
import { DiscoveryDesk } from './discovery-desk.js';
import type { HoldingsTable } from './holdings-table.js';
import type { PeerBook } from './peer-book.js';
import { Peering } from './peering.js';
import { awaitsRotation, isContested } from './rotation.js';
import type { SessionHost } from './session-host.js';
import type { SessionRunner } from './session-runner.js';
import type { TrustKeeper } from './trust-keeper.js';
import { vouch } from './vouching.js';

export interface MeetingParts {
  readonly table: HoldingsTable;
  readonly book: PeerBook;
  readonly keeper: TrustKeeper;
  readonly committer: Committer;
  readonly figures: NodeFigures;
  /** What a hello shows of our earlier keys: filled before anybody is met. */
  readonly rotations: readonly Uint8Array[];
  readonly claimed: SessionHost<SessionRunner>['claimed'];
}

/** Neither dials anybody before it is started. */
export function prepareMeeting(
  options: NodeOptions,
  { table, book, keeper, committer, rotations, figures, claimed }: MeetingParts,
): { readonly peering: Peering; readonly desk: DiscoveryDesk } {
  const { name, keyPair, storage, transport, clock, tools, credentials, discovery } = options;
  const { onEvent = () => undefined } = options;
  const networkKey = tools.crypto.stretch(options.networkKey ?? '', NETWORK_KEY_LABEL);
  const desk = new DiscoveryDesk({
    finders: discovery?.finders ?? [],
    notebook: discovery?.notebook,
    exchange: discovery?.exchange ?? false,
    own: { name, key: keyPair.publicKey },
    networkKey,
    book,
    standing: keeper,
    transport,
    clock,
    tools,
    isConnected: (key) => peering.session(key) !== undefined,
    take: (link) => peering.takeScouted(link),
    sessions: () => peering.sessions(),
    onEvent,
  });
  const peering: Peering = new Peering({
    name,
    book,
    transport,
    clock,
    scouting: desk,
    host: {
      tools,
      clock,
      storage,
      table,
      committer,
      greeter: {
        name,
        publicKey: keyPair.publicKey,
        certificates: credentials?.own ?? [],
        rotations,
        networkKey,
        sign: (bytes) => tools.crypto.sign(bytes, keyPair.secretKey),
      },
      standing: keeper,
      figures,
      claimed,
      credentials,
      isClosedNetwork: (options.networkKey ?? '') !== '',
      awaitsRotation: (rotation) => awaitsRotation(rotation, keeper),
      isContested: (key) => isContested(key, keeper),
      vouch: (key, name_, method) => vouch({ key, name: name_, method }, { keeper, committer }),
    },
    onEvent,
  });
  return { peering, desk };
}
