/** Machines on one local network: network namespaces on a bridge, and the programs that run in them. Needs root. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { eventually } from '@logline/federation-core/testing';
import type { Lifetime } from '../support/server-process.js';

const run = promisify(execFile);
const SUBNET = '10.77.0';
const STOP_MS = 15_000;
/** Several programs start at once, on few cores. */
const START_MS = 30_000;

/** A program in a namespace; everything that it writes is kept. */
export class Program {
  said = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
  }

  /** Resolves once it has written what matches. */
  async says(pattern: RegExp): Promise<void> {
    const said = (): boolean => {
      if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.said.slice(-2_000)}`);
      return pattern.test(this.said);
    };
    await eventually(`it says ${pattern.source}`, said, { timeoutMs: START_MS });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGCONT');
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
  }
}

/** A machine with one network interface. */
export class Host {
  readonly ip: string;
  readonly #namespace: string;
  readonly #lifetime: Lifetime;

  constructor(namespace: string, ip: string, lifetime: Lifetime) {
    this.#namespace = namespace;
    this.ip = ip;
    this.#lifetime = lifetime;
  }

  /** Starts a program that lives at most as long as the test. `resolver`: a file in the place of the system's resolv.conf. */
  start(
    command: readonly string[],
    options: { readonly env?: NodeJS.ProcessEnv; readonly resolver?: string | undefined } = {},
  ): Program {
    const { resolver, env = {} } = options;
    // The namespace of mounts is the program's own.
    const mounted =
      resolver === undefined
        ? command
        : ['sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolver, ...command];
    const child = spawn('ip', ['netns', 'exec', this.#namespace, ...mounted], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const program = new Program(child);
    this.#lifetime.teardown(() => program.stop());
    return program;
  }

  /** Runs a program to its end, and resolves to what it wrote. */
  async run(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'exec', this.#namespace, ...command], {
      env: { PATH: process.env['PATH'], ...env },
      timeout: 30_000,
    });
    return stdout;
  }
}

/** A network without a way out. */
export class Lan {
  readonly #bridge: string;
  readonly #lifetime: Lifetime;
  #hosts = 0;

  private constructor(bridge: string, lifetime: Lifetime) {
    this.#bridge = bridge;
    this.#lifetime = lifetime;
  }

  static async open(lifetime: Lifetime): Promise<Lan> {
    const lan = new Lan(`logline-lan-${process.pid}`, lifetime);
    await lan.#ip('netns', 'add', lan.#bridge);
    lifetime.teardown(() => lan.#ip('netns', 'del', lan.#bridge));
    // A bridge that snoops keeps multicast from those who have not been seen to ask for it.
    await lan.#ip('-n', lan.#bridge, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    await lan.#ip('-n', lan.#bridge, 'link', 'set', 'br0', 'up');
    return lan;
  }

  async host(): Promise<Host> {
    const n = ++this.#hosts;
    const namespace = `${this.#bridge}-${n}`;
    const ip = `${SUBNET}.${n}`;
    await this.#ip('netns', 'add', namespace);
    this.#lifetime.teardown(() => this.#ip('netns', 'del', namespace));
    const inside = ['-n', namespace];
    await this.#ip(
      ...inside,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      `v${n}`,
      'netns',
      this.#bridge,
    );
    await this.#ip('-n', this.#bridge, 'link', 'set', `v${n}`, 'master', 'br0', 'up');
    await this.#ip(...inside, 'addr', 'add', `${ip}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) await this.#ip(...inside, 'link', 'set', device, 'up');
    await this.#ip(...inside, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
    return new Host(namespace, ip, this.#lifetime);
  }

  async #ip(...args: readonly string[]): Promise<void> {
    await run('ip', args);
  }
}
