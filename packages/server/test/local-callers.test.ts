// Which programs of this machine count as the operator's, where no secret is configured.
import { execFile, spawnSync } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import test from 'ava';
import { HttpProblem } from '../dist/problem.js';
import { checkUser } from '../dist/local-callers.js';
import { Latest, openSocketOwners, ownerIn } from '../dist/socket-owners.js';
import { readConfig } from '../dist/index.js';
import { get, post, serve, spanOf } from './helpers.js';

const SPANS = '/v1/timeline/spans?tenant_id=acme';
const isLinux = process.platform === 'linux';
const NOBODY = 65_534;
const AS_NOBODY = { uid: NOBODY, gid: NOBODY, cwd: tmpdir(), env: {} };
/** Only root can start programs of other users, and only those that they may read. */
const canBeNobody =
  isLinux && process.geteuid?.() === 0 && spawnSync(process.execPath, ['-e', ''], AS_NOBODY).status === 0;

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, remote: string, uid: number, inode: number): string =>
  `   7: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`;
const ENDS = { remoteAddress: '127.0.0.1', remotePort: 40_000, localAddress: '127.0.0.1', localPort: 8080 };
// As a machine prints it that keeps the lowest byte first, which all that we run on do.
const FAR = '0100007F:9C40';
const NEAR = '0100007F:1F90';
const WRAPPED = '0000000000000000FFFF0000';

test('the far end of a connection is found by both of its ends, and never the near one', (t) => {
  const others = row(NEAR, FAR, 1, 11) + row(FAR, '0100007F:1F91', 2, 12) + row('0200007F:9C40', NEAR, 3, 13);
  t.is(ownerIn(HEAD + others, ENDS), undefined);
  t.is(ownerIn(HEAD + others + row(FAR, NEAR, 1000, 14), ENDS), 1000);
  t.is(ownerIn(HEAD + row(WRAPPED + FAR, WRAPPED + NEAR, 33, 14), ENDS), 33, 'an IPv6 socket');
  const wrapped = { ...ENDS, remoteAddress: '::ffff:127.0.0.1', localAddress: '::ffff:127.0.0.1' };
  t.is(ownerIn(HEAD + row(FAR, NEAR, 33, 14), wrapped), 33, 'a server that listens on both');
  const six = { ...ENDS, remoteAddress: '::1', localAddress: '::1' };
  const one = '00000000000000000000000001000000';
  t.is(ownerIn(HEAD + row(`${one}:9C40`, `${one}:1F90`, 33, 14), six), 33);
});

test('an end that its program has closed says user 0, and is nobody’s', (t) => {
  t.is(ownerIn(HEAD + row(FAR, NEAR, 0, 0), ENDS), undefined);
});

test('the node’s own user and root may, others and the departed may not', (t) => {
  t.notThrows(() => checkUser(1000, 1000));
  t.notThrows(() => checkUser(0, 1000));
  for (const user of [33, 1001, undefined])
    t.throws(() => checkUser(user, 1000), { instanceOf: HttpProblem, message: /user|closed/ });
  t.throws(() => checkUser(33, 0), { message: /set FEDERATION_ADMIN_TOKEN/ });
});

async function connected(server: Server, host: string): Promise<readonly [Socket, Socket]> {
  const { port } = server.address() as AddressInfo;
  const far = connect(port, host);
  const [near] = (await once(server, 'connection')) as [Socket];
  return [near, far];
}

if (isLinux)
  test('the system says whose a connection is, through IPv4 and IPv6, until it is closed', async (t) => {
    const owners = await openSocketOwners();
    t.truthy(owners);
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '::');
    await once(server, 'listening');
    t.teardown(() => server.close());
    for (const host of ['127.0.0.1', '127.3.2.1', '::1']) {
      const [near, far] = await connected(server, host);
      t.is(await owners?.find(near), process.geteuid?.(), host);
      far.destroy();
      await once(far, 'close');
      t.is(await owners?.find(near), undefined, `${host}, closed`);
      near.destroy();
    }
  });

if (canBeNobody)
  test('a program of another user is not the operator, whatever it sends', async (t) => {
    const { url, port } = await serve(t);
    const script = `fetch('${url}' + process.argv[1], { headers: { host: 'localhost:${port}' } })
      .then(async (answer) => console.log(answer.status, await answer.text()))`;
    const asNobody = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, ['-e', script, path], AS_NOBODY, (error, stdout) =>
          error === null ? resolve(stdout) : reject(error),
        );
      });
    t.is((await post(url + SPANS, spanOf(1))).status, 201);
    const [spans, status] = await Promise.all([asNobody(SPANS), asNobody('/v1/sync/status')]);
    t.true(spans.startsWith('403 '), spans);
    t.true(spans.includes(`runs as user ${NOBODY}`), spans);
    t.true(status.startsWith('200 '), status);
    t.false(status.includes('acme'), 'as a neighbour it sees no tenants');
    t.true((await get(`${url}/v1/sync/status`)).text.includes('acme'));
  });

test('without a local operator nobody may change anything, and the network still looks at the node', async (t) => {
  const { url } = await serve(t, { localOperator: false });
  const refused = await post(url + SPANS, spanOf(1));
  t.is(refused.status, 403);
  t.true(refused.text.includes('FEDERATION_ADMIN_TOKEN'), refused.text);
  t.is((await get(url + SPANS)).status, 403);
  t.is((await get(`${url}/v1/nodes`)).status, 200);
  t.is((await get(`${url}/health`)).status, 200);
});

test('a service that others reach has a local operator only if it is told so', (t) => {
  const has = (env: Record<string, string>): boolean => readConfig(env).localOperator;
  t.false(has({}), 'started as a service, on every address');
  t.false(has({ FEDERATION_BIND_HOST: '192.168.1.2' }));
  t.true(has({ npm_lifecycle_event: 'start' }), 'started by hand');
  for (const host of ['127.0.0.1', '::1', 'localhost']) t.true(has({ FEDERATION_BIND_HOST: host }), host);
  t.true(has({ FEDERATION_LOCAL_OPERATOR: 'on' }));
  t.false(has({ FEDERATION_LOCAL_OPERATOR: 'off', FEDERATION_BIND_HOST: '127.0.0.1' }));
});

test('who asks together waits for one reading, and never for one that began before', async (t) => {
  const takes: ((value: number) => void)[] = [];
  const latest = new Latest(() => new Promise<number>((resolve) => takes.push(resolve)));
  const first = latest.read();
  const others = [latest.read(), latest.read()];
  t.is(takes.length, 1);
  takes[0]?.(1);
  t.is(await first, 1);
  await new Promise((resolve) => setImmediate(resolve));
  t.is(takes.length, 2);
  takes[1]?.(2);
  t.deepEqual(await Promise.all(others), [2, 2]);
});
