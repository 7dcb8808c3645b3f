/** Everything that was measured: by system and figure, one value a repetition. */

/** The order in which they are shown. */
export const SYSTEMS = ['ours', 'hypercore', 'postgres', 'floor', 'floor_signed'] as const;
/** `ours_plain` compresses nothing: it shows what compression brings, and stands in no comparison. */
export type System = (typeof SYSTEMS)[number] | 'ours_plain';

/** What a user would pick instead; the floor is only a yardstick. */
export const PEERS: readonly System[] = ['hypercore', 'postgres'];

export class Samples {
  readonly #values = new Map<string, number[]>();

  /** Adds a measurement; one that is no number was not made. */
  add(system: System, figure: string, value: number | undefined): void {
    if (value === undefined || !Number.isFinite(value)) return;
    const key = `${system} ${figure}`;
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
  }

  of(system: System, figure: string): readonly number[] {
    return this.#values.get(`${system} ${figure}`) ?? [];
  }
}
