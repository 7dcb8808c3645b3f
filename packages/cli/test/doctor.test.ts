// Doctor names what was planted in real processes, each with the line that mends it, and finds nothing where nothing is.
import test, { type ExecutionContext } from 'ava';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@logline/federation-core/testing';
import { aheadOf } from '../dist/doctor/node-answers.js';
import { checkDnsName } from '../dist/doctor/check-names.js';
import { checkMulticast } from '../dist/doctor/check-machine.js';
import { distance, readEnvFile } from '../dist/doctor/check-configuration.js';
import { deadUrl, lineOf, logline, startNode, temporaryDirectory, type RunOptions } from './harness.js';
import { startProcess } from './node-process.js';

interface Found {
  readonly subject: string;
  readonly level: string;
  readonly what: string;
  readonly fix: string | null;
}

/** Runs doctor, and hands back a check: that it names `what` of a subject, with a line like `fix`. */
async function diagnose(
  t: ExecutionContext,
  node: { readonly url: string },
  options: RunOptions & { readonly argv?: readonly string[] } = {},
): Promise<{
  readonly code: number | null;
  readonly findings: readonly Found[];
  readonly names: (level: string, subject: string, what: RegExp, fix: RegExp) => void;
}> {
  const { argv = [], ...rest } = options;
  const { code, out, err } = await logline(node, ['doctor', ...argv, '--json'], rest);
  t.is(err, '');
  const { findings } = JSON.parse(out) as { readonly findings: readonly Found[] };
  const names = (level: string, subject: string, what: RegExp, fix: RegExp): void => {
    const isNamed = findings.some(
      (one) =>
        one.level === level && one.subject === subject && what.test(one.what) && fix.test(one.fix ?? ''),
    );
    t.true(isNamed, `${subject} ${String(what)} not in ${JSON.stringify(findings, undefined, 1)}`);
  };
  return { code, findings, names };
}

test('doctor finds nothing wrong with two nodes that are well', async (t) => {
  const [alice, bob] = await Promise.all([startNode(t, { name: 'alice' }), startNode(t, { name: 'bob' })]);
  for (const [here, there] of [
    [alice, bob],
    [bob, alice],
  ] as const)
    await logline(here, ['trust', 'add', '--peer', there.url]);
  await logline(alice, ['trust', 'add', '--peer', bob.url, '--wait']);
  const env = {
    FEDERATION_NODE_NAME: 'alice',
    FEDERATION_NETWORK_KEY: 'a network of tests',
    FEDERATION_BIND_HOST: '127.0.0.1',
  };
  const { code, findings } = await diagnose(t, alice, { env });
  t.is(code, 0);
  const well = findings.filter(({ level }) => level === 'ok').map(({ subject }) => subject);
  t.deepEqual(
    [...new Set(well)].filter((subject) => !['mdns', 'disk'].includes(subject)),
    [
      'connectivity',
      'access',
      'health',
      'clock',
      'peers',
      'dns',
      'first contact',
      'security',
      'configuration',
    ],
  );
  t.deepEqual(
    findings.filter(
      ({ level, subject }) => level === 'problem' || (level === 'warning' && subject !== 'mdns'),
    ),
    [],
  );
  const text = await logline(alice, ['doctor'], { env, isTTY: true });
  t.is(text.code, 0);
  t.regex(text.out, /ok .*connectivity.*logline-id:\/\/node\/alice answers at/);
});

test('doctor names what is wrong in and around real processes, each with the line that mends it', async (t) => {
  const [alice, bob, carol] = await Promise.all([
    startProcess(t, { FEDERATION_NODE_NAME: 'alice', FEDERATION_TENANTS: 'acme' }, { fileBlocksMost: 256 }),
    startProcess(t, { FEDERATION_NODE_NAME: 'bob', FEDERATION_TENANTS: 'acme' }, { aheadMs: 7_200_000 }),
    startProcess(t, { FEDERATION_NODE_NAME: 'carol', FEDERATION_ADMIN_TOKEN: 'a-secret-of-carol' }),
  ]);
  const gone = await deadUrl();
  const trust = (node: { readonly url: string }, peer: string): Promise<unknown> =>
    logline(node, ['trust', 'add', '--peer', peer]);
  await trust(alice, `${bob.url}#${bob.fingerprint}`);
  await trust(bob, `${alice.url}#${alice.fingerprint}`);
  await trust(alice, carol.url);
  await trust(alice, gone);
  await eventually('alice knows how wrong the clock of bob is', async () => {
    const { out } = await logline(alice, ['nodes', '--json']);
    return /"clock_skew_ms": 7\d{6}/.test(out) && out.includes(bob.fingerprint);
  });
  // The disk is full for alice.
  const bulk = Array.from({ length: 40 }, (_, n) =>
    lineOf(n, { bulk: randomBytes(20_000).toString('base64') }),
  );
  const { code: broken } = await logline(alice, ['spans', 'import', '--tenant', 'acme'], {
    stdin: [Buffer.from(bulk.join('\n'))],
  });
  t.is(broken, 1);
  await chmod(join(alice.dataDir, 'node.key'), 0o644);

  const env = {
    FEDERATION_DATA_DIR: alice.dataDir,
    FEDERATION_NODE_NAME: 'alice',
    FEDERATION_TRUSTED_PEERS: `nowhere.invalid:8084,${gone}`,
    FEDERATION_SYNC_INTERVALL: '5',
    LOGLINE_FEDERATION_TOKN: 'x',
  };
  const first = await diagnose(t, alice, { env });
  t.is(first.code, 1);
  first.names('problem', 'disk', /read-only until the node is restarted/, /^df -h/);
  first.names('problem', 'key', /other users can reach the node's key/, /^chmod 600 '.*node\.key'/);
  first.names('problem', 'clock', /clock of logline-id:\/\/node\/bob is 120 min ahead/, /timedatectl/);
  first.names(
    'problem',
    'configuration',
    /nobody reads FEDERATION_SYNC_INTERVALL/,
    /^FEDERATION_SYNC_INTERVAL=/,
  );
  first.names(
    'problem',
    'configuration',
    /nobody reads LOGLINE_FEDERATION_TOKN/,
    /^LOGLINE_FEDERATION_TOKEN=/,
  );
  first.names('problem', 'dns', /nowhere\.invalid .*does not resolve/, /^getent hosts nowhere\.invalid/);
  first.names('problem', 'peers', /ECONNREFUSED/, /^nc -vz 127\.0\.0\.1 \d+/);
  first.names(
    'problem',
    'first contact',
    /showed a key that nobody has confirmed/,
    new RegExp(`^logline federation trust confirm ws://\\S+ ${carol.fingerprint} `),
  );
  first.names(
    'warning',
    'first contact',
    /nothing proves the first contact with/,
    /^FEDERATION_NETWORK_KEY=/,
  );
  first.names('warning', 'security', /no caller is configured/, /^FEDERATION_ADMIN_TOKEN=/);
  first.names('warning', 'configuration', /FEDERATION_TENANTS is not/, /^FEDERATION_TENANTS=/);

  const token = join(await temporaryDirectory(t), 'token');
  await writeFile(token, 'not-the-secret-of-carol', { mode: 0o644 });
  const file = join(await temporaryDirectory(t), 'federation.env');
  await writeFile(
    file,
    '# of carol\nFEDERATION_NODE_NAME="dora"\nFEDERATION_ADMIN_TOKEN=a-secret-of-carol\nexport FEDERATION_CERT_FILE=x.pem\n',
  );
  const second = await diagnose(t, carol, {
    env: { LOGLINE_FEDERATION_TOKEN_FILE: token },
    argv: ['--env-file', file, '--data-dir', bob.dataDir],
  });
  t.is(second.code, 1);
  second.names('problem', 'access', /refuses us \(401\)/, /^export LOGLINE_FEDERATION_TOKEN_FILE=/);
  second.names('warning', 'security', /other users can reach the token/, /^chmod 600/);
  second.names(
    'warning',
    'configuration',
    /says logline-id:\/\/node\/dora/,
    /^export LOGLINE_FEDERATION_URL=/,
  );
  second.names('warning', 'configuration', /without FEDERATION_CA_FILE/, /^FEDERATION_CA_FILE=/);

  const third = await diagnose(t, alice, {
    env: { FEDERATION_NETWORK_KEY: 'a', FEDERATION_NETWORK_KEY_FILE: 'b', FEDERATION_BIND_PORT: 'high' },
    argv: ['--data-dir', bob.dataDir],
  });
  third.names('problem', 'key', /and the node that answers has/, /^export LOGLINE_FEDERATION_URL=/);
  third.names('problem', 'configuration', /NETWORK_KEY is set too/, /^unset FEDERATION_NETWORK_KEY_FILE/);
  third.names('problem', 'configuration', /^FEDERATION_BIND_PORT: expected/, /^unset FEDERATION_BIND_PORT/);

  const nobody = await diagnose(t, { url: gone });
  nobody.names('problem', 'connectivity', /nothing listens at/, /^FEDERATION_BIND_PORT=\d+ npm start/);
  const unknown = await diagnose(t, { url: 'http://nowhere.invalid:8084' });
  unknown.names(
    'problem',
    'dns',
    /nowhere\.invalid of LOGLINE_FEDERATION_URL/,
    /^getent hosts nowhere\.invalid/,
  );
  const tls = await diagnose(t, { url: alice.url.replace('http', 'https') });
  tls.names('problem', 'connectivity', /does not speak https/, /^export LOGLINE_FEDERATION_URL=http:/);
  const text = await logline({ url: gone }, ['doctor'], { isTTY: true });
  t.is(text.code, 1);
  t.regex(text.out, /PROBLEM.*connectivity.*nothing listens.*\n +FEDERATION_BIND_PORT=/);
});

test('a program that keeps the port of multicast DNS to itself is named', async (t) => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '0.0.0.0', resolve));
  t.teardown(() => new Promise<void>((resolve) => socket.close(resolve)));
  const found = await checkMulticast({ port: socket.address().port, group: '224.0.0.251' });
  if (found[0]?.what.includes('no network but itself') === true)
    return t.log('skipped: this machine has no network but itself');
  t.like(found, [{ level: 'warning', subject: 'mdns' }]);
  t.regex(found[0]?.what ?? '', /keeps UDP port \d+ to itself/);
});

test('a name under which DNS finds nobody is named, apart from a DNS server that is silent', async (t) => {
  // Answers whatever it is asked, with the same code and no records: 3 is "no such name".
  const server = createSocket('udp4', (query, from) => {
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8183, 2);
    server.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(resolve)));
  const [nobody] = await checkDnsName('fed.example', [`127.0.0.1:${server.address().port}`]);
  t.regex(nobody?.what ?? '', /nobody is found under FEDERATION_DNS_NAME fed\.example/);
  t.is(nobody?.fix?.startsWith('dig SRV _logline-fed._tcp.fed.example '), true);
  const closed = createSocket('udp4');
  await new Promise<void>((resolve) => closed.bind(0, '127.0.0.1', resolve));
  const { port } = closed.address();
  await new Promise<void>((resolve) => closed.close(resolve));
  const [silent] = await checkDnsName('fed.example', [`127.0.0.1:${port}`]);
  t.regex(silent?.what ?? '', /no DNS server answers/);
});

test('a clock is wrong only by what the time of an answer does not explain', (t) => {
  const asked = { askedAtMs: 10_500, answeredAtMs: 10_900 };
  t.is(aheadOf(10_000, asked), 0);
  t.is(aheadOf(20_000, asked), 9_100);
  t.is(aheadOf(3_000, asked), -6_500);
  t.is(aheadOf(Number.NaN, asked), undefined);
});

test('words are as far apart as the edits between them', (t) => {
  t.is(distance('', 'abc'), 3);
  t.is(distance('kitten', 'sitting'), 3);
  t.is(distance('FEDERATION_TENANT', 'FEDERATION_TENANTS'), 1);
});

test('an environment file is read as Docker and systemd read it', async (t) => {
  const path = join(await temporaryDirectory(t), 'env');
  await writeFile(path, '# A=1\nB=2\nexport C="three = 3"\n\nD=\'\'\nnothing\n');
  t.deepEqual(await readEnvFile(path), { B: '2', C: 'three = 3', D: '' });
});
