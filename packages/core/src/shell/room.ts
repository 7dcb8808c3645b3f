/** Waiting until a link has sent most of what it was given. */

import { LIMITS } from '../limits.js';
import type { Link } from '../ports.js';

export class Room {
  readonly #link: Link;
  #drained: (() => void) | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Resolves when there is room, or nothing to wait for any more. */
  async wait(): Promise<void> {
    if (this.#link.bufferedBytes < LIMITS.linkBufferBytes) return;
    await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  /** The link has room again, or is gone. */
  drained(): void {
    this.#drained?.();
    this.#drained = undefined;
  }
}
