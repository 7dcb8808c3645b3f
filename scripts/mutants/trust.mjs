// Bugs of the folds over statements: who is trusted, who may what, and where feeds of ended keys stop.

const ORDER = ['trust-order'];
const RULES = ['trust', 'trust-rotation', 'trust-bounds'];
const BY_REFERENCE =
  /^(whatever order statements come in, the levels|asking in between|what people are shown)/;

/** A rule of the fold that the slow reference does not share. */
function fold(what, file, find, replace) {
  return { name: `trust: ${what}`, file, find, replace, tests: ORDER, red: BY_REFERENCE };
}

/** A rule of access or of bars that the slow reference does not share. */
function access(what, file, find, replace) {
  const red = /^whatever order statements come in, rights/;
  return { name: `access: ${what}`, file, find, replace, tests: ['access-order'], red };
}

/** A rule that a named case shows. */
function rule(what, file, find, replace, red) {
  return { name: `trust: ${what}`, file, find, replace, tests: RULES, red };
}

/** A rule of which tenants are named to whom. */
function names(what, file, find, replace, red) {
  return { name: `names: ${what}`, file, find, replace, tests: ['tenant-names'], red };
}

/** A rule of what an operator does, at one node. */
function operator(what, file, find, replace, red) {
  return { name: `operator: ${what}`, file, find, replace, tests: ['revoking'], red };
}

/** A rule of what stays out at a node that took a key back. */
function readmitted(what, find, replace, red) {
  const tests = ['readmitted-order'];
  return { name: `readmitted: ${what}`, file: 'shell/feed-bars.js', find, replace, tests, red };
}

const WHOLE = 'const whole = members.filter((end) => end.own || !bars.voidsEnd(end));';

export const TRUST_MUTANTS = [
  fold(
    'concurrent revocations void one another',
    'trust-ends.js',
    WHOLE,
    'const whole = members.filter((end) => { const stands = end.own || !bars.voidsEnd(end); if (stands) bars.add(end); return stands; });',
  ),
  rule(
    'of concurrent revocations the first stands',
    'trust-ends.js',
    WHOLE,
    'const whole = members.filter((end) => { const stands = end.own || !bars.voidsEnd(end); if (stands) bars.add(end); return stands; });',
    /^(revocations said of one another|a circle of three|ten thousand)/,
  ),
  fold('the last components come first', 'trust-ends.js', '.toReversed()', ''),
  fold('nothing is overridden', 'trust-reading.js', 'this.roots.overriddenAt(about, entry)', 'undefined'),
  rule(
    'an override is of all revocations of the key',
    'trust-roots.js',
    'overrides.get(about + entry)',
    '[...overrides].find(([id]) => id.startsWith(about))?.[1]',
    /^(an override holds|hashes of nonsense)/,
  ),
  fold(
    'an answer is kept too long',
    'trust.js',
    'reading === undefined || !reading.take(fact)',
    'reading === undefined',
  ),
  rule(
    'the agreement of the new key is not asked for',
    'trust-facts.js',
    'this.#crypto.verify(proof, rotationBody(oldKey, key, cuts), key)',
    'true',
    /^a rotation without the agreement/,
  ),
  rule(
    'one voucher is enough',
    'trust-reading.js',
    'by.size < Math.max(1, this.#settings.vouchers)',
    'by.size < 1',
    /^(at depth two|every reason)/,
  ),
  fold(
    'the heirs of a revoked key inherit',
    'trust-reading.js',
    'if (status.revocations.length > 0)',
    'if (false)',
  ),
  fold('the last entry of a cut is out', 'trust-bars.js', 'return cut + 1', 'return cut'),
  fold('a feed without a cut goes on', 'trust-bars.js', 'named.from : 1', 'named.from : from'),
  fold(
    'the heirs of a revoked key are followed',
    'trust-roots.js',
    'next.size === 1 && !revoked.has(key)',
    'true',
  ),
  fold(
    'what was said while out counts after readmission',
    'trust-bars.js',
    'compareStamps(first, overriddenAt) < 0 ? 1 : undefined',
    'undefined',
  ),
  fold('others end the root', 'trust-reading.js', 'if (roots.keys.has(key))', 'if (false)'),
  fold(
    'of two heirs one goes on',
    'trust-reading.js',
    'chosen.length === 1 ? chosen[0]',
    'named.size > 0 ? [...named].sort()[0]',
  ),
  fold(
    'a vouch more is not counted',
    'trust-reading.js',
    '(this.vouchers.get(head)?.size ?? 0) < Math.max',
    '0 < Math.max',
  ),
  rule(
    'each revocation by a followed key is evaluated from scratch',
    'trust-reading.js',
    'return this.#takeRevocation(fact)',
    'return false',
    /^a followed key makes none/,
  ),
  fold(
    'a revocation of anybody is taken aside',
    'trust-reading.js',
    'if (!isAside && !(this.#isRevoked(about) && this.#saysNoEnds(about)))',
    'if (false)',
  ),
  fold(
    'a revocation that was void is taken',
    'trust-reading.js',
    'if (!end.own && this.#bars.voidsEnd(end))',
    'if (false)',
  ),
  rule(
    'there is room for any number of strangers',
    'trust.js',
    'strangers < LIMITS.trustStrangers',
    'true',
    /^an origin, and strangers together/,
  ),
  rule(
    'whom a trusted key names has a room of its own',
    'trust.js',
    '!matters(by) && !this.#room.hasRoomForOthers(more, matters, this.#version)',
    'false',
    /^those whose word counts for nothing/,
  ),
  readmitted(
    'each entry is judged by its own stamp',
    'feed.ranges[0]?.from === 1 ? undefined : STAMP_ZERO',
    'stamp',
    /^(of a feed that nobody named|the later part of a feed waits)/,
  ),
  readmitted(
    'a feed is as old as what is held of it',
    'if (range.from !== 1)',
    'if (false)',
    /^a feed held without its beginning/,
  ),
  names(
    'who shares everything is told of all tenants',
    'shell/offers.js',
    "named === '*' || named === undefined ? []",
    "named === '*' ? [...tenants()].map((tenant) => ({ scope: accessScope(tenant) })) : named === undefined ? []",
    /^a peer without a right/,
  ),
  names(
    'who shares everything names no tenant',
    'shell/offers.js',
    "named.length === 0 ? '*'",
    "true ? '*'",
    /^(who shares everything|grants reach a member through one who shares everything)/,
  ),
  operator(
    'a rotation names the first feeds by name',
    'shell/rotation.js',
    'compareStamps(b.stamp, a.stamp)',
    '0',
    /^a rotation of a node that was started very often/,
  ),
  operator(
    'edges lead to keys that are not shown',
    'trust.js',
    'if (shown.has(edge.to))',
    '',
    /^every edge of the graph/,
  ),
  operator(
    'the same grant is stated again',
    'shell/operator.js',
    'said?.read !== read || said.write !== write',
    'true',
    /^what is granted or designated already/,
  ),
  {
    name: 'names: a peer goes from the list before its name',
    file: 'shell/listing.js',
    find: 'for (const { name, value } of facts)\n                pen.fact(name, value);\n            return Promise.resolve();',
    replace:
      'const [first, ...rest] = facts;\n            pen.fact(first.name, first.value);\n            return Promise.resolve().finally(() => rest.forEach(({ name, value }) => this.#parts.committer.remember(name, value).catch(() => undefined)));',
    tests: ['names'],
    red: /^a peer is taken off the list/,
  },
  {
    name: 'names: what is listed no more keeps its name',
    file: 'shell/peer-book.js',
    find: 'if (peer.key !== undefined && this.isAlone(peer))',
    replace: 'if (false)',
    tests: ['names'],
    red: /^a name that only an earlier configuration listed/,
  },
  {
    name: 'ruling: the branch that stands is not appended again',
    file: 'shell/operator.js',
    find: "if (part !== 't' || ",
    replace: "if (true || part !== 't' || ",
    tests: ['fork-ruling'],
    red: /^a fork is ruled on by its origin alone/,
  },
  {
    name: 'ruling: whatever is held is appended again',
    file: 'shell/cutting.js',
    find: 'held !== undefined && equalBytes(held, hash)',
    replace: 'held !== undefined',
    tests: ['fork-ruling'],
    red: /^where the origin chooses the branch that it does not hold/,
  },
  operator(
    'a cut names only what is held',
    'shell/cutting.js',
    '?? NOTHING',
    "?? (() => { throw new Error('not held'); })()",
    /^(what is cut right behind a gap|a report counts)/,
  ),
  operator(
    'statements fall into quarantine',
    'shell/revoking.js',
    'tenantOfContent(scope) !== undefined',
    'true',
    /^a report counts/,
  ),
  operator(
    'whom we verified is let in unlisted',
    'shell/trust-keeper.js',
    'peer !== undefined || !this.graph.isNextToUs(fingerprint)',
    'true',
    /^whom this node verified itself/,
  ),
  access(
    'the followed cut lower under our own revocation',
    'access-cuts.js',
    "end.kind === 'rotate' || trust.isOurs(end.by)",
    "end.kind === 'rotate'",
  ),
  access('the grant that came last counts', 'access.js', 'facts.toSorted(compareAccess)', 'facts'),
  access('rights do not pass to an heir', 'access.js', 'grants.get(this.#goesOn(key))', 'grants.get(key)'),
  access(
    'ended judges count whole',
    'access-cuts.js',
    'if (!this.#isSettled(cut) && !countsOfEnded(cut))',
    'if (false)',
  ),
  access('ended judges count for nothing', 'access-cuts.js', '!countsOfEnded(cut)', 'true'),
  access(
    'of several judges the highest cut counts',
    'access-cuts.js',
    'bars.length === 0 ? undefined : Math.min(...bars)',
    'bars.length === 0 ? undefined : Math.max(...bars)',
  ),
  access(
    'a revoked primary judges itself',
    'access-cuts.js',
    'primary === undefined || trust.hasEnded(primary) ? undefined : primary',
    'primary',
  ),
  access('an ended key judges itself', 'access-cuts.js', 'if (this.#isSameNode(key, end.of))', 'if (false)'),
  access('anybody judges', 'access-cuts.js', 'if (!mayJudge(cut.by))', 'if (false)'),
  access('a provisional bar wanders', 'cuts.js', 'feed.kept ?? feed.nextSeq', 'feed.nextSeq'),
];
