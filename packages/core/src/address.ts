/** Addresses of peers as people, DNS and mDNS give them, read strictly into one canonical form. */

/** Where the federation's WebSocket is on a server. */
export const FEDERATION_PATH = '/v1/federation';

export interface Address {
  /** Canonical: `ws://host:port/v1/federation`, port always written. */
  readonly url: string;
  /** `host:port`, for people and for telling addresses apart. */
  readonly display: string;
  /** Lower case, an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const ADDRESS_CHARS_MAX = 2048;
const HOST_CHARS_MAX = 253;
const PORT_MAX = 65_535;
const SCHEMES: Readonly<Record<string, { readonly secure: boolean; readonly port: number }>> = {
  http: { secure: false, port: 80 },
  https: { secure: true, port: 443 },
  ws: { secure: false, port: 80 },
  wss: { secure: true, port: 443 },
};
const SHAPE = /^(?:([a-z]+):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(\/[^?#]*)?$/i;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const PATH_PART = /^[A-Za-z0-9._~-]+$/;
/** What the WHATWG URL parser would take for an IPv4 address in one of its older spellings. */
const NUMERIC = /^(?:\d+|0x[0-9a-f]*)$/;

/**
 * Reads `http(s)://host[:port][/path]`, `ws(s)://…`, `host:port` and `[v6]:port`; `undefined` for anything else.
 * A path is taken for the prefix under which a proxy serves the node.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > ADDRESS_CHARS_MAX) return undefined;
  const [, schemeName, hostText = '', portText, pathText] = SHAPE.exec(text) ?? [];
  const scheme = SCHEMES[(schemeName ?? 'ws').toLowerCase()];
  if (scheme === undefined || hostText === '') return undefined;
  // Without a scheme there is no default port to assume, and a path would be a guess.
  if (schemeName === undefined && (portText === undefined || pathText !== undefined)) return undefined;

  const port = portText === undefined ? scheme.port : Number(portText);
  const host = parseHost(hostText.toLowerCase());
  const path = parsePath(pathText ?? '');
  if (port < 1 || port > PORT_MAX || host === undefined || path === undefined) return undefined;

  const display = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const url = `${scheme.secure ? 'wss' : 'ws'}://${display}${path}`;
  return { url, display, host, port, secure: scheme.secure };
}

function parseHost(text: string): string | undefined {
  if (text.startsWith('[')) return parseIpv6(text.slice(1, -1));
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const labels = name.split('.');
  if (name.length > HOST_CHARS_MAX || !labels.every((label) => LABEL.test(label))) return undefined;
  // A policy on addresses must not be passed by `0x7f.1`: numbers mean dotted quads or nothing.
  if (NUMERIC.test(labels.at(-1) ?? '')) return isIpv4(labels) ? name : undefined;
  return name;
}

function isIpv4(labels: readonly string[]): boolean {
  return (
    labels.length === 4 && labels.every((label) => /^(?:0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 255)
  );
}

/** RFC 5952 spelling, so that one address has one form. */
function parseIpv6(text: string): string | undefined {
  const halves = expandQuad(text)?.split('::');
  if (halves === undefined || halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  return compress(groups.map((group) => Number.parseInt(group, 16).toString(16)));
}

/** Turns a trailing dotted quad into two groups. */
function expandQuad(text: string): string | undefined {
  const at = text.lastIndexOf(':');
  const quad = text.slice(at + 1);
  if (!quad.includes('.')) return text;
  const labels = quad.split('.');
  if (at < 0 || !isIpv4(labels)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = labels.map(Number);
  return `${text.slice(0, at + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** Writes the first longest run of two or more zero groups as `::`. */
function compress(groups: readonly string[]): string {
  let best = { at: 0, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

function parsePath(text: string): string | undefined {
  const parts = text.split('/').slice(1);
  if (parts.at(-1) === '') parts.pop();
  if (!parts.every((part) => PATH_PART.test(part) && part !== '.' && part !== '..')) return undefined;
  const path = parts.map((part) => `/${part}`).join('');
  return path.endsWith(FEDERATION_PATH) ? path : path + FEDERATION_PATH;
}
