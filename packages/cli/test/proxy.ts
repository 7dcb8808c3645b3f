// A node behind something that fails when a test says so.
import type { ExecutionContext } from 'ava';
import { fakeNode } from './harness.js';

export interface Trouble {
  /** Answers 500 to this request in place of passing it on, or after it was passed on. */
  readonly fails: (request: {
    readonly method: string;
    readonly url: string;
  }) => 'before' | 'after' | undefined;
}

/** Passes everything on to a real node, but for the trouble that a test makes. */
export async function proxyTo(
  t: ExecutionContext,
  node: { readonly url: string },
  trouble: Trouble,
): Promise<{ readonly url: string; readonly passed: string[] }> {
  const passed: string[] = [];
  const { url } = await fakeNode(t, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => void pieces.push(piece));
    request.on('end', () => {
      const asked = { method: request.method ?? 'GET', url: request.url ?? '/' };
      void answer(asked, request.headers, Buffer.concat(pieces)).then(
        ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(body),
        () => response.destroy(),
      );
    });
  });
  return { url, passed };

  async function answer(
    asked: { readonly method: string; readonly url: string },
    headers: NodeJS.Dict<string | string[]>,
    body: Buffer,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const when = trouble.fails(asked);
    const failed = { status: 500, body: '{"error":"internal","detail":"something broke on the way"}' };
    if (when === 'before') return failed;
    const kept = ['content-type', 'idempotency-key'].flatMap((name): [string, string][] => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    });
    const init = asked.method === 'GET' ? {} : { body: new Uint8Array(body) };
    const response = await fetch(`${node.url}${asked.url}`, {
      method: asked.method,
      headers: Object.fromEntries(kept),
      ...init,
    });
    const text = await response.text();
    passed.push(`${asked.method} ${asked.url.split('?', 1).join('')}`);
    return when === 'after' ? failed : { status: response.status, body: text };
  }
}
