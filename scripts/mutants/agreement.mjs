// Bugs of telling peers how tenants are read: names would leak, hearsay be kept, or agreement be claimed that is none.

const DESK = 'shell/agreement.js';

function at(file, tests, name, [find, replace], red) {
  return { name: `readings: ${name}`, file, find, replace, tests, red };
}

export const AGREEMENT_MUTANTS = [
  at(
    DESK,
    ['agreement'],
    'tenants that are not shared are told',
    ['isShared(session, tenant) && !moving.access(tenant)', '!moving.access(tenant)'],
    /not shared|tenant of others|once a minute/,
  ),
  at(
    DESK,
    ['agreement'],
    'a word about a tenant that is not shared is kept',
    ['if (!isShared(session, tenant))\n                continue;\n            heard.set', 'heard.set'],
    /tenant of others/,
  ),
  at(
    DESK,
    ['agreement'],
    'an old word counts though we have read on since',
    ['isSettled && !isMoving && equalBytes(then.accepted, own.accepted)', 'true'],
    /on its way/,
  ),
  at(
    DESK,
    ['agreement'],
    'rules are not compared',
    ['!equalBytes(claim.rules, own.rules)', 'false'],
    /other policies|tenant of others/,
  ),
  at(
    DESK,
    ['agreement'],
    'what is accepted is not compared',
    ['claim.accepted !== undefined && !equalBytes(claim.accepted, own.accepted)', 'false'],
    /trusts others|tenant of others/,
  ),
  at(
    'reading-claim.js',
    ['message'],
    'a peer may tell of any number of tenants',
    ['value.length > LIMITS.readingClaims', 'false'],
    /"tenants" is malformed/,
  ),
  at(
    'reading-claim.js',
    ['message'],
    'a tenant may be told of twice',
    ['tenant <= last.tenant', 'tenant < last.tenant'],
    /"tenants" is malformed/,
  ),
  at(
    'session.js',
    ['session'],
    'an earlier version is told of readings',
    ["state.phase === 'open' && state.takesReadings", "state.phase === 'open'"],
    /claim, a peer of an earlier version/,
  ),
  at(
    'session.js',
    ['session'],
    'readings may be told at any pace',
    ['world.monotonicMs - state.claimedAtMs < LIMITS.readingsGapMs', 'false'],
    /readings, again and too soon/,
  ),
];
