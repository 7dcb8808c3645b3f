/** What administrators do, noted in one place before they are answered. */

import type { FederationNode } from '@logline/federation-core';
import type { Context } from 'koa';
import type { Log } from './log-events.js';
import { short } from './logging.js';
import { problemOf } from './problem.js';

export interface Act {
  /** Who: the kind of caller and its name. */
  readonly caller: string;
  readonly method: string;
  /** The route with its parameters filled in, without the query. */
  readonly path: string;
  /** What it was about, for people. */
  readonly summary: string;
  /** `done`, or the code of the error that it ended with. */
  readonly outcome: string;
}

export interface Acts {
  /** Resolves when the act is noted as durably as it will be; the answer waits for it. */
  note(act: Act): Promise<void>;
}

/** An act whose end is not known yet; its summary is asked for at the end. */
export interface ActBegun extends Omit<Act, 'summary' | 'outcome'> {
  readonly summary: () => string;
}

/** Does an act and notes how it ended. Rejects as the act did, or because it could not be noted. */
export async function noting(
  acts: Acts,
  { summary, ...begun }: ActBegun,
  act: () => void | Promise<void>,
): Promise<void> {
  let outcome = 'done';
  try {
    await act();
  } catch (error) {
    outcome = problemOf(error).code;
    throw error;
  } finally {
    await acts.note({ ...begun, summary: summary(), outcome });
  }
}

/** What a handler says its act is about, in place of its route's general summary: never a secret. */
export function summarise(ctx: Context, summary: string): void {
  ctx.state['summary'] = summary;
}

export function summaryOf(ctx: Context): string | undefined {
  const summary: unknown = ctx.state['summary'];
  return typeof summary === 'string' ? summary : undefined;
}

/** Acts as events of the log, and as signed entries of the node's own scope. */
export function openActs(log: Log, node: Pick<FederationNode, 'operator'>): Acts {
  return {
    note(act) {
      const { caller, method, path, summary, outcome } = act;
      log.info({
        event: 'admin_act',
        caller: short(caller),
        method,
        path: short(path),
        summary: short(summary),
        outcome,
      });
      return node.operator.noteAct({ caller, action: `${method} ${path}`, detail: summary, outcome });
    },
  };
}
