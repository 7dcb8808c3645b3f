/** Annotations in a simulated network: random words, decisions and notes on random nodes, and what must hold of them after a heal. */

import canonicalize from 'canonicalize';
import type { AnnotationRules, PlacedBody, SpanSayings } from '../annotation.js';
import type { PlacedAssertion } from '../assertion.js';
import { toHex } from '../bytes.js';
import { asError, LoglineError } from '../errors.js';
import { scopeOfFeed } from '../feed.js';
import { fingerprintOf, tenantOfAnnotations, tenantOfTimeline, type Fingerprint } from '../identity.js';
import { createTools } from '../node/system.js';
import { formatSpanId, parseSpanId, type SpanId } from '../span.js';
import type { ConflictPolicy } from '../statement.js';
import type { Storage } from '../storage.js';
import { describeEntry } from '../store/describe.js';
import { referenceAnnotations } from './annotation-reference.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimNode } from './sim-node.js';

export interface SimAnnotationsWorld {
  readonly random: SeededRandom;
  readonly count: (name: string) => void;
  readonly record: (line: string) => void;
  readonly fail: (reason: string) => void;
}

/** A note that some node acknowledged. Notes are never superseded, so none may be lost. */
interface IssuedNote {
  readonly tenant: string;
  readonly id: string;
  readonly text: string;
  readonly node: SimNode;
}

const TOOLS = createTools();
const STATUS = ['executed', 'simulated', 'reverted', 'ghost'];
const POLICIES = ['timestamp', 'priority', 'manual'] as const;
/** What nodes with the same holdings read may take a moment to follow, and no longer. */
const LOOKS_MOST = 8;
const PAGE_BYTES = 1024 * 1024;
/** Refusals that the work itself calls for, by what they are counted as. */
const EXPECTED: readonly string[] = ['conflict_open', 'conflict_closed', 'unknown_conflict'];

export class SimAnnotations {
  readonly policy: ConflictPolicy;
  /** Filled in once the nodes have their keys: highest first. */
  readonly priorities: Fingerprint[] = [];
  readonly #world: SimAnnotationsWorld;
  readonly #notes: IssuedNote[] = [];
  #said = 0;
  #failures = 0;

  constructor(world: SimAnnotationsWorld) {
    this.#world = world;
    this.policy = world.random.pick(POLICIES);
  }

  rank(nodes: readonly SimNode[]): void {
    this.priorities.push(...nodes.map(({ keyPair }) => fingerprintOf(keyPair.publicKey)));
  }

  /** Something is said of a span, often on two nodes at once, or a conflict is decided. */
  act(nodes: readonly SimNode[], tenant: string, ids: readonly string[]): void {
    const { random } = this.#world;
    const [one, other] = [random.pick(nodes), random.pick(nodes)];
    if (random.chance(35)) return void this.#work('resolve', one, () => this.#resolve(one, tenant));
    const id = random.pick(ids);
    for (const node of random.chance(60) ? new Set([one, other]) : [one]) this.#say(node, tenant, id);
  }

  #say(node: SimNode, tenant: string, id: string): void {
    const { random, count } = this.#world;
    const number = this.#said++;
    const text = random.chance(40) ? `note ${number}` : undefined;
    const patch = {
      ...(random.chance(50) && { status: random.pick(STATUS) }),
      ...(random.chance(30) && { processed: random.chance(50) }),
      ...(random.chance(40) && {
        metadata: { [`m${random.below(3)}`]: random.chance(20) ? null : number % 5 },
      }),
      ...(random.chance(30) && { tags: ['a', 'b', 'c'].filter(() => random.chance(50)) }),
      ...(text !== undefined && { notes: text }),
    };
    void this.#work('annotate', node, async () => {
      await node.node?.timeline(tenant).annotate(id, patch);
      if (text !== undefined) this.#notes.push({ tenant, id, text, node });
      count('said');
    });
  }

  /** The disk of a node is rolled back: what only it had acknowledged may be lost. */
  excuse(node: SimNode): void {
    for (let i = this.#notes.length - 1; i >= 0; i--)
      if (this.#notes[i]?.node === node) this.#notes.splice(i, 1);
  }

  async #resolve(node: SimNode, tenant: string): Promise<void> {
    const { random, count } = this.#world;
    const timeline = node.node?.timeline(tenant);
    const open = (await timeline?.conflicts({ state: 'open', limit: 20 }))?.conflicts ?? [];
    if (timeline === undefined || open.length === 0) return;
    const conflict = random.pick(open);
    const choose = random.pick(conflict.candidates).ref;
    await timeline.resolve(conflict.id, { choose, note: `decided on ${node.name}` });
    count('decided');
  }

  async #work(kind: string, node: SimNode, run: () => Promise<void>): Promise<void> {
    const { count, record, fail } = this.#world;
    if (!node.isUp) return;
    const storage = node.storage;
    try {
      await run();
      record(`${kind} ${node.name} done`);
    } catch (error) {
      const code = error instanceof LoglineError ? error.code : '';
      record(`${kind} ${node.name} ${code}`);
      count(EXPECTED.includes(code) ? code : `${kind}_failed`);
      const isBug = code === 'bad_request' || (code === '' && node.storage === storage);
      if (isBug) fail(`${kind} on ${node.name}: ${asError(error).stack ?? ''}`);
    }
  }

  /** What does not hold of nodes with the same holdings, if anything; what does not go away fails the run. */
  async check(
    nodes: readonly SimNode[],
    tenants: readonly string[],
    nowMs: number,
  ): Promise<string | undefined> {
    const wrong = await this.#disagreement(nodes, tenants, nowMs);
    this.#failures = wrong === undefined ? 0 : this.#failures + 1;
    if (wrong !== undefined && this.#failures === LOOKS_MOST) this.#world.fail(wrong);
    return wrong;
  }

  /** The first thing that does not hold of nodes with the same holdings; `undefined` if all does. */
  async #disagreement(
    nodes: readonly SimNode[],
    tenants: readonly string[],
    nowMs: number,
  ): Promise<string | undefined> {
    const [first] = nodes;
    if (first?.storage === undefined) return 'a node is not up';
    const counts = nodes.map(({ node }) => node?.status().openConflicts);
    if (new Set(counts).size > 1) return `open conflicts differ: ${counts.join(', ')}`;
    const rules: AnnotationRules = { policyOf: () => this.policy, priorities: this.priorities, nowMs };
    let open = 0;
    for (const tenant of tenants) {
      const said = await sayingsIn(first.storage, tenant);
      for (const [id, sayings] of said) {
        const wrong = await checkSpan({ tenant, id }, sayings, { nodes, rules });
        if (wrong !== undefined) return `${tenant} ${formatSpanId(id)}: ${wrong}`;
        open += referenceAnnotations(sayings, rules).open.length;
      }
      for (const note of this.#notes) {
        const held = note.tenant === tenant ? said.get(parseSpanId(note.id) ?? ('' as SpanId)) : undefined;
        const isThere = held?.assertions.some(({ assertion }) => assertion.value === note.text) === true;
        if (note.tenant === tenant && !isThere)
          return `lost: ${note.text}, acknowledged by ${note.node.name}`;
      }
    }
    return counts[0] === open ? undefined : `${counts[0]} conflicts are open, the reference says ${open}`;
  }
}

/** Every span that something was said of, or that several nodes brought: all nodes read it as the reference does. */
async function checkSpan(
  { tenant, id }: { readonly tenant: string; readonly id: SpanId },
  sayings: SpanSayings,
  { nodes, rules }: { readonly nodes: readonly SimNode[]; readonly rules: AnnotationRules },
): Promise<string | undefined> {
  const expected = referenceAnnotations(sayings, rules);
  const versions = new Set<string>();
  for (const { node, name } of nodes) {
    const read = await node?.timeline(tenant).read(formatSpanId(id));
    if (read === undefined) return `${name} reads nothing`;
    versions.add(read.version);
    if ([...read.conflicted].sort().join() !== expected.open.join())
      return `${name} shows ${read.conflicted.join()} as open, the reference ${expected.open.join()}`;
    if (read.span === undefined) continue;
    const members = JSON.parse(new TextDecoder().decode(read.span)) as Record<string, unknown>;
    const shown = JSON.stringify([
      members['status'],
      members['processed'],
      members['metadata'] ?? {},
      members['tags'] ?? [],
    ]);
    const wanted = JSON.stringify(wantedMembers(expected));
    if (shown !== wanted) return `${name} shows ${shown}, the reference ${wanted}`;
    const notes = ((members['notes'] ?? []) as readonly { readonly text: string }[]).map(({ text }) => text);
    if (notes.join() !== expected.notes.join())
      return `${name} shows the notes ${notes.join()}, the reference ${expected.notes.join()}`;
    const hash = toHex(TOOLS.crypto.sha256(await bodyBytes(node, tenant, id)));
    if (hash !== expected.body) return `${name} shows another body than the reference`;
  }
  return versions.size > 1 ? 'the versions differ' : undefined;
}

function wantedMembers({ values, tags }: ReturnType<typeof referenceAnnotations>): readonly unknown[] {
  const parsed = (field: string): unknown => {
    const text = values.get(field);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  };
  const metadata: Record<string, unknown> = {};
  for (const [field, text] of [...values].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (field.startsWith('metadata.') && text !== 'null')
      metadata[field.slice('metadata.'.length)] = JSON.parse(text);
  return [parsed('status'), parsed('processed'), metadata, tags];
}

async function bodyBytes(node: SimNode['node'], tenant: string, id: SpanId): Promise<Uint8Array> {
  const raw = (await node?.timeline(tenant).get(formatSpanId(id))) ?? new Uint8Array(0);
  return canonicalBytes(JSON.parse(new TextDecoder().decode(raw)));
}

function canonicalBytes(members: unknown): Uint8Array {
  return TOOLS.text.encode(canonicalize(members) ?? '');
}

/** Everything that a log holds of spans that are annotated, or have several bodies: read from the entries, past the index. */
async function sayingsIn(storage: Storage, tenant: string): Promise<ReadonlyMap<SpanId, SpanSayings>> {
  const bodies = new Map<SpanId, PlacedBody[]>();
  const assertions = new Map<SpanId, PlacedAssertion[]>();
  for (const { key, ranges } of storage.feeds()) {
    const scope = scopeOfFeed(key);
    if (tenantOfAnnotations(scope) !== tenant && tenantOfTimeline(scope) !== tenant) continue;
    for (const range of ranges) {
      for (let from = range.from; from <= range.to;) {
        const page = await storage.entries(key, { from, to: range.to, bytesMost: PAGE_BYTES });
        if (page.length === 0) throw new Error(`entry ${from} of a feed cannot be read`);
        from += page.length;
        for (const { bytes } of page) {
          const entry = describeEntry(bytes, TOOLS);
          if (entry === undefined) throw new Error('an entry makes no sense');
          const { origin, stamp, epoch, seq } = entry.header;
          const placed = { origin, stamp, epoch, seq };
          for (const [index, span] of entry.spans.entries()) {
            const hash = toHex(TOOLS.crypto.sha256(canonicalBytes(span.members)));
            push(bodies, span.id, { ...placed, hash, ref: { hash: entry.hash, index } });
          }
          for (const [index, assertion] of entry.assertions.entries())
            push(assertions, assertion.span, { ...placed, assertion, ref: { hash: entry.hash, index } });
        }
      }
    }
  }
  const ids = [...bodies].flatMap(([id, list]) => (list.length > 1 ? [id] : []));
  const spoken = new Set([...ids, ...assertions.keys()]);
  return new Map(
    [...spoken].map((id) => [id, { bodies: bodies.get(id) ?? [], assertions: assertions.get(id) ?? [] }]),
  );
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
