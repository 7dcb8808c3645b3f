// What the operator may configure about callers, and what a wrong setting is told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readJwtSecret } from '../dist/config-access.js';
import { DEFAULT_ACCESS, readConfig } from '../dist/index.js';

const folder = mkdtempSync(join(tmpdir(), 'logline-secrets-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function messageOf(env: Record<string, string>): string {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const TOKEN = 'sixteen-and-more-characters';
const SECRET = 'k'.repeat(33);

test('each variable becomes what it says', (t) => {
  const { access } = readConfig({
    FEDERATION_ADMIN_TOKEN: TOKEN,
    FEDERATION_SERVICE_TOKEN: ` ${TOKEN}2 `,
    FEDERATION_JWT_SECRET: SECRET,
    FEDERATION_JWKS_URL: 'http://logline-id:8083/keys',
    FEDERATION_JWT_ISSUERS: 'a, b',
    FEDERATION_RATE_LIMIT: '60',
  });
  t.deepEqual(access, {
    adminToken: TOKEN,
    serviceToken: `${TOKEN}2`,
    jwtSecret: Uint8Array.from(Buffer.from(SECRET)),
    jwksUrl: 'http://logline-id:8083/keys',
    jwtIssuers: ['a', 'b'],
    requestsPerMinute: 60,
    failedLoginsPerMinute: 30,
  });
  t.deepEqual(readConfig({ FEDERATION_ADMIN_TOKEN: '', FEDERATION_RATE_LIMIT: ' ' }).access, DEFAULT_ACCESS);
});

test('a secret for tokens is base64 where it is exactly that, else its own bytes', (t) => {
  const read = (value: string): string | undefined => {
    const result = readJwtSecret(value);
    return 'value' in result ? Buffer.from(result.value).toString('hex') : undefined;
  };
  const bytes = Buffer.alloc(32, 7);
  const base64 = bytes.toString('base64');
  t.is(read(base64), bytes.toString('hex'));
  t.is(read('ab'.repeat(32)), Buffer.from('ab'.repeat(32), 'base64').toString('hex'), 'hex is base64 too');
  for (const raw of [base64.slice(0, -1), `-_${base64.slice(2)}`, `${base64.slice(0, -2)}5=`, SECRET])
    t.is(read(raw), Buffer.from(raw).toString('hex'), raw);
  // 31 bytes, written in 44 characters; and 5 bytes.
  t.is(read(Buffer.alloc(31, 7).toString('base64')), undefined);
  t.is(read('short'), undefined);
  t.is(read('k'.repeat(31)), undefined);
});

test('a secret comes from a file too, without the line break behind it', (t) => {
  const config = readConfig({
    FEDERATION_NETWORK_KEY_FILE: fileOf('network', 'our network\n'),
    FEDERATION_ADMIN_TOKEN_FILE: fileOf('admin', `${TOKEN}\r\n`),
    FEDERATION_SERVICE_TOKEN_FILE: fileOf('service', `${TOKEN}2`),
    FEDERATION_JWT_SECRET_FILE: fileOf('jwt', `${SECRET}\n`),
  });
  t.is(config.networkKey, 'our network');
  t.like(config.access, { adminToken: TOKEN, serviceToken: `${TOKEN}2` });
  t.is(Buffer.from(config.access.jwtSecret ?? []).toString(), SECRET);
  t.deepEqual(config.unknownVariables, []);
});

const BAD: readonly (readonly [variable: string, value: string, expected: string])[] = [
  ['FEDERATION_ADMIN_TOKEN', 'fifteen-letters', 'got 15 characters (not shown): make one with: openssl rand'],
  ['FEDERATION_ADMIN_TOKEN', 'x'.repeat(513), '16 to 512'],
  ['FEDERATION_SERVICE_TOKEN', 'with spaces in between', 'printable ASCII characters without spaces'],
  ['FEDERATION_SERVICE_TOKEN', 'with-ümlauts-in-between', 'printable ASCII'],
  ['FEDERATION_JWT_SECRET', '5byte', 'at least 32 bytes, got 5 (not shown)'],
  ['FEDERATION_JWT_SECRET', Buffer.alloc(24, 7).toString('base64'), 'got base64 of 24 (not shown)'],
  ['FEDERATION_JWKS_URL', 'logline-id/keys', 'https://host/path'],
  ['FEDERATION_JWKS_URL', 'file:///etc/keys.json', 'https://host/path'],
  ['FEDERATION_JWKS_URL', 'https://ann:hunter2@id.example/keys', 'without user, password'],
  ['FEDERATION_JWT_ISSUERS', 'a,b,a', 'names a twice'],
  ['FEDERATION_RATE_LIMIT', '0', 'a whole number from 1 to 1000000, got "0"'],
  ['FEDERATION_RATE_LIMIT', '10/s', 'got "10/s"'],
  ['FEDERATION_RATE_LIMIT', '10', 'none is configured: set FEDERATION_ADMIN_TOKEN'],
  [
    'FEDERATION_ADMIN_TOKEN_FILE',
    '/nowhere/at/all',
    'a file that can be read (ENOENT), got "/nowhere/at/all"',
  ],
  ['FEDERATION_ADMIN_TOKEN_FILE', fileOf('empty', ' \n'), 'a file with one secret'],
  ['FEDERATION_ADMIN_TOKEN_FILE', fileOf('large', 'x'.repeat(70_000)), 'this one has 70000 bytes'],
  ['FEDERATION_NETWORK_KEY_FILE', folder, 'a file that can be read (EISDIR)'],
];

for (const [i, [variable, value, expected]] of BAD.entries()) {
  test(`wrong setting ${i + 1}: ${variable} is refused with the line that helps: ${expected.slice(0, 50)}`, (t) => {
    const message = messageOf({ [variable]: value });
    t.true(message.includes(`${variable}: `), message);
    t.true(message.includes(expected), message);
    t.is(message.split('\n').length, 2, message);
    if (!variable.endsWith('_FILE') && !expected.includes('got "')) t.false(message.includes(value), message);
    t.false(message.includes('hunter2'));
  });
}

test('a secret in a variable and in a file is one too many, and two callers need two tokens', (t) => {
  const both = messageOf({
    FEDERATION_ADMIN_TOKEN: TOKEN,
    FEDERATION_ADMIN_TOKEN_FILE: fileOf('both', TOKEN),
  });
  t.true(both.includes('FEDERATION_ADMIN_TOKEN_FILE: FEDERATION_ADMIN_TOKEN is set too'), both);
  const same = messageOf({ FEDERATION_ADMIN_TOKEN: TOKEN, FEDERATION_SERVICE_TOKEN: TOKEN });
  t.true(same.includes('FEDERATION_SERVICE_TOKEN: is the same as FEDERATION_ADMIN_TOKEN'), same);
  t.false(same.includes(TOKEN) || both.includes(TOKEN));
});

test('what is wrong in a file is told as if it stood in the variable, without showing it', (t) => {
  const message = messageOf({ FEDERATION_JWT_SECRET_FILE: fileOf('short', 'hunter2') });
  t.true(message.includes('FEDERATION_JWT_SECRET: expected at least 32 bytes, got 7 (not shown)'), message);
  t.false(message.includes('hunter2'));
});
