/** Nodes on one local network find each other by multicast DNS, and Avahi sees the same. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../support/server-process.js';
import { Lan, type Host } from './lan.js';
import { Machine } from './machine.js';

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;
const AVAHI = `[server]
use-ipv4=yes
use-ipv6=no
allow-interfaces=eth0
[publish]
publish-workstation=no
`;

/** Avahi on a machine of its own, with its own message bus. */
async function openAvahi(
  t: ExecutionContext,
  lan: Lan,
): Promise<{ readonly host: Host; readonly env: NodeJS.ProcessEnv }> {
  const host = await lan.host();
  const folder = await tempDir(t);
  const socket = join(folder, 'bus');
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` };
  await writeFile(join(folder, 'bus.conf'), BUS.replace('SOCKET', socket));
  await writeFile(join(folder, 'avahi.conf'), AVAHI);
  const bus = host.start([
    'dbus-daemon',
    `--config-file=${join(folder, 'bus.conf')}`,
    '--nofork',
    '--print-address',
  ]);
  await bus.says(/unix:path/);
  const daemon = host.start(
    ['avahi-daemon', '-f', join(folder, 'avahi.conf'), '--no-drop-root', '--no-chroot', '--no-rlimits'],
    { env },
  );
  await daemon.says(/Server startup complete/);
  return { host, env };
}

test.serial(
  'three nodes that know names, one network key and fingerprints become verified; a fourth with another key stays out',
  async (t) => {
    const lan = await Lan.open(t);
    const [alice, bob, carol, dave] = await Promise.all(
      ['alice', 'bob', 'carol', 'dave'].map((name) => Machine.open(t, lan, name)),
    );
    if (alice === undefined || bob === undefined || carol === undefined || dave === undefined)
      return t.fail('four machines');
    const avahi = await openAvahi(t, lan);
    await Promise.all([
      alice.start([bob, carol, dave]),
      bob.start([alice, carol, dave]),
      carol.start([alice, bob, dave]),
      // Listed by all, and lists all: only its network is another one.
      dave.start([alice, bob, carol], { env: { FEDERATION_NETWORK_KEY: 'another network' } }),
    ]);
    await alice.meets(bob, carol);
    await bob.meets(alice, carol);
    await carol.meets(alice, bob);
    await alice.append('said on one machine');
    await carol.shows('said on one machine');

    const found = await alice.ask('/v1/nodes/discover', { discovery_method: 'broadcast' });
    t.regex(found, /"other_networks":[1-9]/);
    for (const { id, status, trust_level } of await dave.nodes())
      t.like({ status, trust_level }, { status: 'disconnected', trust_level: 'pending' }, id ?? '');
    for (const machine of [alice, bob, carol]) {
      const shown = (await machine.nodes()).find(({ id }) => id === 'logline-id://node/dave');
      t.like(shown, { status: 'disconnected', trust_level: 'pending' });
      t.false(machine.program.said.includes('"event":"link_refused","peer_id":"logline-id://node/dave"'));
    }

    // Avahi sees us, and we see what Avahi publishes: as unknown.
    const browse = ['avahi-browse', '--resolve', '--parsable', '--terminate', '_logline-fed._tcp'];
    const seen = await eventually('Avahi sees all four', async () => {
      const lines = (await avahi.host.run(browse, avahi.env))
        .split('\n')
        .filter((line) => line.startsWith('='));
      return lines.length >= 4 && lines;
    });
    const ofAlice = seen.find((line) => line.includes(';alice-')) ?? '';
    t.regex(ofAlice, new RegExp(`;${alice.host.ip.replaceAll('.', '\\.')};8080;`));
    for (const text of [
      '"txtvers=1"',
      '"id=logline-id://node/alice"',
      /"v=\d+\.\d+\.\d+"/,
      /"net=[\w-]{16}"/,
    ])
      t.true(
        typeof text === 'string' ? ofAlice.includes(text) : text.test(ofAlice),
        `${String(text)} in ${ofAlice}`,
      );
    const publisher = avahi.host.start(
      [
        'avahi-publish',
        '-s',
        'ghost',
        '_logline-fed._tcp',
        '9000',
        'txtvers=1',
        'id=logline-id://node/ghost',
        'v=0.1.0',
      ],
      { env: avahi.env },
    );
    const address = `ws://${avahi.host.ip}:9000/v1/federation`;
    const ghost = await eventually('alice sees the ghost', async () =>
      (await alice.nodes()).find((node) => node.address === address),
    );
    t.like(ghost, { id: null, trust_level: 'unknown', method: 'broadcast' });
    await publisher.stop();
    await eventually('the ghost is gone', async () =>
      (await alice.nodes()).every((node) => node.address !== address),
    );

    // Who stops says so.
    await bob.program.stop();
    await eventually(
      'Avahi has heard that bob is gone',
      async () => !(await avahi.host.run(browse, avahi.env)).includes(';bob-'),
    );
    await alice.meets(carol);
    t.pass();
  },
);

test.serial('a flood of announcements leaves the peers alone and the table bounded', async (t) => {
  const lan = await Lan.open(t);
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Machine.open(t, lan, name)));
  if (alice === undefined || bob === undefined) return t.fail('two machines');
  const avahi = await openAvahi(t, lan);
  await Promise.all([alice.start([bob]), bob.start([alice])]);
  await alice.meets(bob);
  // A hundred services of one machine, as fast as Avahi announces them.
  for (let n = 0; n < 100; n++)
    avahi.host.start(
      [
        'avahi-publish',
        '-s',
        `flood-${n}`,
        '_logline-fed._tcp',
        String(10_000 + n),
        'txtvers=1',
        `id=logline-id://node/flood-${n}`,
        'v=0.1.0',
      ],
      { env: avahi.env },
    );
  await eventually('alice has seen many', async () => (await alice.nodes()).length > 50, {
    timeoutMs: 30_000,
  });
  await alice.append('said in a flood');
  await bob.shows('said in a flood');
  const nodes = await alice.nodes();
  t.true(nodes.length <= 130, `${nodes.length} nodes`);
  t.deepEqual(
    nodes.filter(({ trust_level }) => trust_level !== 'unknown').map(({ id }) => id),
    ['logline-id://node/bob'],
  );
});
