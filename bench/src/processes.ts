/** Processes of the systems under test, as the benchmark sees them. */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Commands } from './commands.js';
import { sleep, type Role } from './driver.js';
import type { System } from './samples.js';

export interface Request {
  readonly id: number;
  readonly name: keyof Commands;
  readonly wish: unknown;
}

/** The first one, without a result, says that the process has loaded its modules. */
export type Reply =
  | { readonly id: number; readonly result?: unknown; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Wish<K extends keyof Commands> = Parameters<Commands[K]>;
type Result<K extends keyof Commands> = ReturnType<Commands[K]>;

const PROGRAM = join(import.meta.dirname, 'child-main.js');
const CLOSE_MS = 10_000;

export class SystemProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #ended: string | undefined;

  private constructor(child: ChildProcess, system: System) {
    this.#child = child;
    child.on('message', (reply: Reply) => this.#take(reply));
    child.on('exit', (code, signal) => {
      this.#ended = `the process of ${system} ended with ${code ?? signal}`;
      for (const { reject } of this.#waiting.values()) reject(new Error(this.#ended));
      this.#waiting.clear();
    });
  }

  /** Starts a process; resolves once it has loaded its modules. Extra arguments are for Node. */
  static async start(
    system: System,
    where: { readonly role: Role; readonly dir: string },
    nodeArguments: readonly string[] = [],
  ): Promise<SystemProcess> {
    const child = fork(PROGRAM, [system, where.role, where.dir], {
      execArgv: [...nodeArguments],
      serialization: 'advanced',
      // What it prints is for people, and must not come between our lines of JSON.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const started = new SystemProcess(child, system);
    await new Promise<unknown>((resolve, reject) => started.#waiting.set(0, { resolve, reject }));
    return started;
  }

  /** Has the process do something; rejects with what went wrong there. */
  call<K extends keyof Commands>(name: K, ...[wish]: Wish<K>): Result<K> {
    const id = ++this.#requests;
    const answered = new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(new Error(this.#ended));
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, wish } satisfies Request);
    });
    return answered as Result<K>;
  }

  /** Closes the system, and then the process. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await Promise.race([this.call('close'), sleep(CLOSE_MS)]).catch(() => {});
    await this.kill();
  }

  /** Ends the process on the spot. */
  async kill(): Promise<void> {
    if (this.#ended !== undefined) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error === undefined) waiting?.resolve(reply.result);
    else waiting?.reject(new Error(reply.error));
  }
}
