// Taking pages apart without parsing the spans: every span comes out byte for byte.
import test from 'ava';
import { testProp, fc } from '@fast-check/ava';
import { splitPage } from '../dist/raw-page.js';

const anyObject = fc.dictionary(fc.string(), fc.jsonValue());
const spaces = fc.constantFrom('', ' ', '\n\t', '\r\n  ');

testProp(
  'spans come out as they went in, whatever they hold and however the page is spaced',
  [fc.array(anyObject), fc.option(fc.string()), fc.nat(3), spaces, fc.boolean()],
  (t, objects, cursor, indent, space, cursorFirst) => {
    const spans = objects.map((object) => JSON.stringify(object, undefined, indent));
    const list = `"spans"${space}:${space}[${space}${spans.join(`${space},${space}`)}${space}]`;
    const next = `"next_cursor":${space}${JSON.stringify(cursor)}${space}`;
    const page = `${space}{${space}${cursorFirst ? `${next},${list}` : `${list},${next}`}}`;
    t.deepEqual(splitPage(page), { spans, nextCursor: cursor });
  },
);

test('digits that a number of JavaScript cannot hold stay as they are', (t) => {
  const span = '{"a":1.00,"b":0.1000000000000000055511151231257827,"c":1E2,"d":"\\u0041\\\\\\""}';
  t.deepEqual(splitPage(`{"spans":[${span}],"next_cursor":null}`).spans, [span]);
});

testProp('a page that broke off is refused', [fc.array(anyObject), fc.nat()], (t, objects, at) => {
  const page = JSON.stringify({ spans: objects, next_cursor: 'p1' });
  t.throws(() => splitPage(page.slice(0, at % page.length)), { instanceOf: SyntaxError });
});

test('an answer that is no page is refused', (t) => {
  for (const text of [
    '[]',
    '{}',
    '"spans"',
    '{"spans":{},"next_cursor":null}',
    '{"spans":[]}',
    '{"spans":[1 2],"next_cursor":null}',
  ]) {
    t.throws(() => splitPage(text), { instanceOf: SyntaxError }, text);
  }
});
