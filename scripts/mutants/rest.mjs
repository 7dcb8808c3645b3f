// Bugs of who may ask what over REST, and of what an answer tells.

/** Each is a check that is gone, or that looks at the wrong thing. */
function rest(what, file, [find, replace], tests, red) {
  return { of: 'server', name: `rest: ${what}`, file, find, replace, tests, red };
}

const CALLERS = ['callers'];
const ACCESS = ['access'];
const LOCALS = ['local-callers'];
const TOKENS = ['tokens'];
const RUNNING = 'the rules hold on a running server';

const ROLES = [
  rest(
    'a role is not asked for',
    'caller.js',
    ['if (!hasRole(caller, role)) {', 'if (false) {'],
    CALLERS,
    /^(the gateway speaks|without the gateway|a token that the gateway|where it cannot|what a role may do|metrics are)/,
  ),
  rest(
    'writing is reading',
    'caller.js',
    [
      'caller.roles.has(role) ||',
      "caller.roles.has(role) || (role === 'read' && caller.roles.has('write')) ||",
    ],
    CALLERS,
    /^(the gateway speaks|where it cannot|what a role may do)/,
  ),
  rest(
    'who is bound to a tenant acts on the node',
    'caller.js',
    ['if (isAboutAll && caller.tenant !== undefined) {', 'if (false) {'],
    CALLERS,
    /^(what a role may do|metrics are)/,
  ),
  rest(
    'who is bound to no tenant sees timelines',
    'caller.js',
    ["if (reach === 'tenant' && caller.tenant === undefined &&", 'if (false &&'],
    CALLERS,
    /^(the gateway speaks|a token that the gateway|what a role may do)/,
  ),
  rest(
    'a caller names any tenant',
    'request.js',
    ['named !== undefined && named !== own', 'false'],
    CALLERS,
    /^without the gateway/,
  ),
];

const CREDENTIALS = [
  rest(
    'any service token will do',
    'credentials.js',
    ['!isSameSecret(shown.serviceToken, access.serviceToken)', 'false'],
    CALLERS,
    /^(without the gateway|the operator comes by itself)/,
  ),
  rest(
    'a forwarded token may name another tenant',
    'credentials.js',
    ['claims.tenant !== undefined && tenant !== undefined && tenant !== claims.tenant', 'false'],
    CALLERS,
    /^a token that the gateway forwards/,
  ),
  rest(
    'a forwarded token may name another user',
    'credentials.js',
    ['shown.userId !== undefined && shown.userId !== claims.subject', 'false'],
    CALLERS,
    /^(a token that the gateway forwards|where it cannot)/,
  ),
  rest(
    'a token that cannot be verified widens what the gateway says',
    'credentials.js',
    ['[...roles].filter((role) => claims.roles.has(role))', '[...roles, ...claims.roles]'],
    CALLERS,
    /^where it cannot/,
  ),
  rest(
    'a header that comes twice is taken',
    'request.js',
    ['if (values.length > 1)', 'if (false)'],
    CALLERS,
    /^a (second )?header/,
  ),
  rest(
    'a token needs no end',
    'tokens.js',
    ["if (typeof exp !== 'number')", 'if (false)'],
    TOKENS,
    /^every token/,
  ),
  rest(
    'any audience will do',
    'tokens.js',
    ['audience: AUDIENCE,', ''],
    TOKENS,
    /^(every token|a public key)/,
  ),
  rest(
    'any issuer will do',
    'tokens.js',
    ['issuer: [...access.jwtIssuers],', ''],
    TOKENS,
    /^(every token|only what the configuration)/,
  ),
  rest(
    'any algorithm of the family will do',
    'tokens.js',
    ["const SECRET_ALGORITHMS = ['HS256'];", "const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];"],
    TOKENS,
    /^every token/,
  ),
  rest(
    'guesses are not counted',
    'failed-logins.js',
    ['window.failures++;', ''],
    ['failed-logins'],
    /^(an address that|what was right|a network of|neither addresses|a running service|a right guess)/,
  ),
  rest(
    'who guesses keeps out whom the node knows',
    'failed-logins.js',
    ['if (this.#right.has(digestOf(credential)))', 'if (false)'],
    ['failed-logins'],
    /^(what was right|neither addresses|a running service)/,
  ),
];

const CONNECTIONS = [
  rest(
    'any Host reaches loopback',
    'access.js',
    ['caller.host === undefined || !isNameOfLoopback(caller.host)', 'false'],
    ACCESS,
    /^(on loopback routes|the rules hold)/,
  ),
  rest(
    'any Host reaches the local network',
    'access.js',
    ['isNameOfNetwork(host)', 'true'],
    ACCESS,
    /^(on routes for the local network|the rules hold)/,
  ),
  rest(
    'a proxy that only speaks HTTP/1.0 is no proxy',
    'access.js',
    ["httpVersion === '1.1' ?", 'true ?'],
    ACCESS,
    /^(a proxy gives itself away|the rules hold)/,
  ),
  rest(
    'a proxy may look at the node',
    'access.js',
    ['relay === undefined && host', 'host'],
    ACCESS,
    /^(a request that a proxy|the rules hold)/,
  ),
  rest(
    'the gateway of nobody is the operator',
    'access.js',
    ["'x-user-id',", ''],
    ACCESS,
    /^a proxy gives itself away/,
  ),
  rest(
    'a page of another site writes',
    'access.js',
    ['!SAFE_METHODS.has(caller.method)', 'false'],
    ACCESS,
    new RegExp(`^(a web page|${RUNNING})`),
  ),
  rest(
    'every user of the machine is the operator',
    'local-callers.js',
    ['user === ownUser || user === ROOT', 'true'],
    LOCALS,
    /^(the node’s own user|a program of another user)/,
  ),
  rest(
    'who has gone is root',
    'socket-owners.js',
    ["columns[INODE] !== '0'", 'true'],
    LOCALS,
    /^(an end that|the system says)/,
  ),
  rest(
    'a service that others reach has a local operator',
    'config.js',
    ['(byHand || bindsLoopback(values.FEDERATION_BIND_HOST))', 'true'],
    LOCALS,
    /^a service that others reach/,
  ),
];

const ANSWERS = [
  rest(
    'a cursor of anybody is opened',
    'cursors.js',
    ['timingSafeEqual(tag, this.#tagOf(text))', 'true'],
    ['cursors'],
    /^a seal of another key/,
  ),
  rest(
    'a key of one caller is another one’s',
    'routes/spans-write.js',
    ['JSON.stringify([callerKey(caller), key])', 'key'],
    CALLERS,
    /^a key that one caller used/,
  ),
  rest(
    'a span that the gateway may repeat needs no id',
    'routes/spans-write.js',
    ["needsIds: caller.kind === 'gateway'", 'needsIds: false'],
    CALLERS,
    /^behind the gateway/,
  ),
  rest(
    'an answer says where the data lies',
    'problem.js',
    ['OF_THE_DISK.has(code)', 'false'],
    ['problem'],
    /^where the data lies/,
  ),
  rest(
    'one caller takes all places for syncs',
    'syncs.js',
    ['isNamed(caller) && own >=', 'false && own >='],
    ['syncs'],
    /^one caller has some jobs/,
  ),
  rest(
    'nobody’s minute is ever over',
    'rates.js',
    ['await limiter.consume(key);', ''],
    ['rates'],
    /^(a caller who has used up|more callers than)/,
  ),
  rest(
    'a line may take for ever',
    'deadlines.js',
    ['this.#timer ??= setTimeout(', 'void ('],
    ['slow-bodies'],
    /^(headers, bodies and lines|a body that drips|a line has its own time)/,
  ),
  rest(
    'a body has no bound',
    'body.js',
    ['if (bytes > bytesMost)', 'if (false)'],
    ['upload'],
    /^(a small body that inflates|a refusal reaches)/,
  ),
];

export const REST_MUTANTS = [...ROLES, ...CREDENTIALS, ...CONNECTIONS, ...ANSWERS];
