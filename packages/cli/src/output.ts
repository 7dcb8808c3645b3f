/** The two streams of a command: results on stdout, everything else on stderr, with colours where they are wanted. */

import Table from 'cli-table3';
import type { Writable } from 'node:stream';
import picocolors from 'picocolors';

export type Stream = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
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

  /** A result as one JSON document. */
  json(value: unknown): Promise<void> {
    return this.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  line(text = ''): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Raw text; resolves when the reader has taken it. */
  write(text: string): Promise<void> {
    return writeTo(this.#io.stdout, text);
  }

  /** For people only, beside the result. */
  note(text: string): Promise<void> {
    return this.isJson ? Promise.resolve() : writeTo(this.#io.stderr, `${text}\n`);
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const table = new Table({
      head: head.map((name) => this.colors.bold(name)),
      chars: BLANK,
      style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
    });
    table.push(...rows.map((row) => [...row]));
    return this.line(trimmedLines(table.toString()));
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
