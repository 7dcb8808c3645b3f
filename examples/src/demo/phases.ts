/** What each step of the demo cost: seconds, and bytes and entries on the two links. */

import type { Network } from './network.js';
import { figure, seconds, size, type Story } from './story.js';
import { difference, type Traffic } from './traffic.js';

interface Phase {
  readonly name: string;
  readonly ms: number;
  readonly traffic: Traffic | undefined;
}

export class Phases {
  readonly #network: Network;
  readonly #done: Phase[] = [];

  constructor(network: Network) {
    this.#network = network;
  }

  /** Does a step and resolves to its milliseconds. */
  async run(name: string, work: () => Promise<void>): Promise<number> {
    const before = this.#network.traffic;
    const startedAtMs = performance.now();
    await work();
    const ms = performance.now() - startedAtMs;
    await this.#network.look();
    this.#done.push({ name, ms, traffic: difference(this.#network.traffic, before) });
    return ms;
  }

  /** Notes a step that no link was there for. */
  note(name: string, ms: number): void {
    this.#done.push({ name, ms, traffic: undefined });
  }

  async show(story: Story): Promise<void> {
    await this.#network.look();
    const { alpha, gamma } = this.#network.traffic;
    const ms = this.#done.reduce((sum, phase) => sum + phase.ms, 0);
    story.say(
      'What it took. Bytes are those on the wire, encrypted, as beta counts them; what a link carried in the',
    );
    story.say('last moments before it was lost is not among them.');
    story.table(
      ['step', 'seconds', 'alpha–beta', 'beta–gamma', 'entries sent'],
      [
        ...this.#done.map((phase) => rowOf(phase.name, phase.ms, phase.traffic)),
        rowOf('in all', ms, { alpha, gamma }),
      ],
    );
  }
}

function rowOf(name: string, ms: number, traffic: Traffic | undefined): readonly string[] {
  if (traffic === undefined) return [name, seconds(ms), '', '', ''];
  const { alpha, gamma } = traffic;
  return [
    name,
    seconds(ms),
    size(alpha.bytes),
    size(gamma.bytes),
    figure(alpha.entriesSent + gamma.entriesSent),
  ];
}
