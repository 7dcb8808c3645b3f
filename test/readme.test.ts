/** The quick start of README.md, as somebody types it: its blocks are run, on free ports and in a folder of their own. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '@logline/federation-core/testing';
import { tempDir } from './support/server-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The indented blocks below a heading, in order. */
function blocksOf(heading: string): readonly string[] {
  const page = readFileSync(`${ROOT}README.md`, 'utf8');
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Terminal {
  said: string;
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
}

/** What is typed into one terminal; a shell that is told to end takes its program with it. */
function type(t: ExecutionContext, text: string): Terminal {
  // Its own group, as a terminal's foreground job has: Ctrl-C reaches all of it.
  const child = spawn('bash', ['-c', text], {
    cwd: ROOT,
    detached: true,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], FEDERATION_BIND_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const terminal: Terminal = { said: '', child, closed: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => (terminal.said += chunk));
  t.teardown(async () => {
    interrupt(terminal, 'SIGKILL');
    await terminal.closed;
  });
  return terminal;
}

function interrupt({ child }: Terminal, signal: NodeJS.Signals = 'SIGINT'): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, signal);
}

/** Types it, and waits until something is shown. */
async function shows(t: ExecutionContext, text: string, what: RegExp): Promise<void> {
  let last = '';
  await eventually(`${text} shows ${String(what)}`, async () => {
    const terminal = type(t, text);
    await terminal.closed;
    last = terminal.said;
    return what.test(last);
  }).catch((error: unknown) => t.fail(`${String(error)}: ${last}`));
}

test('the quick start does what it says when its blocks are typed into terminals', async (t) => {
  if (spawnSync('curl', ['--version']).status !== 0)
    return t.log('SKIPPED: there is no curl here, so that the quick start was not tried');
  const [ports, folder] = [[await freePort(), await freePort()], await tempDir(t)];
  const adapted = blocksOf('Two nodes in a minute').map((block) =>
    block
      .replaceAll('8081', String(ports[0]))
      .replaceAll('8082', String(ports[1]))
      .replaceAll('=data/', `=${folder}/`)
      // What npm and npx would do, without a build or a look at the network in the middle of tests.
      .replaceAll('npm start', 'npm_lifecycle_event=start exec node packages/server/dist/main.js')
      .replaceAll('npx logline', 'node_modules/.bin/logline'),
  );
  t.is(adapted.length, 4);
  const [startAda = '', startBob = '', curls = '', commands = ''] = adapted;
  const [write = '', read = ''] = curls.trimEnd().split('\n');

  let ada = type(t, startAda);
  type(t, startBob);
  await shows(t, write, /"accepted":1/);
  await shows(t, read, /"title":"hello"/);

  const lines = commands.trimEnd().split('\n');
  const [setUrl, ...asked] = lines;
  const typed = (command: string | undefined): string => `${setUrl}\n${command}`;
  t.is(asked.length, 3);
  await shows(t, typed(asked[0]), /peers +1 of 1 connected/);
  await shows(t, typed(asked[1]), /logline-id:\/\/node\/bob +in sync/);
  const tail = type(t, typed(asked[2]));
  await eventually('tail shows the span', () => tail.said.includes('hello'));
  interrupt(tail);
  await tail.closed;
  t.regex(tail.said, /to go on from here: --after/);

  interrupt(ada);
  await ada.closed;
  const later = write.replace('hello', 'while you were away');
  await shows(t, later.replace(String(ports[0]), String(ports[1])), /"accepted":1/);
  ada = type(t, startAda);
  await shows(t, read.replace(String(ports[1]), String(ports[0])), /while you were away/);
  interrupt(ada);
  await ada.closed;
  t.is(ada.child.exitCode, 0);
});
