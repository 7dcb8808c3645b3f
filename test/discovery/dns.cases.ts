/** Nodes find each other by the records of a real name server, where they register themselves. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../support/server-process.js';
import { Lan, type Host, type Program } from './lan.js';
import { Machine } from './machine.js';

const KEY = `key "logline" { algorithm hmac-sha256; secret "${Buffer.alloc(32, 7).toString('base64')}"; };\n`;
const STRANGE_KEY = `key "strange" { algorithm hmac-sha256; secret "${Buffer.alloc(32, 9).toString('base64')}"; };\n`;
const ZONE = `$TTL 60
@ IN SOA ns root ( 1 60 60 60 1 )
@ IN NS ns
ns IN A 10.77.0.1
`;

interface Bind {
  readonly host: Host;
  readonly program: Program;
  /** In the place of resolv.conf. */
  readonly resolver: string;
  readonly env: NodeJS.ProcessEnv;
  readonly dig: (...question: readonly string[]) => Promise<string>;
}

/** BIND with a zone that nodes of one key may change. */
async function openBind(t: ExecutionContext, lan: Lan): Promise<Bind> {
  const host = await lan.host();
  const folder = await tempDir(t);
  const file = (name: string): string => join(folder, name);
  await writeFile(file('tsig.key'), KEY);
  await writeFile(file('zone'), ZONE);
  await writeFile(file('resolv.conf'), `nameserver ${host.ip}\n`);
  await writeFile(
    file('named.conf'),
    `options {
  directory "${folder}"; pid-file "${file('pid')}"; session-keyfile "${file('session')}";
  listen-on { any; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; empty-zones-enable no;
};
controls { };
${KEY}${STRANGE_KEY}
zone "machines.test" { type primary; file "${file('zone')}"; allow-update { key logline; }; };
`,
  );
  const program = host.start(['named', '-g', '-c', file('named.conf')]);
  await program.says(/\brunning\b/);
  const env = {
    FEDERATION_BROADCAST: 'off',
    FEDERATION_DNS_NAME: 'fed.machines.test',
    FEDERATION_DNS_UPDATE_SERVER: host.ip,
    FEDERATION_DNS_UPDATE_KEY_FILE: file('tsig.key'),
    FEDERATION_DISCOVERY_INTERVAL: '2',
  };
  const dig = (...question: readonly string[]): Promise<string> =>
    host.run(['dig', '+short', '+time=2', '+tries=1', `@${host.ip}`, ...question]);
  return { host, program, resolver: file('resolv.conf'), env, dig };
}

const SERVICE = '_logline-fed._tcp.fed.machines.test';

test.serial(
  'three nodes register with BIND, find each other there, and a name server that hangs changes nothing for them',
  async (t) => {
    const lan = await Lan.open(t);
    const bind = await openBind(t, lan);
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => Machine.open(t, lan, name)),
    );
    if (alice === undefined || bob === undefined || carol === undefined) return t.fail('three machines');
    const { resolver, env } = bind;
    await Promise.all([
      alice.start([bob, carol], { resolver, env }),
      bob.start([alice, carol], { resolver, env }),
      carol.start([alice, bob], { resolver, env }),
    ]);
    await alice.meets(bob, carol);
    await bob.meets(carol);
    await eventually(
      'all are registered',
      async () => (await bind.dig(SERVICE, 'SRV')).trim().split('\n').length === 3,
    );
    const target =
      (await bind.dig(SERVICE, 'SRV'))
        .split('\n')
        .find((line) => line.includes(' alice-'))
        ?.split(' ')[3] ?? '';
    t.is((await bind.dig(target, 'A')).trim(), alice.host.ip);
    const text = await bind.dig(target, 'TXT');
    t.regex(text, /"txtvers=1" "id=logline-id:\/\/node\/alice" "v=\d+\.\d+\.\d+" "net=[\w-]{16}"/);

    // The server hangs: those who are connected notice nothing, and whoever asks is told what to check.
    bind.program.signal('SIGSTOP');
    const answer = await alice.ask('/v1/nodes/discover', { discovery_method: 'dns' });
    t.regex(answer, /no answer within .* check FEDERATION_DNS_NAME and the name server/);
    await alice.append('said while the name server hangs');
    await carol.shows('said while the name server hangs');
    await alice.meets(bob, carol);
    t.false(alice.program.said.includes('"event":"peer_disconnected"'));
    // One that starts again finds the others where it met them.
    await bob.program.stop();
    await bob.start([alice, carol], { resolver, env });
    await bob.meets(alice, carol);
    bind.program.signal('SIGCONT');

    // Who stops takes its records back.
    await carol.program.stop();
    await eventually(
      'carol is not registered',
      async () => !(await bind.dig(SERVICE, 'SRV')).includes(' carol-'),
    );
    await eventually('bob is registered again', async () =>
      (await bind.dig(SERVICE, 'SRV')).includes(' bob-'),
    );
  },
);

test.serial('a key that may not change the zone is refused, and the node says so and runs', async (t) => {
  const lan = await Lan.open(t);
  const bind = await openBind(t, lan);
  const alice = await Machine.open(t, lan, 'alice');
  const { resolver } = bind;
  await alice.start([], {
    resolver,
    env: { ...bind.env, FEDERATION_DNS_UPDATE_KEY_FILE: '', FEDERATION_DNS_UPDATE_KEY: STRANGE_KEY },
  });
  await alice.program.says(
    /"event":"discovery_failed","method":"dns","reason":"this node is not announced: the name server refuses/,
  );
  const answer = await alice.ask('/v1/nodes/discover', { discovery_method: 'dns' });
  t.regex(answer, /allow-update/);
  t.is((await bind.dig(SERVICE, 'SRV')).trim(), '');
});

test.serial('nodes behind one name of plain addresses find each other, as in Kubernetes', async (t) => {
  const lan = await Lan.open(t);
  const bind = await openBind(t, lan);
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Machine.open(t, lan, name)));
  if (alice === undefined || bob === undefined) return t.fail('two machines');
  const { host, resolver } = bind;
  const commands = [alice, bob].map((one) => `update add headless.machines.test 5 A ${one.host.ip}`);
  const file = join(await tempDir(t), 'update');
  await writeFile(file, `server ${host.ip}\n${commands.join('\n')}\nsend\n`);
  await host.run(['nsupdate', '-k', bind.env['FEDERATION_DNS_UPDATE_KEY_FILE'] ?? '', file]);
  const env = {
    FEDERATION_BROADCAST: 'off',
    FEDERATION_DNS_NAME: 'headless.machines.test',
    FEDERATION_DISCOVERY_INTERVAL: '2',
  };
  await Promise.all([alice.start([bob], { resolver, env }), bob.start([alice], { resolver, env })]);
  await alice.meets(bob);
  await bob.meets(alice);
  t.pass();
});
