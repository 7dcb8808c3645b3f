/** Who can void whom, as a graph of few edges however many ends there are, and its strongly connected components. */

import type { Fingerprint } from './identity.js';
import { barUnder, type End, type FirstStamps } from './trust-bars.js';

/** Ends of one signer that one kind of end can void: by epoch, ascending by seq. */
interface Victims {
  readonly epochs: readonly string[];
  readonly seqs: readonly (readonly number[])[];
  /** For each epoch and place in it: a node that leads to the end there and to all later ones of the epoch. */
  readonly tails: readonly (readonly number[])[];
  /** A binary tree over the epochs, root 1, leaves from `epochs.length`: a node leads to all ends below it. */
  readonly tree: readonly number[];
}

/**
 * The edges "this voids that" over `ends`, whose indexes are the first nodes. Ten thousand revocations of a key with ten
 * thousand ends would be 10^8 edges; auxiliary nodes that stand for "all from here on" keep it near n log n,
 * and change nothing in what is reachable from what.
 */
export function weaveEdges(ends: readonly End[], firstStamps: FirstStamps): readonly (readonly number[])[] {
  const edges: number[][] = ends.map(() => []);
  const revocations = new Map<Fingerprint, number[]>();
  const rotations = new Map<Fingerprint, number[]>();
  for (const [node, end] of ends.entries()) {
    if (end.own) continue;
    const group = end.kind === 'revoke' ? revocations : rotations;
    const known = group.get(end.by);
    if (known === undefined) group.set(end.by, [node]);
    else known.push(node);
  }
  const victims = {
    revoke: mapValues(revocations, (nodes) => gatherVictims(nodes, ends, edges)),
    rotate: mapValues(rotations, (nodes) => gatherVictims(nodes, ends, edges)),
  };
  for (const [node, end] of ends.entries()) {
    const out = edges[node] ?? [];
    // A rotation voids no other rotation: two different ones are a matter for people.
    for (const kind of end.kind === 'revoke' ? (['revoke', 'rotate'] as const) : (['revoke'] as const)) {
      const reached = victims[kind].get(end.of);
      if (reached !== undefined) reachVictims(end, reached, out, firstStamps);
    }
  }
  return edges;
}

function gatherVictims(nodes: readonly number[], ends: readonly End[], edges: number[][]): Victims {
  const byEpoch = new Map<string, { node: number; seq: number }[]>();
  for (const node of nodes) {
    const place = ends[node]?.place;
    if (place === undefined) continue;
    const list = byEpoch.get(place.epoch);
    if (list === undefined) byEpoch.set(place.epoch, [{ node, seq: place.seq }]);
    else list.push({ node, seq: place.seq });
  }
  const epochs = [...byEpoch.keys()].sort();
  const seqs: number[][] = [];
  const tails: number[][] = [];
  for (const epoch of epochs) {
    const list = (byEpoch.get(epoch) ?? []).sort((a, b) => a.seq - b.seq);
    const chain: number[] = [];
    for (const { node } of list.toReversed()) {
      const next = chain.at(-1);
      chain.push(edges.push(next === undefined ? [node] : [node, next]) - 1);
    }
    seqs.push(list.map(({ seq }) => seq));
    tails.push(chain.reverse());
  }
  const tree: number[] = [];
  for (let at = epochs.length * 2 - 1; at > 0; at--) {
    const leaf = tails[at - epochs.length]?.[0];
    tree[at] = leaf ?? edges.push([tree[2 * at] ?? 0, tree[2 * at + 1] ?? 0]) - 1;
  }
  return { epochs, seqs, tails, tree };
}

/** Adds to `out` the fewest nodes that lead to exactly those victims that lie beyond the end's cuts. */
function reachVictims(end: End, victims: Victims, out: number[], firstStamps: FirstStamps): void {
  const { epochs } = victims;
  if (end.overriddenAt !== undefined) {
    // The root's own decision, so there are few of these.
    for (const [i, epoch] of epochs.entries())
      reachFrom(barUnder(end, epoch, firstStamps(end.of, epoch)), i, victims, out);
    return;
  }
  let next = 0;
  for (const epoch of [...end.cuts.keys()].sort()) {
    const i = indexOf(epochs, epoch);
    if (epochs[i] !== epoch) continue;
    reachAll(next, i, victims, out);
    reachFrom(barUnder(end, epoch, undefined), i, victims, out);
    next = i + 1;
  }
  reachAll(next, epochs.length, victims, out);
}

function reachFrom(bar: number | undefined, epochIndex: number, victims: Victims, out: number[]): void {
  const seqs = victims.seqs[epochIndex] ?? [];
  if (bar === undefined) return;
  const tail = victims.tails[epochIndex]?.[indexOf(seqs, bar)];
  if (tail !== undefined) out.push(tail);
}

/** All victims of the epochs from `from` up to, not including, `to`. */
function reachAll(from: number, to: number, { epochs, tree }: Victims, out: number[]): void {
  let low = from + epochs.length;
  let high = to + epochs.length;
  while (low < high) {
    if (low % 2 === 1) out.push(tree[low++] ?? 0);
    if (high % 2 === 1) out.push(tree[--high] ?? 0);
    low = Math.floor(low / 2);
    high = Math.floor(high / 2);
  }
}

/** The index of the first item that is not less than `wanted`. */
function indexOf<T extends string | number>(ascending: readonly T[], wanted: T): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? wanted) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mapValues<K, A, B>(map: ReadonlyMap<K, A>, change: (value: A) => B): Map<K, B> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

/** Strongly connected components, each after all that it leads to (Tarjan, 1972; without recursion). */
export function componentsOf(edges: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const found = new Int32Array(edges.length);
  const lowest = new Int32Array(edges.length);
  const nextEdge = new Int32Array(edges.length);
  const isOpen = new Uint8Array(edges.length);
  const open: number[] = [];
  const components: number[][] = [];
  let clock = 0;
  const enter = (node: number, trail: number[]): void => {
    found[node] = lowest[node] = ++clock;
    isOpen[node] = 1;
    open.push(node);
    trail.push(node);
  };
  for (let start = 0; start < edges.length; start++) {
    if (found[start] !== 0) continue;
    const trail: number[] = [];
    enter(start, trail);
    for (let node = trail.at(-1); node !== undefined; node = trail.at(-1)) {
      const at = nextEdge[node] ?? 0;
      const to = edges[node]?.[at];
      if (to !== undefined) {
        nextEdge[node] = at + 1;
        if (found[to] === 0) enter(to, trail);
        else if (isOpen[to] === 1) lowest[node] = Math.min(lowest[node] ?? 0, found[to] ?? 0);
        continue;
      }
      trail.pop();
      const parent = trail.at(-1);
      if (parent !== undefined) lowest[parent] = Math.min(lowest[parent] ?? 0, lowest[node] ?? 0);
      if (lowest[node] === found[node]) components.push(closeComponent(node, open, isOpen));
    }
  }
  return components;
}

function closeComponent(root: number, open: number[], isOpen: Uint8Array): number[] {
  const members: number[] = [];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    isOpen[node] = 0;
    members.push(node);
    if (node === root) break;
  }
  return members;
}
