/** The last step before a line of the log leaves the process: no secret, nothing that drives a terminal, and the wished shape. */

export type LogFormat = 'json' | 'pretty';

/** Shorter secrets are found in innocent text; the configuration does not let those that matter be so short. */
const SECRET_CHARS_LEAST = 8;
const REDACTED = '[redacted]';
/** A JSON Web Token, whoever's it is. */
const TOKEN = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
/** The password of a URL. Bounded, so that a long text costs no more than its length. */
const URL_PASSWORD = /(:\/\/[^\s/"@:]{0,200}):[^\s/"@]{1,200}@/g;
/** What pino leaves as it is and a terminal acts on: C1 controls, DEL, line separators, and marks of writing direction. */
export const UNSHOWN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** How pino begins a line; the specification has the time first. */
const HEAD = /^\{"level":"([A-Z]+)","timestamp":"([^"]*)"/;

/** What is done to every line: one JSON object, with or without the newline behind it. */
export type LineFilter = (line: string) => string;

/** Takes the secrets given out of every line, and whatever looks like a token or a password; the rest stays valid JSON. */
export function createLineFilter(format: LogFormat, secrets: readonly string[]): LineFilter {
  const hidden = secrets
    .filter((secret) => secret.length >= SECRET_CHARS_LEAST)
    // As they stand inside a JSON string.
    .flatMap((secret) => [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length);
  return (line) => {
    let safe = line;
    for (const secret of hidden) safe = safe.replaceAll(secret, REDACTED);
    safe = safe.replaceAll(TOKEN, REDACTED).replaceAll(URL_PASSWORD, `$1:${REDACTED}@`);
    safe = safe.replaceAll(UNSHOWN, escapeOf).replace(HEAD, '{"timestamp":"$2","level":"$1"');
    return format === 'pretty' ? pretty(safe) : safe;
  };
}

/** These characters stand only inside strings, so that the line means the same. */
function escapeOf(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** For people at a terminal: time, level, event, then every member as `name=value`, where texts keep their quotes and escapes. */
function pretty(line: string): string {
  const { timestamp, level, event, err, msg, ...members } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(members).map(([name, value]) => `${name}=${shown(value)}`);
  if (err === undefined && msg !== undefined) members['msg'] = msg;
  const head = [String(timestamp).slice(11, 23), String(level).padEnd(5), String(event)];
  return `${[...head, ...rest].join(' ')}${stackOf(err)}\n`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value).replaceAll(UNSHOWN, escapeOf);
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : text;
}

/** Where an error came from, a line each; quotes are dropped and escapes stay. */
function stackOf(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack } = err as { readonly stack?: unknown };
  const lines = (typeof stack === 'string' ? stack : JSON.stringify(err)).split('\n');
  return lines
    .map((text) => `\n    ${JSON.stringify(text).slice(1, -1).replaceAll(UNSHOWN, escapeOf)}`)
    .join('');
}
