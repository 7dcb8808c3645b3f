/** T20, T21: whoever sits on the wire reads nothing, and whatever it alters, drops, repeats or moves ends the link and nothing else. */

import { randomBytes } from 'node:crypto';
import { createCrypto, NoiseWebSocketTransport } from '@logline/federation-core/node';
import { eventually, newSpan, TcpProxy } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { openMemoryNode, type MemoryNode } from '../support/memory-node.js';
import { tracesOf } from '../support/needle.js';
import { figure, has, NOWHERE, TENANT, trust } from '../support/rest.js';
import { NETWORK_KEY, type Siege } from '../support/siege.js';
import { openTcp, within } from '../support/strangers.js';
import { CLOSE_MS } from '../support/link-ends.js';
import { appendTo, hostileGround } from './ground.js';

const hostile = hostileGround();
/** Shorter chunks are heartbeats and receipts. */
const DATA_BYTES = 400;

interface Wire {
  readonly carol: MemoryNode;
  readonly proxy: TcpProxy;
  readonly address: string;
}

/** Carol, a friend of alice's who reaches her through a proxy. */
async function openWire(t: ExecutionContext, siege: Siege): Promise<Wire> {
  const mark = randomBytes(4).toString('hex');
  const proxy = await TcpProxy.open({ port: Number(new URL(siege.url).port) });
  t.teardown(() => proxy.close());
  const keyPair = createCrypto().keyPair(randomBytes(32));
  const transport = NoiseWebSocketTransport.create({ keyPair });
  const carol = await openMemoryNode(t, {
    name: `carol-${mark}`,
    keyPair,
    transport,
    networkKey: NETWORK_KEY,
    compression: 'off',
  });
  await trust(siege.alice, {
    address: NOWHERE.replace('/v1/', `/${mark}/v1/`),
    fingerprint: carol.node.fingerprint,
  });
  const address = `ws://127.0.0.1:${proxy.port}/v1/federation`;
  await carol.node.trust({ address });
  await eventually('carol and alice meet', () => isConnected(carol));
  return { carol, proxy, address };
}

function isConnected({ node }: MemoryNode): boolean {
  return node.peers().some(({ status }) => status === 'connected');
}

function endsOf({ events }: MemoryNode): number {
  return events.filter(({ kind }) => kind === 'peer_disconnected').length;
}

/** What an attacker does to one chunk of data; what it keeps back it may send with the next one. */
const DISTURBANCES: Readonly<Record<string, (chunk: Uint8Array, kept: Uint8Array[]) => Uint8Array>> = {
  'alters a bit': (chunk) => {
    const at = chunk.length - 20;
    chunk[at] = (chunk[at] ?? 0) ^ 4;
    return chunk;
  },
  'drops a piece': () => new Uint8Array(0),
  'repeats a piece': (chunk) => Buffer.concat([chunk, chunk]),
  'moves a piece behind the next one': (chunk, kept) => {
    kept.push(chunk);
    return new Uint8Array(0);
  },
  'cuts a piece in half': (chunk) => chunk.subarray(0, chunk.length / 2),
  'puts in bytes of its own': (chunk) => Buffer.concat([chunk, randomBytes(40)]),
};

for (const direction of ['up', 'down'] as const) {
  hostile(
    `T20 every way to disturb what goes ${direction} ends the link, and the data comes whole over the next one`,
    async (t, siege) => {
      const { carol, proxy, address } = await openWire(t, siege);
      for (const [what, disturb] of Object.entries(DISTURBANCES)) {
        const kept: Uint8Array[] = [];
        let disturbed = 0;
        const ends = endsOf(carol);
        proxy.alter((chunk, where) => {
          if (where.direction !== direction) return chunk;
          const late = kept.splice(0);
          if (late.length > 0) return Buffer.concat([chunk, ...late]);
          if (disturbed > 0 || chunk.length < DATA_BYTES) return chunk;
          disturbed++;
          return disturb(chunk, kept);
        });
        const spans = Array.from({ length: 8 }, () => newSpan({ padding: randomBytes(300).toString('hex') }));
        for (const span of spans) {
          if (direction === 'up') await carol.node.timeline(TENANT).append([{ ...span }]);
          else await appendTo(siege, TENANT, [span]);
        }
        await eventually(`${what}: the link ends`, () => endsOf(carol) > ends, { timeoutMs: 20_000 });
        t.is(disturbed, 1, what);
        proxy.alter((chunk) => chunk);
        carol.node.redial(address);
        for (const span of spans) {
          const id = String(span['id']);
          await eventually(
            `${what}: all comes whole`,
            () => (direction === 'up' ? has(siege.alice, id) : carol.node.timeline(TENANT).has(id)),
            { timeoutMs: 30_000 },
          );
          const stored = await (
            await fetch(`${siege.alice.url}/v1/timeline/spans/${id}?tenant_id=${TENANT}`)
          ).json();
          t.is((stored as { readonly padding?: unknown }).padding, span['padding'], what);
        }
      }
      t.deepEqual(siege.alice.told('entry_refused'), [], 'nothing disturbed got as far as the gate');
      t.deepEqual(
        carol.events.filter(({ kind }) => kind === 'entry_refused'),
        [],
      );
    },
  );
}

hostile('T20 a bit altered anywhere in a handshake ends it, and the next one succeeds', async (t, siege) => {
  const { carol, proxy, address } = await openWire(t, siege);
  for (let i = 0; i < 12; i++) {
    const direction = i % 2 === 0 ? 'up' : 'down';
    let altered = 0;
    proxy.alter((chunk, where) => {
      // What comes before is the upgrade, in plain HTTP.
      if (altered > 0 || where.direction !== direction || where.offset === 0) return chunk;
      altered++;
      const at = Math.floor(((chunk.length - 1) * (i + 1)) / 12);
      chunk[at] = (chunk[at] ?? 0) ^ (1 << (i % 8));
      return chunk;
    });
    proxy.cut();
    await eventually('the link is gone', () => !isConnected(carol));
    carol.node.redial(address);
    await eventually('a bit is altered', () => altered === 1);
    await eventually(
      'they meet again',
      () => {
        if (!isConnected(carol)) carol.node.redial(address);
        return isConnected(carol);
      },
      { timeoutMs: 30_000 },
    );
  }
  t.true(isConnected(carol));
});

hostile('T20 neither spans nor keys can be read on the wire', async (t, siege) => {
  const { carol, proxy } = await openWire(t, siege);
  const canaries: string[] = [];
  for (let i = 0; i < 5; i++) {
    const canary = randomBytes(32).toString('hex');
    const span = newSpan({ title: canary });
    await carol.node.timeline(TENANT).append([{ ...span }]);
    await eventually('alice has it', () => has(siege.alice, String(span['id'])));
    canaries.push(canary);
  }
  const recording = Buffer.concat([proxy.recorded('up'), proxy.recorded('down')]);
  t.true(recording.length > 5_000);
  for (const canary of canaries) t.deepEqual(tracesOf(Buffer.from(canary), recording), []);
  t.deepEqual(tracesOf(Buffer.from(NETWORK_KEY), recording), []);
  t.deepEqual(tracesOf(Buffer.from(TENANT.repeat(2)), recording), []);
});

hostile(
  'T21 a recorded session played again, whole or in part, opens nothing and moves nothing',
  async (t, siege) => {
    const { carol, proxy } = await openWire(t, siege);
    const span = newSpan();
    await carol.node.timeline(TENANT).append([{ ...span }]);
    await eventually('alice has it', () => has(siege.alice, String(span['id'])));
    const sent = proxy.recorded('up');
    const connected = siege.alice.told('peer_connected').length;
    for (const part of [sent, sent.subarray(0, sent.length / 2), sent.subarray(0, 600)]) {
      const { socket, ended } = openTcp(t, siege.url);
      socket.write(part);
      const answer = await within(CLOSE_MS, 'the replay ends', ended);
      t.true(answer.includes('HTTP/1.1 101 '), 'it was let in as a WebSocket');
      t.true(answer.length < 600, `${answer.length} bytes came back`);
    }
    t.is(siege.alice.told('peer_connected').length, connected);
    t.is(await figure(siege.alice, 'federation_store_read_only'), 0);
  },
);

hostile('T21 what the node once answered means nothing to another who dials', async (t, siege) => {
  const { proxy } = await openWire(t, siege);
  const answered = proxy.recorded('down');
  const impostor = await TcpProxy.open({ port: Number(new URL(siege.url).port) });
  t.teardown(() => impostor.close());
  const replayed = answered.subarray(Buffer.from(answered).indexOf('\r\n\r\n') + 4);
  let played = 0;
  impostor.alter((chunk, where) => {
    if (where.direction === 'up' || where.offset === 0) return chunk;
    played++;
    return replayed;
  });
  const dave = siege.stranger();
  await t.throwsAsync(dave.dial(`ws://127.0.0.1:${impostor.port}/v1/federation`));
  t.true(played > 0);
});
