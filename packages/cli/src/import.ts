/** An import: parts of a file go to the node one after another, each durable once answered, and none of them twice. */

import { createHash, type Hash } from 'node:crypto';
import { LoglineFederationError, type AppendResult } from 'logline-federation-client';
import type { ImportMemory, ImportState, Totals } from './import-state.js';
import type { Input } from './input.js';
import { isBlank, partsOf, withoutLines, type Part, type Place } from './parts.js';
import type { Progress } from './progress.js';
import type { Context } from './shell.js';

export interface Imported extends Totals {
  readonly file: string;
  /** Lines read, those before a place to go on from included. */
  readonly lines: number;
  /** Lines that an earlier run had dealt with, or that were to be skipped. */
  readonly resumed_after_line: number;
  readonly conflicts: AppendResult['conflicts'];
  /** By line number less one; the first 1,000. */
  readonly rejected: AppendResult['rejected'];
  readonly cursor: string | null;
}

export interface ImportWish {
  readonly tenant: string | undefined;
  /** Lines to leave out, as a broken import names them. */
  readonly skip: number;
  readonly memory: ImportMemory | undefined;
}

export interface PartSizes {
  readonly partBytes: number;
  readonly idleMs: number | undefined;
}

const LISTED_MOST = 1000;
/** For one part with all its tries; the network may be slow. */
const PART_TIMEOUT_MS = 280_000;
const SAVE_EVERY_MS = 1_000;
const PROBE_LINES_MOST = 100;
const NOTHING: Totals = { accepted: 0, duplicates: 0, conflicts_total: 0, rejected_total: 0 };

/** One run over one input. What is known when it breaks stays in `result`, and in the memory. */
export class Import {
  readonly #context: Context;
  readonly #input: Input;
  readonly #wish: ImportWish;
  #totals: Totals = NOTHING;
  #place: Place = { bytes: 0, lines: 0 };
  #hash: Hash = createHash('sha256');
  #probe: ImportState['probe'] = null;
  #resumedAfter = 0;
  #conflicts: AppendResult['conflicts'] = [];
  #rejected: AppendResult['rejected'] = [];
  #cursor: string | null = null;
  #savedAtMs = 0;
  #hasSent = false;
  /** Bytes of the file that were read, compressed as they are. */
  #readBytes = 0;

  constructor(context: Context, input: Input, wish: ImportWish) {
    this.#context = context;
    this.#input = input;
    this.#wish = wish;
  }

  get result(): Imported {
    return {
      file: this.#input.name,
      lines: this.#place.lines,
      resumed_after_line: this.#resumedAfter,
      ...this.#totals,
      conflicts: this.#conflicts,
      rejected: this.#rejected,
      cursor: this.#cursor,
    };
  }

  /** Sends everything that is not known to be there. Rejects as the client does; what was sent until then counts. */
  async run(progress: Progress, sizes: PartSizes): Promise<Imported> {
    const earlier = this.#wish.skip > 0 ? undefined : await this.#earlier();
    try {
      const isSame = await this.#pass(earlier, progress, sizes);
      if (!isSame) {
        this.#begin();
        await this.#pass(undefined, progress, sizes);
      }
    } catch (error) {
      await this.#save();
      throw error;
    }
    await this.#wish.memory?.forget();
    return this.result;
  }

  #begin(): void {
    this.#totals = NOTHING;
    this.#place = { bytes: 0, lines: 0 };
    this.#hash = createHash('sha256');
    this.#resumedAfter = 0;
  }

  /** False where the file does not begin with what the earlier run saw. */
  async #pass(earlier: ImportState | undefined, progress: Progress, sizes: PartSizes): Promise<boolean> {
    const source = this.#input.read((bytes) => void (this.#readBytes = bytes));
    const parts = partsOf(source, sizes);
    const knownBytes = earlier?.place.bytes ?? 0;
    try {
      // The next part is read while one is on its way.
      let reading = parts.next();
      for (;;) {
        const { done, value: part } = await reading;
        if (done === true) return this.#place.bytes >= knownBytes;
        reading = parts.next();
        reading.catch(() => undefined);
        this.#context.signal.throwIfAborted();
        const isKnown = this.#place.bytes + part.bytes.length <= knownBytes;
        if (!isKnown && this.#place.bytes < knownBytes) return false;
        if (!isKnown) await this.#deliver(part);
        this.#advance(part);
        if (isKnown && this.#place.bytes === knownBytes && !this.#goOn(earlier)) return false;
        progress.update(this.#readBytes, this.#place.lines, { isSkipped: isKnown });
        if (!isKnown && performance.now() - this.#savedAtMs > SAVE_EVERY_MS) await this.#save();
      }
    } finally {
      void parts.return().catch(() => undefined);
    }
  }

  #advance({ bytes, lines }: Part): void {
    this.#hash.update(bytes);
    this.#place = { bytes: this.#place.bytes + bytes.length, lines: this.#place.lines + lines };
  }

  #goOn(earlier: ImportState | undefined): boolean {
    if (earlier === undefined || this.#hash.copy().digest('hex') !== earlier.hash) return false;
    this.#totals = earlier.totals;
    this.#probe = earlier.probe;
    this.#resumedAfter = earlier.place.lines;
    return true;
  }

  async #deliver(whole: Part): Promise<void> {
    const { client, signal } = this.#context;
    const { tenant, skip } = this.#wish;
    const skipped = Math.min(Math.max(0, skip - this.#place.lines), whole.lines);
    const part = skipped === 0 ? whole : withoutLines(whole, skipped);
    this.#resumedAfter += skipped;
    if (isBlank(part.bytes)) return;
    const idempotencyKey = this.#keyOf(part);
    const options = { tenant, signal, idempotencyKey, timeoutMs: PART_TIMEOUT_MS, partBytes: Infinity };
    this.#count(await client.upload(part.bytes, options), this.#place.lines + skipped);
    this.#probe = this.#probeIn(part) ?? this.#probe;
    this.#hasSent = true;
  }

  /** The same for the same lines at the same place, whoever sends them again: so those without an id get theirs again. */
  #keyOf({ bytes }: Part): string {
    const place = JSON.stringify([this.#place.bytes, this.#wish.tenant ?? null]);
    return `import-${createHash('sha256').update(place).update(bytes).digest('hex')}`;
  }

  #count(result: AppendResult, linesBefore: number): void {
    const before = this.#totals;
    this.#totals = {
      accepted: before.accepted + result.accepted,
      duplicates: before.duplicates + result.duplicates,
      conflicts_total: before.conflicts_total + result.conflicts_total,
      rejected_total: before.rejected_total + result.rejected_total,
    };
    const moved = <Listed extends { readonly index: number }>(listed: readonly Listed[]): Listed[] =>
      listed.map((one) => ({ ...one, index: one.index + linesBefore }));
    this.#conflicts = [...this.#conflicts, ...moved(result.conflicts)].slice(0, LISTED_MOST);
    this.#rejected = [...this.#rejected, ...moved(result.rejected)].slice(0, LISTED_MOST);
    this.#cursor = result.cursor ?? this.#cursor;
  }

  /** One of the last spans with an id, which the node has to know from now on unless it refused it. */
  #probeIn({ bytes }: Part): ImportState['probe'] {
    const refused = new Set(this.#rejected.map((one) => one.id));
    const lines = Buffer.from(bytes).toString('utf8').trimEnd().split('\n').slice(-PROBE_LINES_MOST);
    for (const line of lines.toReversed()) {
      try {
        const { id, tenant_id: tenant } = JSON.parse(line) as {
          readonly id?: unknown;
          readonly tenant_id?: unknown;
        };
        if (typeof id !== 'string' || refused.has(id)) continue;
        return { id, tenant: typeof tenant === 'string' ? tenant : (this.#wish.tenant ?? null) };
      } catch {
        continue;
      }
    }
    return null;
  }

  /** What an earlier run left, if the node still has what that run sent. */
  async #earlier(): Promise<ImportState | undefined> {
    const state = await this.#wish.memory?.load();
    if (state === undefined || state.probe === null) return undefined;
    const { client, signal } = this.#context;
    const { id, tenant } = state.probe;
    try {
      await client.get(id, { signal, ...(tenant !== null && { tenant }) });
      return state;
    } catch (error) {
      // To send everything again is slower and never wrong.
      if (error instanceof LoglineFederationError && error.status !== undefined) return undefined;
      throw error;
    }
  }

  async #save(): Promise<void> {
    this.#savedAtMs = performance.now();
    if (!this.#hasSent) return;
    await this.#wish.memory?.save({
      version: 1,
      place: this.#place,
      hash: this.#hash.copy().digest('hex'),
      probe: this.#probe,
      totals: this.#totals,
    });
  }
}
