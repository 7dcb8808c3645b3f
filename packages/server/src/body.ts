/** Request bodies as bytes: inflated as they come, read no faster than they are used, and bounded. */

import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import type { Context } from 'koa';
import { LoglineError } from '@logline/federation-core';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem, messageOf } from './problem.js';

/** The connection went away before the body was complete: there is nobody left to answer. */
export class Disconnected extends Error {}

const INFLATERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: () => createGunzip(),
  br: () => createBrotliDecompress(),
};

/**
 * The body's bytes, piece by piece, inflated according to Content-Encoding. Leaving early leaves the connection as it
 * is, so that an answer can still be sent. When `stop` aborts it throws the problem that is its reason, or `closed`;
 * and it throws `Disconnected`.
 */
export async function* readPieces(ctx: Context, stop?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const source = inflated(ctx);
  const stopped = stop === undefined ? undefined : stoppedBy(stop);
  const pieces = source.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = pieces.next() as Promise<IteratorResult<Uint8Array, unknown>>;
      const result = await (stopped === undefined ? next : Promise.race([next, stopped.promise]));
      if (result.done === true) return;
      yield result.value;
    }
  } catch (error) {
    throw faultOf(error, ctx);
  } finally {
    stopped?.forget();
    // Lets go of the source, so that what is left of the body can be thrown away. While a piece is being waited for
    // this takes effect only when it comes, so nobody waits for it here.
    pieces.return?.()?.catch(() => undefined);
    if (source !== ctx.req) {
      ctx.req.unpipe();
      source.destroy();
    }
  }
}

/** The whole body. Throws `too_large` as soon as it is longer than `bytesMost`. */
export async function readBytes(ctx: Context, bytesMost: number): Promise<Uint8Array> {
  if (Number(ctx.get('content-length')) > bytesMost) throw tooLarge(bytesMost);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(tooSlow()), bodyMsOf(ctx));
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of readPieces(ctx, deadline.signal)) {
      bytes += piece.length;
      if (bytes > bytesMost) throw tooLarge(bytesMost);
      pieces.push(piece);
    }
  } finally {
    clearTimeout(timer);
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/** How long a body that is read as a whole may take, and each line of an upload. */
export function bodyMsOf(ctx: Context): number {
  const bodyMs: unknown = ctx.state['bodyMs'];
  return typeof bodyMs === 'number' ? bodyMs : SERVER_LIMITS.bodyMs;
}

export function tooSlow(): HttpProblem {
  return new HttpProblem(
    'request_timeout',
    'the body took too long to arrive: send it faster, or in smaller parts',
  );
}

function tooLarge(bytesMost: number): HttpProblem {
  return new HttpProblem(
    'too_large',
    `a body of this kind may have ${bytesMost} bytes: send spans in bulk as application/x-ndjson, one a line`,
  );
}

function inflated(ctx: Context): Readable {
  // A connection that breaks while nobody reads must not be an error that nobody takes.
  ctx.req.on('error', () => undefined);
  const encoding = (ctx.get('content-encoding') || 'identity').trim().toLowerCase();
  if (encoding === 'identity') return ctx.req;
  const create = Object.hasOwn(INFLATERS, encoding) ? INFLATERS[encoding] : undefined;
  if (create === undefined) {
    throw new HttpProblem('unsupported_encoding', 'expected Content-Encoding gzip or br, or none', {
      headers: { 'Accept-Encoding': 'gzip, br' },
    });
  }
  const inflater = create();
  inflater.on('error', () => undefined);
  // Not the other way round: a damaged body must not take the connection with it before it is answered.
  ctx.req.on('error', (error) => inflater.destroy(error));
  ctx.req.pipe(inflater);
  return inflater;
}

function stoppedBy(signal: AbortSignal): { readonly promise: Promise<never>; readonly forget: () => void } {
  let forget = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    const stop = (): void =>
      reject(
        signal.reason instanceof HttpProblem
          ? signal.reason
          : new LoglineError('closed', 'the node is stopping: send the rest after its restart'),
      );
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    forget = () => signal.removeEventListener('abort', stop);
  });
  promise.catch(() => undefined);
  return { promise, forget };
}

function faultOf(error: unknown, ctx: Context): unknown {
  if (error instanceof LoglineError || error instanceof HttpProblem) return error;
  if (ctx.req.destroyed && !ctx.req.complete)
    return new Disconnected('the client went away', { cause: error });
  const detail = `the compressed body is damaged (${messageOf(error)}): send it again`;
  return new HttpProblem('bad_request', detail, { cause: error });
}
