/** T8: those who connect and then say nothing, and those who come and go without end, cost a bounded little. */

import { LIMITS } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { Siege } from './support/siege.js';
import { openCaller, openTcp, within } from './support/strangers.js';

const CODES = { silent: 4308, handshakeTimeout: 4408, gaveWay: 4429 } as const;
/** Some of each kind; below what makes older handshakes give way to newer ones. */
const EACH = 20;
/** Twice what a node grants: a connection without a request gets 10 s, the rest is in its limits. */
const PATIENCE = {
  requestMs: 20_000,
  handshakeMs: 2 * LIMITS.handshakeMs,
  silenceMs: 2 * LIMITS.silenceMs,
};
const FLOOD = 3 * LIMITS.greetingLinks;
const CHURN = 500;
const LANES = 10;
/** Sockets of the honest exchange, and files that the store opens now and then. */
const SPARE_FILES = 10;

test.serial('connections that fall silent at any stage are closed, each with its code', async (t) => {
  t.timeout(60_000);
  const siege = await Siege.begin(t);
  const before = await siege.openFiles();
  const traitor = await siege.traitor();
  const many = <T>(open: () => Promise<T>): Promise<readonly T[]> =>
    Promise.all(Array.from({ length: EACH }, open));

  const silentTcp = many(async () => within(PATIENCE.requestMs, 'TCP', openTcp(t, siege.url).ended));
  const halfRequest = many(async () => {
    const { socket, ended } = openTcp(t, siege.url);
    socket.write('GET /v1/federation HTTP/1.1\r\nHost: x\r\nUpgrade: webs');
    return within(PATIENCE.requestMs, 'half a request', ended);
  });
  const silentUpgrade = many(async () => {
    const { closed } = await openCaller(t, siege.url);
    return within(PATIENCE.handshakeMs, 'an upgrade', closed);
  });
  const silentAfterNoise = many(async () => {
    // Each with a key of its own: few greetings of one key are let in at a time.
    const link = await siege.stranger().dial(siege.url);
    const { code } = await within(PATIENCE.handshakeMs, 'a handshake', link.closed);
    t.deepEqual(
      link.messages.map(({ kind }) => kind),
      ['bye'],
    );
    return code;
  });
  const session = await traitor.dial(siege.url);
  await session.open();
  const { code } = await within(PATIENCE.silenceMs, 'a session', session.closed);

  t.is(code, CODES.silent, 'a session whose pings are not answered');
  for (const answer of [...(await silentTcp), ...(await halfRequest)])
    t.regex(answer, /^(HTTP\/1\.1 408 |$)/);
  for (const end of await silentUpgrade) t.is(end, CODES.handshakeTimeout);
  for (const end of await silentAfterNoise) t.is(end, CODES.silent);
  await backTo(siege, before);
  await siege.end();
});

test.serial(
  'of more silent handshakes than there is room for the rest are told to come back, and a friend gets in',
  async (t) => {
    const siege = await Siege.begin(t);
    const before = await siege.openFiles();
    const traitor = await siege.traitor();
    const calls = await Promise.allSettled(Array.from({ length: FLOOD }, () => openCaller(t, siege.url)));
    const callers = calls.flatMap((call) => (call.status === 'fulfilled' ? [call.value] : []));
    const ends: number[] = [];
    for (const { closed } of callers) void closed.then((code) => ends.push(code));
    const refusals = calls.flatMap((call) => (call.status === 'rejected' ? [String(call.reason)] : []));
    t.true(
      refusals.every((why) => why.includes('503')),
      [...new Set(refusals)].join(),
    );
    // The sockets of those turned away may take a moment to go; those that stay must not need their deadline for it.
    await backTo(siege, before, LIMITS.greetingLinks);
    t.false(ends.includes(CODES.handshakeTimeout), 'the room was kept before any handshake ran out of time');
    t.true(callers.length - ends.length <= LIMITS.greetingLinks, `${ends.length} of ${callers.length} ended`);

    const link = await eventually('an honest handshake finds room', () => traitor.dial(siege.url));
    await link.open();
    link.drop();
    const codes = await Promise.all(
      callers.map(({ closed }) => within(PATIENCE.handshakeMs, 'a silent handshake', closed)),
    );
    const gaveWay = codes.filter((code) => code === CODES.gaveWay);
    t.true(
      codes.every((code) => code === CODES.handshakeTimeout || code === CODES.gaveWay),
      codes.join(),
    );
    t.true(refusals.length + gaveWay.length > 0, 'there was no room for all');
    await backTo(siege, before);
    await siege.end();
  },
);

test.serial('five hundred connections that come and go at every stage leave nothing behind', async (t) => {
  t.timeout(60_000);
  const siege = await Siege.begin(t);
  const before = await siege.openFiles();
  const stages = visits(t, siege);
  let left = CHURN;
  const lane = async (): Promise<void> => {
    while (left > 0) await stages[left-- % stages.length]?.();
  };
  await Promise.all(Array.from({ length: LANES }, lane));

  const traitor = await siege.traitor();
  for (let i = 0; i < CHURN / 10; i++) {
    const link = await traitor.dial(siege.url);
    await link.open();
    link.drop();
  }
  await backTo(siege, before);
  await siege.end();
});

/** Visits that end at one stage each, without a word. */
function visits(t: ExecutionContext, siege: Siege): readonly (() => Promise<void>)[] {
  const mallory = siege.stranger();
  return [
    async () => {
      const { socket } = openTcp(t, siege.url);
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.destroy();
    },
    async () => {
      const { socket } = openTcp(t, siege.url);
      socket.end('GET /v1/federation HTTP/1.1\r\n');
      await new Promise((resolve) => socket.once('close', resolve));
    },
    async () => {
      const { socket } = await openCaller(t, siege.url);
      socket.terminate();
    },
    async () => {
      const { socket, closed } = await openCaller(t, siege.url);
      // The beginning of an honest handshake is a key of 32 bytes.
      socket.send(Buffer.concat([Buffer.of(32, 0, 0), mallory.publicKey]));
      socket.close();
      await closed;
    },
    async () => {
      const link = await mallory.dial(siege.url);
      link.drop();
    },
    async () => {
      const link = await mallory.dial(siege.url);
      link.say(link.hello());
      await link.closed;
    },
  ];
}

/** No more than `held` sockets of theirs stay open. */
async function backTo(siege: Siege, before: number | undefined, held = 0): Promise<void> {
  if (before === undefined) return;
  await eventually(
    'their sockets are gone',
    async () => ((await siege.openFiles()) ?? 0) <= before + held + SPARE_FILES,
  );
}
