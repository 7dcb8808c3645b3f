/** T17: where no secret is configured, a proxy on the node's own machine makes nobody its operator, though it says nothing of itself. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { newSpan } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { TENANT } from '../support/rest.js';
import type { Siege } from '../support/siege.js';
import { appendTo, hostileGround } from './ground.js';

const hostile = hostileGround();
const SPANS = `/v1/timeline/spans?tenant_id=${TENANT}`;
const NOBODY = 65_534;
const AS_NOBODY = { uid: NOBODY, gid: NOBODY, cwd: tmpdir(), env: {} };
/** Only root can start programs of other users, and only those that they may read. */
const canBeNobody =
  process.platform === 'linux' &&
  process.geteuid?.() === 0 &&
  spawnSync(process.execPath, ['-e', ''], AS_NOBODY).status === 0;

/** What a proxy does that is told nothing but where to: the first line in its own version, its own Host, and no word of itself. */
async function openBareProxy(t: ExecutionContext, siege: Siege): Promise<string> {
  const { host, hostname, port } = new URL(siege.alice.url);
  const server: Server = createServer((client) => {
    const node = connect(Number(port), hostname);
    client.once('data', (bytes) => {
      const text = bytes.toString('latin1');
      const own = text
        .replace(/ HTTP\/1\.1\r\n/, ' HTTP/1.0\r\n')
        .replace(/\r\nhost: [^\r]*/i, `\r\nHost: ${host}`);
      node.write(Buffer.from(own, 'latin1'));
      client.pipe(node);
    });
    node.pipe(client);
    for (const socket of [client, node]) socket.on('error', () => client.destroy());
    t.teardown(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A relay of bytes under another user, as a proxy that was installed: what passes is what a client on this machine would send. */
async function openRelay(t: ExecutionContext, siege: Siege): Promise<string> {
  const { hostname, port } = new URL(siege.alice.url);
  const script = `
    const net = require('node:net');
    const server = net.createServer((client) => {
      const node = net.connect(${port}, '${hostname}');
      client.pipe(node).pipe(client);
      for (const socket of [client, node]) socket.on('error', () => client.destroy());
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('end', () => process.exit()).resume();`;
  const child = spawn(process.execPath, ['-e', script], {
    ...AS_NOBODY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return `http://127.0.0.1:${line}`;
}

/** Whatever changes the node or shows a timeline is refused; what the proxy may pass on tells nothing of tenants. */
async function opensNothing(t: ExecutionContext, siege: Siege, proxy: string): Promise<void> {
  const canary = 'canary of the proxies';
  await appendTo(siege, TENANT, [newSpan({ title: canary })]);
  const { host } = new URL(siege.alice.url);
  const send = async (
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const headers = {
      host,
      connection: 'close',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(proxy + path, init);
    return { status: response.status, text: await response.text() };
  };
  const refused = await Promise.all([
    send(SPANS),
    send(SPANS, newSpan()),
    send(`/v1/timeline/stream?tenant_id=${TENANT}&from=start`),
    send('/v1/trust/establish', { peer_address: 'ws://127.0.0.1:9' }),
    send('/v1/trust/revoke', { peer_id: 'bob', from: 'all' }),
    send('/v1/trust/graph'),
    send('/v1/tenants'),
  ]);
  for (const { status, text } of refused) {
    t.is(status, 403, text);
    t.false(text.includes(canary));
  }
  for (const path of ['/v1/nodes', '/v1/sync/status', '/v1/trust/relationships', '/metrics'])
    t.false((await send(path)).text.includes(`"${TENANT}"`), path);
  t.is((await send('/health')).status, 200);
}

hostile(
  'T17 who comes by a proxy that is told nothing but where to is not the operator',
  async (t, siege) => {
    await opensNothing(t, siege, await openBareProxy(t, siege));
  },
);

if (canBeNobody)
  hostile('T17 who comes by a relay that runs as another user is not the operator', async (t, siege) => {
    await opensNothing(t, siege, await openRelay(t, siege));
  });
