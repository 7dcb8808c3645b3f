/** What every workload is given: sizes, a place for data, and where its measurements go. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Role } from './driver.js';
import { SystemProcess } from './processes.js';
import type { Samples, System } from './samples.js';

export interface Bench {
  /** Spans of a history. */
  readonly spans: number;
  /** Spans of the history that memory and queries are measured on. */
  readonly largeSpans: number;
  readonly samples: Samples;
  /** An empty directory that is removed at the end. */
  readonly dir: string;
  /** Says to people what goes on. */
  readonly say: (text: string) => void;
}

/** The processes and directories of one run of a system; all are gone when it ends, however it ends. */
export class Stage {
  readonly #bench: Bench;
  readonly #system: System;
  readonly #dir: string;
  readonly #running = new Set<SystemProcess>();

  private constructor(bench: Bench, system: System, dir: string) {
    this.#bench = bench;
    this.#system = system;
    this.#dir = dir;
  }

  static async use<T>(bench: Bench, system: System, work: (stage: Stage) => Promise<T>): Promise<T> {
    const stage = new Stage(bench, system, join(bench.dir, `${system}-${runs++}`));
    await mkdir(stage.#dir, { recursive: true });
    try {
      return await work(stage);
    } finally {
      for (const running of stage.#running) await running.close();
      await rm(stage.#dir, { recursive: true, force: true });
    }
  }

  /** Starts a process over the directory of its role; a second one for the role goes on where the first ended. */
  async start(role: Role): Promise<SystemProcess> {
    const dir = join(this.#dir, role);
    await mkdir(dir, { recursive: true });
    const started = await SystemProcess.start(this.#system, { role, dir });
    this.#running.add(started);
    return started;
  }

  /** Starts a process and opens it: seconds until everything in it could be read. */
  async open(
    role: Role,
  ): Promise<{ readonly node: SystemProcess; readonly seconds: number; readonly count: number }> {
    const node = await this.start(role);
    const { ms, count } = await node.call('open');
    return { node, seconds: ms / 1000, count };
  }

  /** Notes a measurement of this system. */
  note(figure: string, value: number | undefined): void {
    this.#bench.samples.add(this.#system, figure, value);
  }
}

let runs = 0;

/** Spans a second, of a timed piece of work. */
export function rate({ count, ms }: { readonly count: number; readonly ms: number }): number {
  return (count / ms) * 1000;
}
