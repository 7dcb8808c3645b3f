/** The ground of the hostile cases: one fortress for all cases of a file, an honest exchange during each, and figures of the node under attack. */

import { keyOfFingerprint } from '@logline/federation-core';
import { eventually, HostileFeed, type HostileLink } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { openFortress, Siege, type Defences, type Fortress } from '../support/siege.js';
import { Watch } from './watch.js';

export type HostileRun = (t: ExecutionContext, siege: Siege) => void | Promise<void>;

/**
 * Opens a fortress for this file and returns what registers its cases. During each one, honest spans are exchanged
 * both ways within the protocol's deadline, and the node's queues, sockets and memory stay within their bounds.
 */
export function hostileGround(options: Defences = {}): (title: string, run: HostileRun) => void {
  const endings: (() => unknown)[] = [];
  const lifetime = { teardown: (end: () => unknown) => void endings.unshift(end) };
  let fortress: Fortress | undefined;
  test.before(async () => {
    fortress = await openFortress(lifetime, options);
  });
  test.after.always(async () => {
    for (const end of endings) await end();
  });
  return (title, run) =>
    test.serial(title, async (t) => {
      t.timeout(120_000);
      const siege = await Siege.begin(t, fortress);
      const watch = await Watch.begin(t, siege);
      await run(t, siege);
      await watch.end();
      await siege.end();
    });
}

/** The node goes on answering on this link: whatever came before was no reason to close it. */
export async function stillServed(t: ExecutionContext, link: HostileLink, what: string): Promise<void> {
  const nonce = 1 + link.all('pong').length;
  link.say({ kind: 'ping', nonce });
  await eventually(`${what}: the node still answers pings`, () => {
    if (link.isClosed) throw new Error(`closed: ${JSON.stringify(link.all('bye'))}`);
    return link.all('pong').some((pong) => pong.nonce === nonce);
  });
  t.false(link.isClosed, what);
}

/** Sends spans of any tenant over REST, as an honest caller of the node. */
export async function appendTo(siege: Siege, tenant: string, spans: readonly object[]): Promise<void> {
  const response = await fetch(`${siege.alice.url}/v1/timeline/spans?tenant_id=${tenant}`, {
    method: 'POST',
    headers: { ...siege.alice.headers, 'content-type': 'application/json' },
    body: JSON.stringify(spans),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`spans were not stored: ${response.status} ${text}`);
}

/** A feed of the node under attack as a claim or a want may name it: alice's own, of her present start. */
export async function feedOfAlice(siege: Siege, link: HostileLink, scope: string): Promise<HostileFeed> {
  const publicKey = keyOfFingerprint(siege.alice.fingerprint);
  if (publicKey === undefined) throw new Error('alice has no fingerprint');
  // Her receipts name the start that she runs in.
  const own = siege.stranger().feed('timeline/acme');
  link.bring(own.write());
  const { run } = await link.heard('receipt');
  return new HostileFeed({ keyPair: { publicKey, secretKey: new Uint8Array(64) }, scope, epoch: run });
}

/** The value of a figure under one label's value, such as an outcome or a code. */
export async function labelled(siege: Siege, name: string, value: string): Promise<number> {
  const response = await fetch(`${siege.alice.url}/metrics`);
  const lines = (await response.text()).split('\n');
  const line = lines.find((text) => text.startsWith(`${name}{`) && text.includes(`"${value}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}
