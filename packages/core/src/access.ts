/** Who may read and write which tenant here: a fold over the statements of all `access/` scopes, the same for every order of arrival. */

import { fingerprintOf, type Fingerprint, type TenantId } from './identity.js';
import type { AccessStatement, ConflictPolicy, Placed } from './statement.js';
import { AccessBook, compareAccess, latestOf, type AccessFact } from './access-facts.js';
import { JudgedCuts, type KnownCuts } from './access-cuts.js';
import { StatementRoom } from './trust-room.js';
import type { TrustGraph } from './trust.js';

/** What a key may do with a scope. */
export interface AccessRights {
  readonly read: boolean;
  readonly write: boolean;
}

export interface AccessSettings {
  /** Tenants that are shared with every trusted key unless a primary says otherwise; '*': all. */
  readonly tenants: readonly TenantId[] | '*';
  /** Primaries that the configuration names. */
  readonly primaries?: ReadonlyMap<TenantId, Uint8Array>;
}

const NOTHING: AccessRights = { read: false, write: false };
const EVERYTHING: AccessRights = { read: true, write: true };

type Grant = Extract<AccessStatement, { kind: 'grant' }>;

/** What was derived of one tenant, as long as nothing changes. */
interface TenantReading {
  readonly version: number;
  readonly primary: Fingerprint | undefined;
  readonly cuts: JudgedCuts;
  /** The latest grant of the primary, or else of this node, for each key; a rotated key's goes to its successor. */
  readonly grants: ReadonlyMap<Fingerprint, AccessFact<Grant>>;
}

export class AccessRules {
  readonly #trust: TrustGraph;
  readonly #settings: AccessSettings;
  readonly #pins: ReadonlyMap<TenantId, Fingerprint>;
  readonly #books = new Map<TenantId, AccessBook>();
  readonly #claims = new Map<TenantId, Fingerprint>();
  readonly #readings = new Map<TenantId, TenantReading>();
  readonly #emptyBook = new AccessBook();
  readonly #room = new StatementRoom();
  /** What is read of a tenant of which nothing was said. */
  #blank: TenantReading | undefined;
  #added = 0;

  constructor(parts: { readonly trust: TrustGraph; readonly settings: AccessSettings }) {
    this.#trust = parts.trust;
    this.#settings = parts.settings;
    const pins = [...(parts.settings.primaries ?? [])];
    this.#pins = new Map(pins.map(([tenant, key]) => [tenant, fingerprintOf(key)]));
  }

  /** Grows whenever an answer may have changed, by trust or by access. */
  get version(): number {
    return this.#added + this.#trust.version;
  }

  /** Of how many tenants anything is kept: what is merely asked about leaves nothing behind. */
  get tenantsKept(): number {
    return new Set([...this.#books.keys(), ...this.#readings.keys()]).size;
  }

  /** Takes a statement of `access/<tenant>` that the gate has accepted, once. `bytes`: of its entry, given with one of the entry's statements. */
  add(tenant: TenantId, placed: Placed<AccessStatement>, bytes = 0): void {
    if (!this.#openBook(tenant).add(placed)) return;
    this.#room.take(fingerprintOf(placed.origin), { statements: 1, bytes }, this.#trust.version);
    this.#change(tenant);
  }

  /**
   * Whether an entry with so many statements and bytes may still be kept. Ours always. The bound of an origin is one for
   * all tenants together, for anybody can name any number of them.
   */
  roomFor(tenant: TenantId, origin: Uint8Array, bytes: number, statements = 1): boolean {
    const by = fingerprintOf(origin);
    const matters = (key: Fingerprint): boolean => this.#trust.trusts(key) || this.#trust.follows(key);
    if (this.#trust.isOurs(by)) return true;
    if (!this.#room.hasRoom(by, { bytes, statements })) return false;
    const isHeard = matters(by) || this.#goesOn(by) === this.primaryOf(tenant);
    return isHeard || this.#room.hasRoomForOthers({ bytes, statements }, matters, this.#trust.version);
  }

  /** A fork was found in a feed of `access/<tenant>`, or ruled away (`undefined`): nothing counts from there on. */
  setFork(tenant: TenantId, origin: Uint8Array, epoch: Uint8Array, from: number | undefined): void {
    this.#openBook(tenant).setFork(fingerprintOf(origin), epoch, from);
    this.#change(tenant);
  }

  /** Where this node stopped for now in the access feed of an ended key, until somebody who may says where it ends. */
  setProvisional(tenant: TenantId, origin: Uint8Array, epoch: Uint8Array, from: number | undefined): void {
    this.#openBook(tenant).setProvisional(fingerprintOf(origin), epoch, from);
    this.#change(tenant);
  }

  /** The first claim to be a tenant's primary that this node has seen, as it remembers it; `undefined` forgets it. */
  setClaim(tenant: TenantId, key: Uint8Array | undefined): void {
    if (key === undefined) this.#claims.delete(tenant);
    else this.#claims.set(tenant, fingerprintOf(key));
    this.#change(tenant);
  }

  /** Configured, or designated here, or claimed first; the key that goes on where that one was rotated. */
  primaryOf(tenant: TenantId): Fingerprint | undefined {
    return this.#read(tenant).primary;
  }

  /** Whose word names the primary: the configuration's, this node's, or the first claim's. */
  primarySource(tenant: TenantId): 'pin' | 'designation' | 'claim' | undefined {
    if (this.primaryOf(tenant) === undefined) return undefined;
    if (this.#pins.has(tenant)) return 'pin';
    return this.ownDesignation(tenant) === undefined ? 'claim' : 'designation';
  }

  /** Keys that a grant in force names, ascending. */
  grantedKeys(tenant: TenantId): readonly Fingerprint[] {
    return [...this.#read(tenant).grants.keys()].sort();
  }

  /** Tenants about which anything was stated: those first of which a trusted key, or we, have spoken; each part ascending. */
  statedTenants(): readonly TenantId[] {
    const matters = (by: Fingerprint): boolean => this.#trust.isOurs(by) || this.#trust.trusts(by);
    const tenants = [...this.#books.keys()].sort();
    const isSpokenOf = (tenant: TenantId): boolean => [...this.#bookOf(tenant).signers].some(matters);
    const heard = new Set(tenants.filter(isSpokenOf));
    return [...heard, ...tenants.filter((tenant) => !heard.has(tenant))];
  }

  /** Keys that trusted keys designate, besides the primary and its earlier keys: they change nothing. Ascending. */
  rivals(tenant: TenantId): readonly Fingerprint[] {
    const { primary } = this.#read(tenant);
    const rivals = this.claimsOf(tenant).filter((key) => (this.#trust.successorOf(key) ?? key) !== primary);
    return [...new Set(rivals)].sort();
  }

  /** Keys that trusted keys designate, the claims stamped first before others: one to remember where none is. */
  claimsOf(tenant: TenantId): readonly Fingerprint[] {
    const { cuts } = this.#read(tenant);
    const claims = this.#bookOf(tenant)
      .all('designate')
      .filter((fact) => !this.#trust.isOurs(fact.by) && this.#trust.trusts(fact.by) && cuts.counts(fact));
    claims.sort(compareAccess);
    // Each signer's latest word counts, and no key of zeros, by which he withdraws it.
    const bySigner = new Map(claims.map((claim) => [claim.by, claim]));
    const standing = claims.filter(
      (claim) => bySigner.get(claim.by) === claim && claim.statement.key.some((byte) => byte !== 0),
    );
    return [...new Set(standing.map(({ statement }) => fingerprintOf(statement.key)))];
  }

  /** Whether this node takes part in a tenant at all: by configuration, or by a grant or designation of its own. */
  federates(tenant: TenantId): boolean {
    if (this.#isConfigured(tenant) || this.ownDesignation(tenant) !== undefined) return true;
    return [...this.#ownGrants(tenant).values()].some(({ statement }) => statement.read || statement.write);
  }

  /** What this node said last of a key, whoever decides; `undefined` where it said nothing. */
  ownGrant(tenant: TenantId, key: Fingerprint): AccessRights | undefined {
    return this.#ownGrants(tenant).get(this.#goesOn(key))?.statement;
  }

  /** What a key may do with a tenant. Whether it is trusted at all is not asked here. */
  rightsOf(tenant: TenantId, key: Fingerprint): AccessRights {
    if (!this.federates(tenant)) return NOTHING;
    const { primary, grants } = this.#read(tenant);
    if (primary !== undefined && this.#goesOn(key) === primary) return EVERYTHING;
    const granted = grants.get(this.#goesOn(key))?.statement;
    if (granted !== undefined) return { read: granted.read, write: granted.write };
    return primary === undefined && this.#isConfigured(tenant) ? EVERYTHING : NOTHING;
  }

  /** Whether an origin's entries may be taken from whomever may bring them: without a primary, anybody's. */
  mayWrite(tenant: TenantId, origin: Fingerprint): boolean {
    return this.#read(tenant).primary === undefined || this.rightsOf(tenant, origin).write;
  }

  /** What is known of where an ended key's feeds of a tenant end. */
  cutsOf(tenant: TenantId): KnownCuts {
    return this.#read(tenant).cuts;
  }

  /** Keys by priority, highest first, as the primary or else this node says. */
  priorities(tenant: TenantId): readonly Fingerprint[] {
    return latestOf(this.#ruling(tenant, 'prioritise'))?.statement.keys.map(fingerprintOf) ?? [];
  }

  /** By field, how its conflicts are settled, as the primary or else this node says. */
  policies(tenant: TenantId): ReadonlyMap<string, ConflictPolicy> {
    const facts = [...this.#ruling(tenant, 'policy')].sort(compareAccess);
    return new Map(facts.map(({ statement }) => [statement.field, statement.policy]));
  }

  /** The origin's own word on which entry stands at a place of its forked feed: its latest. */
  rulingOf(
    tenant: TenantId,
    feed: {
      readonly part: 't' | 'a';
      readonly origin: Uint8Array;
      readonly epoch: Uint8Array;
      readonly seq: number;
    },
  ): Uint8Array | undefined {
    return this.#read(tenant).cuts.rulingOf({ ...feed, origin: fingerprintOf(feed.origin) });
  }

  /** Statements of one kind by whoever decides in a tenant. */
  #ruling<K extends 'prioritise' | 'policy' | 'grant'>(
    tenant: TenantId,
    kind: K,
  ): AccessFact<Extract<AccessStatement, { kind: K }>>[] {
    const { primary, cuts } = this.#read(tenant);
    return this.#ruledBy(tenant, kind, primary, cuts);
  }

  #ruledBy<K extends 'prioritise' | 'policy' | 'grant'>(
    tenant: TenantId,
    kind: K,
    primary: Fingerprint | undefined,
    cuts: JudgedCuts,
  ): AccessFact<Extract<AccessStatement, { kind: K }>>[] {
    const decides = (by: Fingerprint): boolean =>
      primary === undefined ? this.#trust.isOurs(by) : this.#goesOn(by) === primary;
    return this.#bookOf(tenant)
      .all(kind)
      .filter((fact) => decides(fact.by) && cuts.counts(fact));
  }

  #read(tenant: TenantId): TenantReading {
    const known = this.#readings.get(tenant);
    if (known?.version === this.#trust.version) return known;
    // Anybody can ask for any name: what is the same for all tenants of which nothing was said is kept once.
    const isNamed = this.#books.has(tenant) || this.#pins.has(tenant) || this.#claims.has(tenant);
    if (!isNamed && this.#blank?.version === this.#trust.version) return this.#blank;
    const primary = this.#findPrimary(tenant);
    const cuts = new JudgedCuts({ trust: this.#trust, book: this.#bookOf(tenant), primary });
    const grants = this.#latestGrants(this.#ruledBy(tenant, 'grant', primary, cuts));
    const reading = { version: this.#trust.version, primary, cuts, grants };
    if (isNamed) this.#readings.set(tenant, reading);
    else this.#blank = reading;
    return reading;
  }

  #findPrimary(tenant: TenantId): Fingerprint | undefined {
    const key = this.#pins.get(tenant) ?? this.ownDesignation(tenant) ?? this.#claims.get(tenant);
    return key === undefined ? undefined : this.#goesOn(key);
  }

  /** The key this node designates itself; zeros withdraw it. Where its own earlier keys end depends on no primary. */
  ownDesignation(tenant: TenantId): Fingerprint | undefined {
    const book = this.#bookOf(tenant);
    const cuts = new JudgedCuts({ trust: this.#trust, book, primary: undefined });
    const own = book.all('designate').filter((fact) => this.#trust.isOurs(fact.by) && cuts.counts(fact));
    const key = latestOf(own)?.statement.key;
    return key === undefined || key.every((byte) => byte === 0) ? undefined : fingerprintOf(key);
  }

  #ownGrants(tenant: TenantId): ReadonlyMap<Fingerprint, AccessFact<Grant>> {
    const { cuts } = this.#read(tenant);
    const own = this.#bookOf(tenant)
      .all('grant')
      .filter((fact) => this.#trust.isOurs(fact.by) && cuts.counts(fact));
    return this.#latestGrants(own);
  }

  #latestGrants(facts: readonly AccessFact<Grant>[]): ReadonlyMap<Fingerprint, AccessFact<Grant>> {
    const grants = new Map<Fingerprint, AccessFact<Grant>>();
    for (const fact of facts.toSorted(compareAccess))
      grants.set(this.#goesOn(fingerprintOf(fact.statement.key)), fact);
    return grants;
  }

  #goesOn(key: Fingerprint): Fingerprint {
    return this.#trust.successorOf(key) ?? key;
  }

  #isConfigured(tenant: TenantId): boolean {
    const { tenants } = this.#settings;
    return tenants === '*' || tenants.includes(tenant) || this.#pins.has(tenant);
  }

  #bookOf(tenant: TenantId): AccessBook {
    return this.#books.get(tenant) ?? this.#emptyBook;
  }

  /** The book of a tenant, to write in. */
  #openBook(tenant: TenantId): AccessBook {
    const known = this.#books.get(tenant);
    if (known !== undefined) return known;
    const fresh = new AccessBook();
    this.#books.set(tenant, fresh);
    return fresh;
  }

  #change(tenant: TenantId): void {
    this.#added++;
    this.#readings.delete(tenant);
  }
}
