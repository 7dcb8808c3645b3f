/** A report that costs something to make, shared by all who ask for it: however often that is, it takes a small part of the time. */

/** It may be as old as so many times what it took to make. */
const AGE_FACTOR = 20;

export class SharedReport<T> {
  readonly #make: () => Promise<T>;
  readonly #nowMs: () => number;
  #last: { readonly report: T; readonly freshUntilMs: number } | undefined;
  #making: Promise<T> | undefined;

  constructor(make: () => Promise<T>, nowMs: () => number = () => performance.now()) {
    this.#make = make;
    this.#nowMs = nowMs;
  }

  /** The last one while it is fresh, the one that is being made, or another. Rejects as making it did. */
  get(): Promise<T> {
    if (this.#last !== undefined && this.#nowMs() < this.#last.freshUntilMs)
      return Promise.resolve(this.#last.report);
    this.#making ??= this.#renew().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #renew(): Promise<T> {
    const startedAtMs = this.#nowMs();
    const report = await this.#make();
    const madeAtMs = this.#nowMs();
    this.#last = { report, freshUntilMs: madeAtMs + AGE_FACTOR * (madeAtMs - startedAtMs) };
    return report;
  }
}
