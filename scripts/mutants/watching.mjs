// Bugs of what is told about a node: a secret or a tenant would come out, a name would become a series, or safety would be claimed.

function server(name, { file, find, replace = '', tests, red }) {
  return { name: `watching: ${name}`, of: 'server', file, find, replace, tests, red };
}

function core(name, { file, find, replace = '', tests = ['replication'], red }) {
  return { name: `watching: ${name}`, file, find, replace, tests, red };
}

const NO_SECRET = /^no configured secret, token or password/;
const NO_TENANT = /^tenants are named to those alone/;
const OWN_TENANT = /^whoever is bound to a tenant is told of that one only/;

export const WATCHING_MUTANTS = [
  server('a configured secret stands in the log', {
    file: 'log-format.js',
    find: 'for (const secret of hidden)',
    replace: 'for (const secret of [])',
    tests: ['logging'],
    red: NO_SECRET,
  }),
  server('a token stands in the log', {
    file: 'log-format.js',
    find: '.replaceAll(TOKEN, REDACTED)',
    tests: ['logging'],
    red: NO_SECRET,
  }),
  server('the password of an address stands in the log', {
    file: 'log-format.js',
    find: '.replaceAll(URL_PASSWORD, `$1:${REDACTED}@`)',
    tests: ['logging'],
    red: NO_SECRET,
  }),
  server('what others wrote drives the terminal of who reads the log', {
    file: 'log-format.js',
    find: 'safe.replaceAll(UNSHOWN, escapeOf).replace',
    replace: 'safe.replace',
    tests: ['logging'],
    red: /is one line and drives no terminal$/,
  }),
  server('the network sees in the figures whose timelines are here', {
    file: 'routes/health.js',
    find: 'tenants: seesAllTenants(callerOf(ctx))',
    replace: 'tenants: true',
    tests: ['metrics'],
    red: NO_TENANT,
  }),
  server('every peer and tenant becomes a series', {
    file: 'replication-metrics.js',
    find: 'this.#named.size >= this.#most',
    replace: 'false',
    tests: ['metrics'],
    red: /the series are bounded/,
  }),
  server('every scrape looks through everything', {
    file: 'shared-report.js',
    find: 'this.#making ??=',
    replace: 'this.#making =',
    tests: ['metrics'],
    red: /^a report that takes long is made once/,
  }),
  server('the network is told what of which tenant is where', {
    file: 'replication.js',
    find: 'caller.tenant === undefined && !seesAllTenants(caller)',
    replace: 'false',
    tests: ['replication'],
    red: OWN_TENANT,
  }),
  server('a tenant is told what of others is where', {
    file: 'replication.js',
    find: 'tenants: caller.tenant === undefined ? undefined : [caller.tenant],',
    tests: ['replication'],
    red: OWN_TENANT,
  }),
  core('what was never confirmed counts as safe', {
    file: 'shell/replication.js',
    find: 'countEntries(feed.ranges) - countEntries(missingRanges(view.holds(feed.key), feed.ranges))',
    replace: 'countEntries(feed.ranges)',
    red: /^a span that was written a moment ago|^what a peer has confirmed/,
  }),
  core('a younger span passes for the oldest that is missing', {
    file: 'shell/replication.js',
    find: 'writtenAtMs < oldest.writtenAtMs',
    replace: 'writtenAtMs > oldest.writtenAtMs',
    red: /^the oldest of what is missing/,
  }),
  core('a span of another tenant is explained', {
    file: 'shell/explain.js',
    find: 'readings.shown(tenant, id)',
    replace: "readings.shown('acme', id)",
    red: /^a span that is not here has no story|^a tenant that one side does not share/,
  }),
];
