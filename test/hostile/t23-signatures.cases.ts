/** T23: signatures and keys of the classes that careless verifiers take: wrong length, S + L, small order, not canonical. */

import { HostileFeed } from '@logline/federation-core/testing';
import { eachIsRefused, refusedAt, SCOPE } from './forgeries.js';
import { hostileGround } from './ground.js';

const hostile = hostileGround();
/** The order of the group, which S has to be smaller than (RFC 8032 §5.1.7). */
const GROUP_ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

hostile('T23 signatures that only a careless verifier takes are refused', (t, siege) =>
  eachIsRefused(t, siege, 'signature', {
    'S + L': () => ({ signature: (honest) => withScalar(honest, GROUP_ORDER) }),
    'S + 2L': () => ({ signature: (honest) => withScalar(honest, 2n * GROUP_ORDER) }),
    'S of zero': () => ({ signature: (honest) => Buffer.concat([honest.subarray(0, 32), Buffer.alloc(32)]) }),
    'R of small order': () => ({ signature: (honest) => Buffer.concat([smallOrder(), honest.subarray(32)]) }),
    'all zeros': () => ({ signature: () => new Uint8Array(64) }),
    'one bit altered': () => ({
      signature: (honest) => honest.map((byte, i) => (i === 10 ? byte ^ 1 : byte)),
    }),
  }),
);

hostile('T23 a signature of 65 or 63 bytes is no signature', (t, siege) =>
  eachIsRefused(t, siege, 'framing', {
    '65 bytes': () => ({ signature: (honest) => Buffer.concat([honest, Buffer.of(0)]) }),
    '63 bytes': () => ({ signature: (honest) => honest.subarray(0, 63) }),
    none: () => ({ signature: () => new Uint8Array(0) }),
  }),
);

hostile('T23 an origin of small order signs nothing, though anything verifies under it', async (t, siege) => {
  const peer = await siege.traitor();
  const { secretKey } = peer.keyPair;
  for (const origin of [smallOrder(), Buffer.alloc(32), Buffer.from(`ec${'ff'.repeat(30)}7f`, 'hex')]) {
    const feed = new HostileFeed({ keyPair: { publicKey: origin, secretKey }, scope: SCOPE });
    const entry = feed.draft({
      signature: () => Buffer.concat([smallOrder(), Buffer.alloc(32)]),
    });
    await refusedAt(t, siege, { peer, entry, check: 'key', what: origin.toString('hex') });
  }
});

/** The identity, under which every signature of a zero S verifies where nobody looks. */
function smallOrder(): Buffer {
  return Buffer.from(`01${'00'.repeat(31)}`, 'hex');
}

/** The same signature with something added to its S. */
function withScalar(signature: Uint8Array, added: bigint): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + added;
  const bytes = Buffer.from(s.toString(16).padStart(64, '0').slice(-64), 'hex').reverse();
  return Buffer.concat([signature.subarray(0, 32), bytes]);
}
