/** What the process of a system can be told to do; the whole protocol between it and the benchmark. */

import { quantile } from './statistics.js';
import { nowMs, sleep, type Driver, type Role, type Traffic } from './driver.js';
import { makeShuffledSpans, makeSpan, makeSpans, timestampAt } from './spans.js';
import type { TrafficMeter } from './traffic.js';
import { cpuMs, memoryOf, type Memory } from './usage.js';

export interface Timed {
  readonly count: number;
  readonly ms: number;
}

export interface AppendWish {
  readonly from: number;
  readonly count: number;
  /** Spans a call. */
  readonly batch: number;
  /** Ends early after this time. */
  readonly msMost?: number;
  /** Callers at once; one unless said otherwise. */
  readonly callers?: number;
  /** Length of the whole history, where its order in time is to be shuffled. */
  readonly shuffledOf?: number;
}

export type Commands = ReturnType<typeof commandsOf>;

/** Everything a process can be told, by name. */
export function commandsOf(driver: Driver, role: Role, traffic: TrafficMeter) {
  return {
    ...writing(driver, role),
    ...meeting(driver),
    ...watching(driver, role),
    ...gauging(driver, traffic),
    ...annotating(driver, role),
  };
}

function writing(driver: Driver, role: Role) {
  const spansFrom = (wish: AppendWish, from: number, count: number): ReturnType<typeof makeSpans> =>
    wish.shuffledOf === undefined
      ? makeSpans(role, from, count)
      : makeShuffledSpans(role, from, count, wish.shuffledOf);

  return {
    /** Opens and says how long it took until everything could be counted. */
    async open(): Promise<Timed> {
      const sinceMs = nowMs();
      await driver.open();
      const count = await driver.count();
      return { count, ms: nowMs() - sinceMs };
    },

    /** Appends, each call after the one before it; the spans are made before the clock starts. */
    async append(wish: AppendWish): Promise<Timed> {
      const spans = spansFrom(wish, wish.from, wish.count);
      const sinceMs = nowMs();
      let taken = 0;
      let done = 0;
      const caller = async (): Promise<void> => {
        while (taken < wish.count && nowMs() - sinceMs < (wish.msMost ?? Number.POSITIVE_INFINITY)) {
          const mine = spans.slice(taken, taken + wish.batch);
          taken += mine.length;
          await driver.append(mine);
          done += mine.length;
        }
      };
      await Promise.all(Array.from({ length: wish.callers ?? 1 }, caller));
      return { count: done, ms: nowMs() - sinceMs };
    },

    /** Appends a history that nobody measures, with spans made as they are needed. */
    async fill(wish: Omit<AppendWish, 'batch'> & { readonly batch?: number }): Promise<Timed> {
      const sinceMs = nowMs();
      const batch = wish.batch ?? driver.fillBatch;
      for (let done = 0; done < wish.count; done += batch) {
        const count = Math.min(batch, wish.count - done);
        await driver.append(spansFrom({ ...wish, batch }, wish.from + done, count));
      }
      return { count: wish.count, ms: nowMs() - sinceMs };
    },

    close: (): Promise<void> => driver.close(),
  };
}

function meeting(driver: Driver) {
  return {
    async count(): Promise<number> {
      return driver.count();
    },

    /** Waits until so many can be read here; says when that was. */
    async waitFor(wish: { readonly count: number; readonly msMost: number }): Promise<number> {
      const sinceMs = nowMs();
      for (;;) {
        const count = await driver.count();
        const atMs = nowMs();
        if (count >= wish.count) return atMs;
        if (atMs - sinceMs > wish.msMost)
          throw new Error(`${count} of ${wish.count} spans after ${wish.msMost} ms`);
        await sleep(driver.pollMs);
      }
    },

    async identity(): Promise<string> {
      return driver.identity();
    },
    meet: (identity: string): Promise<void> => driver.meet(identity),
    listen: (): Promise<string> => driver.listen(),
    /** Says when it began to. */
    async connect(address: string): Promise<number> {
      const atMs = nowMs();
      await driver.connect(address);
      return atMs;
    },
    disconnect: (): Promise<void> => driver.disconnect(),
    async joinBack(): Promise<void> {
      await driver.joinBack?.();
    },
    async openedAt(): Promise<number | undefined> {
      return driver.openedAtMs?.();
    },
  };
}

function watching(driver: Driver, role: Role) {
  const seen = new Map<string, number>();
  return {
    /** Notes from now on when spans of the other can be read here. */
    watch: (): Promise<void> =>
      driver.onSpan((id) => {
        if (!seen.has(id)) seen.set(id, nowMs());
      }),
    async seen(): Promise<ReadonlyMap<string, number>> {
      return seen;
    },
    /** Appends one by one at a steady pace, whether answered or not; says when each was handed over. */
    async live(wish: {
      readonly from: number;
      readonly count: number;
      readonly gapMs: number;
    }): Promise<ReadonlyMap<string, number>> {
      const sent = new Map<string, number>();
      const spans = Array.from({ length: wish.count }, (_, i) => makeSpan(role, wish.from + i));
      const appends: Promise<void>[] = [];
      const sinceMs = nowMs();
      for (const [i, span] of spans.entries()) {
        const waitMs = sinceMs + i * wish.gapMs - nowMs();
        if (waitMs > 0.5) await sleep(waitMs);
        sent.set(span.id, nowMs());
        appends.push(driver.append([span]));
      }
      await Promise.all(appends);
      return sent;
    },
  };
}

function gauging(driver: Driver, traffic: TrafficMeter) {
  const pids = (): readonly number[] => driver.pids?.() ?? [];
  return {
    /** The median time of a page of 100, each from another place of a history of `length`; ms. */
    async pages(wish: { readonly length: number; readonly count: number }): Promise<number | undefined> {
      const times: number[] = [];
      for (let i = 0; i < wish.count; i++) {
        const since = timestampAt(Math.floor(((i + 0.5) / wish.count) * (wish.length - 200)));
        const sinceMs = nowMs();
        const found = await driver.page?.(since);
        times.push(nowMs() - sinceMs);
        if (found === undefined) return undefined;
        if (found !== Math.min(100, wish.length)) throw new Error(`a page of ${found} spans from ${since}`);
      }
      return quantile(times, 0.5);
    },

    async traffic(): Promise<Traffic> {
      return driver.traffic?.() ?? traffic.read();
    },
    async cpu(): Promise<number> {
      return cpuMs(pids());
    },
    async memory(): Promise<Memory> {
      return memoryOf(pids());
    },
  };
}

function annotating(driver: Driver, role: Role) {
  const ids: string[] = [];
  return {
    /** Appends a history of which the ids are kept. */
    async fillKept(wish: { readonly count: number }): Promise<void> {
      while (ids.length < wish.count) {
        const spans = makeSpans(role, ids.length, Math.min(driver.fillBatch, wish.count - ids.length));
        await driver.append(spans);
        ids.push(...spans.map(({ id }) => id));
      }
    },

    /** Sets one member of every `step`th span from a place on; the median time of one call, ms. */
    async annotate(wish: {
      readonly from: number;
      readonly step: number;
      readonly count: number;
      readonly callers: number;
      readonly status: string;
    }): Promise<number | undefined> {
      const times: number[] = [];
      let taken = 0;
      const caller = async (): Promise<void> => {
        while (taken < wish.count) {
          const id = ids[wish.from + wish.step * taken++] ?? '';
          const sinceMs = nowMs();
          await driver.annotate?.(id, wish.status);
          times.push(nowMs() - sinceMs);
        }
      };
      await Promise.all(Array.from({ length: wish.callers }, caller));
      return quantile(times, 0.5);
    },
  };
}
