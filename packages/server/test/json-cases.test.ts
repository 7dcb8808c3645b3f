// T19: our own set of JSON, half of it right and half of it wrong, at every route that takes some.
import test from 'ava';
import { get, post, postLines, serve, spanOf, uuid, type Json } from './helpers.js';
import { JSON_ROUTES, SPANS_PATH as SPANS } from './json-routes.js';
import { BODIES } from './tenancy-callers.js';

/** Values that are JSON, and that a span keeps byte for byte. */
const RIGHT: readonly string[] = [
  ['null', 'true', 'false', '0', '-0', '1', '-1', '0.5', '-0.0', '1e5', '1E+2', '1e-2', '123.456e7'],
  ['9007199254740991', '-9007199254740991', '0.1e1', '20e1', '1.5e15', '5e-324'],
  ['""', '" "', '"a"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\u001f"', '"\\u007f"', '"\u007f"'],
  ['"\u00e9"', '"\u2028\u2029"', '"\ud83d\ude00"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"\uffff"'],
  ['"\\u00e9\\u4e2d"', '"\ufeff"', '"__proto__"', '"</script>"', '"\\u2028"', '"/*x*/"', '"\\\\u0000"'],
  ['[]', '[ ]', '[1,2]', '[[],{}]', '[null,""]', '{}', '{ }', '{"":0}', '{" ":{"":[]}}'],
  ['{"a":1,"A":1}', '{"a":1,"\\u00e1":1}', '{"constructor":1}', '{"toString":{"valueOf":1}}'],
  ['{"__proto__":{"x":1}}', '{"prototype":null}', '{"length":-1}', '{"hasOwnProperty":1}'],
  ['\t1\t', ' \r\n[ 1 ,\r\n2 ] ', '{"a" : 1 , "b" : 2}', `"${'x'.repeat(100_000)}"`],
  [`${'['.repeat(60)}${']'.repeat(60)}`, `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`],
].flat();

/** Values that are no JSON, or JSON that two readers could understand in two ways. */
const WRONG: readonly string[] = [
  ['', 'nul', 'True', 'undefined', 'NaN', '-NaN', 'Infinity', '-', '+1', '01', '-01', '1.', '.5', '-.5'],
  ['1e', '1e+', '1e1.5', '1.e1', '0x1', '0b1', '0o7', '1_000', '1,5', '1 2', '--1', '1e309', '-1e309'],
  ['9007199254740992', '-9007199254740993', '1.7976931348623157e308', '1n', '١', '１', 'Ｎull'],
  ['"', '"a', 'a"', "'a'", '"a""b"', '"\\x41"', '"\\a"', '"\\u"', '"\\u00"', '"\\u00G0"', '"\\U0041"'],
  ['"\\', '"\\"', '"\n"', '"\r"', '"\t"', '"\0"', '"\u001f"', '"\\ud800"', '"\\udfff"', '"\\ud83d\\u0041"'],
  ['"\\ud83d"', '"\\ude00\\ud83d"', '`a`', '"a" "b"'],
  ['[', ']', '[1', '1]', '[1,]', '[,1]', '[,]', '[1,,2]', '[1 2]', '[1;2]', '[1:2]', '["a":1]', '[}', '(1)'],
  ['{', '}', '{"a"}', '{"a":}', '{:1}', '{"a":1,}', '{,}', '{"a":1 "b":2}', '{"a";1}', '{a:1}', '{1:1}'],
  ["{'a':1}", '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"b":{"a":1,"a":2}}', '{"a":1]', '{null:1}'],
  ['{"\\ud800":1}', '{"__proto__":1,"__proto__":2}', '{"":1,"":2}', '{"a"=1}', '{...{}}'],
  [
    '/*x*/1',
    '1/*x*/',
    '//x\n1',
    '#x\n1',
    '\ufeff1',
    '\u00a01',
    '\u20281',
    '\f1',
    '\v1',
    '\u00001',
    '1\u0000',
  ],
  ['<a/>', '%7B%7D', '!!x', '*', '&a', '\\u0031', '1\\', '"a"\\n', '$ref', '@1'],
].flat();

/** A body with one more member, whose value is what is tried. */
function withMember(body: Record<string, Json>, value: string): string {
  const text = JSON.stringify(body);
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}"x_tried":${value}}`;
}

test(`${RIGHT.length} values of every form are kept by a span byte for byte`, async (t) => {
  const { url } = await serve(t);
  const spans = RIGHT.map((value, n) => withMember(spanOf(n), value));
  for (const [n, span] of spans.entries()) {
    const alone = await post(`${url}${SPANS}?tenant_id=alone`, span);
    t.is(alone.status, 201, `${span.slice(0, 300)}: ${alone.text}`);
    // A span is kept as one line: line breaks between its members become spaces.
    t.is((await get(`${url}${SPANS}/${uuid(n)}?tenant_id=alone`)).text, span.replaceAll(/[\r\n]/g, ' '));
  }
  const array = await post(`${url}${SPANS}?tenant_id=array`, `[${spans.join(' , ')}]`);
  t.like(array.body, { accepted: spans.length, rejected_total: 0 });
  const oneLine = spans.filter((span) => !span.includes('\n'));
  const lines = await postLines(`${url}${SPANS}?tenant_id=lines`, oneLine);
  t.like(lines.body, { accepted: oneLine.length, rejected_total: 0 });
});

test(`${WRONG.length} values that are none are stored by no way of appending`, async (t) => {
  const { url } = await serve(t);
  for (const [n, value] of WRONG.entries()) {
    const span = withMember(spanOf(n), value);
    const alone = await post(`${url}${SPANS}?tenant_id=acme`, span);
    t.is(alone.status, 400, `${JSON.stringify(value)}: ${alone.text}`);
    const array = await post(`${url}${SPANS}?tenant_id=acme`, `[${span}]`);
    t.true(array.status === 400 || array.body['accepted'] === 0, `${JSON.stringify(value)}: ${array.text}`);
    const lines = await postLines(`${url}${SPANS}?tenant_id=acme`, [span]);
    t.is(lines.body['accepted'], 0, `${JSON.stringify(value)}: ${lines.text}`);
  }
  t.is((await get(`${url}${SPANS}?tenant_id=acme`)).text, '{"spans":[],"next_cursor":null}');
});

for (const { name, path, send } of JSON_ROUTES) {
  test(`${name} reads strictly what is right, and answers 400 to what is not`, async (t) => {
    const { url, node } = await serve(t);
    await post(`${url}${SPANS}?tenant_id=acme`, spanOf(1));
    const body = BODIES[name] ?? {};
    const target = url + path;
    const plain = await send(target, body);
    const spaced = await send(target, ` ${JSON.stringify(body, null, '\t')}\r\n`);
    t.deepEqual([spaced.status, spaced.body['error']], [plain.status, plain.body['error']]);
    const peers = node.peers().length;
    // A member that nobody knows is refused, whatever it holds.
    for (const value of [...RIGHT, ...WRONG]) {
      const answer = await send(target, withMember(body, value));
      t.true([400, 413].includes(answer.status), `${JSON.stringify(value.slice(0, 100))}: ${answer.text}`);
    }
    t.is(node.peers().length, peers);
  });
}
