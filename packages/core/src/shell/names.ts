/** Names are labels: each has one key, and each key one name. */

import { fingerprintOf } from '../identity.js';
import type { PeerBook } from './peer-book.js';

export interface Naming {
  /** This node itself. */
  readonly own: { readonly name: string; readonly key: Uint8Array };
  readonly name: string;
  readonly key: Uint8Array;
}

/** Why a key may not go by a name; `undefined` where it may. */
export function misnamed(book: PeerBook, { own, name, key }: Naming): string | undefined {
  const fingerprint = fingerprintOf(key);
  const owner = name === own.name ? fingerprintOf(own.key) : book.nameTakenBy(name, key);
  if (owner !== undefined) {
    return `the name ${name} belongs to key ${owner}: set another FEDERATION_NODE_NAME on the node with key ${fingerprint}`;
  }
  const known = book.nameOf(key);
  if (known === undefined || known === name) return undefined;
  return `key ${fingerprint} is known here as ${known}, and now says ${name}: set FEDERATION_NODE_NAME=${known} there, or establish trust with it again here`;
}
