// What holds for every command: help, errors, and that no answer steers the terminal.
import test from 'ava';
import type { Command } from 'commander';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProgram } from '../dist/command-tree.js';
import { Shell } from '../dist/shell.js';
import { fakeNode, logline, temporaryDirectory } from './harness.js';

const NOWHERE = { url: 'http://127.0.0.1:9' };
const JSON_TYPE = { 'content-type': 'application/json' };
const EVIL = '\u001b]0;owned\u0007\u009b2J\u202e\r\nfake line\u001b[8m';

/** The words of every command that does something. */
function leaves(command: Command, words: readonly string[] = []): (readonly string[])[] {
  if (command.commands.length === 0) return [words];
  return command.commands.flatMap((one) => leaves(one, [...words, one.name()]));
}

function everyCommand(): readonly (readonly string[])[] {
  const signal = new AbortController().signal;
  const { stdin, stdout, stderr } = process;
  const program = createProgram(new Shell({ stdin, stdout, stderr, env: {}, signal }));
  return leaves(program).map(([, ...words]) => words);
}

test('every command explains itself with examples, and speaks JSON', async (t) => {
  const commands = everyCommand();
  t.true(commands.length > 25);
  for (const words of commands) {
    const { code, out } = await logline(NOWHERE, [...words, '--help']);
    const name = words.join(' ');
    t.is(code, 0, name);
    t.regex(out, new RegExp(`\\nExamples:\\n(?:.*\\n)*? +\\$ .*logline federation ${name}\\b`), name);
    if (name !== 'completions') t.regex(out, /--json/, name);
  }
});

test('help names the variables and what exit codes mean', async (t) => {
  const { code, out } = await logline(NOWHERE, ['--help']);
  t.is(code, 0);
  for (const text of ['LOGLINE_FEDERATION_URL', 'LOGLINE_FEDERATION_TOKEN_FILE', 'NO_COLOR', 'Exit codes:'])
    t.true(out.includes(text), text);
});

const PEER = {
  id: EVIL,
  address: EVIL,
  status: EVIL,
  trust_level: EVIL,
  last_seen: EVIL,
  latency_ms: 1,
  clock_skew_ms: 1,
  last_error: EVIL,
  next_dial_at: EVIL,
  fingerprint: EVIL,
  in_sync: true,
  outcome: EVIL,
  duration_ms: 1,
  detail: EVIL,
};
const RELATIONSHIP = {
  peer_id: EVIL,
  address: EVIL,
  trust_level: EVIL,
  established_at: EVIL,
  signature: EVIL,
  fingerprint: EVIL,
  method: EVIL,
  why: [EVIL],
  cut: null,
};
/** Every member that some command shows. */
const ANSWER = {
  status: EVIL,
  node_id: EVIL,
  peers_connected: 1,
  last_sync: EVIL,
  reasons: [EVIL],
  pending_syncs: 1,
  sync_conflicts: 1,
  peers_in_sync: [EVIL],
  spans_total: 1,
  spans: { [EVIL]: 1 },
  entries: 1,
  log_bytes: 1,
  read_only: EVIL,
  peers: [PEER],
  nodes: [{ ...PEER, ...RELATIONSHIP }],
  errors: [{ address: EVIL, error: EVIL }],
  relationships: [RELATIONSHIP],
  root: EVIL,
  edges: [{ from: EVIL, to: EVIL, kind: EVIL, stated_at: EVIL, effective: true }],
  nodes_total: 1,
  edges_total: 1,
  acts: [{ at: EVIL, caller: EVIL, action: EVIL, detail: EVIL, outcome: EVIL }],
  next: EVIL,
  detail: EVIL,
};
const SHOWN = ['status', 'nodes', 'discover', 'sync', 'trust list', 'trust graph', 'acts'];

test('whatever a node answers, nothing of it steers the terminal', async (t) => {
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(ANSWER));
  });
  const hostile = /[\p{Cc}\u202e]/u;
  // oxlint-disable-next-line no-control-regex
  const ours = /\u001b\[\d{1,2}m|\n/g;
  for (const command of SHOWN) {
    const argv = command.split(' ');
    const shown = await logline(node, argv, { isTTY: true });
    t.true(shown.out.includes('owned'), command);
    t.notRegex(shown.out.replaceAll(ours, ''), hostile, command);
    t.notRegex(shown.err.replaceAll(ours, ''), hostile, command);
    t.notRegex(shown.out, /^ *fake line/m, command);
    const plain = await logline(node, argv, { isTTY: true, env: { NO_COLOR: '1' } });
    t.notRegex(plain.out.replaceAll('\n', ''), hostile, command);
    const json = await logline(node, [...argv, '--json'], { isTTY: true });
    t.notRegex(json.out.replaceAll('\n', ''), hostile, command);
    t.true(JSON.stringify(JSON.parse(json.out)).includes(JSON.stringify(EVIL)), command);
  }
});

test('an error that a node words is told without its escape sequences', async (t) => {
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(404, JSON_TYPE).end(JSON.stringify({ error: EVIL, detail: EVIL }));
  });
  for (const argv of [['nodes'], ['nodes', '--json']]) {
    const { code, err } = await logline(node, argv, { isTTY: true });
    t.is(code, 1);
    t.true(err.includes('owned'));
    t.notRegex(err.slice(0, -1), /[\p{Cc}\u202e]/u);
  }
});

test('a cell of a megabyte does not push the rest off the screen', async (t) => {
  const nodes = [{ ...PEER, id: 'x'.repeat(1_000_000), last_error: 'y'.repeat(1_000_000) }];
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ nodes }));
  });
  const { out } = await logline(node, ['nodes'], { isTTY: true });
  t.true(out.length < 10_000);
  t.regex(out, /x…/);
  t.true((await logline(node, ['nodes', '--json'])).out.length > 2_000_000);
});

for (const [title, body] of [
  ['another service', '{}'],
  ['a web page', '<html>hello</html>'],
  ['a list of nothing', '{"nodes":[null]}'],
] as const) {
  test(`an answer that is that of ${title} is told in words, not as a stack trace`, async (t) => {
    const node = await fakeNode(t, (_request, response) => void response.writeHead(200, JSON_TYPE).end(body));
    const { code, err, out } = await logline(node, ['nodes']);
    t.is(code, 1);
    t.is(out, '');
    t.regex(err, /^error: the answer is not one .*Is it a LogLine node/);
    t.notRegex(err, /\n +at /);
    t.regex((await logline(node, ['nodes'], { env: { LOGLINE_DEBUG: '1' } })).err, /\n +at /);
  });
}

test('a token file that others can read is warned about, with the line that helps', async (t) => {
  const node = await fakeNode(t, (_request, response) => {
    response.writeHead(200, JSON_TYPE).end('{"nodes":[]}');
  });
  const path = join(await temporaryDirectory(t), 'token');
  await writeFile(path, 'a-token');
  const env = { LOGLINE_FEDERATION_TOKEN_FILE: path };
  for (const [mode, isWarned] of [
    [0o644, true],
    [0o640, true],
    [0o600, false],
  ] as const) {
    await chmod(path, mode);
    const { code, err } = await logline(node, ['nodes'], { env });
    t.is(code, 0);
    t.is(err.includes(`run: chmod 600 '${path}'`), isWarned, mode.toString(8));
  }
});
