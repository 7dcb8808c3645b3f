// A node that gives one answer to everything, and what the answers name.
import type { ExecutionContext } from 'ava';
import { fakeNode } from './harness.js';

export const KEY = 'Xn3kG0J1aY2ZpQb6r7sTtUuVvWwXxYyZz0123456789';
export const FEED = 'timeline/acme/00a1b2c3d4e5f607';
export const HASH = 'ab'.repeat(32);
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/** A node that gives one answer to everything, and tells what it was asked. */
export async function answering(
  t: ExecutionContext,
  answer: unknown,
): Promise<{ readonly url: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const node = await fakeNode(t, (request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      asked.push({ method: request.method ?? '', url: request.url ?? '', body });
      if (typeof answer === 'string') response.writeHead(200, { 'content-type': 'text/plain' }).end(answer);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  return { url: node.url, asked };
}
