// What the log looks like, and what never gets into it.
import test from 'ava';
import { createLog, logEvent, logOptions } from '../dist/logging.js';
import { DEFAULT_CONFIG } from '../dist/index.js';
import { ACCESS, ADMIN_TOKEN, JWT_SECRET, SERVICE_TOKEN, user } from './callers.js';

type Options = Parameters<typeof createLog>[0];

function logTo(options: Partial<Options> = {}): {
  readonly log: ReturnType<typeof createLog>;
  readonly lines: string[];
} {
  const lines: string[] = [];
  return { log: createLog({ level: 'trace', ...options, write: (line) => lines.push(line) }), lines };
}

const LINK = { fingerprint: 'f'.repeat(43), address: 'ws://alpha:1/v1/federation' };

test('a peer that connected is told in the very shape of the specification', (t) => {
  const { log, lines } = logTo();
  const peerId = 'logline-id://node/peer-alpha';
  logEvent(log, { kind: 'peer_connected', peerId, ...LINK, latencyMs: 45.3, skewMs: -2 } as Parameters<
    typeof logEvent
  >[1]);
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  t.deepEqual(Object.keys(line).slice(0, 4), ['timestamp', 'level', 'event', 'peer_id']);
  t.like(line, { level: 'INFO', event: 'peer_connected', peer_id: peerId, latency_ms: 45 });
  t.regex(String(line['timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.is(lines[0]?.indexOf('\n'), lines[0] === undefined ? 0 : lines[0].length - 1);
});

test('levels below the configured one are left out', (t) => {
  const { log, lines } = logTo({ level: 'warn' });
  log.info({ event: 'stopped' });
  log.warn({ event: 'requests_cut' });
  t.is(lines.length, 1);
});

const HOSTILE = [
  'two\nlines',
  'carriage\rreturn',
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m C1',
  'line\u2028separator',
  'right\u202eleft',
  '"},{"event":"forged"',
  '\u007f\u0000',
  'half \ud83d surrogate',
];

for (const format of ['json', 'pretty'] as const) {
  test(`whatever others write, a ${format} line is one line and drives no terminal`, (t) => {
    const { log, lines } = logTo({ format });
    for (const reason of HOSTILE) {
      log.info({ event: 'link_refused', reason, nested: { [reason]: [reason] } });
      log.error({
        event: 'request_failed',
        err: Object.assign(new Error(reason), { stack: `Error: ${reason}` }),
      });
    }
    for (const line of lines) {
      t.true(line.endsWith('\n'));
      const body = line.slice(0, -1).replaceAll(/\n {4}/g, format === 'pretty' ? ' ' : '\n');
      // eslint-disable-next-line no-control-regex -- these are what is looked for
      t.notRegex(body, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/, JSON.stringify(line));
      if (format === 'json') t.notThrows(() => JSON.parse(line) as unknown, line);
    }
    t.is(lines.length, 2 * HOSTILE.length);
  });
}

test('what others wrote is still readable after it was made harmless', (t) => {
  const { log, lines } = logTo();
  for (const reason of HOSTILE.slice(0, -1)) log.info({ event: 'link_refused', reason });
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as { reason: string }).reason),
    HOSTILE.slice(0, -1),
  );
});

test('no configured secret, token or password is in a line, wherever it comes from', (t) => {
  const networkKey = 'a "quoted" network/key';
  const config = { ...DEFAULT_CONFIG, dataDir: 'data', networkKey, access: ACCESS };
  const secrets = [networkKey, ADMIN_TOKEN, SERVICE_TOKEN, JWT_SECRET.toString('base64')];
  const bearer = user({ tenant: 'acme' })['authorization']?.slice('Bearer '.length) ?? '';
  for (const format of ['json', 'pretty'] as const) {
    const { log, lines } = logTo({ ...logOptions(config), level: 'trace', format });
    for (const secret of [...secrets, bearer]) {
      log.info({ event: 'link_refused', reason: `said ${secret}!`, deep: { [secret]: [secret] } });
      log.error({ event: 'request_failed', err: new Error(secret) });
      log.info({
        event: 'link_refused',
        reason: `http://x/?token=${encodeURIComponent(secret)}`,
      });
    }
    log.info({ event: 'stopped', reason: 'wss://user:hunter22@alpha.example.org/v1' });
    const out = lines.join('');
    for (const secret of [...secrets, bearer, 'hunter22']) {
      const inside = JSON.stringify(secret).slice(1, -1);
      t.false(
        out.includes(secret) || out.includes(inside) || out.includes(encodeURIComponent(secret)),
        `${format}: ${secret}`,
      );
    }
    t.true(out.includes('said ') && out.includes('[redacted]') && out.includes('alpha.example.org'));
    if (format === 'json') for (const line of lines) t.notThrows(() => JSON.parse(line) as unknown, line);
  }
});

test('a pretty line has the time, the level, the event and every member, and a stack below it', (t) => {
  const { log, lines } = logTo({ format: 'pretty' });
  log.info({ event: 'synced', peer_id: 'logline-id://node/bob', duration_ms: 12, detail: 'two words' });
  t.regex(
    lines[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}synced peer_id=logline-id:\/\/node\/bob duration_ms=12 detail="two words"\n$/,
  );
  log.error({ event: 'request_failed', err: new Error('broken') });
  t.regex(lines[1] ?? '', / ERROR request_failed\n {4}Error: broken\n {4} +at /);
});
