/** A node of ours, embedded: the library through its public face. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { keyOfFingerprint, parseFingerprint, parseInstant, parseTenant } from '@logline/federation-core';
import { openLocalNode } from '@logline/federation-core/node';
import { nowMs, type Driver, type DriverOptions } from '../driver.js';
import { TENANT } from '../spans.js';
import type { TrafficMeter } from '../traffic.js';
import { openPlainNode, type OpenNode } from './plain-node.js';

/** Nobody listens there: B is trusted by its key, and dials A itself. */
const NOWHERE = 'ws://127.0.0.1:9/v1/federation';
const PAGE_SPANS = 100;
const encoder = new TextEncoder();

export function openOurs(
  { role, dir }: DriverOptions,
  traffic: TrafficMeter,
  { compresses }: { readonly compresses: boolean },
): Driver {
  let local: OpenNode;
  let server: Server | undefined;
  let port = 0;
  let peerKey: Uint8Array | undefined;
  let dialled: string | undefined;
  let openedAtMs: number | undefined;
  const following = new AbortController();
  const tenant = parseTenant(TENANT);
  if (tenant === undefined) throw new Error(`${TENANT} is no tenant name`);

  const driver: Driver = {
    // As the budgets on bytes have it: a history of batches of 100.
    fillBatch: 100,
    pollMs: 2,
    async open() {
      const open = compresses ? openLocalNode : openPlainNode;
      local = await open({
        dataDir: join(dir, 'node'),
        name: `bench-${role.toLowerCase()}`,
        networkKey: 'a network of benchmarks',
        tenants: [tenant],
        onEvent(event) {
          if (event.kind === 'peer_connected') openedAtMs = nowMs();
        },
      });
    },
    async append(spans) {
      const lines = spans.map((span) => encoder.encode(JSON.stringify(span)));
      const { outcomes } = await local.node.timeline(TENANT).append(lines);
      const refused = outcomes.find(({ outcome }) => outcome !== 'accepted');
      if (refused !== undefined) throw new Error(`a span was not taken: ${JSON.stringify(refused)}`);
    },
    count: () => local.node.status().spans.get(tenant) ?? 0,
    identity: () => local.node.fingerprint,
    async meet(identity) {
      const fingerprint = parseFingerprint(identity);
      peerKey = fingerprint && keyOfFingerprint(fingerprint);
      if (role === 'A') await local.node.trust({ address: NOWHERE, key: peerKey });
    },
    async listen() {
      const listening = createServer();
      listening.on('upgrade', (request, socket, head) =>
        local.transport.handleUpgrade(request, socket, head),
      );
      await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
      server = listening;
      // The same one after a cut, since it is part of the address that B knows.
      port = (listening.address() as AddressInfo).port;
      return `ws://127.0.0.1:${port}/v1/federation`;
    },
    async connect(address) {
      if (dialled === address) local.node.redial(address);
      else await local.node.trust({ address, key: peerKey });
      dialled = address;
    },
    async disconnect() {
      const closed = new Promise<void>((resolve) => {
        if (server === undefined) resolve();
        else server.close(() => resolve());
      });
      server = undefined;
      traffic.cut();
      await closed;
    },
    async onSpan(seen) {
      const events = local.node.timeline(TENANT).follow({ signal: following.signal });
      void (async () => {
        for await (const event of events) if (event.kind === 'span') seen(event.id);
      })();
    },
    async page(since) {
      const page = await local.node.timeline(TENANT).query({ since: parseInstant(since), limit: PAGE_SPANS });
      return page.spans.length;
    },
    async annotate(id, status) {
      await local.node.timeline(TENANT).annotate(id, { status });
    },
    openedAtMs: () => openedAtMs,
    async close() {
      following.abort();
      await driver.disconnect();
      await local.close();
    },
  };
  return driver;
}
