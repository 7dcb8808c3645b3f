/** What the demo is asked for on its command line. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** The files of spans; the first goes to the first node, and so on round. */
  readonly files: readonly string[];
  /** Where the nodes keep their data for a later run; absent for a folder that goes away afterwards. */
  readonly dir: string | undefined;
  /** How many spans each live writer writes. */
  readonly writes: number;
  /** Cut and kill on data directories that hold a history already, too. */
  readonly faults: boolean;
}

/** What is wrong with the command line or the files, for people: no stack trace helps. */
export class DemoProblem extends Error {}

export const HELP = `Three nodes, one timeline, cut off and merged.

npm run demo                       with the small history in examples/data, starting afresh
npm run demo -- --data DIR         with the *.ndjson and *.ndjson.gz files of a folder
npm run demo -- --dir DIR          keeps the nodes' data in DIR. A second run with the same DIR uploads the same
                                   files again and syncs again, to show that nothing is written or sent twice
npm run demo -- --dir DIR --faults kills and cuts in that second run as well
npm run demo -- --writes N         spans that each live writer writes (default 200)

Ends with 0 only if all three nodes read the same spans in the same order and every acknowledged span is there.`;

const BUNDLED = join(import.meta.dirname, '..', '..', 'data');
const WRITES_DEFAULT = 200;
const WRITES_MOST = 100_000;
const NDJSON = /\.ndjson(\.gz)?$/;

/** Reads the arguments; `undefined` when help is wanted. Throws a `DemoProblem`. */
export function readOptions(args: readonly string[], cwd: string): DemoOptions | undefined {
  const values = parseArguments(args);
  if (values.help === true) return undefined;
  const writes = Number(values.writes ?? WRITES_DEFAULT);
  if (!Number.isInteger(writes) || writes < 1 || writes > WRITES_MOST) {
    throw new DemoProblem(
      `--writes: expected a whole number from 1 to ${WRITES_MOST}, got ${JSON.stringify(values.writes)}`,
    );
  }
  return {
    files: filesIn(values.data === undefined ? BUNDLED : resolve(cwd, values.data)),
    dir: values.dir === undefined ? undefined : resolve(cwd, values.dir),
    writes,
    faults: values.faults === true,
  };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        dir: { type: 'string' },
        writes: { type: 'string' },
        faults: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new DemoProblem(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new DemoProblem(`--data: ${folder} is not a folder: name one with *.ndjson or *.ndjson.gz files`);
  }
  const files = readdirSync(folder)
    .filter((name) => NDJSON.test(name))
    .sort()
    .map((name) => join(folder, name));
  if (files.length === 0) {
    throw new DemoProblem(`--data: no *.ndjson or *.ndjson.gz file is in ${folder}: name another folder`);
  }
  return files;
}
