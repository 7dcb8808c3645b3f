// What the conflicts commands ask of a node, and how they show what nodes are at odds about.
import test from 'ava';
import { answering, KEY } from './answering.js';
import { logline } from './harness.js';

const ID = '00000000-0000-4000-8000-000000000001-00a1b2c3d4e5f607';
const [FIRST, SECOND] = [`${'1a'.repeat(32)}.0`, `${'2b'.repeat(32)}.0`];
const AT = '2025-10-03T22:00:00.000Z';
const candidate = (ref: string, value: unknown, name: string | null, why: string) => ({
  ref,
  value,
  node_id: name === null ? null : `logline-id://node/${name}`,
  fingerprint: KEY,
  at: AT,
  why,
});
const OPEN = {
  id: ID,
  tenant_id: 'acme',
  span_id: ID.slice(0, 36),
  field: 'status',
  kind: 'concurrent',
  policy: 'manual',
  state: 'open',
  candidates: [
    candidate(FIRST, 'executed', 'alice', 'open'),
    candidate(SECOND, 'reverted\u001b[2J', 'bob', 'provisional'),
  ],
  opened_at: AT,
  resolved_at: null,
  resolution: null,
};
const RESOLVED = {
  ...OPEN,
  state: 'resolved',
  resolved_at: AT,
  resolution: {
    by: 'node',
    node_id: 'logline-id://node/carol',
    fingerprint: KEY,
    ref: FIRST,
    value: 'executed',
    note: 'asked bob',
  },
};

test('conflicts are listed with what each node says, those that wait by default', async (t) => {
  const node = await answering(t, { conflicts: [OPEN, RESOLVED], next_cursor: null });
  const { out, code } = await logline(node, ['conflicts', '--tenant', 'acme']);
  t.is(code, 0);
  t.regex(out, /status +executed \(alice\) \| reverted\ufffd\[2J \(bob\) +.* ago +open$/m);
  t.regex(out, /decided by carol$/m);
  t.regex(out, /^2 conflicts$/m);
  const words = ['--state', 'all', '--field', 'status', '--span', ID.slice(0, 36), '--limit', '1'];
  const limited = await logline(node, ['conflicts', 'list', '--tenant', 'acme', ...words]);
  t.regex(limited.out, /^1 conflict; --limit shows more$/m);
  t.deepEqual(
    node.asked.map(({ url }) => url),
    [
      '/v1/conflicts?state=open&tenant_id=acme',
      `/v1/conflicts?field=status&span_id=${ID.slice(0, 36)}&tenant_id=acme`,
    ],
  );
  const nothing = await answering(t, { conflicts: [], next_cursor: null });
  t.regex((await logline(nothing, ['conflicts', '--tenant', 'acme'])).out, /not at odds/);
  t.is((await logline(nothing, ['conflicts', '--tenant', 'acme', '--state', 'half'])).code, 2);
});

test('a conflict is shown side by side, with the line that decides it', async (t) => {
  const node = await answering(t, OPEN);
  const { out } = await logline(node, ['conflicts', 'show', ID, '--tenant', 'acme']);
  t.regex(out, /^ +1a1a1a1a1a1a +2b2b2b2b2b2b$/m);
  t.regex(out, /^value +executed +reverted/m);
  t.regex(out, /^by +alice +bob$/m);
  t.regex(out, /^ +open +read for now$/m);
  t.true(out.includes(`conflicts resolve ${ID} --tenant acme --choose 1a1a1a1a1a1a`));
  const decided = await answering(t, RESOLVED);
  t.regex(
    (await logline(decided, ['conflicts', 'show', ID, '--tenant', 'acme'])).out,
    /^decided by carol: executed: asked bob$/m,
  );
});

test('of two bodies those members are shown in which they differ, and of many each is a row', async (t) => {
  const body = { id: ID.slice(0, 36), logline_id: 'x' };
  const bodies = OPEN.candidates.map((one, i) => ({ ...one, span: { ...body, title: `title ${i}`, n: i } }));
  const node = await answering(t, { ...OPEN, field: 'identity', kind: 'identity', candidates: bodies });
  const { out } = await logline(node, ['conflicts', 'show', ID, '--tenant', 'acme']);
  t.regex(out, /^title +title 0 +title 1$/m);
  t.notRegex(out, /^logline_id/m);
  const many = Array.from({ length: 6 }, (_, i) => candidate(`${String(i).repeat(64)}.0`, i, null, 'open'));
  const wide = await answering(t, { ...OPEN, candidates: many });
  const rows = (await logline(wide, ['conflicts', 'show', ID, '--tenant', 'acme'])).out;
  t.regex(rows, /^CANDIDATE +VALUE +BY +WHEN/m);
  t.regex(rows, /^555555555555 +5 +Xn3k/m);
});

test('a conflict is decided by the beginning of a candidate, or by another value', async (t) => {
  const node = await answering(t, { ...RESOLVED });
  const resolve = (...words: readonly string[]) =>
    logline(node, ['conflicts', 'resolve', ID, '--tenant', 'acme', ...words]);
  t.regex((await resolve('--choose', '1a1a', '--note', 'asked bob')).out, /^decided: executed$/m);
  await resolve('--value', '{"a":1}');
  await resolve('--value', 'reverted');
  await resolve('--value', 'null');
  t.deepEqual(
    node.asked.filter(({ method }) => method === 'POST').map(({ body }) => body),
    [{ choose: FIRST, note: 'asked bob' }, { value: { a: 1 } }, { value: 'reverted' }, { value: null }],
  );
  t.is(node.asked[1]?.url, `/v1/conflicts/${ID}/resolve?tenant_id=acme`);
  const none = await resolve('--choose', 'ff');
  t.is(none.code, 1);
  t.regex(none.err, /0 candidates begin with "ff": there are 1a1a1a1a1a1a, 2b2b2b2b2b2b/);
  t.is((await resolve()).code, 2);
  t.is((await resolve('--choose', '1a', '--value', '1')).code, 2);
});
