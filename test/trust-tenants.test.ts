/** Who may have a tenant's spans, at the second node from where they were written: real processes in a line. */

import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { tracesOf } from './support/needle.js';
import { acquaint, dated, Site, type DatedSpan } from './support/trust-site.js';

/** Anyone who reads the first may share it on; of the second alice is the primary. */
const [OPEN, CLOSED] = ['open', 'closed'];
const BOTH = { read: true, write: true };

function canary(n: number): DatedSpan {
  return { ...dated(n, 2025), title: randomBytes(32).toString('hex') };
}

/** alice – bob – carol. What alice wrote last has come as far as it may when carol has it. */
async function line(t: ExecutionContext): Promise<{
  readonly alice: Site;
  readonly bob: Site;
  readonly carol: Site;
}> {
  const alice = await Site.open(t, { name: 'alice', tenants: `${OPEN},${CLOSED}` });
  await alice.client.tenants.designate(CLOSED, alice.fingerprint);
  const pinned = `${OPEN},${CLOSED}@${alice.fingerprint}`;
  const bob = await Site.open(t, { name: 'bob', tenants: pinned });
  // Carol knows of no primary: that the tenant is kept from her is not her own doing.
  const carol = await Site.open(t, { name: 'carol', tenants: `${OPEN},${CLOSED}` });
  await acquaint(bob, alice, alice);
  await acquaint(carol, bob, bob);
  return { alice, bob, carol };
}

test('spans of a tenant without a primary are shared on to the next node, those of one whose primary granted it nothing are not', async (t) => {
  t.timeout(120_000);
  const { alice, bob, carol } = await line(t);
  await alice.client.tenants.grant(CLOSED, bob.fingerprint, BOTH);
  const secret = [canary(1), canary(2)];
  await alice.write(CLOSED, ...secret);
  await bob.comesToShow(CLOSED, secret);
  const told = [canary(3)];
  await alice.write(OPEN, ...told);
  await carol.comesToShow(OPEN, told);

  // A comparison from scratch brings no more, and what she writes there herself stays with her.
  const own = canary(4);
  await carol.write(CLOSED, own);
  await carol.crash();
  await eventually('carol has compared everything with bob', async () => {
    const [peer] = await carol.client.nodes();
    return peer?.status === 'connected' && peer.in_sync;
  });
  const later = [...told, canary(5)];
  await alice.write(OPEN, ...later.slice(1));
  await carol.comesToShow(OPEN, later);
  t.deepEqual(await carol.shows(CLOSED), [own.id]);
  t.deepEqual(
    await bob.shows(CLOSED),
    secret.map(({ id }) => id),
  );
  const found = async (spans: readonly DatedSpan[]): Promise<readonly number[]> => {
    const bytes = await allBytes(carol.dataDir);
    return spans.map(({ title }) => tracesOf(Buffer.from(title), bytes).length);
  };
  t.deepEqual(await found(secret), [0, 0], 'not one byte of it came to her');
  t.deepEqual(await found(later), [1, 1], 'what did come is there to be seen');

  // The primary's word, passed on by bob, is all that was missing.
  await alice.client.tenants.grant(CLOSED, carol.fingerprint, BOTH);
  const all = [...secret, own];
  for (const node of [alice, bob, carol]) await node.comesToShow(CLOSED, all);
  t.deepEqual(await found(secret), [1, 1], 'and it would have been seen');

  await alice.client.tenants.ungrant(CLOSED, carol.fingerprint);
  await eventually('bob has heard of it', async () => {
    const { grants } = await bob.client.tenants.access(CLOSED);
    return grants.every(({ fingerprint, read }) => fingerprint !== carol.fingerprint || !read);
  });
  const after = canary(6);
  await alice.write(CLOSED, after);
  await bob.comesToShow(CLOSED, [...all, after]);
  const last = [...later, canary(7)];
  await alice.write(OPEN, ...last.slice(-1));
  await carol.comesToShow(OPEN, last);
  t.deepEqual(await found([after]), [0], 'a right that was taken back covers nothing new');
});

/** Every file below a directory, one after the other, while its node runs. */
async function allBytes(dir: string): Promise<Buffer> {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  return Buffer.concat(
    // A file of the index may go away between the listing and the reading.
    await Promise.all(
      files.map((file) => readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))),
    ),
  );
}
