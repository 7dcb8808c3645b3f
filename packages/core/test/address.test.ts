/** Addresses: what is understood, what it becomes, and what is refused. */

import test from 'ava';
import { parseAddress } from '../dist/address.js';

const READ: Readonly<Record<string, string>> = {
  'http://beta.example': 'ws://beta.example:80/v1/federation',
  'https://beta.example': 'wss://beta.example:443/v1/federation',
  'https://beta.example/': 'wss://beta.example:443/v1/federation',
  'HTTPS://Beta.Example.:8443': 'wss://beta.example:8443/v1/federation',
  'ws://10.0.0.7:3000': 'ws://10.0.0.7:3000/v1/federation',
  'wss://beta.example/v1/federation': 'wss://beta.example:443/v1/federation',
  'wss://beta.example/v1/federation/': 'wss://beta.example:443/v1/federation',
  'https://example.org/logline': 'wss://example.org:443/logline/v1/federation',
  'localhost:3000': 'ws://localhost:3000/v1/federation',
  'node_1-a:1': 'ws://node_1-a:1/v1/federation',
  '127.0.0.1:65535': 'ws://127.0.0.1:65535/v1/federation',
  '[::1]:3000': 'ws://[::1]:3000/v1/federation',
  'http://[2001:DB8:0:0:1:0:0:1]': 'ws://[2001:db8::1:0:0:1]:80/v1/federation',
  '[::ffff:127.0.0.1]:1': 'ws://[::ffff:7f00:1]:1/v1/federation',
  '[1:2:3:4:5:6:7:8]:1': 'ws://[1:2:3:4:5:6:7:8]:1/v1/federation',
  '[::]:1': 'ws://[::]:1/v1/federation',
  '[1:2:3:4:5:6:7::]:1': 'ws://[1:2:3:4:5:6:7:0]:1/v1/federation',
};

const REFUSED = [
  '',
  'localhost',
  'localhost:3000/path',
  'http://',
  'http://:80',
  'http://user@host',
  'http://user:pass@host',
  'http://host#fragment',
  'http://host?query',
  'http://host/path?query',
  'host:0',
  'host:65536',
  'host:123456',
  'host:',
  'host:-1',
  'host:1e3',
  'ftp://host',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'ws+unix:/tmp/socket',
  '//host:80',
  'http:/host',
  'http://ho st',
  'http://host\n',
  'http://hôst',
  'http://host%00',
  'http://-host',
  'http://host..example',
  'http://.',
  'http://host/../secret',
  'http://host/a%2fb',
  'http://host\\@evil',
  '0x7f.1:80',
  '127.1:80',
  '2130706433:80',
  '0177.0.0.1:80',
  '127.0.0.256:80',
  '1.2.3.4.5:80',
  '::1:80',
  '[::1]',
  '[::1:80',
  '[1::2::3]:80',
  '[1:2:3:4:5:6:7:8:9]:80',
  '[1:2:3:4:5:6:7]:80',
  '[12345::]:80',
  '[fe80::1%eth0]:80',
  '[:::]:80',
  '[1.2.3.4]:80',
  '[::1.2.3]:80',
  '[1.2.3.4::]:80',
  `http://${'a'.repeat(64)}`,
  `http://${'a.'.repeat(127)}a`,
  `http://host/${'a'.repeat(2048)}`,
];

test('every spelling of an address becomes one canonical form', (t) => {
  for (const [text, url] of Object.entries(READ)) t.is(parseAddress(text)?.url, url, text);
});

test('a canonical address reads as itself', (t) => {
  for (const url of Object.values(READ)) t.is(parseAddress(url)?.url, url);
});

test('a canonical address means the same to the URL parser that dials it', (t) => {
  for (const url of Object.values(READ)) {
    const { hostname, pathname, protocol } = new URL(url);
    const parsed = parseAddress(url);
    t.is(parsed?.host, hostname.replace(/^\[|\]$/g, ''));
    t.true(pathname.endsWith('/v1/federation'));
    t.is(parsed?.secure, protocol === 'wss:');
  }
});

test('what is no address of a node is refused', (t) => {
  for (const text of REFUSED) t.is(parseAddress(text), undefined, text);
});
