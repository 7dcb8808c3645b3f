// Following a timeline over lost connections.
import test from 'ava';
import { fakeNode, lineOf, logline } from './harness.js';

test('a follower that lost its connection goes on behind the last span that it printed', async (t) => {
  const asked: (string | undefined)[] = [];
  const abort = new AbortController();
  const node = await fakeNode(t, (request, response) => {
    const after = request.headers['last-event-id'];
    asked.push(Array.isArray(after) ? after.join() : after);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const n = asked.length;
    if (n > 4) abort.abort();
    // The third time nothing breaks.
    response.write(`id: c${n}\nevent: span\ndata: ${lineOf(n)}\n\n`, () => n < 3 && response.destroy());
  });
  const { code, out, err } = await logline(node, ['tail', '--tenant', 'acme'], {
    signal: abort.signal,
    onOut: (text) => text.includes('order 3') && abort.abort(),
  });
  t.is(code, 130);
  t.deepEqual(asked, [undefined, 'c1', 'c2']);
  t.deepEqual(out.match(/order \d/g), ['order 1', 'order 2', 'order 3']);
  t.is(err.match(/^connection lost \(.*\); trying again$/gm)?.length, 2);
  t.regex(err, /^to go on from here: --after c3$/m);
});
