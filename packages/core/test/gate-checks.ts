/** What the tests of the gate share: which file tests which check, and how an outcome reads. */

import test, { type ExecutionContext } from 'ava';
import { GATE_CHECKS, type GateCheck, type GateOutcome } from '../dist/gate.js';
import { alice, Keeper, seeded, Writer } from './forge.js';

/** Every check has tests, in the file that is named here. */
const FILES = {
  header: ['size', 'framing', 'header_size', 'header_encoding', 'header_keys', 'scope', 'right', 'standing'],
  place: ['position', 'chain', 'segment', 'key', 'signature', 'junction'],
  content: ['change_shape', 'change_place', 'content', 'content_count', 'content_tenant'],
} as const satisfies Readonly<Record<string, readonly GateCheck[]>>;

/**
 * The way to write one file's tests: the title of each begins with the name of its check.
 * Adds tests that none of the file's checks was left out, and that no check is in no file.
 */
export function checksOf<F extends keyof typeof FILES>(
  file: F,
): (name: (typeof FILES)[F][number], title: string, body: (t: ExecutionContext) => void) => void {
  const tested = new Set<GateCheck>();
  test('every check of the gate belongs to a file of tests', (t) => {
    t.deepEqual(
      GATE_CHECKS.map(({ name }) => name),
      Object.values(FILES).flat(),
    );
  });
  test(`every check of the part "${file}" has a test whose title begins with its name`, (t) => {
    t.deepEqual([...tested], [...FILES[file]]);
  });
  return (name, title, body) => {
    tested.add(name);
    test(`${name}: ${title}`, body);
  };
}

/** The check that an entry failed at, or the kind of its outcome. */
export function verdict(outcome: GateOutcome): string {
  return outcome.kind === 'fault' ? outcome.check : outcome.kind;
}

/** A node that holds alice's first entries, and her pen. */
export function heldBy(entries: number): { readonly keeper: Keeper; readonly writer: Writer } {
  const keeper = new Keeper();
  const writer = new Writer(alice);
  for (let i = 0; i < entries; i++) keeper.take(writer.write().bytes);
  return { keeper, writer };
}

/** Text of about so many bytes that no compression shortens by much. */
export function noise(bytes: number): string {
  return Buffer.from(seeded(bytes).bytes(Math.floor((bytes * 3) / 4))).toString('base64');
}
