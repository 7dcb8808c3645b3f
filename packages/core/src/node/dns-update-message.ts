/** DNS UPDATE messages (RFC 2136) with TSIG (RFC 8945), byte by byte: nothing of the zone is asked for, little is needed. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { LoglineError } from '../errors.js';

export const TSIG_ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;

/** A secret that is shared with the name server. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: (typeof TSIG_ALGORITHMS)[number];
  readonly secret: Buffer;
}

/** A change of the zone. */
export type Change =
  | { readonly kind: 'add'; readonly name: string; readonly ttl: number; readonly data: RecordData }
  /** That one record. */
  | { readonly kind: 'remove'; readonly name: string; readonly data: RecordData }
  /** Everything that the name has. */
  | { readonly kind: 'clear'; readonly name: string };

export type RecordData =
  /** IPv4 or IPv6. */
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'txt'; readonly strings: readonly string[] }
  | { readonly type: 'srv'; readonly port: number; readonly target: string };

export interface SignedUpdate {
  readonly bytes: Buffer;
  readonly mac: Buffer;
}

const HEADER_BYTES = 12;
const OPCODE_UPDATE = 5 << 11;
const TYPE = { A: 1, SOA: 6, TXT: 16, AAAA: 28, SRV: 33, TSIG: 250, ANY: 255 } as const;
const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
const FUDGE_S = 300;
const STRING_BYTES_MAX = 255;

/** Signed by the key, as of a wall time in seconds. */
export function writeUpdate(
  { id, zone, changes }: { readonly id: number; readonly zone: string; readonly changes: readonly Change[] },
  key: TsigKey,
  nowS: number,
): SignedUpdate {
  const records = changes.map(writeChange);
  const head = [u16(id), u16(OPCODE_UPDATE), u16(1), u16(0), u16(records.length), u16(0)];
  const body = Buffer.concat([...head, writeName(zone), u16(TYPE.SOA), u16(CLASS.IN), ...records]);
  const mac = macOf([body, tsigVariables(key, nowS, 0, Buffer.alloc(0))], key);
  const tsig = Buffer.concat([
    writeName(key.name),
    u16(TYPE.TSIG),
    u16(CLASS.ANY),
    u32(0),
    sized(
      Buffer.concat([writeName(key.algorithm), u48(nowS), u16(FUDGE_S), sized(mac), u16(id), u16(0), u16(0)]),
    ),
  ]);
  const bytes = Buffer.concat([body, tsig]);
  bytes.writeUInt16BE(1, 10);
  return { bytes, mac };
}

/** What a server answered to an update: its code and that of its TSIG; `isSigned` where the key signed it over our request. */
export interface UpdateAnswer {
  readonly rcode: number;
  readonly tsigError: number;
  readonly isSigned: boolean;
}

/** Throws `bad_request` for what is no whole message. */
export function readUpdateAnswer(bytes: Buffer, request: SignedUpdate, key: TsigKey): UpdateAnswer {
  try {
    return readAnswer(bytes, request, key);
  } catch (error) {
    throw new LoglineError('bad_request', 'the name server sends what is no DNS message', { cause: error });
  }
}

function readAnswer(bytes: Buffer, request: SignedUpdate, key: TsigKey): UpdateAnswer {
  const rcode = bytes.readUInt16BE(2) & 0x0f;
  const [questions, ...sections] = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  let at = HEADER_BYTES;
  for (let n = 0; n < (questions ?? 0); n++) at = skipName(bytes, at) + 4;
  const count = sections.reduce((sum, one) => sum + one, 0);
  for (let n = 0; n < count - 1; n++) at = skipRecord(bytes, at);
  if (count === 0) return { rcode, tsigError: 0, isSigned: false };
  const dataAt = skipName(bytes, at) + 10;
  if (bytes.readUInt16BE(dataAt - 10) !== TYPE.TSIG) return { rcode, tsigError: 0, isSigned: false };
  const fieldsAt = skipName(bytes, dataAt);
  const timeS = bytes.readUIntBE(fieldsAt, 6);
  const macBytes = bytes.readUInt16BE(fieldsAt + 8);
  const mac = bytes.subarray(fieldsAt + 10, fieldsAt + 10 + macBytes);
  const tsigError = bytes.readUInt16BE(fieldsAt + 12 + macBytes);
  const other = bytes.subarray(
    fieldsAt + 16 + macBytes,
    fieldsAt + 16 + macBytes + bytes.readUInt16BE(fieldsAt + 14 + macBytes),
  );
  const unsigned = Buffer.from(bytes.subarray(0, at));
  unsigned.writeUInt16BE((sections.at(-1) ?? 1) - 1, 10);
  const expected = macOf([sized(request.mac), unsigned, tsigVariables(key, timeS, tsigError, other)], key);
  return { rcode, tsigError, isSigned: mac.length === expected.length && timingSafeEqual(mac, expected) };
}

/** `key "name" { algorithm hmac-sha256; secret "…"; };`, as `tsig-keygen` writes it. `undefined` for anything else. */
export function parseTsigKey(text: string): TsigKey | undefined {
  const [, name = '', body = ''] = /key\s+"?([A-Za-z0-9._-]{1,253})"?\s*\{([^}]*)\}/.exec(text) ?? [];
  const [, algorithmText = ''] = /algorithm\s+"?([A-Za-z0-9-]+)"?\s*;/i.exec(body) ?? [];
  const [, secretText = ''] = /secret\s+"?([A-Za-z0-9+/=]+)"?\s*;/.exec(body) ?? [];
  const algorithm = TSIG_ALGORITHMS.find((one) => one === algorithmText.toLowerCase());
  const secret = Buffer.from(secretText, 'base64');
  return algorithm === undefined || name === '' || secret.length < 16
    ? undefined
    : { name, algorithm, secret };
}

function writeChange(change: Change): Buffer {
  const name = writeName(change.name);
  if (change.kind === 'clear') return Buffer.concat([name, u16(TYPE.ANY), u16(CLASS.ANY), u32(0), u16(0)]);
  const [type, data] = writeData(change.data);
  const [klass, ttl] = change.kind === 'add' ? [CLASS.IN, change.ttl] : [CLASS.NONE, 0];
  return Buffer.concat([name, u16(type), u16(klass), u32(ttl), sized(data)]);
}

function writeData(data: RecordData): readonly [type: number, bytes: Buffer] {
  switch (data.type) {
    case 'address':
      return isIPv4(data.address)
        ? [TYPE.A, Buffer.from(data.address.split('.').map(Number))]
        : [TYPE.AAAA, bytesOfV6(data.address)];
    case 'txt':
      return [TYPE.TXT, Buffer.concat(data.strings.map(characterString))];
    case 'srv':
      return [TYPE.SRV, Buffer.concat([u16(0), u16(0), u16(data.port), writeName(data.target)])];
    default:
      return data satisfies never;
  }
}

function characterString(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').subarray(0, STRING_BYTES_MAX);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function macOf(parts: readonly Buffer[], { algorithm, secret }: TsigKey): Buffer {
  const hmac = createHmac(algorithm.slice('hmac-'.length), secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function tsigVariables(key: TsigKey, timeS: number, error: number, other: Buffer): Buffer {
  return Buffer.concat([
    writeName(key.name),
    u16(CLASS.ANY),
    u32(0),
    writeName(key.algorithm),
    u48(timeS),
    u16(FUDGE_S),
    u16(error),
    sized(other),
  ]);
}

/** Lower case and without compression, as what is signed has to be. */
function writeName(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '');
  return Buffer.concat([...labels.map(characterString), Buffer.from([0])]);
}

/** Where a name ends, compressed or not. */
function skipName(bytes: Buffer, from: number): number {
  let at = from;
  for (let length = bytes.readUInt8(at); length !== 0; length = bytes.readUInt8(at)) {
    if (length >= 0xc0) return at + 2;
    at += length + 1;
  }
  return at + 1;
}

function skipRecord(bytes: Buffer, from: number): number {
  const at = skipName(bytes, from);
  return at + 10 + bytes.readUInt16BE(at + 8);
}

function bytesOfV6(address: string): Buffer {
  const [left = '', right] = address.split('::');
  const words = (half: string): number[] =>
    half === '' ? [] : half.split(':').map((word) => Number.parseInt(word, 16));
  const [head, tail] = [words(left), words(right ?? '')];
  const middle = right === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Buffer.concat([...head, ...middle, ...tail].map(u16));
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([u16(bytes.length), bytes]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u48(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}
