// Services of one network that trust each other, for tests of what trust does.
import { randomBytes } from 'node:crypto';
import { fingerprintOf } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import type { ExecutionContext } from 'ava';
import { eventually } from '@logline/federation-core/testing';
import type { RunningServer, ServerOptions } from '../dist/index.js';
import { get, post, serve, spanOf, type Answer, type Body, type Json } from './helpers.js';

export const NETWORK_KEY = 'the network of the tests';
export const ACME = '/v1/timeline/spans?tenant_id=acme';

/** A service of the network, that shares every tenant unless told otherwise. */
export function join(
  t: ExecutionContext,
  name: string,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  return serve(t, { name, networkKey: NETWORK_KEY, tenants: '*', ...options });
}

export function establish(at: RunningServer, peer: RunningServer, members: Body = {}): Promise<Answer> {
  return post(`${at.url}/v1/trust/establish`, { peer_address: peer.url, ...members });
}

/** Lets two services trust each other; resolves when both know. */
export async function befriend(a: RunningServer, b: RunningServer): Promise<void> {
  await establish(a, b);
  await establish(b, a);
  await eventually('both are verified', () =>
    [a, b].every((one, i) => levelAt(one, [b, a][i] ?? one) === 'verified'),
  );
}

export function levelAt(at: RunningServer, peer: RunningServer): string | undefined {
  return at.node.operator.relationships().find((one) => one.fingerprint === peer.node.fingerprint)?.level;
}

export async function titlesAt({ url }: RunningServer, path = ACME): Promise<readonly string[]> {
  const { body } = await get(`${url}${path}&limit=1000`);
  return ((body['spans'] ?? []) as { title: string }[]).map((span) => span.title);
}

/** Appends spans one by one, so that each is an entry of its own. */
export async function write({ url }: RunningServer, numbers: readonly number[], path = ACME): Promise<void> {
  for (const n of numbers) await post(url + path, spanOf(n));
}

export async function shows(at: RunningServer, numbers: readonly number[], path = ACME): Promise<void> {
  const wanted = numbers.map((n) => `span ${n}`);
  await eventually(`the spans ${wanted.join(', ')} are shown`, async () => {
    const titles = await titlesAt(at, path);
    return titles.length === wanted.length && wanted.every((title) => titles.includes(title));
  });
}

export function listOf(answer: Answer, name: string): readonly { readonly [member: string]: Json }[] {
  return answer.body[name] as { [member: string]: Json }[];
}

/** A key that nobody has met. */
export function strangersKey(): string {
  return fingerprintOf(createCrypto().keyPair(randomBytes(32)).publicKey);
}
