/** How often an address may show something that is wrong: so often a minute, and for the rest of it nobody can guess there. */

import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem } from './problem.js';

interface Window {
  readonly endsAtMs: number;
  failures: number;
}

const MINUTE_MS = 60_000;

/**
 * Others may share an address, behind a proxy for example: what was right before is looked at nonetheless, so that
 * somebody who guesses there keeps nobody out but newcomers.
 */
export class FailedLogins {
  readonly #most: number;
  readonly #now: () => number;
  /** By address, the one that failed first at the front. */
  readonly #windows = new Map<string, Window>();
  /** Digests of what was right, the one used longest ago at the front. */
  readonly #right = new Set<string>();

  /** `most` failures of an address within a minute. */
  constructor(most: number, now: () => number = () => performance.now()) {
    this.#most = most;
    this.#now = now;
  }

  /** What to answer an address that has failed too often; `undefined` where it has not, or the credential was right before. */
  limitFor(address: string, credential: string): HttpProblem | undefined {
    const window = this.#windows.get(blockOf(address));
    const leftMs = window === undefined ? 0 : window.endsAtMs - this.#now();
    if (window === undefined || leftMs <= 0 || window.failures < this.#most) return undefined;
    if (this.#right.has(digestOf(credential))) return undefined;
    const seconds = Math.ceil(leftMs / 1000);
    return new HttpProblem(
      'rate_limited',
      `too much that is wrong has come from this address within a minute: correct the token, and ask again in ${seconds} s`,
      { headers: { 'Retry-After': String(seconds) } },
    );
  }

  /** Counts what was wrong. Tells whether the address has just used up its minute. */
  failed(address: string): boolean {
    const block = blockOf(address);
    const known = this.#windows.get(block);
    const isOver = known === undefined || known.endsAtMs <= this.#now();
    const window = isOver ? { endsAtMs: this.#now() + MINUTE_MS, failures: 0 } : known;
    if (isOver) {
      this.#windows.delete(block);
      this.#windows.set(block, window);
      // Who fails from ever new addresses forgets its own first ones.
      dropOldest(this.#windows, SERVER_LIMITS.failedLoginAddresses);
    }
    window.failures++;
    return window.failures === this.#most;
  }

  succeeded(credential: string): void {
    const digest = digestOf(credential);
    this.#right.delete(digest);
    this.#right.add(digest);
    dropOldest(this.#right, SERVER_LIMITS.rightCredentials);
  }

  /** How much is remembered. */
  get size(): { readonly addresses: number; readonly credentials: number } {
    return { addresses: this.#windows.size, credentials: this.#right.size };
  }
}

function dropOldest(
  kept: { readonly size: number; keys(): IterableIterator<string>; delete(key: string): boolean },
  most: number,
): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) break;
    kept.delete(oldest);
  }
}

function digestOf(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}

/** An IPv4 address; of an IPv6 address the 64 bits that one network has, since a machine may take any of the others. */
function blockOf(address: string): string {
  const four = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (four !== undefined || !isIPv6(address)) return four ?? address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
