/** What the benchmark asks of a system: each driver says how its system opens, appends, meets another and closes. */

/** One event of the workload, as every system gets it. */
export interface BenchSpan {
  readonly id: string;
  readonly timestamp: string;
  readonly [member: string]: unknown;
}

export interface DriverOptions {
  /** `A` writes and is joined, `B` is empty and joins. */
  readonly role: Role;
  /** An existing directory of this process alone. */
  readonly dir: string;
}

export type Role = 'A' | 'B';

/** One process of a system. Two of them, A and B, replicate to each other. */
export interface Driver {
  /** Spans a call when a history is filled and nobody measures it. */
  readonly fillBatch: number;
  /** How often it may be asked for its count without being slowed down by it, ms. */
  readonly pollMs: number;
  open(): Promise<void>;
  /** Resolves once the system calls it done: durable, where it promises that. */
  append(spans: readonly BenchSpan[]): Promise<void>;
  /** Spans that can be read here, of both roles. */
  count(): number | Promise<number>;
  /** What the other has to know of this one before they meet. */
  identity(): Promise<string> | string;
  meet(identity: string): Promise<void>;
  /** Takes connections; resolves to where. */
  listen(): Promise<string>;
  /** Begins to replicate with the one at `address`. */
  connect(address: string): Promise<void>;
  /** Cuts every connection; `listen` and `connect` mend it. */
  disconnect(): Promise<void>;
  /** Called on A once B has everything, where both directions need a word of their own. */
  joinBack?(): Promise<void>;
  /** Calls back with the id of each span of the other from now on, once it can be read here. */
  onSpan(seen: (id: string) => void): Promise<void>;
  /** How many spans of a page of 100 from an instant on; absent where the system has no such index. */
  page?(since: string): Promise<number>;
  /** Sets one member of a span, durably; absent where the system changes nothing after the fact. */
  annotate?(id: string, status: string): Promise<void>;
  /** When the last connection came to be trusted and open, as `nowMs` counts. */
  openedAtMs?(): number | undefined;
  /** Bytes of all connections so far, where the process does not hold the sockets itself. */
  traffic?(): Traffic;
  /** Other processes that belong to it: their CPU time and memory count too. */
  pids?(): readonly number[];
  close(): Promise<void>;
}

export interface Traffic {
  readonly inBytes: number;
  readonly outBytes: number;
}

/** A clock that all processes of this machine share, ms. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
