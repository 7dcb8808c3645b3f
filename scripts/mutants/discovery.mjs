// Bugs of discovery: what is found would be believed, dialled without end, or fill the memory.

const TABLE = ['discovery'];
const HINT = ['network-hint'];

/** A bug of the table of candidates. */
function table(name, find, replace, red) {
  return { name: `discovery: ${name}`, file: 'discovery.js', find, replace, tests: TABLE, red };
}

/** A bug of the network's hint. */
function hint(name, find, replace, red) {
  return { name: `discovery: ${name}`, file: 'network-hint.js', find, replace, tests: HINT, red };
}

export const DISCOVERY_MUTANTS = [
  table(
    "another network's announcement is taken",
    "if (kinship === 'other')",
    'if (false)',
    /another network|the hint of our network/,
  ),
  table(
    'who goes away and comes back is forgiven',
    'known?.found.delete(found.method);',
    'known?.found.delete(found.method); this.#failures.clear();',
    /refuses us|whatever is told/,
  ),
  table('waits do not grow', 'first * 2 ** Math.min(count - 1, 30)', 'first', /refuses us/),
  table(
    'a hint that goes back and forth is worth a dial each time',
    "if (candidate.kinship === 'unsaid')",
    'if (known !== undefined) this.forgive(known); if (true)',
    /hint of our network|refuses us|whatever is told|counts for as long/,
  ),
  table(
    'no method is bounded',
    'ofMethod.length >= LIMITS.candidatesPerMethod',
    'false',
    /flood|whatever is told/,
  ),
  table(
    'a flood displaces those that are trusted',
    '(one.key === undefined || !this.#isKept(one.key))',
    'true',
    /flood/,
  ),
  table(
    'strangers who proved the network key keep their places',
    '(one.key === undefined || !this.#isKept(one.key))',
    'one.key === undefined',
    /fill the table/,
  ),
  table(
    'a claim renames who has proven itself',
    'candidate.key === undefined && found.name',
    'found.name',
    /taken back/,
  ),
  table('nothing is ever forgotten', 'if (untilMs <= monotonicMs)', 'if (false)', /counts for as long/),
  hint(
    'the hint never changes',
    'Math.floor(ms / LIMITS.hintSlotMs)',
    '0',
    /announcement is ours|clock|slot/,
  ),
  hint('the slot before does not count', 'slot, slot - 1, ', 'slot, ', /announcement is ours/),
  hint('any hint is ours', "? 'ours' : 'other'", "? 'ours' : 'ours'", /announcement is ours|clock/),
  hint(
    'the hint does not depend on the key',
    'tools.crypto.hmac(networkKey, ',
    'tools.crypto.hmac(new Uint8Array(32), ',
    /announcement is ours|slot/,
  ),
];
