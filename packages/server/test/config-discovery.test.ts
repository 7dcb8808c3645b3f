// What the settings of discovery mean, and what is wrong with them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { keyOfFingerprint } from '@logline/federation-core';
import { interfacesOf, reachableAt } from '../dist/config-discovery.js';
import { readConfig } from '../dist/config.js';
import { temporaryDirectory } from './helpers.js';

const KEY = 'Xn3kG0J1aY2ZpQb6r7sTtUuVvWwXxYyZz0123456788';
const TSIG = `key "logline" { algorithm hmac-sha256; secret "${Buffer.alloc(32, 7).toString('base64')}"; };`;

test('a node broadcasts where it has a network key and others can reach it, unless told otherwise', (t) => {
  const broadcasts = (env: NodeJS.ProcessEnv): boolean => readConfig(env).discovery.broadcast;
  t.false(broadcasts({}));
  t.true(broadcasts({ FEDERATION_NETWORK_KEY: 'ours' }));
  t.false(broadcasts({ FEDERATION_NETWORK_KEY: 'ours', FEDERATION_BIND_HOST: '127.0.0.1' }));
  t.true(broadcasts({ FEDERATION_BROADCAST: 'on', FEDERATION_BIND_HOST: '127.0.0.1' }));
  t.false(broadcasts({ FEDERATION_BROADCAST: 'OFF', FEDERATION_NETWORK_KEY: 'ours' }));
  t.throws(() => broadcasts({ FEDERATION_BROADCAST: 'maybe' }), { message: /auto, on or off, got "maybe"/ });
});

test('a peer may be listed by its name and fingerprint alone, wherever it is', (t) => {
  for (const name of ['bob', 'logline-id://node/bob']) {
    const { trustedPeers } = readConfig({ FEDERATION_TRUSTED_PEERS: `${name}#${KEY}` });
    t.deepEqual(trustedPeers, [{ address: 'logline-id://node/bob', key: keyOfFingerprint(KEY) }]);
  }
  t.throws(() => readConfig({ FEDERATION_TRUSTED_PEERS: 'bob' }), { message: /name#fingerprint/ });
});

test('registration by DNS needs a name, a server and a key, which may come from a file', async (t) => {
  const file = join(await temporaryDirectory(t), 'tsig.key');
  await writeFile(file, `${TSIG}\n`);
  const { discovery } = readConfig({
    FEDERATION_DNS_NAME: 'fed.example.org.',
    FEDERATION_DNS_UPDATE_SERVER: '10.0.0.53:5300',
    FEDERATION_DNS_UPDATE_KEY_FILE: file,
  });
  t.is(discovery.dnsName, 'fed.example.org');
  t.like(discovery.dnsUpdate, { server: { host: '10.0.0.53', port: 5300 }, key: { name: 'logline' } });
  const wrong: readonly (readonly [NodeJS.ProcessEnv, RegExp])[] = [
    [{ FEDERATION_DNS_NAME: 'a b' }, /FEDERATION_DNS_NAME: expected a domain/],
    [{ FEDERATION_DNS_NAME: '_logline-fed._tcp' }, /FEDERATION_DNS_NAME: expected a domain/],
    [{ FEDERATION_DNS_UPDATE_SERVER: 'ns:0' }, /FEDERATION_DNS_UPDATE_SERVER: expected a name server/],
    [
      { FEDERATION_DNS_UPDATE_SERVER: 'ns' },
      /set FEDERATION_DNS_UPDATE_KEY_FILE too[^]*set FEDERATION_DNS_NAME too/,
    ],
    [{ FEDERATION_DNS_UPDATE_KEY: TSIG }, /set FEDERATION_DNS_UPDATE_SERVER too/],
    [{ FEDERATION_DNS_UPDATE_KEY: 'hunter2-hunter2' }, /expected a key as tsig-keygen prints it.*not shown/],
  ];
  for (const [env, message] of wrong) {
    const error = t.throws(() => readConfig(env), { code: 'bad_configuration', message });
    t.false(error.message.includes('hunter2'));
  }
});

test('a service that is bound to one address tells of that one alone', (t) => {
  t.deepEqual(interfacesOf('10.0.0.1'), ['10.0.0.1']);
  for (const host of ['0.0.0.0', '::', 'localhost', 'fd00::1']) t.is(interfacesOf(host), undefined, host);
  t.deepEqual(reachableAt('fd00::1'), ['fd00::1']);
  for (const address of reachableAt('0.0.0.0')) t.regex(address, /^(?!127\.)\d+\.\d+\.\d+\.\d+$/);
});
