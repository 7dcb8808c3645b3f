// A pseudo-terminal for a program, by script of util-linux: native addons for it would need a compiler.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

export interface OnTerminal {
  /** Everything that was shown so far. */
  readonly shown: () => string;
  /** What the program's process is; known once it has started. */
  readonly pid: () => number | undefined;
  /** The terminal's device. */
  readonly device: () => string | undefined;
  readonly ended: Promise<number | null>;
}

/** Whether there is a `script` that we know how to use; says so loudly where there is none. */
export function hasTerminal(t: ExecutionContext): boolean {
  const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  if (/util-linux/.test(stdout ?? '')) return true;
  t.log('SKIPPED: there is no script of util-linux here, so that nothing was tried on a pseudo-terminal');
  return false;
}

/** Runs Node on a terminal of a certain size. */
export function onTerminal(
  t: ExecutionContext,
  argv: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly columns?: number;
    readonly rows?: number;
  },
): OnTerminal {
  const { env, columns = 120, rows = 40 } = options;
  const words = [process.execPath, ...argv].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = `stty cols ${columns} rows ${rows}; echo "pid $$ on $(tty)"; exec ${words}`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const begin = (): RegExpExecArray | null => /pid (\d+) on (\S+)/.exec(shown);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    shown: () => shown,
    pid: () => (begin() === null ? undefined : Number(begin()?.[1])),
    device: () => begin()?.[2],
    ended,
  };
}
