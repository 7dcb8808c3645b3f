/** Cursors of arrival as callers see them: sealed, since a place in the log would tell how much all tenants write. */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { LoglineError } from '@logline/federation-core';

const LABEL = 'logline-federation arrival cursors v1';
const KEY_BYTES = 32;
/** Both the tag and, since each text has one tag only, the first counter of the cipher. */
const TAG_BYTES = 16;
const TEXT_BYTES_MAX = 128;
const MARK = 'c';
const SEALED = /^c[A-Za-z0-9_-]+$/;

export class Cursors {
  readonly #tagKey: Uint8Array;
  readonly #cipherKey: Uint8Array;

  /** The keys follow from the node's own: cursors outlive a restart, and a new key of the node makes them strangers'. */
  constructor(nodeSecret: Uint8Array) {
    const keys = new Uint8Array(hkdfSync('sha256', nodeSecret, '', LABEL, 2 * KEY_BYTES));
    this.#tagKey = keys.subarray(0, KEY_BYTES);
    this.#cipherKey = keys.subarray(KEY_BYTES);
  }

  /** The same text is always sealed alike. */
  seal(cursor: string): string {
    const text = Buffer.from(cursor);
    const tag = this.#tagOf(text);
    const cipher = createCipheriv('aes-256-ctr', this.#cipherKey, tag);
    return MARK + Buffer.concat([tag, cipher.update(text), cipher.final()]).toString('base64url');
  }

  /** The cursor that was sealed; `undefined` for one that another node, or this one under another key, has sealed. Throws `bad_cursor`. */
  open(sealed: string): string | undefined {
    const bytes = SEALED.test(sealed) ? Buffer.from(sealed.slice(1), 'base64url') : Buffer.alloc(0);
    if (bytes.length <= TAG_BYTES || bytes.length > TAG_BYTES + TEXT_BYTES_MAX)
      throw new LoglineError('bad_cursor', 'the cursor is not one that this stream sent');
    const tag = bytes.subarray(0, TAG_BYTES);
    const cipher = createDecipheriv('aes-256-ctr', this.#cipherKey, tag);
    const text = Buffer.concat([cipher.update(bytes.subarray(TAG_BYTES)), cipher.final()]);
    return timingSafeEqual(tag, this.#tagOf(text)) ? text.toString() : undefined;
  }

  #tagOf(text: Uint8Array): Buffer {
    return createHmac('sha256', this.#tagKey).update(text).digest().subarray(0, TAG_BYTES);
  }
}
