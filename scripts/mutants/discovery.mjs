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

/** A bug in some other file of discovery. */
function at(file, tests, name, [find, replace], red) {
  return { name: `discovery: ${name}`, file, find, replace, tests, red };
}

const SCOUT = 'shell/scout.js';
const DESK = 'shell/discovery-desk.js';
const MDNS = 'node/mdns-finder.js';
const SOCKET = 'node/mdns-socket.js';
const CLIENT = 'node/dns-client.js';
const UPDATE = 'node/dns-update-message.js';

const SHELL_MUTANTS = [
  at(
    SCOUT,
    ['finding'],
    'dials in a minute have no bound',
    ['this.#dialledAtMs.length >= LIMITS.scoutsPerMinute', 'false'],
    /flood/,
  ),
  at(
    SCOUT,
    ['finding'],
    'who refuses us counts as passing by',
    ["mayOpen ? 'unreachable' : 'stranger'", "'unreachable'"],
    /repeats our hint/,
  ),
  at(
    SCOUT,
    ['finding'],
    'a node looks at itself again and again',
    ['candidates.proven(candidate, own, clock.now());', ''],
    /finds itself|another network key|find each other/,
  ),
  at(
    DESK,
    ['finding'],
    'hints are not looked at',
    ['kinshipOf(one.hint, world)', "'ours'"],
    /another network key/,
  ),
  at(
    DESK,
    ['finding'],
    'nothing is remembered over a restart',
    ['this.candidates.restore(place.address, place);', 'void place;'],
    /remembered over a restart/,
  ),
  at(
    'shell/dialler.js',
    ['finding'],
    'found places are not dialled',
    ['[peer.address, ...found]', '[peer.address]'],
    /has moved/,
  ),
  at(
    'finder.js',
    ['finding'],
    'a notebook may hold any address',
    ['parseAddress(address)?.url !== address', 'false'],
    /notebook only places/,
  ),
  at(
    'finder.js',
    ['finding'],
    'a notebook may hold any name',
    ["typeof name !== 'string' || !isNodeName(name)", "typeof name !== 'string'"],
    /notebook only places/,
  ),
  at(
    'shell/peer-info.js',
    ['finding'],
    'a claim is shown as a name',
    ['id: key === undefined || name === undefined', 'id: name === undefined'],
    /repeats our hint/,
  ),
  at(
    'acquaintance.js',
    ['message'],
    'peers may tell of any path',
    ['address === `${scheme}://${parsed.display}${FEDERATION_PATH}`', 'true'],
    /"peers" is malformed/,
  ),
  at(
    'acquaintance.js',
    ['message'],
    'peers may tell of any number',
    ['value.length > LIMITS.acquaintances', 'false'],
    /"peers" is malformed/,
  ),
  at(
    'session.js',
    ['session'],
    'an earlier version is told of peers',
    ["state.phase === 'open' && state.takesPeers", "state.phase === 'open'"],
    /acquaint, a peer of an earlier version/,
  ),
  at(
    'session.js',
    ['session'],
    'peers may be told of at any pace',
    ['world.monotonicMs - state.toldAtMs < LIMITS.acquaintGapMs', 'false'],
    /peers, again and too soon/,
  ),
  at(
    DESK,
    ['finding'],
    'the exchange cannot be turned off',
    ['exchange ? new Exchange', 'true ? new Exchange'],
    /exchange is off/,
  ),
];

const NETWORK_MUTANTS = [
  at(
    SOCKET,
    ['mdns'],
    'a damaged packet is thrown further',
    ['catch {', 'catch (error) { throw error;'],
    /./,
  ),
  at(MDNS, ['mdns'], 'instances have no bound', ['this.#instances.size <= INSTANCES_MAX', 'true'], /flood/),
  at(MDNS, ['mdns'], 'any port may answer', ['from.port === this.#socket?.port)', 'true)'], /another port/),
  at(
    MDNS,
    ['mdns'],
    'whoever asks is answered each time',
    ['this.#legacyAtMs.length >= LEGACY_PER_SECOND', 'false'],
    /only so often/,
  ),
  at(
    MDNS,
    ['mdns'],
    'nobody is told of a farewell',
    ['this.#announcement(advert, address, 0)', 'this.#announcement(advert, address, TTL_S)'],
    /miss who has gone/,
  ),
  at(CLIENT, ['dns'], 'any id answers', ['packet.id === id', 'true'], /another question/),
  at(CLIENT, ['dns'], 'any question is answered', ['&& isSame;', ';'], /another question/),
  at(
    CLIENT,
    ['dns'],
    'records of any name count',
    ['names.some((own) => isSameName(own, one.name))', 'true'],
    /another question/,
  ),
  at(
    'node/dns-finder.js',
    ['dns'],
    'lifetimes are not honoured',
    ['ttlMs <= ageMs', 'ttlMs < 0'],
    /asked for again/,
  ),
  at(
    'node/dns-finder.js',
    ['dns'],
    'targets have no bound',
    ['targets.slice(0, TARGETS_MAX)', 'targets'],
    /only so many/,
  ),
  at(
    UPDATE,
    ['dns-update'],
    'any signature of an answer counts',
    ['timingSafeEqual(mac, expected)', 'true'],
    /has not signed/,
  ),
  at(
    UPDATE,
    ['dns-update'],
    'an answer is not bound to its request',
    ['sized(request.mac), unsigned', 'unsigned'],
    /./,
  ),
  at(
    'node/dns-registration.js',
    ['dns-update'],
    'an unsigned answer counts',
    ['if (!answer.isSigned)', 'if (false)'],
    /has not signed/,
  ),
  at(
    'node/dns-registration.js',
    ['dns-update'],
    'a refusal counts as success',
    ['answer.rcode !== 0 || answer.tsigError !== 0', 'false'],
    /refusal/,
  ),
];

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
  ...SHELL_MUTANTS,
  ...NETWORK_MUTANTS,
];
