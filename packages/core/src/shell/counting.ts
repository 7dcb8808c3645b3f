/** Where a node's figures are taken: commits, messages, and what is sent. */

import { equalBytes } from '../bytes.js';
import { kindOfScope, type NodeFigures, type WireFigures } from '../figures.js';
import { decodeMessage, encodeMessage, type Message } from '../message.js';
import type { Compression } from '../ports.js';
import type { Committed } from './committer.js';

/** Counts what a commit made durable; `ownKey` tells what was written here. */
export function countCommit(
  { entries, jobs }: Pick<Committed, 'entries' | 'jobs'>,
  to: { readonly figures: NodeFigures; readonly ownKey: Uint8Array; readonly nowMs: number },
): void {
  const { figures, ownKey, nowMs } = to;
  let spans = 0;
  for (const { header } of entries) {
    const kind = kindOfScope(header.scope);
    if (kind === undefined) continue;
    const isOwn = equalBytes(header.origin, ownKey);
    const moved = isOwn ? figures.scopes[kind].written : figures.scopes[kind].received;
    moved.entries++;
    if (!isOwn) figures.lagMs.note(Math.max(0, nowMs - header.stamp.ms));
    if (kind !== 'timeline') continue;
    moved.spans += header.count;
    spans += header.count;
  }
  figures.commitJobs.note(jobs);
  figures.commitSpans.note(spans);
}

/** Entries of one scope that were handed to a link. */
export function countSent(
  figures: NodeFigures,
  scope: string,
  sent: { readonly entries: number; readonly spans: number },
): void {
  const kind = kindOfScope(scope);
  if (kind === undefined) return;
  const moved = figures.scopes[kind].sent;
  moved.entries += sent.entries;
  if (kind === 'timeline') moved.spans += sent.spans;
}

/** Messages as frames and back, with the bytes that went and came: as they are, and as they crossed the link. */
export class MeteredCodec {
  readonly #compression: Compression;
  readonly #in: WireFigures;
  readonly #out: WireFigures;

  constructor(compression: Compression, { wireIn, wireOut }: NodeFigures) {
    this.#in = wireIn;
    this.#out = wireOut;
    this.#compression = {
      compress(bytes) {
        const packed = compression.compress(bytes);
        // A frame that compression would make longer is sent as it is.
        if (packed.length < bytes.length) wireOut.plainBytes += bytes.length - packed.length;
        return packed;
      },
      decompress(bytes, outputBytesMax) {
        const plain = compression.decompress(bytes, outputBytesMax);
        if (plain !== undefined) wireIn.plainBytes += plain.length - bytes.length;
        return plain;
      },
    };
  }

  encode(message: Message): Uint8Array {
    const frame = encodeMessage(message, this.#compression);
    countFrame(this.#out, frame);
    return frame;
  }

  decode(frame: Uint8Array): Message | undefined {
    countFrame(this.#in, frame);
    return decodeMessage(frame, this.#compression);
  }
}

/** What compression saved of it comes on top. */
function countFrame(wire: WireFigures, { length }: Uint8Array): void {
  wire.plainBytes += length;
  wire.packedBytes += length;
}
