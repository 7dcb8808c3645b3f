// Headers, bodies and lines that do not end: what has begun has its time.
import { connect } from 'node:net';
import test from 'ava';
import { LineDeadline } from '../dist/deadlines.js';
import { closed, get, lineOf, raw, serve } from './helpers.js';

const SPANS = '/v1/timeline/spans';
const QUICK = { headersMs: 200, bodyMs: 200 };
const head = (type: string, length: string): string =>
  `POST ${SPANS}?tenant_id=acme HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`;

test('headers, bodies and lines that never end are given up, and cost others nothing', async (t) => {
  t.timeout(30_000, 'nothing ended it');
  const { url, port } = await serve(t, { deadlines: QUICK });
  const chunked = 'Transfer-Encoding: chunked';
  const [half, body, line, long] = await Promise.all([
    raw(port, 'GET /health HTTP/1.1\r\nHost: loc'),
    raw(port, `${head('application/json', 'Content-Length: 100')}{"id":`),
    raw(port, `${head('application/x-ndjson', chunked)}5\r\n{"id"\r\n`),
    raw(port, `${head('application/x-ndjson', chunked)}50000\r\n${'x'.repeat(0x50000)}\r\n`),
  ]);
  for (const answer of [half, body, line, long]) t.regex(answer, /^HTTP\/1\.1 408 /);
  for (const answer of [body, line, long]) t.true(answer.includes('"error":"request_timeout"'), answer);
  t.is((await get(`${url}/health`)).status, 200);
});

test('a body that drips is given up although it never falls silent, and what was whole is stored', async (t) => {
  t.timeout(30_000, 'nothing ended it');
  const { url, port } = await serve(t, { deadlines: QUICK });
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text) => (answer += String(text)));
  const whole = `${lineOf(1)}\n`;
  socket.write(head('application/x-ndjson', 'Transfer-Encoding: chunked'));
  socket.write(`${whole.length.toString(16)}\r\n${whole}\r\n`);
  const drip = setInterval(() => socket.write('1\r\nx\r\n'), 10);
  t.teardown(() => clearInterval(drip));
  await closed(socket);
  clearInterval(drip);
  t.regex(answer, /^HTTP\/1\.1 408 /);
  t.true(answer.includes('"accepted":1'), answer);
  t.true((await get(`${url}${SPANS}?tenant_id=acme`)).text.includes('span 1'));
});

test('a line has its own time, which does not run while none has begun', (t) => {
  const deadline = new LineDeadline(1_000_000);
  deadline.note(true);
  deadline.note(false);
  deadline.note(false);
  t.false(deadline.signal.aborted);
});
