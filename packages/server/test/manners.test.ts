// What known callers are held to: bodies that somebody asked for, tokens that last, and acts that are noted.
import { once } from 'node:events';
import { get as httpGet, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import test from 'ava';
import { pino } from 'pino';
import { eventually } from '@logline/federation-core/testing';
import { noting, type Act } from '../dist/acts.js';
import { startServer } from '../dist/index.js';
import { HttpProblem } from '../dist/problem.js';
import { ACCESS, inSeconds, operator, user } from './callers.js';
import { closed, get, lineOf, post, raw, serve, temporaryDirectory } from './helpers.js';

const SPANS = '/v1/timeline/spans';

test('an act of an admin is noted before it is answered, with how it ended', async (t) => {
  const acts: (Act & { event: string })[] = [];
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const line = JSON.parse(chunk.toString()) as Act & { event: string };
      if (line.event === 'admin_act') acts.push(line);
      done();
    },
  });
  const config = { bindHost: '127.0.0.1', bindPort: 0, dataDir: await temporaryDirectory(t), access: ACCESS };
  const server = await startServer(config, pino(lines));
  t.teardown(() => server.close());
  const { url } = server;
  await post(`${url}/v1/nodes/discover`, { discovery_method: 'manual' }, operator);
  t.like(acts.at(-1), {
    caller: 'operator',
    method: 'POST',
    path: '/v1/nodes/discover',
    summary: 'look for peers: manual',
    outcome: 'done',
  });
  const admin = user({ scope: 'federation:admin', sub: 'ann\n\u001b[31m' });
  await post(`${url}/v1/trust/establish`, { peer_address: 'nonsense' }, admin);
  t.is(acts.at(-1)?.outcome, 'bad_request');
  t.is(acts.at(-1)?.caller, 'bearer ann\n\u001b[31m');
  await post(`${url}/v1/trust/establish`, {}, user({ tenant: 'acme' }));
  await post(`${url}/v1/trust/establish`, {});
  await get(`${url}/v1/nodes`, operator);
  t.is(acts.length, 2, 'who may not act, and who looks, is no act');
});

test('an act that cannot be noted fails, and one that fails is noted all the same', async (t) => {
  const begun = { caller: 'operator', method: 'POST', path: '/x', summary: () => 'x' };
  const full = { note: () => Promise.reject(new Error('no space')) };
  await t.throwsAsync(() => noting(full, begun, () => undefined), { message: 'no space' });
  const noted: Act[] = [];
  const fault = new HttpProblem('name_mismatch', 'x');
  const failing = noting({ note: (act) => Promise.resolve(void noted.push(act)) }, begun, () => {
    throw fault;
  });
  t.is(await t.throwsAsync(() => failing), fault);
  t.deepEqual(
    noted.map((act) => act.outcome),
    ['name_mismatch'],
  );
});

test('a body that nobody asked for holds no connection once the answer is there', async (t) => {
  t.timeout(20_000, 'nothing ended it');
  const { port } = await serve(t, {});
  const lengths = ['Content-Length: 1000000', 'Transfer-Encoding: chunked'];
  const heads = ['GET /health', 'HEAD /metrics', 'OPTIONS /health', 'GET /nothing'].flatMap((asked) =>
    lengths.map((length) => `${asked} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`),
  );
  const drips: NodeJS.Timeout[] = [];
  t.teardown(() => drips.forEach((drip) => clearInterval(drip)));
  const ended = heads.map(async (start) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => (answer += String(text)));
    socket.write(start);
    // Never silent, and never at the end of the body.
    drips.push(setInterval(() => socket.write('1\r\nx\r\n'), 10));
    await closed(socket);
    t.regex(answer, /^HTTP\/1\.1 (2|404)/, start);
  });
  await Promise.all(ended);
  const plain = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n';
  const both = await raw(port, `${plain}\r\n${plain}Connection: close\r\n\r\n`);
  t.is(both.split('HTTP/1.1 200').length, 3, 'one without a body costs no connection');
});

test('a stream ends when the token of its follower expires, and one without an expiry goes on', async (t) => {
  t.timeout(30_000, 'nothing ended it');
  const { url } = await serve(t, { access: ACCESS });
  const follow = (headers: Record<string, string>): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asked = httpGet(`${url}/v1/timeline/stream?tenant_id=acme`, { headers }, resolve).on(
        'error',
        reject,
      );
      t.teardown(() => asked.destroy());
    });
  // The tolerance for clocks is five seconds: this token has three of them left.
  const short = (await follow(user({ tenant: 'acme', exp: inSeconds(-1) }))).resume();
  const lasting = (await follow(operator)).resume();
  t.is(short.statusCode, 200);
  await once(short, 'end');
  t.false(lasting.readableEnded);
});

test('an upload ends when the token of its caller expires, with what is stored until then', async (t) => {
  t.timeout(30_000, 'nothing ended it');
  const { url, port } = await serve(t, { access: ACCESS });
  const upload = request({
    port,
    host: '127.0.0.1',
    path: SPANS,
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...user({ tenant: 'acme', exp: inSeconds(-1) }) },
  });
  upload.on('error', () => undefined);
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
  upload.write(`${lineOf(1)}\n`);
  await eventually('the line is stored', async () =>
    (await get(`${url + SPANS}?tenant_id=acme`, operator)).text.includes('span 1'),
  );
  const [response] = await answered;
  t.is(response.statusCode, 401);
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += String(part);
  t.true(text.includes('"accepted":1') && text.includes('"error":"unauthorized"'), text);
});
