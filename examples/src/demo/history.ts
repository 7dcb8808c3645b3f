/** Files of spans, one to a line, plain or gzipped: their bytes for an upload, and the ids that must come back. */

import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DemoProblem } from './options.js';

export interface SpanName {
  readonly tenant: string;
  readonly id: string;
}

export interface History {
  readonly path: string;
  readonly name: string;
  /** The span of every line that is not empty, in the order of the file. */
  readonly spans: readonly SpanName[];
}

/** Reads which spans a file holds. Throws a `DemoProblem` that names the line that the demo could not find again. */
export async function readHistory(path: string): Promise<History> {
  const name = basename(path);
  const spans: SpanName[] = [];
  let lines = 0;
  try {
    for await (const line of createInterface({ input: openHistory(path), crlfDelay: Infinity })) {
      lines++;
      if (line.trim() === '') continue;
      const found = nameOf(line);
      if (found === undefined) {
        throw new DemoProblem(
          `${name}, line ${lines}: expected a span as JSON with id and tenant_id, by which it is looked for in the end; correct the line or leave it out`,
        );
      }
      spans.push(found);
    }
  } catch (error) {
    if (error instanceof DemoProblem) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DemoProblem(`${path} cannot be read (${reason}): is it complete?`);
  }
  return { path, name, spans };
}

/** The file's text as bytes, unpacked. */
export function openHistory(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith('.gz')) return file;
  const unpacked = createGunzip();
  file.on('error', (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}

function nameOf(line: string): SpanName | undefined {
  let span: unknown;
  try {
    span = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof span !== 'object' || span === null) return undefined;
  const { id, tenant_id: tenant } = span as { readonly id?: unknown; readonly tenant_id?: unknown };
  return typeof id === 'string' && typeof tenant === 'string' ? { tenant, id } : undefined;
}
