/** The folder of a run: the nodes' data, their logs, and a note by which a later run finds its way. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpanName } from './history.js';
import { DemoProblem } from './options.js';
import { freePorts } from './server-process.js';

/** Peers remember each other by address, so a later run uses the same ports. */
export interface Ports {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  /** The two ends of the cable between beta and gamma. */
  readonly cableToBeta: number;
  readonly cableToGamma: number;
}

export interface Note {
  readonly ports: Ports;
  /** The spans of the live writers of earlier runs that a node acknowledged. */
  readonly live: readonly SpanName[];
}

const NOTE = 'demo.json';

export class RunFolder {
  readonly path: string;
  /** Whether an earlier run left its data here. */
  readonly isReused: boolean;
  readonly #isTemporary: boolean;
  #note: Note;

  private constructor(
    path: string,
    note: Note,
    is: { readonly reused: boolean; readonly temporary: boolean },
  ) {
    this.path = path;
    this.isReused = is.reused;
    this.#isTemporary = is.temporary;
    this.#note = note;
  }

  /** Opens a folder, or a new one in the system's temporary folder. Rejects with a `DemoProblem`. */
  static async open(dir: string | undefined): Promise<RunFolder> {
    const path = dir ?? mkdtempSync(join(tmpdir(), 'logline-demo-'));
    mkdirSync(path, { recursive: true });
    const notePath = join(path, NOTE);
    if (existsSync(notePath)) {
      return new RunFolder(path, readNote(notePath), { reused: true, temporary: false });
    }
    if (readdirSync(path).length > 0) {
      throw new DemoProblem(
        `--dir: ${path} holds something else; name an empty folder or one of an earlier run`,
      );
    }
    const [alpha = 0, beta = 0, gamma = 0, cableToBeta = 0, cableToGamma = 0] = await freePorts(5);
    const note = { ports: { alpha, beta, gamma, cableToBeta, cableToGamma }, live: [] };
    const folder = new RunFolder(path, note, { reused: false, temporary: dir === undefined });
    folder.#save();
    return folder;
  }

  get ports(): Ports {
    return this.#note.ports;
  }

  get live(): readonly SpanName[] {
    return this.#note.live;
  }

  dataDirOf(node: string): string {
    return join(this.path, node);
  }

  logPathOf(node: string): string {
    return join(this.path, `${node}.log`);
  }

  /** Notes acknowledged spans, so that a later run asks for them too. */
  addLive(spans: readonly SpanName[]): void {
    this.#note = { ...this.#note, live: [...this.#note.live, ...spans] };
    this.#save();
  }

  /** Removes a temporary folder; one that was named stays. */
  remove(): void {
    if (this.#isTemporary) rmSync(this.path, { recursive: true, force: true });
  }

  #save(): void {
    writeFileSync(join(this.path, NOTE), `${JSON.stringify(this.#note)}\n`);
  }
}

function readNote(path: string): Note {
  try {
    const { ports, live } = JSON.parse(readFileSync(path, 'utf8')) as Note;
    const { alpha, beta, gamma, cableToBeta, cableToGamma } = ports;
    const isComplete = [alpha, beta, gamma, cableToBeta, cableToGamma].every(Number.isInteger);
    if (isComplete && Array.isArray(live)) return { ports, live };
  } catch {
    // The same advice helps as for a note that is incomplete.
  }
  throw new DemoProblem(`--dir: ${path} is not a note of this demo; name another folder`);
}
