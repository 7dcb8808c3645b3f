/** The service as operators run it: a process of its own, configured by variables, known by what it logs. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { atExit } from './at-exit.js';

const PROGRAM = join(dirname(fileURLToPath(import.meta.resolve('@logline/federation-server'))), 'main.js');
/** Ends the server when the test process is gone, however that ended: the channel between them closes then. */
const LEASH = `data:text/javascript,${encodeURIComponent("process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')); process.channel.unref();")}`;
const START_MS = 30_000;
const STOP_MS = 15_000;

export interface ServerSettings {
  readonly name: string;
  readonly dataDir: string;
  readonly tenants?: string;
  readonly networkKey?: string;
  /** Its operator's, who is then one of several callers. */
  readonly adminToken?: string;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What ends with something: a test, or a whole file of them. */
export type Lifetime = Pick<ExecutionContext, 'teardown'>;

/** A line of the log. */
export type LogLine = { readonly event?: unknown } & Readonly<Record<string, unknown>>;

/** A directory that is gone when the test has ended. */
export async function tempDir(t: Lifetime): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'logline-test-'));
  const gone = atExit(() => rmSync(path, { recursive: true, force: true }));
  t.teardown(async () => {
    await rm(path, { recursive: true, force: true });
    gone.cancel();
  });
  return path;
}

/** A process that may or may not come up; `exited` tells how it ended. */
export class ServerProcess {
  /** The JSON lines of its log, as they come. */
  readonly lines: LogLine[] = [];
  /** Everything that it wrote and that is no line of the log: what a person at the terminal would read. */
  said = '';
  /** What its operator shows. */
  readonly headers: Readonly<Record<string, string>>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #started: Promise<LogLine>;
  #url = '';
  #fingerprint = '';

  /** Starts a process that lives at most as long as the test. */
  constructor(t: Lifetime, settings: ServerSettings) {
    const { name, dataDir, tenants = 'acme', networkKey = 'a network of tests', adminToken } = settings;
    this.headers = adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` };
    const child = spawn(process.execPath, ['--import', LEASH, PROGRAM], {
      env: {
        PATH: process.env['PATH'],
        FEDERATION_NODE_NAME: name,
        FEDERATION_DATA_DIR: dataDir,
        FEDERATION_BIND_HOST: '127.0.0.1',
        FEDERATION_BIND_PORT: '0',
        FEDERATION_TENANTS: tenants,
        FEDERATION_NETWORK_KEY: networkKey,
        ...(adminToken !== undefined && { FEDERATION_ADMIN_TOKEN: adminToken }),
        ...settings.env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('a child with pipes has no pipes');
    this.#child = child;
    // Not 'exit': what the process wrote last is still to come then.
    this.exited = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    t.teardown(() => this.kill());
    stderr.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.#started = new Promise((resolve) => {
      createInterface({ input: stdout }).on('line', (text) => {
        const line = parseLine(text);
        if (line === undefined) this.said += `${text}\n`;
        else this.lines.push(line);
        if (line?.event === 'node_started') resolve(line);
      });
    });
  }

  /** Starts a process and resolves once it listens. */
  static async start(t: Lifetime, settings: ServerSettings): Promise<ServerProcess> {
    const server = new ServerProcess(t, settings);
    await server.#ready();
    return server;
  }

  /** Where this machine reaches it. */
  get url(): string {
    return this.#url;
  }

  get fingerprint(): string {
    return this.#fingerprint;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The lines of the log that tell of an event. */
  told(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Ends it on the spot, without a chance to finish anything; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill('SIGKILL');
    await this.exited;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Asks it to stop, and resolves to its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const { code } = await withDeadline(this.exited, STOP_MS, () => `it did not stop: ${this.#story()}`);
    return code;
  }

  async #ready(): Promise<void> {
    const died = this.exited.then(({ code, signal }) => {
      throw new Error(`it ended with ${code ?? signal} instead of starting: ${this.#story()}`);
    });
    const line = await withDeadline(
      Promise.race([this.#started, died]),
      START_MS,
      () => `it did not start: ${this.#story()}`,
    );
    // From here on its end is no failure to start.
    died.catch(() => {});
    this.#url = String(line['url']);
    this.#fingerprint = String(line['fingerprint']);
  }

  #story(): string {
    return `${this.said}\n${this.lines.map((line) => JSON.stringify(line)).join('\n')}`;
  }
}

function parseLine(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()}\n(waited ${ms} ms)`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
