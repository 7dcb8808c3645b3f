/** Keys that follow others: takes what a hello shows of its sender's earlier keys, where we trust one of those. */

import { equalBytes } from '../bytes.js';
import { messageOf } from '../errors.js';
import type { GateOutcome } from '../gate.js';
import { fingerprintOf, TRUST_SCOPE } from '../identity.js';
import type { Hello } from '../message.js';
import type { Tools } from '../ports.js';
import { readRotations, type Rotation } from '../rotation.js';
import type { Committer } from './committer.js';
import type { ListedPeer } from './peer-book.js';
import type { SessionRunner } from './session-runner.js';

export interface SuccessionHost {
  readonly tools: Tools;
  readonly committer: Committer;
  /** Whether to know of a rotation would change what we think of its keys. */
  awaitsRotation(rotation: Rotation): boolean;
  /** Whether another key claims the place of the same earlier one. */
  isContested(key: Uint8Array): boolean;
}

export interface SuccessionOptions extends SuccessionHost {
  /** Told of every entry that was taken to the gate. */
  readonly gated: (session: SessionRunner, outcomes: readonly GateOutcome[]) => void;
}

export class Successions {
  readonly #options: SuccessionOptions;
  readonly #under = new WeakMap<SessionRunner, Promise<void>>();

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /**
   * The hello is valid on its link, so its sender has the key that the rotations lead to. What they change is told by
   * the standing as soon as it is durable; of a stranger nothing is kept.
   */
  hear(session: SessionRunner, hello: Hello): void {
    if (hello.rotations.length > 0) this.#under.set(session, this.#follow(session, hello));
  }

  /** What speaks against believing that the node at a listed address is still the same, though the network key says so. */
  problemOf(peer: Pick<ListedPeer, 'pinnedBy'>, key: Uint8Array): string | undefined {
    if (peer.pinnedBy === 'operator' || !this.#options.isContested(key)) return undefined;
    return `two keys claim to follow the one that this peer had, ${fingerprintOf(key)} among them: ask its operator which is right, and establish trust again with # and that fingerprint`;
  }

  /** Resolves when all that the peer's hello showed is durable, or was refused. */
  async settled(session: SessionRunner): Promise<void> {
    await this.#under.get(session);
  }

  /** One after the other: each makes the next one a matter of a key that we trust. */
  async #follow(session: SessionRunner, hello: Hello): Promise<void> {
    const { tools, committer, gated } = this.#options;
    const rotations = readRotations(hello.rotations, session.link.remoteKey, tools) ?? [];
    try {
      for (const rotation of rotations) {
        if (!this.#options.awaitsRotation(rotation) || !rotation.isProven()) continue;
        const { outcomes } = await committer.gate([rotation.bytes], (scope) => scope === TRUST_SCOPE);
        gated(session, outcomes);
        const fault = outcomes.find((outcome) => outcome.kind === 'fault');
        if (fault === undefined) continue;
        const reason = `rotation refused (${fault.check}): ${fault.reason}`;
        return session.step({ kind: 'stop', code: 'fault', reason });
      }
    } catch (error) {
      const reason = `cannot take entries: ${messageOf(error)}`;
      session.step({ kind: 'stop', code: 'going_away', reason });
    }
  }
}

/** Whether another key answered than the one that is listed at the address. */
export function isStray(peer: Pick<ListedPeer, 'key'>, key: Uint8Array): boolean {
  return peer.key !== undefined && !equalBytes(peer.key, key);
}

export function describeStray({ key }: Pick<ListedPeer, 'key'>, found: Uint8Array): string {
  const [expected, seen] = [key === undefined ? 'none' : fingerprintOf(key), fingerprintOf(found)];
  return `expected key ${expected} at this address, found ${seen}: if the peer was set up anew, establish trust again with #${seen}`;
}
