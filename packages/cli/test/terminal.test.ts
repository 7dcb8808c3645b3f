// Every command against a live node: on a pseudo-terminal as a person sees it, and with --json as a program does.
import test, { type ExecutionContext } from 'ava';
import type { Command } from 'commander';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseTenant } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import { createProgram } from '../dist/command-tree.js';
import { Shell } from '../dist/shell.js';
import { everyStep, type Stage } from './every-command.js';
import { BIN, logline, startNode, story, temporaryDirectory } from './harness.js';
import { hasTerminal, onTerminal } from './pty.js';

const DRIVER = fileURLToPath(new URL('terminal-driver.js', import.meta.url));
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

function leaves(command: Command, words: readonly string[] = []): readonly string[] {
  if (command.commands.length === 0) return [words.join(' ')];
  return command.commands.flatMap((one) => leaves(one, [...words, one.name()]));
}

/** A node with a peer that it trusts, and what commands need besides. */
async function setStage(t: ExecutionContext): Promise<Stage & { readonly url: string }> {
  const tenants = ['acme'].flatMap((name) => parseTenant(name) ?? []);
  const [alice, bob] = await Promise.all([
    startNode(t, { name: 'alice', tenants }),
    startNode(t, { name: 'bob', tenants }),
  ]);
  await logline(bob, ['trust', 'add', '--peer', alice.url]);
  t.is((await logline(alice, ['trust', 'add', '--peer', bob.url, '--wait'])).code, 0);
  const folder = await temporaryDirectory(t);
  const file = join(folder, 'story.ndjson');
  await writeFile(file, story(50).join('\n'));
  // Of a node that is stopped, and none of those two as far as anybody here knows.
  const dataDir = join(folder, 'stopped');
  await mkdir(dataDir);
  await cp(join(bob.dataDir, 'node.key'), join(dataDir, 'node.key'));
  const peer = bob.node.id;
  return {
    url: alice.url,
    peer,
    stranger: '127.0.0.1:9',
    fingerprint: bob.node.fingerprint,
    story: file,
    folder,
    dataDir,
  };
}

test('every command is tried', (t) => {
  const signal = new AbortController().signal;
  const { stdin, stdout, stderr } = process;
  const all = leaves(createProgram(new Shell({ stdin, stdout, stderr, env: {}, signal })));
  const nothing = { peer: '', stranger: '', fingerprint: '', story: '', folder: '', dataDir: '' };
  const tried = everyStep(nothing).map(({ argv }) => `federation ${argv.join(' ')} `);
  const missing = all.filter((words) => !tried.some((one) => one.startsWith(`${words} `)));
  t.deepEqual(missing, [], 'a new command needs a line in test/every-command.ts');
});

test('every command speaks to a person on a terminal', async (t) => {
  if (!hasTerminal(t)) return;
  const stage = await setStage(t);
  const steps = everyStep(stage);
  const env = { LOGLINE_FEDERATION_URL: stage.url, STEPS: JSON.stringify(steps), HOME: stage.folder };
  const terminal = onTerminal(t, [DRIVER], { env });
  t.is(await terminal.ended, 0);
  const [, ...parts] = terminal.shown().split(/^@@@ (?!exit)/m);
  t.is(parts.length, steps.length);
  for (const [index, part] of parts.entries()) {
    const step = steps[index];
    if (step === undefined) continue;
    const name = step.argv.join(' ');
    const [text = '', after = ''] = part.split('\n@@@ exit ');
    t.is(Number.parseInt(after, 10), step.code ?? 0, `${name}: ${text}`);
    t.true(text.includes(step.shows), `${name}: ${text}`);
    t.notRegex(text, /^\{/m, `${name} is for people`);
    t.notRegex(text, /\n +at /, name);
    t.is(text.lastIndexOf(ENTER) >= 0, name.startsWith('watch'));
    t.true(text.lastIndexOf(LEAVE) >= text.lastIndexOf(ENTER), name);
    // A cursor that was hidden is shown again.
    t.true(text.lastIndexOf('\u001b[?25h') >= text.lastIndexOf('\u001b[?25l'), name);
  }
});

test('every command speaks JSON to a program', async (t) => {
  const stage = await setStage(t);
  for (const { argv, code = 0, until } of everyStep(stage)) {
    const name = argv.join(' ');
    const abort = new AbortController();
    const done = await logline(stage, [...argv, '--json'], {
      signal: abort.signal,
      env: { HOME: stage.folder },
      onOut: (text) => until !== undefined && text.includes(until) && abort.abort(),
    });
    t.is(done.code, code, `${name}: ${done.err}`);
    const isFailure = done.out === '';
    const texts =
      until !== undefined || argv[0] === 'watch'
        ? done.out.trimEnd().split('\n')
        : [isFailure ? done.err : done.out];
    for (const text of texts) t.notThrows(() => void JSON.parse(text), `${name}: ${text}`);
    if (isFailure) t.regex(done.err, /^\{"error":"\w+","detail":/, name);
    else t.is(done.err, '', name);
  }
});

/** As soon as the view is shown. */
const CRASH = `
  const write = process.stdout.write;
  process.stdout.write = function (text, ...rest) {
    if (String(text).includes('Ctrl-C')) setTimeout(() => { throw new Error('planted'); }, 0);
    return write.call(this, text, ...rest);
  };`;

const ENDS = [
  ['SIGINT', 130],
  ['SIGTERM', 130],
  ['SIGQUIT', 130],
  ['SIGHUP', 130],
] as const;

test('the live view follows the size of its terminal, and gives it back on every way out', async (t) => {
  if (!hasTerminal(t)) return;
  const node = await startNode(t, { name: 'alice' });
  const env = { LOGLINE_FEDERATION_URL: node.url };
  // So rarely that only the change of size can be why it draws again.
  const argv = [BIN, 'federation', 'watch', '--interval', '600'];
  const end = async ([signal, code]: (typeof ENDS)[number]): Promise<void> => {
    const terminal = onTerminal(t, argv, { env, columns: 70, rows: 20 });
    await eventually('the view is shown', () => terminal.shown().includes('Ctrl-C ends it'));
    if (signal === 'SIGINT') {
      const before = terminal.shown().length;
      execFileSync('stty', ['-F', terminal.device() ?? '', 'cols', '30', 'rows', '10']);
      await eventually('it is drawn anew', () => {
        const drawn = terminal.shown().slice(before).split('\u001b[H').slice(1);
        return drawn
          .filter((one) => one.endsWith('\u001b[J'))
          .map(linesOf)
          .some((lines) => lines.length <= 10 && lines.every(isWithin(30)));
      });
    }
    process.kill(terminal.pid() ?? t.fail(), signal);
    t.is(await terminal.ended, code, signal);
    t.true(terminal.shown().endsWith(LEAVE), JSON.stringify(terminal.shown().slice(-80)));
  };
  // A bug of ours, too.
  const crash = `data:text/javascript,${encodeURIComponent(CRASH)}`;
  const broken = onTerminal(t, ['--import', crash, ...argv], { env });
  await Promise.all(ENDS.map(end));
  t.is(await broken.ended, 1);
  t.true(broken.shown().includes(ENTER));
  t.true(broken.shown().lastIndexOf(LEAVE) > broken.shown().lastIndexOf(ENTER));
});

test('who cannot reach a node is told so on the screen that was there', async (t) => {
  if (!hasTerminal(t)) return;
  const env = { LOGLINE_FEDERATION_URL: 'http://127.0.0.1:9' };
  const terminal = onTerminal(t, [BIN, 'federation', 'watch'], { env });
  t.is(await terminal.ended, 3);
  t.false(terminal.shown().includes(ENTER));
  t.regex(terminal.shown(), /no answer from http:\/\/127\.0\.0\.1:9/);
});

/** The terminal adds returns of its own. */
function linesOf(drawn: string): readonly string[] {
  return drawn.split(/\r*\n/);
}

/** Whether a line fits, colours aside. */
function isWithin(columns: number): (line: string) => boolean {
  // oxlint-disable-next-line no-control-regex
  return (line) => line.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '').length <= columns;
}
