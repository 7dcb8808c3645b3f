/** Requests under way, so that a stop can wait for them and for nothing else. */

import type { Server, ServerResponse } from 'node:http';

export class Requests {
  #count = 0;
  #onIdle: (() => void) | undefined;

  add(response: ServerResponse): void {
    this.#count++;
    response.once('close', () => {
      this.#count--;
      if (this.#count === 0) this.#onIdle?.();
    });
  }

  /** Resolves once none is under way, or after `timeoutMs`: to whether all came to their end. */
  async ended(timeoutMs: number): Promise<boolean> {
    if (this.#count === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    return this.#count === 0;
  }
}

/** Takes no more connections. The result resolves when the last one is gone, links between nodes included. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
