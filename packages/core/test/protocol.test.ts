/** PROTOCOL.md says what the code does: its names, numbers and tables are compared with it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FEDERATION_PATH } from '../dist/address.js';
import { batchKey } from '../dist/batch.js';
import { decodeCbor, isCborMap } from '../dist/cbor.js';
import { decodeHeader, encodeHeader, ENTRY_VERSION } from '../dist/entry.js';
import { GATE_CHECKS } from '../dist/gate.js';
import { NETWORK_KEY_LABEL } from '../dist/handshake.js';
import { LIMITS } from '../dist/limits.js';
import { CLOSE_CODES, encodeMessage, PROTOCOL_VERSION } from '../dist/message.js';
import { CLOSE_CODES as LINK_CLOSE_CODES } from '../dist/node/close-codes.js';
import { SUBPROTOCOL } from '../dist/node/dial.js';
import { alice, epoch, tools, Writer } from './forge.js';
import { SAMPLES } from './messages.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../PROTOCOL.md'), 'utf8');

/** The cells of a table between its markers, without the heading. */
function tableOf(t: ExecutionContext, name: string): readonly (readonly string[])[] {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- end of ${name} -->`;
  t.true(PAGE.includes(begin) && PAGE.includes(end), `the page marks its table of ${name}`);
  const rows = PAGE.slice(PAGE.indexOf(begin) + begin.length, PAGE.indexOf(end))
    .trim()
    .split('\n')
    .slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('the page lists every message with its members', (t) => {
  const inCode = Object.entries(SAMPLES).map(([kind, message]) => {
    const frame = encodeMessage(message, { ...tools.compression, compress: (bytes) => bytes });
    const map = decodeCbor(frame.subarray(1));
    return [kind, isCborMap(map) ? Object.keys(map).toSorted().join(', ') : ''];
  });
  const onPage = tableOf(t, 'messages').map(([kind, members]) => [
    kind,
    (members ?? '').split(', ').toSorted().join(', '),
  ]);
  t.deepEqual(onPage, inCode);
});

test('the page lists every check of the gate, in order', (t) => {
  t.deepEqual(
    tableOf(t, 'gate').map(([name]) => name),
    GATE_CHECKS.map(({ name }) => name),
  );
});

for (const [name, codes] of [
  ['session close codes', CLOSE_CODES],
  ['link close codes', LINK_CLOSE_CODES],
] as const) {
  test(`the page lists the ${name}`, (t) => {
    t.deepEqual(
      tableOf(t, name).map(([code, number]) => [code, Number(number)]),
      Object.entries(codes),
    );
  });
}

test('no close code means two things', (t) => {
  const numbers = [...Object.values(CLOSE_CODES), ...Object.values(LINK_CLOSE_CODES)];
  t.is(new Set<number>(numbers).size, numbers.length);
});

test('the page lists every member of a header', (t) => {
  const { header } = new Writer(alice).draft();
  const members = Object.keys(decodeHeader(encodeHeader(header)) ?? {});
  const onPage = tableOf(t, 'header');
  const names = onPage.map(([member]) => member ?? '');
  t.deepEqual(names.toSorted(byText), members.toSorted(byText));
  t.is(onPage[0]?.[1], String(ENTRY_VERSION));
});

test('the page gives every limit its value, and names no other', (t) => {
  const limits: Readonly<Record<string, number>> = LIMITS;
  const onPage = tableOf(t, 'limits');
  for (const [name, value] of onPage) t.is(Number(value), limits[name ?? ''] ?? 0, name);
  const listed = new Set(onPage.map(([name]) => name));
  for (const [, word] of PAGE.matchAll(/`([a-z]+[A-Z][A-Za-z]*)`/g)) {
    if (word !== 'startOp') t.true(listed.has(word), `${word} is a limit of the page`);
  }
});

test('the page names the version, the path, the subprotocol, and what is signed under which label', (t) => {
  const domains = ['logline-federation/hello/1', 'logline-federation/entry/1'];
  for (const word of [PROTOCOL_VERSION, FEDERATION_PATH, SUBPROTOCOL, NETWORK_KEY_LABEL, ...domains])
    t.true(PAGE.includes(word), word);
});

test('a batch stands under the key that the page describes', (t) => {
  const descending = (Number.MAX_SAFE_INTEGER - 7).toString(16).padStart(14, '0');
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  t.is(
    batchKey(alice.publicKey, epoch(1), 7),
    `${descending}-${hex(epoch(1))}-${hex(alice.publicKey.subarray(0, 16))}`,
  );
});

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
