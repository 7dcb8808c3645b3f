/** What an import of a file remembers, so that another run goes on where this one stopped. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Io } from './output.js';
import type { Place } from './parts.js';

/** What became of the lines so far. */
export interface Totals {
  readonly accepted: number;
  readonly duplicates: number;
  readonly conflicts_total: number;
  readonly rejected_total: number;
}

export interface ImportState {
  readonly version: 1;
  readonly place: Place;
  /** SHA-256 of everything up to the place, in hex: a file that was changed since is another file. */
  readonly hash: string;
  /** A late span that the node took: if it has it no more, nothing of this counts. */
  readonly probe: { readonly id: string; readonly tenant: string | null } | null;
  readonly totals: Totals;
}

/** Keeps one import's state in a file of its own, below `$XDG_STATE_HOME` or `~/.local/state`. */
export class ImportMemory {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** `undefined` where there is no home to keep anything in. */
  static for(
    env: Io['env'],
    what: { readonly path: string; readonly tenant: string | undefined; readonly node: string },
  ): ImportMemory | undefined {
    const home = env['HOME'] ?? '';
    const states = env['XDG_STATE_HOME'] || (home === '' ? '' : join(home, '.local', 'state'));
    if (states === '') return undefined;
    const name = createHash('sha256')
      .update(JSON.stringify([resolve(what.path), what.tenant ?? null, what.node]))
      .digest('hex')
      .slice(0, 32);
    return new ImportMemory(join(states, 'logline', 'imports', `${name}.json`));
  }

  /** What another run left; nothing where it cannot be read, since to begin anew is never wrong. */
  async load(): Promise<ImportState | undefined> {
    try {
      const state = JSON.parse(await readFile(this.#path, 'utf8')) as ImportState;
      const { bytes, lines } = state.place;
      const isWhole =
        state.version === 1 && typeof state.hash === 'string' && typeof state.totals === 'object';
      return isWhole && Number.isSafeInteger(bytes) && Number.isSafeInteger(lines) ? state : undefined;
    } catch {
      return undefined;
    }
  }

  /** Says whether it could: an import does not fail because its place cannot be kept. */
  async save(state: ImportState): Promise<boolean> {
    const part = `${this.#path}.${process.pid}`;
    try {
      await mkdir(join(this.#path, '..'), { recursive: true, mode: 0o700 });
      await writeFile(part, JSON.stringify(state), { mode: 0o600 });
      await rename(part, this.#path);
      return true;
    } catch {
      await rm(part, { force: true }).catch(() => undefined);
      return false;
    }
  }

  async forget(): Promise<void> {
    await rm(this.#path, { force: true }).catch(() => undefined);
  }
}
