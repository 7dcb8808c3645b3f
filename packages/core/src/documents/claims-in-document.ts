/** Claims kept in any Automerge document: each under a key of its own, written once, so that merging never loses one. */

import * as Automerge from '@automerge/automerge';
import { numberKey } from '../bytes.js';
import { judge, seenClaims, type Claim, type Judgement, type Rule, type Settle } from '../claims.js';
import { compareStamps, isStamp, nextStamp, STAMP_ZERO, type Stamp } from '../clock.js';
import { canonicalJson } from '../assertion.js';
import { LoglineError } from '../errors.js';
import { isJsonObject, type Json } from '../json.js';
import { LIMITS } from '../limits.js';
import type { ConflictPolicy } from '../statement.js';

/** A claim with the value that it claims. `origin` is the Automerge actor who wrote it. */
export interface DocumentClaim extends Claim {
  readonly json: Json;
  readonly note: string;
}

export interface ClaimsOptions {
  /** Wall time, ms since 1970. */
  readonly now: () => number;
  /** Where in the document: the names of maps that are there already. Default: the document itself. */
  readonly at?: readonly string[];
}

export interface DisputeOptions<C extends Claim = DocumentClaim> {
  /** How claims that did not know of one another are settled; default `timestamp`. A function chooses among them itself. */
  readonly policy?: ConflictPolicy | Settle<C>;
  /** Actors for `priority`, highest first. */
  readonly priorities?: readonly string[];
}

type Members = { [name: string]: unknown };

/** The claims under one name of a document. Claims on different `about` have nothing to do with one another. */
export class ClaimsInDocument {
  readonly #name: string;
  readonly #options: ClaimsOptions;

  constructor(name: string, options: ClaimsOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** By what they are about. What was not written by a class of this folder is passed over. */
  read(document: Automerge.Doc<unknown>): ReadonlyMap<string, readonly DocumentClaim[]> {
    const found = new Map<string, DocumentClaim[]>();
    const members = this.#members(document);
    for (const key of Object.keys(members)) {
      const read = key.startsWith(`${this.#name}/`) ? readClaim(members[key]) : undefined;
      if (read === undefined) continue;
      const { about, claim } = read;
      const others = found.get(about);
      if (others === undefined) found.set(about, [claim]);
      else others.push(claim);
    }
    return found;
  }

  judge(claims: readonly DocumentClaim[] | undefined, options: DisputeOptions): Judgement<DocumentClaim> {
    const { policy = 'timestamp', priorities = [] } = options;
    const rule: Rule<DocumentClaim> = {
      policy,
      horizonMs: this.#options.now() + LIMITS.clockSkewMs,
      rankOf: (origin) => (priorities.includes(origin) ? priorities.indexOf(origin) : Infinity),
    };
    return judge(claims ?? [], rule);
  }

  /** The document with one more claim, which names what is known of the others. */
  write<D>(
    document: Automerge.Doc<D>,
    claim: {
      readonly about: string;
      readonly kind: 'set' | 'resolve';
      readonly json: Json;
      readonly note?: string;
    },
    judgement: Judgement<DocumentClaim>,
  ): Automerge.Doc<D> {
    const actor = Automerge.getActorId(document);
    const stamp = nextStamp(latestOf(judgement), this.#options.now());
    const said = canonicalJson({
      ...claim,
      stamp: [stamp.ms, stamp.count],
      supersedes: seenClaims(judgement, actor, LIMITS.supersededAssertions).map(({ id }) => id),
    });
    const prefix = `${this.#name}/${actor}/`;
    const written = Object.keys(this.#members(document)).filter((key) => key.startsWith(prefix)).length;
    return Automerge.change(document, (draft) => {
      this.#members(draft)[`${prefix}${written}`] = { said: new Automerge.ImmutableString(said) };
    });
  }

  #members(document: unknown): Members {
    let members: unknown = document;
    for (const name of this.#options.at ?? []) members = isMap(members) ? members[name] : undefined;
    if (isMap(members)) return members;
    const path = this.#options.at?.join('.') ?? '';
    throw new LoglineError(
      'bad_request',
      `the document has no map at ${path}: make it before, and only once`,
    );
  }
}

function latestOf({ verdicts }: Judgement<DocumentClaim>): Stamp {
  const stamps = verdicts.filter(({ why }) => why !== 'ahead').map(({ claim }) => claim.stamp);
  return stamps.reduce((latest, stamp) => (compareStamps(stamp, latest) > 0 ? stamp : latest), STAMP_ZERO);
}

function isMap(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Who wrote a claim is what Automerge says of the map that it stands in, and nothing that stands in it. */
function readClaim(member: unknown): { readonly about: string; readonly claim: DocumentClaim } | undefined {
  const id = isMap(member) ? Automerge.getObjectId(member) : null;
  const [counter, origin] = /^(\d{1,15})@([0-9a-f]+)$/.exec(id ?? '')?.slice(1) ?? [];
  if (!isMap(member) || id === null || counter === undefined || origin === undefined) return undefined;
  const said = parse(member['said']);
  if (!isJsonObject(said)) return undefined;
  const { about, kind, json, note, stamp, supersedes } = said;
  if (typeof about !== 'string' || (kind !== 'set' && kind !== 'resolve') || json === undefined)
    return undefined;
  if (!Array.isArray(stamp) || stamp.length !== 2 || !isStamp(stamp[0], stamp[1])) return undefined;
  if (!Array.isArray(supersedes) || supersedes.length > LIMITS.supersededAssertions) return undefined;
  const claim: DocumentClaim = {
    id,
    origin,
    stamp: { ms: Number(stamp[0]), count: Number(stamp[1]) },
    place: numberKey(Number(counter), 7),
    kind,
    value: canonicalJson(json),
    supersedes: supersedes.filter((one) => typeof one === 'string'),
    json,
    note: typeof note === 'string' ? note : '',
  };
  return { about, claim };
}

function parse(said: unknown): Json | undefined {
  if (!Automerge.isImmutableString(said)) return undefined;
  try {
    return JSON.parse(said.toString()) as Json;
  } catch {
    return undefined;
  }
}
