/** Work that waits for a commit. */

import type { Assertion } from '../assertion.js';
import type { Stamp } from '../clock.js';
import type { AcceptedEntry } from '../storage.js';
import type { GateOutcome } from '../gate.js';
import type { Scope, TenantId } from '../identity.js';
import type { KeyPair } from '../ports.js';
import type { Span, SpanId } from '../span.js';
import type { Statement } from '../statement.js';
import type { AppendResult, RetriedSpans } from './append-plan.js';
import type { Draft } from './draft.js';

/** Outcomes of a frame of entries, up to and including the first fault. */
export interface GatedEntries {
  readonly outcomes: readonly GateOutcome[];
}

/** What a piece of work may write: all of it becomes durable together, or nothing does. */
export interface Pen {
  /** An entry of our own with these statements; under an earlier key of ours where one is given. */
  seal(scope: Scope, statements: readonly Statement[], keyPair?: KeyPair): Promise<AcceptedEntry>;
  fact(name: string, value: Uint8Array): void;
  /** The feeds as they will be. */
  readonly draft: Draft;
}

/** What is to be said of a span, given all that was said before. `after`: our stamp has to be later. */
export interface Saying {
  readonly assertions: readonly Assertion[];
  readonly after: Stamp;
}

interface Waiting {
  readonly bytes: number;
  failed: (error: unknown) => void;
}

export interface AppendJob extends Waiting {
  readonly kind: 'append';
  readonly tenant: TenantId;
  readonly spans: readonly Span[];
  readonly retried: RetriedSpans;
  done: (result: AppendResult) => void;
}

export interface GateJob extends Waiting {
  readonly kind: 'gate';
  readonly entries: readonly Uint8Array[];
  readonly mayReceive: (scope: Scope) => boolean;
  /** Of the entries before those still to be checked: a frame may take several commits. */
  readonly outcomes: GateOutcome[];
  done: (gated: GatedEntries) => void;
}

export interface FactJob extends Waiting {
  readonly kind: 'fact';
  readonly name: string;
  readonly value: Uint8Array;
  done: () => void;
}

export interface WriteJob extends Waiting {
  readonly kind: 'write';
  readonly work: (pen: Pen) => Promise<() => void>;
  done: () => void;
}

export interface SayJob extends Waiting {
  readonly kind: 'say';
  readonly tenant: TenantId;
  readonly span: SpanId;
  /** Called when everything said of the span before is durable and readable. */
  readonly plan: () => Promise<Saying>;
  done: () => void;
}

export type Job = AppendJob | GateJob | FactJob | WriteJob | SayJob;
