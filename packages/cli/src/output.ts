/** The two streams of a command: results on stdout, everything else on stderr, with colours where they are wanted. */

import Table from 'cli-table3';
import type { Writable } from 'node:stream';
import picocolors from 'picocolors';
import { cleaned, clipped, escapedJson, safeJson } from './text.js';

export type Stream = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** What a command is run in: a process, or a test. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean | undefined };
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

const BLANK = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;

const CELL_CHARS_MOST = 200;
/** What `colors` writes and nothing else that begins with an escape. */
// oxlint-disable-next-line no-control-regex
const OUR_COLORS = /(\u001b\[\d{1,2}m)/;

export class Output {
  readonly colors: Colors;
  readonly isJson: boolean;
  readonly #io: Io;

  constructor(io: Io, options: { readonly isJson: boolean }) {
    this.#io = io;
    this.isJson = options.isJson;
    this.colors = picocolors.createColors(wantsColors(io.stdout, io.env));
  }

  /** Whether someone watches, who would like to see progress. */
  get isWatched(): boolean {
    return this.#io.stderr.isTTY === true && !this.isJson;
  }

  get stderr(): Stream {
    return this.#io.stderr;
  }

  /** Whether someone reads the result itself, rather than a program. */
  get isRead(): boolean {
    return this.#io.stdout.isTTY === true;
  }

  /** A result as one JSON document. */
  json(value: unknown): Promise<void> {
    return this.write(`${safeJson(value, 2)}\n`);
  }

  /** JSON that a server sent, byte for byte; only for a terminal are characters escaped that could steer it. */
  jsonLine(json: string): Promise<void> {
    return this.verbatim(`${json}\n`);
  }

  /** JSON for a program as it came, for a terminal so that it cannot steer it. */
  verbatim(json: string): Promise<void> {
    return this.write(this.isRead ? escapedJson(json) : json);
  }

  /** A line, or some, in which nothing but our own colours steers the terminal, whatever a server has sent. */
  line(text = ''): Promise<void> {
    return this.write(`${this.harmless(text)}\n`);
  }

  /** Raw text; resolves when the reader has taken it. */
  write(text: string): Promise<void> {
    return writeTo(this.#io.stdout, text);
  }

  /** For people only, beside the result. */
  note(text: string): Promise<void> {
    return this.isJson ? Promise.resolve() : writeTo(this.#io.stderr, `${cleaned(text)}\n`);
  }

  /** `text` without what could steer a terminal, but for the colours that `colors` gives where they are wanted. */
  harmless(text: string): string {
    if (!this.colors.isColorSupported) return cleaned(text);
    return text
      .split(OUR_COLORS)
      .map((part, index) => (index % 2 === 1 ? part : cleaned(part)))
      .join('');
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const table = new Table({
      head: head.map((name) => this.colors.bold(name)),
      chars: BLANK,
      style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
    });
    table.push(...rows.map((row) => row.map((cell) => this.#cell(cell))));
    return this.line(trimmedLines(table.toString()));
  }

  /** One line of bounded width: a server must not push everything else off the screen. */
  #cell(text: string): string {
    if (text.length <= CELL_CHARS_MOST) return this.harmless(text.replaceAll(/[\r\n]/g, ' '));
    return this.harmless(
      clipped(
        text
          .split(OUR_COLORS)
          .filter((_, i) => i % 2 === 0)
          .join(''),
        CELL_CHARS_MOST,
      ),
    );
  }

  /** Names and values below one another. */
  facts(facts: readonly (readonly [name: string, value: string])[]): Promise<void> {
    const width = Math.max(...facts.map(([name]) => name.length));
    return this.line(
      facts.map(([name, value]) => `${this.colors.dim(name.padEnd(width))}  ${value}`).join('\n'),
    );
  }
}

/** Writes, and resolves when the reader has taken it. Rejects where there is none any more. */
export function writeTo(stream: Writable, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Whether a write failed because the reader, such as `head`, has seen enough. */
export function isReaderGone(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}

/** https://no-color.org, and FORCE_COLOR for the other way round. */
export function wantsColors(stream: Stream, env: Io['env']): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function trimmedLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
