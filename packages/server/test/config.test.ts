// What the operator may configure, and what a wrong setting is told.
import { resolve } from 'node:path';
import test from 'ava';
import { LIMITS } from '@logline/federation-core';
import { DEFAULT_ACCESS, readConfig } from '../dist/index.js';

const KEY = 'A'.repeat(42) + 'E';

const messageOf = (env: Record<string, string>): string => {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

test('without any variable the defaults of the specification hold', (t) => {
  t.deepEqual(readConfig({}), {
    name: 'local-node',
    networkKey: '',
    trustedPeers: [],
    bindHost: '0.0.0.0',
    bindPort: 8080,
    dataDir: resolve('./data'),
    tenants: [],
    primaries: new Map(),
    trust: { depth: 1, vouchers: 2, follow: true },
    conflictPolicy: 'timestamp',
    primaryNodes: [],
    caFile: undefined,
    certFile: undefined,
    keyPassphraseFile: undefined,
    allowPrivatePeers: true,
    discovery: { broadcast: false, dnsName: undefined, dnsUpdate: undefined, exchange: true },
    discoveryIntervalMs: 300_000,
    syncIntervalMs: 60_000,
    logLevel: 'info',
    logFormat: 'json',
    access: DEFAULT_ACCESS,
    localOperator: false,
    deadlines: { headersMs: 10_000, bodyMs: 60_000 },
    byHand: false,
    unknownVariables: [],
  });
});

test('an empty variable counts as absent, as compose files leave it', (t) => {
  const env = { FEDERATION_NODE_NAME: '', FEDERATION_BIND_PORT: ' ', FEDERATION_TRUSTED_PEERS: '' };
  t.deepEqual(readConfig(env), readConfig({}));
});

test('peers are read with and without a fingerprint, into canonical addresses', (t) => {
  const { trustedPeers } = readConfig({
    FEDERATION_TRUSTED_PEERS: ` https://alpha.example , bob.example:8080#${KEY},`,
  });
  t.deepEqual(
    trustedPeers.map((peer) => [peer.address, peer.key === undefined ? 0 : peer.key.length]),
    [
      ['wss://alpha.example:443/v1/federation', 0],
      ['ws://bob.example:8080/v1/federation', 32],
    ],
  );
});

test('tenants are a list, or a star for all of them', (t) => {
  t.deepEqual(readConfig({ FEDERATION_TENANTS: 'acme, globex' }).tenants as readonly string[], [
    'acme',
    'globex',
  ]);
  t.is(readConfig({ FEDERATION_TENANTS: '*' }).tenants, '*');
  t.is(readConfig({ FEDERATION_TENANTS: 'acme,*' }).tenants, '*');
});

test('more tenants than a peer can be told of are refused before anything starts', (t) => {
  const tenants = (count: number): string => Array.from({ length: count }, (_, n) => `t${n}`).join(',');
  const most = LIMITS.sharedTenants;
  t.is(readConfig({ FEDERATION_TENANTS: tenants(most) }).tenants.length, most);
  const message = messageOf({ FEDERATION_TENANTS: tenants(most + 1) });
  t.true(
    message.includes(`FEDERATION_TENANTS: expected at most ${most}, got ${most + 1}: share all with *`),
    message,
  );
  t.true(messageOf({ FEDERATION_TENANTS: 'acme,globex,acme' }).includes('names acme twice'));
});

test('intervals are seconds, and port 0 takes any free one', (t) => {
  const config = readConfig({
    FEDERATION_SYNC_INTERVAL: '5',
    FEDERATION_DISCOVERY_INTERVAL: '7',
    FEDERATION_BIND_PORT: '0',
  });
  t.deepEqual([config.syncIntervalMs, config.discoveryIntervalMs, config.bindPort], [5000, 7000, 0]);
});

test('files of the node’s key and certificate are paths, and private peers can be turned off', (t) => {
  const config = readConfig({
    FEDERATION_CA_FILE: 'ca.pem',
    FEDERATION_CERT_FILE: 'node.pem',
    FEDERATION_KEY_PASSPHRASE_FILE: 'passphrase',
    FEDERATION_ALLOW_PRIVATE_PEERS: 'OFF',
  });
  t.like(config, {
    caFile: resolve('ca.pem'),
    certFile: resolve('node.pem'),
    keyPassphraseFile: resolve('passphrase'),
    allowPrivatePeers: false,
  });
});

const BAD: readonly (readonly [variable: string, value: string, expected: string, shown: string])[] = [
  ['FEDERATION_NODE_NAME', '-nope', 'letters, digits', '"-nope"'],
  ['FEDERATION_NODE_NAME', 'n'.repeat(65), 'up to 64', 'nnn'],
  ['FEDERATION_NODE_NAME', 'ann smith', 'letters, digits', '"ann smith"'],
  ['FEDERATION_NETWORK_KEY', 'k'.repeat(1025), 'at most 1024', '1025'],
  ['FEDERATION_TRUSTED_PEERS', 'alpha', 'host:port', '"alpha"'],
  ['FEDERATION_TRUSTED_PEERS', 'ftp://alpha', 'host:port', '"ftp://alpha"'],
  ['FEDERATION_TRUSTED_PEERS', 'alpha:1#abc', '43 characters', '"alpha:1#abc"'],
  ['FEDERATION_TRUSTED_PEERS', 'a.example:80,ws://a.example', 'twice', 'ws://a.example:80'],
  ['FEDERATION_BIND_PORT', '65536', '0 to 65535', '"65536"'],
  ['FEDERATION_BIND_PORT', '-1', '0 to 65535', '"-1"'],
  ['FEDERATION_BIND_PORT', '80.5', '0 to 65535', '"80.5"'],
  ['FEDERATION_BIND_PORT', '0x50', '0 to 65535', '"0x50"'],
  ['FEDERATION_BIND_HOST', 'a b', 'an IP address', '"a b"'],
  ['FEDERATION_DATA_DIR', 'a\0b', 'a path', '"a\\u0000b"'],
  ['FEDERATION_TENANTS', 'acme,glo bex', 'tenant names', '"glo bex"'],
  ['FEDERATION_CONFLICT_POLICY', 'newest', 'timestamp, priority, manual', '"newest"'],
  ['FEDERATION_PRIMARY_NODES', 'alpha,a b', 'the id, name or fingerprint of a node', '"a b"'],
  ['FEDERATION_CA_FILE', 'a\0b', 'a path', '"a\\u0000b"'],
  ['FEDERATION_ALLOW_PRIVATE_PEERS', 'maybe', 'on or off', '"maybe"'],
  ['FEDERATION_DISCOVERY_INTERVAL', '0', '1 to 86400', '"0"'],
  ['FEDERATION_SYNC_INTERVAL', 'soon', '1 to 86400', '"soon"'],
  ['LOG_LEVEL', 'loud', 'trace, debug', '"loud"'],
];

for (const [variable, value, expected, shown] of BAD) {
  test(`${variable}=${JSON.stringify(value.slice(0, 30))} is refused with what was expected and what came`, (t) => {
    const message = messageOf({ [variable]: value });
    t.true(message.includes(`${variable}: `), message);
    t.true(message.includes(expected), message);
    t.true(message.includes(shown), message);
    t.is(message.split('\n').length, 2, message);
  });
}

test('one message lists every problem, each on its own line', (t) => {
  const env = {
    FEDERATION_NODE_NAME: '-',
    FEDERATION_TRUSTED_PEERS: 'alpha,beta',
    FEDERATION_BIND_PORT: 'http',
    FEDERATION_SYNC_INTERVAL: '0',
    LOG_LEVEL: 'loud',
  };
  const lines = messageOf(env).split('\n').slice(1);
  const names = lines.map((line) => line.trim().split(':')[0]);
  t.deepEqual(names, [
    'FEDERATION_NODE_NAME',
    'FEDERATION_TRUSTED_PEERS',
    'FEDERATION_TRUSTED_PEERS',
    'FEDERATION_BIND_PORT',
    'FEDERATION_SYNC_INTERVAL',
    'LOG_LEVEL',
  ]);
});

test('no secret is shown, neither a network key nor a password in an address', (t) => {
  const secret = 'hunter2';
  const message = messageOf({
    FEDERATION_NETWORK_KEY: secret.repeat(200),
    FEDERATION_TRUSTED_PEERS: `https://ann:${secret}@alpha.example,ann:${secret}@beta.example:80#${KEY}`,
  });
  t.true(message.includes('FEDERATION_NETWORK_KEY') && message.includes('FEDERATION_TRUSTED_PEERS'));
  t.false(message.includes(secret), message);
});

test('variables that look meant for this service and are not known are noted', (t) => {
  const env = { FEDERATION_TRUSTED_PEER: 'alpha:80', FEDERATION_TENANTS: 'acme', HOME: '/' };
  t.deepEqual(readConfig(env).unknownVariables, ['FEDERATION_TRUSTED_PEER']);
});

test('a tenant may name the key of its primary, and how far trust reaches is a few numbers', (t) => {
  const key = new Uint8Array(32).fill(7);
  const fingerprint = Buffer.from(key).toString('base64url');
  const config = readConfig({
    FEDERATION_TENANTS: `acme@${fingerprint}, globex`,
    FEDERATION_TRUST_DEPTH: '2',
    FEDERATION_TRUST_VOUCHERS: '3',
    FEDERATION_FOLLOW_REVOCATIONS: 'off',
  });
  t.deepEqual(config.tenants as readonly string[], ['acme', 'globex']);
  t.deepEqual(
    [...config.primaries].map(([tenant, pinned]) => [String(tenant), [...pinned]]),
    [['acme', [...key]]],
  );
  t.deepEqual(config.trust, { depth: 2, vouchers: 3, follow: false });
  for (const wrong of [
    { FEDERATION_TENANTS: `*@${fingerprint}` },
    { FEDERATION_TENANTS: 'acme,acme' },
    { FEDERATION_TRUST_DEPTH: '0' },
    { FEDERATION_TRUST_VOUCHERS: 'many' },
    { FEDERATION_FOLLOW_REVOCATIONS: 'maybe' },
  ])
    t.throws(() => readConfig(wrong), { message: new RegExp(Object.keys(wrong)[0] ?? '') });
});
