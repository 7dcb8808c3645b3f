/** What every link must do, as cases that any test runner can run: for our own transports and for those of embedders. */

import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Link, LinkReceiver } from '../ports.js';
import { eventually } from './eventually.js';

export interface ContractCase {
  readonly title: string;
  run(): Promise<void>;
}

/** Two ends of a fresh link, neither of which has a receiver yet. */
export interface LinkPair {
  readonly dialled: Link;
  readonly accepted: Link;
  /** The public keys of the two nodes. */
  readonly dialledBy: Uint8Array;
  readonly acceptedBy: Uint8Array;
  /** Dials an address where nobody answers. */
  dialNobody(): Promise<Link>;
  close(): Promise<void>;
}

/** Writes down what a link delivers. */
export class RecordingReceiver implements LinkReceiver {
  readonly frames: Uint8Array[] = [];
  readonly endings: { readonly code: number; readonly reason: string }[] = [];
  drains = 0;
  onFrame: (bytes: Uint8Array) => void = () => {};

  frame(bytes: Uint8Array): void {
    this.frames.push(bytes);
    this.onFrame(bytes);
  }

  drained(): void {
    this.drains++;
  }

  closed(why: { readonly code: number; readonly reason: string }): void {
    this.endings.push(why);
  }
}

const CODE = 4321;

export function linkContract(name: string, makePair: () => Promise<LinkPair>): readonly ContractCase[] {
  return Object.entries(CASES).map(([title, check]) => ({
    title: `${name}: ${title}`,
    async run() {
      const pair = await makePair();
      try {
        await check(pair);
      } finally {
        await pair.close();
      }
    },
  }));
}

const CASES: Readonly<Record<string, (pair: LinkPair) => Promise<void>>> = {
  async 'both ends have proven their keys and share one handshake hash'(pair) {
    expect(
      equalBytes(pair.dialled.remoteKey, pair.acceptedBy),
      'the dialler knows the key of the one it dialled',
    );
    expect(
      equalBytes(pair.accepted.remoteKey, pair.dialledBy),
      'the one dialled knows the key of the dialler',
    );
    expect(
      equalBytes(pair.dialled.handshakeHash, pair.accepted.handshakeHash),
      'the handshake hashes are equal',
    );
    expect(pair.dialled.handshakeHash.length >= 32, 'the handshake hash has at least 32 bytes');
    expect(pair.dialled.initiator && !pair.accepted.initiator, 'the dialler is the initiator');
  },

  async 'frames of every size arrive whole and in order, both ways'({ dialled, accepted }) {
    const piece = LIMITS.writeBytes;
    const sizes = [
      0,
      1,
      3,
      4,
      1000,
      piece - 5,
      piece - 4,
      piece - 3,
      piece,
      piece + 1,
      LIMITS.frameBytes,
      0,
      7,
    ];
    for (const [from, to] of [
      [dialled, accepted],
      [accepted, dialled],
    ] as const) {
      const receiver = listen(to);
      const sent = sizes.map((size, index) => patterned(size, index));
      for (const frame of sent) from.send(frame);
      await arrived(receiver, sent);
    }
  },

  async 'a thousand small frames of one tick arrive in order'({ dialled, accepted }) {
    const receiver = listen(accepted);
    const sent = Array.from({ length: 1000 }, (_, index) => patterned(index % 97, index));
    for (const frame of sent) dialled.send(frame);
    await arrived(receiver, sent);
  },

  async 'frames that came before there is a receiver are delivered first'({ dialled, accepted }) {
    const echo = listen(dialled);
    const sent = [patterned(10, 1), patterned(100_000, 2)];
    for (const frame of sent) dialled.send(frame);
    // A frame the other way takes at least as long as it takes for the first ones to arrive.
    accepted.send(patterned(1, 3));
    await eventually('a frame the other way arrives', () => echo.frames.length === 1);
    await arrived(listen(accepted), sent);
  },

  async 'a close brings its code and reason to the other side, behind the frames sent before it'({
    dialled,
    accepted,
  }) {
    const receiver = listen(accepted);
    const own = listen(dialled);
    const sent = [patterned(LIMITS.frameBytes, 1), patterned(5, 2)];
    for (const frame of sent) dialled.send(frame);
    dialled.close(CODE, 'done with it');
    await eventually('both ends are closed', () => receiver.endings.length > 0 && own.endings.length > 0);
    await arrived(receiver, sent);
    for (const [ending] of [receiver.endings, own.endings]) {
      expect(ending?.code === CODE && ending.reason === 'done with it', 'code and reason are what was said');
    }
  },

  async 'closing twice, or from both sides, ends each side once'({ dialled, accepted }) {
    const receivers = [listen(dialled), listen(accepted)];
    dialled.close(CODE, 'one');
    dialled.close(CODE + 1, 'two');
    accepted.close(CODE + 2, 'three');
    await eventually('both ends are closed', () => receivers.every(({ endings }) => endings.length > 0));
    dialled.close(CODE, 'again');
    accepted.close(CODE, 'again');
    await turns();
    expect(
      receivers.every(({ endings }) => endings.length === 1),
      'closed was called once on each side',
    );
  },

  async 'a reason too long for a close frame is shortened'({ dialled, accepted }) {
    const receiver = listen(accepted);
    dialled.close(CODE, 'ä'.repeat(500));
    await eventually('the other side is closed', () => receiver.endings.length > 0);
    expect(receiver.endings[0]?.code === CODE, 'the code arrives');
    expect(/^ä+$/.test(receiver.endings[0]?.reason ?? ''), 'what is left of the reason is well-formed');
  },

  async 'a paused receiver makes the sender wait, and drained tells when there is room'({
    dialled,
    accepted,
  }) {
    const receiver = listen(accepted);
    const sender = listen(dialled);
    accepted.pause(true);
    await turns();
    const sent: Uint8Array[] = [];
    // Kernels hold a few megabytes of their own; what exceeds them must show.
    while (dialled.bufferedBytes <= LIMITS.linkBufferBytes) {
      const frame = patterned(LIMITS.entriesFrameBytes, sent.length);
      sent.push(frame);
      dialled.send(frame);
      await turns();
      expect(sent.length < 400, 'the sender notices that nobody reads');
    }
    expect(sender.drains === 0 && receiver.frames.length === 0, 'nothing moves while the receiver is paused');
    accepted.pause(false);
    await arrived(receiver, sent);
    await eventually('drained is called', () => sender.drains >= 1);
    await eventually('nothing is buffered', () => dialled.bufferedBytes === 0);
  },

  async 'a receiver that pauses inside a frame gets no other until it goes on'({ dialled, accepted }) {
    const receiver = listen(accepted);
    receiver.onFrame = () => accepted.pause(true);
    const sent = Array.from({ length: 20 }, (_, index) => patterned(10, index));
    for (const frame of sent) dialled.send(frame);
    for (let count = 1; count <= sent.length; count++) {
      await eventually('one more frame arrives', () => receiver.frames.length === count);
      await turns();
      expect(receiver.frames.length === count, 'no frame arrives while paused');
      accepted.pause(false);
    }
  },

  async 'a receiver that closes inside a frame gets no other'({ dialled, accepted }) {
    const receiver = listen(accepted);
    listen(dialled);
    receiver.onFrame = () => accepted.close(CODE, 'enough');
    for (let index = 0; index < 10; index++) dialled.send(patterned(10, index));
    await eventually('the receiver is closed', () => receiver.endings.length > 0);
    expect(receiver.frames.length === 1, 'one frame was delivered');
    expect(receiver.endings[0]?.code === CODE, 'it sees its own code');
  },

  async 'sending on a closed link is no error and does nothing'({ dialled, accepted }) {
    const own = listen(dialled);
    const receiver = listen(accepted);
    dialled.close(CODE, 'done');
    dialled.send(patterned(10, 1));
    await eventually('both ends are closed', () => own.endings.length > 0 && receiver.endings.length > 0);
    dialled.send(patterned(10, 2));
    accepted.send(patterned(10, 3));
    accepted.pause(true);
    await turns();
    expect(receiver.frames.length === 0 && own.frames.length === 0, 'nothing was delivered');
    expect(dialled.bufferedBytes === 0, 'nothing is buffered');
  },

  async 'a frame above the limit is refused by the sender, and the link lives on'({ dialled, accepted }) {
    const receiver = listen(accepted);
    let refused = false;
    try {
      dialled.send(new Uint8Array(LIMITS.frameBytes + 1));
    } catch {
      refused = true;
    }
    expect(refused, 'the frame was refused');
    dialled.send(patterned(3, 1));
    await arrived(receiver, [patterned(3, 1)]);
  },

  async 'traffic counts what crossed the link'({ dialled, accepted }) {
    const receiver = listen(accepted);
    const before = dialled.traffic.bytesOut;
    dialled.send(patterned(100_000, 1));
    await arrived(receiver, [patterned(100_000, 1)]);
    expect(dialled.traffic.bytesOut - before >= 100_000, 'the sender has counted it');
    expect(accepted.traffic.bytesIn >= 100_000, 'the receiver has counted it');
  },

  async 'dialling where nobody answers is unreachable'(pair) {
    const outcome = await pair.dialNobody().then(
      () => 'a link',
      (error: unknown) => error,
    );
    expect(outcome instanceof LoglineError && outcome.code === 'unreachable', 'it rejects with unreachable');
  },
};

function listen(link: Link): RecordingReceiver {
  const receiver = new RecordingReceiver();
  link.receive(receiver);
  return receiver;
}

/** Waits until exactly these frames have come. */
async function arrived(receiver: RecordingReceiver, sent: readonly Uint8Array[]): Promise<void> {
  await eventually('all frames arrive', () => receiver.frames.length >= sent.length);
  expect(receiver.frames.length === sent.length, 'no frame is invented');
  for (const [index, frame] of sent.entries()) {
    expect(equalBytes(frame, receiver.frames[index] ?? new Uint8Array(1)), `frame ${index} is what was sent`);
  }
}

function patterned(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >>> 8)) & 0xff;
  return bytes;
}

/** Lets what is already under way within the process happen: a few turns of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected that ${what}`);
}
