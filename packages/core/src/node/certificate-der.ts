/** What we need to know of an X.509 certificate (RFC 5280) beyond what Node tells: a strict reader of exactly that. */

/** A certificate's fields that say what it may be used for. Object identifiers are the hex of their DER content. */
export interface CertificateFields {
  /** 3 for all that have extensions. */
  readonly version: number;
  readonly signatureAlgorithm: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isSelfIssued: boolean;
  readonly extensions: ReadonlyMap<string, Extension>;
}

export interface Extension {
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** What an authority may do; `undefined` members are not said. */
export interface BasicConstraints {
  readonly isAuthority: boolean;
  readonly pathLength: number | undefined;
}

export const OID = {
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAltName: '551d11',
  authorityKeyId: '551d23',
  subjectKeyId: '551d0e',
  nameConstraints: '551d1e',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
  anyExtendedKeyUsage: '551d2500',
} as const;

/** Bits of a key usage, as RFC 5280 §4.2.1.3 numbers them. */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5 } as const;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  version: 0xa0,
  issuerUniqueId: 0x81,
  subjectUniqueId: 0x82,
  extensions: 0xa3,
  uri: 0x86,
} as const;

/** Thrown inside this file only. */
class NotDer extends Error {}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
}

/** `undefined` for bytes that are no certificate, or one in another encoding than DER. */
export function readCertificate(der: Uint8Array): CertificateFields | undefined {
  return attempt(() => {
    const [certificate, ...rest] = readElements(der);
    if (certificate?.tag !== TAG.sequence || rest.length > 0) throw new NotDer();
    const [signed, outer, signature] = readElements(certificate.content);
    if (signed?.tag !== TAG.sequence || outer?.tag !== TAG.sequence || signature?.tag !== TAG.bitString)
      throw new NotDer();
    const fields = readElements(signed.content);
    const version = fields[0]?.tag === TAG.version ? readVersion(fields.shift()) : 1;
    const [serial, inner, issuer, validity, subject, publicKey, ...more] = fields;
    if (serial?.tag !== TAG.integer || publicKey?.tag !== TAG.sequence) throw new NotDer();
    if (!issuer || !subject || !inner || !sameBytes(inner.whole, outer.whole)) throw new NotDer();
    const [notBeforeMs = 0, notAfterMs = 0] = readValidity(validity);
    return {
      version,
      signatureAlgorithm: readOid(readElements(inner.content)[0]),
      notBeforeMs,
      notAfterMs,
      isSelfIssued: sameBytes(issuer.whole, subject.whole),
      extensions: readExtensions(more),
    };
  });
}

export function readBasicConstraints(value: Uint8Array): BasicConstraints | undefined {
  return attempt(() => {
    const parts = readElements(only(value, TAG.sequence).content);
    const isAuthority = parts[0]?.tag === TAG.boolean && readBoolean(parts.shift());
    const [length, ...rest] = parts;
    if (rest.length > 0 || (length !== undefined && !isAuthority)) throw new NotDer();
    return { isAuthority, pathLength: length === undefined ? undefined : readSmallInteger(length) };
  });
}

/** Whether a key usage has a bit; `undefined` for one that cannot be read. */
export function hasKeyUsage(value: Uint8Array, bit: number): boolean | undefined {
  return attempt(() => {
    const [unused = 0, ...bytes] = only(value, TAG.bitString).content;
    if (unused > 7) throw new NotDer();
    return (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
  });
}

/** The object identifiers in a list of them, such as an extended key usage. */
export function readOids(value: Uint8Array): readonly string[] | undefined {
  return attempt(() => readElements(only(value, TAG.sequence).content).map(readOid));
}

/** The URIs among a certificate's alternative names. */
export function readUris(value: Uint8Array): readonly string[] | undefined {
  return attempt(() => {
    const names = readElements(only(value, TAG.sequence).content);
    return names.filter(({ tag }) => tag === TAG.uri).map(({ content }) => asciiOf(content));
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotDer) return undefined;
    throw error;
  }
}

/** The elements that `bytes` consist of: definite lengths in their shortest form, small tags. Never looks inside. */
function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const tag = bytes[at++] ?? 0;
    let length = bytes[at++] ?? 0x80;
    if ((tag & 0x1f) === 0x1f || length === 0x80) throw new NotDer();
    if (length > 0x80) {
      const count = length & 0x7f;
      if (count > 3 || at + count > bytes.length) throw new NotDer();
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0);
      if (length < 0x80 || length < 256 ** (count - 1)) throw new NotDer();
    }
    if (at + length > bytes.length) throw new NotDer();
    at += length;
    elements.push({ tag, content: bytes.subarray(at - length, at), whole: bytes.subarray(start, at) });
  }
  return elements;
}

function only(bytes: Uint8Array, tag: number): Element {
  const [element, ...rest] = readElements(bytes);
  if (element?.tag !== tag || rest.length > 0) throw new NotDer();
  return element;
}

function readVersion(element: Element | undefined): number {
  return readSmallInteger(only(element?.content ?? new Uint8Array(0), TAG.integer)) + 1;
}

function readSmallInteger({ tag, content }: Element): number {
  const [value = 0x80, ...rest] = content;
  if (tag !== TAG.integer || rest.length > 0 || value > 0x7f) throw new NotDer();
  return value;
}

function readBoolean(element: Element | undefined): boolean {
  const [value, ...rest] = element?.content ?? [];
  if (rest.length > 0 || (value !== 0 && value !== 0xff)) throw new NotDer();
  return value === 0xff;
}

function readOid(element: Element | undefined): string {
  if (element?.tag !== TAG.oid || element.content.length === 0) throw new NotDer();
  return Buffer.from(element.content).toString('hex');
}

function readValidity(element: Element | undefined): readonly number[] {
  if (element?.tag !== TAG.sequence) throw new NotDer();
  const times = readElements(element.content).map(readTime);
  if (times.length !== 2) throw new NotDer();
  return times;
}

/** RFC 5280 §4.1.2.5: to the second, in UTC, nothing left out. */
function readTime({ tag, content }: Element): number {
  const text = asciiOf(content);
  const year = tag === TAG.utcTime ? text.slice(0, 2) : text.slice(0, 4);
  const rest = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text.slice(year.length));
  const isTime = tag === TAG.utcTime || tag === TAG.generalizedTime;
  if (!isTime || rest === null || !/^\d+$/.test(year)) throw new NotDer();
  const century = tag === TAG.generalizedTime ? '' : Number(year) < 50 ? '20' : '19';
  const [, month, day, hours, minutes, seconds] = rest;
  const iso = `${century}${year}-${month}-${day}T${hours}:${minutes}:${seconds}.000Z`;
  const ms = Date.parse(iso);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso) throw new NotDer();
  return ms;
}

function readExtensions(elements: readonly Element[]): ReadonlyMap<string, Extension> {
  const uniqueIds: readonly number[] = [TAG.issuerUniqueId, TAG.subjectUniqueId];
  const [holder, ...rest] = elements.filter(({ tag }) => !uniqueIds.includes(tag));
  const extensions = new Map<string, Extension>();
  if (holder === undefined) return extensions;
  if (holder.tag !== TAG.extensions || rest.length > 0) throw new NotDer();
  for (const element of readElements(only(holder.content, TAG.sequence).content)) {
    const parts = readElements(element.content);
    const oid = readOid(parts.shift());
    const isCritical = parts[0]?.tag === TAG.boolean && readBoolean(parts.shift());
    const [value, ...more] = parts;
    if (value?.tag !== TAG.octetString || more.length > 0 || extensions.has(oid)) throw new NotDer();
    extensions.set(oid, { isCritical, value: value.content });
  }
  return extensions;
}

/** Text that is safe to show: printable ASCII, or the bytes are refused. */
function asciiOf(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) throw new NotDer();
  return Buffer.from(bytes).toString('latin1');
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
