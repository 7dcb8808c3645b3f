/** A writer that goes on through crashes: it notes what was acknowledged, and sends again what was not. */

import { createHash } from 'node:crypto';
import { append, appendLines, type Appended, type Reachable, type TestSpan } from './rest.js';

/** Spans of each kind of request; the lone ones and the arrays between the lines keep the disk busy with small commits. */
const ARRAY_SPANS = 40;
const LINES_SPANS = 500;
const LINES_AT_A_TIME = 50;

export class Writer {
  /** Ids of spans that a server has answered for: these may never be lost. */
  readonly acknowledged = new Set<string>();
  /** Ids of all spans that were ever sent. */
  readonly sent = new Set<string>();
  /** What requests failed with: crashes do that. */
  readonly failures: string[] = [];
  /** Requests that were answered, and spans of them that were there before, since an earlier try had stored them. */
  readonly figures = { answers: 0, repeated: 0, uploadsBroken: 0 };
  readonly #seed: string;
  /** Requests without an answer, to be sent again. */
  readonly #open: (readonly TestSpan[])[] = [];
  #made = 0;
  #steps = 0;
  #waiting: { readonly steps: number; readonly resolve: () => void }[] = [];

  /** The seed names the spans, so that a failure can be told from its message. */
  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Writes in several ways at once until a request fails, as it does when the server dies. */
  async write(server: Reachable): Promise<void> {
    const stop = { asked: false };
    await Promise.all([
      this.#loop(stop, 'append', () => this.#send(server, 1)),
      this.#loop(stop, 'append', () => this.#send(server, 1)),
      this.#loop(stop, 'append', () => this.#send(server, ARRAY_SPANS)),
      this.#loop(stop, 'upload', () => this.#upload(server)),
    ]);
  }

  /** Resolves after so many more answers, or when requests begin to fail. */
  after(steps: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ steps: this.#steps + steps, resolve }));
  }

  /** Sends again, with no crash to come, what has no answer yet. */
  async finish(server: Reachable): Promise<void> {
    for (const spans of this.#open.splice(0)) this.#note(spans, await append(server, spans));
  }

  async #loop(stop: { asked: boolean }, kind: string, request: () => Promise<void>): Promise<void> {
    while (!stop.asked) {
      try {
        await request();
      } catch (error) {
        stop.asked = true;
        for (const { resolve } of this.#waiting.splice(0)) resolve();
        this.failures.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async #send(server: Reachable, count: number): Promise<void> {
    const again = count === 1 ? undefined : this.#open.shift();
    const spans = again ?? this.#make(count);
    try {
      this.#note(spans, await append(server, spans));
    } catch (error) {
      this.#open.push(spans);
      throw error;
    }
  }

  async #upload(server: Reachable): Promise<void> {
    const spans = this.#make(LINES_SPANS);
    const nextStep = (): Promise<void> => this.after(1);
    let isWhole = false;
    async function* lines(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < spans.length; at += LINES_AT_A_TIME) {
        const piece = spans.slice(at, at + LINES_AT_A_TIME).map((span) => `${JSON.stringify(span)}\n`);
        yield Buffer.from(piece.join(''));
        // As slow as the other requests are answered: so that a crash mostly comes in the middle.
        await nextStep();
      }
      isWhole = true;
    }
    try {
      this.#note(spans, await appendLines(server, lines()));
    } catch (error) {
      if (!isWhole) this.figures.uploadsBroken++;
      this.#open.push(spans);
      throw error;
    }
  }

  #note(spans: readonly TestSpan[], answer: Appended): void {
    if (answer.accepted + answer.duplicates !== spans.length)
      throw new Error(`of ${spans.length} spans: ${JSON.stringify(answer)}`);
    for (const { id } of spans) this.acknowledged.add(id);
    this.figures.answers++;
    this.figures.repeated += answer.duplicates;
    this.#step();
  }

  #make(count: number): readonly TestSpan[] {
    const spans = Array.from({ length: count }, () => spanNumber(this.#seed, this.#made++));
    for (const { id } of spans) this.sent.add(id);
    return spans;
  }

  #step(): void {
    this.#steps++;
    const due = this.#waiting.filter(({ steps }) => steps <= this.#steps);
    this.#waiting = this.#waiting.filter(({ steps }) => steps > this.#steps);
    for (const { resolve } of due) resolve();
  }
}

/** The same span for the same seed and number, so that to send it again is to repeat it. */
export function spanNumber(seed: string, number: number): TestSpan & { readonly timestamp: string } {
  const hex = createHash('sha256').update(`${seed} ${number}`).digest('hex');
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  const timestamp = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
  return { id, logline_id: 'logline-id://person/alice', timestamp, title: `span ${number} of ${seed}` };
}
